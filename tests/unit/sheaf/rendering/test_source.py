import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.rendering.source import Source, parse


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("plain", Source(None, (), "plain")),
        ("---\ntitle: T\n---\ntext", Source("T", (), "text")),
        ("---\r\ntitle: T\r\ntags: a, b ,a\r\n---\r\ntext", Source("T", ("a", "b"), "text")),
        ("\ufeff---\ntitle: T\n---\n", Source("T", (), "")),
        ("\ufefftext", Source(None, (), "text")),
        ("---\ntitle: 2026\ntags: [1, b]\n---\n", Source("2026", ("1", "b"), "")),
        ('---\ntitle: "a\\0 \\uD800b\\u202e"\ntags: ["\\0", c]\n---\n', Source("a b", ("c",), "")),
        ("---\ntags: {a: b}\ntitle: [x]\n---\n", Source(None, (), "")),
        ("---\n- a\n---\ntext", Source(None, (), "---\n- a\n---\ntext")),
        ("---\n: : bad\n---\ntext", Source(None, (), "---\n: : bad\n---\ntext")),
        ("---\ndate: 2026-13-40\n---\ntext", Source(None, (), "---\ndate: 2026-13-40\n---\ntext")),
        ("---\na rule, not front matter", Source(None, (), "---\na rule, not front matter")),
        ("text\n---\ntitle: T\n---\n", Source(None, (), "text\n---\ntitle: T\n---\n")),
        ("---\ntitle: T\n---", Source("T", (), "")),
    ],
)
def test_parse(body: str, expected: Source) -> None:
    assert parse(body) == expected


@given(st.text(alphabet="-\r\n: [a]{}!&*'\"#\ufefft", max_size=60))
def test_no_text_breaks_it(body: str) -> None:
    whole = f"---\n{body}"
    assert whole.endswith(parse(whole).text)
