"""An account of AWS with what the functions outside the private network need of it.

moto plays all of it but CodeDeploy's hooks, which it does not know.
"""

import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import boto3
from moto.server import ThreadedMotoServer

from local.gateway.functions import REGION
from local.invocation.codedeploy import CodeDeploy, specification
from local.invocation.endpoint import serving

KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
OLD_FILE = "-/static/style.0123456789abcdef0123.css"
# Of any function that is called: a migration has run, and a save without a token is refused.
ANSWER = json.dumps({"migrated": ["0005"], "statusCode": 401})
# As the template makes the user pool's client.
CLIENT = {
    "ClientName": "Editor",
    "AccessTokenValidity": 60,
    "TokenValidityUnits": {"AccessToken": "minutes"},
    "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"],
    "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 60},
    "SupportedIdentityProviders": ["COGNITO"],
    "CallbackURLs": ["https://localhost/-/sign-in"],
    "LogoutURLs": ["https://localhost/-/sign-in"],
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": ["openid", "sheaf/write"],
    "AllowedOAuthFlowsUserPoolClient": True,
    "PreventUserExistenceErrors": "ENABLED",
}


class Invalidation(NamedTuple):
    """What one call says; CloudFront does the same reference a second time once."""

    reference: str
    paths: list[str]


class Account:
    """One site in it, and what each service was told of it."""

    def __init__(self, name: str, moto: str, codedeploy: CodeDeploy, codedeploy_url: str) -> None:
        """Make the site of a name in the moto server at an address."""
        self._name, self._url, self._codedeploy_url = name, moto, codedeploy_url
        self.codedeploy = codedeploy
        self._known: set[str] = set()
        self._make()
        self.reset()

    @property
    def settings(self) -> dict[str, str]:
        """What functions have to be told to find all this."""
        return {
            "AWS_ENDPOINT_URL": self._url,
            "AWS_ENDPOINT_URL_CODEDEPLOY": self._codedeploy_url,
            "SHEAF_DISTRIBUTION": self._distribution,
            "SHEAF_MIGRATE_FUNCTION": self._function("Migrate"),
            "SHEAF_STATIC_BUCKET": self._name,
        }

    def event(self, sample: dict[str, Any]) -> dict[str, Any]:
        """A sample event as this account would send it."""
        changed: dict[str, Any] = {}
        if "ResponseURL" in sample:
            changed["ResponseURL"] = f"{self._url}/{self._answers}/answer"
        properties = sample.get("ResourceProperties", {})
        if "ClientId" in properties:
            ids = {"UserPoolId": self._pool, "ClientId": self._client_id}
            changed["ResourceProperties"] = {**properties, **ids}
        return {**sample, **changed}

    def reset(self) -> None:
        """Undo what functions have changed."""
        s3 = self._client("s3")
        for bucket in (self._name, self._answers):
            for key in self._files(bucket):
                s3.delete_object(Bucket=bucket, Key=key)
        s3.put_object(Bucket=self._name, Key=OLD_FILE, Body=b"old")
        ids = {"UserPoolId": self._pool, "ClientId": self._client_id}
        self._client("cognito-idp").update_user_pool_client(**ids, **CLIENT)
        self._known |= self._invalidations().keys()
        self.codedeploy.reported = []

    def told(self) -> dict[str, Any]:
        """All that functions can change here, since it was reset."""
        ids = {"UserPoolId": self._pool, "ClientId": self._client_id}
        client = self._client("cognito-idp").describe_user_pool_client(**ids)["UserPoolClient"]
        found = self._invalidations()
        return {
            "reported to CodeDeploy": self.codedeploy.reported,
            "set in Cognito": {name: client[name] for name in CLIENT},
            "invalidated in CloudFront": [found[name] for name in found if name not in self._known],
            "stored in S3": self._files(self._name),
            "answered to CloudFormation": list(map(_answered, self._files(self._answers).values())),
        }

    def _make(self) -> None:
        s3 = self._client("s3")
        for bucket in (self._name, self._answers):
            s3.create_bucket(Bucket=bucket)
        cognito = self._client("cognito-idp")
        self._pool = cognito.create_user_pool(PoolName=self._name)["UserPool"]["Id"]
        made = cognito.create_user_pool_client(UserPoolId=self._pool, **CLIENT)
        self._client_id = made["UserPoolClient"]["ClientId"]
        made = self._client("cloudfront").create_distribution(
            DistributionConfig={
                "CallerReference": self._name,
                "Comment": "",
                "Enabled": True,
                "DefaultCacheBehavior": {
                    "TargetOriginId": "api",
                    "ViewerProtocolPolicy": "https-only",
                },
                "Origins": {
                    "Quantity": 1,
                    "Items": [{"Id": "api", "DomainName": "api.example.com"}],
                },
            }
        )
        self._distribution = made["Distribution"]["Id"]
        role = self._client("iam").create_role(RoleName=self._name, AssumeRolePolicyDocument="{}")
        for name in ("Migrate", "Writes"):
            self._client("lambda").create_function(
                FunctionName=self._function(name),
                Runtime="python3.13",
                Handler="app.handler",
                Role=role["Role"]["Arn"],
                Code={"ZipFile": empty_package()},
                Publish=True,
            )

    @property
    def _answers(self) -> str:
        """The bucket that the answers to CloudFormation go to."""
        return f"{self._name}-answers"

    def _function(self, name: str) -> str:
        return _function(self._name, name)

    def _files(self, bucket: str) -> dict[str, bytes]:
        s3 = self._client("s3")
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def _invalidations(self) -> dict[str, Invalidation]:
        cloudfront = self._client("cloudfront")
        listed = cloudfront.list_invalidations(DistributionId=self._distribution)
        found = {}
        for each in listed["InvalidationList"].get("Items", ()):
            one = cloudfront.get_invalidation(DistributionId=self._distribution, Id=each["Id"])
            batch = one["Invalidation"]["InvalidationBatch"]
            found[each["Id"]] = Invalidation(batch["CallerReference"], batch["Paths"]["Items"])
        return found

    def _client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._url)

    @cached_property
    def _session(self) -> Any:
        key, secret = KEYS.values()
        return boto3.Session(key, secret, region_name=REGION)


def _answered(body: bytes) -> dict[str, Any]:
    """An answer to CloudFormation without the number of the release, which is the time."""
    answer: dict[str, Any] = json.loads(body)
    del answer["Data"]
    return answer


def _function(site: str, name: str) -> str:
    return f"{site}-{name}Function-1A2B3C4D5E6F"


def empty_package() -> bytes:
    """A package of code that nobody runs, for a function of moto."""
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as package:
            package.writestr("app.py", "")
        return file.getvalue()


@contextmanager
def moto_server(host: str = "127.0.0.1") -> Iterator[str]:
    """moto at an address of this machine, where every function that is called gives one answer."""
    server = ThreadedMotoServer(host, 0, verbose=False)
    server.start()
    try:
        url = f"http://{host}:{server.get_host_and_port()[1]}"
        _tell(f"{url}/moto-api/config", {"lambda": {"use_docker": False}})
        answers = {"region": REGION, "results": [ANSWER] * 100}
        _tell(f"{url}/moto-api/static/lambda-simple/response", answers)
        yield url
    finally:
        server.stop()


def _tell(url: str, document: dict[str, Any]) -> None:
    body = json.dumps(document).encode()
    headers = {"Content-Type": "application/json"}
    with urlopen(Request(url, body, headers), timeout=10):  # noqa: S310 - our own server
        pass


@contextmanager
def account(moto: str, host: str = "127.0.0.1") -> Iterator[Account]:
    """An account of its own in the moto server at an address."""
    name = f"sheaf-{uuid.uuid4().hex[:12]}"
    codedeploy = CodeDeploy(specification(_function(name, "Writes"), "1"))
    with serving(codedeploy, host) as endpoint:
        yield Account(name, moto, codedeploy, endpoint.url)
