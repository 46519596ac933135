"""What has left the house keeps its name: by another one it would be a new thing, and empty."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]

# What holds data, an address that others know, or what they have subscribed to.
STATEFUL = {
    "template.yaml": {
        "AccessLogBucket": "AWS::S3::Bucket",
        "AlarmTopic": "AWS::SNS::Topic",
        "Api": "AWS::Serverless::HttpApi",
        "ApiAccessLogs": "AWS::Logs::LogGroup",
        "Cache": "AWS::ElastiCache::ServerlessCache",
        "Distribution": "AWS::CloudFront::Distribution",
        "GateLogs": "AWS::Logs::LogGroup",
        "Key": "AWS::KMS::Key",
        "ListingLogs": "AWS::Logs::LogGroup",
        "MigrateLogs": "AWS::Logs::LogGroup",
        "PagesLogs": "AWS::Logs::LogGroup",
        "PurgeLogs": "AWS::Logs::LogGroup",
        "ReleaseLogs": "AWS::Logs::LogGroup",
        "Shard1": "AWS::CloudFormation::Stack",
        "Shard2": "AWS::CloudFormation::Stack",
        "Shard3": "AWS::CloudFormation::Stack",
        "Shard4": "AWS::CloudFormation::Stack",
        "SignInClient": "AWS::Cognito::UserPoolClient",
        "StaticBucket": "AWS::S3::Bucket",
        "UpkeepLogs": "AWS::Logs::LogGroup",
        "UserPool": "AWS::Cognito::UserPool",
        "UserPoolDomain": "AWS::Cognito::UserPoolDomain",
        "WritesLogs": "AWS::Logs::LogGroup",
    },
    "shard.yaml": {
        "Cluster": "AWS::RDS::DBCluster",
        "StandByInstance": "AWS::RDS::DBInstance",
        "Writer": "AWS::RDS::DBInstance",
    },
}


class _Loader(yaml.CSafeLoader):
    """Passes over CloudFormation's functions: names have none."""


_Loader.add_multi_constructor("!", lambda _loader, _tag, _node: None)


def resources(file: str) -> dict[str, Any]:
    """The resources of a template by their logical ids."""
    loaded = yaml.load((ROOT / file).read_text(encoding="utf-8"), _Loader)
    found: dict[str, Any] = loaded["Resources"]
    return found


@pytest.mark.parametrize("file", STATEFUL)
def test_what_holds_state_keeps_its_name_and_type(file: str) -> None:
    kinds = set(STATEFUL[file].values())
    found = {name: each["Type"] for name, each in resources(file).items()}
    assert {name: kind for name, kind in found.items() if kind in kinds} == STATEFUL[file]


def test_every_database_can_take_part_in_a_batch() -> None:
    """The home shard's, too: each shard is a stack of this template."""
    cluster = resources("shard.yaml")["Cluster"]["Properties"]
    parameters = resources("shard.yaml")["Parameters"]["Properties"]["Parameters"]
    assert "DBClusterParameterGroupName" in cluster
    assert int(parameters["max_prepared_transactions"]) >= 64
    stacks = [
        one["Properties"]["TemplateURL"]
        for one in resources("template.yaml").values()
        if one["Type"] == "AWS::CloudFormation::Stack"
    ]
    assert stacks == ["shard.yaml"] * 4
