"""IAM logins for the database and the cache, signed here without a network call.

Both services take a presigned URL without its scheme as the password (AWS Signature Version 4,
query form, 15 minutes). boto3 can make one for the database, but creating its client costs
about 100 ms of a cold start; this needs the standard library only.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from sheaf.settings import SettingsError

_LIFETIME_SECONDS = 900
_EMPTY_BODY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Credentials:
    """AWS credentials; a Lambda function finds its role's in the environment."""

    access_key: str
    secret_key: str
    session_token: str

    @classmethod
    def from_environment(cls) -> "Credentials":
        """The credentials that Lambda provides; raises SettingsError if one is missing."""
        needed = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        for variable in needed:
            if variable not in os.environ:
                raise SettingsError(variable, "is not set, which SHEAF_AUTH=iam needs")
        key, secret = map(os.environ.__getitem__, needed)
        return cls(key, secret, os.environ.get("AWS_SESSION_TOKEN", ""))


def database_token(credentials: Credentials, region: str, host: str, port: int, user: str) -> str:
    """A password for an RDS or Aurora user with IAM login, good for a connect in 15 minutes."""
    query = {"Action": "connect", "DBUser": user}
    return _presign(credentials, region, "rds-db", f"{host}:{port}", query, datetime.now(UTC))


def cache_token(credentials: Credentials, region: str, cache: str, user: str) -> str:
    """A password for an ElastiCache Serverless user with IAM login, good for 15 minutes."""
    query = {"Action": "connect", "ResourceType": "ServerlessCache", "User": user}
    return _presign(credentials, region, "elasticache", cache.lower(), query, datetime.now(UTC))


def _presign(
    credentials: Credentials,
    region: str,
    service: str,
    host: str,
    query: Mapping[str, str],
    now: datetime,
) -> str:
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    parameters = {
        **query,
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{credentials.access_key}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(_LIFETIME_SECONDS),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.session_token:
        parameters["X-Amz-Security-Token"] = credentials.session_token
    canonical_query = urlencode(sorted(parameters.items()), quote_via=quote, safe="-_.~")
    request = f"GET\n/\n{canonical_query}\nhost:{host}\n\nhost\n{_EMPTY_BODY}"
    digest = hashlib.sha256(request.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    signature = hmac.new(_signing_key(credentials, scope), to_sign.encode(), "sha256").hexdigest()
    return f"{host}/?{canonical_query}&X-Amz-Signature={signature}"


def _signing_key(credentials: Credentials, scope: str) -> bytes:
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
