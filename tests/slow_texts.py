"""A search for texts that make more work than their length explains.

    python -m tests.slow_texts [SECONDS]

Hypothesis makes texts of repeated pieces, likes those best that take longest, and stops at one that
takes too long: 64 KB much more than eight times as long as 8 KB, or 1 MiB longer than any text may.
"""

import sys
import time
from typing import NamedTuple

from hypothesis import HealthCheck, given, seed, settings, target
from hypothesis import strategies as st

from sheaf.rendering.markdown import render_stored

SMALL, LARGE, LARGEST = 8_192, 65_536, 1024 * 1024
# Eight times the text is eight times the work, or sixty-four times. The rest is for short times.
MAX_GROWTH, MARGIN_SECONDS = 20, 0.05
# Twice what is promised: other processes slow this one down.
MAX_SECONDS = 4.0
_ROUND = 20

_MARKS = [*"[]()!<>*_`~|-+#=&;:\\/\"'^{}$% \t\na1", "\n\n", "    ", "> ", "- ", "1. ", "```", "]("]
_MARKS += ["]: ", "![", "&#", "&amp;", "<a>", "http://a", "a@b.c", "|-|", "---\n", "\n> ", "\n- "]
_MARKS += ["<b>", "</b>", "<p>", "<div>\n", "</div>\n", "<!--", "-->", "<a href=x>", "[^a]"]
_MARKS += ["[^a]: ", ":::note\n", ":::\n", "/// tip\n", "///\n", "!!! a\n", "??? a\n", "$$"]
_MARKS += ["{#a}", "www.a", ": ", "> [!NOTE]\n", "- [ ] ", "```py\n", "==", "%%", " ^ab\n"]
_pieces = st.lists(st.sampled_from(_MARKS), min_size=1, max_size=8).map("".join)


class Shape(NamedTuple):
    """A text: what comes first, what is opened and closed again and again, what comes last."""

    first: str
    opened: str
    between: str
    closed: str
    last: str

    def text(self, size: int) -> str:
        """The text of about this many letters."""
        times = size // len(self.opened + self.closed)
        middle = self.opened * times + self.between + self.closed * times
        return self.first + middle + self.last


_shapes = st.builds(Shape, _pieces, _pieces, _pieces, st.just("") | _pieces, _pieces)


def seconds(text: str, rounds: int = 1) -> float:
    """The processor time that rendering takes, of the fastest round, which is disturbed least."""
    found = []
    for _ in range(rounds):
        started = time.process_time()
        render_stored(text, "x")
        found.append(time.process_time() - started)
    return min(found)


def is_in_proportion(small: str, large: str) -> bool:
    """Whether 64 KB take no more than they may after 8 KB; what looks slow is looked at twice."""
    most = MAX_GROWTH * seconds(small, 3) + MARGIN_SECONDS
    return any(seconds(large, rounds) <= most for rounds in (1, 3))


def check(shape: Shape) -> None:
    """Fail for texts of a shape that take too long; only what looks slow is looked at twice."""
    short, longer = (seconds(shape.text(size)) for size in (SMALL // 4, LARGE // 4))
    target(longer)
    if longer > MAX_GROWTH * short + MARGIN_SECONDS / 4:
        assert is_in_proportion(shape.text(SMALL), shape.text(LARGE)), shape
    if longer > MAX_SECONDS * LARGE / 4 / LARGEST:
        largest = seconds(shape.text(LARGEST))
        assert largest <= MAX_SECONDS or seconds(shape.text(LARGEST), 3) <= MAX_SECONDS, shape


def search(length: float) -> int:
    """Search for so many seconds; returns how many shapes were looked at."""
    looked_at = 0

    @settings(
        max_examples=_ROUND,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(_shapes)
    def look(shape: Shape) -> None:
        nonlocal looked_at
        looked_at += 1
        check(shape)

    end = time.monotonic() + length
    number = time.time_ns()
    while time.monotonic() < end:
        seed(number)(look)()
        number += 1
    return looked_at


if __name__ == "__main__":
    shapes = search(float(sys.argv[1]) if len(sys.argv) > 1 else 600)
    sys.stdout.write(f"{shapes} shapes, none of them slow\n")
