import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import jinja2
import pytest

from listing import days
from listing.days import Day
from sheaf.pages.diffs import Hunk, Shown
from sheaf.pages.events import Event
from sheaf.pages.proposals import Proposal
from sheaf.pages.rewording import Piece, Row
from sheaf.pages.surroundings import Surroundings
from sheaf.pages.tags import Tag, Tags
from sheaf.pages.tree import Entry, Folder
from sheaf.rendering import source, static, templates
from sheaf.rendering.contents import Contents, Heading
from sheaf.rendering.metadata import Metadata
from sheaf.rendering.source import Source

HOSTILE = """</title><script>alert("1")</script><img src=x onerror='alert(2)'>&lt;"""
TEMPLATES = Path(templates.__file__).with_name("templates")
VOID = frozenset({"hr", "img", "input", "link", "meta"})
PHRASING_ONLY = frozenset({"a", "button", "h1", "h2", "label", "p", "span"})
BLOCKS = frozenset(
    {"article", "aside", "div", "form", "h1", "h2", "nav", "ol", "p", "section", "ul"}
)


def contexts(text: str = "A bundle") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every template with what it needs; `text` stands wherever a person chose the words."""
    page = {
        "slug": "guide/größe",
        "title": text,
        "tags": [text, "second"],
        "state": "live",
        "version": 3,
        "author": "alice",
        "updated_at": datetime(2026, 11, 2, 14, 3, 11, tzinfo=UTC),
        "created_at": datetime(2026, 11, 1, tzinfo=UTC),
        "comment": text,
        "snippet": "some <mark>safe</mark> words",
        "moved_to": None,
        "moved_from": None,
        "origin": "edit",
        "file": text,
    }
    user = {"handle": "alice", "edits": 1, "created_at": page["created_at"]}
    around = AROUND
    tombstone = {**page, "state": "tombstone", "version": 4}
    redirect = {**page, "state": "redirect", "version": 5, "moved_to": page["slug"]}
    gone, alias = ({**redirect, "origin": origin} for origin in ("edit", "alias"))
    arrived = {**page, "version": 6, "moved_from": page["slug"]}
    headline = source.title(Source("", Metadata(text)), None, "slug").headline
    article = f"{headline}<h2>Safe</h2>\n<p>already</p>\n"
    imported = {**page, "origin": "import"}
    yield from read(page, imported, article, text)
    yield from listed_events(text)
    yield from searches(page, text)
    versions = [arrived, gone, tombstone, imported, alias]
    yield "history.html", {"page": page, "items": versions, **around}
    yield "history.html", {"page": tombstone, "items": [tombstone, page], **around}
    yield "history.html", {"page": gone, "items": [gone, page], **around}
    yield "history.html", {"page": alias, "items": [alias], **around}
    for revision in (imported, tombstone, gone, alias):
        shown = {"slug": page["slug"], "said": said(text), "article": article}
        yield "revision.html", {**shown, "revision": revision}
    compared = {"slug": page["slug"], "before": page, "after": tombstone}
    pieces = [Piece(False, text), Piece(True, f"{text}\n\n{text}")]
    hunk = Hunk(1, [Row(True, pieces, pieces), Row(False, pieces, []), Row(False, [], pieces)])
    for view in (None, "side"):
        yield "diff.html", {**compared, "shown": Shown([hunk, hunk], False), "view": view}
        yield "diff.html", {**compared, "shown": Shown([], True), "view": view}
    yield "deleted.html", {"page": tombstone}
    for there in (page, tombstone, None):
        linking = {"slug": page["slug"], "page": there, **around}
        yield "backlinks.html", {**linking, "items": [page]}
        yield "backlinks.html", {**linking, "items": []}
    yield from found_by_people(page, text)
    yield "users.html", {"items": [user, {**user, "edits": 12}], **around}
    for happened in ([day(text)], []):
        shown = {"days": happened, "imports": bool(happened), **around}
        yield "user.html", {"handle": "alice", **shown}
    yield "edit.html", {"slug": page["slug"]}
    yield "drafts.html", {}
    yield "sign_in.html", {}
    yield from named(page, text)
    for status, is_address in ((404, False), (400, True), (503, False)):
        failed = {"status": status, "title": "Sorry", "detail": text, "is_address": is_address}
        yield "error.html", failed


def entries(text: str) -> list[Entry]:
    """A page, a folder, and what is both."""
    return [
        Entry("a", "guide/a", page=True, folder=False, title=text),
        Entry("b", "guide/b", page=False, folder=True, title=None),
        Entry("größe", "guide/größe", page=True, folder=True, title=text),
    ]


def read(
    page: dict[str, Any], imported: dict[str, Any], article: str, text: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Pages with nothing around them, and with much."""
    alone = {"contents": Contents(), "around": Surroundings(), "description": text, "address": ""}
    yield "page.html", {"page": page, "said": Metadata(), "article": article, **alone}
    headings = [Heading("safe", "Safe", depth) for depth in (1, 2, 1)]
    some = tuple(entries(text))
    around = Surroundings(some[2:], "guide", some, True, some[:1], True)
    shown = {
        "contents": Contents(headings, 2),
        "around": around,
        "description": "",
        "address": "https://wiki.example.com",
    }
    yield "page.html", {"page": imported, "said": said(text), "article": article, **shown}


def found_by_people(page: dict[str, Any], text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tree and the tags."""
    path, items = tuple(entries(text)[2:]), entries(text)
    tree = {"feed": "/-/feed.atom", "most": 1000, **AROUND}
    yield "tree.html", {"slug": "guide/größe", "path": path, "items": items, **tree}
    yield "tree.html", {"slug": "", "path": (), "items": [], **tree, "feed": None}
    yield "folder.html", {"slug": "guide/größe", "folder": Folder(path, items)}
    tags = [Tag(text, 1), Tag("second", 100)]
    yield "tags.html", {"tags": Tags(tags, True), "most": 100}
    yield "tags.html", {"tags": Tags([], False), "most": 100}
    yield "tag.html", {"tag": text, "items": [page], **AROUND}
    yield "tag.html", {"tag": text, "items": [], **AROUND}


def searches(page: dict[str, Any], text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a search needs: before it, and of each kind."""
    found: dict[str, Any] = {"q": text, "parts": [("all", [page])], "optional": (), **AROUND}
    found |= {"has_words": True, "meant": None, "ends_early": False, "most": 5000}
    yield "search.html", found
    others = ("apart", "beginnings", "meant", "some")
    parts = [(matched, [page]) for matched in others]
    yield "search.html", {**found, "parts": parts, "meant": text}
    yield "search.html", {**found, "ends_early": True, "optional": (text, text)}
    nothing = {**found, "parts": []}
    for changed in ({}, {"q": ""}, {"has_words": False}):
        yield "search.html", {**nothing, **changed}


def said(text: str) -> Metadata:
    return Metadata(
        lang="de", direction="rtl", description=text, date=text, updated=text, authors=(text, text)
    )


def named(page: dict[str, Any], text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is asked and said of the names of pages."""
    missing = {"status": 404, "words": text}
    yield "missing.html", {**missing, "path": "guide/größe", "slug": "guide/größe"}
    yield "missing.html", {**missing, "path": text, "slug": "guide/größe"}
    yield "missing.html", {**missing, "path": text, "slug": None, "words": ""}
    yield "similar.html", {"path": text, "words": text, "items": [page]}
    yield "similar.html", {"path": text, "words": "", "items": []}
    asked = {"title": text, "folder": text, "problem": None, "proposal": None}
    yield "new.html", {**asked, "title": ""}
    for proposal in (
        Proposal("größe", True, "größe-2", None, None),
        Proposal("größe", True, None, None, None),
        Proposal("größe", True, "größe-2", "länge", None),
        Proposal("größe", False, "größe", None, "Größe"),
    ):
        yield "new.html", {**asked, "proposal": proposal}
    yield "new.html", {**asked, "problem": text}
    moving = {"page": page, "name": text, "folder": text}
    for links, more in ((0, False), (1, False), (50, True)):
        yield "move.html", {**moving, "links": links, "more": more}


def listed_events(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the list of events needs, full and empty, with filters and without."""
    everything = {"author": "", "folder": "", "imports": False, "feed": "/-/feed.atom"}
    some = {"author": text, "folder": "guide/größe", "imports": True, "feed": None}
    yield "recent.html", {"days": [day(text), day(text)], **everything, **AROUND}
    for wanted in (everything, some):
        yield "recent.html", {"days": [], **wanted, "prev_url": None, "next_url": None}
    yield "recent.html", {"days": [day(text)], **some, **AROUND}


def day(text: str) -> Day:
    """A day on which everything happened."""
    created = Event(
        id=UUID(int=1),
        kind="created",
        slug="guide/größe",
        version=1,
        based_on=None,
        title=text,
        author="alice",
        comment=text,
        created_at=datetime(2026, 11, 2, 14, 3, 11, tzinfo=UTC),
        size=1,
        size_before=0,
        imported=True,
        moved_to=None,
        moved_from=None,
    )
    edited = replace(created, kind="edited", based_on=3, version=4, size=1234, size_before=3456)
    deleted = replace(edited, kind="deleted", imported=False, size=0)
    arrived = replace(created, kind="moved", moved_from="old", imported=False, comment="")
    (found,) = days.of([created, edited, deleted, arrived, replace(arrived, moved_to="new")])
    return found


AROUND = {"prev_url": "?cursor=p&a=1", "next_url": None}
SITE = {
    "name": "Sheaf",
    "sign_in_url": "https://id.example/authorize?a=1&b=2",
    "token_url": "https://id.example/token",
    "sign_out_url": "https://id.example/logout",
    "client_id": "sheaf",
    "accent": "",
    "lang": "",
    "licence": "",
    "licence_url": "",
    "start_page": "home",
    "menu": '<ul>\n<li><a href="/guide">Guide</a></li>\n</ul>',
    "footer": "<p>Ours</p>",
    "indexed": True,
}


def render(template: str, context: dict[str, Any]) -> str:
    return templates.render(template, site=SITE, **context)


class Document(HTMLParser):
    """Fails on elements that are not closed in order or do not belong where they are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.in_labels: list[dict[str, str | None]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if "label" in self.open:
            self.in_labels.append(dict(attrs))
        assert len(attrs) == len(dict(attrs))
        assert tag not in BLOCKS or not PHRASING_ONLY & set(self.open), (tag, self.open)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


every_template = pytest.mark.parametrize(
    ("template", "context"), [pytest.param(*case, id=case[0]) for case in contexts()]
)


def test_no_template_is_forgotten() -> None:
    frames = {"base.html", "events.html", "listing.html", "macros.html"}
    assert {name for name, _ in contexts()} | frames == {path.name for path in TEMPLATES.iterdir()}


@every_template
def test_documents_are_well_formed(template: str, context: dict[str, Any]) -> None:
    document = Document(render(template, context))
    ids = [attributes["id"] for _, attributes in document.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert len(document.all("h1")) == len(document.all("main")) == 1
    assert document.texts["title"].endswith(" · Sheaf")


@every_template
def test_nothing_is_inline_or_from_elsewhere(template: str, context: dict[str, Any]) -> None:
    document = Document(render(template, context))
    assert document.all("style") == []
    assert "script" not in document.texts
    for tag, attributes in document.elements:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        if attributes.get("rel") == "canonical":
            continue  # says where the page is, and loads nothing
        for name in {"href", "src", "action"} & attributes.keys():
            assert (attributes[name] or "").startswith(("/", "?", "#")), (tag, attributes)
            assert not (attributes[name] or "").startswith("//")


@every_template
def test_nothing_is_described_twice(template: str, context: dict[str, Any]) -> None:
    document = Document(render(template, context))
    names = [given.get("name") for tag, given in document.elements if tag == "meta"]
    assert names.count("description") <= 1


@every_template
def test_what_is_loaded_exists(template: str, context: dict[str, Any]) -> None:
    document = Document(render(template, context))
    addresses = [item["src"] for item in document.all("script") + document.all("img")]
    addresses += [item["href"] for item in document.all("link") if item["rel"] == "stylesheet"]
    for address in addresses:
        assert static.find((address or "").removeprefix("/-/static/")), address


@every_template
def test_every_field_has_a_name(template: str, context: dict[str, Any]) -> None:
    document = Document(render(template, context))
    labelled = {label.get("for") for label in document.all("label")}
    for field in document.all("input") + document.all("textarea"):
        is_named = field.get("aria-label") or field in document.in_labels
        assert is_named or field["id"] in labelled


@pytest.mark.parametrize("index", range(len(list(contexts()))))
def test_hostile_words_stay_words(index: int) -> None:
    template, context = list(contexts(HOSTILE))[index]
    harmless = Document(render(*list(contexts())[index]))
    hostile = Document(render(template, context))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in harmless.elements]


def test_a_hostile_title_is_shown_as_it_was_typed() -> None:
    document = Document(render(*next(contexts(HOSTILE))))
    assert document.texts["title"] == f"{HOSTILE} · Sheaf"
    assert document.texts["h1"] == HOSTILE


def test_addresses_are_percent_encoded() -> None:
    links = {link["href"] for link in Document(render(*next(contexts()))).all("a")}
    slug = "guide/gr%C3%B6%C3%9Fe"
    assert {f"/{slug}", f"/{slug}.md", f"/-/edit/{slug}", f"/-/history/{slug}"} <= links


def test_the_home_page_is_the_root() -> None:
    assert templates.page_path("home") == "/"
    assert templates.page_path("home/garden") == "/home/garden"


def test_another_page_is_the_root(start_page: str) -> None:
    assert templates.page_path(start_page) == "/"
    assert templates.page_path("home") == "/home"


def test_times_are_told_in_utc() -> None:
    moment = datetime(2026, 11, 2, 1, 3, 11, tzinfo=timezone(timedelta(hours=2)))
    assert templates.machine_time(moment) == "2026-11-01T23:03:11Z"
    assert templates.human_time(moment) == "1 Nov 2026, 23:03 UTC"


def documents(template: str) -> list[Document]:
    """What a template makes of each of its contexts."""
    return [Document(render(name, context)) for name, context in contexts() if name == template]


def addresses(document: Document) -> list[str]:
    return [str(link["href"]) for link in document.all("a")]


def test_a_deleted_version_cannot_be_opened() -> None:
    links = addresses(documents("history.html")[0])
    assert {"?version=3", "?version=6"} <= set(links)
    assert not {"?version=4", "?version=5"} & set(links)


def test_where_no_page_can_be_the_nearest_address_is_offered() -> None:
    context = {"status": 404, "words": "in May", "path": "Notes/in May", "slug": "Notes/in-May"}
    links = {link["href"] for link in Document(render("missing.html", context)).all("a")}
    assert {"/Notes/in-May", "/-/new?title=in+May&folder=Notes"} <= links
    assert "/-/search?q=in%20May" in links


def a_search() -> dict[str, Any]:
    """What a search needs that has found something, on the first page of its list."""
    found = next(context for name, context in contexts() if name == "search.html")
    return {**found, "prev_url": None}


@pytest.mark.parametrize(
    ("matched", "told"),
    [
        ("apart", "all of the words, but apart or in other forms."),
        ("literal", "NOT or OR as words."),
        ("beginnings", "words that begin so."),
        ("meant", "Showing results for <strong><bdi>leaves</bdi></strong>."),
        ("some", "some of the words."),
    ],
)
def test_a_search_says_what_was_looked_for_instead(matched: str, told: str) -> None:
    exact = a_search()
    pages, nothing = exact["parts"][0][1], "No page has all of it as it was typed."
    instead = {**exact, "meant": "leaves", "parts": [(matched, pages)]}
    assert told in render("search.html", instead)
    assert nothing in render("search.html", instead)
    assert nothing not in render("search.html", {**instead, "prev_url": "?cursor=p"})
    followed = render("search.html", {**instead, "parts": [*exact["parts"], (matched, pages)]})
    assert told in followed
    assert nothing not in followed
    assert 'class="notice"' not in render("search.html", exact)


def test_a_list_that_ends_early_says_so() -> None:
    context = a_search()
    assert "5,000" not in render("search.html", context)
    assert "More than 5,000 pages" in render("search.html", {**context, "ends_early": True})


def test_a_search_that_finds_nothing_says_what_can_be_typed() -> None:
    context = a_search()
    told = "<code>in:guide</code>"
    assert told in render("search.html", {**context, "parts": []})
    assert told not in render("search.html", context)


def test_a_new_page_is_proposed_in_the_folder_of_the_one_that_is_read() -> None:
    links = {link["href"] for link in Document(render(*next(contexts()))).all("a")}
    assert "/-/new?folder=guide" in links


def test_any_two_versions_can_be_compared_that_have_a_text_or_none() -> None:
    document = documents("history.html")[0]
    chosen = [(str(field["name"]), str(field["value"])) for field in document.all("input")[1:]]
    assert chosen == [(name, version) for version in "643" for name in ("from", "to")]
    checked = [field["value"] for field in document.all("input") if "checked" in field]
    assert checked == ["6", "4"]
    (compare,) = (form for form in document.all("form") if form.get("id") == "site.compare")
    assert compare["action"] == "/-/diff/guide/gr%C3%B6%C3%9Fe"


def test_nothing_that_tells_of_a_deleted_page_leads_to_it() -> None:
    told = [documents("history.html")[1], *documents("deleted.html"), *documents("revision.html")]
    for document in told:
        assert not {"/guide/gr%C3%B6%C3%9Fe", "/guide/gr%C3%B6%C3%9Fe.md"} & {*addresses(document)}


def test_what_was_there_can_be_restored() -> None:
    asked = [*documents("history.html"), *documents("revision.html"), *documents("deleted.html")]
    buttons = [
        [button["data-version"] for button in document.all("button") if "data-version" in button]
        for document in asked
    ]
    assert buttons == [[], ["3"], [], [], ["3"], [], [], [], ["3"]]


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        templates.render("edit.html", site=SITE)


def test_a_templates_layout_is_not_sent() -> None:
    source = "<ul>\n\n  <li>one  two</li> \r\n\t<li>\n  three</li>\n</ul>\n"
    assert templates.compact(source) == "<ul>\n<li>one  two</li>\n<li>\nthree</li>\n</ul>\n"
    assert "\n\n" not in render("edit.html", {"slug": "guide"})


@pytest.mark.parametrize("tag", ["pre", "textarea"])
def test_laid_out_text_stays_as_it_is(tag: str) -> None:
    text = f'<{tag} id="x">\n\n  one\n\n  two\n</{tag}>'
    assert templates.compact(f"<p>\n  {text}\n\n</p>") == f"<p>\n{text}\n</p>"


def test_a_pages_own_white_space_stays_as_it_is() -> None:
    template, context = next(contexts())
    context["article"] = "<pre>\n\n  code</pre>\n\n  <p>text</p>"
    assert context["article"] in render(template, context)


@pytest.mark.parametrize(
    ("article", "is_marked"),
    [
        ("<p>a</p>", False),
        ('<pre><code class="language-sh">a</code></pre>', False),
        ('<div class="notice note">', True),
        ("<kbd>a</kbd>", True),
        ("<details open>", True),
        ("<dl>", True),
    ],
)
def test_what_few_texts_have_is_styled_apart(article: str, is_marked: bool) -> None:
    template, context = next(contexts())
    document = render(template, {**context, "article": article})
    assert (static.url("marks.css") in document) == is_marked


def test_a_reader_loads_little() -> None:
    document = render(*next(contexts()))
    names = re.findall(r"/-/static/([^\"]+)", document)
    files = {name: file.body for name in names if (file := static.find(name))}
    assert len(document) + sum(map(len, files.values())) < 30_000
