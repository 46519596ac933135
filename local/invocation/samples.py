"""Sample events: the files below events/, each with its function and what it has to lead to."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parents[2] / "events"


@dataclass(frozen=True)
class Sample:
    """events/<function>/<what>.<outcome>.json: `outcome` is an HTTP status, or "ok"."""

    path: Path

    @property
    def name(self) -> str:
        """How it is called in a list."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def function(self) -> str:
        """The function's name in the template."""
        return f"{self.path.parent.name.capitalize()}Function"

    @property
    def outcome(self) -> str:
        """What it has to lead to."""
        return self.path.stem.rpartition(".")[2]

    @property
    def event(self) -> dict[str, Any]:
        """What the function is given."""
        event: dict[str, Any] = json.loads(self.path.read_text())
        return event


SAMPLES = [Sample(path) for path in sorted(EVENTS.glob("*/*.json"))]
