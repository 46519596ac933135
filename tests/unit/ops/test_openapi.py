from ops.openapi import describe
from sheaf.http.openapi import FILE


def test_the_api_description_is_current() -> None:
    """`make openapi` writes it."""
    assert FILE.read_text(encoding="utf-8") == describe()
