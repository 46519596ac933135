import io
import unicodedata
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from sheaf.cli import jobs
from sheaf.cli.commands import commands
from sheaf.cli.lines import line, say
from sheaf.cli.planning import Kind
from sheaf.cli.reports import Done, Report

# Unicode's Bidi_Control.
TURNING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
UNSHOWN = {"Cc", "Cs", "Zl", "Zp"}
# Whatever a disk may take, and often what a terminal obeys.
NAMES = st.text(
    st.characters() | st.sampled_from([*"\x1b[2J\r\n\x07\x08\x7f\x9b\u2028\u2029", *TURNING]),
    max_size=20,
)


def is_shown(character: str) -> bool:
    return unicodedata.category(character) not in UNSHOWN and character not in TURNING


@given(NAMES)
@example("c\x1b[2J.md")
@example("a\nb.md: created")
@example("\udcff")
def test_a_line_is_one_and_shows_all_that_is_in_it(name: str) -> None:
    told = line(name)
    assert all(map(is_shown, told))
    assert len(told.splitlines()) == bool(name)
    shown = "".join(filter(is_shown, name))
    left = iter(told)
    assert all(character in left for character in shown)
    assert told == name or not all(map(is_shown, name))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("c\x1b[2J.md", r"c\x1b[2J.md"),
        ("nl\nname.md", r"nl\nname.md"),
        ("exe.\u202edm", r"exe.\u202edm"),
        ("a\u2028b\udcff", r"a\u2028b\udcff"),
        ("Über \U0001f469\u200d\U0001f4bb ही.md", "Über \U0001f469\u200d\U0001f4bb ही.md"),
    ],
)
def test_how_names_are_told(name: str, told: str) -> None:
    assert line(name) == told


@given(NAMES, NAMES, st.sampled_from(Kind))
def test_each_report_is_one_line(name: str, reason: str, kind: Kind) -> None:
    with redirect_stderr(io.StringIO()) as told:
        Report(dry=True).note(Done(kind, f"{name}.md", "slug", f"{reason}."))
        Report(passed_over=Counter([f".{name}"])).tell_passed_over()
        Report(unused=Counter([f"k{name}"])).tell_unused()
        jobs.report(name)
    with redirect_stdout(told):
        say(f"{name} -> {reason}")
    *lines, end = told.getvalue().split("\n")
    assert (len(lines), end) == (5, "")
    assert all(map(is_shown, "".join(lines)))


def as_argument(name: str) -> str:
    """As a system hands it over: bytes that are no text are surrogates of their own."""
    return name.replace("\0", "").encode(errors="surrogatepass").decode(errors="surrogateescape")


@given(NAMES.map(as_argument))
@example(as_argument("\udd00"))
def test_what_is_wrong_on_the_command_line_is_quoted_on_one_line(name: str) -> None:
    for arguments in (
        ["import", "--token", "x", f"none/{name}"],
        ["import", "--token", "x", ".", f"more{name}"],
        ["import", f"--no{name}"],
        ["export", "--prefix", f"../{name}", "."],
        ["move", "--token", "x", f"a//{name}", "b"],
        [f"none{name}"],
        [f"--no{name}"],
    ):
        done = CliRunner().invoke(commands, arguments)
        assert done.exit_code == 2
        usage, hint, empty, error, end = done.output.split("\n")
        assert (usage[:6], hint[:3], empty, error[:7], end) == ("Usage:", "Try", "", "Error: ", "")
        assert all(map(is_shown, error))
