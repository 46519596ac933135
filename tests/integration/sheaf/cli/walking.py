"""A walk through a site, as `sheaf smoke` makes it, in this process."""

from sheaf.cli import smoke
from sheaf.cli.jobs import FAILED
from sheaf.cli.smoke import Outcome
from sheaf.cli.smoke_visit import Visit
from tests.waiting import PATIENCE


def walk(url: str, token: str | None, seconds: float = PATIENCE) -> dict[str, Outcome]:
    """What came of each check that was made."""
    outcomes: list[Outcome] = []
    smoke.run(Visit(url, token, seconds), outcomes.append)
    return {outcome.check.name: outcome for outcome in outcomes}


def failed(outcomes: dict[str, Outcome]) -> set[str]:
    """The checks that failed."""
    return {name for name, outcome in outcomes.items() if outcome.result == FAILED}
