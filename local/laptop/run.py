"""The whole site on this machine: start its parts in order, watch them, stop them."""

import errno
import os
import select
import shlex
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import NoReturn
from urllib.parse import urlsplit

from local.gateway.config import (
    CLIENT_ID,
    HOST,
    MOUNT,
    PROJECT,
    WRONG_SETTING,
    ConfigError,
    RunConfig,
)
from local.gateway.functions import REGION
from local.gateway.serving import WORKER, adapt_gunicorn, listen
from local.laptop import keys, processes, services, state, stopping
from local.laptop.issuer import mint
from local.laptop.postgres import forget_defaults
from local.laptop.processes import POLL_SECONDS, Keeper, Server, ServerError

REQUEST_SECONDS = 30  # API Gateway gives up on a request after this time
START_SECONDS = 60
IMPORT_SECONDS = 600
WATCH_SECONDS = 0.25
DOCS = PROJECT / "docs"


class SiteError(RuntimeError):
    """A part of the site did not start, or ended by itself."""


class Unprepared(Exception):
    """The site cannot be served, and people have been told why."""


class Part:
    """A Python program of the site, stopped when its stack closes."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        stack: ExitStack,
        environ: Mapping[str, str],
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        command = [sys.executable, *arguments]
        self.process = processes.spawn(command, env=environ, pass_fds=pass_fds)
        stack.callback(processes.stop, self.process)

    def complete(self, patience: float) -> None:
        """Wait up to `patience` seconds for a successful end; raises SiteError."""
        if status := self.wait(patience):
            raise SiteError(f"{self.name} failed with exit status {status}")

    def wait(self, patience: float) -> int:
        """Wait up to `patience` seconds for the end; returns the status, or raises SiteError."""
        status = processes.wait(self.process, patience)
        if status is None:
            raise SiteError(f"{self.name} took longer than {patience:.0f} s")
        return status


def main() -> int:
    """Run the site until SIGINT, SIGTERM or SIGHUP; return 1 if it could not go on."""
    stopping.note_signals()
    try:
        with ExitStack() as stack:
            run(RunConfig.read(os.environ), stack)
    except Unprepared:
        return 1
    except (ConfigError, ServerError, state.StateError, SiteError) as error:
        print(f"sheaf: {error}", file=sys.stderr)
        return 1


def run(config: RunConfig, stack: ExitStack) -> NoReturn:
    """Start the site on `stack` and watch it; ends with SiteError or a signal's SystemExit."""
    stack.enter_context(state.exclusive(state.private(config.home) / "run.lock"))
    keys.load(config.home)  # before anything is started that would be in vain
    listener = stack.enter_context(_listen(config.port))
    site = _url(listener)
    servers = _start_servers(config, stack)
    environ = _environment(config, site, servers)

    _prepare(servers, stack, environ)
    _import_docs(config, site, environ)
    parts = [_serve(config, listener, stack, environ)]
    parts.append(Part("the schedule", ["-m", "local.gateway.schedule"], stack, environ))
    _introduce(config, site, servers)
    _watch(parts, [Keeper(server) for server in servers.values()])


def _prepare(servers: Mapping[str, Server], stack: ExitStack, environ: Mapping[str, str]) -> None:
    """Have the servers reached, and the tables made; raises Unprepared, SiteError."""
    called = [f"{name}={each.name} in {each.log.parent}" for name, each in servers.items()]
    program = ["-m", "local.gateway.preparation", *called]
    part = Part("the preparation", program, stack, environ)
    if part.wait(START_SECONDS) == WRONG_SETTING:
        raise Unprepared
    part.complete(START_SECONDS)


def _listen(port: int) -> socket.socket:
    """Take the port before anything is started; gunicorn inherits it."""
    try:
        return listen(HOST, port)
    except OSError as error:
        problem = f"PORT: cannot listen on port {port}: {error.strerror}"
        if error.errno == errno.EADDRINUSE:
            problem = f"port {port} is in use; choose another, for example PORT={port + 1}"
        raise SiteError(problem) from None


def _start_servers(config: RunConfig, stack: ExitStack) -> dict[str, Server]:
    """Start the servers that have no address yet, both at once; return them by variable."""
    servers = {}
    if not config.cache_url:
        redis = services.starting_redis(config.home)
        servers["SHEAF_CACHE_URL"] = stack.enter_context(redis)
    if not config.database_urls:
        forget_defaults(os.environ)  # before any part inherits them
        postgres = services.starting_postgres(config.home)
        servers["SHEAF_DATABASE_URLS"] = stack.enter_context(postgres)
    for server in servers.values():
        server.wait()
    return servers


def _environment(config: RunConfig, site: str, servers: dict[str, Server]) -> dict[str, str]:
    """What the functions find in their environment."""
    issuer = site + MOUNT
    defaults = {
        "AWS_REGION": REGION,
        "POWERTOOLS_SERVICE_NAME": "sheaf",
        "POWERTOOLS_LOG_LEVEL": "WARNING",
        "POWERTOOLS_METRICS_NAMESPACE": "Sheaf",
        "POWERTOOLS_METRICS_DISABLED": "true",
        "POWERTOOLS_TRACE_DISABLED": "true",
    }
    return {
        **defaults,
        **os.environ,
        **{variable: server.url for variable, server in servers.items()},
        "SHEAF_HOME": str(config.home),
        "SHEAF_ISSUER": issuer,
        "SHEAF_SITE_URL": site,
        "SHEAF_CLIENT_ID": CLIENT_ID,
        "SHEAF_SIGN_IN_URL": f"{issuer}/authorize",
        "SHEAF_TOKEN_URL": f"{issuer}/token",
        "SHEAF_SIGN_OUT_URL": f"{issuer}/logout",
    }


def _gunicorn(config: RunConfig, listener: int) -> list[str]:
    """Its workers serve one request at a time, as Lambda's instances do."""
    return [
        *("-m", "gunicorn", "local.laptop.app:create_app()"),
        *("--bind", f"fd://{listener}", "--workers", str(config.workers), "--worker-class", WORKER),
        *("--timeout", str(REQUEST_SECONDS), "--graceful-timeout", "5"),
        *("--preload", "--log-level", "warning", "--no-control-socket"),
        *adapt_gunicorn(),
    ]


def _url(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


def _serve(
    config: RunConfig, listener: socket.socket, stack: ExitStack, environ: dict[str, str]
) -> Part:
    """Start the gateway, and wait until a worker answers; the socket takes connections before."""
    arguments = _gunicorn(config, listener.fileno())
    gateway = Part("the gateway", arguments, stack, environ, [listener.fileno()])
    deadline = time.monotonic() + START_SECONDS
    with socket.create_connection(listener.getsockname(), timeout=START_SECONDS) as connection:
        host = urlsplit(_url(listener)).netloc
        connection.sendall(f"GET {MOUNT}/jwks.json HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        while not select.select([connection], [], [], 0)[0]:
            stopping.pause(POLL_SECONDS)
            _check([gateway])
            if time.monotonic() > deadline:
                raise SiteError(f"the gateway does not answer within {START_SECONDS} s")
        if not connection.recv(64).startswith(b"HTTP/1.1 200"):
            raise SiteError("the gateway cannot read its key")
    return gateway


def _import_docs(config: RunConfig, site: str, environ: dict[str, str]) -> None:
    """Fill a new site with the manual, which works without it too.

    Its first readers wait until it is in: the import has a gateway of its own, at another address.
    """
    done = config.home / "docs-imported"
    if done.exists() or not DOCS.is_dir():
        return
    token = mint(config.home, site + MOUNT, "sheaf", "admin")
    try:
        with ExitStack() as stack:
            listener = stack.enter_context(_listen(0))
            _serve(config, listener, stack, environ)
            signed_in = environ | {"SHEAF_URL": _url(listener), "SHEAF_TOKEN": token}
            part = Part("the import of docs/", ["-m", "ops", "import", str(DOCS)], stack, signed_in)
            part.complete(IMPORT_SECONDS)
        state.write(done, "")
    except (SiteError, state.StateError) as error:
        print(f"sheaf: {error}; the next start tries again", file=sys.stderr)


def _introduce(config: RunConfig, site: str, servers: dict[str, Server]) -> None:
    """Say what runs where and how to sign in."""
    lines = [f"Sheaf is at {site}"]
    for server in servers.values():
        address = urlsplit(server.url)
        lines.append(f"  {server.name} at {address.hostname}:{address.port}")
    lines += [
        f"  state in {config.home}",
        f"Sign in at {site}/-/sign-in, or get a token: {_token_command(config, site)}",
        "Stop with Ctrl-C.",
    ]
    print("\n".join(lines), flush=True)


def _token_command(config: RunConfig, site: str) -> str:
    """What gives a token for this site, to be typed in its folder."""
    home = shlex.quote(str(config.home))
    return f"sheaf --url {site} token --home {home} --user alice --role editor"


def _check(parts: Sequence[Part]) -> None:
    """Raise SiteError if one of `parts` has ended."""
    for part in parts:
        if (status := part.process.poll()) is not None:
            raise SiteError(f"{part.name} ended with exit status {status}")


def _watch(parts: Sequence[Part], keepers: Sequence[Keeper]) -> NoReturn:
    """Wait for one of `parts` to end, which is a SiteError; servers are started again."""
    while True:
        _check(parts)
        for keeper in keepers:
            if said := keeper.look(time.monotonic()):
                print(f"sheaf: {said}", file=sys.stderr, flush=True)
        stopping.pause(WATCH_SECONDS)
