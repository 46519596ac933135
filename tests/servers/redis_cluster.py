"""A Redis Cluster on this machine: primaries with a replica each, TLS on every connection.

It stands in for ElastiCache Serverless: a client that logs in as its user may do what the template
lets the functions do and no more, without the commands that are not offered there, and nobody else
gets in. No replica takes over by itself, however long a busy machine makes its primary silent: a
test that wants one to says so.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
import trustme
import yaml

from local.laptop import processes, redis_server
from local.laptop.redis_server import Engine
from tests.needs import needs
from tests.servers.ports import free_ports
from tests.waiting import PATIENCE, wait_until

USER = "sheaf"
_OPERATOR = "operator"
_TEMPLATE = Path(__file__).parents[2] / "template.yaml"
# What ElastiCache Serverless does not offer, beyond Redis' own category of dangerous commands.
_NOT_OFFERED = (
    "client|caching client|getredir client|id client|info client|tracking client|trackinginfo"
    " cluster|links fcall fcall_ro function memory move object psubscribe pubsub|numpat"
    " punsubscribe script|kill wait"
)
_SLOTS = 16384


@dataclass(frozen=True)
class Cluster:
    """Running servers. The first are primaries, and each other one follows one of them."""

    ports: list[int]
    bus_ports: list[int]
    password: str
    authority: Path

    @property
    def url(self) -> str:
        """The address for redis_client.connect: one node, which knows the others."""
        return self.url_at(self.ports[0])

    def url_at(self, port: int, user: str = USER) -> str:
        """The address of the node with this port."""
        authority = quote(str(self.authority), safe="/")
        return f"rediss://{user}:{self.password}@127.0.0.1:{port}?ssl_ca_certs={authority}"

    def node(self, number: int) -> Any:
        """A client of one node alone, which may do everything; there are no types for it."""
        url = self.url_at(self.ports[number], _OPERATOR)
        return redis.Redis.from_url(url, decode_responses=True)


@contextmanager
def redis_cluster(directory: Path, primaries: int = 3, replicas: int = 3) -> Iterator[Cluster]:
    """Run the servers with their data below `directory`, and yield once every slot is served.

    Skips the test where none is installed: the wheel's Valkey knows no TLS.
    """
    engine = redis_server.installed()
    needs(engine is not None, "redis-server or valkey-server")
    assert engine
    directory.mkdir(parents=True, exist_ok=True)
    size = primaries + replicas
    ports = free_ports(2 * size)
    cluster = Cluster(ports[:size], ports[size:], secrets.token_urlsafe(16), directory / "ca.pem")
    _certify(directory)
    with ExitStack() as stack:
        for number in range(size):
            stack.enter_context(_server(engine, directory / str(number), cluster, number))
        _join(cluster, primaries, stack)
        yield cluster


def _certify(directory: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(directory / "node.pem")
    )


@contextmanager
def _server(engine: Engine, home: Path, cluster: Cluster, number: int) -> Iterator[None]:
    home.mkdir()
    with (home / "log").open("wb") as log:
        settings = _settings(cluster, number).encode()
        process = processes.spawn(engine.command, cwd=home, stdin=settings, output=log)
    try:
        yield
    finally:
        processes.stop(process)


def _settings(cluster: Cluster, number: int) -> str:
    return f"""\
bind 127.0.0.1
port 0
tls-port {cluster.ports[number]}
tls-cert-file ../node.pem
tls-key-file ../node.pem
tls-ca-cert-file ../{cluster.authority.name}
tls-auth-clients no
tls-replication yes
tls-cluster yes
cluster-enabled yes
cluster-port {cluster.bus_ports[number]}
cluster-node-timeout {PATIENCE * 1000}
repl-diskless-sync-delay 0
user default off
user {_OPERATOR} on >{cluster.password} ~* &* +@all
user {USER} >{cluster.password} {_access()}
masteruser {_OPERATOR}
masterauth {cluster.password}
save ""
"""


def _access() -> str:
    template = yaml.load(_TEMPLATE.read_text(), yaml.BaseLoader)
    granted = template["Resources"]["CacheUser"]["Properties"]["AccessString"]
    return " ".join([granted, *(f"-{command}" for command in _NOT_OFFERED.split())])


def _join(cluster: Cluster, primaries: int, stack: ExitStack) -> None:
    nodes = [stack.enter_context(cluster.node(number)) for number in range(len(cluster.ports))]
    for number, node in enumerate(nodes):
        _until(node.ping, f"node {number} to answer")
        # Or the nodes settle among themselves whose claim to its slots is the newer one, and a
        # replica that takes over meanwhile may come to the number that its primary got.
        node.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
    for number, port in enumerate(cluster.ports[1:], 1):
        bus_port = cluster.bus_ports[number]
        nodes[0].execute_command("CLUSTER MEET", "127.0.0.1", port, bus_port)
    for number, node in enumerate(nodes[:primaries]):
        first, end = (_SLOTS * edge // primaries for edge in (number, number + 1))
        node.execute_command("CLUSTER ADDSLOTSRANGE", first, end - 1)
    names = [str(node.execute_command("CLUSTER MYID")) for node in nodes]
    for number, node in enumerate(nodes):
        _until(partial(_knows, node, names), f"node {number} to know all")
    for node, primary in zip(nodes[primaries:], names, strict=False):
        node.execute_command("CLUSTER REPLICATE", primary)
    for number, node in enumerate(nodes):
        _until(partial(_ready, node, len(nodes)), f"node {number} to be ready")


def _knows(node: Any, names: list[str]) -> bool:
    known = {peer["node_id"] for peer in node.execute_command("CLUSTER NODES").values()}
    return known >= set(names)


def _ready(node: Any, size: int) -> bool:
    replication = node.info("replication")
    linked = replication["role"] == "master" or replication["master_link_status"] == "up"
    cluster = node.execute_command("CLUSTER INFO")
    knows_all_claims = int(cluster["cluster_current_epoch"]) >= size
    return bool(linked and knows_all_claims and cluster["cluster_state"] == "ok")


def _until(true: Callable[[], object], what: str) -> None:
    wait_until(lambda: _answers(true), f"waited in vain for {what}")


def _answers(true: Callable[[], object]) -> bool:
    try:
        return bool(true())
    except redis.ConnectionError:
        return False
