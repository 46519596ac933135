"""Search vectors: the terms that a page is found by, those of its title before all others."""

from sqlalchemy import ColumnElement, Text, bindparam, func, literal_column
from sqlalchemy.dialects.postgresql import TSVECTOR

from sheaf.search import words

# PostgreSQL refuses a vector over 1 MB. A term takes up to twice its bytes there.
_TITLE_BYTES, _HEADINGS_BYTES, _PLAIN_BYTES = 5_000, 50_000, 400_000


def vector() -> ColumnElement[object]:
    """The vector of what `parameters` gives: title (A) before headings (B) before text (D)."""
    title, headings = _weighted("title_terms", "A"), _weighted("heading_terms", "B")
    return title.op("||")(headings).op("||")(_weighted("plain_terms", "D"))


def parameters(title: str, headings: str, plain: str) -> dict[str, str]:
    """What a statement with a `vector` needs. Of a very long text only the beginning is found."""
    texts = {
        "title_terms": (title, _TITLE_BYTES),
        "heading_terms": (headings, _HEADINGS_BYTES),
        "plain_terms": (plain, _PLAIN_BYTES),
    }
    return {
        name: words.indexed(text[:limit]).encode()[:limit].decode(errors="ignore")
        for name, (text, limit) in texts.items()
    }


def _weighted(parameter: str, weight: str) -> ColumnElement[object]:
    terms = func.to_tsvector("simple", bindparam(parameter, type_=Text), type_=TSVECTOR)
    return func.setweight(terms, literal_column(f"'{weight}'"), type_=TSVECTOR)
