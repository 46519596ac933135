"""Checks of what an editor does: one page is created, read, changed, found and deleted.

A check returns what it saw, for people, or raises CheckFailed or CheckSkipped.
"""

from http import HTTPStatus

from pydantic import BaseModel

from sheaf.cli.client import ApiError, Client, Page
from sheaf.cli.connection import ClientError
from sheaf.cli.smoke_reads import hits
from sheaf.cli.smoke_visit import CheckFailed, Visit, require
from sheaf.http.conditions import version_etag


class Revision(BaseModel):
    """A version in a page's history."""

    version: int


class Revisions(BaseModel):
    """A page's history, the newest version first."""

    items: list[Revision]


def create(visit: Visit) -> str:
    """A page where none was."""
    answer = visit.write("PUT", _text(visit, 1), If_None_Match="*").expect(201)
    visit.version = answer.read(Page).version
    return f"{visit.slug}, version {visit.version}"


def read_back(visit: Visit) -> str:
    """Those who have saved read at once what they have saved."""
    text = _text(visit, visit.saved())
    page = visit.get(visit.page).expect(200)
    require(page.header("etag") == version_etag(visit.version), f"{visit.page} has another version")
    require(page.read(Page).body == text, f"{visit.page} has another text")
    document = visit.saved_page().expect(200).expect_type("text/html")
    require(text.strip() in document.text, f"{document.request} does not show what was saved")
    return f"version {visit.version}, as JSON and as HTML"


def no_precondition(visit: Visit) -> str:
    """Nobody saves without saying what they have read."""
    visit.saved()
    visit.write("PUT", _text(visit, 0)).expect(428)
    return "428"


def update(visit: Visit) -> str:
    """The next version, by somebody who has read this one."""
    version = visit.saved()
    answer = visit.write("PUT", _text(visit, version + 1), If_Match=version_etag(version))
    saved = answer.expect(200).read(Page).version
    require(saved == version + 1, f"version {version} was made version {saved}")
    visit.version = saved
    return read_back(visit)


def stale_save(visit: Visit) -> str:
    """Nobody overwrites what they have not seen."""
    older = version_etag(visit.saved() - 1)
    visit.write("PUT", _text(visit, 0), If_Match=older).expect(412)
    read_back(visit)
    return f"412 for {older}"


def history(visit: Visit) -> str:
    """Every version is kept."""
    expected = list(range(visit.saved(), 0, -1))
    answer = visit.get(f"/api/revisions/{visit.slug}").expect(200)
    found = [item.version for item in answer.read(Revisions).items]
    require(found == expected, f"versions {found}, not {expected}")
    return f"versions {', '.join(map(str, found))}"


def found_by_search(visit: Visit) -> str:
    """What has been saved is found by the next search."""
    visit.saved()
    found = hits(visit, visit.word)
    require(found == [visit.slug], f"{visit.word} is found in {found or 'no page'}")
    return f"by the word {visit.word}"


def delete(visit: Visit) -> str:
    """A page that was deleted is gone, for programs and for people."""
    visit.write("DELETE", If_Match=version_etag(visit.saved())).expect(204)
    visit.version += 1
    visit.get(visit.page).expect(410)
    visit.saved_page().expect(410)
    return "410"


def clean_up(visit: Visit) -> str:
    """Whatever went wrong, the page does not stay."""
    client = Client(visit.url, visit.token)
    try:
        client.delete(visit.slug, client.page(visit.slug).version)
    except ApiError as error:
        if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return "nothing was left"
        raise _left_behind(visit, error) from error
    except ClientError as error:
        raise _left_behind(visit, error) from error
    return f"{visit.slug} is deleted now"


def _left_behind(visit: Visit, error: ClientError) -> CheckFailed:
    return CheckFailed(f"{visit.slug} may be left behind: {error}")


def _text(visit: Visit, version: int) -> str:
    return f"{visit.word} is a test of this site, save {version}.\n"
