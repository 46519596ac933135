"""Releases as CloudFormation has them made: S3 and Cognito by moto, Lambda and itself over HTTP."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

import release.app
from local.invocation.endpoint import Answer, Asked, Endpoint, serving
from local.invocation.samples import EVENTS, Sample
from sheaf.aws import services
from sheaf.http import responses
from sheaf.rendering import static
from tests.context import new_context

BUCKET = "sheaf-dev-static"
STYLE = static.read("style.css")
MIGRATED = Answer(body={"migrated": ["0005"]})
FAILED = Answer(
    body={"errorType": "LockNotAvailable", "errorMessage": "canceling statement"},
    headers={"X-Amz-Function-Error": "Unhandled"},
)


@pytest.fixture
def cloudformation(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """CloudFormation, and Lambda behind the same address; a bucket."""
    with serving(lambda asked: MIGRATED if asked.method == "POST" else Answer()) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)
        monkeypatch.setenv("SHEAF_MIGRATE_FUNCTION", "sheaf-dev-MigrateFunction-1")
        monkeypatch.setenv("SHEAF_STATIC_BUCKET", BUCKET)
        with mock_aws():
            boto3.client("s3").create_bucket(Bucket=BUCKET)
            yield server


def send(server: Endpoint, name: str, **properties: str) -> dict[str, Any]:
    """What CloudFormation is told of a sample event, in which these properties are others."""
    event = Sample(EVENTS / "release" / f"{name}.ok.json").event
    event["ResponseURL"] = f"{server.url}/answers/1"
    event["ResourceProperties"] |= properties
    release.app.handler(event, new_context())
    answer: dict[str, Any] = server.asked[-1].document
    return answer


def stored() -> set[str]:
    found = boto3.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {each["Key"] for each in found}


def paths() -> set[str]:
    return {file.path.removeprefix("/") for file in static.everything()}


@pytest.mark.parametrize("name", ["create", "update"])
def test_a_release_migrates_and_then_publishes(cloudformation: Endpoint, name: str) -> None:
    before: list[set[str]] = []

    def answer(asked: Asked) -> Answer:
        before.append(stored())
        return MIGRATED if asked.method == "POST" else Answer()

    cloudformation.answer = answer
    assert send(cloudformation, name)["Status"] == "SUCCESS"
    called, _told = cloudformation.asked
    assert "/functions/sheaf-dev-MigrateFunction-1/" in called.path
    assert before == [set(), paths()]


def test_the_migration_is_told_where_the_site_is(cloudformation: Endpoint) -> None:
    answer = send(cloudformation, "site-create", Site="https://d1.cloudfront.net")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "SiteAddress")
    called, _told = cloudformation.asked
    assert "/functions/sheaf-dev-MigrateFunction-1/" in called.path
    assert called.document == {"site_url": "https://d1.cloudfront.net"}
    assert stored() == set()


def test_an_address_that_goes_is_nobodys_business(cloudformation: Endpoint) -> None:
    assert send(cloudformation, "site-delete")["Status"] == "SUCCESS"
    assert len(cloudformation.asked) == 1


def test_a_file_is_stored_as_the_site_would_serve_it(cloudformation: Endpoint) -> None:
    send(cloudformation, "create")
    found = boto3.client("s3").get_object(Bucket=BUCKET, Key=static.url("style.css")[1:])
    assert found["Body"].read() == STYLE.body
    assert found["ContentType"] == "text/css; charset=utf-8"
    assert found["CacheControl"] == responses.IMMUTABLE == "max-age=31536000, immutable"


def test_a_file_is_sent_with_its_md5(
    cloudformation: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(lambda _: Answer()) as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        services.client.cache_clear()
        assert send(cloudformation, "create")["Status"] == "SUCCESS"
    assert {asked.path for asked in s3.asked} == {f"/{BUCKET}/{path}" for path in paths()}
    for asked in s3.asked:
        digest = base64.b64decode(asked.headers["Content-MD5"])
        assert digest == hashlib.md5(asked.body).digest()


def test_files_of_other_releases_stay(cloudformation: Endpoint) -> None:
    old = "-/static/style.0123456789abcdef0123.css"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=old, Body=b"old")
    send(cloudformation, "update")
    assert stored() == {old, *paths()}


def test_a_migration_that_fails_fails_the_release(cloudformation: Endpoint) -> None:
    cloudformation.answer = lambda asked: FAILED if asked.method == "POST" else Answer()
    answer = send(cloudformation, "update")
    assert answer["Status"] == "FAILED"
    assert "MigrationFailed: LockNotAvailable: canceling statement" in answer["Reason"]
    assert stored() == set()


def test_a_file_that_fails_fails_the_release_and_the_next_one_completes_it(
    cloudformation: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = len(static.everything())
    denied = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    with serving(lambda _: Answer()) as s3, monkeypatch.context() as patch:
        s3.answer = lambda _: Answer(403, denied) if len(s3.asked) == 3 else Answer()
        patch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        services.client.cache_clear()
        answer = send(cloudformation, "update")
        assert answer["Status"] == "FAILED"
        assert "AccessDenied" in answer["Reason"]
        assert len(s3.asked) == 3
        assert send(cloudformation, "update")["Status"] == "SUCCESS"
        assert len(s3.asked) == 3 + total


def test_s3_is_asked_again_when_it_wants_less(
    cloudformation: Endpoint, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    slow = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
    with serving(lambda _: Answer()) as s3:
        s3.answer = lambda _: Answer(503, slow) if len(s3.asked) in (2, 3) else Answer()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        services.client.cache_clear()
        assert send(cloudformation, "create")["Status"] == "SUCCESS"
    assert len(s3.asked) == len(static.everything()) + 2
    assert len(pauses) == 2


def test_a_deletion_empties_the_bucket_of_what_was_published(
    cloudformation: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "4")  # in place of 1,000, so that they are more
    s3 = boto3.client("s3")
    send(cloudformation, "create")
    s3.put_object(Bucket=BUCKET, Key="-/static/style.0123456789abcdef0123.css", Body=b"old")
    assert send(cloudformation, "delete")["Status"] == "SUCCESS"
    s3.delete_bucket(Bucket=BUCKET)  # as CloudFormation does: only an empty one lets itself
    assert send(cloudformation, "delete")["Status"] == "SUCCESS"


def test_a_deletion_leaves_what_others_have_put_there(cloudformation: Endpoint) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key="-/other.css", Body=b"theirs")
    send(cloudformation, "create")
    assert send(cloudformation, "delete")["Status"] == "SUCCESS"
    assert stored() == {"-/other.css"}


def test_a_deletion_that_s3_does_in_part_only_has_failed(
    cloudformation: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = b"<ListBucketResult><Contents><Key>-/static/a.css</Key></Contents></ListBucketResult>"
    kept = (
        b"<DeleteResult><Error><Key>-/static/a.css</Key><Code>AccessDenied</Code>"
        b"<Message>Access Denied</Message></Error></DeleteResult>"
    )
    with serving(lambda asked: Answer(body=kept if asked.method == "POST" else listing)) as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        services.client.cache_clear()
        answer = send(cloudformation, "delete")
    assert answer["Status"] == "FAILED"
    assert "-/static/a.css: AccessDenied" in answer["Reason"]


@pytest.mark.parametrize("variable", ["SHEAF_MIGRATE_FUNCTION", "SHEAF_STATIC_BUCKET"])
def test_a_setting_that_is_missing_is_named(
    cloudformation: Endpoint, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, " ")
    answer = send(cloudformation, "create")
    assert answer["Status"] == "FAILED"
    assert f"{variable} is not set" in answer["Reason"]


def test_what_nobody_foresaw_is_answered_too(
    cloudformation: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> None:
        raise ZeroDivisionError("never")

    monkeypatch.setattr("release.app.publish_static_files", fail)
    answer = send(cloudformation, "create")
    assert answer["Status"] == "FAILED"
    assert "ZeroDivisionError: never" in answer["Reason"]


def test_an_unknown_resource_is_refused(cloudformation: Endpoint) -> None:
    event = Sample(EVENTS / "release/create.ok.json").event
    event |= {"ResponseURL": cloudformation.url, "ResourceType": "Custom::Other"}
    release.app.handler(event, new_context())
    answer = cloudformation.asked[-1].document
    assert answer["Status"] == "FAILED"
    assert "Custom::Other is not known" in answer["Reason"]
