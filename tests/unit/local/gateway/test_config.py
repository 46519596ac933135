from pathlib import Path

import pytest

from local.gateway.config import PROJECT, ConfigError, GatewayConfig, RunConfig


def test_the_defaults() -> None:
    config = RunConfig.read({})
    assert config == RunConfig(Path.cwd() / ".sheaf", 3000, 2, database_urls="", cache_url="")


def test_what_the_environment_says() -> None:
    config = RunConfig.read({"SHEAF_HOME": "/srv/x", "PORT": "0", "WORKERS": "8"})
    assert (config.home, config.port, config.workers) == (Path("/srv/x"), 0, 8)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PORT", "http"), ("PORT", "65536"), ("PORT", "-1"), ("WORKERS", "0"), ("WORKERS", "1.5")],
)
def test_a_bad_number_is_named(variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=variable):
        RunConfig.read({variable: value})


def test_the_gateway_needs_its_issuer() -> None:
    with pytest.raises(ConfigError, match="SHEAF_ISSUER"):
        GatewayConfig.read({})


def test_the_gateway_serves_the_projects_template() -> None:
    config = GatewayConfig.read({"SHEAF_ISSUER": "http://127.0.0.1:1/-/local"})
    assert config.template == PROJECT / "template.yaml"
    assert config.audience == "sheaf"


def test_tokens_are_for_the_client_that_is_named() -> None:
    named = {"SHEAF_ISSUER": "https://id.example.com", "SHEAF_CLIENT_ID": "pages"}
    rules = {route.authorizer for route in GatewayConfig.read(named).load().routes}
    assert {(rule.issuer, rule.audience) for rule in rules if rule} == {
        ("https://id.example.com", ("pages",))
    }
