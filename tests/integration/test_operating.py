"""What docs/operate.md has an operator do to the databases, in its own words, on real ones."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import yaml
from cfnlint.api import lint  # type: ignore[import-untyped]
from markdown_it import MarkdownIt

from local.laptop import postgres, services
from sheaf.database import schema
from sheaf.http import documents
from sheaf.pages import lists
from sheaf.sharding import shards
from tests.conftest import Mint
from tests.context import new_context
from tests.fixtures import Servers, seed
from tests.integration.conftest import Sharded, migrated_shards, sharded_site
from tests.site import Site
from tests.waiting import PATIENCE
from upkeep.app import handler as upkeep

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "docs/operate.md"


def block(words: str) -> str:
    """The one block of the manual in which these words stand."""
    tokens = MarkdownIt("commonmark").parse(MANUAL.read_text())
    (found,) = [each.content for each in tokens if each.type == "fence" and words in each.content]
    return found


def run(commands: str, place: Path, environment: Mapping[str, str]) -> str:
    """What the commands of a block print in a shell."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=place,
        env={**os.environ, **environment, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_tunnel_is_a_template_that_leads_to_one_machine() -> None:
    text = (ROOT / "ops/tunnel.yaml").read_text()
    assert [str(match) for match in lint(text, regions=["us-east-1"])] == []
    assert "0.0.0.0/0" not in text
    resources = yaml.load(text, Loader=yaml.BaseLoader)["Resources"]
    doors = [one for one in resources.values() if one["Type"].endswith("SecurityGroupIngress")]
    assert [one["Properties"]["FromPort"] for one in doors] == ["22"]


@pytest.fixture
def operator(clean: Servers) -> dict[str, str]:
    """What an operator has told the shell."""
    return {"SHEAF_DATABASE_URLS": clean.database_url, "SHEAF_CACHE_URL": clean.cache_url}


def test_a_key_is_added_and_the_old_one_removed(
    site: Site, operator: dict[str, str], tmp_path: Path
) -> None:
    for number in range(3):
        site.create(f"notes/{number}", "# A note")
    old = site.get("/api/pages?limit=1").json["next"]
    ids = run(block("signing_keys.add_secret"), tmp_path, operator).strip("[]\n").split(", ")
    assert len(ids) == len(set(ids)) >= 2
    lists._secrets.cache_clear()  # a minute has passed
    new = site.get("/api/pages?limit=1").json["next"]
    assert site.get(f"/api/pages?limit=1&cursor={old}").status_code == 200
    run(block("delete(signing_keys)"), tmp_path, operator)
    lists._secrets.cache_clear()
    assert site.get(f"/api/pages?limit=1&cursor={old}").status_code == 400
    assert site.get(f"/api/pages?limit=1&cursor={new}").status_code == 200


def test_batches_are_shown(clean: Servers, operator: dict[str, str], tmp_path: Path) -> None:
    printed = run(block("sheaf batches"), tmp_path, operator)
    assert printed.startswith("no batch is in doubt\n")


def test_pages_are_read_from_a_restored_database(
    site: Site, operator: dict[str, str], tmp_path: Path
) -> None:
    site.create("home", "# Home\r\n")
    site.create("guide/größe", "---\ntags: [a]\n---\n# Größe\n")
    site.create("gone", "# Gone")
    site.delete("gone", 1)
    run(block('Path("then"'), tmp_path, operator)
    files = {path for path in (tmp_path / "then").rglob("*") if path.is_file()}
    assert files == {tmp_path / "then/home.md", tmp_path / "then/guide/größe.md"}
    assert (tmp_path / "then/home.md").read_bytes() == b"# Home\r\n"


def test_what_was_in_doubt_in_restored_databases_is_ended(
    operator: dict[str, str], tmp_path: Path
) -> None:
    with psycopg.connect(operator["SHEAF_DATABASE_URLS"], autocommit=True) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT pg_current_xact_id()")
        connection.execute(f"PREPARE TRANSACTION 'sheaf-{'0' * 32}-0'")
        assert "committed=False" in run(block("two_phase.recover"), tmp_path, operator)
        assert connection.execute("SELECT * FROM pg_prepared_xacts").fetchall() == []
        assert connection.execute("SELECT committed FROM decisions").fetchall() == [(False,)]


def test_a_database_filled_from_a_backup_never_answers_a_version_twice(
    site: Site, operator: dict[str, str], tmp_path: Path
) -> None:
    site.create("plan", "# Plan\n\nAs it was backed up.\n")
    site.create("dropped", "# Dropped")
    site.delete("dropped", 1)
    upkeep({}, new_context())
    dump(operator["SHEAF_DATABASE_URLS"], tmp_path / "then.dump")
    site.update("plan", "# Plan\n\nWhat will be lost.\n", 1)
    assert "What will be lost" in site.get("/plan").text

    load(operator["SHEAF_DATABASE_URLS"], tmp_path / "then.dump")
    with psycopg.connect(operator["SHEAF_DATABASE_URLS"], autocommit=True) as connection:
        connection.execute(block("WITH lifted AS").encode())
    purged = upkeep({}, new_context())["purge"]

    assert f"#{documents.cdn_tag('plan')}" in purged
    assert "As it was backed up" in site.get("/plan").text  # from the cache, which had version 2
    assert site.get("/api/pages/plan").json["version"] == 1001
    assert site.get("/dropped").status_code == 410
    versions = [item["version"] for item in site.get("/api/revisions/plan").json["items"]]
    assert versions == [1001, 1]
    # A client with the lost version, or the one before, overwrites nothing.
    assert site.update("plan", "# From 2", 2).status_code == 412
    assert site.update("plan", "# From 1", 1).status_code == 412
    assert site.update("plan", "# From 1001", 1001).json["version"] == 1002


def dump(url: str, file: Path) -> None:
    subprocess.run(
        [postgres._program("pg_dump"), "--format=custom", f"--file={file}", url],
        check=True,
        timeout=PATIENCE,
    )


def load(url: str, file: Path) -> None:
    shards.dispose()
    options = ["--clean", "--if-exists", "--no-owner", "--single-transaction"]
    command = [postgres._program("pg_restore"), *options, f"--dbname={url}", str(file)]
    subprocess.run(command, check=True, timeout=PATIENCE)


@pytest.fixture
def sharded(servers: Servers, home: Path, mint_token: Mint, tmp_path: Path) -> Iterator[Sharded]:
    """On a PostgreSQL of its own: a role is there for all databases of a server."""
    with (
        services.postgres(tmp_path) as server,
        migrated_shards(Servers(server.url, servers.cache_url)) as urls,
        sharded_site(urls, servers.cache(3), home, mint_token("alice", "editor")) as site,
    ):
        yield site


@pytest.fixture
def role(sharded: Sharded) -> str:
    """The functions' role, as a migration makes it on AWS, with a password for here."""
    environment = {**sharded.environment, "POWERTOOLS_LOG_LEVEL": "WARNING"}
    migration = [sys.executable, "-m", "local.gateway.functions", "MigrateFunction"]
    with psycopg.connect(sharded.databases[0], autocommit=True) as admin:
        admin.execute("CREATE ROLE rds_iam")
        subprocess.run(migration, env=environment, check=True, timeout=PATIENCE)
        admin.execute(f"ALTER ROLE {schema.APPLICATION_ROLE} PASSWORD 'a word'")
    return schema.APPLICATION_ROLE


def through_tunnel(url: str, role: str) -> str:
    """The address of a database whose name leads nowhere from here, and where it really is."""
    parts = urlsplit(url)
    host = f"shard.cluster.example.invalid:{parts.port}"
    return f"postgresql://{role}:a%20word@{host}{parts.path}?hostaddr=127.0.0.1&sslmode=prefer"


def test_slots_are_moved_through_a_tunnel_by_who_may_only_change_rows(
    sharded: Sharded, role: str, tmp_path: Path
) -> None:
    seed(sharded.url, sharded.token, [f"page-{number}" for number in range(20)])
    urls = ",".join(through_tunnel(url, role) for url in sharded.databases)
    environment = {**sharded.environment, "SHEAF_DATABASE_URLS": urls}
    commands = block("sheaf reshard plan").replace("--to 2", "--to 3")
    assert "slots would move" in run(commands, tmp_path, environment)
    assert "0 of 4096" in run("sheaf reshard plan --to 3", tmp_path, environment)
    with psycopg.connect(sharded.databases[2]) as connection:
        (found,) = connection.execute("SELECT count(*) FROM pages").fetchone() or (0,)
    assert found > 0
    for number in range(20):
        page = f"{sharded.url}/api/pages/page-{number}"
        assert httpx.get(page, timeout=PATIENCE).status_code == 200
