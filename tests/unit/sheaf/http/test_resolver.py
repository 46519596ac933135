import pytest
from redis import ConnectionError as RedisConnectionError
from sqlalchemy.exc import OperationalError, ProgrammingError

from sheaf.http import problems
from sheaf.http.resolver import as_problem
from sheaf.pages.errors import Deleted
from sheaf.paging import BadCursor, BadPage
from sheaf.slugs import BadSlug


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (problems.forbidden("editor"), 403),
        (BadSlug("rule"), 400),
        (BadCursor("cursor"), 400),
        (BadPage("page"), 400),
        (OperationalError("SELECT", {}, Exception("secret host")), 503),
        (ProgrammingError("SELECT", {}, Exception("secret column")), 500),
        (RedisConnectionError("secret host"), 503),
        (ZeroDivisionError("secret"), 500),
    ],
)
def test_every_error_is_a_problem_and_tells_no_secret(error: Exception, status: int) -> None:
    problem = as_problem(error)
    assert problem.status == status
    assert "secret" not in str(problem.document())


def test_problem_documents_have_the_members_of_the_standard() -> None:
    document = as_problem(Deleted("home", 3)).document()
    assert document["type"] == "urn:sheaf:problem:gone"
    assert (document["status"], document["title"]) == (410, "Gone")
    assert (document["slug"], document["version"]) == ("home", 3)
