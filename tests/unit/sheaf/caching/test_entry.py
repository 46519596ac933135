"""What is kept of a value survives being written and read, and nothing else is taken for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.caching.entry import Entry, name

HEAD = b'1 2 3 {"status": 200, "modified": 0, "headers": '

entries = st.builds(
    Entry,
    version=st.integers(0, 2**53),
    body=st.binary(),
    status=st.integers(100, 599),
    headers=st.dictionaries(st.text(), st.text(), max_size=5),
    modified=st.floats(0, 2**40),
    build=st.integers(0, 2**40),
    fresh_until=st.integers(0, 2**40),
    fresh_for=st.integers(0, 2**20),
)


@given(entries)
def test_what_was_encoded_is_decoded(entry: Entry) -> None:
    decoded = Entry.decode(entry.encode())
    for slot in Entry.__slots__:
        assert getattr(decoded, slot) == getattr(entry, slot)
    assert decoded == entry


@pytest.mark.parametrize("body", [b"", b"\n", b"\n\n1 2 3 {}\n", b"a\r\nb\n", bytes(range(256))])
def test_a_body_may_have_lines(body: bytes) -> None:
    assert Entry.decode(Entry(1, body).encode()).body == body


@given(entries)
def test_a_script_finds_the_numbers_before_all_else(entry: Entry) -> None:
    numbers = f"{entry.version} {entry.build} {entry.fresh_until} {{"
    assert entry.encode().startswith(numbers.encode())


@given(st.binary())
def test_any_foreign_data_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of whatever kind
        Entry.decode(data)


@pytest.mark.parametrize(
    "data",
    [
        b"1 2 3",
        b"1 2 3 ",
        b"1 2 3 {}\nbody",
        b"1 2 3 []\nbody",
        b"1 2 3 null\nbody",
        b'1 2 3 {"status": 200, "modified": 0}\nbody',
        b"x" + HEAD + b"{}}\nbody",
        b"\xff" + HEAD + b"{}}\nbody",
        HEAD + b"{}\nbody",
        HEAD + b"5}\nbody",
        HEAD + b'"ab"}\nbody',
        HEAD + b"[1]}\nbody",
    ],
)
def test_data_that_looks_alike_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of whatever kind
        Entry.decode(data)


def test_what_a_newer_build_added_is_passed_over() -> None:
    added = HEAD + b'{"etag": "x"}, "digest": "abc"}\nbody'
    assert Entry.decode(added) == Entry(1, b"body", 200, {"etag": "x"}, 0, 2, 3)


@pytest.mark.parametrize(
    ("build", "now", "fresh"), [(7, 99, True), (6, 99, True), (8, 99, False), (7, 100, False)]
)
def test_an_entry_is_fresh_for_a_while_and_for_no_newer_build(
    build: int, now: float, fresh: bool
) -> None:
    assert Entry(1, b"", build=7, fresh_until=100).is_fresh(build, now) is fresh


def test_an_entry_may_be_fresh_for_less_than_others() -> None:
    own = (None, 0, 60, 900)
    fresh = [Entry(1, b"", fresh_for=each).fresh_seconds(300) for each in own]
    assert fresh == [300, 0, 60, 300]


def test_a_stamp_changes_nothing_of_the_value() -> None:
    entry = Entry(3, b"gone", 410, {"etag": "x"}, 5.5, fresh_for=60)
    assert entry.stamped(7, 100) == Entry(3, b"gone", 410, {"etag": "x"}, 5.5, 7, 100, 60)
    assert entry.with_header("age", "1").fresh_for == 60
    assert (entry.build, entry.fresh_until) == (0, 0)


def test_headers_are_its_own() -> None:
    headers = {"etag": "x"}
    entry = Entry(1, b"", headers=headers)
    headers["etag"] = "y"
    assert entry.headers == {"etag": "x"}


KEYS = st.text(st.characters(exclude_characters="?{}"), min_size=1)


@given(KEYS, KEYS)
def test_all_that_belongs_to_a_key_shares_its_slot_and_nothing_its_name(
    key: str, part: str
) -> None:
    names = {name(key), name(key, "lease"), name(f"{key}?{part}"), name(f"{key}?{part}", "lease")}
    assert len(names) == 4
    assert all(f"{{{key}}}" in each for each in names)
