"""A page's content, composed of its source and what the author said about it."""

from sheaf.hashing import git_blob_id
from sheaf.pages.saves import Content
from sheaf.rendering import markdown, source


def compose(
    slug: str, body: str, title: str | None = None, tags: list[str] | None = None
) -> Content:
    """Render the body and derive the rest: title and tags if not given, search text, links."""
    parts = source.parse(body)
    rendered = markdown.render(parts.text, slug)
    return Content(
        title=title or source.title(parts, rendered.title, slug),
        tags=parts.tags if tags is None else tuple(dict.fromkeys(tags)),
        body=body,
        html=rendered.html,
        blob=git_blob_id(body.encode()),
        headings=rendered.headings,
        plain=rendered.plain,
        links=rendered.links,
    )
