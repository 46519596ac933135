"""The second fence: HTML is cleaned, whatever it was made of, and is no more than a page may be."""

from collections.abc import Iterator

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from sheaf.rendering import highlighting, linked, links, notices, raw_html
from sheaf.rendering.work import TooMuch, Work

MAX_HTML_BYTES = 4_000_000

# What only our own tokens become; HTML in a text has a shorter list, in `raw_html`.
_TAGS = nh3.ALLOWED_TAGS - {"area", "map"} | {"input", "picture", "section", "source", "tfoot"}
_CLASSES = {
    "div": notices.CLASSES,
    "details": notices.CLASSES,
    "p": {"title"},
    "li": {"task-list-item"},
    "ul": {"contains-task-list"},
    "ol": {"contains-task-list"},
    "section": {"footnotes"},
    "span": highlighting.CLASSES,
}
_ALIGNED = ("div", "h1", "h2", "h3", "h4", "h5", "h6", "p")
_ATTRIBUTES = {
    **nh3.ALLOWED_ATTRIBUTES,
    **{tag: {"align"} for tag in _ALIGNED},
    "*": {"dir", "id", "lang", "title"},
    "a": {"aria-label", "href", linked.NAME, linked.WRITTEN},
    "code": {"class"},
    "details": {"open"},
    "input": {"aria-label", "checked", "disabled"},
    "source": {"srcset"},
    "time": {"datetime"},
}
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    tag_attribute_values={
        "input": {"type": {"checkbox"}},
        "source": {"media": raw_html.COLOUR_SCHEMES},
    },
    allowed_classes=_CLASSES,
    url_schemes=set(links.SCHEMES),
)
# How many tokens are made HTML and cleaned at a time: the tree for it takes much room.
_PIECE = 1000


def html(parser: MarkdownIt, tokens: list[Token], work: Work) -> str:
    """The HTML of a text's tokens; raises TooMuch.

    Colours and the addresses of headings are left out before a text is refused.
    """
    try:
        return _cleaned(parser, tokens, work)
    except TooMuch:
        if not _made_plainer(tokens):
            raise
        return _cleaned(parser, tokens, work)


def _made_plainer(tokens: list[Token]) -> bool:
    """Leave out what a text can do without; tells whether there was any of it."""
    left_out = [token.attrs.pop("id", None) or token.meta.pop("html", None) for token in tokens]
    return any(left_out)


def _cleaned(parser: MarkdownIt, tokens: list[Token], work: Work) -> str:
    pieces: list[str] = []
    size = 0
    for block in _in_pieces(tokens):
        pieces.append(_CLEANER.clean(parser.renderer.render(block, parser.options, {})))
        size += len(pieces[-1].encode())
        if size > MAX_HTML_BYTES:
            work.line = max((token.map[1] for token in block if token.map), default=1) - 1
            raise work.too_much("becomes more than 4 MB of HTML")
    return "".join(pieces)


def _in_pieces(tokens: list[Token]) -> Iterator[list[Token]]:
    """Whole blocks, a few at a time; what HTML encloses is one of them."""
    piece: list[Token] = []
    within_html = False
    for token in tokens:
        piece.append(token)
        within_html = token.meta.get("opens_html", within_html)
        is_whole = token.level == 0 and token.nesting < 1 and not within_html
        if is_whole and len(piece) >= _PIECE:
            yield piece
            piece = []
    yield piece
