"""Why something that was asked for was not done: the errors of pages, in the words of editors."""

from uuid import UUID

from sheaf.pages.claims import Claim


class NotFound(LookupError):
    """There is no such thing; `what` names it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no {what}.")
        self.what = what


class Deleted(LookupError):
    """The page was deleted; its version tells which delete it was."""

    def __init__(self, slug: str, version: int) -> None:
        super().__init__(f"The page {slug} was deleted.")
        self.slug = slug
        self.version = version


class NotOffered(ValueError):
    """There is no list, or nothing else, of just this kind; the message says what there is."""


class TooLong(ValueError):
    """Texts have too many lines to be compared; the message says how many may be."""


class Busy(Exception):
    """Somebody else is saving the page at this moment."""


class Overtaken(Exception):
    """Somebody else saved the page first: nothing of the change was stored."""


class Outdated(Exception):
    """The page is not in the state that the change builds on; `found` is the one that it is in."""

    def __init__(self, found: Claim) -> None:
        super().__init__(found.slug)
        self.found = found


class LeaseLost(Exception):
    """The edit lease that a change named is not its author's any more.

    `holder` has taken it, if anybody; `draft` is the id under which the text was kept.
    """

    def __init__(self, slug: str, holder: str | None, draft: UUID | None = None) -> None:
        super().__init__(slug)
        self.slug = slug
        self.holder = holder
        self.draft = draft
