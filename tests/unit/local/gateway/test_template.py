from datetime import timedelta
from pathlib import Path

import pytest

from local.gateway.config import GatewayConfig
from local.gateway.template import Authorizer, Function, Template, TemplateError, load

HERE = Path(__file__).parent
HANDLERS = "tests.unit.local.gateway.handlers"


@pytest.fixture(scope="module")
def template() -> Template:
    return load(HERE / "template.yaml", {"Issuer": "https://id.example.com"})


def routes(template: Template) -> dict[str, Authorizer | None]:
    return {route.key: route.authorizer for route in template.routes}


def test_functions_take_what_they_do_not_say_from_the_globals(template: Template) -> None:
    assert template.functions == {
        "Echo": Function("Echo", "tests.unit.local.gateway.handlers.echo", timeout=7, memory=256),
        "Answer": Function(
            "Answer", "tests.unit.local.gateway.handlers.answer", timeout=50, memory=128
        ),
    }


def test_routes_name_their_method_and_path(template: Template) -> None:
    assert set(routes(template)) == {
        "ANY /{rest+}",
        "GET /",
        "PUT /things/{name}",
        "DELETE /things/{name}",
        "ANY /answer",
    }


def test_a_route_names_its_authorizer_and_scopes(template: Template) -> None:
    rules = routes(template)
    audience = ("somebody", "other")
    put = Authorizer("https://id.example.com", audience, scopes=("write", "admin"))
    delete = Authorizer("https://id.example.com", audience, scopes=("read",))
    assert rules["PUT /things/{name}"] == put
    assert rules["DELETE /things/{name}"] == delete
    assert rules["ANY /answer"] is None


def test_given_parameters_go_before_defaults() -> None:
    template = load(HERE / "template.yaml", {"Issuer": "https://a", "Audience": "me"})
    rule = routes(template)["PUT /things/{name}"]
    assert rule is not None
    assert rule.audience == ("me", "other")


def test_a_parameter_without_a_value_is_an_error() -> None:
    with pytest.raises(TemplateError, match="Issuer"):
        load(HERE / "template.yaml", {})


def test_schedules(template: Template) -> None:
    (schedule,) = template.schedules
    assert schedule.function.name == "Answer"
    assert schedule.every == timedelta(minutes=5)


def test_a_schedule_that_is_no_rate_is_an_error(tmp_path: Path) -> None:
    text = (HERE / "template.yaml").read_text().replace("rate(5 minutes)", "cron(0 0 * * ? *)")
    path = tmp_path / "template.yaml"
    path.write_text(text)
    with pytest.raises(TemplateError, match="Answer"):
        load(path, {"Issuer": "https://a"})


def test_the_projects_template_protects_every_write() -> None:
    issuer = "http://127.0.0.1:3000/-/local"
    template = GatewayConfig.read({"SHEAF_ISSUER": issuer}).load()
    rule = Authorizer(issuer, ("sheaf",), ("sheaf/write",))
    writes = [route for route in template.routes if route.function.name == "WritesFunction"]
    assert len(writes) >= 3
    assert all(route.authorizer == rule for route in writes)
    # Somebody's own drafts are read there, too: what other functions answer is for everybody.
    reads = [route for route in template.routes if route not in writes]
    assert all(route.method in ("GET", "HEAD", "ANY") for route in reads)
    assert not any(route.authorizer for route in reads)
