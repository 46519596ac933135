"""What the manual names of AWS exists: commands with their options, and the template's alarms."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from botocore import xform_name
from botocore.session import Session
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = [*(ROOT / "docs").rglob("*.md")]
COMMAND = re.compile(r"\baws ([a-z-]+) ([a-z-]+)(.*?)(?=$|\baws )", re.MULTILINE)
EVERYWHERE = {"query", "output", "region"}
# What the command line calls otherwise than the service's interface does, or adds to it.
RENAMED = {"deploy": "codedeploy"}
ADDED = {
    ("cloudformation", "deploy"): {"stack-name", "template-file", "parameter-overrides"},
    ("cloudfront", "create-invalidation"): {"distribution-id", "paths"},
    ("configure", "export-credentials"): {"format"},
    ("ec2-instance-connect", "open-tunnel"): {"instance-id"},
    ("rds", "generate-db-auth-token"): {"hostname", "port", "username"},
}


def code(tokens: list[Token]) -> Iterator[str]:
    """What is in blocks of commands, or in a line between backticks."""
    for token in tokens:
        if token.type == "code_inline" or token.info.startswith("sh"):
            yield token.content.replace("\\\n", " ")
        yield from code(token.children or [])


def commands(page: Path) -> Iterator[tuple[str, ...]]:
    """Each command: the service, the operation and the options."""
    for text in code(MarkdownIt("commonmark").enable("table").parse(page.read_text())):
        for service, operation, rest in COMMAND.findall(text):
            yield (service, operation, *re.findall(r"--([a-z0-9-]+)", rest))


@cache
def options(service: str, operation: str) -> set[str]:
    """What a command takes; raises KeyError if there is none."""
    if (service, operation) in ADDED:
        return ADDED[service, operation]
    model = Session().get_service_model(RENAMED.get(service, service))
    names = {xform_name(name, "-"): name for name in model.operation_names}
    taken = model.operation_model(names[operation]).input_shape
    return {xform_name(member, "-") for member in taken.members} if taken else set()


ALL = sorted({command for page in PAGES for command in commands(page)})


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_the_command_exists_and_takes_these_options(command: tuple[str, ...]) -> None:
    service, operation, *given = command
    assert set(given) <= options(service, operation) | EVERYWHERE


def test_commands_are_found() -> None:
    named = {command[:2] for command in ALL}
    assert {("rds", "restore-db-cluster-to-point-in-time"), ("sts", "get-caller-identity")} <= named


def alarms() -> set[str]:
    """The names of all alarms that a deployment has."""
    resources: dict[str, dict[str, str]] = {}
    for file in ("template.yaml", "shard.yaml"):
        resources |= yaml.load((ROOT / file).read_text(), Loader=yaml.BaseLoader)["Resources"]
    return {name for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"}


def test_the_operators_table_has_every_alarm_once_and_no_other() -> None:
    rows = re.findall(r"^\|(.+?)\|", (ROOT / "docs/operate.md").read_text(), re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+Alarm)`", row)]
    assert sorted(named) == sorted(alarms())


def test_alarms_that_are_named_exist() -> None:
    named = {name for page in PAGES for name in re.findall(r"`(\w+Alarm)`", page.read_text())}
    assert named - alarms() == set()


def header_cells(page: Path) -> Iterator[str]:
    """What heads the columns of the page's tables."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page.read_text())
    for opening, inline in pairwise(tokens):
        if opening.type == "th_open":
            yield inline.content


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.stem)
def test_each_column_of_a_table_has_a_name(page: Path) -> None:
    """So that who hears a table knows where they are in it."""
    assert all(header_cells(page))
