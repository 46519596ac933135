from ops.openapi import describe
from sheaf.http.representations import DESCRIPTION


def test_the_api_description_is_current() -> None:
    """`make openapi` writes it."""
    assert DESCRIPTION.read_text(encoding="utf-8") == describe()
