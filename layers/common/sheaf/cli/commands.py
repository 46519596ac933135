"""The `sheaf` command. In a checkout it has those of `ops` as well."""

import importlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

import click

from sheaf import slugs
from sheaf.cli import atomic, jobs, moving, searching, smoke, sync
from sheaf.cli.client import Client
from sheaf.cli.connection import READ_SECONDS, ClientError, is_address
from sheaf.cli.lines import line, say
from sheaf.cli.planning import Aim, Kind
from sheaf.cli.renaming import Renaming
from sheaf.cli.reports import Report
from sheaf.cli.smoke_visit import Visit
from sheaf.cli.sync import Task

_LOCAL_SITE = "http://127.0.0.1:3000"
# The site shows no more at once.
_MOST_FOUND = 100


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
    type=click.IntRange(1, jobs.MOST_THREADS),
    default=4,
    show_default=True,
    help="How many requests are on their way at the same time, at most.",
)


class Commands(click.Group):
    """The commands. Those of a checkout need much that the others do not, and come when asked for.

    They need the key that signs, or a database.
    """

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of this name."""
        if name not in self.commands:
            _load_more()
        return super().get_command(context, name)

    def list_commands(self, context: click.Context) -> list[str]:
        """The names of all commands."""
        _load_more()
        return super().list_commands(context)

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Take what belongs to all commands; what is wrong is told on one line."""
        with _lines():
            return super().parse_args(context, args)

    def invoke(self, context: click.Context) -> Any:
        """Carry out a command; what is wrong is told on one line."""
        with _lines():
            return super().invoke(context)


@contextmanager
def _lines() -> Iterator[None]:
    """Have errors quote arguments, names of files and answers so that a terminal shows them."""
    try:
        yield
    except click.ClickException as error:
        error.message = line(error.message)
        raise


def _load_more() -> None:
    if (Path(__file__).parents[4] / "ops/commands.py").is_file():
        importlib.import_module("ops.commands")


@click.group(cls=Commands, context_settings={"obj": Site(_LOCAL_SITE, None)})
@url_option(envvar="SHEAF_URL", default=_LOCAL_SITE, show_default=True, show_envvar=True)
@_token(envvar="SHEAF_TOKEN", show_envvar=True)
@click.version_option(package_name="sheaf")
def commands() -> None:
    """Work with a Sheaf site: bring pages in, take pages out, move and find them."""


def _take_prefix(_context: click.Context, _option: click.Parameter, prefix: str) -> str:
    try:
        return slugs.parse_quoted_folder(prefix.strip("/")) if prefix else ""
    except slugs.BadSlug as error:
        raise click.BadParameter(str(error)) from error


def _take_text(_context: click.Context, _option: click.Parameter, given: Any) -> Any:
    """One text, or several."""
    try:
        "".join(given).encode()
    except UnicodeEncodeError as error:
        raise click.BadParameter("This is no text in UTF-8.") from error
    return given


def _syncing(command: Callable[..., None]) -> Callable[..., None]:
    """What an import, an export and both take."""
    options = (
        click.option(
            "--dry-run", "dry", is_flag=True, help="Say what would be done; write nothing."
        ),
        click.option(
            "--prefix",
            default="",
            metavar="FOLDER",
            callback=_take_prefix,
            help="DIR has the pages below this folder of the site.",
        ),
        click.option("--drafts", is_flag=True, help="Take also files that say they are drafts."),
        click.option("--overwrite", is_flag=True, help="Replace also what people have changed."),
        click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON."),
        _threads,
        url_option(),
        _token(),
        click.pass_obj,
    )
    for option in reversed(options):
        command = option(command)
    return command


_delete = partial(click.option, "--delete", is_flag=True)
_moves = click.option("--moves", is_flag=True, help="Move the pages whose files were moved.")
_existing = click.argument(
    "folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)


@commands.command("import")
@_existing
@click.option(
    "--atomic", "is_atomic", is_flag=True, help="All of it in one change of the site, or nothing."
)
@_delete(help="Delete pages whose files were removed since they were in step.")
@_moves
@_syncing
def import_(
    site: Site, folder: Path, *, is_atomic: bool, delete: bool, moves: bool, **options: Any
) -> None:
    """Make every Markdown file below DIR a page.

    guide/install.md becomes the page guide/install, and guide/README.md the page guide. Pages that
    are the same already are left alone, and so are those that people have changed on the site:
    what both have changed is merged. What the files and pages were when they were last the same is
    kept in DIR/.sheaf.

    Hidden files and folders, symbolic links, other kinds of files and, without --drafts, files that
    say they are drafts are passed over and counted. What fails or is in conflict is reported and
    the rest goes on: the exit status is then 1.

    With --atomic nothing is imported unless all can be, and readers see all of it at once. Then at
    most 100 pages can be new or changed, with 1 MiB of JSON.
    """
    aim = Aim(to_site=True, delete=delete, moves=moves, overwrite=options.pop("overwrite"))
    shown = (Kind.CREATE, Kind.UPDATE)
    _sync(site, folder, aim, shown, atomic.run if is_atomic else sync.run, **options)


@commands.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@_delete(help="Remove files whose pages were deleted since they were in step.")
@_syncing
def export(site: Site, folder: Path, *, delete: bool, **options: Any) -> None:
    """Write every page below DIR as a Markdown file.

    The page guide/install becomes guide/install.md, or the file that it was imported from. Files
    that are the same already are not touched, and those that were changed here are left alone: what
    both have changed is merged into the file, for which the site needs a token.
    """
    aim = Aim(to_folder=True, delete=delete, overwrite=options.pop("overwrite"))
    _sync(site, folder, aim, (Kind.WRITE,), **options)


@commands.command("sync")
@_existing
@_delete(help="Delete on either side what was deleted on the other.")
@_moves
@_syncing
def sync_(site: Site, folder: Path, *, delete: bool, moves: bool, **options: Any) -> None:
    """Bring the Markdown files below DIR and the pages of the site into step.

    What was changed on one side is brought to the other. What was changed on both is merged, and
    reported if the same lines were changed: nothing of it is written, and the exit status is 1.
    """
    overwrite = options.pop("overwrite")
    aim = Aim(to_site=True, to_folder=True, delete=delete, moves=moves, overwrite=overwrite)
    _sync(site, folder, aim, (Kind.CREATE, Kind.UPDATE, Kind.WRITE), **options)


def _sync(
    site: Site,
    folder: Path,
    aim: Aim,
    shown: Sequence[Kind],
    run: Callable[[Client, Task], Report] = sync.run,
    *,
    dry: bool,
    prefix: str,
    drafts: bool,
    as_json: bool,
    threads: int,
) -> None:
    if aim.to_site and site.token is None:
        raise click.UsageError("An import needs a token: set SHEAF_TOKEN or give --token.")
    task = Task(folder, aim, prefix, threads, dry, drafts)
    with plain_errors():
        report = run(Client(site.url, site.token, connections=threads), task)
        report.tell_passed_over()
        report.tell_unused()
        report.tell_templates()
        click.echo(report.document() if as_json else report.summary(shown))
    if report.has_failed:
        raise SystemExit(1)


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
        mover = moving.Mover(client, names, threads, say, relinks=update_links)
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


@commands.command()
@click.argument("words", nargs=-1, required=True, callback=_take_text)
@click.option(
    "--in",
    "folder",
    default="",
    metavar="FOLDER",
    callback=_take_prefix,
    help="Only pages below this folder, and the one of its name.",
)
@click.option("--tag", default="", callback=_take_text, help="Only pages with this tag.")
@click.option(
    "--author",
    default="",
    metavar="NAME",
    callback=_take_text,
    help="Only pages that NAME saved last.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, _MOST_FOUND),
    default=20,
    show_default=True,
    help="How many pages, at most.",
)
@click.option("--explain", "explains", is_flag=True, help="Say why each page came where.")
@click.option("--json", "as_json", is_flag=True, help="Print all that is known as JSON.")
@url_option()
@click.pass_obj
def search(
    site: Site,
    words: Sequence[str],
    folder: str,
    tag: str,
    author: str,
    limit: int,
    *,
    explains: bool,
    as_json: bool,
) -> None:
    """Print the title and the address of each page that has the WORDS, the best first.

    WORDS are what can be typed on the site. Where they begin with a dash, write -- before them.

    With --explain it is also said which of the words a page has, where they are, what they weigh
    there, and how many pages link to it: by these, in this order, pages come.

    The exit status is 1 if nothing was found.
    """
    given = {"in": folder, "tag": tag, "author": author}
    with plain_errors():
        client = Client(site.url, site.token)
        narrowing = {name: value for name, value in given.items() if value}
        found = client.search(" ".join(words), limit, **narrowing)
        if told := searching.instead(found):
            jobs.report(told)
        if as_json:
            click.echo(found.model_dump_json(indent=2))
        else:
            for each in searching.lines(found, client.url, explains=explains):
                say(each)
    if not found.items:
        raise SystemExit(1)


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
            report=lambda outcome: say(outcome.line, terminal),
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
    commands(prog_name=prog_name)
