"""Similar: pages that somebody may have meant who asked for an address where there is none.

All of it is bounded: some slugs by name, some around the one that was asked for, some titles, and
the first hits of a search.
"""

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, literal_column, select, union_all

from sheaf import slugs
from sheaf.database.tables import begins_with, is_live, pages
from sheaf.pages import lookups, reads, searches
from sheaf.paging import PageRequest
from sheaf.search.queries import Filters
from sheaf.search.statements import Suggestion
from sheaf.sharding import ownership, scattering
from sheaf.slugs import BadSlug

MOST = 10
# Of each kind that is read, and of each that is told.
_IN_FOLDER, _AROUND, _TOLD = 100, 20, 5
# Of two names that people would take for each other, this much is the same.
_ALIKE = 0.75
# What a folder's own page is called elsewhere.
_INDEX = ("index", "README", "readme", "home")
_SUFFIXES = (".html", ".htm", ".php", ".aspx", ".txt")


def to(path: str) -> list[Suggestion]:
    """The pages that may have been meant by an address, the likeliest first, MOST of them.

    Raises BadSlug for one that is longer than a slug or nothing like one, and Unavailable.
    """
    if len(path) > slugs.MAX_LENGTH:
        raise BadSlug(f"A slug has at most {slugs.MAX_LENGTH} characters.")
    wanted = slugs.from_path(path)
    spellings = list(dict.fromkeys(_spellings(wanted)))
    titles = dict(map(tuple, scattering.rows(_statement(wanted, spellings))))
    found = chain(
        (slug for slug in spellings if slug in titles),
        _alike(wanted, titles),
        _below(wanted, titles),
    )
    near = [Suggestion(slug, titles[slug]) for slug in dict.fromkeys(found)]
    return list({one.slug: one for one in [*near, *_of_these_words(spellings)]}.values())[:MOST]


def _spellings(wanted: str) -> Iterator[str]:
    """The same name as others may write it, in its folder and at the top."""
    folder, _, name = wanted.rpartition("/")
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            wanted = wanted.removesuffix(suffix)
    whole = wanted.removesuffix(f"/{name}") if name in _INDEX and folder else wanted
    for path in (whole, whole.rpartition("/")[2]):
        for hyphens in (path, path.replace("_", "-"), path.replace("-", "_")):
            yield from (hyphens, hyphens.lower(), _capitalized(hyphens))
    yield from (f"{path}/{index}" for path in (whole, whole.lower()) for index in _INDEX)


def _capitalized(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{name[:1].upper()}{name[1:]}"


def _alike(wanted: str, found: Iterable[str]) -> list[str]:
    """Those of these slugs that look like this one, the likest first."""
    scores = {slug: _likeness(wanted, slug) for slug in found}
    likest = sorted(scores, key=lambda slug: (-scores[slug], slug))
    return [slug for slug in likest if scores[slug] >= _ALIKE][:_TOLD]


def _likeness(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one.casefold(), other.casefold(), autojunk=False)
    # Upper bounds, which are much quicker.
    if min(matcher.real_quick_ratio(), matcher.quick_ratio()) < _ALIKE:
        return 0.0
    return matcher.ratio()


def _below(wanted: str, found: Iterable[str]) -> list[str]:
    return sorted(slug for slug in found if slug.startswith(f"{wanted}/"))[:_TOLD]


def _of_these_words(spellings: list[str]) -> list[Suggestion]:
    """Pages with these words in their titles first, wherever they are."""
    words = slugs.words(spellings[0])
    titled = lookups.suggestions(words, _TOLD) if words else []
    hits = searches.find(words, Filters(), PageRequest(_TOLD)).items if words else []
    return [*titled, *(Suggestion(hit.slug, hit.title) for hit in hits)]


def _statement(wanted: str, spellings: list[str]) -> Select[Any]:
    """Slugs and titles of pages so spelled, in the folder, below, and around; for all shards."""
    slug, folder = pages.c.slug, wanted.rpartition("/")[0]
    places = {wanted, wanted.lower()}
    found = union_all(
        _pages(reads.is_one_of(spellings), slug, len(spellings)),
        _pages(begins_with(slug, f"{folder}/" if folder else ""), slug, _IN_FOLDER),
        *(_pages(begins_with(slug, f"{place}/"), slug, _TOLD) for place in places),
        *(_pages(slug > place, slug, _AROUND) for place in places),
        *(_pages(slug < place, slug.desc(), _AROUND) for place in places),
    ).subquery()
    return select(found.c.slug, found.c.title)


def _pages(which: ColumnElement[bool], order: ColumnElement[str], limit: int) -> Select[Any]:
    # The limit is written out for its plan.
    return (
        select(pages.c.slug, pages.c.title)
        .where(is_live, which, ownership.readable(pages.c.slot))
        .order_by(order)
        .limit(literal_column(str(limit), Integer))
    )
