"""The template: what CloudFormation would get passes the linter, and is wired as meant."""

import importlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint  # type: ignore[import-untyped]
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]

from tests.sam.seed import template

FILE = Path(__file__).parents[2] / "template.yaml"
PAGES = """
    ANY /
    ANY /{slug+}
    ANY /-/edit/{slug+}
    ANY /-/sign-in
    ANY /-/static/{name}
    ANY /robots.txt
    ANY /favicon.svg
"""
LISTING = """
    /api/pages
    /api/pages/{slug+}
    /api/revisions/{slug+}
    /api/leases/{slug+}
    /api/users
    /api/users/{handle}
    /api/backlinks/{slug+}
    /api/search
    /api/suggestions
    /api/health
    /api/openapi.json
    /-/recent
    /-/search
    /-/users
    /-/users/{handle}
    /-/history/{slug+}
    /-/diff/{slug+}
    /-/backlinks/{slug+}
"""
WRITES = """
    PUT /api/pages/{slug+}
    DELETE /api/pages/{slug+}
    POST /api/previews
    PUT /api/leases/{slug+}
    DELETE /api/leases/{slug+}
    GET /api/drafts/{slug+}
    HEAD /api/drafts/{slug+}
"""


class NoManagedPolicies:
    """Stands in for the list of AWS's managed policies, which the transform would download."""

    def load(self) -> dict[str, str]:
        return {}


@cache
def transformed() -> dict[str, Any]:
    """What CloudFormation makes of the template, worked out here."""
    # (SAM's own reader changes how PyYAML works for everything else in this process.)
    source = json.loads(json.dumps(cfn_yaml.load(FILE)))
    # As after `sam package`: the transform takes no local folders.
    source["Globals"]["Function"]["CodeUri"] = "s3://artifacts/functions"
    source["Resources"]["CommonLayer"]["Properties"]["ContentUri"] = "s3://artifacts/layer"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        result: dict[str, Any] = transform(source, {}, NoManagedPolicies())
    return result


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    resources = transformed()["Resources"]
    return {name: one["Properties"] for name, one in resources.items() if one["Type"] == kind}


def routes_of(function: str) -> set[str]:
    return {route.key for route in template().routes if route.function.name == function}


@pytest.mark.parametrize("kind", ["source", "transformed"])
def test_passes_the_linter(kind: str) -> None:
    text = FILE.read_text() if kind == "source" else json.dumps(transformed())
    found = lint(text, regions=["us-east-1"])
    assert [str(match) for match in found] == []


@pytest.mark.parametrize("name", template().functions)
def test_handlers_exist(name: str) -> None:
    module, _, attribute = template().functions[name].handler.rpartition(".")
    assert callable(getattr(importlib.import_module(module), attribute))


def test_routes() -> None:
    assert routes_of("PagesFunction") == set(PAGES.strip().split("\n    "))
    assert routes_of("WritesFunction") == set(WRITES.strip().split("\n    "))
    listing = LISTING.split()
    assert routes_of("ListingFunction") == {
        f"{m} {path}" for m in ("GET", "HEAD") for path in listing
    }


def test_writes_and_only_writes_need_a_token() -> None:
    (api,) = of_type("AWS::ApiGatewayV2::Api").values()
    secured = {
        f"{method.upper()} {path}": route["security"]
        for path, methods in api["Body"]["paths"].items()
        for method, route in methods.items()
        if "security" in route
    }
    assert secured == {key: [{"Jwt": ["sheaf/write"]}] for key in routes_of("WritesFunction")}


def test_policies_name_actions_and_resources() -> None:
    policies = of_type("AWS::IAM::ManagedPolicy")
    statements = [
        one for policy in policies.values() for one in policy["PolicyDocument"]["Statement"]
    ]
    assert [one for one in statements if "*" in json.dumps([one["Action"], one["Resource"]])] == []
    for role in of_type("AWS::IAM::Role").values():
        assert not role.get("Policies")
        aws = [arn for arn in role["ManagedPolicyArns"] if isinstance(arn, str)]
        # Writing logs and attaching to the network are all that AWS's own policies may allow.
        assert {arn.rpartition("/")[2] for arn in aws} == {
            "AWSLambdaBasicExecutionRole",
            "AWSLambdaVPCAccessExecutionRole",
        }


def test_the_network_leads_nowhere_else() -> None:
    kinds = {one["Type"] for one in transformed()["Resources"].values()}
    assert kinds.isdisjoint(
        {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint"}
    )
    for group in of_type("AWS::EC2::SecurityGroup").values():
        assert "0.0.0.0/0" not in json.dumps(group["SecurityGroupEgress"])
        assert "SecurityGroupIngress" not in group
    for rule in of_type("AWS::EC2::SecurityGroupIngress").values():
        assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": ["FunctionSecurityGroup", "GroupId"]}


def test_no_password_is_stored() -> None:
    (cluster,) = of_type("AWS::RDS::DBCluster").values()
    assert cluster["MasterUserAuthenticationType"] == "iam-db-auth"
    assert "MasterUserPassword" not in cluster
    (user,) = of_type("AWS::ElastiCache::User").values()
    assert user["AuthenticationMode"] == {"Type": "iam"}
    assert user["UserId"] == user["UserName"]


def test_every_log_is_kept_for_a_while_only() -> None:
    groups = of_type("AWS::Logs::LogGroup")
    assert all("RetentionInDays" in group for group in groups.values())
    functions = of_type("AWS::Lambda::Function")
    logs = [function["LoggingConfig"]["LogGroup"]["Ref"] for function in functions.values()]
    assert sorted(logs) == sorted(groups)
