"""Sample events: the files below events/, what each must lead to, and the check that it did."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parents[2] / "events"
NO_BODY = {204, 304}
PLAIN = {"/robots.txt": "text/plain", "/favicon.svg": "image/svg+xml"}


@dataclass(frozen=True)
class Sample:
    """events/<function>/<what>.<outcome>.json: `outcome` is an HTTP status, or "ok"."""

    path: Path

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def function(self) -> str:
        """The function's name in the template."""
        return f"{self.path.parent.name.capitalize()}Function"

    @property
    def outcome(self) -> str:
        return self.path.stem.rpartition(".")[2]

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.path.read_text())
        return event


# They are nothing without AWS's own services: tests/unit replays these events with stand-ins.
NEED_AWS = {"release", "gate", "purge"}
SAMPLES = [
    Sample(path) for path in sorted(EVENTS.glob("*/*.json")) if path.parent.name not in NEED_AWS
]


def check(sample: Sample, answer: Any) -> None:
    """Assert that a function's answer is the one that the sample's name promises."""
    assert isinstance(answer, dict), answer
    if sample.outcome == "ok":
        assert "errorMessage" not in answer, answer
        return
    assert answer.get("statusCode") == int(sample.outcome), answer
    check_headers(sample.event, answer["statusCode"], answer["headers"])
    check_body(answer["statusCode"], answer["headers"], answer["body"])


def check_headers(event: dict[str, Any], status: int, headers: dict[str, str]) -> None:
    assert [name for name in headers if name != name.lower()] == []
    assert headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" in headers
    if status not in {204, 308}:
        assert "cache-control" in headers
    if status not in {*NO_BODY, 308}:
        assert headers["content-type"].partition(";")[0] == media_type(event["rawPath"], status)
    for name in required_headers(event, status):
        assert headers.get(name), f"{name} is missing"


def media_type(path: str, status: int) -> str:
    if path.startswith("/api/"):
        return "application/json" if status < 400 else "application/problem+json"
    if status < 400 and path.endswith(".md"):
        return "text/markdown"
    return PLAIN.get(path, "text/html")


def required_headers(event: dict[str, Any], status: int) -> set[str]:
    """The headers that a status, or a page's answer, is useless without."""
    needed = {
        201: {"location"},
        304: {"etag"},
        308: {"location"},
        401: {"www-authenticate"},
        405: {"allow"},
    }.get(status, set())
    names_page = event["routeKey"].endswith(("/api/pages/{slug+}", " /{slug+}"))
    return needed | ({"etag"} if names_page and status in {200, 201} else set())


def check_body(status: int, headers: dict[str, str], body: str) -> None:
    if status in NO_BODY:
        assert not body
    elif headers.get("content-type") == "application/problem+json":
        problem = json.loads(body)
        assert problem["type"].startswith("urn:sheaf:problem:")
        assert problem["status"] == status
        assert problem["title"]
        assert problem["detail"]
    elif headers.get("content-type") == "application/json":
        assert body == "" or json.loads(body) is not None
