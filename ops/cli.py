"""The `sheaf` command."""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import click
from tqdm import tqdm

from ops import exporting, importing, jobs, smoke, tokens
from ops.client import Client
from ops.connection import READ_SECONDS, ClientError, is_address
from ops.smoke_visit import Visit
from sheaf.hashing import SLOTS
from sheaf.settings import SettingsError
from sheaf.sharding import resharding

_LOCAL_SITE = "http://127.0.0.1:3000"


@dataclass(frozen=True)
class Site:
    """The site that a command works on."""

    url: str
    token: str | None


def _take_url(context: click.Context, _parameter: click.Parameter, url: str | None) -> None:
    if url is None:
        return
    if not is_address(url):
        raise click.BadParameter(f"{url!r} is not an http:// or https:// address")
    context.obj = replace(context.obj, url=url.rstrip("/"))


def _take_token(context: click.Context, _option: click.Parameter, token: str | None) -> None:
    if not token:
        return
    if not re.fullmatch(r"[\w.~+/=-]+", token, re.ASCII):
        raise click.BadParameter("a token has no spaces and no special characters")
    context.obj = replace(context.obj, token=token)


# Both may stand before or after the command's name; the later one counts.
_url = partial(click.option, "--url", expose_value=False, callback=_take_url, help="The site.")
_token = partial(
    click.option,
    "--token",
    expose_value=False,
    callback=_take_token,
    help="Who you are, for commands that write.",
)
_threads = click.option(
    "--jobs",
    "threads",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="How many pages travel at the same time.",
)


@click.group(context_settings={"obj": Site(_LOCAL_SITE, None)})
@_url(envvar="SHEAF_URL", default=_LOCAL_SITE, show_default=True, show_envvar=True)
@_token(envvar="SHEAF_TOKEN", show_envvar=True)
@click.version_option(package_name="sheaf")
def main() -> None:
    """Work with a Sheaf site: bring pages in, take pages out."""


@main.command("import")
@click.argument(
    "folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@_threads
@_url()
@_token()
@click.pass_obj
def import_(site: Site, folder: Path, threads: int) -> None:
    """Make every *.md file below DIR a page.

    guide/install.md becomes the page guide/install. Pages that are the same already are left
    alone; hidden files and folders and symbolic links are passed over. A file that cannot be
    imported is reported and the others go on: the exit status is then 1.
    """
    if site.token is None:
        raise click.UsageError("An import needs a token: set SHEAF_TOKEN or give --token.")
    with _plain_errors():
        client = Client(site.url, site.token, connections=threads)
        counts = importing.import_folder(client, folder, threads)
    _finish(counts, importing.CREATED, importing.UPDATED, importing.UNCHANGED)


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@_threads
@_url()
@_token()
@click.pass_obj
def export(site: Site, folder: Path, threads: int) -> None:
    """Write every page below DIR as a Markdown file.

    The page guide/install becomes guide/install.md. Files that are the same already are not
    touched, and no file is ever removed.
    """
    with _plain_errors():
        client = Client(site.url, site.token, connections=threads)
        counts = exporting.export_pages(client, folder, threads)
    _finish(counts, exporting.WRITTEN, exporting.UNCHANGED)


@main.command()
@click.option("--user", "handle", required=True, help="Handle of the person, such as alice.")
@click.option("--role", type=click.Choice(["reader", "editor", "admin"]), required=True)
@click.option(
    "--hours",
    type=click.FloatRange(0, min_open=True),
    default=8,
    show_default=True,
    help="For how long it is good.",
)
@click.option(
    "--home",
    envvar="SHEAF_HOME",
    default=".sheaf",
    type=click.Path(file_okay=False, path_type=Path),
    show_default=True,
    show_envvar=True,
    help="Where the local site keeps its state.",
)
@_url()
@click.pass_obj
def token(site: Site, handle: str, role: str, hours: float, home: Path) -> None:
    """Print a token for the site that `make run` starts."""
    with _plain_errors():
        click.echo(tokens.mint(home, site.url, handle, role, timedelta(hours=hours)))


@main.command("smoke")
@click.argument("url", required=False, expose_value=False, callback=_take_url)
@click.option(
    "--timeout",
    "seconds",
    type=click.FloatRange(0, min_open=True),
    default=READ_SECONDS,
    show_default=True,
    help="How many seconds each answer may take, and a database to wake.",
)
@_token()
@click.pass_obj
def smoke_(site: Site, seconds: float) -> None:
    """Walk through the site at URL and say what works.

    With a token a page is also created, changed and deleted; only its history stays.
    The exit status is 1 if anything failed.
    """
    # What a terminal cannot show, such as a cross, must not keep it from showing the rest.
    terminal = click.get_text_stream("stdout", sys.stdout.encoding, "replace")
    with _plain_errors():
        counts = smoke.run(
            Visit(site.url, site.token, seconds),
            report=lambda outcome: click.echo(outcome.line, terminal),
        )
    _finish(counts, smoke.PASSED, smoke.SKIPPED)


@main.group()
def reshard() -> None:
    """Spread the pages over more or fewer databases while the site goes on.

    Needs the site's own settings: SHEAF_DATABASE_URLS, with all databases, the old and the new
    ones, and SHEAF_CACHE_URL. The site must have been given the same list before.
    """


_shards = click.option(
    "--to", "count", type=click.IntRange(1, 255), required=True, help="How many shards in the end."
)


@reshard.command("plan")
@_shards
def reshard_plan(count: int) -> None:
    """Say which slots would move, and change nothing."""
    with _plain_errors():
        moves = resharding.plan(count)
    ways = Counter((move.source, move.target) for move in moves)
    for (source, target), slots in sorted(ways.items()):
        click.echo(f"shard {source} to shard {target}: {slots} slots")
    click.echo(f"{len(moves)} of {SLOTS} slots would move")


@reshard.command("run")
@_shards
def reshard_run(count: int) -> None:
    """Move slots until all shards have as many. May be run again if it was ended."""
    with _plain_errors(), tqdm(total=len(resharding.plan(count)), unit="slot") as bar:

        def report(batch: resharding.Batch) -> None:
            bar.set_description(f"{batch.source} to {batch.target}: {batch.step}")
            bar.update(len(batch.slots) if batch.step == resharding.STEPS[-1] else 0)

        copied = resharding.run(count, report)
    click.echo(f"done; {copied} pages were copied")


@reshard.command("status")
def reshard_status() -> None:
    """Say which slots are on their way."""
    with _plain_errors():
        batch = resharding.status()
    if batch is None:
        click.echo("no slots are on their way")
        return
    click.echo(
        f"{len(batch.slots)} slots from shard {batch.source} to shard {batch.target}; "
        f"next: {batch.step}"
    )


@reshard.command("abort")
def reshard_abort() -> None:
    """Bring the slots that are on their way back, or to the end if they have arrived."""
    with _plain_errors():
        resharding.abort()
    click.echo("no slots are on their way")


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn the failures that users meet into one line and exit status 1."""
    try:
        yield
    except (ClientError, tokens.TokenError, resharding.ReshardError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error


def _finish(counts: Counter[str], *outcomes: str) -> None:
    click.echo(", ".join(f"{name} {counts[name]}" for name in (*outcomes, jobs.FAILED)))
    if counts[jobs.FAILED]:
        raise SystemExit(1)
