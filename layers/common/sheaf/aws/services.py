"""AWS's own services, for the functions outside the private network: nobody else reaches them.

The runtime of Lambda brings boto3. The layer does not carry it, so it is imported when it is used.
"""

import json
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeVar

_CONNECT_SECONDS = 5

T = TypeVar("T")


class FunctionFailed(Exception):
    """A function that was called has ended with an error; the message is that error's."""


@cache
def client(service: str, read_seconds: int = 10, attempts: int = 4) -> Any:
    """The client of a service, made once. Each call is tried at most `attempts` times.

    Tried again is what was throttled, lost on the way or met a fault of theirs, after a while.
    """
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,  # a migration may be silent for minutes, after which NAT forgets it
    )
    make: Any = boto3.client  # whose types name some services and not others
    return make(service, config=config)


def invoke(function: str, event: object, seconds: int, version: str = "") -> Any:
    """What a function, or a version of it, answers to an event within `seconds`.

    It is never called twice: a lost answer is an error, as it may have done its work. Raises
    FunctionFailed with what it raised itself.
    """
    api = client("lambda", seconds, 1)
    # Leave to call a function is no leave to call it by the name of a version.
    qualifier = {"Qualifier": version} if version else {}
    answer = patiently(
        lambda: api.invoke(FunctionName=function, Payload=json.dumps(event), **qualifier),
        api.exceptions.TooManyRequestsException,  # it was not called at all
    )
    result = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise FunctionFailed(f"{result.get('errorType', 'Error')}: {result.get('errorMessage')}")
    return result


def patiently(
    call: Callable[[], T],
    busy: type[Exception] | tuple[type[Exception], ...],
    pauses: Iterable[float] = (1, 2, 4),
) -> T:
    """What a call returns; while it raises `busy` it is made again after each pause (seconds)."""
    for pause in pauses:
        try:
            return call()
        except busy:
            time.sleep(pause)
    return call()
