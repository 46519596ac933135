"""Writes of which the answer is lost, sent again with their key, while processes die."""

import http.client
import json
import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.site_world import SiteWorld, site_world
from tests.faults.world import revisions
from tests.servers.proxy import Proxy
from tests.servers.redis_pair import address
from tests.waiting import PATIENCE, wait_until

WRITES = 1000
PAGES = 20
Answer = tuple[int, str, bytes]


def test_each_is_done_once_and_answered_as_the_first_time(tmp_path: Path) -> None:
    with site_world(tmp_path, seed=1, lock_seconds=1) as (world, site):
        with Proxy(address(world.writers[0].url)) as wire:
            far = f"http://127.0.0.1:{wire.port}"
            for number in range(WRITES):
                headers, body = _request(number, site.token)
                if number % 100 == 50:
                    _die(world, signal.SIGUSR1 if number % 200 == 50 else signal.SIGKILL)
                wire.drop_replies()
                assert _send(far, _path(number), headers, body) is None
                wire.drop_replies(0)
                again = _answered(far, _path(number), headers, body)
                assert again[0] == (201 if number < PAGES else 200), again
                assert again[1] == f'"v{number // PAGES + 1}"'
                assert _answered(world.writers[1].url, _path(number), headers, body) == again
        world.heal()
        world.finish()
        stored = revisions(world.postgres.url)
    assert len(stored) == WRITES
    assert len({(each.slug, each.version) for each in stored}) == WRITES


def test_many_at_the_same_time_are_one(tmp_path: Path) -> None:
    with site_world(tmp_path, seed=1, lock_seconds=1) as (world, site):
        urls = [gateway.url for gateway in world.writers] * 6
        for number in range(5):
            headers, body = _request(number, site.token)
            with ThreadPoolExecutor(len(urls)) as pool:
                answers = list(
                    pool.map(
                        lambda url: _send(url, _path(number), headers, body),  # noqa: B023
                        urls,
                    )
                )
            assert {answer and answer[0] for answer in answers} <= {201, 409}
            assert len({answer for answer in answers if answer and answer[0] == 201}) == 1
        world.finish()
        assert len(revisions(world.postgres.url)) == 5


def _die(world: SiteWorld, how: signal.Signals) -> None:
    """A process dies now, or after its next save was committed."""
    world.writers[0].signal(how)


def _path(number: int) -> str:
    return f"/api/pages/page-{number % PAGES}"


def _request(number: int, token: str) -> tuple[dict[str, str], str]:
    known = number // PAGES
    state = {"If-Match": f'"v{known}"'} if known else {"If-None-Match": "*"}
    headers = {
        **state,
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": f'"write-{number}"',
    }
    return headers, json.dumps({"body": f"# Page\n\nwrite {number}"})


def _answered(url: str, path: str, headers: Mapping[str, str], body: str) -> Answer:
    """The answer to a request that is sent until there is one that says more than "try again"."""
    answers: list[Answer] = []

    def is_answered() -> bool:
        answer = _send(url, path, headers, body)
        if answer and answer[0] not in (409, 503):
            answers.append(answer)
        return bool(answers)

    wait_until(is_answered, "a write is not answered")
    return answers[0]


def _send(url: str, path: str, headers: Mapping[str, str], body: str) -> Answer | None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=PATIENCE)
    try:
        connection.request("PUT", path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.headers.get("ETag", ""), answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
