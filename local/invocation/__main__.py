"""`make invoke`: one function, one sample event, and what it answers.

    python -m local.invocation events/pages/page.200.json

With Docker the function is built and runs in a container, by `sam local invoke`. Without it the
function of the working tree runs under Lambda's runtime client, on servers that come as wheels.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from local.gateway.config import PROJECT, home_of
from local.gateway.functions import REGION
from local.invocation import containers, emulator
from local.invocation.account import KEYS, account, moto_server
from local.invocation.containers import InvocationFailed
from local.invocation.samples import Sample
from local.invocation.seed import template
from local.laptop import services, state
from local.laptop.processes import ServerError
from sheaf.http import encodings

# They call AWS, which others, in their private network, do not reach.
Sent = Callable[[dict[str, Any]], dict[str, Any]]  # an event as it is sent
OUTSIDE = {"ReleaseFunction", "GateFunction", "PurgeFunction"}


def main() -> int:
    """Invoke the function that the command line's event is for; 1 if it could not or failed."""
    parser = argparse.ArgumentParser(prog="make invoke", description=__doc__.partition("\n")[0])
    parser.add_argument("event", type=Path, help="a file events/<function>/….json")
    sample = Sample(parser.parse_args().event)
    try:
        answer = _answer(sample.function, _checked(sample))
    except (InvocationFailed, ServerError, state.StateInUse) as failure:
        print(f"make invoke: {failure}", file=sys.stderr)
        return 1
    print(readable(answer))
    return 1 if isinstance(answer, dict) and "errorMessage" in answer else 0


def _checked(sample: Sample) -> dict[str, Any]:
    """The event, if it is one and there is a function for it; raises InvocationFailed."""
    if sample.function not in template().functions:
        names = sorted(name.removesuffix("Function").lower() for name in template().functions)
        raise InvocationFailed(
            f"{sample.path} is in no function's folder, which are {', '.join(names)}: "
            "EVENT is events/<function>/….json, or a file in another folder of that name"
        )
    try:
        event = sample.event
    except OSError as error:
        raise InvocationFailed(f"{sample.path}: {error.strerror}") from error
    except ValueError as error:
        raise InvocationFailed(f"{sample.path} is no JSON: {error}") from error
    if not isinstance(event, dict):
        raise InvocationFailed(f"{sample.path} is no event: an event is an object")
    return event


def _answer(function: str, event: dict[str, Any]) -> Any:
    if containers.are_there():
        containers.prepare()
        with _aws(function, containers.address) as (settings, sent):
            return containers.invoke(function, sent(event), settings)
    print(
        "Docker does not run here: this is the working tree under Lambda's runtime client.",
        file=sys.stderr,
    )
    with _aws(function, lambda: "127.0.0.1") as (settings, sent):
        return _emulated(function, sent(event), settings)


@contextmanager
def _aws(function: str, host: Callable[[], str]) -> Iterator[tuple[dict[str, str], Sent]]:
    """Settings, and what makes of an event one of an account of AWS, where a function needs one."""
    if function not in OUTSIDE:
        yield {}, lambda event: event
        return
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # which says of each request of moto's
    with moto_server(host()) as url, account(url, host()) as made:
        yield {**made.settings, **KEYS}, made.event
        print("AWS was told:", json.dumps(made.told(), indent=2, default=_size), file=sys.stderr)


def _size(body: bytes) -> str:
    return f"{len(body)} bytes"


def _emulated(function: str, event: dict[str, Any], settings: Mapping[str, str]) -> Any:
    """What a function of the working tree answers under the runtime client, on own servers."""
    if not emulator.binary().exists():
        raise InvocationFailed("without Docker this runs on Linux only")
    home = state.private(home_of(os.environ) / "invocations")
    with ExitStack() as running:
        database = running.enter_context(services.postgres(home))
        cache = running.enter_context(services.redis(home))
        environment = {
            **os.environ,
            **KEYS,
            "AWS_DEFAULT_REGION": REGION,
            "SHEAF_DATABASE_URLS": database.url,
            "SHEAF_CACHE_URL": cache.url,
            **settings,
        }
        seeding = [sys.executable, "-m", "local.invocation.seed"]
        quiet = {**environment, "POWERTOOLS_LOG_LEVEL": "WARNING"}
        subprocess.run(seeding, cwd=PROJECT, env=quiet, stdout=sys.stderr, check=True)
        emulators = emulator.Emulators(environment, home, running)
        answer = emulators.invoke(template().functions[function], event)
    print((home / f"{function}.log").read_text(), file=sys.stderr, end="")
    return answer


def readable(answer: Any) -> str:
    """An answer as text: one to a request as it would be seen by its client, others as JSON."""
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return json.dumps(answer, indent=2, ensure_ascii=False)
    headers = answer.get("headers", {})
    lines = [str(answer["statusCode"]), *(f"{name}: {value}" for name, value in headers.items())]
    body = answer.get("body", "")
    if answer.get("isBase64Encoded"):
        encoding = headers.get("content-encoding", "identity")
        body = encodings.decompress(b64decode(body), encoding).decode(errors="replace")
    if "json" in headers.get("content-type", "") and body:
        body = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    return "\n".join([*lines, "", body])


if __name__ == "__main__":
    sys.exit(main())
