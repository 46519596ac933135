"""What is on the site of the pictures: the handbook of a garden, and what was done to it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.browser.api import Api

ApiOf = Callable[[str], Api]
FOLDER = Path(__file__).with_name("garden")
ORCHIDS = "glasshouse/orchids"
HOURS = "visitors/opening-hours"
# In the order in which they are made, and by whom.
PAGES = {
    "home": "alice",
    "glasshouse": "alice",
    "outdoors/sowing": "carol",
    "outdoors/compost": "carol",
    "outdoors/roses": "bob",
    "outdoors/citrus": "bob",
    "glasshouse/watering": "alice",
    "glasshouse/ferns": "carol",
    ORCHIDS: "bob",
    "visitors/labels": "carol",
    "visitors/tours": "carol",
    HOURS: "alice",
}


class Edit(NamedTuple):
    """Words of a page that somebody puts others in the place of, and what they say of it."""

    author: str
    slug: str
    comment: str
    words: dict[str, str]


EDITS = [
    Edit("carol", "glasshouse", "Say how old it is", {"one roof,": "one roof of 1889,"}),
    Edit("alice", ORCHIDS, "Count them again", {"Sixty kinds": "Sixty-four kinds"}),
    Edit("bob", "glasshouse", "The palms like it warmer", {"above: 25": "above: 26"}),
    Edit(
        "bob",
        "outdoors/citrus",
        "Limes first: we have lost two",
        {
            "Lemons and limes stand a light frost of an hour.": "Lemons stand a light frost of an"
            " hour. Limes do not: they come in first."
        },
    ),
    Edit("alice", "home", "The cold comes later", {"Tuesday": "Thursday"}),
    Edit(
        "carol",
        ORCHIDS,
        "Less water from autumn on: roots were rotting",
        {
            "| none needed | every third day |": "| none needed | twice a week |",
            "| once a week, **at noon** |": "| every ten days, **at noon** |",
            "marks the leaves for years.": "marks the leaves for years, and water from the tap"
            " leaves white rims.",
        },
    ),
]


def fill(api_of: ApiOf) -> None:
    """Make the pages and change some, each as somebody."""
    for slug, author in PAGES.items():
        api_of(author).create(slug, (FOLDER / f"{slug}.md").read_text())
    for edit in EDITS[:-1]:
        make(edit, api_of)
    api_of("alice").move("visitors/tours", "visitors/walks")
    make(EDITS[-1], api_of)


def make(edit: Edit, api_of: ApiOf) -> None:
    """Change a page."""
    body = api_of(edit.author).page(edit.slug)["body"]
    for old, new in edit.words.items():
        assert body.count(old) == 1, f"{edit.slug}: {old}"
        body = body.replace(old, new)
    api_of(edit.author).update(edit.slug, body, comment=edit.comment)
