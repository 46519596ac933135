"""Many editors of one page at once, on a running site: no edit is lost."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.conftest import Mint
from tests.waiting import PATIENCE

EDITORS = 200


def test_200_concurrent_edits_of_one_page_all_become_revisions(
    site_url: str, mint_token: Mint
) -> None:
    headers = {"Authorization": f"Bearer {mint_token('alice', 'editor')}"}
    with httpx.Client(base_url=site_url, headers=headers, timeout=PATIENCE) as client:
        page = client.get("/api/pages/contended")
        assert page.status_code == 404
        _put(client, 0, {"If-None-Match": "*"}).raise_for_status()
        with ThreadPoolExecutor(EDITORS) as pool:
            acknowledged = list(pool.map(lambda n: _edit(client, n), range(1, EDITORS + 1)))
        assert sorted(acknowledged) == list(range(2, EDITORS + 2))

        revisions = [
            client.get("/api/revisions/contended", params={"version": version}).json()
            for version in range(1, EDITORS + 2)
        ]
    assert [revision["version"] for revision in revisions] == list(range(1, EDITORS + 2))
    # Each editor appended to what it had read, so nobody's line may be missing at the end.
    lines = revisions[-1]["body"].split()
    assert sorted(map(int, lines)) == list(range(EDITORS + 1))


def _edit(client: httpx.Client, number: int) -> int:
    for attempt in range(60):  # a dozen or two are usual
        page = client.get("/api/pages/contended").json()
        answer = _put(client, number, {"If-Match": f'"v{page["version"]}"'}, page["body"])
        if answer.status_code == 200:
            version: int = answer.json()["version"]
            return version
        assert answer.status_code in (409, 412), answer.text
        # Full jitter: without it each round lets one of 200 through and sends 199 away.
        time.sleep(random.uniform(0, min(8, 0.1 * 2**attempt)))
    raise AssertionError("was refused again and again")


def _put(
    client: httpx.Client, number: int, headers: dict[str, str], before: str = ""
) -> httpx.Response:
    return client.put("/api/pages/contended", json={"body": f"{before}\n{number}"}, headers=headers)
