"""The site that the sample events assume, made by the functions themselves.

    python -m local.invocation.seed

fills the database of the environment's settings, unless it is full. Every page that an event
changes is that event's alone, so events may be replayed in any order, once for each seed.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from local.gateway.functions import invoke
from local.gateway.template import Function, Template, load
from local.invocation.samples import EVENTS

Functions = Mapping[str, Function]

# What is done to each page, in order. The last one is there when all are.
HISTORIES = {
    "home": ["create"],
    "samples/größe": ["create"],
    "samples/update": ["create"],
    "samples/delete": ["create"],
    "samples/move": ["create"],
    "samples/stay": ["create"],
    "samples/batch/changed": ["create"],
    "samples/batch/deleted": ["create"],
    "samples/batch/moved": ["create"],
    "samples/stale": ["create", "update"],
    "samples/deleted": ["create", "delete"],
    "samples/again": ["create", "delete"],
    "samples/restore": ["create", "delete"],
    "guide/install": ["create"],
}
# An hour later these have ended by themselves.
LEASES = {
    "samples/leased": ["lease"],
    "samples/given-up": ["lease"],
    "samples/held": ["lease of bob"],
    "samples/taken-over": ["lease of bob"],
}
SAMPLE_OF = {
    "create": "create.201",
    "update": "update.200",
    "delete": "delete.204",
    "lease": "lease-take.201",
    "lease of bob": "lease-take.201",
}


def template() -> Template:
    """The template, with an issuer: the one that it would make itself is on AWS."""
    return load(EVENTS.parent / "template.yaml", {"JwtIssuer": "https://id.example.com/dev"})


def seed() -> None:
    """Migrate the database, write the pages, and let upkeep finish what writes leave to it.

    What is there already stays as events have left it; leases, which end by themselves, are taken
    again.
    """
    functions = template().functions
    invoke(functions["MigrateFunction"], {"site_url": "https://sheaf.example.com"})
    if invoke(functions["ListingFunction"], _sample("listing/page.200"))["statusCode"] == 200:
        _do(functions, LEASES, HTTPStatus.LOCKED)
    else:
        _do(functions, HISTORIES | LEASES)
    invoke(functions["UpkeepFunction"], {})


def _do(functions: Functions, histories: Mapping[str, list[str]], *passable: int) -> None:
    for slug, history in histories.items():
        for version, change in enumerate(history):
            answer = invoke(functions["WritesFunction"], _event(change, slug, version))
            if answer["statusCode"] >= 400 and answer["statusCode"] not in passable:
                raise RuntimeError(f"{change} of {slug}: {answer['body']}")


def _sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def _event(change: str, slug: str, version: int) -> dict[str, Any]:
    event = _sample(f"writes/{SAMPLE_OF[change]}")
    path = event["routeKey"].partition(" ")[2].replace("{slug+}", slug)
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    event["pathParameters"] = {"slug": slug}
    if change == "create":
        event["body"] = json.dumps({"body": f"# About {slug}\n\nHow to install {slug}.\n"})
    elif change.startswith("lease"):
        event["headers"]["content-type"] = "application/json"
        event["body"] = json.dumps({"seconds": 3600})
        if handle := change.partition(" of ")[2]:
            _send_as(handle, event)
    else:
        event["headers"]["if-match"] = f'"v{version}"'
    return event


def _send_as(handle: str, event: dict[str, Any]) -> None:
    """Have an event come from somebody else, whose token was verified before it was made."""
    event["requestContext"]["authorizer"]["jwt"]["claims"]["username"] = handle
    head, payload, signature = event["headers"]["authorization"].split(".")
    claims = json.loads(urlsafe_b64decode(payload + "==")) | {"username": handle}
    payload = urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    event["headers"]["authorization"] = f"{head}.{payload}.{signature}"


if __name__ == "__main__":
    seed()
