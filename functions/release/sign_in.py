"""The address to which people come back from signing in, as Cognito has to know it."""

from sheaf.aws import services


def set_address(user_pool: str, client_id: str, site: str) -> None:
    """Let the user pool's client send people to the site, given as https://name, and only there.

    The call that changes a client resets what it is not told, so it is told everything that is set.
    """
    cognito = services.client("cognito-idp")
    found = cognito.describe_user_pool_client(UserPoolId=user_pool, ClientId=client_id)
    update = cognito.meta.service_model.operation_model("UpdateUserPoolClient")
    settable = update.input_shape.members
    kept = {name: value for name, value in found["UserPoolClient"].items() if name in settable}
    cognito.update_user_pool_client(**{**kept, "CallbackURLs": [f"{site}/-/sign-in"]})
