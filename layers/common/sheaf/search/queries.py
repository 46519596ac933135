"""Queries: what people type to search, in the terms that pages are indexed by."""

import re
from dataclasses import dataclass

from sheaf.search import words

# -"a phrase" (which may lack its end), or -word
_PART = re.compile(r'(?P<minus>-*)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')


@dataclass(frozen=True)
class Query:
    """A query in web-search syntax of indexed terms only, and the phrases that it wants.

    Both are empty for a query that wants nothing: one without a word, or with unwanted ones only.
    """

    terms: str
    wanted: tuple[tuple[str, ...], ...]


def parse(text: str) -> Query:
    """The query that a text stands for: words, "a phrase", -without, this or that."""
    parts: list[str] = []
    wanted: list[tuple[str, ...]] = []
    for part in _PART.finditer(text):
        phrase = words.split(part["word"] or part["phrase"] or "")
        if part[0].lower() == "or":
            parts += ["or"] if parts and parts[-1] != "or" else []
        elif phrase and part["minus"]:
            parts.append(f'-"{words.queried(phrase)}"')
        elif phrase:
            parts.append(f'"{words.queried(phrase)}"')
            wanted.append(phrase)
    # At the end it would be a word to PostgreSQL.
    terms = " ".join(parts).removesuffix(" or")
    return Query(terms, tuple(wanted)) if wanted else Query("", ())
