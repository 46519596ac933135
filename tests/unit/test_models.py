"""The models of the protocols: safe as designed, and each of their parts is needed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.needs import needs

pytestmark = pytest.mark.slow

MODELS = Path(__file__).parents[2] / "docs" / "models"

# Promises, as spin writes them when they are broken, without spaces.
STUCK = "invalidendstate"
ALL_READ_IS_THERE = "((version[0]==seen[0])&&((last==0)||(version[1]==seen[1])))"
ALL_WERE_MINE = "both_mine"
ALONE = "(at_work==0)"
GIVEN_BACK_LATE_WAS_MINE = "(holder[late_name]==late_token)"
GIVEN_BACK_WAS_MINE = {
    "(holder[first]==token)",
    "(holder[second]==token)",
    GIVEN_BACK_LATE_WAS_MINE,
}
NONE_KEPT = (
    "(((holder[first]!=token)||((late_token==token)&&(late_name==first)))"
    "&&((holder[second]!=token)||((late_token==token)&&(late_name==second))))"
)
NOTHING_UNSEEN = "(version==seen)"
NOBODY_TOOK_IT = "((composed_under==0)||(turns==composed_under))"
NOBODY_ELSE_HOLDS = "(!(live)||(lease_holder==person))"
TOLD_IF_TAKEN = "!(taken)"
TOLD_ONLY_IF_TAKEN = "(!((turns==composed_under))||(lease_fence!=presented))"
BUILT_ON_WHAT_IS_THERE = "(version[page]==seen[page])"
NOT_RESERVED = "!(reserved[page])"
NOTHING_PREPARED = "(((state[0]==0)&&(state[1]==0))&&(state[(2-1)]==0))"
NOTHING_PREPARED_OF_THREE = NOTHING_PREPARED.replace("2-1", "3-1")
ALL_OR_NONE = "((stored[1]==0)||(stored[1]==((1<<2)-1)))"
AS_DECIDED = "((stored[1]==((1<<2)-1))==(decision[1]==1))"
NONE_IF_REFUSED = "(!(refused[1])||(stored[1]==0))"
NOT_TWICE = "((stored[1]==0)||(stored[2]==0))"
CACHED_AS_ANSWERED = (
    "(((cached[0]==0)||(cached[0]>=answered[0]))&&((cached[1]==0)||(cached[1]>=answered[1])))"
)
STORED_AS_ANSWERED = "((version[0]>=answered[0])&&(version[1]>=answered[1]))"
AS_ANSWERED = {CACHED_AS_ANSWERED, STORED_AS_ANSWERED}
CACHED_IS_NEWEST = (
    "(((cached[0]==0)||(cached[0]==version[0]))&&((cached[1]==0)||(cached[1]==version[1])))"
)
HALF_IS_LOST = {ALL_OR_NONE, AS_DECIDED, *AS_ANSWERED, CACHED_IS_NEWEST}


def verify(place: Path, model: str, *macros: str, stops: bool = True) -> str:
    """What spin's verifier says about a model.

    It stops at the first thing that goes wrong, and leaves in the folder how that came about. If
    not, it goes on and says what else can.
    """
    needs(bool(shutil.which("spin") and shutil.which("gcc")), "spin and gcc")
    source = str(MODELS / f"{model}.pml")
    for command in (
        ["spin", "-a", *(f"-D{macro}" for macro in macros), source],
        ["gcc", "-w", "-O2", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=2000", "-o", "pan", "pan.c"],
    ):
        subprocess.run(command, cwd=place, check=True, capture_output=True, timeout=120)
    verifier = subprocess.run(
        ["./pan", "-m10000", f"-c{int(stops)}"],
        cwd=place,
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "max search depth too small" not in verifier.stdout
    return verifier.stdout


def broken(report: str) -> set[str]:
    """The promises that a report says can be broken."""
    found = re.findall(r"^pan:\d+: (.+) \(at depth \d+\)$", report, re.MULTILINE)
    return {re.sub(r"^assertion violated|\s", "", one) for one in found}


@pytest.mark.parametrize(
    ("model", "assumed"),
    [
        ("writes", ""),
        ("multi_lock", ""),
        ("multi_lock", "PATIENT"),
        ("multi_lock", "ALONE IN_TIME"),
        ("edit_lease", ""),
        ("batches", ""),
        ("batches", "NO_VERSION"),
        ("batches", "TWO_BATCHES"),
        ("batches", "TWO_BATCHES CALM"),
        ("batches", "TWO_BATCHES SAME_KEY"),
    ],
)
def test_no_order_of_steps_breaks_a_promise(model: str, assumed: str, tmp_path: Path) -> None:
    report = verify(tmp_path, model, *assumed.split())
    assert "errors: 0\n" in report, report
    assert "Search not completed" not in report
    assert not list(tmp_path.glob("*.trail"))


@pytest.mark.parametrize("part", ["NO_CLAIM", "CLAIM_AFTER_READ", "OWN_ROW_ONLY", "NO_VERSION"])
def test_an_edit_is_lost_without_this_part(part: str, tmp_path: Path) -> None:
    assert broken(verify(tmp_path, "writes", part)) == {ALL_READ_IS_THERE}
    assert (tmp_path / "writes.pml.trail").stat().st_size > 0


@pytest.mark.parametrize(
    ("model", "macros", "promises"),
    [
        ("multi_lock", "NO_PROOF", {ALL_WERE_MINE}),
        ("multi_lock", "NO_PROOF ALONE IN_TIME", {ALL_WERE_MINE, ALONE}),
        ("multi_lock", "PROOF_TAKES", {ALL_WERE_MINE}),
        ("multi_lock", "NO_ORDER PATIENT", {STUCK}),
        ("multi_lock", "NO_TOKEN", GIVEN_BACK_WAS_MINE),
        ("multi_lock", "TOKEN_OF_CLIENT", {GIVEN_BACK_LATE_WAS_MINE}),
        ("multi_lock", "KEEP_ON_FAILURE", {NONE_KEPT}),
        ("multi_lock", "KEEP_ON_FAILURE PATIENT", {STUCK}),
        ("multi_lock", "KEEP_UNANSWERED", {NONE_KEPT}),
        ("multi_lock", "ALONE", {ALONE}),
        ("edit_lease", "NO_CHECK", {NOBODY_TOOK_IT, NOBODY_ELSE_HOLDS}),
        ("edit_lease", "CHECK_FIRST", {NOBODY_TOOK_IT, NOBODY_ELSE_HOLDS}),
        ("edit_lease", "NO_MARK", {NOBODY_TOOK_IT, NOBODY_ELSE_HOLDS}),
        ("edit_lease", "MARK_NEW_ONLY", {NOBODY_ELSE_HOLDS}),
        ("edit_lease", "HOLDER_ONLY", {NOBODY_TOOK_IT, TOLD_IF_TAKEN}),
        ("edit_lease", "FENCE_ONLY", {NOBODY_ELSE_HOLDS}),
        ("edit_lease", "FENCE_RESTARTS", {NOBODY_TOOK_IT, TOLD_IF_TAKEN}),
        ("edit_lease", "NO_VERSION", {NOTHING_UNSEEN}),
        ("edit_lease", "ASK_TIME", {TOLD_ONLY_IF_TAKEN}),
        ("edit_lease", "NO_EXPIRY", {STUCK}),
        ("edit_lease", "NO_SECOND_LOOK", {TOLD_IF_TAKEN}),
        ("batches", "EARLY_COMMIT", {ALL_OR_NONE, NONE_IF_REFUSED}),
        ("batches", "DECIDE_FIRST", {*HALF_IS_LOST, NONE_IF_REFUSED}),
        ("batches", "NO_DECISION", {*HALF_IS_LOST, NONE_IF_REFUSED}),
        ("batches", "OVERWRITE", HALF_IS_LOST),
        ("batches", "FORGET", HALF_IS_LOST),
        ("batches", "LOST_IS_NO", {ALL_OR_NONE, AS_DECIDED, NONE_IF_REFUSED, *AS_ANSWERED}),
        ("batches", "NO_RECOVERY", {NOTHING_PREPARED, ALL_OR_NONE, AS_DECIDED}),
        ("batches", "COMMIT_ALL", {ALL_OR_NONE, NONE_IF_REFUSED}),
        ("batches", "ABORT_ALL", HALF_IS_LOST),
        ("batches", "ONLY_READ", HALF_IS_LOST),
        ("batches", "ANSWER_FIRST", {CACHED_AS_ANSWERED}),
        ("batches", "RETRY_ANSWERS", AS_ANSWERED),
        ("batches", "NO_RELAY", {CACHED_IS_NEWEST}),
        ("batches", "NO_CLAIM", {NOT_RESERVED}),
        (
            "batches",
            "NO_CLAIM NO_VERSION",
            {NOT_RESERVED, BUILT_ON_WHAT_IS_THERE, CACHED_IS_NEWEST},
        ),
        ("batches", "TWO_BATCHES CALM NO_ORDER", {STUCK, NOTHING_PREPARED_OF_THREE}),
        ("batches", "TWO_BATCHES SAME_KEY NO_KEY", {NOT_TWICE}),
    ],
)
def test_just_these_promises_break_without_this_part(
    model: str, macros: str, promises: set[str], tmp_path: Path
) -> None:
    assert broken(verify(tmp_path, model, *macros.split(), stops=False)) == promises


@pytest.mark.parametrize(
    ("model", "assumed", "claim"),
    [
        ("writes", "", "(saves<3)"),
        ("multi_lock", "", "(entered<3)"),
        ("edit_lease", "", "(saves<4)"),
        ("batches", "", "(answers<3)"),
        ("batches", "TWO_BATCHES CALM", NOT_TWICE),
    ],
)
def test_the_model_is_not_safe_because_nothing_happens_in_it(
    model: str, assumed: str, claim: str, tmp_path: Path
) -> None:
    assert broken(verify(tmp_path, model, "NEVER_ALL", *assumed.split())) == {claim}
