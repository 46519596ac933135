import subprocess
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sheaf import hashing
from tests.waiting import PATIENCE


@given(st.text())
def test_a_slot_is_one_of_4096_and_stays(slug: str) -> None:
    assert 0 <= hashing.slot(slug) < hashing.SLOTS
    assert hashing.slot(slug) == hashing.slot(slug)


def test_slots_never_change_between_versions() -> None:
    """Pages live where their slot says: another formula would lose them all."""
    assert [hashing.slot(slug) for slug in ("home", "guide/install", "部署")] == [1852, 1996, 3919]


def test_slots_are_evenly_used() -> None:
    counts = Counter(hashing.slot(f"page/{number}") for number in range(100_000))
    assert len(counts) == hashing.SLOTS
    assert max(counts.values()) < 3 * 100_000 / hashing.SLOTS


@given(st.binary(max_size=200))
def test_blob_ids_depend_on_the_length_too(data: bytes) -> None:
    assert hashing.git_blob_id(data) != hashing.git_blob_id(data + b"\0")


def test_git_agrees_on_a_blob_id() -> None:
    data = "naïve\r\n部署".encode()
    command = ["git", "hash-object", "--stdin"]
    asked = subprocess.run(command, input=data, capture_output=True, check=True, timeout=PATIENCE)
    assert hashing.git_blob_id(data) == asked.stdout.decode().strip()


@given(st.binary(), st.binary())
def test_tags_tell_contents_apart(one: bytes, other: bytes) -> None:
    assert (hashing.content_tag(one) == hashing.content_tag(other)) == (one == other)


def test_content_md5_is_the_one_of_rfc_1864() -> None:
    assert hashing.content_md5(b"") == "1B2M2Y8AsgTpgAmY7PhCfg=="
    assert hashing.content_md5(b"a") != hashing.content_md5(b"b")


def test_signatures_depend_on_key_and_message() -> None:
    signatures = {hashing.sign(key, message) for key in (b"a", b"b") for message in (b"x", b"y")}
    assert len(signatures) == 4
