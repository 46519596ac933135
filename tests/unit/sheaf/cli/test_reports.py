import json
from collections import Counter

import pytest

from sheaf.cli.planning import Kind
from sheaf.cli.reports import Done, Report


def test_people_are_told_what_they_have_to_see(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.note(Done(Kind.CREATE, "a.md", "a"))
    report.note(Done(Kind.LEAVE, "b.md", "b", "changed on the site only"))
    report.note(Done(Kind.FAIL, "", "c", "the name is hidden"))
    report.note(Done(Kind.MERGE, "d.md", "d"))
    assert capsys.readouterr().err.splitlines() == [
        "b.md: left, changed on the site only",
        "c: the name is hidden",
        "d.md: merged",
    ]


def test_a_dry_run_tells_all_that_would_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(dry=True)
    report.note(Done(Kind.CREATE, "a.md", "a"))
    report.note(Done(Kind.KEEP, "b.md", "b"))
    assert capsys.readouterr().err == "a.md: created\n"
    assert report.summary([Kind.CREATE]) == "would be: created 1, unchanged 1, failed 0"


def test_the_summary_has_what_is_always_counted_and_what_there_is() -> None:
    report = Report()
    assert report.summary([Kind.CREATE]) == "created 0, unchanged 0, failed 0"
    report.note(Done(Kind.CONFLICT, "a.md", "a"))
    assert report.summary([]) == "in conflict 1, unchanged 0, failed 0"


@pytest.mark.parametrize(
    ("kind", "fails"), [(Kind.FAIL, True), (Kind.CONFLICT, True), (Kind.LEAVE, False)]
)
def test_what_is_left_is_no_failure(kind: Kind, fails: bool) -> None:
    report = Report()
    report.note(Done(kind, "a.md", "a"))
    assert report.has_failed == fails


def test_what_was_passed_over_is_counted_by_why(capsys: pytest.CaptureFixture[str]) -> None:
    Report().tell_passed_over()
    Report(passed_over=Counter({".png": 3, "hidden name": 1})).tell_passed_over()
    assert capsys.readouterr().err == "passed over: 3 .png, 1 hidden name\n"


@pytest.mark.parametrize(("number", "said"), [(0, ""), (1, "in a file"), (1200, "in 1,200 files")])
def test_files_with_a_template_language_are_counted(
    capsys: pytest.CaptureFixture[str], number: int, said: str
) -> None:
    report = Report(templates=number)
    report.tell_templates()
    assert capsys.readouterr().err.strip().endswith(said)
    assert json.loads(report.document())["templates"] == number


def test_keys_that_are_not_used_are_counted_the_most_frequent_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Report().tell_unused()
    Report(unused=Counter({"weight": 120, "layout": 40})).tell_unused()
    many = Counter({f"k{number:02}": 20 - number for number in range(13)})
    Report(unused=many).tell_unused()
    few, line = capsys.readouterr().err.splitlines()
    assert few == "keys not used: weight 120, layout 40"
    assert line.startswith("keys not used: k00 20, k01 19, ")
    assert line.endswith(", k09 11 and 3 others")
    assert json.loads(Report(unused=many).document())["keys_not_used"] == many


def test_the_document_says_what_was_done_with_each() -> None:
    report = Report(passed_over=Counter({".png": 3}))
    report.note(Done(Kind.LEAVE, "b\udcff.md", "b", "why"))
    report.note(Done(Kind.CREATE, "a.md", "a"))
    document = json.loads(report.document())
    assert document["items"] == [
        {"file": "a.md", "slug": "a", "outcome": "created", "reason": ""},
        {"file": "b\udcff.md", "slug": "b", "outcome": "left", "reason": "why"},
    ]
    assert document["counts"]["left"] == 1
    assert document["counts"]["failed"] == 0
    assert (document["passed_over"], document["dry_run"]) == ({".png": 3}, False)
