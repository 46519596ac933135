"""CloudFormation's custom resources: the release itself, and the site's address for who needs it.

A release is the migration of the databases, and the static files in S3, where the CDN reads them.
"""

import json
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.request import Request, urlopen

from aws_lambda_powertools.utilities.typing import LambdaContext

from sheaf import hashing, settings, telemetry
from sheaf.aws import services
from sheaf.http import responses
from sheaf.rendering import static
from sheaf.rendering.static import StaticFile

logger = telemetry.logger()

# It has ten minutes. Waiting longer than that, we take no slow migration for a lost one.
_MIGRATION_SECONDS = 650
_REPLY_SECONDS = 5
# A reply may have 4,096 bytes, and a character four.
_REASON_LENGTH = 800
# A key in S3 is the file's address without its first slash.
_PREFIX = static.ADDRESS.removeprefix("/")


class MigrationFailed(Exception):
    """The databases are as they were; the message says what the migration met."""


class NotRemoved(Exception):
    """S3 has kept some of the files; the message names one and why."""


class UnknownResource(ValueError):
    """The template has a custom resource that this function does not know."""


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Do what CloudFormation asks for, and tell it in any case: it would wait for an hour."""
    reply(event, _failure(event, context.aws_request_id))


def _failure(event: dict[str, Any], request_id: str) -> str:
    """Why what is asked for could not be done; nothing if it was."""
    try:
        _act(event["ResourceType"], event["RequestType"], event["ResourceProperties"])
    except Exception as failure:
        logger.exception("failed", resource=event.get("LogicalResourceId"))
        return f"{type(failure).__name__}: {failure} (More is in the log, request {request_id}.)"
    logger.info("done", resource=event.get("LogicalResourceId"), request=event["RequestType"])
    return ""


def _act(resource: str, request: str, properties: dict[str, str]) -> None:
    match resource, request:
        case "Custom::Release", "Delete":
            # CloudFormation deletes the bucket next, which it can only if nothing is in it.
            remove_static_files(settings.static_bucket())
        case "Custom::Release", _:
            _migrate({})
            publish_static_files(settings.static_bucket())
        case "Custom::SiteAddress", "Delete":
            pass  # a setting has the last word now, or all is deleted
        case "Custom::SiteAddress", _:
            # No other function of ours reaches the databases, where the others look for it.
            _migrate({"site_url": properties["Site"]})
        case "Custom::SignInAddress", "Delete":
            pass  # it goes with the client
        case "Custom::SignInAddress", _:
            _set_addresses(properties["UserPoolId"], properties["ClientId"], properties["Site"])
        case _:
            raise UnknownResource(f"{resource} is not known here")


def _migrate(event: Mapping[str, str]) -> None:
    """Have the function that migrates do so, and wait for it; raises MigrationFailed."""
    try:
        answer = services.invoke(settings.migrate_function(), event, _MIGRATION_SECONDS)
    except services.FunctionFailed as failure:
        raise MigrationFailed(str(failure)) from failure
    logger.info("migrated", migrations=answer["migrated"])


def _set_addresses(user_pool: str, client_id: str, site: str) -> None:
    """Let the user pool's client send people to the site, given as https://name, and only there.

    They get back to the same address when they have signed in and when they have signed out.

    The call that changes a client resets what it is not told, so it is told everything that is set.
    """
    cognito = services.client("cognito-idp")
    found = cognito.describe_user_pool_client(UserPoolId=user_pool, ClientId=client_id)
    update = cognito.meta.service_model.operation_model("UpdateUserPoolClient")
    settable = update.input_shape.members
    kept = {name: value for name, value in found["UserPoolClient"].items() if name in settable}
    there = [f"{site}/-/sign-in"]
    cognito.update_user_pool_client(**{**kept, "CallbackURLs": there, "LogoutURLs": there})


def publish_static_files(bucket: str) -> None:
    """Store each file of this build. Those of other builds stay: their pages are still about."""
    files = static.everything()
    for file in files:
        _store_file(bucket, file)
    logger.info("static files published", count=len(files))


def _store_file(bucket: str, file: StaticFile) -> None:
    services.client("s3").put_object(
        Bucket=bucket,
        Key=file.path.removeprefix("/"),
        Body=file.body,
        ContentMD5=hashing.content_md5(file.body),
        ContentType=file.media_type,
        CacheControl=responses.IMMUTABLE,
    )


def remove_static_files(bucket: str) -> None:
    """Remove the files of all builds and nothing else; raises NotRemoved."""
    s3 = services.client("s3")
    listing = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=_PREFIX)
    try:
        for page in listing:
            _remove_files(bucket, [found["Key"] for found in page.get("Contents", ())])
    except s3.exceptions.NoSuchBucket:
        logger.info("the bucket is gone already")


def _remove_files(bucket: str, keys: list[str]) -> None:
    if not keys:
        return
    objects = [{"Key": key} for key in keys]
    answer = services.client("s3").delete_objects(
        Bucket=bucket, Delete={"Objects": objects, "Quiet": True}
    )
    for error in answer.get("Errors", ()):
        raise NotRemoved(f"{error['Key']}: {error['Code']}, {error['Message']}")


def reply(event: Mapping[str, Any], failure: str) -> None:
    """Say that what the event asks for was done, or why it was not, if `failure` says so.

    Raises OSError if that cannot be delivered: Lambda then sends the event again.
    """
    body = json.dumps(_answer(event, failure), ensure_ascii=False).encode()
    # The address is signed for an empty type.
    request = Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")  # noqa: S310
    services.patiently(lambda: _deliver(request), (OSError, HTTPException))


def _deliver(request: Request) -> None:
    with urlopen(request, timeout=_REPLY_SECONDS):  # noqa: S310 - CloudFormation's own address
        pass


def _answer(event: Mapping[str, Any], failure: str) -> dict[str, Any]:
    echoed = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    return {
        **echoed,
        # There is one of each, for ever: another id would ask for the old one to be deleted.
        "PhysicalResourceId": event.get("PhysicalResourceId", event["LogicalResourceId"]),
        "Status": "FAILED" if failure else "SUCCESS",
        "Reason": failure[:_REASON_LENGTH],
        # The functions' SHEAF_BUILD: pages that an earlier release has cached are made again.
        "Data": {"Number": str(int(time.time()))},
    }
