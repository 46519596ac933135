"""How pages look on small windows, on paper, from right to left, and in colours of one's own."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.api import Api
from tests.browser.tabs import PHONE, OpenTab, box

PAGE = f"""# Leaves

{"word" * 40} `{"code" * 40}` https://example.com/{"path/" * 40}
and ==this==, <ins>more</ins>, <del>less</del>.

| Setting | Default | Meaning |
|---|---:|---|
| `A_RATHER_LONG_SETTING` | 1,234,567.89 | What it is for, which takes a sentence to say |
| Short | −0.5 | On 2026-11-30 |

```python
{"leaf(1)" * 40}
```

[outside](https://example.org/leaf/) [inside](/home) [here](#leaves) <https://example.net/leaf>
[![picture](/favicon.svg)](https://example.org/picture)[^1]

## [Heading](https://example.org/heading)

> Quoted.

??? note "Folded"
    Not seen at once.

[^1]: Below.
"""
# The same in a table of many columns.
COLUMNS = f"# Columns\n\n{'| 1,234,567 ' * 12}|\n{'|---:' * 12}|\n{'| 7,654,321 ' * 12}|\n"
ARABIC = """# صفحة عن الشاي

> اقتباس من كتاب.

> [!NOTE]
> ملاحظة فيها `code()`.

- [x] تم

| شاي | قهوة |
|---|---|
| 1 | 2 |

    code

نص.[^1]

[^1]: حاشية.
"""


def style(element: Locator, name: str, pseudo: str = "") -> str:
    """The computed value of a property of an element, or of what a style puts into it."""
    found: str = element.evaluate(
        "(element, [name, pseudo]) => getComputedStyle(element, pseudo).getPropertyValue(name)",
        [name, pseudo],
    )
    return found


def lines(element: Locator) -> int:
    """On how many lines the text of an element is."""
    found: int = element.evaluate("""element => {
      const text = document.createRange();
      text.selectNodeContents(element);
      return new Set([...text.getClientRects()].map(line => line.top)).size;
    }""")
    return found


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("scripts", [True, False])
def test_what_is_wide_stays_in_the_window(
    open_tab: OpenTab, api: Api, slug: str, width: int, scripts: bool
) -> None:
    api.create(slug, PAGE)
    phone = PHONE | {"viewport": {"width": width, "height": 700}}
    tab = open_tab(java_script_enabled=scripts, **phone)
    tab.goto(f"/{slug}")
    assert tab.evaluate("document.scrollingElement.scrollWidth") == width
    for wide in ("table", "pre"):
        assert tab.locator(f".prose {wide}").evaluate("each => each.scrollWidth > each.clientWidth")
    for cell in ("A_RATHER_LONG_SETTING", "1,234,567.89", "−0.5"):
        assert lines(tab.get_by_text(cell, exact=True)) == 1


def test_a_wide_table_is_scrolled_with_keys_and_has_room(
    open_tab: OpenTab, api: Api, slug: str
) -> None:
    api.create(slug, PAGE)
    tab = open_tab(viewport={"width": 320, "height": 700})
    tab.goto(f"/{slug}")
    table = tab.locator(".prose table[tabindex]")
    table.focus()
    tab.keyboard.press("ArrowRight")
    tab.wait_for_function("document.querySelector('.prose table').scrollLeft > 0")
    assert box(table.locator("td:last-child").first)["width"] >= 200


@pytest.fixture
def paper(open_tab: OpenTab, api: Api, slug: str) -> Page:
    """A page as it was printed from a dark window."""
    api.create(slug, PAGE)
    tab = open_tab(color_scheme="dark", viewport={"width": 700, "height": 900})
    tab.goto(f"/{slug}")
    tab.pdf()
    tab.emulate_media(media="print")
    return tab


def test_paper_has_addresses_of_other_sites(paper: Page) -> None:
    def said(name: str) -> str:
        return style(
            paper.locator(".prose").get_by_role("link", name=name).first, "content", "::after"
        )

    assert "https://example.org/leaf/" in said("outside")
    for name in (
        "inside",
        "here",
        "Heading",
        "Link to this heading",
        "picture",
        "https://example.net/leaf",
    ):
        assert said(name) in ("none", "normal"), name


def test_paper_is_white_and_has_what_is_folded(paper: Page) -> None:
    assert style(paper.locator("html"), "background-color") == "rgb(255, 255, 255)"
    for text in (".prose p", ".prose a", "h1"):
        assert style(paper.locator(text).first, "color") == "rgb(0, 0, 0)"
    assert box(paper.get_by_text("Not seen at once."))["height"] > 0
    assert style(paper.locator(".prose details"), "break-inside") == "avoid"
    assert style(paper.locator("h2"), "break-after") == "avoid"
    for whole in (".prose tr", ".prose pre", ".prose blockquote"):
        assert style(paper.locator(whole).first, "break-inside") == "avoid"
    for button in ("nav", "[aria-label='Back to the text']"):
        assert not paper.locator(button).first.is_visible()


def test_paper_has_all_of_many_columns(open_tab: OpenTab, api: Api, slug: str) -> None:
    api.create(slug, COLUMNS)
    tab = open_tab(viewport={"width": 700, "height": 900})
    tab.goto(f"/{slug}")
    tab.emulate_media(media="print")
    assert box(tab.locator(".prose table"))["right"] <= 700
    assert lines(tab.get_by_role("cell").first) == 1


@pytest.mark.parametrize("said", ["---\nlang: ar\ndir: rtl\n---\n", "---\nlang: ar\n---\n", ""])
def test_right_to_left_all_is_mirrored(open_tab: OpenTab, api: Api, slug: str, said: str) -> None:
    api.create(slug, said + ARABIC)
    tab = open_tab()
    tab.goto(f"/{slug}")
    article = tab.locator("article")
    assert style(article, "direction") == "rtl"
    for marked in ("blockquote", ".notice"):
        edges = [
            style(article.locator(marked), f"border-{side}-width") for side in ("left", "right")
        ]
        assert edges == ["0px", "3px"], marked
    cells = [box(cell)["left"] for cell in article.locator("th").all()]
    assert cells[0] > cells[1]
    item = article.locator(".task-list-item")
    assert box(item.locator("input"))["left"] > box(item)["right"] - 1
    assert style(tab.get_by_role("link", name="Back to the text"), "scale") == "-1 1"
    for code in article.locator("code").all():
        assert style(code, "direction") == "ltr"
    assert style(tab.get_by_role("banner"), "direction") == "ltr"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forced_colours_keep_marks_and_edges(
    open_tab: OpenTab, api: Api, slug: str, scheme: Any
) -> None:
    api.create(slug, PAGE)
    tab = open_tab(forced_colors="active", color_scheme=scheme)
    tab.goto(f"/{slug}")
    article = tab.locator("article")
    ground = style(tab.locator("html"), "background-color")
    assert style(article.locator("mark"), "background-color") != ground
    for element, line in (("ins", "underline"), ("del", "line-through")):
        assert style(article.locator(element), "text-decoration-line") == line
    for edged in ("pre", "blockquote", ".notice"):
        assert style(article.locator(edged).first, "border-left-style") == "solid"
    link = article.get_by_role("link", name="outside")
    tab.keyboard.press("Tab")
    link.focus()
    assert style(link, "outline-style") == "solid"
    tab.goto("/-/search")
    for control in tab.locator("main :is(input, button)").all():
        assert style(control, "border-top-style") == "solid"
    expect(tab.locator("main input")).not_to_have_count(0)
