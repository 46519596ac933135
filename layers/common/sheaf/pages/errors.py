"""Why something that was asked for was not done: the errors of pages, in the words of editors."""

from collections.abc import Sequence
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


class Redirected(LookupError):
    """The page has moved: it is at another slug now, `moved_to`."""

    def __init__(self, slug: str, moved_to: str) -> None:
        super().__init__(f"The page {slug} has moved to {moved_to}.")
        self.slug = slug
        self.moved_to = moved_to


class MovedAway(Redirected):
    """An import would make a page where one has moved from: the file of before brings it back."""


class NotOffered(ValueError):
    """There is no list, or nothing else, of just this kind; the message says what there is."""


class Unaddressed(LookupError):
    """Nobody has said where the site is, which what is asked for would have to say."""


class TooLarge(ValueError):
    """What is asked for is more at once than one waits for; the message says how much may be."""


class TooManyDrafts(ValueError):
    """Somebody has as many drafts as are kept: some have to be removed first."""

    def __init__(self, most: int) -> None:
        super().__init__(f"You have {most} drafts, and no more are kept. Discard some of them.")


class TooComplex(ValueError):
    """A text makes too much work to be a page, and at this line of its source it was too much."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(f"Up to line {line} the text {reason}. Make several pages of it.")
        self.line = line


class OtherFile(Exception):
    """The page has another file than its new text was composed for: links would start elsewhere."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.file = file


class Busy(Exception):
    """Somebody else is saving the page at this moment."""


class Overtaken(Exception):
    """Somebody else saved the page first: nothing of the change was stored."""


class Outdated(Exception):
    """The page is not in the state that the change builds on; `found` is the one that it is in."""

    def __init__(self, found: Claim) -> None:
        super().__init__(found.slug)
        self.found = found


class Taken(Outdated):
    """There is a page already where the change would put one; `found` is that."""


class Refused(Exception):
    """Some changes of a batch cannot be done, so none is: their places, and why not."""

    def __init__(self, reasons: Sequence[tuple[int, Exception]]) -> None:
        super().__init__(f"{len(reasons)} changes")
        self.reasons = reasons


class LeaseLost(Exception):
    """The edit lease that a change named is not its author's any more.

    `holder` has taken it, if anybody; `draft` is the id under which the text was kept.
    """

    def __init__(self, slug: str, holder: str | None, draft: UUID | None = None) -> None:
        super().__init__(slug)
        self.slug = slug
        self.holder = holder
        self.draft = draft
