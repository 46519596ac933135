"""The site's API, for what other people do while a test looks on."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

from tests.waiting import PATIENCE


class Api(httpx.Client):
    """A client of the API that has a token. Every refusal is an error.

    What a busy site has no time for is asked again: a write is done once, by its idempotency key.
    """

    def __init__(self, site_url: str, token: str) -> None:
        headers = {"authorization": f"Bearer {token}"}
        super().__init__(base_url=f"{site_url}/api", headers=headers, timeout=PATIENCE)

    def page(self, slug: str) -> dict[str, Any]:
        return self._json("GET", f"/pages/{slug}")

    def revision(self, slug: str, version: int) -> dict[str, Any]:
        return self._json("GET", f"/revisions/{slug}?version={version}")

    def create(self, slug: str, body: str, **more: str) -> dict[str, Any]:
        return self._json("PUT", f"/pages/{slug}", {"if-none-match": "*"}, {"body": body, **more})

    def update(self, slug: str, body: str, **more: str) -> dict[str, Any]:
        return self._json("PUT", f"/pages/{slug}", self._current(slug), {"body": body, **more})

    def drafts(self, slug: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._json("GET", f"/drafts/{slug}")["items"]
        return items

    def lease(self, slug: str) -> dict[str, Any]:
        return self._json("PUT", f"/leases/{slug}", None, {})

    def be_present(self, slug: str) -> None:
        """Edit a page, as others see it, for a minute."""
        self._json("PUT", f"/presence/{slug}", None, {"tab": "another"})

    def save_reserved(self, slug: str, body: str, version: int, fence: int) -> dict[str, Any]:
        """The answer, whatever it is."""
        headers = {"if-match": f'"v{version}"', "sheaf-lease": str(fence)}
        answer = self.put(f"/pages/{slug}", headers=headers, json={"body": body})
        found: dict[str, Any] = answer.json()
        return found

    def move(self, slug: str, to: str) -> None:
        known = self._current(slug)["if-match"]
        self._send("POST", "/moves", None, {"from": slug, "to": to, "if_match": known})

    def remove(self, slug: str) -> None:
        self._send("DELETE", f"/pages/{slug}", self._current(slug))

    def _current(self, slug: str) -> dict[str, str]:
        return {"if-match": f'"v{self.page(slug)["version"]}"'}

    def _json(self, *request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._send(*request).json()
        return answer

    def _send(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, content: Any = None
    ) -> httpx.Response:
        named = {"idempotency-key": f'"{uuid4()}"', **(headers or {})}
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self.request(method, path, headers=named, json=content)
            if answer.status_code != 503 or time.monotonic() > deadline:
                return answer.raise_for_status()
            time.sleep(int(answer.headers["retry-after"]))
