"""The local issuer's HTTP side: discovery, keys, the sign-in form, token endpoint and sign-out.

Who has signed in is known by a cookie until the session ends, as with issuers elsewhere.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import jinja2
from werkzeug import Request, Response
from werkzeug.datastructures import MultiDict

from local.gateway.config import CLIENT_ID, MOUNT
from local.laptop.issuer import (
    ROLES,
    SCOPE,
    TOKEN_LIFETIME,
    GrantError,
    Identity,
    IdentityError,
    access_token,
    mint_code,
    redeem_code,
)
from local.laptop.keys import SigningKey
from local.laptop.sessions import Sessions

HOSTS = ("127.0.0.1", "localhost")
COOKIE = "issuer"
NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class RequestError(ValueError):
    """A request that this issuer refuses; the message is for people."""


@dataclass(frozen=True)
class Authorization:
    """The parameters of an authorization request (RFC 6749, 7636) that matter here."""

    redirect_uri: str
    state: str
    code_challenge: str

    @classmethod
    def read(cls, given: MultiDict[str, str], origins: Sequence[str]) -> "Authorization":
        """Check an authorization request; raises RequestError."""
        expected = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "code_challenge_method": "S256",
        }
        for name, value in expected.items():
            if given.get(name) != value:
                raise RequestError(f"{name} must be {value}.")
        request = cls(*(given.get(name, "") for name in cls.__dataclass_fields__))
        if not request.code_challenge:
            raise RequestError("code_challenge is missing.")
        if _origin(request.redirect_uri) not in origins:
            raise RequestError("redirect_uri must lead to this site.")
        return request

    def answered(self, code: str) -> str:
        """The address to go back to, with `code`."""
        target = urlsplit(self.redirect_uri)
        query = urlencode({"code": code, "state": self.state})
        joined = f"{target.query}&{query}" if target.query else query
        return target._replace(query=joined, fragment="").geturl()


class SignIn:
    """The pages below /-/local/, served to this machine only."""

    def __init__(self, key: SigningKey, issuer: str, sessions: Sessions) -> None:
        self.key, self.issuer, self.sessions = key, issuer, sessions
        self.pages: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("GET", f"{MOUNT}/.well-known/openid-configuration"): self.configuration,
            ("GET", f"{MOUNT}/jwks.json"): self.jwks,
            ("GET", f"{MOUNT}/authorize"): self.form,
            ("POST", f"{MOUNT}/authorize"): self.sign_in,
            ("POST", f"{MOUNT}/token"): self.token,
            ("GET", f"{MOUNT}/logout"): self.sign_out,
        }

    def respond(self, request: Request) -> Response | None:
        """Answer a request for a page of the sign-in, or return None for any other."""
        page = self.pages.get((request.method, request.path))
        if page is None:
            return None
        try:
            _origins(request)
            response = page(request)
        except RequestError as error:
            response = Response(str(error), HTTPStatus.BAD_REQUEST)
        response.headers.update(NO_STORE)
        return response

    def configuration(self, _: Request) -> Response:
        """The discovery document (OpenID Connect Discovery)."""
        return _json(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks.json",
                "end_session_endpoint": f"{self.issuer}/logout",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": [SCOPE],
            }
        )

    def jwks(self, _: Request) -> Response:
        """The public key."""
        return _json({"keys": [self.key.jwk()]})

    def form(self, request: Request) -> Response:
        """Ask for the name of the person who is signing in, unless somebody has."""
        asked = Authorization.read(request.args, _origins(request))
        session = request.cookies.get(COOKIE, "")
        try:
            self.sessions.person(session)
        except GrantError:
            return _form(request.args, _origins(request))
        return self._answered(asked, session)

    def sign_in(self, request: Request) -> Response:
        """Go back to the site with a code for the person the form names."""
        asked = Authorization.read(request.form, _origins(request))
        try:
            person = Identity(request.form.get("handle", ""), request.form.get("role", ""))
        except IdentityError as error:
            return _form(request.form, _origins(request), str(error))
        session = self.sessions.begin(person)
        response = self._answered(asked, session)
        response.set_cookie(COOKIE, session, path=MOUNT, httponly=True, samesite="Lax")
        return response

    def _answered(self, asked: Authorization, session: str) -> Response:
        code = mint_code(self.key, self.issuer, session, asked.code_challenge, asked.redirect_uri)
        return _see(asked.answered(code))

    def sign_out(self, request: Request) -> Response:
        """End the session and go back to the site (OpenID Connect RP-Initiated Logout)."""
        if request.args.get("client_id") != CLIENT_ID:
            raise RequestError(f"client_id must be {CLIENT_ID}.")
        back = request.args.get("post_logout_redirect_uri", "")
        if _origin(back) not in _origins(request):
            raise RequestError("post_logout_redirect_uri must lead to this site.")
        self.sessions.end(request.cookies.get(COOKIE, ""))
        response = _see(back)
        response.delete_cookie(COOKIE, path=MOUNT)
        return response

    def token(self, request: Request) -> Response:
        """Exchange a code, or a refresh token, for an access token and the next refresh token."""
        response = self._exchange(request.form)
        origin = request.headers.get("Origin", "")
        if origin in _origins(request):
            response.headers["Access-Control-Allow-Origin"] = origin
        return response

    def _exchange(self, form: MultiDict[str, str]) -> Response:
        grants = {"authorization_code": self._redeem_code, "refresh_token": self._redeem_refresh}
        redeem = grants.get(form.get("grant_type", ""))
        if not redeem:
            return _refusal("unsupported_grant_type", f"grant_type must be {' or '.join(grants)}.")
        if form.get("client_id") != CLIENT_ID:
            return _refusal("invalid_client", f"client_id must be {CLIENT_ID}.")
        try:
            person, refresh_token = redeem(form)
        except GrantError as error:
            return _refusal("invalid_grant", str(error))
        return _json(
            {
                "access_token": access_token(self.key, self.issuer, person),
                "token_type": "Bearer",
                "expires_in": int(TOKEN_LIFETIME.total_seconds()),
                "refresh_token": refresh_token,
            }
        )

    def _redeem_code(self, form: MultiDict[str, str]) -> tuple[Identity, str]:
        code, verifier, redirect_uri = (
            form.get(name, "") for name in ("code", "code_verifier", "redirect_uri")
        )
        session = redeem_code(self.key, self.issuer, code, verifier, redirect_uri)
        return self.sessions.person(session), self.sessions.refresh_token(session)

    def _redeem_refresh(self, form: MultiDict[str, str]) -> tuple[Identity, str]:
        return self.sessions.redeem(form.get("refresh_token", ""))


def _form(given: MultiDict[str, str], origins: Sequence[str], problem: str = "") -> Response:
    html = _page().render(given=given.to_dict(), roles=ROLES, problem=problem)
    status = HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK
    response = Response(html, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none';"
        f" frame-ancestors 'none'; form-action 'self' {' '.join(origins)}"
    )
    return response


def _origins(request: Request) -> Sequence[str]:
    """This machine's names for the site, if `request` came by one of them.

    Otherwise RequestError: DNS rebinding would let any web page sign in here.
    """
    host, colon, port = request.host.partition(":")
    if host not in HOSTS:
        raise RequestError(f"Sign in at {HOSTS[0]}, on the machine that the site runs on.")
    return [f"http://{each}{colon}{port}" for each in HOSTS]


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise RequestError("redirect_uri is not an address.") from None
    return f"{parts.scheme}://{parts.netloc}"


def _see(address: str) -> Response:
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})


def _json(document: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")


def _refusal(error: str, description: str) -> Response:
    document = {"error": error, "error_description": description}
    return _json(document, HTTPStatus.BAD_REQUEST)


@cache
def _page() -> jinja2.Template:
    source = Path(__file__).with_name("sign_in.html").read_text()
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(source)
