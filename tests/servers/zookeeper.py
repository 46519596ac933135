"""A ZooKeeper ensemble on this machine, from the system's own packages."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError

from local.laptop import processes
from tests.needs import needs
from tests.servers.ports import free_ports
from tests.waiting import PATIENCE

JAR = Path("/usr/share/java/zookeeper.jar")


@dataclass(frozen=True)
class Ensemble:
    """Running servers; `url` is how SHEAF_LOCKS names them."""

    ports: list[int]
    processes: list["subprocess.Popen[bytes]"]

    @property
    def hosts(self) -> str:
        """host:port of each server, with commas."""
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)

    @property
    def url(self) -> str:
        """The address for ZooKeeperLocks.from_url."""
        return f"zookeeper://{self.hosts}/sheaf"


@contextmanager
def zookeeper_ensemble(directory: Path, size: int = 3) -> Iterator[Ensemble]:
    """Run `size` servers with their data below `directory`, and yield once they answer.

    Skips the test on a machine without ZooKeeper.
    """
    needs(JAR.exists() and shutil.which("java") is not None, "ZooKeeper")
    ports = free_ports(3 * size)
    with ExitStack() as stack:
        processes = [
            stack.enter_context(_server(directory / str(number), number, ports))
            for number in range(size)
        ]
        ensemble = Ensemble(ports[:size], processes)
        _wait(ensemble)
        yield ensemble


@contextmanager
def _server(home: Path, number: int, ports: list[int]) -> Iterator["subprocess.Popen[bytes]"]:
    (home / "data").mkdir(parents=True)
    (home / "data/myid").write_text(f"{number + 1}\n")
    (home / "zoo.cfg").write_text(_configuration(number, ports))
    options = ["-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
    command = ["java", *options, "-cp", str(JAR), main, "./zoo.cfg"]
    with (home / "log").open("wb") as log:
        process = processes.spawn(command, cwd=home, output=log)
    with process:
        try:
            yield process
        finally:
            process.kill()


def _configuration(number: int, ports: list[int]) -> str:
    size = len(ports) // 3
    lines = [
        "tickTime=500",
        "maxSessionTimeout=60000",
        "initLimit=20",
        "syncLimit=10",
        "dataDir=./data",  # of a whole path some characters would mean something here
        f"clientPort={ports[number]}",
        "clientPortAddress=127.0.0.1",
        "admin.enableServer=false",
        # Data of tests need not outlive the machine.
        "forceSync=no",
    ]
    lines += [
        f"server.{peer + 1}=127.0.0.1:{ports[size + peer]}:{ports[2 * size + peer]}"
        for peer in range(size)
    ]
    return "\n".join(lines) + "\n"


def _wait(ensemble: Ensemble) -> None:
    deadline = time.monotonic() + PATIENCE
    for port in ensemble.ports:
        client = KazooClient(hosts=f"127.0.0.1:{port}")
        try:
            client.start(timeout=deadline - time.monotonic())
            client.get_children("/")
        except (KazooException, KazooTimeoutError) as error:
            raise RuntimeError(f"ZooKeeper on port {port} does not answer") from error
        finally:
            client.stop()
            client.close()
