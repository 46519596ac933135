"""A site under test: requests in, answers out, through the gateway in this process."""

from dataclasses import dataclass
from typing import Any

from werkzeug.test import Client, TestResponse

CREATE = {"If-None-Match": "*"}


@dataclass
class Site:
    """Sends requests, signed in as an editor where a token is needed."""

    client: Client
    token: str

    def get(self, path: str, **headers: str) -> TestResponse:
        """GET; header names are given with underscores."""
        return self.client.get(path, headers=_names(headers))

    def put(
        self, slug: str, body: Any, headers: dict[str, str], token: str | None = None
    ) -> TestResponse:
        """PUT a page; a str is its Markdown, anything else is sent as the JSON body."""
        value = {"body": body} if isinstance(body, str) else body
        return self.client.put(
            f"/api/pages/{slug}", json=value, headers={**self._signed_in(token), **headers}
        )

    def create(self, slug: str, body: str) -> TestResponse:
        """PUT a page that must not exist yet; the answer must be 201."""
        answer = self.put(slug, body, CREATE)
        assert answer.status_code == 201, answer.text
        return answer

    def publish(self, slug: str, body: str) -> TestResponse:
        """Create a page and read it, as its author does: then it is known what is around it."""
        self.create(slug, body)
        return self.get("/" if slug == "home" else f"/{slug}")

    def update(self, slug: str, body: str, version: int) -> TestResponse:
        """PUT a page's next version."""
        return self.put(slug, body, {"If-Match": f'"v{version}"'})

    def delete(
        self, slug: str, version: int, headers: dict[str, str] | None = None
    ) -> TestResponse:
        """DELETE a page's current version."""
        headers = {**self._signed_in(), "If-Match": f'"v{version}"', **(headers or {})}
        return self.client.delete(f"/api/pages/{slug}", headers=headers)

    def post(
        self,
        path: str,
        value: Any,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> TestResponse:
        """POST a JSON body."""
        headers = {**self._signed_in(token), **(headers or {})}
        return self.client.post(path, json=value, headers=headers)

    def _signed_in(self, token: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token if token is None else token}"}


def _names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
