"""Histories are written as Elle reads them: a reader of EDN of our own looks at the form.

Elle itself is not asked: no registry that we use has it.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given

from tests.faults import registers
from tests.faults.histories import AT_ONCE, LIST, PAGE, PLAIN, SAVE, Operation, edn
from tests.faults.registers import Made

_TOKEN = re.compile(r"[\s,]*([\[\]{}]|[^\s,\[\]{}]+)")


def parse(line: str) -> Any:
    """A value of EDN: maps, vectors, keywords, whole numbers and nil; raises ValueError."""
    tokens = iter(_TOKEN.findall(line))
    value = _value(next(tokens), tokens)
    if left := list(tokens):
        raise ValueError(f"more than one value: {left}")
    return value


def _value(token: str, tokens: Iterator[str]) -> Any:
    if token == "[":
        return list(_until("]", tokens))
    if token == "{":
        parts = list(_until("}", tokens))
        return dict(zip(parts[::2], parts[1::2], strict=True))
    if re.fullmatch(r":[a-z][a-z0-9-]*", token):
        return token
    return None if token == "nil" else int(token)


def _until(end: str, tokens: Iterator[str]) -> Iterator[Any]:
    while (token := next(tokens)) != end:
        yield _value(token, tokens)


def save(client: int, begun: float, outcome: str, mark: str, replaced: str = "") -> Operation:
    return Operation(client, SAVE, "tea", begun, begun + 1, outcome, mark=mark, replaced=replaced)


def test_a_save_is_a_transaction_that_reads_what_it_replaces() -> None:
    done = [save(0, 1, "ok", "a"), save(0, 3, "fail", "b", "a"), save(1, 5, "info", "c", "a")]
    assert list(edn(done)) == [
        "{:type :invoke, :f :txn, :value [[:r :tea nil] [:w :tea 1]], :process 0,"
        " :time 1000000000, :index 0}",
        "{:type :ok, :f :txn, :value [[:r :tea nil] [:w :tea 1]], :process 0,"
        " :time 2000000000, :index 1}",
        "{:type :invoke, :f :txn, :value [[:r :tea 1] [:w :tea 2]], :process 0,"
        " :time 3000000000, :index 2}",
        "{:type :fail, :f :txn, :value [[:r :tea 1] [:w :tea 2]], :process 0,"
        " :time 4000000000, :index 3}",
        "{:type :invoke, :f :txn, :value [[:r :tea 1] [:w :tea 3]], :process 1,"
        " :time 5000000000, :index 4}",
        "{:type :info, :f :txn, :value [[:r :tea 1] [:w :tea 3]], :process 1,"
        " :time 6000000000, :index 5}",
    ]


def test_the_pages_of_one_answer_are_one_transaction() -> None:
    listed = [
        Operation(0, LIST, slug, 1, 2, "ok", version, mark)
        for slug, version, mark in (("tea", 1, "a"), ("cake", 0, ""))
    ]
    begun, ended = map(parse, edn(listed))
    assert begun[":value"] == [[":r", ":tea", None], [":r", ":cake", None]]
    assert ended[":value"] == [[":r", ":tea", 1], [":r", ":cake", None]]


def test_a_client_of_which_an_end_is_unknown_goes_on_as_another() -> None:
    done = [save(3, 1, "info", "a"), save(3, 3, "ok", "b"), save(3, 5, "ok", "c")]
    assert [parse(line)[":process"] for line in edn(done)] == [3, 3, 10003, 10003, 10003, 10003]


def test_only_what_asks_the_database_is_written_unless_told_otherwise() -> None:
    read = Operation(0, PAGE, "tea", 1, 2, "ok", 1, "a")
    plain = replace(read, way=PLAIN, begun=3, ended=4)
    assert len(list(edn([read, plain]))) == 2
    assert len(list(edn([read, plain], (PLAIN,)))) == 2


@given(registers.histories())
def test_the_form_of_any_history(made: Made) -> None:
    events = [parse(line) for line in edn(made.operations)]
    assert [event[":index"] for event in events] == list(range(len(events)))
    assert all(first[":time"] <= second[":time"] for first, second in pairwise(events))
    _check_processes(events)
    written = [
        value
        for event in events
        if event[":type"] == ":invoke"
        for kind, _, value in event[":value"]
        if kind == ":w"
    ]
    assert len(set(written)) == len(written), "a register is given each value once"
    shown = sum(each.way in (SAVE, *AT_ONCE) for each in made.operations)
    assert len(events) == 2 * shown


def _check_processes(events: list[dict[str, Any]]) -> None:
    """Each ends what it began before it begins anything else, and none goes on after an info."""
    for process in {event[":process"] for event in events}:
        own = [event for event in events if event[":process"] == process]
        assert [event[":type"] for event in own[::2]] == [":invoke"] * (len(own) // 2)
        assert {event[":type"] for event in own[1::2]} <= {":ok", ":fail", ":info"}
        assert ":info" not in [event[":type"] for event in own[1:-1]]
        for begun, ended in zip(own[::2], own[1::2], strict=True):
            names = [[kind, key] for kind, key, _ in begun[":value"]]
            assert names == [[kind, key] for kind, key, _ in ended[":value"]]
