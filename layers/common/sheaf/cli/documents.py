"""What a page is as a file: its source, byte for byte what its author saved.

Only if a page's title or tags were set apart from its text do they go into front matter, so
that an import gives the same page again.
"""

from sheaf.cli.client import Page, PageItem
from sheaf.rendering import front_matter, markdown, source
from sheaf.rendering.front_matter import Data


def document(page: Page) -> str:
    """The file for a page: its body, with front matter if the body alone would not give it.

    Raises front_matter.Unreadable if that would be longer than front matter may be.
    """
    if says(page.body, page):
        return page.body
    parsed = source.parse(page.body)
    said: dict[str, Data] = {**parsed.data, "title": page.title, "tags": [*page.tags]}
    return front_matter.write(said) + parsed.text


def says(body: str, item: PageItem) -> bool:
    """Whether a body alone gives the page its title and tags."""
    parsed = source.parse(body)
    if parsed.metadata.tags != item.tags:
        return False
    heading = None if parsed.metadata.title else markdown.first_heading(parsed.text)
    return item.title == source.title(parsed, heading, item.slug).text


def has_front_matter(body: str) -> bool:
    """Whether a body begins with what may have been written to say what was set apart."""
    return bool(source.parse(body).data)
