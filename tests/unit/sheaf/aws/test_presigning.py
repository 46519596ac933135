"""The tokens are the ones that AWS's own library makes."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from sheaf.aws import presigning
from sheaf.aws.presigning import Credentials
from sheaf.settings import SettingsError

SESSIONS = ["", "a+session/token=="]
Token = tuple[str, dict[str, list[str]]]


@pytest.mark.parametrize("session", SESSIONS)
def test_database_token(session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client(
        "rds",
        region_name="eu-west-1",
        aws_access_key_id="AKID",
        aws_secret_access_key="secret/+",
        aws_session_token=session or None,
    )
    theirs = _parts(client.generate_db_auth_token("db.example", 5432, "she@f"))
    _freeze(monkeypatch, theirs)
    credentials = Credentials("AKID", "secret/+", session)
    token = presigning.database_token(credentials, "eu-west-1", "db.example", 5432, "she@f")
    assert _parts(token) == theirs


@pytest.mark.parametrize("session", SESSIONS)
def test_cache_token(session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://site-cache/?Action=connect&ResourceType=ServerlessCache&User=sheaf"
    request = AWSRequest("GET", url)
    boto_credentials = BotoCredentials("AKID", "secret/+", session or None)
    SigV4QueryAuth(boto_credentials, "elasticache", "eu-west-1", expires=900).add_auth(request)
    theirs = _parts(request.prepare().url.removeprefix("https://"))
    _freeze(monkeypatch, theirs)
    credentials = Credentials("AKID", "secret/+", session)
    token = presigning.cache_token(credentials, "eu-west-1", "Site-Cache", "sheaf")
    assert _parts(token) == theirs


def test_credentials_name_a_missing_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    with pytest.raises(SettingsError, match="AWS_ACCESS_KEY_ID"):
        Credentials.from_environment()


def _freeze(monkeypatch: pytest.MonkeyPatch, theirs: Token) -> None:
    """Let our clock show the moment at which the other token was made."""
    moment = datetime.strptime(theirs[1]["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    class Frozen(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return moment

    monkeypatch.setattr(presigning, "datetime", Frozen)


def _parts(token: str) -> Token:
    parts = urlsplit(f"https://{token}")
    return parts.netloc, parse_qs(parts.query, strict_parsing=True)
