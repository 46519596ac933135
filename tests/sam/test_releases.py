"""Releases: what makes new versions of the functions, and what no update may replace."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from ops.deployment import with_digest
from tests.sam import deployed
from tests.sam.deployed import EVERYTHING, SHARD, STAGES, packaged, parameters, transformed
from tests.unit.test_template import STATEFUL

Template = dict[str, Any]
SERVING = {"PagesFunction", "ListingFunction", "WritesFunction", "UpkeepFunction"}


def released(source: Template, values: dict[str, str]) -> Template:
    """What CloudFormation makes of a packaged template that `make deploy` sends."""
    sent = [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]
    template, parameters = with_digest(json.dumps(source), sent)
    digested = {str(each["ParameterKey"]): str(each["ParameterValue"]) for each in parameters}
    return transformed(digested, json.loads(template))


def versions(template: Template) -> dict[str, str]:
    """The logical ids of the functions' versions: another id is a new version."""
    return {
        resource["Properties"]["FunctionName"]["Ref"]: name
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Version"
    }


@cache
def before() -> dict[str, str]:
    return versions(released(packaged(), parameters("prod")))


def other_value(name: str) -> str:
    """A value that the stage prod does not have for a parameter."""
    declared = packaged()["Parameters"][name]
    now = parameters("prod").get(name, str(declared.get("Default", "")))
    allowed = declared.get("AllowedValues")
    if allowed:
        return next(str(value) for value in allowed if str(value) != now)
    if declared["Type"] == "Number":
        return str(float(now) + 1)
    others = {"UpkeepEvery": "rate(7 minutes)", "JwtIssuer": "https://id.example.com"}
    return {**others, "Zones": "us-east-1c,us-east-1d"}.get(name, "another")


def memory(source: Template) -> None:
    source["Globals"]["Function"]["MemorySize"] = 1024


def timeout_of_one(source: Template) -> None:
    source["Resources"]["WritesFunction"]["Properties"]["Timeout"] = 26


def literal_variable(source: Template) -> None:
    source["Globals"]["Function"]["Environment"]["Variables"]["SHEAF_CACHE_CLUSTER"] = "false"


def code_of_one(source: Template) -> None:
    source["Resources"]["PagesFunction"]["Properties"]["CodeUri"] = "s3://artifacts/pages"


def layer(source: Template) -> None:
    source["Resources"]["CommonLayer"]["Properties"]["ContentUri"] = "s3://artifacts/another"


def database(source: Template) -> None:
    source["Resources"]["Shard1"]["Properties"]["TemplateURL"] += "-another"


@pytest.mark.parametrize(
    "change", [layer, code_of_one, memory, timeout_of_one, literal_variable, database]
)
def test_each_change_of_what_is_built_makes_new_versions(
    change: Callable[[Template], None],
) -> None:
    source = packaged()
    change(source)
    after = versions(released(source, parameters("prod")))
    assert after.keys() == before().keys() == SERVING
    assert set(after.values()).isdisjoint(before().values())


@pytest.mark.parametrize(
    "name", [name for name in packaged()["Parameters"] if name != "ReleaseDigest"]
)
def test_each_parameter_makes_new_versions(name: str) -> None:
    after = versions(released(packaged(), parameters("prod") | {name: other_value(name)}))
    assert set(after.values()).isdisjoint(before().values())


def test_without_a_change_there_are_no_new_versions() -> None:
    assert versions(released(packaged(), parameters("prod"))) == before()


def test_the_migration_and_the_sign_in_are_part_of_each_release() -> None:
    resources = released(packaged(), parameters("dev"))["Resources"]
    digest = {"Ref": "ReleaseDigest"}
    for name in ("Release", "SignInAddress"):
        assert resources[name]["Properties"]["Digest"] == digest


# What resources that hold state were when Sheaf was deployed first: their properties of which a
# change has CloudFormation make them anew, and empty.
FIRST = json.loads((Path(__file__).parent / "first_release.json").read_text())


def kept(resources: Template) -> dict[str, Any]:
    """By logical id, for what holds state: its type, and the properties that may never change."""
    stateful = {name for names in STATEFUL.values() for name in names}
    return {
        name: {
            "Type": resource["Type"],
            **{
                key: resource["Properties"].get(key)
                for key in sorted(create_only(resource["Type"]))
            },
        }
        for name, resource in sorted(resources.items())
        if name in stateful
    }


def create_only(kind: str) -> set[str]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return {path.split("/")[2] for path in schema.get("createOnlyProperties", ())}


@pytest.mark.parametrize("stage", STAGES)
def test_an_update_replaces_nothing_that_holds_state(stage: str) -> None:
    values = parameters(stage) | (EVERYTHING if stage == "prod" else {})
    resources = deployed.deployed(values)["Resources"] | cfn_yaml.load(SHARD)["Resources"]
    now = json.loads(json.dumps(kept(resources)))
    assert {name: now.get(name) for name in FIRST[stage]} == FIRST[stage]
