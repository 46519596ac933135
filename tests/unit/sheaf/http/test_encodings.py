import re
import subprocess
import sys
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.http import encodings
from tests.waiting import PATIENCE

ENCODINGS = ("br", "gzip", "identity")
PAGE = b"<p>A sheaf is a bundle of leaves.</p>\n" * 99
CODINGS = st.sampled_from((*ENCODINGS, "x-gzip", "x-br", "GZIP", "Br", "deflate", "zstd", "*", ""))
SPACES = st.sampled_from(("", " ", "\t", "  "))
GOOD_VALUES = ("0", "0.", "0.000", "0.001", "0.5", "0.999", "1", "1.000")
BAD_VALUES = ("", "2", "-1", ".5", "0.1234", "1.001", "nan", "1e0", "٠")
VALUES = [f"q={value}" for value in GOOD_VALUES + BAD_VALUES]
WEIGHTS = st.sampled_from([*VALUES, "Q=0.7", "q", "0.5", "level=1", ""])


@st.composite
def headers(draw: st.DrawFn) -> str:
    items = []
    for coding in draw(st.lists(CODINGS, max_size=6, unique_by=canonical)):
        weight = draw(st.none() | WEIGHTS)
        gap, end = draw(SPACES), draw(SPACES)
        items.append(f"{gap}{coding}{end}" + ("" if weight is None else f";{gap}{weight}{end}"))
    return ",".join(items)


def canonical(coding: str) -> str:
    return {"x-gzip": "gzip"}.get(coding.lower(), coding.lower())


def reference(header: str) -> str:
    """RFC 9110, 12.5.3, sentence by sentence."""
    named = {}
    for item in header.split(","):
        coding, *weights = (part.strip(" \t") for part in item.split(";"))
        named[canonical(coding)] = quality(weights[0]) if weights else 1.0
    candidates = []
    for preference, encoding in enumerate(ENCODINGS):
        if encoding in named:
            weight = named[encoding]
        elif "*" in named:
            weight = named["*"]
        elif encoding == "identity":
            weight = 0.0001  # acceptable, but less than all that is asked for
        else:
            weight = 0.0
        if weight > 0:
            candidates.append((-weight, preference, encoding))
    return min(candidates)[2] if candidates else "identity"


def quality(weight: str) -> float:
    match = re.fullmatch(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", weight, re.IGNORECASE)
    return float(match[1]) if match else 0.0


@given(headers())
def test_the_standard_is_followed(header: str) -> None:
    assert encodings.choose(header) == reference(header)


@given(st.text())
def test_any_header_has_an_answer(header: str) -> None:
    assert encodings.choose(header) in ENCODINGS


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("", "identity"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("x-gzip", "gzip"),
        ("deflate", "identity"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0.2, *;q=0.5", "gzip"),
        ("gzip;q=0.1", "gzip"),
        ("identity, gzip;q=0.9", "identity"),
        ("identity;q=0, gzip;q=0.001", "gzip"),
        ("br;q=high, gzip", "gzip"),
        ("br;q=0, gzip;q=0", "identity"),
        ("*;q=0", "identity"),
    ],
)
def test_examples(header: str, chosen: str) -> None:
    assert encodings.choose(header) == chosen


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(data=st.binary(), quality=st.integers(0, 11))
def test_what_was_encoded_comes_back(encoding: str, data: bytes, quality: int) -> None:
    assert encodings.decompress(encodings.compress(data, encoding, quality), encoding) == data


def test_every_encoding_is_smaller_than_the_next() -> None:
    sizes = [len(encodings.compress(PAGE, encoding, 11)) for encoding in ENCODINGS]
    assert sizes == sorted(set(sizes))


def test_gzip_says_no_time() -> None:
    encoded = encodings.compress(PAGE, "gzip", 0)
    assert encoded[:3] == b"\x1f\x8b\x08"
    assert encoded[4:8] == bytes(4)


def test_without_compression_no_compressor_is_imported() -> None:
    code = (
        "import functools, sheaf.http, sys; before = {*sys.modules}\n"
        "from sheaf.http import encodings; encodings.choose('br'); print({*sys.modules} - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=PATIENCE
    )
    assert done.stdout.decode().strip() == "{'sheaf.http.encodings'}"


@given(data=st.text(max_size=50).map(str.encode), encoding=st.sampled_from(["gzip", "identity"]))
def test_what_is_recoded_is_the_same(data: bytes, encoding: str) -> None:
    recoder = encodings.Recoder(1000)
    body = b64encode(encodings.compress(data, "br", 5))
    for _ in range(2):  # the second time it is remembered
        made = recoder.recode(body, encoding)
        packed = b64decode(made) if encoding == "gzip" else made.encode()
        assert encodings.decompress(packed, encoding) == data


def test_a_recoder_remembers_no_more_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    compress = encodings.compress

    def counting(data: bytes, encoding: str, quality: int) -> bytes:
        calls.append(encoding)
        return compress(data, encoding, quality)

    monkeypatch.setattr(encodings, "compress", counting)
    bodies = [b64encode(compress(b"%04d" % number, "br", 5)) for number in range(100)]
    recoder = encodings.Recoder(1000)
    for body in bodies:
        recoder.recode(body, "gzip")
    assert recoder._size <= 1000
    assert len(calls) == 100
    recoder.recode(bodies[-1], "gzip")
    assert len(calls) == 100
    recoder.recode(bodies[0], "gzip")
    assert len(calls) == 101


def test_what_is_large_is_not_remembered_in_place_of_many() -> None:
    recoder = encodings.Recoder(1000)
    recoder.recode(b64encode(encodings.compress(bytes(10_000), "br", 5)), "identity")
    assert recoder._size == 0
