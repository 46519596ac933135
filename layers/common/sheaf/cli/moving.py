"""Moves: a page, or all pages below a folder, get other names, and links follow them if wanted.

Up to a hundred pages move in one batch, together with new texts of the pages that link to them.
Before that, relative links in a page that moves become absolute if the move would mislead them:
they lead the same way from both names, so it does no harm to stop in between. Last come the links
that are left, such as those between pages of one batch: until then they are redirected.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from sheaf import slugs
from sheaf.cli import batches, edits, jobs, renaming
from sheaf.cli.batches import Change
from sheaf.cli.client import ApiError, Client, Page, PageItem, Refusal
from sheaf.cli.connection import ClientError
from sheaf.cli.edits import Reader
from sheaf.cli.renaming import Renaming

MOVED, RELINKED = "moved", "links updated in"


class CannotMove(ClientError):
    """Nothing was moved, and the message says why."""


class Mover:
    """Moves pages; `report` gets a line for each that has moved. With `relinks` links follow."""

    def __init__(
        self,
        client: Client,
        names: Renaming,
        threads: int,
        report: Callable[[str], None],
        *,
        relinks: bool = False,
    ) -> None:
        self._client = client
        self._names = names
        self._reader = Reader(client, threads)
        self._report = report
        self._relinks = relinks
        # The old names of pages that have moved, and the names of pages with other links.
        self._moved = set[str]()
        self._relinked = set[str]()
        # Pages of a batch that was refused because of them, by how often; and those given up.
        self._refusals = Counter[str]()
        self._failed = set[str]()
        self._left_out = set[str]()

    def run(self) -> Counter[str]:
        """Move what has not moved yet, and count what was done.

        Raises CannotMove before anything has moved, and ClientError.
        """
        found = self._found()
        self._check_names([page.slug for page in found])
        todo = [page.slug for page in found]
        while todo:
            some, rest = todo[: batches.MAX_CHANGES], todo[batches.MAX_CHANGES :]
            todo = self._move_first(some) + rest
        if self._relinks:
            self._follow_the_rest()
        counts = {MOVED: len(self._moved), jobs.FAILED: len(self._failed)}
        return Counter({**counts, RELINKED: len(self._relinked)})

    def _found(self) -> list[PageItem]:
        """The live pages that are to move; none if all have."""
        source = self._names.source
        if not self._names.of_folder:
            return self._page()
        found = self._below(source)
        if not found and not self._moved_before():
            raise CannotMove(f"There is no page below {source}")
        return found

    def _page(self) -> list[PageItem]:
        try:
            return [self._client.page(self._names.source)]
        except ApiError:
            if self._moved_before():
                return []
            raise

    def _moved_before(self) -> list[str]:
        """The old names that lead to the new ones: of pages that an earlier call has moved."""
        old = [self._names.source]
        if self._names.of_folder:
            old = [self._names.old(page.slug) for page in self._below(self._names.target)]
        unknown = [slug for slug in old if slug not in self._moved]
        leading = self._reader.each(self._client.moved_to, unknown)
        pairs = zip(unknown, leading, strict=True)
        return [slug for slug, new in pairs if new == self._names.new(slug)]

    def _below(self, prefix: str) -> list[PageItem]:
        return list(self._client.pages_below(prefix))

    def _check_names(self, found: Collection[str]) -> None:
        """Raise CannotMove, after a line for each page, if new names cannot be had."""
        target = self._names.target
        there = self._below(target) if self._names.of_folder else self._reader.pages([target])
        taken = {page.slug for page in there}
        faults = {slug: _fault(self._names.new(slug), taken) for slug in found}
        wrong = {slug: reason for slug, reason in faults.items() if reason}
        for slug, reason in wrong.items():
            jobs.report(f"{slug}: {reason}")
        if wrong:
            raise CannotMove(f"{len(wrong)} of {len(found)} pages cannot move, so none was moved")

    def _move_first(self, some: Sequence[str]) -> list[str]:
        """Move as many of these pages as fit into a batch; says which are still to be moved."""
        pages = self._reader.pages(self._pinned(some) if self._relinks else some)
        linking = self._linking(page.slug for page in pages)
        batch = pages
        while batch:
            links = self._links(batch, linking)
            if links is not None:
                rest = [page.slug for page in pages[len(batch) :]]
                return self._send(batch, links) + rest
            batch = batch[: len(batch) // 2]
        return []

    def _pinned(self, some: Sequence[str]) -> list[str]:
        """These, once their relative links lead the same way from both names; or none."""
        names = self._names
        failed = self._edit(
            some, lambda page: renaming.pinned(page.body, page.slug, names, page.file).body
        )
        for slug, reason in failed.items():
            self._fail(slug, reason)
        return self._together(some)

    def _linking(self, moving: Iterable[str]) -> dict[str, list[str]]:
        """The pages that link to each of these."""
        if not self._relinks:
            return {}
        sought = list(moving)
        found = self._reader.each(lambda slug: list(self._client.backlinks(slug)), sought)
        pages = zip(sought, found, strict=True)
        return {slug: [page.slug for page in linking] for slug, linking in pages}

    def _links(
        self, batch: Sequence[Page], linking: Mapping[str, Sequence[str]]
    ) -> dict[str, Change] | None:
        """The changes of other pages that belong to these moves; None if there are too many.

        A page that moves alone takes as many along as fit.
        """
        moving = {page.slug for page in batch}
        linked = {slug for page in batch for slug in linking.get(page.slug, ())}
        wanted = sorted(linked - moving - self._left_out)
        alone = len(batch) == 1
        if not alone and len(batch) + len(wanted) > batches.MAX_CHANGES:
            return None
        links: dict[str, Change] = {}
        for page in self._reader.pages(wanted[: batches.MAX_CHANGES]):
            change = edits.change(page, self._followed(page, moving | self._moved))
            tried = {**links, page.slug: change} if change else links
            if self._fits(batch, tried):
                links = tried
            elif not alone:
                return None
        return links if alone or self._fits(batch, links) else None

    def _fits(self, batch: Sequence[Page], links: Mapping[str, Change]) -> bool:
        moved = sum(len(page.body.encode()) for page in batch)
        new = sum(len(change["body"].encode()) for change in links.values())
        changes = [*self._moves(batch).values(), *links.values()]
        return batches.fits(changes) and moved + new <= batches.MAX_TEXT_BYTES

    def _moves(self, batch: Iterable[Page]) -> dict[str, Change]:
        new = self._names.new
        return {page.slug: batches.move(page.slug, page.version, new(page.slug)) for page in batch}

    def _send(self, batch: Sequence[Page], links: Mapping[str, Change]) -> list[str]:
        """Send a batch; says which of its pages are still to be moved, since it was refused."""
        refused = edits.send(self._client, {**self._moves(batch), **links})
        if not refused:
            self._relinked |= {self._names.new(slug) for slug in links}
            for page in batch:
                self._note_moved(page)
            return []
        moving = {page.slug for page in batch}
        for slug, why in refused.items():
            self._note_refused(slug, why, is_move=slug in moving)
        return self._together([page.slug for page in batch])

    def _together(self, some: Sequence[str]) -> list[str]:
        """All of these; none if one of them cannot move, for they move together."""
        others = [slug for slug in some if slug not in self._failed]
        if len(others) == len(some):
            return others
        for slug in others:
            self._fail(slug, "it would move together with pages that cannot")
        return []

    def _note_moved(self, page: Page) -> None:
        new = self._names.new(page.slug)
        self._moved.add(page.slug)
        self._report(f"{page.slug} -> {new}")
        if not self._relinks:
            for address in renaming.astray(page.body, page.slug, self._names, page.file):
                jobs.report(f"{new}: the link {address} leads elsewhere now")

    def _note_refused(self, slug: str, why: Refusal, *, is_move: bool) -> None:
        self._refusals[slug] += 1
        if why.is_stale and self._refusals[slug] < edits.ATTEMPTS:
            return  # is read again
        if is_move:
            self._fail(slug, why.reason)
        else:
            # Its turn comes last, and then it is reported if it cannot be changed.
            self._left_out.add(slug)

    def _follow_the_rest(self) -> None:
        """Update the links that did not go with a move, those of an earlier call included."""
        gone = self._moved | set(self._moved_before())
        linking = {slug for found in self._linking(sorted(gone)).values() for slug in found}
        for slug, reason in self._edit(
            sorted(linking), lambda page: self._followed(page, gone, tell=True)
        ).items():
            self._fail(slug, f"its links stay as they are: {reason}")

    def _followed(self, page: Page, moved: Collection[str], *, tell: bool = False) -> str:
        done = renaming.followed(page.body, page.slug, moved, self._names, page.file)
        for address in done.left if tell else ():
            jobs.report(f"{page.slug}: the link {address} stays as it is")
        return done.body

    def _edit(self, wanted: Iterable[str], new: Callable[[Page], str]) -> Mapping[str, str]:
        """Give pages other texts; says why some have theirs still."""
        edited = edits.edit(self._client, self._reader, wanted, new)
        self._relinked |= {self._names.new(slug) for slug in edited.done}
        return edited.failed

    def _fail(self, slug: str, reason: str) -> None:
        self._failed.add(slug)
        jobs.report(f"{slug}: {reason}")


def _fault(new: str, taken: Collection[str]) -> str | None:
    """Why no page can get this name."""
    try:
        slugs.check_new(slugs.parse(new))
    except slugs.BadSlug as error:
        return str(error)
    return f"there is a page at {new} already" if new in taken else None
