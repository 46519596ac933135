"""What CommonMark and GitHub make of Markdown, beside what we make of it.

CommonMark's own examples come from the package that `make contract` installs. GitHub's flavour has
none in a package, so Debian's `cmark-gfm` says what it makes of ours.
"""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sheaf.rendering import linked, links
from sheaf.rendering.markdown import render
from tests.needs import needs

SPEC = Path(__file__).parents[4] / ".contract/node_modules/commonmark-spec/spec.txt"
_EXAMPLE = re.compile(r"^`{32} example\n([\s\S]*?)^\.\n([\s\S]*?)^`{32}$", re.MULTILINE)

# The examples that differ by design, by their numbers in CommonMark 0.31.2. docs/markdown.md tells.
_BY_DESIGN = {
    "HTML is cleaned": {
        *(21, 31, *range(148, 152), 155, 160, 163, 165, *range(169, 177), 178, 180, 184, 187, 190),
        *(191, 201, 344, 475, 476, 477, 491, 494, 524, 536, *range(613, 618), 623, 626, 630, 631),
        *(642, 643),
    },
    "bare addresses are links": {602, 606, 608, 611, 612},
    "only some schemes are links": {598, 599, 601},
    "code has colours": {142, 143},
    "double brackets are a link to a page": {590},
}

GITHUBS = [
    "~~a~~ b ~c~ ~~~d~~~",
    "| a | b |\n|---|:-:|\n| c | d\\|e |\n| f |\n\nafter",
    "| a |\n| - |\n> b",
    "|a|b|\n|-|\n",
    "www.commonmark.org/help. (www.google.com/search?q=(business))+ok",
    "http://commonmark.org, https://encrypted.google.com/search?q=Markup+(business)",
    "www.google.com/search?q=commonmark&hl=en and q=commonmark&hl;",
    "foo@bar.baz and hello@mail+xyz.example. hello+xyz@mail.example",
    "a.b-c_d@a.b. a.b-c_d@a.b- a.b-c_d@a.b_",
    "www.a_b.c_d.e http://a_b.c",
    "**https://a.b/c** [www.x.y](http://z.w)",
    "- [ ] a\n- [x] b\n- [X] c\n- d",
    "1. [ ] a\n   - [x] b",
    "- [ ]\n- [x]a\n- \\[ ] b",
    "a <kbd>b</kbd> <sub>c</sub>\n\n<details>\n<summary>d</summary>\n\n*e*\n\n</details>",
]


class _Reader(HTMLParser):
    """HTML as a list of what is in it, without what says the same in other words."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []
        self._in_pre = False

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_pre |= tag == "pre"
        # A heading's address, what follows no link, and what a link may mean are ours; classes only
        # help styles.
        ours = {"rel", "class", "aria-label"} if tag != "code" else {"rel"}
        ours |= {linked.NAME, linked.WRITTEN}
        ours |= {"id"} if re.fullmatch(r"h\d", tag) else set()
        said = ((name, value or "") for name, value in attrs if name not in ours)
        kept = sorted(f"{name}={_led(value) if name == 'href' else value}" for name, value in said)
        self.found.append(("open", "del" if tag == "s" else tag, *kept))

    def handle_endtag(self, tag: str) -> None:
        self._in_pre &= tag != "pre"
        self.found.append(("close", "del" if tag == "s" else tag))

    def handle_data(self, data: str) -> None:
        text = data if self._in_pre else " ".join(data.split())
        if text and self.found and self.found[-1][0] == "text":
            text = self.found.pop()[1] + text
        if text:
            self.found.append(("text", text))


def _led(href: str) -> str:
    """Where a link leads: within the site it has the address of a page."""
    found = links.target(href, "x")
    return found.href if found else href


def parts(html: str) -> list[tuple[str, ...]]:
    reader = _Reader()
    # A heading's second address, which is ours as the first is.
    reader.feed(re.sub(r"(<h\d[^<>]*>)<span id=[^<>]*></span>", r"\1", html))
    reader.close()
    return reader.found


def test_commonmarks_examples() -> None:
    needs(SPEC.is_file(), "commonmark-spec, which `make contract` installs")
    examples = _EXAMPLE.findall(SPEC.read_text().replace("→", "\t"))
    assert len(examples) > 600
    differ = {
        number
        for number, (text, html) in enumerate(examples, 1)
        if parts(render(text, "x").html) != parts(html)
    }
    assert differ == set().union(*_BY_DESIGN.values())


@pytest.mark.parametrize("text", GITHUBS)
def test_githubs_flavour(text: str) -> None:
    program = shutil.which("cmark-gfm")
    needs(program is not None, "cmark-gfm")
    extensions = ("table", "strikethrough", "autolink", "tasklist", "tagfilter")
    options = [option for name in extensions for option in ("--extension", name)]
    command = [str(program), "--unsafe", *options]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=60)
    assert parts(render(text, "x").html) == parts(done.stdout.decode())
