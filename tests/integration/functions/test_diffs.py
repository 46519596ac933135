"""What changed between two versions, for programs and for people."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.needs import needs
from tests.site import Site

OLD = "# Tea\n\nThree minutes.\n\nWith <b>milk</b>.\n"
NEW = "# Tea\n\nFour minutes.\n\nWith <b>milk</b>.\n\nOr without.\n"


@pytest.fixture
def tea(site: Site) -> Site:
    site.create("tea", OLD)
    site.update("tea", NEW, 1)
    return site


def test_a_diff_leads_from_one_version_to_the_other_and_back(tea: Site, tmp_path: Path) -> None:
    answer = tea.get("/api/revisions/tea?from=1&to=2").json
    assert (answer["from"], answer["to"]) == (1, 2)
    assert applied(answer["diff"], OLD, tmp_path / "version 2") == NEW
    back = tea.get("/api/revisions/tea?from=2&to=1").json["diff"]
    assert applied(back, NEW, tmp_path / "version 1") == OLD


def applied(diff: str, text: str, file: Path) -> str:
    """What git makes of a text by a diff that calls it so: unlike `patch` it makes no guesses."""
    needs(shutil.which("git") is not None, "git")
    file.write_text(text)
    subprocess.run(
        ["git", "apply", "-p0"],
        cwd=file.parent,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(file.parents[1])},
        input=diff,
        text=True,
        check=True,
        timeout=60,
    )
    return file.read_text()


def test_the_same_text_has_no_diff(tea: Site) -> None:
    assert tea.get("/api/revisions/tea?from=2&to=2").json["diff"] == ""
    assert "The text is the same" in tea.get("/-/diff/tea?from=2&to=2").text


def test_a_delete_removes_all(tea: Site) -> None:
    tea.delete("tea", 2)
    diff = tea.get("/api/revisions/tea?from=2&to=3").json["diff"]
    assert [line[0] for line in diff.splitlines()[3:]] == ["-"] * len(NEW.splitlines())
    assert tea.get("/-/diff/tea?from=2&to=3").status_code == 200


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=0&to=1", 400),
        ("from=x&to=1", 400),
        ("from=1&to=9", 404),
        ("from=9&to=1", 404),
    ],
)
def test_both_versions_must_be_there(tea: Site, query: str, status: int) -> None:
    assert tea.get(f"/api/revisions/tea?{query}").status_code == status
    assert tea.get(f"/-/diff/tea?{query}").status_code == status


@pytest.mark.parametrize("query", ["from=1", "to=2", ""])
def test_where_versions_are_chosen(tea: Site, query: str) -> None:
    chosen = tea.get(f"/-/diff/tea?{query}")
    assert (chosen.status_code, chosen.headers["Location"]) == (303, "/-/history/tea")
    assert tea.get(f"/-/diff/none?{query}").status_code == 404
    if query:
        assert tea.get(f"/api/revisions/tea?{query}").status_code == 400


def test_a_long_page_is_compared(site: Site, tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(7000)]
    old = "\n".join(lines)
    new = "\n".join([*lines[:10], *lines[11:6000], "line of mine", *lines[6000:]])
    site.create("long", old)
    site.update("long", new, 1)
    diff = site.get("/api/revisions/long?from=1&to=2").json["diff"]
    assert applied(diff, old, tmp_path / "version 2") == new
    answer = site.get("/-/diff/long?from=1&to=2")
    assert (answer.status_code, answer.text.count("<h2>Line ")) == (200, 2)
    assert "<mark>line of mine</mark>" in answer.text


def test_people_see_what_was_removed_and_added(tea: Site) -> None:
    answer = tea.get("/-/diff/tea?from=1&to=2")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert "<del><mark>Three</mark> minutes.\n</del>" in answer.text
    assert "<ins><mark>Four</mark> minutes.\n</ins>" in answer.text
    assert "<ins><mark>\nOr without.</mark>\n</ins>" in answer.text
    assert "&lt;b&gt;milk" in answer.text
    assert "style=" not in answer.text
    assert "/-/diff/tea?from=1&amp;to=2" in tea.get("/-/history/tea").text


def test_people_may_see_both_texts_side_by_side(tea: Site) -> None:
    below = tea.get("/-/diff/tea?from=1&to=2").text
    assert 'href="?from=1&amp;to=2&amp;view=side"' in below
    assert "<table" not in below
    beside = tea.get("/-/diff/tea?from=1&to=2&view=side").text
    assert 'href="?from=1&amp;to=2"' in beside
    assert '<th scope="col">Version 1</th><th scope="col">Version 2</th>' in beside
    removed = "<pre><del><mark>Three</mark> minutes.\n</del></pre>"
    added = "<pre><ins><mark>Four</mark> minutes.\n</ins></pre>"
    assert f"<td>{removed}</td>\n<td>{added}</td>" in beside
    assert "<td></td>\n<td><pre><ins><mark>\nOr without.</mark>" in beside
    assert tea.get("/-/diff/tea?from=1&to=2&view=above").status_code == 400


def test_a_blank_line_stays_where_laid_out_text_begins(site: Site) -> None:
    site.create("blank", "\n\ntwo\nthree")
    site.update("blank", "\n\ntwo\nfour", 1)
    # The first line break behind <pre> is none.
    assert "<pre>\n\n\ntwo\n</pre>" in site.get("/-/diff/blank?from=1&to=2").text
