"""The template: what CloudFormation would get passes the linter, and is wired as meant."""

import importlib
import json
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint  # type: ignore[import-untyped]
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

from local.invocation.seed import template
from sheaf import slugs
from sheaf.http import documents, responses
from tests.sam import deployed
from tests.sam.deployed import EVERYTHING, ROOT, SHARD, STAGES, TEMPLATE, WAF, parameters

PAGES = """
    ANY /
    ANY /{slug+}
    ANY /-/edit/{slug+}
    ANY /-/sign-in
    ANY /-/static/{name}
    ANY /robots.txt
    ANY /favicon.svg
"""
# AWS's limit of what may be said of who calls a function, in bytes.
POLICY_BYTES = 20_480
LISTING = """
    ANY /api/{address+}
    ANY /-/{address+}
    ANY /sitemap.xml
    ANY /llms.txt
"""
WRITES = """
    PUT /api/pages/{slug+}
    DELETE /api/pages/{slug+}
    POST /api/batches
    POST /api/merges/{slug+}
    POST /api/moves
    POST /api/previews
    PUT /api/leases/{slug+}
    DELETE /api/leases/{slug+}
    GET /api/drafts/{slug+}
    HEAD /api/drafts/{slug+}
    PUT /api/drafts/{slug+}
    DELETE /api/drafts/{slug+}
    GET /api/drafts
    HEAD /api/drafts
    PUT /api/presence/{slug+}
    DELETE /api/presence/{slug+}
"""


@cache
def site() -> dict[str, Any]:
    """The resources of a site with everything."""
    resources: dict[str, Any] = deployed.deployed(parameters("prod") | EVERYTHING)["Resources"]
    return resources


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    return {name: one["Properties"] for name, one in site().items() if one["Type"] == kind}


def routes_of(function: str) -> set[str]:
    return {route.key for route in template().routes if route.function.name == function}


def lint_all(text: str) -> list[str]:
    return [str(match) for match in lint(text, regions=["us-east-1"])]


@pytest.mark.parametrize("file", [TEMPLATE, SHARD, WAF], ids=lambda file: file.stem)
def test_passes_the_linter(file: Path) -> None:
    assert lint_all(file.read_text()) == []


@pytest.mark.parametrize("stage", STAGES)
def test_passes_the_linter_as_cloudformation_gets_it(stage: str) -> None:
    assert lint_all(json.dumps(deployed.transformed(parameters(stage)))) == []


@pytest.mark.parametrize("shards", ["1", "2", "4"])
@pytest.mark.parametrize("stage", STAGES)
def test_passes_the_linter_as_it_is_deployed(stage: str, shards: str) -> None:
    template = deployed.deployed(parameters(stage) | {"Shards": shards})
    assert lint_all(json.dumps(template)) == []
    kinds = [one["Type"] for one in template["Resources"].values()]
    assert kinds.count("AWS::CloudFormation::Stack") == int(shards)


@pytest.mark.parametrize("name", template().functions)
def test_handlers_exist(name: str) -> None:
    module, _, attribute = template().functions[name].handler.rpartition(".")
    assert callable(getattr(importlib.import_module(module), attribute))


def test_routes() -> None:
    assert routes_of("PagesFunction") == set(PAGES.strip().split("\n    "))
    assert routes_of("WritesFunction") == set(WRITES.strip().split("\n    "))
    assert routes_of("ListingFunction") == set(LISTING.strip().split("\n    "))


@pytest.mark.parametrize("stack", ["sheaf-prod", "a-stack-with-a-name-of-forty-letters-now"])
def test_the_resource_policy_of_each_function_has_room_for_as_much_again(stack: str) -> None:
    statements: dict[str, list[dict[str, Any]]] = {}
    for name, permission in of_type("AWS::Lambda::Permission").items():
        alias = permission["FunctionName"]["Ref"]
        statements.setdefault(alias, []).append(statement(stack, name, alias, permission))
    assert len(statements) == 4
    for alias, each in statements.items():
        policy = json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": each})
        assert len(policy) < POLICY_BYTES / 2, alias


def statement(stack: str, name: str, alias: str, permission: dict[str, Any]) -> dict[str, Any]:
    """One permission as Lambda keeps it, in a region with a long name."""
    place, account = "ap-southeast-2", "123456789012"
    function = f"{stack}-{alias.removesuffix('Aliaslive')}-1A2B3C4D5E6F"[:64]
    source = json.dumps(permission.get("SourceArn", {}))
    path = source.rpartition("/")[2] if "Often" in name else source.partition("__/")[2]
    return {
        "Sid": f"{stack}-{name}-1A2B3C4D5E6F",
        "Effect": "Allow",
        "Principal": {"Service": permission["Principal"]},
        "Action": "lambda:InvokeFunction",
        "Resource": f"arn:aws:lambda:{place}:{account}:function:{function}:live",
        "Condition": {
            "ArnLike": {
                "AWS:SourceArn": f"arn:aws:execute-api:{place}:{account}:a1b2c3d4e5/*/*/{path}"
            }
        },
    }


def test_there_is_one_hsts_policy() -> None:
    (policy,) = of_type("AWS::CloudFront::ResponseHeadersPolicy").values()
    hsts = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]["StrictTransportSecurity"]
    assert hsts["IncludeSubdomains"] is False
    said = responses.safe({})["strict-transport-security"]
    assert said == f"max-age={hsts['AccessControlMaxAgeSec']}"


def test_what_a_first_deployment_that_failed_leaves_costs_nothing() -> None:
    policies = {name: one.get("DeletionPolicy") for name, one in site().items()}
    kept = {name for name, policy in policies.items() if policy not in (None, "Delete")}
    assert {"Key", "AccessLogBucket"} <= kept
    versions = {name for name, one in site().items() if one["Type"] == "AWS::Lambda::Version"}
    assert {policies[name] for name in kept - versions} == {"RetainExceptOnCreate"}


def test_zones_can_be_chosen() -> None:
    values = parameters("prod") | {"Zones": "us-east-1c,us-east-1d"}
    resources = deployed.deployed(values)["Resources"]
    chosen = [resources[name]["Properties"]["AvailabilityZone"] for name in ("SubnetA", "SubnetB")]
    assert chosen == [
        {"Fn::Select": [number, {"Fn::Split": [",", {"Ref": "Zones"}]}]} for number in (0, 1)
    ]


def test_writes_and_only_writes_need_a_token() -> None:
    (api,) = of_type("AWS::ApiGatewayV2::Api").values()
    secured = {
        f"{method.upper()} {path}": route["security"]
        for path, methods in api["Body"]["paths"].items()
        for method, route in methods.items()
        if "security" in route
    }
    assert secured == {key: [{"Jwt": ["sheaf/write"]}] for key in routes_of("WritesFunction")}


def test_the_network_leads_nowhere_else() -> None:
    kinds = {one["Type"] for one in site().values()}
    assert kinds.isdisjoint(
        {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint"}
    )
    for group in of_type("AWS::EC2::SecurityGroup").values():
        assert "0.0.0.0/0" not in json.dumps(group["SecurityGroupEgress"])
        assert "SecurityGroupIngress" not in group
    rules = of_type("AWS::EC2::SecurityGroupIngress").values()
    assert {rule["SourceSecurityGroupId"]["Fn::GetAtt"][0] for rule in rules} == {
        "FunctionSecurityGroup",
        "MigrateSecurityGroup",
    }


def test_no_password_is_stored() -> None:
    cluster = cfn_yaml.load(SHARD)["Resources"]["Cluster"]["Properties"]
    assert cluster["MasterUserAuthenticationType"] == "iam-db-auth"
    assert "MasterUserPassword" not in cluster
    (user,) = of_type("AWS::ElastiCache::User").values()
    assert user["AuthenticationMode"] == {"Type": "iam"}
    assert user["UserId"] == user["UserName"]


def test_all_shards_are_made_alike() -> None:
    stacks = list(of_type("AWS::CloudFormation::Stack").values())
    assert len(stacks) == 4
    assert all(stack == stacks[0] for stack in stacks)
    given = stacks[0]["Parameters"].keys()
    assert given == cfn_yaml.load(SHARD)["Parameters"].keys()


def test_every_shard_has_its_address_and_its_logins() -> None:
    text = json.dumps(site())
    for shard in of_type("AWS::CloudFormation::Stack"):
        assert text.count(f"sheaf@${{{shard}.Outputs.Address}}:5432") == 7  # all but migrate
        assert text.count(f"postgres@${{{shard}.Outputs.Address}}:5432") == 1
        assert text.count(f"${{{shard}.Outputs.ResourceId}}/sheaf") == 1
        assert text.count(f"${{{shard}.Outputs.ResourceId}}/postgres") == 1


def test_what_serves_waits_for_its_release_and_has_its_number() -> None:
    functions = of_type("AWS::Lambda::Function")
    for name in ("Pages", "Listing", "Writes", "Upkeep"):
        variables = functions[f"{name}Function"]["Environment"]["Variables"]
        assert variables["SHEAF_BUILD"] == {"Fn::GetAtt": ["Release", "Number"]}


def test_a_new_version_is_tried_and_then_watched() -> None:
    groups = of_type("AWS::CodeDeploy::DeploymentGroup")
    assert set(groups) == {
        f"{name}FunctionDeploymentGroup" for name in ("Pages", "Listing", "Writes", "Upkeep")
    }
    for name, group in groups.items():
        function = name.removesuffix("DeploymentGroup")
        (alarm,) = group["AlarmConfiguration"]["Alarms"]
        watched = json.dumps(site()[alarm["Name"]["Ref"]])
        assert f"{function}Version" in watched
        assert '"Ref": "Api"' not in watched
        policy = site()[f"{function}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert policy["BeforeAllowTrafficHook"] == {"Ref": "GateFunction"}
    assert of_type("AWS::Lambda::Function")["GateFunction"]["FunctionName"]["Fn::Sub"].startswith(
        "CodeDeployHook_"  # what CodeDeploy's own role may call
    )


def test_only_the_cdn_reads_the_static_files() -> None:
    (policy,) = of_type("AWS::S3::BucketPolicy").values()
    allowed = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert [s["Principal"] for s in allowed] == [{"Service": "cloudfront.amazonaws.com"}]
    assert all("AWS:SourceArn" in s["Condition"]["StringEquals"] for s in allowed)


def test_the_cdn_keeps_only_what_it_is_told_to_keep() -> None:
    for policy in of_type("AWS::CloudFront::CachePolicy").values():
        config = policy["CachePolicyConfig"]
        assert (config["MinTTL"], config["DefaultTTL"]) == (0, 0)


def test_no_answer_of_a_fault_is_kept() -> None:
    (distribution,) = of_type("AWS::CloudFront::Distribution").values()
    errors = distribution["DistributionConfig"]["CustomErrorResponses"]
    assert {each["ErrorCode"] for each in errors} == {500, 501, 502, 503, 504}
    assert {each["ErrorCachingMinTTL"] for each in errors} == {0}


def behaviour_of(path: str) -> dict[str, Any]:
    """How the CDN treats an address: as the first pattern that fits says."""
    (distribution,) = of_type("AWS::CloudFront::Distribution").values()
    config = distribution["DistributionConfig"]
    fitting = (each for each in config["CacheBehaviors"] if fnmatchcase(path, each["PathPattern"]))
    found: dict[str, Any] = next(fitting, config["DefaultCacheBehavior"])
    return found


def policy_of(path: str) -> dict[str, Any]:
    """By which rules the CDN keeps what is at an address."""
    policy = of_type("AWS::CloudFront::CachePolicy")[behaviour_of(path)["CachePolicyId"]["Ref"]]
    config: dict[str, Any] = policy["CachePolicyConfig"]
    return config


@pytest.mark.parametrize("path", ["/-/history/a/b", "/-/diff/a/b", "/api/revisions/a/b"])
def test_the_cdn_keeps_what_never_changes_for_as_long_as_it_is_told_to(path: str) -> None:
    policy = policy_of(path)
    told = re.search(r"s-maxage=(\d+)", responses.OF_VERSION["cache-control"])
    assert told
    assert policy["MaxTTL"] >= int(told[1])
    key = policy["ParametersInCacheKeyAndForwardedToOrigin"]
    assert key["QueryStringsConfig"] == {"QueryStringBehavior": "all"}
    assert key["EnableAcceptEncodingGzip"] is key["EnableAcceptEncodingBrotli"] is True
    assert {"GET", "HEAD"} <= set(behaviour_of(path)["AllowedMethods"])
    assert "CachedMethods" not in behaviour_of(path)  # but for GET and HEAD nothing is kept


@pytest.mark.parametrize("path", ["/", "/a/b", "/a/b.md"])
def test_a_page_and_its_source_are_kept_by_their_path_and_version(path: str) -> None:
    key = policy_of(path)["ParametersInCacheKeyAndForwardedToOrigin"]
    listed = {"QueryStringBehavior": "whitelist", "QueryStrings": ["v"]}
    assert key["QueryStringsConfig"] == listed


@pytest.mark.parametrize("path", ["/sitemap.xml", "/llms.txt", "/-/feed.atom", "/-/recent"])
def test_lists_for_readers_are_told_from_each_other_by_their_query(path: str) -> None:
    key = policy_of(path)["ParametersInCacheKeyAndForwardedToOrigin"]
    assert key["QueryStringsConfig"] == {"QueryStringBehavior": "all"}
    assert behaviour_of(path)["TargetOriginId"] == "api"


def test_the_cdn_knows_which_names_are_no_pages() -> None:
    (function,) = of_type("AWS::CloudFront::Function").values()
    written = re.search(r"ofTheSite = /(.+)/;", function["FunctionCode"]["Fn::Sub"])
    assert written
    assert all(re.search(written[1], f"/{name}") for name in slugs.RESERVED)
    assert all(
        re.search(written[1], f"/{name}{more}")
        for name in slugs.RESERVED_FIRST
        for more in ("", "/x")
    )
    assert not any(
        re.search(written[1], f"/{name}x") for name in slugs.RESERVED | slugs.RESERVED_FIRST
    )


@pytest.mark.parametrize("domain", ["", "wiki.example.org"])
def test_the_site_learns_its_address(domain: str) -> None:
    more = {"CertificateArn": EVERYTHING["CertificateArn"]} if domain else {}
    values = parameters("dev") | {"DomainName": domain, **more}
    resources = deployed.deployed(values)["Resources"]
    # Deployed, conditions are decided; what a name is made of is not yet known.
    assert ("SiteAddress" in resources) == (not domain)
    variables = resources["ListingFunction"]["Properties"]["Environment"]["Variables"]
    assert bool(variables["SHEAF_SITE_URL"]) == bool(domain)
    if not domain:
        named = resources["SiteAddress"]["Properties"]["Site"]
        assert named == {"Fn::Sub": "https://${Distribution.DomainName}"}


@pytest.mark.parametrize("path", ["/api/pages/a/b", "/api/revisions", "/api/search"])
def test_nothing_else_of_the_api_is_kept(path: str) -> None:
    assert policy_of(path)["MaxTTL"] == 1


def test_the_firewall_counts_the_requests_of_an_address() -> None:
    firewall = cfn_yaml.load(WAF)
    (acl,) = firewall["Resources"].values()
    assert (acl["Type"], acl["Properties"]["Scope"]) == ("AWS::WAFv2::WebACL", "CLOUDFRONT")
    assert acl["Properties"]["DefaultAction"] == {"Allow": {}}
    (rule,) = acl["Properties"]["Rules"]
    assert rule["Statement"]["RateBasedStatement"] == {
        "AggregateKeyType": "IP",
        "EvaluationWindowSec": 300,
        "Limit": {"Ref": "Requests"},
    }
    assert "Block" in rule["Action"]


def test_the_site_takes_what_the_firewall_gives_and_does_without() -> None:
    (output,) = cfn_yaml.load(WAF)["Outputs"].items()
    assert output[0] in cfn_yaml.load(TEMPLATE)["Parameters"]
    assert output[1]["Value"] == {"Fn::GetAtt": ["WebAcl", "Arn"]}
    for values, expected in (({}, False), ({"WebAclArn": EVERYTHING["WebAclArn"]}, True)):
        resources = deployed.deployed(parameters("prod") | values)["Resources"]
        config = resources["Distribution"]["Properties"]["DistributionConfig"]
        assert ("WebACLId" in config) is expected


def test_requests_of_the_api_are_the_same_only_if_their_answers_are() -> None:
    key = policy_of("/api/pages/a/b")["ParametersInCacheKeyAndForwardedToOrigin"]
    assert key["QueryStringsConfig"] == {"QueryStringBehavior": "all"}
    assert key["HeadersConfig"]["Headers"] == ["Authorization"]
    assert key["EnableAcceptEncodingGzip"] is key["EnableAcceptEncodingBrotli"] is True


def test_the_cdn_finds_the_tags_by_which_it_is_purged() -> None:
    (distribution,) = of_type("AWS::CloudFront::Distribution").values()
    assert distribution["DistributionConfig"]["CacheTagConfig"]["HeaderName"] == documents.CDN_TAG


def test_what_alarms_watch_is_counted_by_some_function() -> None:
    folders = (ROOT / "functions", ROOT / "layers/common/sheaf")
    code = "".join(file.read_text() for folder in folders for file in folder.rglob("*.py"))
    text = json.dumps(of_type("AWS::CloudWatch::Alarm"))
    watched = set(re.findall(r'"Namespace": "Sheaf", "MetricName": "(\w+)"', text))
    assert len(watched) >= 8
    assert {metric for metric in watched if not re.search(rf"\b{metric}\b", code)} == set()


def test_every_log_is_kept_for_a_while_only() -> None:
    groups = of_type("AWS::Logs::LogGroup")
    assert all("RetentionInDays" in group for group in groups.values())
    del groups["ApiAccessLogs"]
    functions = of_type("AWS::Lambda::Function")
    logs = [function["LoggingConfig"]["LogGroup"]["Ref"] for function in functions.values()]
    assert sorted(logs) == sorted(groups)
