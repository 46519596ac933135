import pytest

from sheaf.http import origin

OLD, NEW = "o" * 20, "n" * 20


@pytest.mark.parametrize("given", [OLD, NEW])
def test_any_of_the_keys_will_do(given: str) -> None:
    assert origin.is_ours({"x-sheaf-origin": given}, (NEW, OLD))


@pytest.mark.parametrize("headers", [{}, {"x-sheaf-origin": ""}, {"x-sheaf-origin": OLD[1:]}])
def test_without_one_a_request_is_foreign(headers: dict[str, str]) -> None:
    assert not origin.is_ours(headers, (OLD,))


def test_where_there_are_no_keys_every_request_is_ours() -> None:
    assert origin.is_ours({}, ())
