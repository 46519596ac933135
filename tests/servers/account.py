"""An account of AWS: every service that a function of ours talks to, behind one address."""

import re
from collections.abc import Callable
from typing import Any

from tests.servers.cloudfront import CloudFront
from tests.servers.codedeploy import CodeDeploy, specification
from tests.servers.cognito import Cognito
from tests.servers.endpoint import Answer, Asked
from tests.servers.s3 import Bucket

BUCKET = "sheaf-dev-static"
DISTRIBUTION = "EDFDVBD6EXAMPLE"
MIGRATE = "sheaf-dev-MigrateFunction-1A2B3C4D5E6F"
WRITES = "sheaf-dev-WritesFunction-1A2B3C4D5E6F"  # a new version of it is deployed
MIGRATION = f"/2015-03-31/functions/{MIGRATE}/invocations"
TRIAL = f"/2015-03-31/functions/{WRITES}/invocations?Qualifier=7"
ANSWERS: dict[str, dict[str, Any]] = {
    MIGRATION: {"migrated": ["0005"]},
    TRIAL: {"statusCode": 401},
}
OLD_FILES = {"-/static/style.0123456789abcdef0123.css": b"old"}
# A signature names the service that it is for.
SIGNED_FOR = re.compile(r"/([\w-]+)/aws4_request")


class Account:
    """One site in it, and what each service was told of it."""

    def __init__(self) -> None:
        self.codedeploy = CodeDeploy(specification(WRITES, "7"))
        self.cognito = Cognito()
        self.cloudfront = CloudFront()
        self.bucket = Bucket(BUCKET)
        self.bucket.files |= OLD_FILES
        self.invoked: list[str] = []
        self.answered: list[dict[str, Any]] = []  # to CloudFormation
        self._services: dict[str, Callable[[Asked], Answer]] = {
            "codedeploy": self.codedeploy,
            "cognito-idp": self.cognito,
            "cloudfront": self.cloudfront,
            "s3": self.bucket,
            "lambda": self._lambda,
        }

    def __call__(self, asked: Asked) -> Answer:
        """The answer of the service that is asked. CloudFormation's address needs no signature."""
        signed = SIGNED_FOR.search(asked.headers.get("Authorization", ""))
        service = self._services[signed[1]] if signed else self._cloudformation
        return service(asked)

    @staticmethod
    def settings(url: str) -> dict[str, str]:
        """What functions have to be told to find all this at an address."""
        return {
            "AWS_ENDPOINT_URL": url,
            "SHEAF_DISTRIBUTION": DISTRIBUTION,
            "SHEAF_MIGRATE_FUNCTION": MIGRATE,
            "SHEAF_STATIC_BUCKET": BUCKET,
        }

    def told(self) -> dict[str, Any]:
        """All that functions can change here."""
        return {
            "reported to CodeDeploy": self.codedeploy.reported,
            "set in Cognito": self.cognito.settings,
            "invalidated in CloudFront": self.cloudfront.invalidations,
            "stored in S3": self.bucket.files,
            "invoked": self.invoked,
            "answered to CloudFormation": self.answered,
        }

    def _lambda(self, asked: Asked) -> Answer:
        self.invoked.append(asked.path)
        return Answer(body=ANSWERS[asked.path])

    def _cloudformation(self, asked: Asked) -> Answer:
        assert asked.method == "PUT"
        # The number of a release is the time.
        self.answered.append({**asked.document, "Data": list(asked.document["Data"])})
        return Answer()
