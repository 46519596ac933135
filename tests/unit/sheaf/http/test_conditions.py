"""Validators: what a reader has, compared with what there is."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.http import conditions

MOMENT = datetime(2026, 11, 2, 14, 3, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ("*", True),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ('"b"', False),
        ("a", False),
        ("", False),
    ],
)
def test_matches(header: str | None, expected: bool) -> None:
    assert conditions.matches(header, '"a"') is expected


@pytest.mark.parametrize(
    ("header", "version"),
    [
        (None, 0),
        ("*", 0),
        ('"v12-0123abcd.br"', 12),
        ('W/"v12-0123abcd.gzip"', 12),
        ('"v3"', 3),
        ('"v3", "v12-0123abcd.br", "v7"', 12),
        ('"v"', 0),
        ('"version3"', 0),
        ('"v9999999999999999999"', 0),
    ],
)
def test_the_newest_version_that_somebody_has_seen(header: str | None, version: int) -> None:
    assert conditions.newest_version(header) == version


def test_a_tag_names_version_content_and_encoding() -> None:
    tag = conditions.page_tag(12, "0123abcd", "br")
    assert tag == '"v12-0123abcd.br"'
    assert conditions.newest_version(tag) == 12


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_dates_are_written_as_http_wants_them(moment: datetime) -> None:
    known = moment.replace(tzinfo=UTC)
    assert conditions.http_date(known.timestamp()) == format_datetime(known, usegmt=True)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (conditions.http_date(MOMENT.timestamp()), True),
        (conditions.http_date(MOMENT.timestamp() + 60), True),
        (conditions.http_date(MOMENT.timestamp() - 1), False),
        (format_datetime(MOMENT.astimezone(timezone(timedelta(hours=2)))), True),
        (None, False),
        ("", False),
        ("yesterday", False),
        ("Mon, 99 Nov 2026 14:03:11 GMT", False),
    ],
)
def test_unchanged_since(header: str | None, expected: bool) -> None:
    assert conditions.unchanged_since(header, MOMENT.timestamp() + 0.4) is expected
