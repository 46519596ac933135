"""CloudFormation's custom resources: the release itself, and the address to sign in from."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from release import migration, replies, sign_in, static_files
from sheaf import settings, telemetry

logger = telemetry.logger()


class UnknownResource(ValueError):
    """The template has a custom resource that this function does not know."""


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Do what CloudFormation asks for, and tell it in any case: it would wait for an hour."""
    replies.send(event, _failure(event, context.aws_request_id))


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
            static_files.remove(settings.static_bucket())
        case "Custom::Release", _:
            migration.run(settings.migrate_function())
            static_files.publish(settings.static_bucket())
        case "Custom::SignInAddress", "Delete":
            pass  # it goes with the client
        case "Custom::SignInAddress", _:
            sign_in.set_address(
                properties["UserPoolId"], properties["ClientId"], properties["Site"]
            )
        case _:
            raise UnknownResource(f"{resource} is not known here")
