"""Least privilege: a function may do what its code does, reaches what that needs, and no more."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sam.imports import closure, file_of
from tests.sam.test_template import of_type, site

Statement = dict[str, Any]

DATABASE, CACHE = "rds-db:connect", "elasticache:Connect"
# The modules that connect.
LOGINS = {
    "sheaf.sharding.shards": DATABASE,
    "sheaf.redis_client": CACHE,
    "sheaf.caching.reader": CACHE,
}
# What calls of boto3 (and of sheaf.aws.services) need.
CALLS = {
    "services.invoke": "lambda:InvokeFunction",
    "put_object": "s3:PutObject",
    "delete_objects": "s3:DeleteObject",
    "list_objects_v2": "s3:ListBucket",
    "describe_user_pool_client": "cognito-idp:DescribeUserPoolClient",
    "update_user_pool_client": "cognito-idp:UpdateUserPoolClient",
    "get_deployment": "codedeploy:GetDeployment",
    "get_application_revision": "codedeploy:GetApplicationRevision",
    "put_lifecycle_event_hook_execution_status": "codedeploy:PutLifecycleEventHookExecutionStatus",
    "create_invalidation": "cloudfront:CreateInvalidation",
}
PORTS = {DATABASE: {5432}, CACHE: {6379, 6380}}
# A wildcard may stand for the versions of one function, and for the files of one folder.
BOUNDED = re.compile(r"\$\{\w+Function\.Arn\}:\*|\$\{StaticBucket\.Arn\}/-/static/\*")
FUNCTIONS = of_type("AWS::Lambda::Function")

each_function = pytest.mark.parametrize("name", FUNCTIONS)


def needed(name: str) -> set[str]:
    """The actions that a function's code asks for."""
    modules = closure(FUNCTIONS[name]["Handler"].rpartition(".")[0])
    files = (file for file in map(file_of, modules) if file)
    code = "\n".join(file.read_text() for file in files)
    return {action for module, action in LOGINS.items() if module in modules} | {
        action for call, action in CALLS.items() if re.search(rf"\b{re.escape(call)}\b", code)
    }


def statements(name: str) -> Iterator[Statement]:
    """What the policies of a function's role say, without those of AWS."""
    role = FUNCTIONS[name]["Role"]["Fn::GetAtt"][0]
    properties = site()[role]["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
    documents += [
        site()[arn["Ref"]]["Properties"]["PolicyDocument"]
        for arn in properties["ManagedPolicyArns"]
        if isinstance(arn, dict) and "Ref" in arn
    ]
    documents += [
        policy["PolicyDocument"]
        for policy in of_type("AWS::IAM::RolePolicy").values()
        if policy["RoleName"] == {"Ref": role}
    ]
    for document in documents:
        yield from document["Statement"]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def granted(name: str) -> set[str]:
    return {action for statement in statements(name) for action in as_list(statement["Action"])}


def destinations(name: str) -> set[str]:
    """What Lambda does in a function's name with what it returns."""
    configurations = of_type("AWS::Lambda::EventInvokeConfig").values()
    return {
        "lambda:InvokeFunction"
        for configuration in configurations
        if configuration["FunctionName"] == {"Ref": name}
    }


@each_function
def test_a_function_may_do_what_it_does_and_nothing_else(name: str) -> None:
    assert granted(name) == needed(name) | destinations(name)


@each_function
def test_no_wildcard(name: str) -> None:
    for statement in statements(name):
        assert statement["Effect"] == "Allow"
        assert "*" not in json.dumps(statement["Action"])
        assert "*" not in BOUNDED.sub("", json.dumps(statement["Resource"]))


@each_function
def test_of_aws_policies_a_function_has_those_for_logs_and_network(name: str) -> None:
    role = site()[FUNCTIONS[name]["Role"]["Fn::GetAtt"][0]]["Properties"]
    kinds = {str(arn) for arn in role["ManagedPolicyArns"] if "Ref" not in arn}
    network = {"AWSLambdaVPCAccessExecutionRole"} if "VpcConfig" in FUNCTIONS[name] else set()
    assert {re.findall(r"\w+", kind)[-1] for kind in kinds} == {
        "AWSLambdaBasicExecutionRole",
        *network,
    }


@each_function
def test_a_function_reaches_what_it_logs_in_to_and_nothing_else(name: str) -> None:
    groups = FUNCTIONS[name].get("VpcConfig", {}).get("SecurityGroupIds", [])
    rules = [
        rule
        for group in groups
        for rule in site()[group["Fn::GetAtt"][0]]["Properties"]["SecurityGroupEgress"]
    ]
    reached = {port for rule in rules for port in range(rule["FromPort"], rule["ToPort"] + 1)}
    assert reached == {port for action in needed(name) for port in PORTS.get(action, ())}


@each_function
def test_the_owner_of_the_tables_logs_in_to_migrate_only(name: str) -> None:
    text = json.dumps([*statements(name)])
    as_owner, as_application = "/postgres" in text, "ResourceId}/sheaf" in text
    assert as_owner == (name == "MigrateFunction")
    assert as_application == (DATABASE in needed(name) and not as_owner)


def test_what_is_imported_is_found_at_any_depth() -> None:
    assert "sheaf.aws.presigning" in closure("pages.app")  # inside of a function, far down
    assert "sheaf.redis_client" not in closure("migrate.app")
