"""Slugs: the names of pages, and the rules that make a string one; and addresses of headings."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from urllib.parse import unquote

from sheaf import texts
from sheaf.texts import composed

MAX_LENGTH = 200
# No more code points than these are ever composed into one.
_MOST_COMPOSED = 4
_PLAIN = re.compile("[A-Za-z0-9_.-]*")
HOME = "home"
# The longest path of a file that a page is told to come from.
MAX_FILE = 1000
# What the files of Markdown end in, and what those are called that are about their folder.
_SUFFIX = re.compile(r"\.(?:md|mdx|markdown)\Z", re.IGNORECASE)
OF_FOLDER = ("index", "_index", "readme")
RESERVED_FIRST = frozenset({"api", "-"})
RESERVED = frozenset({"robots.txt", "sitemap.xml", "feed.atom", "favicon.svg", "llms.txt"})
# Reserved since later: no page gets it anew, and one that has it already can be moved away.
_RESERVED_ANEW = frozenset({"llms.txt"})

# Of a title: C, C++ and C# are three names. An apostrophe is inside a word.
_SPELLED = {"+": " plus ", "#": " sharp "}
_SPELLED_SIGN = re.compile(r"\+|(?<=[A-Za-z])#")
_APOSTROPHE = re.compile("['\u2018\u2019]")
_UNSEEN = re.compile(f"[{texts.INVISIBLE}]")
_NO_NAMES = ("", ".", "..")
# What stands between words, with the dots and hyphens around it.
_GAP = re.compile(r"[-.]*\ [-.\ ]*")
_UNTITLED, _OTHERWISE = "page", "-page"


class BadSlug(ValueError):
    """The string breaks one of the rules for slugs; the message names the rule."""


class BadFile(ValueError):
    """No file of this path may hold a page; the message says why."""


class Reserved(BadSlug):
    """No page has this name, whatever the rules say: the site itself does."""


def parse(raw: str) -> str:
    """The slug that a decoded path or a file name stands for, in Unicode NFC.

    Raises BadSlug for anything else.
    """
    slug = _parse_path(raw)
    if slug in RESERVED - _RESERVED_ANEW:
        raise Reserved(f"The name {slug!r} is reserved.")
    if slug.endswith(".md"):
        raise BadSlug("A slug does not end in .md: that address serves the page's source.")
    return slug


def parse_quoted(raw: str) -> str:
    """As `parse`, for a path that may still be percent-encoded (no slug contains a '%')."""
    return parse(unquote(raw))


def parse_quoted_folder(raw: str) -> str:
    """What slugs begin with, before a slash, as `parse_quoted` reads it.

    It need not be a slug itself: there may be pages below `robots.txt` or `notes.md`.
    """
    return _parse_path(unquote(raw))


def check_new(slug: str) -> None:
    """Raise BadSlug if no new page may have this slug, which `parse` has returned.

    Those that pages have already are good for all else: some are older than the rule.
    """
    if slug in _RESERVED_ANEW:
        raise Reserved(f"The name {slug!r} is reserved.")
    if not slug.isascii() and not _new().fullmatch(slug):
        raise BadSlug(
            "The name of a new page has no invisible letters, and none that Unicode got after 14.0."
        )


def from_title(title: str, folder: str = "", ending: str = "") -> str:
    """The slug of a new page with this title in a folder ("" is the top), by one rule.

    A title that is a name already stays. Otherwise `+` becomes "plus", a `#` behind a letter
    "sharp"; apostrophes and what nobody sees go; and all else that no name has, blanks first of
    all, becomes a `-`, together with the dots and hyphens next to it, but for what stands at the
    ends. Upper case stays. What is too long is cut; what is left of a reserved name, or of nothing,
    gets the word "page". `ending` goes behind it, such as "-2" where the name is taken.

    It is pure, and its own fixed point. Raises BadSlug if the folder, which is one or could be one,
    leaves no room for a name.

    >>> from_title("What's new in C++?", "notes")
    'notes/Whats-new-in-C-plus-plus'
    """
    before = f"{folder}/" if folder else ""
    room = MAX_LENGTH - len(before) - len(ending)
    if room < 1:
        raise BadSlug(f"A slug has at most {MAX_LENGTH} characters.")
    for name in _names(title[: _MOST_COMPOSED * MAX_LENGTH], room):
        if _may_be_new(slug := f"{before}{name}{ending}"):
            return slug
    raise BadSlug(f"There is no name for a page in {folder}.")


def from_path(path: str) -> str:
    """The slug that names with slashes between may stand for, each as a title would.

    A slug that a new page may have stays as it is. Raises BadSlug as `from_title`.

    >>> from_path("Meeting notes/May 2026")
    'Meeting-notes/May-2026'
    """
    if _may_be_new(path):
        return path
    *above, last = _names_in(path) or [""]
    return from_title(last, _folder(above))


def folder_from_path(path: str) -> str:
    """As `from_path`, for a folder, which may have names that pages may not; "" is the top."""
    return _folder(_names_in(path))


def from_file(path: str) -> str:
    """The slug of the page that a Markdown file holds, by its path below the folder of all pages.

    `x/index.md`, `x/README.md` and `x/_index.md` hold the page x, and at the top `home`. What no
    slug has becomes what it becomes in `from_path`. Raises BadSlug as `from_title`.

    >>> from_file("guide/Über uns.md"), from_file("guide/README.md")
    ('guide/Über-uns', 'guide')
    """
    folder, _, name = _SUFFIX.sub("", path).rpartition("/")
    return from_path(folder or HOME if name.casefold() in OF_FOLDER else f"{folder}/{name}")


def folder_of(slug: str, file: str = "") -> str:
    """The folder where relative links of a page start: that of its file, if that is not {slug}.md.

    >>> folder_of("guide/start"), folder_of("guide", "guide/README.md"), folder_of("guide")
    ('guide', 'guide', '')
    """
    return folder_from_path(file.rpartition("/")[0]) if file else slug.rpartition("/")[0]


def check_file(path: str, slug: str) -> None:
    """Raise BadFile unless this is the path of a Markdown file that may hold the page.

    That is one of which `from_file` makes its slug, or the slug with `.md` behind it. No segment of
    it leads elsewhere, is hidden, or is more than one name on any system.
    """
    for segment in path.split("/"):
        if not segment:
            raise BadFile("A file has no empty segment: no slash at either end, no two in a row.")
        if segment.startswith("."):
            raise BadFile("No segment of a file begins with a dot.")
    if "\\" in path or any(unicodedata.category(each) == "Cc" for each in path):
        raise BadFile("A file has no backslashes and no control characters.")
    if path != f"{slug}.md" and not _holds(path, slug):
        raise BadFile(f"This file is not that of the page {slug}.")


def _holds(path: str, slug: str) -> bool:
    try:
        return from_file(path) == slug
    except BadSlug:
        return False


def is_markdown(name: str) -> bool:
    """Whether a file of this name holds Markdown.

    >>> is_markdown("README.MD"), is_markdown("photo.png")
    (True, False)
    """
    return _SUFFIX.search(name) is not None


def words(slug: str) -> str:
    """The last name of a slug as words to look for.

    >>> words("guide/How-to_install")
    'How to install'
    """
    return re.sub("[-_.]+", " ", slug.rpartition("/")[2]).strip()


def _names_in(path: str) -> list[str]:
    return [name for name in path.split("/") if name.strip() not in _NO_NAMES]


def _folder(names: Iterable[str]) -> str:
    folder = ""
    for name in names:
        # What is below it has a name, too.
        folder = from_title(name, folder, "/x").removesuffix("/x")
    return folder


def anchor(heading: str) -> str:
    """The address of a heading in its page, which other headings may have as well.

    Letters, marks on them and digits stay, in lower case, and so do `-` and `_`; each blank is a
    `-`. Where nothing is left it is "section".

    >>> anchor("What's new? Naïve `Tea_pots`")
    'whats-new-naïve-tea_pots'
    """
    spaced = re.sub(r"\s", "-", composed(heading.strip().lower()))
    return _joined(_not_in_anchors().sub("", spaced)) or "section"


def _names(title: str, room: int) -> Iterator[str]:
    """What a page with this title could be called, the best first: some may break a rule."""
    yield composed(title).replace("/", " ")
    if name := _name(title, room):
        yield name
        yield re.sub(r"\.md$", "-md", name)
        yield f"{name[: room - len(_OTHERWISE)]}{_OTHERWISE}"
    yield _UNTITLED[:room]


def _name(title: str, room: int) -> str:
    spelled = _SPELLED_SIGN.sub(lambda found: _SPELLED[found[0]], texts.line(title))
    seen = _UNSEEN.sub(lambda found: found[0] if _JOINERS.match(found[0]) else "", spelled)
    spaced = _not_in_names().sub(" ", _APOSTROPHE.sub("", seen))
    name = composed(_GAP.sub("-", spaced).strip("-."))
    return composed(_joined(name[:room])).strip("-.")


def _may_be_new(slug: str) -> bool:
    try:
        check_new(slug)
        return parse(slug) == slug
    except BadSlug:
        return False


def _joined(text: str) -> str:
    """The same without joiners that have nothing to do where they are."""
    return _JOINERS.sub(lambda found: found[0] * _joins(text, found.start()), text)


def _parse_path(raw: str) -> str:
    too_long = len(raw) > _MOST_COMPOSED * MAX_LENGTH
    path = raw if too_long else unicodedata.normalize("NFC", raw)
    if len(path) > MAX_LENGTH:
        raise BadSlug(f"A slug has at most {MAX_LENGTH} characters.")
    segments = path.split("/")
    for segment in segments:
        _check_segment(segment)
    if segments[0] in RESERVED_FIRST:
        raise Reserved(f"The name {segments[0]!r} is reserved.")
    return path


def _check_segment(segment: str) -> None:
    if not segment:
        raise BadSlug("A slug has no empty segment: no slash at either end, no two in a row.")
    if segment in _NO_NAMES:
        raise BadSlug("A slug has no segment '.' or '..'.")
    plain = _PLAIN.fullmatch(segment)
    if not plain and not all(_is_allowed(segment, place) for place in range(len(segment))):
        raise BadSlug(
            "A slug's segments are made of letters, digits, '-', '_' and '.', "
            "and of joiners where letters take them."
        )


def _is_allowed(segment: str, place: int) -> bool:
    character = segment[place]
    if _JOINERS.match(character):
        return _joins(segment, place)
    # Combining marks (category M) belong to letters in many scripts: Devanagari, Thai, Arabic.
    return character in "-_." or unicodedata.category(character)[0] in "LNM"


_ZWNJ, _ZWJ = "\u200c", "\u200d"
_JOINERS = re.compile(f"[{_ZWNJ}{_ZWJ}]")
_VIRAMA = 9


def _joins(text: str, place: int) -> bool:
    """Whether the joiner at this place has something to do there (RFC 5892, A.1 and A.2)."""
    if place and unicodedata.combining(text[place - 1]) == _VIRAMA:
        return True
    return text[place] == _ZWNJ and _separates(text, place)


def _separates(text: str, place: int) -> bool:
    """Whether letters would be joined here that this non-joiner keeps apart; marks do not count."""
    joined_after, joined_before = _joining()
    before, after = place - 1, place + 1
    while before >= 0 and _is_transparent(text[before]):
        before -= 1
    while after < len(text) and _is_transparent(text[after]):
        after += 1
    if before < 0 or after == len(text):
        return False
    return bool(joined_after.match(text[before]) and joined_before.match(text[after]))


def _is_transparent(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me")


# The tables are large, and few requests need them.


@cache
def _new() -> re.Pattern[str]:
    return re.compile(f"[-_./A-Za-z0-9{_ZWNJ}{_ZWJ}{_ranges('LETTERS')}]*")


@cache
def _not_in_names() -> re.Pattern[str]:
    return re.compile(f"[^-_.A-Za-z0-9{_ZWNJ}{_ZWJ}{_ranges('LETTERS')}]")


@cache
def _not_in_anchors() -> re.Pattern[str]:
    return re.compile(f"[^-_a-z0-9{_ZWNJ}{_ZWJ}{_ranges('LETTERS')}]")


@cache
def _joining() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Letters that what follows is joined to, and those that are joined to what was before."""
    after, before = (_ranges(name) for name in ("JOINED_AFTER", "JOINED_BEFORE"))
    return re.compile(f"[{after}]"), re.compile(f"[{before}]")


def _ranges(name: str) -> str:
    """A table of code points in the syntax of a character class."""
    from sheaf import letters  # noqa: PLC0415

    table: str = getattr(letters, name)
    return "".join("-".join(chr(int(end, 16)) for end in each.split("-")) for each in table.split())
