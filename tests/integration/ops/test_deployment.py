"""Deployments by SAM's own command, to an account that moto plays."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.gateway import template
from local.invocation.account import KEYS
from ops.deployment import BUILT
from tests.sam import sam
from tests.servers.moto_server import moto_server, reset

REGION = "eu-central-1"
STACK = "sheaf-dev"
# SAM makes this stack for itself; moto would make it without tags.
MANAGED = {
    "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
    "Outputs": {"SourceBucket": {"Value": {"Ref": "Bucket"}}},
}
RELEASED = "b" * 64
SECRET = "a" * 24
PLAIN = [sys.executable, "-m", "samcli", "deploy"]
MAKE = [sys.executable, "-m", "ops.deployment"]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an account of AWS."""
    with moto_server(tmp_path_factory.mktemp("moto") / "log") as url:
        yield url


@dataclass
class Project:
    """A checkout in which everything is built, and an account with a stack for the stage dev."""

    tree: Path
    account: str
    client: Any

    def run(self, *command: str, answers: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command there, which executes nothing."""
        settings = {"AWS_ENDPOINT_URL": self.account, "AWS_REGION": REGION, **KEYS}
        unwanted = {"AWS_DEFAULT_REGION"}
        environment = {name: text for name, text in os.environ.items() if name not in unwanted}
        return subprocess.run(
            [*command, "--no-execute-changeset"],
            cwd=self.tree,
            env={**environment, **settings, "SAM_CLI_TELEMETRY": "0", "PYTHONPATH": str(sam.ROOT)},
            input=answers,
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
            start_new_session=True,  # without a terminal questions read what is given here
        )

    def sent(self, *options: str, answers: str = "") -> dict[str, str | None]:
        """The parameters that a deployment sends; None stands for the value that the stack has."""
        done = self.run(*MAKE, "--config-env", "dev", *options, answers=answers)
        assert done.returncode == 0, done.stdout + done.stderr
        change = self.changes()[-1]
        return {each["ParameterKey"]: each.get("ParameterValue") for each in change}

    def sent_parameters(self) -> list[dict[str, str]]:
        """The parameters of each change set, as values by their names."""
        return [
            {each["ParameterKey"]: each["ParameterValue"] for each in change}
            for change in self.changes()
        ]

    def takes(self, value: object) -> bool:
        """Whether CloudFormation, which moto is not, would take a ReleaseDigest."""
        s3 = boto3.client("s3", endpoint_url=self.account, region_name=REGION)
        names = [each["Name"] for each in s3.list_buckets()["Buckets"]]
        (bucket,) = [name for name in names if name.startswith("aws-sam-cli-managed")]
        listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
        keys = [
            each["Key"]
            for each in sorted(listed, key=lambda each: each["LastModified"], reverse=True)
            if each["Key"].endswith(".template")
        ]
        texts = (s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys)
        # What is in it is sent within the same second.
        text = next(text for text in texts if "ReleaseDigest:" in text)
        declared = template.parse(text)["Parameters"]["ReleaseDigest"]
        is_digest = re.fullmatch(declared["AllowedPattern"], str(value))
        return bool(is_digest) and value in declared["AllowedValues"]

    def changes(self) -> list[list[dict[str, str]]]:
        """The parameters of each change set of the stack, but for the one that made it."""
        listed = self.client.list_change_sets(StackName=STACK)["Summaries"]
        names = [each["ChangeSetName"] for each in listed if "samcli" in each["ChangeSetName"]]
        described = (
            self.client.describe_change_set(ChangeSetName=name, StackName=STACK) for name in names
        )
        return [
            each["Parameters"] for each in sorted(described, key=lambda each: each["CreationTime"])
        ]


@pytest.fixture
def project(account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    reset(account)
    client = boto3.client("cloudformation", endpoint_url=account, region_name=REGION)
    client.create_stack(
        StackName="aws-sam-cli-managed-default",
        TemplateBody=json.dumps(MANAGED),
        Tags=[{"Key": "ManagedStackSource", "Value": "AwsSamCli"}],
    )
    declared = {name: {"Type": "String"} for name in ("ReleaseDigest", "SiteName", "OriginKeys")}
    client.create_stack(
        StackName=STACK,
        TemplateBody=json.dumps({"Parameters": declared, "Resources": MANAGED["Resources"]}),
        Parameters=[
            {"ParameterKey": "ReleaseDigest", "ParameterValue": RELEASED},
            {"ParameterKey": "SiteName", "ParameterValue": "Before"},
            {"ParameterKey": "OriginKeys", "ParameterValue": SECRET},
        ],
    )
    built = (tmp_path / BUILT).parent
    for folder in ("functions", "layers"):
        shutil.copytree(sam.ROOT / folder, built / folder)
    for file in ("template.yaml", "shard.yaml"):
        shutil.copy(sam.ROOT / file, built)
    shutil.copy(sam.ROOT / "samconfig.toml", tmp_path)
    return Project(tmp_path, account, client)


def test_the_digest_is_that_of_what_is_sent(project: Project) -> None:
    digests = [project.sent()["ReleaseDigest"] for _ in range(2)]
    layer = project.tree / BUILT.replace("template.yaml", "layers/common/sheaf/slugs.py")
    layer.write_text(layer.read_text() + "\n")
    digests.append(project.sent()["ReleaseDigest"])
    named = project.sent("--parameter-overrides", "SiteName=After")
    assert named["SiteName"] == "After"
    digests.append(named["ReleaseDigest"])
    assert digests[0] == digests[1]
    assert len({RELEASED, *digests}) == 4
    assert project.takes(digests[-1])


@pytest.mark.parametrize(
    "options",
    [
        ["--config-env", "dev"],
        ["--config-env", "dev", "--parameter-overrides", "SiteName=After"],
        ["--stack-name", STACK, "--resolve-s3", "--capabilities", "CAPABILITY_IAM"],
        ["--guided"],
    ],
    ids=" ".join,
)
def test_sam_deploy_itself_is_refused(project: Project, options: list[str]) -> None:
    refused = project.run(*PLAIN, *options)
    assert refused.returncode != 0
    assert "Template file not found" in refused.stderr
    assert "make deploy" in refused.stderr
    assert project.changes() == []


@pytest.mark.parametrize(
    "options",
    [
        ["--stack-name", STACK, "--resolve-s3", "--capabilities", "CAPABILITY_IAM"],
        ["--config-env", "dev"],
        ["--config-env", "dev", "--parameter-overrides", "SiteName=After"],
    ],
    ids=" ".join,
)
def test_by_whichever_way_cloudformation_takes_no_other_value(
    project: Project, options: list[str]
) -> None:
    config = ["--config-file", str(project.tree / "samconfig.toml"), "--region", REGION]
    project.run(*PLAIN, "--template-file", BUILT, *config, *options)
    (sent,) = project.sent_parameters()
    assert not project.takes(sent["ReleaseDigest"])


def test_questions_come_first_and_what_they_save_is_refused(project: Project) -> None:
    parameters = template.document(sam.ROOT / "template.yaml")["Parameters"]
    given = {"OriginKeys": SECRET, "SiteName": "After"}
    answers = [given.get(name, "") for name in parameters]
    words = ["", "", *answers, "", "", "", "y", "", ""]
    asked = project.sent("--guided", answers="".join(f"{word}\n" for word in words))
    assert asked["SiteName"] == "After"
    plain = project.sent("--parameter-overrides", "SiteName=After")
    assert asked["ReleaseDigest"] not in {RELEASED, plain["ReleaseDigest"]}
    saved = tomllib.loads((project.tree / "samconfig.toml").read_text())["dev"]["deploy"]
    assert saved["parameters"]["template_file"] == "make deploy"
    assert 'ReleaseDigest="computed-by-make-deploy"' in saved["parameters"]["parameter_overrides"]
    assert "Template file not found" in project.run(*PLAIN, "--config-env", "dev").stderr
