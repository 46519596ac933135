"""How gunicorn serves the gateway where others reach it: it reads its settings from this module."""

import logging.config
import os
import socket
import sys
from http import HTTPStatus
from typing import NoReturn

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http import message  # type: ignore[import-untyped]

from local.gateway import responses
from local.gateway.config import check_proxies, port_of, workers_of

_SILENCE_SECONDS = 300
WORKER = "local.gateway.buffering.BufferingWorker"  # gunicorn imports it, before it forks
# gunicorn would refuse shorter heads than API Gateway does. The gateway refuses those that are too
# long there with a problem, and gunicorn what is longer than this.
_LONGEST_HEAD = 64 * 1024
limit_request_line = limit_request_field_size = _LONGEST_HEAD
limit_request_fields = 1000
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "aws_lambda_powertools.logging.formatter.LambdaPowertoolsFormatter",
            "service": os.environ.get("POWERTOOLS_SERVICE_NAME", "sheaf"),
            "utc": True,
        }
    },
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "stream": "ext://sys.stdout",
        }
    },
    "root": {"level": "WARNING", "handlers": ["stdout"]},
    "loggers": {
        "alembic.runtime.migration": {"level": "INFO"},
        "gunicorn.error": {"level": "INFO", "propagate": True},
        "gunicorn.access": {"level": "WARNING"},  # the functions say what was answered
    },
}

worker_class = WORKER
logconfig_dict = LOGGING
timeout = 30  # API Gateway gives up on a request after this time
graceful_timeout = 30
preload_app = True
# The root file system may be read-only, and a heartbeat need not reach a disk.
worker_tmp_dir = "/dev/shm"  # noqa: S108
control_socket_disable = True


def log() -> None:
    """Let this process log as gunicorn does: JSON lines on standard output."""
    logging.config.dictConfig(LOGGING)


def serve(application: str) -> NoReturn:
    """Become gunicorn serving *application* ("module:factory()") to everybody on PORT.

    Its workers serve one request at a time, as Lambda's instances do. Raises ConfigError.
    """
    check_proxies(os.environ)
    workers = str(workers_of(os.environ))
    listener = listen("0.0.0.0", port_of(os.environ))  # noqa: S104 - others shall reach it
    listener.set_inheritable(True)
    bound = ("--bind", f"fd://{listener.fileno()}", "--workers", workers)
    command = [sys.executable, "-m", "gunicorn", "--config", "python:local.gateway.serving", *bound]
    os.execv(sys.executable, [*command, application])  # noqa: S606 - to be process 1


def adapt_gunicorn() -> list[str]:
    """Let gunicorn, in this process, take longer heads than it allows, and refuse as the gateway.

    Returns its options for heads.
    """
    message.MAX_REQUEST_LINE = _LONGEST_HEAD
    util.write_error = _refuse
    sizes = ("--limit-request-line", "--limit-request-field_size")
    longest = [word for option in sizes for word in (option, str(_LONGEST_HEAD))]
    return [*longest, "--limit-request-fields", str(limit_request_fields)]


def _refuse(client: socket.socket, number: int, _reason: str, _message: str) -> None:
    """Answer what is no HTTP request, so that the gateway does not see it."""
    status = HTTPStatus(number)
    if status not in responses.PROBLEMS:
        status = HTTPStatus.BAD_REQUEST  # of an expectation or a coding that nobody needs
    answer = responses.refusal(status)
    headers = {"connection": "close", "content-length": str(len(answer.data)), **answer.headers}
    lines = [f"HTTP/1.1 {status} {status.phrase}", *map(": ".join, headers.items()), "", ""]
    util.write_nonblock(client, "\r\n".join(lines).encode("latin-1") + answer.data)


def listen(host: str, port: int) -> socket.socket:
    """Take a port (0: any free one); raises OSError when it is in use.

    Browsers open connections ahead of need. The kernel (on Linux) hands over only those on which
    a request arrives: a worker that had accepted one before might be busy then, and another free.
    """
    listener = socket.create_server((host, port), backlog=2048)
    if hasattr(socket, "TCP_DEFER_ACCEPT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, _SILENCE_SECONDS)
    return listener
