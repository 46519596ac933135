"""What a version has to answer to the trials."""

from collections.abc import Callable
from typing import Any

import pytest

from gate import app
from gate.app import Unfit
from sheaf import settings
from sheaf.rendering import static

HTML = {"content-type": "text/html; charset=utf-8"}


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"SHEAF_DATABASE_URLS": "postgresql://h/d", "SHEAF_CACHE_URL": "redis://h"}
    monkeypatch.setattr(settings, "current", lambda: settings.Settings(environment))


def answering(answers: dict[str, Any]) -> Callable[[Any], Any]:
    """A version with these answers to these paths; to others it answers 500."""
    return lambda event: answers.get(event.get("rawPath"), {"statusCode": 500})


def pages(home: Any, style: int = 200) -> Callable[[Any], Any]:
    return answering({"/": home, static.url("style.css"): {"statusCode": style}})


@pytest.mark.parametrize("status", [200, 404, 410])
def test_pages_with_or_without_a_home_page_are_fit(status: int) -> None:
    app.check("sheaf-dev-PagesFunction-1A", pages({"statusCode": status, "headers": HTML}))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (pages({"statusCode": 500, "headers": HTML}), "GET / should be answered 200 or 404"),
        (pages({"statusCode": 200, "headers": {"content-type": "text/plain"}}), "not in HTML"),
        (pages({"statusCode": 200}), "not in HTML"),
        (pages({"statusCode": 200, "headers": HTML}, 404), r"style\.\w+\.css should be .* 200, "),
        (pages(None), "not None"),
        (pages("<html>"), "not <html>"),
    ],
)
def test_pages_that_answer_anything_else_are_not(ask: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(Unfit, match=message):
        app.check("sheaf-dev-PagesFunction-1A", ask)


@pytest.mark.parametrize("broken", ["/api/health", "/api/pages"])
def test_each_list_is_tried(broken: str) -> None:
    answers = {path: {"statusCode": 200} for path in ("/api/health", "/api/pages")}
    app.check("sheaf-dev-ListingFunction-1A", answering(answers))
    with pytest.raises(Unfit, match=f"GET {broken}"):
        app.check("sheaf-dev-ListingFunction-1A", answering({**answers, broken: {}}))


@pytest.mark.parametrize("status", [200, 201, 403, 412, 428, 502])
def test_writes_that_do_not_ask_who_it_is_are_not_fit(status: int) -> None:
    with pytest.raises(Unfit, match="should be answered 401"):
        app.check("sheaf-dev-WritesFunction-1A", lambda _: {"statusCode": status})


@pytest.mark.parametrize("answer", [None, {}, {"relayed": 0}, {"statusCode": 200}, []])
def test_upkeep_says_what_it_has_done(answer: Any) -> None:
    with pytest.raises(Unfit, match="dry run"):
        app.check("sheaf-dev-UpkeepFunction-1A", lambda _: answer)


@pytest.mark.parametrize("name", ["sheaf-dev-MigrateFunction-1A", "PagesFunction", "pages"])
def test_an_unknown_function_is_not_let_through(name: str) -> None:
    with pytest.raises(Unfit, match=name):
        app.check(name, lambda _: {"statusCode": 200})
