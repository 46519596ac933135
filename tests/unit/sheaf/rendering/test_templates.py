import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2
import pytest

from sheaf.rendering import static, templates

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
        "html": "<h2>Safe</h2>\n<p>already</p>\n",
        "tags": [text, "second"],
        "state": "live",
        "version": 3,
        "author": "alice",
        "updated_at": datetime(2026, 11, 2, 14, 3, 11, tzinfo=UTC),
        "created_at": datetime(2026, 11, 1, tzinfo=UTC),
        "comment": text,
        "snippet": "some <mark>safe</mark> words",
    }
    user = {"handle": "alice", "edits": 1, "created_at": page["created_at"]}
    around = {"prev_url": "?cursor=p&a=1", "next_url": None}
    tombstone = {**page, "state": "tombstone", "version": 4}
    yield "page.html", {"page": page}
    yield "recent.html", {"items": [page, page], **around}
    yield "recent.html", {"items": [], "prev_url": None, "next_url": None}
    yield "search.html", {"q": "", "items": [], "problem": None, **around}
    yield "search.html", {"q": text, "items": [page], "problem": None, **around}
    yield "search.html", {"q": text, "items": [], "problem": None, **around}
    yield "search.html", {"q": text, "items": [], "problem": text, **around}
    yield "history.html", {"page": page, "items": [tombstone, page], **around}
    yield "revision.html", {"page": page, "revision": page}
    runs = [("same", text), ("removed", text), ("added", f"{text}\n\n{text}")]
    versions = {"page": page, "before": page, "after": tombstone}
    yield "diff.html", {**versions, "hunks": [(1, runs), (9, runs)]}
    yield "diff.html", {**versions, "hunks": []}
    yield "backlinks.html", {"slug": page["slug"], "items": [page], **around}
    yield "backlinks.html", {"slug": page["slug"], "items": [], **around}
    entries = [
        {"name": name, "slug": f"guide/{name}", "page": page, "folder": folder}
        for name, page, folder in (("a", True, False), ("b", False, True), ("größe", True, True))
    ]
    yield "tree.html", {"slug": "guide/größe", "items": entries, **around}
    yield "tree.html", {"slug": "", "items": [], **around}
    yield "users.html", {"items": [user, {**user, "edits": 12}], **around}
    yield "user.html", {"handle": "alice", "user": user, "items": [page]}
    yield "user.html", {"handle": "alice", "user": None, "items": []}
    yield "edit.html", {"slug": page["slug"]}
    yield "sign_in.html", {}
    for status, slug in ((404, "new-page"), (404, None), (410, "old"), (503, None)):
        yield "error.html", {"status": status, "title": "Sorry", "detail": text, "slug": slug}


SITE = {
    "name": "Sheaf",
    "sign_in_url": "https://id.example/authorize?a=1&b=2",
    "token_url": "https://id.example/token",
    "client_id": "sheaf",
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
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
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
    frames = {"base.html", "listing.html", "macros.html"}
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
        for name in {"href", "src", "action"} & attributes.keys():
            assert (attributes[name] or "").startswith(("/", "?", "#")), (tag, attributes)
            assert not (attributes[name] or "").startswith("//")


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
        assert field.get("aria-label") or field["id"] in labelled


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


def test_a_page_that_has_a_heading_gets_no_second_one() -> None:
    template, context = next(contexts("Its title"))
    context["page"]["html"] = '<h1 id="own">Its own</h1>'
    assert Document(render(template, context)).texts["h1"] == "Its own"


def test_addresses_are_percent_encoded() -> None:
    links = {link["href"] for link in Document(render(*next(contexts()))).all("a")}
    slug = "guide/gr%C3%B6%C3%9Fe"
    assert {f"/{slug}", f"/{slug}.md", f"/-/edit/{slug}", f"/-/history/{slug}"} <= links


def test_the_home_page_is_the_root() -> None:
    assert templates.page_path("home") == "/"
    assert templates.page_path("home/garden") == "/home/garden"


def test_times_are_told_in_utc() -> None:
    moment = datetime(2026, 11, 2, 1, 3, 11, tzinfo=timezone(timedelta(hours=2)))
    assert templates.machine_time(moment) == "2026-11-01T23:03:11Z"
    assert templates.human_time(moment) == "1 Nov 2026, 23:03 UTC"


def test_a_deleted_version_cannot_be_opened() -> None:
    history = dict(contexts())["history.html"]
    links = [str(link["href"]) for link in Document(render("history.html", history)).all("a")]
    assert "?version=3" in links
    assert "?version=4" not in links


@pytest.mark.parametrize(("status", "offered"), [(404, True), (410, True), (503, False)])
def test_a_missing_page_can_be_created(status: int, offered: bool) -> None:
    slug = "new page" if offered else None
    context = {"status": status, "title": "Sorry", "detail": "", "slug": slug}
    links = {link["href"] for link in Document(render("error.html", context)).all("a")}
    assert ("/-/edit/new%20page" in links) is offered


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
    context["page"]["html"] = "<pre>\n\n  code</pre>\n\n  <p>text</p>"
    assert context["page"]["html"] in render(template, context)


def test_a_reader_loads_little() -> None:
    document = render(*next(contexts()))
    names = re.findall(r"/-/static/([^\"]+)", document)
    files = {name: file.body for name in names if (file := static.find(name))}
    assert len(document) + sum(map(len, files.values())) < 20_000
