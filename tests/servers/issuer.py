"""An OpenID Connect issuer that is not ours: it signs tokens and publishes its keys over HTTPS."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import trustme
from werkzeug import Request, Response
from werkzeug.serving import make_server

from local.invocation.endpoint import in_thread
from local.laptop import keys

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/keys"


@dataclass
class Issuer:
    """A running issuer: a test may change what it answers, and reads what it was asked."""

    url: str
    authority: Path  # the certificate of the one to trust
    key: keys.SigningKey
    answers: dict[str, Response] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def publish(self, *published: keys.SigningKey) -> None:
        """Offer these keys from now on."""
        discovery = {"issuer": self.url, "jwks_uri": f"{self.url}{JWKS}"}
        self.answers = {
            DISCOVERY: Response(json.dumps(discovery)),
            JWKS: Response(json.dumps({"keys": [key.jwk() for key in published]})),
        }

    def token(self, handle: str = "alice", **changes: Any) -> str:
        """An editor's access token, its claims changed as told."""
        now = datetime.now(UTC)
        claims = {
            "iss": self.url,
            "aud": "sheaf",
            "username": handle,
            "cognito:groups": ["editor"],
            "scope": "sheaf/write",
            "iat": now,
            "exp": now + timedelta(hours=1),
        } | changes
        return jwt.encode(claims, self.key.private, "RS256", {"kid": self.key.id})


@contextmanager
def running(folder: Path, host: str = "127.0.0.1") -> Iterator[Issuer]:
    """An issuer on a free port of *host*, with its files in *folder*."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    own = authority.issue_cert(host)
    own.private_key_and_cert_chain_pem.write_to_path(folder / "own.pem")
    issuer = Issuer("", folder / "authority.pem", keys.load(folder / "issuer"))

    @Request.application
    def answer(request: Request) -> Response:
        issuer.asked.append(request.path)
        return issuer.answers.get(request.path) or Response(status=404)

    files = (str(folder / "own.pem"), str(folder / "own.pem"))
    server = make_server(host, 0, answer, threaded=True, ssl_context=files)
    issuer.url = f"https://{host}:{server.server_port}"
    issuer.publish(issuer.key)
    with in_thread(server):
        yield issuer
