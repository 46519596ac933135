"""What CloudFormation makes of the templates for a stage, worked out here.

    python -m tests.sam.deployed FOLDER

writes it there as JSON, for a site with everything that a parameter can add.
"""

import json
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]

from local.gateway.template import Conditions

ROOT = Path(__file__).parents[2]
TEMPLATE, SHARD, WAF = (ROOT / f"{name}.yaml" for name in ("template", "shard", "waf"))
STAGES = ("dev", "prod")
ID = "00000000-0000-0000-0000-000000000000"
# What samconfig.toml gives no value that is taken.
ALWAYS = {"OriginKeys": "a" * 24, "ReleaseDigest": "a" * 64}
EVERYTHING = {
    "Shards": "4",
    "DomainName": "pages.example.com",
    "CertificateArn": f"arn:aws:acm:us-east-1:123456789012:certificate/{ID}",
    "WebAclArn": f"arn:aws:wafv2:us-east-1:123456789012:global/webacl/sheaf/{ID}",
    "HostedZoneId": "Z0000000000000000000",
    "AlarmEmail": "alarms@example.com",
}


class NoManagedPolicies:
    """Stands in for the list of AWS's managed policies, which the transform would download."""

    def load(self) -> dict[str, str]:
        return {}


def parameters(stage: str) -> dict[str, str]:
    """The values that samconfig.toml gives a stage's parameters."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    pairs = config[stage]["deploy"]["parameters"]["parameter_overrides"]
    return {name: value.strip("'") for name, _, value in (p.partition("=") for p in pairs)} | ALWAYS


@cache
def _source() -> str:
    # (SAM's own reader changes how PyYAML works for everything else in this process.)
    return json.dumps(cfn_yaml.load(TEMPLATE))


def packaged(layer: str = "layer", functions: str = "functions") -> dict[str, Any]:
    """The template after `sam package`: the transform takes no local folders, only addresses."""
    source: dict[str, Any] = json.loads(_source())
    source["Globals"]["Function"]["CodeUri"] = f"s3://artifacts/{functions}"
    source["Resources"]["CommonLayer"]["Properties"]["ContentUri"] = f"s3://artifacts/{layer}"
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::CloudFormation::Stack":
            resource["Properties"]["TemplateURL"] = "https://artifacts.s3.amazonaws.com/shard"
    return source


def transformed(values: dict[str, str], source: dict[str, Any] | None = None) -> dict[str, Any]:
    """The template after the SAM transform, with these values of its parameters and no others.

    `source` is a packaged template: the project's own, unless another one is given.
    """
    source = packaged() if source is None else json.loads(json.dumps(source))
    for name, value in values.items():
        declared = source["Parameters"][name]
        declared["Default"] = int(value) if value.isdecimal() else value
        if name == "ReleaseDigest":  # as `make deploy` sends it
            declared["AllowedValues"] = [value]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        result: dict[str, Any] = transform(source, _defaults(source) | values, NoManagedPolicies())
    del result["Parameters"]["Rollout"]  # the transform itself has used it up
    return result


def deployed(values: dict[str, str]) -> dict[str, Any]:
    """The same with its conditions decided: what there is, and how."""
    template = transformed(values)
    conditions = Conditions(template["Conditions"], _defaults(template))
    sections = {name: conditions.present(template[name]) for name in ("Resources", "Outputs")}
    for each in (one for section in sections.values() for one in section.values()):
        each.pop("Condition", None)
    text = json.dumps(sections)
    used = {
        name: declared
        for name, declared in template["Parameters"].items()
        if f'{{"Ref": "{name}"}}' in text or f"${{{name}}}" in text
    }
    return {**sections, "Parameters": used, "Description": template["Description"]}


def _defaults(template: dict[str, Any]) -> dict[str, Any]:
    declared = template["Parameters"].items()
    return {name: each["Default"] for name, each in declared if "Default" in each}


def main() -> None:
    """Write the templates into the folder that is named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    site = deployed(parameters("prod") | EVERYTHING)
    (folder / "site.json").write_text(json.dumps(site, indent=1))
    for file in (SHARD, WAF):
        text = json.dumps(cfn_yaml.load(file), indent=1)
        (folder / f"{file.stem}.json").write_text(text)


if __name__ == "__main__":
    main()
