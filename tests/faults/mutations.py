"""The protocol of a save, broken on purpose: what the checker must be able to see.

Each replaces functions of the library in this process, so call `apply` in a writer only.
"""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import Connection, select

from sheaf.database.tables import pages
from sheaf.pages import claims, saves
from sheaf.pages.claims import Claim
from sheaf.pages.reads import PageItem
from sheaf.pages.saves import Write

NAMES = ("no-fence", "claim-after-read")

_claim, _save = claims.claim, saves.save
_MARKS = (pages.c.fence, pages.c.owner)
_READ = (pages.c.id, pages.c.version, pages.c.state, pages.c.author, pages.c.updated_at)


def apply(mutation: str | None) -> None:
    """Break the protocol in this process; None leaves it whole."""
    if mutation == "no-fence":
        claims.claim, saves.save = _only_read, _save_by_version
    elif mutation == "claim-after-read":
        claims.claim, saves.save = _only_read, _claim_and_save


def _only_read(connection: Connection, slug: str, fence: int, owner: UUID) -> Claim:
    """No mark is left in the row. A page that is not there yet is claimed as it should be."""
    row = connection.execute(select(*_READ).where(pages.c.slug == slug)).one_or_none()
    if row is None:
        return _claim(connection, slug, fence, owner)
    return Claim(slug, fence, owner, *tuple(row))


def _save_by_version(connection: Connection, claim: Claim, write: Write) -> PageItem:
    """Whatever claim the page has had since, only the version counts."""
    row = connection.execute(select(*_MARKS).where(pages.c.slug == claim.slug)).one()
    return _save(connection, replace(claim, fence=row.fence, owner=row.owner), write)


def _claim_and_save(connection: Connection, claim: Claim, write: Write) -> PageItem:
    """The claim comes as late as can be: what was read before it may be old by then."""
    late = _claim(connection, claim.slug, claim.fence, claim.owner)
    return _save(connection, late, write)
