"""Front matter: a block of data that stands before a page's text.

It is YAML between two lines of `---`, TOML between two lines of `+++`, or a JSON object that is the
first of the text and has an empty line after it. Whatever the format, it is data and no language:
strings as they were written, lists of such, and maps with strings as keys. `3.10`, `no` and `12:30`
are strings, and nothing in a block can refer to another part of it.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from math import inf
from typing import Any, TypeAlias

import yaml
from yaml.reader import ReaderError

Data: TypeAlias = "str | list[Data] | dict[str, Data]"

# A text that begins with none of these has no front matter.
BEGINNINGS = ("---", "+++", "{")
MAX_LENGTH = 8192
MAX_DEPTH = 16
# tomllib's work for a key grows with the square of its parts, all of which are in one line.
MAX_DOTS = 100

_FENCED = re.compile(r"(---|\+\+\+)[ \t]*\r?\n(.*?)^\1[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
# A text may begin with a rule as well, but hardly with a key after it.
_UNENDED = re.compile(r"(?:---|\+\+\+)[ \t]*\r?\n[ \t]*[\w-]+[ \t]*(?::[ \t\r\n]|=)")
# Text may begin with a brace as well, such as {{toc}}.
_OBJECT = re.compile(r'\{\s*["}]')
_EMPTY_LINE = re.compile(r"[ \t]*\r?\n[ \t]*(?:\r?\n|\Z)")
_LINE_BREAK = re.compile("[\n\x85\u2028\u2029]")
_IN_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class Unreadable(Exception):
    """A block that is no front matter: `reason`, and the `line` of the text (from 1)."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class Block:
    """What a text's front matter says, and where in the text it ends."""

    data: dict[str, Data]
    end: int


def read(text: str) -> Block | None:
    """The front matter of a text without a byte order mark; None if there is no block for it.

    Raises Unreadable, and nothing else, if there is a block and it is no front matter.
    """
    try:
        fenced = _FENCED.match(text)
        if fenced:
            return Block(_fenced(fenced[1], fenced[2]), fenced.end())
        _check_end(text)
        return _object(text) if _OBJECT.match(text) else None
    except Unreadable:
        raise
    except RecursionError as error:
        raise Unreadable(1, _TOO_DEEP) from error
    except Exception as error:
        # It is text, whatever a parser stumbled over.
        raise Unreadable(1, "a value in it cannot be read") from error


def write(data: Mapping[str, Data]) -> str:
    """A block of YAML with its lines of `---`, of which `read` makes the same data.

    Raises Unreadable if it would be longer than front matter may be.
    """
    block = yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=inf)
    _check_length(len(block))
    return f"---\n{block}---\n"


_TOO_DEEP = f"lists and maps in it are more than {MAX_DEPTH} deep"


def _check_length(length: int) -> None:
    if length > MAX_LENGTH:
        raise Unreadable(1, f"it is longer than {MAX_LENGTH:,} characters")


def _check_end(text: str) -> None:
    if _UNENDED.match(text):
        raise Unreadable(1, "no line of --- or +++ ends it")


def _fenced(fence: str, block: str) -> dict[str, Data]:
    _check_length(len(block))
    # With an empty line for the fence, lines are counted as in the text.
    return _FORMATS[fence]("\n" + block)


# YAML

_UNCLEAR = "keys and values, such as title: Tea, cannot be read here"
# Keys with a word or a few behind each, in which no sign means anything.
_PLAIN = re.compile(r"(?:\n[A-Za-z]\w{,99}: +[^\W_](?:[\w .,;()/+-]|:[\w/])*)*\n?")


class _YamlParser(yaml.BaseLoader):
    """PyYAML's events, but that a plain value may have `: ` in the line in which it begins.

    Flow collections are bounded in depth here, since the scanner's work grows with the square of
    it before the first event.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._after_question_mark = False

    def fetch_more_tokens(self) -> None:
        try:
            super().fetch_more_tokens()
        except (ValueError, OverflowError) as error:
            raise _error("there is no such character or number", self.get_mark()) from error

    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        if self.flow_level >= MAX_DEPTH:
            raise _error(_TOO_DEEP, self.get_mark())
        super().fetch_flow_collection_start(token)

    def fetch_key(self) -> None:
        super().fetch_key()
        self._after_question_mark = True

    def fetch_plain(self) -> None:
        may_be_key, line = self.allow_simple_key or self._after_question_mark, self.line
        self._after_question_mark = False
        super().fetch_plain()
        # What cannot be a key makes YAML's grammar fail at the colon.
        while not may_be_key and self.line == line and self.peek() == ":":
            self.tokens.append(self._with_colon(self.tokens.pop()))

    def _with_colon(self, before: yaml.ScalarToken) -> yaml.ScalarToken:
        self.forward()
        while self.peek() in " \t":
            self.forward()
        after = self.scan_plain()
        start = self.buffer[before.start_mark.index : after.start_mark.index]
        value = (start + after.value).rstrip(" \t")
        return yaml.ScalarToken(value, True, before.start_mark, after.end_mark)


def _yaml(block: str) -> dict[str, Data]:
    if (data := _plain_lines(block)) is not None:
        return data
    try:
        return _document(yaml.parse(block, Loader=_YamlParser))
    except ReaderError as error:
        character = f"U+{int(error.character):04X}"
        raise _at(block, error.position, f"the character {character} is not allowed") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        if mark and mark.index >= len(block.rstrip()) and error.context_mark:
            mark = error.context_mark  # what was begun and not ended
        # The parser's own words are for programmers.
        reason = str(error.problem) if isinstance(error, _Refused) else _UNCLEAR
        raise _at(block, mark.index if mark else 0, reason) from error


def _plain_lines(block: str) -> dict[str, Data] | None:
    """What the parser makes of a block that is as simple as most are, for a tenth of its work."""
    if not _PLAIN.fullmatch(block):
        return None
    pairs = [line.split(":", 1) for line in block.split("\n") if line]
    data: dict[str, Data] = {key: value.strip(" ") for key, value in pairs}
    return data if len(data) == len(pairs) else None


def _document(events: Iterator[Any]) -> dict[str, Data]:
    next(events)
    if isinstance(next(events), yaml.StreamEndEvent):
        return {}
    root = next(events)
    data = _node(root, events, 0)
    if not isinstance(data, dict):
        raise _error("keys and values are expected, such as title: Tea", root.start_mark)
    next(events)
    after = next(events)
    if not isinstance(after, yaml.StreamEndEvent):
        raise _error("there is more than one document", after.start_mark)
    return data


def _node(event: Any, events: Iterator[Any], depth: int) -> Data:
    if event.anchor is not None:
        raise _error("anchors (&) and aliases (*) are not allowed", event.start_mark)
    if event.tag is not None:
        raise _error("tags (!) are not allowed", event.start_mark)
    if isinstance(event, yaml.ScalarEvent):
        return str(event.value)
    if depth >= MAX_DEPTH:
        raise _error(_TOO_DEEP, event.start_mark)
    if isinstance(event, yaml.MappingStartEvent):
        return _map(events, depth + 1)
    items = _until(yaml.SequenceEndEvent, events)
    return [_node(item, events, depth + 1) for item in items]


def _map(events: Iterator[Any], depth: int) -> dict[str, Data]:
    items: dict[str, Data] = {}
    for event in _until(yaml.MappingEndEvent, events):
        key = _node(event, events, depth)
        if not isinstance(key, str):
            raise _error("a key is a list or a map", event.start_mark)
        if key in items:
            raise _error(_twice(key), event.start_mark)
        items[key] = _node(next(events), events, depth)
    return items


def _until(end: type[yaml.Event], events: Iterator[Any]) -> Iterator[Any]:
    while not isinstance(event := next(events), end):
        yield event


def _twice(key: str) -> str:
    return f"the key {key} is there twice"


class _Refused(yaml.MarkedYAMLError):
    """YAML that is no front matter; the `problem` is for people."""


def _error(reason: str, mark: Any) -> _Refused:
    return _Refused(problem=reason, problem_mark=mark)


def _at(block: str, index: int, reason: str) -> Unreadable:
    # PyYAML's own lines end at U+2028, too, which no editor counts.
    return Unreadable(block.count("\n", 0, index) + 1, reason)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _represent(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    # Of other styles PyYAML writes some line breaks so that it does not read them again.
    style = '"' if _LINE_BREAK.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _represent)


# TOML and JSON


def _toml(block: str) -> dict[str, Data]:
    for line, text in enumerate(block.split("\n"), 1):
        if text.count(".") > MAX_DOTS:
            raise Unreadable(line, f"the line has more than {MAX_DOTS} dots")
    try:
        return _plain_map(tomllib.loads(block, parse_float=str))
    except tomllib.TOMLDecodeError as error:
        found = _IN_LINE.search(str(error))
        line = int(found[1]) if found and found[1] else block.count("\n") + 1
        raise Unreadable(line, _IN_LINE.sub("", str(error))) from error


_FORMATS: Mapping[str, Callable[[str], dict[str, Data]]] = {"---": _yaml, "+++": _toml}


def _object(text: str) -> Block:
    try:
        data, end = _DECODER.raw_decode(text[:MAX_LENGTH])
    except json.JSONDecodeError as error:
        bound = f" in {MAX_LENGTH:,} characters" if len(text) > MAX_LENGTH else ""
        reason = f"no JSON object{bound}: {error.msg} (column {error.colno})"
        raise Unreadable(error.lineno, reason) from error
    after = _EMPTY_LINE.match(text, end)
    if not after:
        raise _at(text, end, "no empty line follows the object")
    return Block(_plain_map(data), after.end())


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    items: dict[str, Any] = {}
    for name, value in pairs:
        if name in items:
            raise Unreadable(1, _twice(name))
        items[name] = value
    return items


# Numbers stay as they are written.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=str, parse_float=str, parse_constant=str
)


def _plain_map(items: Mapping[str, Any], depth: int = 1) -> dict[str, Data]:
    return {key: _plain(value, depth) for key, value in items.items()}


def _plain(value: Any, depth: int) -> Data:
    """The value of another format as the strings of which YAML would have made it."""
    if isinstance(value, list | dict):
        if depth >= MAX_DEPTH:
            raise Unreadable(1, _TOO_DEEP)
        if isinstance(value, dict):
            return _plain_map(value, depth + 1)
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, date | time):  # and datetime
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
