"""A site whose database is behind PgBouncer, as Debian has it."""

from pathlib import Path

import pytest

from tests.conftest import Mint
from tests.faults.load import Load
from tests.fixtures import Servers, database, running_site
from tests.servers.pgbouncer import pgbouncer
from tests.waiting import wait_until

MANY = 300


# As many sessions as the site has processes, which keep them, or one that they share.
@pytest.mark.parametrize(("mode", "sessions"), [("session", 2), ("transaction", 1)])
def test_a_site_works_behind_a_pooler(
    servers: Servers, home: Path, mint_token: Mint, tmp_path: Path, mode: str, sessions: int
) -> None:
    log = tmp_path / "log"
    with (
        database(servers, "pooled", None) as url,
        pgbouncer(tmp_path / "pooler", url, mode, sessions) as pooled,
        log.open("wb") as output,
        running_site(Servers(pooled, servers.cache(5)), home, output) as address,
    ):
        load = Load(address, mint_token("alice", "editor"))
        with load.at_work():
            wait_until(lambda: len(load.acknowledged) > MANY, "nobody works")
        load.check(url)
        assert load.refused(0.0) == []
        assert '"level":"ERROR"' not in log.read_text()
