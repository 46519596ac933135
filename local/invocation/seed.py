"""The site that the sample events assume, made by the functions themselves.

    python -m local.invocation.seed

fills the database of the environment's settings, unless it is full. Every page that an event
changes is that event's alone, so events may be replayed in any order, once for each seed.
"""

import json
from typing import Any

from local.gateway.functions import invoke
from local.gateway.template import Template, load
from local.invocation.samples import EVENTS

# What is done to each page, in order.
HISTORIES = {
    "home": ["create"],
    "guide/install": ["create"],
    "samples/größe": ["create"],
    "samples/update": ["create"],
    "samples/delete": ["create"],
    "samples/stale": ["create", "update"],
    "samples/deleted": ["create", "delete"],
    "samples/again": ["create", "delete"],
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


# The page is there, or has changed; somebody holds the lease.
_DONE_BEFORE = (409, 412, 423)


def template() -> Template:
    """The template, with an issuer: the one that it would make itself is on AWS."""
    return load(EVENTS.parent / "template.yaml", {"JwtIssuer": "https://id.example.com/dev"})


def seed() -> None:
    """Migrate the database, write the pages, and let upkeep finish what writes leave to it.

    What is there already stays as events have left it; leases, which end by themselves, are taken
    again.
    """
    functions = template().functions
    invoke(functions["MigrateFunction"], {})
    for slug, history in HISTORIES.items():
        for version, change in enumerate(history):
            answer = invoke(functions["WritesFunction"], _event(change, slug, version))
            if answer["statusCode"] >= 400 and answer["statusCode"] not in _DONE_BEFORE:
                raise RuntimeError(f"{change} of {slug}: {answer['body']}")
    invoke(functions["UpkeepFunction"], {})


def _event(change: str, slug: str, version: int) -> dict[str, Any]:
    sample = EVENTS / "writes" / f"{SAMPLE_OF[change]}.json"
    event: dict[str, Any] = json.loads(sample.read_text())
    path = event["routeKey"].partition(" ")[2].replace("{slug+}", slug)
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    event["pathParameters"] = {"slug": slug}
    if change == "create":
        event["body"] = json.dumps({"body": f"# About {slug}\n\nHow to install {slug}.\n"})
    elif change.startswith("lease"):
        event["headers"]["content-type"] = "application/json"
        event["body"] = json.dumps({"seconds": 3600})
        claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
        claims["username"] = change.partition(" of ")[2] or claims["username"]
    else:
        event["headers"]["if-match"] = f'"v{version}"'
    return event


if __name__ == "__main__":
    seed()
