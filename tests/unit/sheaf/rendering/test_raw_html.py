import re
from html.parser import HTMLParser
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.rendering import markdown
from sheaf.rendering.markdown import render

_NOT_CLOSED = {"br", "col", "hr", "img", "input", "source", "wbr"}

PICTURE = '<picture>{}<img src="b.png" alt="c"></picture>'
DARK = '<source media="(prefers-color-scheme: dark)" srcset="a">'
LIGHT = DARK.replace("dark", "light")


class _Reader(HTMLParser):
    """Reads HTML as strictly as it can: each element is closed, in order, by its own tag."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _NOT_CLOSED:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_comment(self, data: str) -> None:
        self.faults.append(data)

    def handle_decl(self, decl: str) -> None:
        self.faults.append(decl)


def read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader


def assert_harmless(text: str) -> None:
    html = render(text, "x").html
    reader = read(html)
    assert reader.open == reader.faults == []
    assert not reader.tags & {"script", "style", "iframe", "form", "object", "svg", "math", "base"}
    for tag, name, value in reader.attributes:
        assert not name.startswith("on"), html
        assert name not in ("style", "srcdoc", "action", "formaction", "xlink:href"), html
        assert name != "srcset" or tag == "source", html
        if name in ("href", "src", "srcset", "cite"):
            address = re.sub("[\0- ]", "", value).lower()
            assert not address.startswith(("javascript:", "vbscript:", "data:")), html
        if name == "id":
            assert "." not in value or re.fullmatch(r"fn(ref)?\.\d+", value), html
        if name == "class":
            assert tag in {"code", "section", "div", "details", "p", "li", "ul", "ol", "span"}


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a<br>b<br/>c", "<p>a<br>\nb<br>\nc</p>\n"),
        ("<kbd>Ctrl</kbd> H<sub>2</sub>O", "<p><kbd>Ctrl</kbd> H<sub>2</sub>O</p>\n"),
        ("<KBD onclick='x' class=y>a</KBD>", "<p><kbd>a</kbd></p>\n"),
        ("a <b>b *c</b> d* e", "<p>a <b>b <em>c d</em> e</b></p>\n"),
        ("*a <b>b* c</b>", "<p><em>a <b>b</b></em> c</p>\n"),
        ("a <b>b\n\nc</b>", "<p>a <b>b</b></p>\n<p>c</p>\n"),
        ("</div></article></main>a", "a"),
        ("<nav><button>a</button></nav>", "a"),
        ("a<script>alert(1)</script>b", "<p>ab</p>\n"),
        ("<style>\n\np { }\n</style>\n\na", "\n<p>a</p>\n"),
        ("</script>a", "<p>a</p>\n"),
        ("a <!-- b\nc --> d <?e?> <!F g> <![CDATA[h]]>.", "<p>a  d   .</p>\n"),
        ("<!-- a\n\n# b\n-->\n\nc", "\n<p>c</p>\n"),
        ("<!-- a\n\n# b", ""),
        ('<p title="a &amp; &quot;b&quot;">c', '<p title="a &amp; &quot;b&quot;">c</p>'),
        ("<a name=Top.1></a>b", '<p><a id="Top-1"></a>b</p>\n'),
        ("# a\n\n<p id=a>b</p>", '<h1 id="a">a</h1>\n<p id="a-1">b</p>'),
        ("<a id=b></a><a id=b></a>", '<p><a id="b"></a><a id="b-1"></a></p>\n'),
        ("<a href='y:z'>b</a>", "<p>b</p>\n"),
        ("<a id=c href='y:z'>b</a>", '<p><a id="c">b</a></p>\n'),
        ("<a>b</a>", "<p>b</p>\n"),
        ("<b>\n\nc\n\n</b>", "<b>\n</b><p>c</p>\n"),
        ("<img src=a.png alt='b'>", '<img src="a.png" alt="b">'),
        ("a <img src=data:image/png;x alt='b'>", "<p>a b</p>\n"),
        ("![b](data:image/png;x)", "<p>b</p>\n"),
        ("a <x-y>b</x-y>", "<p>a b</p>\n"),
        ("1 < 2 & <3", "<p>1 &lt; 2 &amp; &lt;3</p>\n"),
    ],
)
def test_what_becomes_of_html(text: str, html: str) -> None:
    found = re.sub(' rel="[^"]*"', "", render(text, "x").html)
    assert re.sub(" />", ">", found).replace("<br>b", "<br>\nb") == html


@pytest.mark.parametrize("source", [DARK, LIGHT, f"{DARK}{LIGHT}"])
def test_a_picture_is_another_one_in_the_dark(source: str) -> None:
    assert render(PICTURE.format(source), "x").html == f"<p>{PICTURE.format(source)}</p>\n"


@pytest.mark.parametrize(
    "source",
    [
        '<source srcset="a">',
        '<source media="(prefers-color-scheme: dark)">',
        '<source media="(min-width: 1px)" srcset="a">',
        DARK.replace('"a"', '"a 2x"'),
        DARK.replace('"a"', '"a,b"'),
        DARK.replace('"a"', '"data:image/png;a"'),
        '<source src="a">',
    ],
)
def test_a_picture_goes_by_nothing_else(source: str) -> None:
    assert render(PICTURE.format(source), "x").html == f"<p>{PICTURE.format('')}</p>\n"
    assert render(DARK, "x").html == ""


def test_markdown_stands_in_html() -> None:
    text = "<details open>\n<summary>More</summary>\n\n- *a*\n\n</details>\n\nafter"
    html = render(text, "x").html
    assert "<li><em>a</em></li>" in html
    assert html.index("</details>") < html.index("<p>after</p>")


def test_html_that_encloses_much_stays_whole() -> None:
    """Text is cleaned in pieces; none of them ends within HTML."""
    text = "<details>\n\n" + "a\n\n" * 3000 + "</details>\n\nafter"
    html = render(text, "x").html
    assert html.count("<details>") == html.count("</details>") == 1
    assert html.index("</details>") > html.rindex("<p>a</p>")


@pytest.mark.parametrize("around", ["> {}\n\nafter", "- {}\n\nafter", "1. {}\n\n2. after"])
def test_html_ends_with_what_it_stands_in(around: str) -> None:
    html = render(around.format("<div>a"), "x").html
    assert html.index("</div>") < html.index("after")
    assert read(html).faults == []


def test_html_is_read_as_text_and_links() -> None:
    text = "<p>one<b>two</b> &amp; <a href='b.md?x#c'>three</a></p>\n\n<i>four</i> <!-- no -->"
    rendered = render(text, "a/x")
    assert rendered.plain.split() == ["onetwo", "&", "three", "four"]
    assert rendered.links == {"a/b"}
    assert 'href="/a/b?x#c"' in rendered.html
    assert markdown.skeleton(text).hrefs == ["b.md?x#c"]


@pytest.mark.parametrize("depth", [5, 1000])
def test_depth_is_bounded(depth: int) -> None:
    html = render("<div>" * depth + "a", "x").html
    assert html.count("<div>") == html.count("</div>") == min(depth, 20)


_TAGS = ["a", "img", "svg", "math", "iframe", "object", "embed", "form", "input", "video", "base"]
_TAGS += ["details", "template", "noscript", "table", "style", "title", "textarea", "xmp", "p"]
_NAMES = ["href", "src", "srcset", "style", "onclick", "onerror", "ontoggle", "formaction"]
_NAMES += ["xlink:href", "srcdoc", "action", "data", "cite", "background", "poster", "id", "name"]
_VALUES = ["javascript:alert(1)", " java\tscript:alert(1)", "&#106;avascript:alert(1)", "x"]
_VALUES += ["data:text/html,<script>alert(1)</script>", "site.main", "JaVaScRiPt&colon;alert(1)"]
_PICTURES = [PICTURE.format(DARK.replace('"a"', f'"{value}"')) for value in _VALUES]
PAYLOADS = _PICTURES + [
    f'<{tag} {name}="{value}">' for tag, name, value in product(_TAGS, _NAMES, _VALUES)
]
# Those that change when they are read a second time, or by another kind of parser.
MUTATIONS = [
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=x>">',
    '<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<template><script>alert(1)</script></template>",
    '<select><template><style><!--</style><a rel="--></style></template></select><img onerror=x>',
    "<table><td><svg><desc><td></desc></svg><b><style><a title='</style><img src=1 onerror=x>'>",
    "<textarea></textarea><img src=x onerror=alert(1)>",
    "<title><a title='</title><img src=x onerror=alert(1)>'>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!-- --!><img src=x onerror=alert(1)>-->",
    "<a href='x'onclick='alert(1)'>",
    "<a\nhref\n=\n'javascript&#58;alert(1)'>",
    "<img src=x:x onerror=alert(1)//",
    "<<script>script>alert(1)<</script>/script>",
    "<plaintext><xmp></xmp><listing>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "`<img src=x onerror=alert(1)>",
    "[a](<javascript:alert(1)>)",
    "![a](x \"' onerror='alert(1)\")",
    "<div id=site.main><a name=site.titles></a></div>",
]


@pytest.mark.parametrize("start", range(0, len(PAYLOADS), 100))
def test_payloads_do_nothing(start: int) -> None:
    for payload in PAYLOADS[start : start + 100]:
        assert_harmless(payload)
        assert_harmless(f"a {payload} b")


@pytest.mark.parametrize("payload", MUTATIONS)
@pytest.mark.parametrize("around", ["{}", "a {}", "- {}", "> {}\n\nb", "|a|\n|-|\n|{}|"])
def test_mutations_do_nothing(payload: str, around: str) -> None:
    assert_harmless(around.format(payload))


_PIECES = [
    *MUTATIONS,
    "<div>",
    "</div>",
    "<b>",
    "</b>",
    "<p>",
    "</p>",
    "<a href=x>",
    "</a>",
    "<li>",
]
_PIECES += ["<table>", "<tr>", "<td>", "</table>", "<details>", "<summary>", "<!--", "-->", "<svg>"]
_PIECES += [
    "\n",
    "\n\n",
    "- ",
    "> ",
    "*",
    "`",
    "[",
    "](x)",
    "| a |\n|-|\n",
    "    ",
    "text",
    "<",
    '"',
]
_PIECES += ["<a href=x>\n\n", "<a href=x:y>\n\n", "</a>\n\n", "\n\n</div>\n\n"]


@given(st.lists(st.sampled_from(_PIECES), max_size=12))
def test_mixtures_do_nothing(pieces: list[str]) -> None:
    assert_harmless("".join(pieces))
