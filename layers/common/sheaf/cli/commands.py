"""The `sheaf` command. In a checkout it has those of `ops` as well."""

import importlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from pathlib import Path

import click

from sheaf import slugs
from sheaf.cli import exporting, importing, jobs, moving, smoke
from sheaf.cli.atomic import import_at_once
from sheaf.cli.client import READ_SECONDS, Client, ClientError, is_address
from sheaf.cli.renaming import Renaming
from sheaf.cli.smoke_visit import Visit

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
url_option = partial(
    click.option, "--url", expose_value=False, callback=_take_url, help="The site."
)
_token = partial(
    click.option,
    "--token",
    expose_value=False,
    callback=_take_token,
    help="A token that says who you are, for commands that write.",
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
@url_option(envvar="SHEAF_URL", default=_LOCAL_SITE, show_default=True, show_envvar=True)
@_token(envvar="SHEAF_TOKEN", show_envvar=True)
@click.version_option(package_name="sheaf")
def commands() -> None:
    """Work with a Sheaf site: bring pages in, take pages out, move them."""


@commands.command("import")
@click.argument(
    "folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--atomic", is_flag=True, help="All of it in one change of the site, or nothing.")
@_threads
@url_option()
@_token()
@click.pass_obj
def import_(site: Site, folder: Path, threads: int, *, atomic: bool) -> None:
    """Make every *.md file below DIR a page.

    guide/install.md becomes the page guide/install. Pages that are the same already are left
    alone; hidden files and folders and symbolic links are passed over. A file that cannot be
    imported is reported and the others go on: the exit status is then 1.

    With --atomic nothing is imported unless all can be, and readers see all of it at once. Then at
    most 100 pages can be new or changed, with 1 MiB of JSON.
    """
    if site.token is None:
        raise click.UsageError("An import needs a token: set SHEAF_TOKEN or give --token.")
    with plain_errors():
        client = Client(site.url, site.token, connections=threads)
        if atomic:
            counts = import_at_once(client, folder)
        else:
            counts = importing.import_folder(client, folder, threads)
    _finish(counts, importing.CREATED, importing.UPDATED, importing.UNCHANGED)


@commands.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@_threads
@url_option()
@_token()
@click.pass_obj
def export(site: Site, folder: Path, threads: int) -> None:
    """Write every page below DIR as a Markdown file.

    The page guide/install becomes guide/install.md. Files that are the same already are not
    touched, and no file is ever removed.
    """
    with plain_errors():
        client = Client(site.url, site.token, connections=threads)
        counts = exporting.export_pages(client, folder, threads)
    _finish(counts, exporting.WRITTEN, exporting.UNCHANGED)


@commands.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--update-links", is_flag=True, help="Have links lead straight to the new names.")
@_threads
@url_option()
@_token()
@click.pass_obj
def move(site: Site, source: str, target: str, threads: int, *, update_links: bool) -> None:
    """Give the page FROM the name TO.

    With a slash at the end of both, as in `sheaf move guide/ handbook/`, all pages below a folder
    move, up to a hundred at a time: of these all or none. The old names lead to the new ones. If it
    was interrupted, the same call goes on where it stopped.

    With --update-links the source of pages that link to a page that moves is changed together with
    the move: the address of the link and nothing else. Relative links stay relative. Those in a
    page that moves stay as they are if they lead the same way from its new name, as between pages
    of a folder; else they are made absolute before it moves.
    """
    if site.token is None:
        raise click.UsageError("A move needs a token: set SHEAF_TOKEN or give --token.")
    names = _renaming(source, target)
    with plain_errors():
        client = Client(site.url, site.token, connections=threads)
        mover = moving.Mover(client, names, threads, click.echo, relinks=update_links)
        counts = mover.run()
    _finish(counts, moving.MOVED, *([moving.RELINKED] if update_links else []))


def _renaming(source: str, target: str) -> Renaming:
    of_folder = source.endswith("/")
    if of_folder != target.endswith("/"):
        raise click.UsageError("FROM and TO both end in a slash, or neither does.")
    parse = slugs.parse_quoted_folder if of_folder else slugs.parse_quoted
    try:
        old, new = (parse(each.removeprefix("/").removesuffix("/")) for each in (source, target))
    except slugs.BadSlug as error:
        raise click.UsageError(str(error)) from error
    if old == new:
        raise click.UsageError("FROM and TO are the same.")
    if not of_folder:
        return Renaming(old, new)
    if new.startswith(f"{old}/"):
        raise click.UsageError("A folder cannot move to a place below itself.")
    return Renaming(f"{old}/", f"{new}/")


@commands.command("smoke")
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
    if not isfinite(seconds):
        raise click.BadParameter("is no number of seconds", param_hint="--timeout")
    # What a terminal cannot show, such as a cross, must not keep it from showing the rest.
    terminal = click.get_text_stream("stdout", sys.stdout.encoding, "replace")
    with plain_errors():
        counts = smoke.run(
            Visit(site.url, site.token, seconds),
            report=lambda outcome: click.echo(outcome.line, terminal),
        )
    _finish(counts, smoke.PASSED, smoke.SKIPPED)


@contextmanager
def plain_errors(*others: type[Exception]) -> Iterator[None]:
    """Turn the failures that users meet, and these, into one line and exit status 1."""
    expected: tuple[type[Exception], ...] = (ClientError, *others)
    try:
        yield
    except expected as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'output'}: {error.strerror}") from error


def _finish(counts: Counter[str], *outcomes: str) -> None:
    with plain_errors():
        click.echo(", ".join(f"{name} {counts[name]}" for name in (*outcomes, jobs.FAILED)))
    if counts[jobs.FAILED]:
        raise SystemExit(1)


def main(prog_name: str | None = None) -> None:
    """Carry out what the command line says."""
    # What needs the key that signs, or a database, comes with a checkout only.
    if (Path(__file__).parents[4] / "ops/commands.py").is_file():
        importlib.import_module("ops.commands")
    commands(prog_name=prog_name)
