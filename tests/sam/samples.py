"""The check that a sample event has led to what it must lead to."""

import json
from typing import Any

from local.invocation.account import CLIENT, OLD_FILE, Invalidation
from local.invocation.samples import Sample
from sheaf.hashing import content_tag
from sheaf.rendering import static
from tests import described

NO_BODY = {204, 304}
ELSEWHERE = {303, 308}
# What these functions have to say they tell AWS.
TELLERS = {"release", "gate", "purge"}
PLAIN = {
    "/robots.txt": "text/plain",
    "/favicon.svg": "image/svg+xml",
    "/sitemap.xml": "application/xml",
    "/llms.txt": "text/plain",
    "/-/feed.atom": "application/atom+xml",
    "/-/opensearch.xml": "application/opensearchdescription+xml",
}
# An account that nobody has told anything.
UNTOLD: dict[str, Any] = {
    "reported to CodeDeploy": [],
    "set in Cognito": CLIENT,
    "invalidated in CloudFront": [],
    "stored in S3": {OLD_FILE},
    "answered to CloudFormation": [],
}


def check(sample: Sample, answer: Any, told: dict[str, Any]) -> None:
    """Assert that a function has answered, and told AWS, what the sample's name promises."""
    if sample.outcome != "ok":
        check_answer(sample, answer)
    elif sample.path.parent.name in TELLERS:
        assert answer is None
    else:
        assert "errorMessage" not in answer, answer
    expected = UNTOLD | expected_of(sample)
    found = told | {"stored in S3": plain_names(told["stored in S3"])}
    different = {name: each for name, each in found.items() if each != expected[name]}
    assert not different, different


def expected_of(sample: Sample) -> dict[str, Any]:
    """What AWS has to be told; nothing else may change there."""
    event = sample.event
    match sample.path.parent.name:
        case "release":
            return succeeded(event) | released(event)
        case "gate":
            return {"reported to CodeDeploy": [fit(event)]}
        case "purge":
            return {"invalidated in CloudFront": purged(event)}
    return {}


def succeeded(event: dict[str, Any]) -> dict[str, Any]:
    """A custom resource is there as CloudFormation wants it, or is gone."""
    echoed = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    answer = {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": event["LogicalResourceId"],
    }
    return {"answered to CloudFormation": [{**echoed, **answer}]}


def released(event: dict[str, Any]) -> dict[str, Any]:
    match event["ResourceType"], event["RequestType"]:
        case "Custom::Release", "Delete":
            return {"stored in S3": set()}
        case "Custom::Release", _:
            files = {file.path.removeprefix("/"): file.body for file in static.everything()}
            return {"stored in S3": {OLD_FILE} | plain_names(files)}
        case "Custom::SignInAddress", "Create":
            address = f"{event['ResourceProperties']['Site']}/-/sign-in"
            return {"set in Cognito": CLIENT | {"CallbackURLs": [address], "LogoutURLs": [address]}}
    return {}


def plain_names(files: dict[str, bytes]) -> set[str]:
    """The names of files without the hash of their content; another one than that stays there.

    What is in the layer has been made small, so that its hashes are others than here.
    """
    parts = {path: path.rsplit(".", 2) for path in files}
    return {
        f"{stem}.{suffix}" if tag == content_tag(files[path]) else path
        for path, (stem, tag, suffix) in parts.items()
    }


def fit(event: dict[str, Any]) -> dict[str, str]:
    """The report of a new version that may have traffic."""
    return {
        "deploymentId": event["DeploymentId"],
        "lifecycleEventHookExecutionId": event["LifecycleEventHookExecutionId"],
        "status": "Succeeded",
    }


def purged(event: dict[str, Any]) -> list[Invalidation]:
    paths = event["responsePayload"]["purge"]
    reference = event["requestContext"]["requestId"]
    return [Invalidation(reference, paths)] if paths else []


def check_answer(sample: Sample, answer: Any) -> None:
    assert isinstance(answer, dict), answer
    assert answer.get("statusCode") == int(sample.outcome), answer
    check_headers(sample.event, answer["statusCode"], answer["headers"])
    described.check(
        sample.event["requestContext"]["http"]["method"],
        sample.event["rawPath"],
        answer["statusCode"],
        answer["headers"].get("content-type", ""),
        described.text_of(answer),
    )
    check_body(answer["statusCode"], answer["headers"], described.text_of(answer))


def check_headers(event: dict[str, Any], status: int, headers: dict[str, str]) -> None:
    assert [name for name in headers if name != name.lower()] == []
    assert headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" in headers
    if status not in {204, 308}:
        assert "cache-control" in headers
    if status not in NO_BODY | ELSEWHERE:
        assert headers["content-type"].partition(";")[0] == media_type(event, status)
    for name in required_headers(event, status):
        assert headers.get(name), f"{name} is missing"


def media_type(event: dict[str, Any], status: int) -> str:
    path, accept = event["rawPath"], event["headers"].get("accept")
    if path.startswith("/api/"):
        return "application/json" if status < 400 else "application/problem+json"
    is_source = path.endswith(".md") or path.startswith("/-/source/")
    if status < 400 and (is_source or accept == "text/markdown"):
        return "text/markdown"
    return PLAIN.get(path, "text/html")


def required_headers(event: dict[str, Any], status: int) -> set[str]:
    """The headers that a status, or a page's answer, is useless without."""
    key, path = event["routeKey"], event["rawPath"]
    needed = {
        201: set() if path == "/api/batches" else {"location"},  # it made several pages
        303: {"location"},
        304: {"etag"},
        308: {"location"},
        401: {"www-authenticate"},
        405: {"allow"},
    }.get(status, set())
    names_page = path.startswith("/api/pages/") or key.endswith(" /{slug+}")
    return needed | ({"etag"} if names_page and status in {200, 201} else set())


def check_body(status: int, headers: dict[str, str], body: str) -> None:
    if status in NO_BODY:
        assert not body
    elif headers.get("content-type") == "application/problem+json":
        problem = json.loads(body)
        assert problem["type"].startswith("urn:sheaf:problem:")
        assert problem["status"] == status
        assert problem["title"]
        assert problem["detail"]
    elif headers.get("content-type") == "application/json":
        assert body == "" or json.loads(body) is not None
