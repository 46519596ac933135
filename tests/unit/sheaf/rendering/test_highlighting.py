import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.rendering import cleaning, highlighting
from sheaf.rendering.highlighting import Highlighter
from sheaf.rendering.markdown import render

ROOT = Path(__file__).parents[4]
LANGUAGES = sorted(highlighting._LEXER_OF)
# A bit of everything, for which lexers load what they only load when they need it.
_SAMPLE = """<?php $a = strlen('x'); ?>
class X(object): def f(self): return print("a" + 'b') # c
SELECT count(*) FROM `x` WHERE a = 1.5; -- d
<style>p { color: red }</style><script>let a = /x/;</script>
fn main() { let x: u8 = 0x1f; } // e
```sh
$ echo "$HOME" | sort
```
key: [1, true, null]
"""
# Imports what the layer has, and nothing else, while each lexer reads the sample.
_READ_ALL = """
import json, sys
class Kept:
    def find_spec(self, name, path=None, target=None):
        package, _, module = name.rpartition(".")
        if package == "pygments.lexers" and module not in kept:
            raise ImportError(name)
kept, lexers, sample = json.loads(sys.argv[1])
sys.meta_path.insert(0, Kept())
from sheaf.rendering import cleaning, highlighting
for name in lexers:
    list(highlighting._lexer(name).get_tokens_unprocessed(sample))
"""


def text_of(html: str) -> str:
    return unescape(re.sub(r"</?(?:pre|code|span)\b[^>]*>", "", html)).removesuffix("\n")


def test_code_has_colours_by_class() -> None:
    html = render('```python title="x"\ndef f() -> int:\n    return "<a>"  # b\n```', "x").html
    assert html == (
        '<pre><code class="language-python"><span class="k">def</span> <span class="nf">f</span>()'
        ' -&gt; <span class="nb">int</span>:\n    <span class="k">return</span> '
        '<span class="s">"&lt;a&gt;"</span>  <span class="c"># b</span>\n</code></pre>\n'
    )


@pytest.mark.parametrize("info", ["py", "Python", "{.python}", "{ .py .annotate }", "py{1,3}"])
def test_languages_have_several_names(info: str) -> None:
    assert '<span class="k">' in render(f"``` {info}\nif a: b\n```", "x").html


@pytest.mark.parametrize("info", ["", "text", "mermaid", "math", "ini", "unknown", "{", '"'])
def test_other_code_is_plain(info: str) -> None:
    html = render(f"```{info}\nif a: b\n```", "x").html
    assert "<span" not in html
    assert "if a: b" in html


def test_what_is_searched_has_no_colours() -> None:
    assert render("```py\nif a: b\n```", "x").plain == "if a: b"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_letter_of_code_is_lost(language: str) -> None:
    html = Highlighter().html(_SAMPLE, language)
    assert html is not None
    assert text_of(html) == _SAMPLE
    assert set(re.findall(r'<span class="(\w+)">', html)) <= highlighting.CLASSES


@given(st.sampled_from(LANGUAGES), st.text(max_size=50))
def test_no_letter_of_anything_is_lost(language: str, code: str) -> None:
    html = Highlighter().html(code, language)
    assert html is not None
    assert text_of(html) == code


def test_colours_are_bounded() -> None:
    long, short = ("if a: b\n" * lines for lines in (501, 100))
    assert "<span" not in render(f"```py\n{long}```", "x").html
    block = f"```py\n{short}```\n\n"
    html = render(block * 100, "x").html
    assert html.count("<pre>") == 100
    assert 0 < html.count('<span class="k">') <= 100 * (40_000 // 800)


def test_code_that_takes_too_long_stays_plain_and_so_does_what_comes_after() -> None:
    highlighter = Highlighter()
    highlighter._seconds = 1e-9
    assert highlighter.html("if a: b", "py") == (
        '<pre><code class="language-py">if a: b</code></pre>\n'
    )
    assert highlighter.html("if a: b", "py") is None


def test_colours_go_before_a_text_is_refused() -> None:
    text = "```py\nif a: b\n```\n\n```\n{}\n```\n"
    coloured = render(text.format(""), "x").html
    assert "<span" in coloured
    # With colours it would be too long, by four letters at most.
    longest = (cleaning.MAX_HTML_BYTES - len(coloured)) // len("&lt;") + 1
    assert "<span" not in render(text.format("<" * longest), "x").html


def test_pygments_is_loaded_for_code_of_a_known_language_alone() -> None:
    program = (
        "import sys; from sheaf.rendering.markdown import render; "
        "render('```\\na\\n```\\n\\n```unknown\\na\\n```', 'x'); "
        "assert not any(name.startswith('pygments') for name in sys.modules); "
        "render('```sh\\na\\n```', 'x'); assert 'pygments' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_the_layer_has_what_lexers_need() -> None:
    makefile = (ROOT / "layers/common/Makefile").read_text().replace("\\\n", " ")
    kept = re.search("^LEXERS := (.*)$", makefile, re.MULTILINE)
    assert kept
    given_ = json.dumps([kept[1].split(), list(highlighting._LEXERS), _SAMPLE])
    subprocess.run([sys.executable, "-c", _READ_ALL, given_], check=True, timeout=60)
