"""Cognito over HTTP: one client of one user pool, with what an update forgets."""

from typing import Any

from local.invocation.endpoint import Answer, Asked

# As the template makes it, and what Cognito adds.
SETTINGS = {
    "UserPoolId": "us-east-1_Abc123Def",
    "ClientId": "4k3j2h1g5f6d7s8a9q0w1e2r3t",
    "ClientName": "Editor",
    "RefreshTokenValidity": 30,
    "AccessTokenValidity": 60,
    "TokenValidityUnits": {"AccessToken": "minutes"},
    "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"],
    "SupportedIdentityProviders": ["COGNITO"],
    "CallbackURLs": ["https://localhost/-/sign-in"],
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": ["openid", "sheaf/write"],
    "AllowedOAuthFlowsUserPoolClient": True,
    "PreventUserExistenceErrors": "ENABLED",
    "EnableTokenRevocation": True,
    "EnablePropagateAdditionalUserContextData": False,
    "AuthSessionValidity": 3,
}
FACTS = {"ClientSecret": "x", "CreationDate": 1795348800.5, "LastModifiedDate": 1795348800.5}
MISSING = Answer(400, {"__type": "ResourceNotFoundException", "message": "No such client."})


class Cognito:
    """An update puts what it is told in the place of what was set."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = SETTINGS

    def __call__(self, asked: Asked) -> Answer:
        """The answer to a call in AWS's protocol."""
        if asked.document["ClientId"] != SETTINGS["ClientId"]:
            return MISSING
        operation = asked.headers["X-Amz-Target"].rpartition(".")[2]
        assert operation in {"DescribeUserPoolClient", "UpdateUserPoolClient"}
        if operation == "UpdateUserPoolClient":
            assert not asked.document.keys() & FACTS.keys()
            self.settings = asked.document
        return Answer(body={"UserPoolClient": {**self.settings, **FACTS}})
