"""Days: what happened to pages as people are shown it, by day, and where each of it is shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date
from itertools import groupby
from urllib.parse import quote

from sheaf.pages.events import Event
from sheaf.rendering import templates


@dataclass(frozen=True)
class Shown:
    """An event, the page that it is of, and where it is to be seen what was done: `link`."""

    event: Event
    page: str
    link: str
    label: str


@dataclass(frozen=True)
class Day:
    """The events of a day, by UTC."""

    date: date
    shown: list[Shown]


def of(events: Iterable[Event]) -> list[Day]:
    """The events of a list by day, in the order of the list."""
    days = groupby(events, lambda event: event.created_at.astimezone(UTC).date())
    return [Day(date, [show(event) for event in each]) for date, each in days]


def show(event: Event) -> Shown:
    """Where an event is shown."""
    history = f"/-/history/{quote(event.slug)}"
    page = templates.page_path(event.moved_to or event.slug)
    if event.kind == "deleted":
        return Shown(event, history, f"{history}?version={event.based_on}", "what it said")
    if event.moved_to:
        return Shown(event, page, history, "history")
    if event.based_on is None or event.kind == "created":
        return Shown(event, page, f"{history}?version={event.version}", "this version")
    compared = f"/-/diff/{quote(event.slug)}?from={event.based_on}&to={event.version}"
    return Shown(event, page, compared, "what changed")
