"""Articles: the HTML of pages, in which each title is said once: by the text, or above it.

Imported wherever pages are shown, so it imports Markdown only for pages that need it.
"""

import re
from html import unescape

from sheaf import texts
from sheaf.rendering import source

# What stored articles begin with. Earlier releases have stored the text's HTML alone, and no text
# becomes HTML that begins so.
MARK = "<!--article-->"
# Which renderer this is: it grows where rendering changes what stored pages look like or link to,
# and upkeep renders them anew then (see pages/rerendering.py). What none has noted is 0.
RENDERER = 3
_TITLE = re.compile(r"\A\s*<h1[ >].*?</h1>\s*", re.DOTALL)
_TWICE = re.compile(r"<h1>([^<]*)</h1>\s*<h([2-6])\b([^<>]*)>(.*?)</h\2>", re.DOTALL)
_ADDRESS = re.compile(r' id="[^"]*"')
_TO_ITSELF = re.compile(r'<a\b[^<>]* href="#[^<>]*>(.*?)</a>', re.DOTALL)
# So much of an article is looked through for its first words, of which so many are told.
_BEGINNING, _DESCRIPTION = 8000, 160
# What says little by itself: headings, code, tables, notes' numbers and names of notices.
_ASIDE = re.compile(
    r"<(h[1-6]|pre|table|sup|summary|section)\b.*?(?:</\1>|\Z)|<p class=\"title\">.*?(?:</p>|\Z)",
    re.DOTALL,
)
_TAG = re.compile(r"<[^<>]*(?:>|\Z)")


def stored(headline: str, html: str) -> str:
    """An article to be stored: a title's headline, if the text does not show it, and the text."""
    return f"{MARK}{headline}{html}"


def of_stored(html: str, body: str, title: str) -> str:
    """The article of a page as it was stored, by whatever release."""
    if html.startswith(MARK):
        return _titled_once(html.removeprefix(MARK))
    from sheaf.rendering import markdown  # noqa: PLC0415 - takes 60 ms, and few pages need it

    parts = source.parse(body)
    first = markdown.first_heading(parts.text)
    return _titled_once(source.title(parts, first, "", title).headline + html)


def _titled_once(article: str) -> str:
    """An article whose text begins with its title, at a lower level, without the headline above."""
    found = _TWICE.match(article)
    if found is None or unescape(found[1]) != texts.line(unescape(_TAG.sub("", found[4]))):
        return article
    return f"<h1{found[3]}>{found[4]}</h1>{article[found.end() :]}"


def part(article: str) -> str:
    """An article as a part of other documents: without its title, and with no address in it.

    Links from one place in it to another are their words.

    >>> part('<h1 id="menu">Menu</h1>\\n<p id="a"><a href="/a">Guide</a> <a href="#a">A</a></p>')
    '<p><a href="/a">Guide</a> A</p>'
    """
    shown = _TO_ITSELF.sub(r"\1", _TITLE.sub("", article))
    return re.sub(r"<[^<>]*>", lambda tag: _ADDRESS.sub("", tag[0]), shown)


def first_words(article: str) -> str:
    """What an article begins with, as a line of whole words that describes it: 160 characters.

    >>> first_words("<h1>Tea</h1>\\n<p>Three <b>minutes</b>.</p>\\n<h2>Pots</h2>")
    'Three minutes.'
    """
    words = _TAG.sub("", _ASIDE.sub("", article[:_BEGINNING]))
    line = texts.line(unescape(words))
    if len(line) <= _DESCRIPTION:
        return line
    return (line[:_DESCRIPTION].rpartition(" ")[0] or line[: _DESCRIPTION - 1]) + "…"
