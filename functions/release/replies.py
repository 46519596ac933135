"""Answers to CloudFormation, which waits for them at an address that it gives."""

import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.request import Request, urlopen

from sheaf.aws.services import patiently

_SECONDS = 5
# An answer may have 4,096 bytes, and a character four.
_REASON_LENGTH = 800


def send(event: Mapping[str, Any], failure: str) -> None:
    """Say that what the event asks for was done, or why it was not, if `failure` says so.

    Raises OSError if that cannot be delivered: Lambda then sends the event again.
    """
    body = json.dumps(_answer(event, failure), ensure_ascii=False).encode()
    # The address is signed for an empty type.
    request = Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")  # noqa: S310
    patiently(lambda: _deliver(request), (OSError, HTTPException))


def _deliver(request: Request) -> None:
    with urlopen(request, timeout=_SECONDS):  # noqa: S310 - CloudFormation's own address
        pass


def _answer(event: Mapping[str, Any], failure: str) -> dict[str, str]:
    echoed = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    return {
        **echoed,
        # There is one of each, for ever: another id would ask for the old one to be deleted.
        "PhysicalResourceId": event.get("PhysicalResourceId", event["LogicalResourceId"]),
        "Status": "FAILED" if failure else "SUCCESS",
        "Reason": failure[:_REASON_LENGTH],
    }
