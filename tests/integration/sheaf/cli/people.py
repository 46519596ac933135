"""People at work on a site, beside the command."""

from http import HTTPStatus
from typing import Any

import urllib3

from sheaf.cli.client import ApiError, Client, Page

_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.PERMANENT_REDIRECT)


class Person:
    """Somebody who works in the browser, below a folder of the site."""

    def __init__(self, url: str, token: str, folder: str) -> None:
        self._url, self._token, self._folder = url, token, folder
        self._client = Client(url, token)

    def page(self, name: str) -> Page | None:
        """The live page of this name, if there is one."""
        try:
            return self._client.page(self._slug(name))
        except ApiError as error:
            if error.status in _GONE:
                return None
            raise

    def pages(self) -> list[Page]:
        """All live pages."""
        found = self._client.pages_below(f"{self._folder}/")
        return [self._client.page(item.slug) for item in found]

    def text(self, name: str) -> str:
        """What the page says now."""
        page = self.page(name)
        assert page is not None, name
        return page.body

    def save(self, name: str, text: str, **more: Any) -> int:
        """Make the page say this, whatever it says now."""
        return self.put(name, {"body": text, **more})

    def put(self, name: str, value: dict[str, Any]) -> int:
        """Save something; returns the status."""
        page = self.page(name)
        condition = {"If-Match": f'"v{page.version}"'} if page else {"If-None-Match": "*"}
        return self._ask("PUT", f"/api/pages/{self._slug(name)}", value, condition)

    def delete(self, name: str) -> int:
        """Delete the page; returns the status."""
        page = self.page(name)
        condition = {"If-Match": f'"v{page.version}"'} if page else {}
        return self._ask("DELETE", f"/api/pages/{self._slug(name)}", None, condition)

    def move(self, name: str, other: str) -> int:
        """Move the page; returns the status."""
        page = self.page(name)
        tag = f'"v{page.version}"' if page else '"v1"'
        names = {"from": self._slug(name), "to": self._slug(other)}
        return self._ask("POST", "/api/moves", {**names, "if_match": tag}, {})

    def _slug(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def _ask(
        self, method: str, path: str, value: dict[str, Any] | None, headers: dict[str, str]
    ) -> int:
        signed_in = {"Authorization": f"Bearer {self._token}", **headers}
        url = f"{self._url}{path}"
        return urllib3.request(method, url, headers=signed_in, json=value, timeout=60).status
