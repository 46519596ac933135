"""The commands that a checkout adds to `sheaf`: they need the key that signs, or the databases."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import click
from tqdm import tqdm

from ops import batches, tokens
from sheaf.cli.commands import Site, commands, plain_errors, url_option
from sheaf.cli.lines import say
from sheaf.hashing import SLOTS
from sheaf.settings import SettingsError
from sheaf.sharding import resharding


@commands.command()
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
@url_option()
@click.pass_obj
def token(site: Site, handle: str, role: str, hours: float, home: Path) -> None:
    """Print a token for the site that `make run` starts."""
    with plain_errors(tokens.TokenError):
        click.echo(tokens.mint(home, site.url, handle, role, timedelta(hours=hours)))


@commands.group()
def reshard() -> None:
    """Spread the pages over more or fewer databases while the site goes on.

    Needs the site's own settings: SHEAF_DATABASE_URLS, with all databases, the old and the new
    ones, and SHEAF_CACHE_URL. The site must have been given the same list before.
    """


_EXPECTED = (resharding.ReshardError, SettingsError)
_shards = click.option(
    "--to", "count", type=click.IntRange(1, 255), required=True, help="How many shards in the end."
)


@reshard.command("plan")
@_shards
def reshard_plan(count: int) -> None:
    """Say which slots would move, and change nothing."""
    with plain_errors(*_EXPECTED):
        moves = resharding.plan(count)
    ways = Counter((move.source, move.target) for move in moves)
    for (source, target), slots in sorted(ways.items()):
        click.echo(f"shard {source} to shard {target}: {slots} slots")
    click.echo(f"{len(moves)} of {SLOTS} slots would move")


@reshard.command("run")
@_shards
def reshard_run(count: int) -> None:
    """Move slots until all shards have as many. May be run again if it was ended."""
    with (
        plain_errors(*_EXPECTED),
        tqdm(total=len(resharding.plan(count)), unit="slot") as bar,
    ):

        def report(batch: resharding.Batch) -> None:
            bar.set_description(f"{batch.source} to {batch.target}: {batch.step}")
            bar.update(len(batch.slots) if batch.step == resharding.STEPS[-1] else 0)

        copied = resharding.run(count, report)
    click.echo(f"done; {copied} pages were copied")


@reshard.command("status")
def reshard_status() -> None:
    """Say which slots are on their way."""
    with plain_errors(*_EXPECTED):
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
    with plain_errors(*_EXPECTED):
        resharding.abort()
    click.echo("no slots are on their way")


@commands.command("batches")
def batches_() -> None:
    """Say which batches are in doubt, and how the last fifty ended.

    A batch changes pages of several databases. It is in doubt where it is prepared and not ended;
    what it changes there nobody else can, meanwhile. Upkeep ends it, as it was decided, within a
    minute or two. This changes nothing, and needs the same settings as `sheaf reshard`.
    """
    with plain_errors(SettingsError):
        for line in batches.report():
            say(line)
