"""Many editors of one page at once, on a running site: no edit is lost."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.conftest import Mint
from tests.waiting import PATIENCE


@pytest.mark.parametrize("editors", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_concurrent_edits_of_one_page_all_become_revisions(
    site_url: str, mint_token: Mint, editors: int
) -> None:
    slug = f"contended/{editors}"
    headers = {"Authorization": f"Bearer {mint_token('alice', 'editor')}"}
    with httpx.Client(base_url=site_url, headers=headers, timeout=PATIENCE) as client:
        page = client.get(f"/api/pages/{slug}")
        assert page.status_code == 404
        _put(client, slug, 0, {"If-None-Match": "*"}).raise_for_status()
        with ThreadPoolExecutor(editors) as pool:
            acknowledged = list(pool.map(lambda n: _edit(client, slug, n), range(1, editors + 1)))
        assert sorted(acknowledged) == list(range(2, editors + 2))

        revisions = [
            client.get(f"/api/revisions/{slug}", params={"version": version}).json()
            for version in range(1, editors + 2)
        ]
    assert [revision["version"] for revision in revisions] == list(range(1, editors + 2))
    # Each editor appended to what it had read, so nobody's line may be missing at the end.
    lines = revisions[-1]["body"].split()
    assert sorted(map(int, lines)) == list(range(editors + 1))


def _edit(client: httpx.Client, slug: str, number: int) -> int:
    for attempt in range(60):  # a dozen or two are usual
        page = client.get(f"/api/pages/{slug}").json()
        answer = _put(client, slug, number, {"If-Match": f'"v{page["version"]}"'}, page["body"])
        if answer.status_code == 200:
            version: int = answer.json()["version"]
            return version
        assert answer.status_code in (409, 412), answer.text
        # Full jitter: without it each round lets one of 200 through and sends 199 away.
        time.sleep(random.uniform(0, min(8, 0.1 * 2**attempt)))
    raise AssertionError("was refused again and again")


def _put(
    client: httpx.Client, slug: str, number: int, headers: dict[str, str], before: str = ""
) -> httpx.Response:
    return client.put(f"/api/pages/{slug}", json={"body": f"{before}\n{number}"}, headers=headers)
