import re
import time
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from sheaf.rendering import front_matter
from sheaf.rendering.front_matter import MAX_DEPTH, MAX_LENGTH, Block, Data, Unreadable

MERGES = "a0: &a0 {k: v}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 8)
)
PIECES = ["a", "b", "key", ":", ": ", " ", "  ", "\n", "\n  ", "\r\n", "- ", "? ", "[", "]", "{"]
PIECES += ["}", ", ", "'", '"', "#", " # ", "|\n", ">\n", "&a ", "*a", "!t ", "%", "@", "\t", "\\"]
PIECES += ["\x85", "\u2028", "\ufeff", "\x07", "é", "😀", "0x1F", "1.1", "\\U", "FFFFFFFF", "..."]
PIECES += [
    "=",
    ".",
    "[[",
    '"""',
    "'''",
    "true",
    "2026-13-40",
    "1:59:59",
    "%YAML 1.1",
    "---",
    "null",
]
fences = st.sampled_from(["---", "+++"])
pieces = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
# An example of what has to be quoted in YAML, or is not where it stands.
strings = st.text(max_size=20) | st.text(
    "-:#'\"\\ \t\n\r\x85\u2028\ufeff|>[]{},&*!%@`?~é😀\x7f\u200d"
)
structures: st.SearchStrategy[Data] = st.recursive(
    strings,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3),
    max_leaves=8,
)


def fenced(block: str, fence: str = "---") -> str:
    return f"{fence}\n{block}\n{fence}\ntext"


def read(text: str) -> Any:
    block = front_matter.read(text)
    assert block is not None
    return block.data


def outcome(text: str) -> Block | Unreadable | None:
    try:
        return front_matter.read(text)
    except Unreadable as refused:
        return refused


def refusal(text: str) -> tuple[int, str]:
    refused = outcome(text)
    assert isinstance(refused, Unreadable)
    return refused.line, refused.reason


WRITTEN = ["3.10", "no", "012", "12:30", "2026-11-28", "2026-13-40", "~", "null", "0xfff", "1e5"]
WRITTEN += [
    ".inf",
    "1_000",
    "+1",
    "yes",
    "=",
    "<<",
    "é",
    "😀",
    "1:59:59.5",
    "C#",
    "a:b",
    "x://y",
    "",
]


@pytest.mark.parametrize("value", WRITTEN)
def test_a_value_stays_as_it_is_written(value: str) -> None:
    assert read(fenced(f"a: {value}\nb: [{value or 'x'}]")) == {"a": value, "b": [value or "x"]}


@pytest.mark.parametrize(
    ("block", "data"),
    [
        ("title: Install: the basics", {"title": "Install: the basics"}),
        ("title: Install: the basics # not this", {"title": "Install: the basics"}),
        ("title: Install:\nb: c", {"title": "Install:", "b": "c"}),
        ("title: a : b:  c :\td", {"title": "a : b:  c :\td"}),
        ("title: a: b\n  folded\n  twice\nb: c", {"title": "a: b folded twice", "b": "c"}),
        ('title: a: "b"', {"title": 'a: "b"'}),
        ("'title': a: [b]", {"title": "a: [b]"}),
        ("title: a: b\r\nb: c: d\r", {"title": "a: b", "b": "c: d"}),
        ("tags:\n- a: b: c\n- d", {"tags": [{"a": "b: c"}, "d"]}),
        ("a: {b: c: d, e: f}", {"a": {"b": "c: d", "e": "f"}}),
        ("a: {? b : c}", {"a": {"b": "c"}}),
        ("? a\n: b: c", {"a": {"b": "c"}}),
        ("a: |\n  b: c: d\n  # e", {"a": "b: c: d\n# e\n"}),
        ("a: >-\n  b: c: d\n  e", {"a": "b: c: d e"}),
        ("a: [b: c]", {"a": [{"b": "c"}]}),
    ],
)
def test_a_plain_value_may_have_colons(block: str, data: dict[str, Data]) -> None:
    assert read(fenced(block)) == data


words = st.text("abz09é😀:-\"'#[]{},&*!|>%@`?\\ ", max_size=12)


@given(st.lists(words, min_size=2, max_size=5), st.sampled_from(["", "\r"]))
@example(["", ":#"], "")
@example(["", "", "", "#"], "")
def test_what_follows_a_key_in_its_line_is_its_value(parts: list[str], end: str) -> None:
    value = "A" + re.sub(" #+", " ", ": ".join(parts)).rstrip()  # a comment would begin there
    assert read(fenced(f"a: {value}{end}\nb: c{end}")) == {"a": value, "b": "c"}
    assert read(fenced(f"a:{end}\n- b: {value}{end}")) == {"a": [{"b": value}]}


class Strict(yaml.BaseLoader):
    """PyYAML's own strings, without what front matter is not to have."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if not all(isinstance(key, str) and keys.count(key) == 1 for key in keys):
            raise yaml.YAMLError
        return super().construct_mapping(node, deep)


def accepted(block: str) -> Any:
    """What YAML says of a block, None if it is nothing that front matter may be."""
    try:
        events = list(yaml.parse(block, Loader=yaml.BaseLoader))
        if any(getattr(event, name, None) for event in events for name in ("anchor", "tag")):
            return None
        data = yaml.load(block, Loader=Strict)
    except (yaml.YAMLError, ValueError, OverflowError):
        return None
    return {} if data is None else data if isinstance(data, dict) else None


@given(pieces.map(lambda text: f"a: {text}") | pieces)
@example("a: {? b : c, ? [d] : e}")
@example("? a\n: - b\n  - c: d\n")
@example("a: 'b\n\n  c'\n\"d\": \n- e\n")
def test_what_yaml_takes_is_read_as_yaml(block: str) -> None:
    expected = accepted(f"\n{block}\n")
    if expected is not None and "\n---" not in f"\n{block}":
        assert read(fenced(block)) == expected


keys = st.sampled_from("abc") | st.text("aZ9_-. :é", min_size=1, max_size=3)
values = st.text("ab9é_-.,;:/()+ ", max_size=8).map("x".__add__)
values |= st.text("ab9é_-.,;:/()+ '\"#\t\r[{\x85\xa0\u2028\u3000", max_size=8)


@given(st.lists(st.builds("{}: {}".format, keys, values), max_size=4).map("\n".join))
@example("title: Tea\nlang: en\ndate: 2026-11-28T10:00")
@example("a: b \nb: c  d  \n")
@example("a: b\na: c")
def test_simple_lines_are_read_as_any_others(block: str) -> None:
    # A comment is nothing simple.
    assert data_of(fenced(block)) == data_of(fenced(f"{block}\n#"))


def data_of(text: str) -> dict[str, Data] | None:
    found = outcome(text)
    return found.data if isinstance(found, Block) else None


@pytest.mark.parametrize(
    ("block", "line", "reason"),
    [
        ("a: b\nc: &d e", 3, "anchors"),
        ("a: *b", 2, "anchors"),
        (MERGES, 2, "anchors"),
        ('a: !!int ""', 2, "tags"),
        ("a: !!bool x", 2, "tags"),
        ("a: !!timestamp x", 2, "tags"),
        ("a: ! b", 2, "tags"),
        ("!!map\na: b", 2, "tags"),
        ("a: 1\nb: 2\na: 3", 4, "the key a is there twice"),
        ("a:\n  b: 1\n  b: 2", 4, "the key b is there twice"),
        ("- a", 2, "keys and values"),
        ("just text", 2, "keys and values"),
        ("a: b\n? [c]\n: d", 3, "a key is"),
        ("a: b\n--- c\n", 3, "more than one document"),
        ("title: Install\n tags: b", 3, "keys and values, such as title: Tea, cannot be read here"),
        ("a: b\nc: 'd\ne: f", 3, "cannot be read here"),
        ("a: 'b\u2028c'\nd: 'e", 3, "cannot be read here"),
        ("a: b\n}: c", 3, "cannot be read here"),
        ("a: b\nc: d\x07", 3, "U+0007"),
        ('a: b\nc: "\\UFFFFFFFF"', 3, "no such character"),
        ('a: "\\U00110000"', 2, "no such character"),
        (f"%YAML {'1' * 5000}.1\n", 2, "no such character or number"),
        ("a: " + "[" * 900, 2, "16 deep"),
        ("a: " + "{b: " * 900, 2, "16 deep"),
        ("a:\n" + "- " * 500, 3, "16 deep"),
        ("? " * 500, 2, "16 deep"),
        ("a: b\n" * 1700, 1, "longer than 8,192 characters"),
    ],
)
def test_why_a_block_of_yaml_is_refused(block: str, line: int, reason: str) -> None:
    found, why = refusal(fenced(block))
    assert (found, reason in why) == (line, True), why


@pytest.mark.parametrize("block", ["", "\n", "# only this", "  ", "\r\n# a\r"])
def test_a_block_may_be_empty(block: str) -> None:
    assert read(fenced(block)) == {}
    assert read(f"---\n{block}---\n" if block.endswith("\n") else "---\n---\n") == {}


def test_toml() -> None:
    block = 'title = "Tea"\ntags = ["a", "b"]\nn = 3.10\nb = true\nd = 2026-11-28\ni = 5\n'
    block += "at = 2026-11-28T10:00:00Z\nt = 12:30:00\nf = 1e5\nnot = nan\n[a.b]\nc.d = [{e = 1}]"
    assert read(fenced(block, "+++")) == {
        "title": "Tea",
        "tags": ["a", "b"],
        "n": "3.10",
        "b": "true",
        "d": "2026-11-28",
        "i": "5",
        "at": "2026-11-28T10:00:00Z",
        "t": "12:30:00",
        "f": "1e5",
        "not": "nan",
        "a": {"b": {"c": {"d": [{"e": "1"}]}}},
    }
    assert read("+++\r\na = 'b'\r\n+++\r\ntext") == {"a": "b"}


@pytest.mark.parametrize(
    ("block", "line", "reason"),
    [
        ("a = 1\nb", 3, "Expected '='"),
        ("a = 1\na = 2", 3, "Cannot overwrite"),
        ("a = '''", 3, "Expected"),
        ("a = " + "[" * 2000, 1, "16 deep"),
        ("a = " + "[" * 16 + "]" * 16, 1, "16 deep"),
        ("a = " + "1" * 5000, 1, "cannot be read"),
        ("a = 0x" + "f" * 5000, 1, "cannot be read"),
        ("a = 1\na" + ".a" * 4000 + " = 1", 3, "more than 100 dots"),
        ("a = 1\n" * 1400, 1, "longer than 8,192 characters"),
    ],
)
def test_why_a_block_of_toml_is_refused(block: str, line: int, reason: str) -> None:
    found, why = refusal(fenced(block, "+++"))
    assert (found, reason in why) == (line, True), why


@pytest.mark.parametrize("after", ["\n\ntext", "\r\n\r\ntext", " \n \t\ntext", "\n"])
def test_json(after: str) -> None:
    text = '{\n "title": "Tea",\n\n "n": [3.10, 1e5, true, null, {"a": 0}]\n}' + after
    block = front_matter.read(text)
    assert block
    assert block.data == {"title": "Tea", "n": ["3.10", "1e5", "true", "", {"a": "0"}]}
    assert text[block.end :] == after.partition("text")[1]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('{"a": 1}\ntext', 1, "no empty line"),
        ('{"a":\n1}', 2, "no empty line"),
        ('{"a":\n1,}\n\n', 2, "no JSON object"),
        ('{"a": 012}\n\n', 1, "no JSON object"),
        ('{"a": 1, "a": 2}\n\n', 1, "the key a is there twice"),
        ('{"a": ' + "[" * 3000 + "]" * 3000 + "}\n\n", 1, "16 deep"),
        # A newer Python reads on, to the end that is not there.
        ('{"a": ' + "[" * 5000, 1, ""),
        ('{"a": ' + "[" * 100_000, 1, ""),
        ('{"a": ' + "[" * 16 + "]" * 16 + "}\n\n", 1, "16 deep"),
        ('{"a":\n"' + "b" * 9000 + '"}\n\n', 2, "no JSON object in 8,192 characters"),
    ],
)
def test_why_an_object_is_refused(text: str, line: int, reason: str) -> None:
    found, why = refusal(text)
    assert (found, reason in why) == (line, True), why


@pytest.mark.parametrize(
    "text", ["{{toc}}\n\n", "{% raw %}\n\n", "---\nText\n", "---\n\na: b\n", "+++ a\n+++\n", "--"]
)
def test_text_that_only_looks_so(text: str) -> None:
    assert front_matter.read(text) is None


def test_the_deepest_that_is_read() -> None:
    deep = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    expected: Data = []
    for _ in range(MAX_DEPTH - 2):
        expected = [expected]
    texts = [fenced(f"a: {deep}"), fenced(f"a = {deep}", "+++"), f'{{"a": {deep}}}\n\n']
    for text in texts:
        assert read(text) == {"a": expected}


@given(fences, pieces | st.text())
def test_nothing_but_a_refusal_leaves_it(fence: str, block: str) -> None:
    for text in (fenced(block, fence), '{"' + block + '"}\n\ntext', '{"a": ' + block + "}\n\ntext"):
        found = outcome(text)
        if isinstance(found, Unreadable):
            assert 1 <= found.line <= text.count("\n") + 1
            assert found.reason != "a value in it cannot be read"
        elif found:
            assert found.end <= len(text)


@given(st.dictionaries(strings, structures, max_size=4), strings)
@example({"title": "Install: the basics", "b": "3.10", "c": "no", "d": "- x", "e": "# y"}, "")
def test_what_is_written_is_read_again(data: dict[str, Data], text: str) -> None:
    written = front_matter.write(data)
    block = front_matter.read(written + text)
    assert block
    assert (block.data, (written + text)[block.end :]) == (data, text)


def test_what_is_too_long_is_not_written() -> None:
    with pytest.raises(Unreadable, match="longer than 8,192"):
        front_matter.write({"a": "b" * MAX_LENGTH})


# What makes PyYAML and tomllib work with the square or cube of it, as far as they are let.
COSTLY = [
    ("---", "["),
    ("---", "{"),
    ("---", "{a: "),
    ("---", "? "),
    ("---", "- "),
    ("---", "[" * 15 + "]" * 15 + ": a\n"),
    ("---", "a: b: "),
    ("---", " :a"),
    ("+++", ".a"),
    ("+++", "["),
    ("+++", "{a="),
    ("+++", "[a]\n"),
]


def seconds(text: str) -> float:
    """Of processor time, to read it or not."""
    before = time.process_time()
    outcome(text)
    return time.process_time() - before


@pytest.mark.parametrize(("fence", "unit"), COSTLY)
@pytest.mark.parametrize("start", ["", "a: ", "a = ", "a", "a: ["])
def test_no_block_is_much_work(fence: str, unit: str, start: str) -> None:
    block = (start + unit * MAX_LENGTH)[: MAX_LENGTH - 2]
    assert seconds(fenced(block, fence)) < 2  # 0.07 at most; 12 without bounds


@given(fences, pieces, st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join))
def test_no_repetition_is_much_work(fence: str, start: str, unit: str) -> None:
    block = (start + unit * MAX_LENGTH)[: MAX_LENGTH - 2]
    assert seconds(fenced(block, fence)) < 2


def test_a_header_of_many_parts_is_not_much_work() -> None:
    header = "[a" + ".a" * front_matter.MAX_DOTS + "]\n"
    block = header + "".join(f"k{n}=1\n" for n in range(1000))
    assert seconds(fenced(block, "+++")) < 2
