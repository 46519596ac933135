"""Templates: the HTML of every address that is not an API's.

Each template's first comment says which values it needs. All text is escaped, except the HTML of
pages and search snippets, which their makers have made safe.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sheaf import settings
from sheaf.rendering import static

# Text that browsers show as it is laid out, else a run of white space with a line's end in it.
_LAYOUT = re.compile(r"(<(pre|textarea)\b.*?</\2>)|\s*\n\s*", re.DOTALL)

# What a style sheet of its own is for. Code without colours has a class as well. Two that begin
# with letters are found in a third of the time that one takes.
_MARKED = (re.compile('class="(?!language-)'), re.compile(r"<(?:d[lt]|details|kbd|su[bp])\b"))


def render(template: str, /, **context: object) -> str:
    """The HTML document that a template such as `page.html` makes of these values.

    Raises jinja2.UndefinedError when a value that the template needs is not given.
    """
    return _environment.get_template(template).render(context)


def page_path(slug: str) -> str:
    """The address of a page: its slug, percent-encoded; the start page is the site's root."""
    return "/" if slug == settings.start_page() else f"/{quote(slug)}"


def source_path(slug: str) -> str:
    """The address of a page's Markdown."""
    return f"/{quote(slug)}.md"


def machine_time(moment: datetime) -> str:
    """An instant as HTML's `datetime` attribute wants it: 2026-11-02T14:03:11Z."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def human_time(moment: datetime) -> str:
    """An instant for people: 2 Nov 2026, 14:03 UTC."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"


def human_clock(moment: datetime) -> str:
    """The time of a day for people: 14:03 UTC."""
    return f"{moment.astimezone(UTC):%H:%M} UTC"


def has_marks(article: str) -> bool:
    """Whether an article has something that `marks.css` is for, which most have not."""
    return any(marked.search(article) for marked in _MARKED)


def compact(source: str) -> str:
    """A template without its indentation and blank lines, which no browser shows."""
    return _LAYOUT.sub(lambda found: found[1] or "\n", source)


class _CompactLoader(FileSystemLoader):
    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        source, filename, is_current = super().get_source(environment, template)
        return compact(source), filename, is_current


def _make_environment() -> Environment:
    environment = Environment(
        loader=_CompactLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # A deployed package does not change while its process lives.
        auto_reload=False,
    )
    # A filter: of a constant name it is worked out once, when a template is compiled.
    environment.filters["static"] = static.url
    environment.filters["page_path"] = page_path
    environment.filters["machine_time"] = machine_time
    environment.filters["human_time"] = human_time
    environment.tests["marked"] = has_marks
    environment.filters["human_clock"] = human_clock
    return environment


_environment = _make_environment()
