"""Lines for people: each is one on a terminal, and does nothing else to it.

Names of files and pages, and what a site says of them, may hold anything.
"""

import re
from typing import IO, Any

import click

# Controls (C0, C1), breaks of lines, what turns the direction of text (Unicode's Bidi_Control), and
# what stands for bytes of a name that are no text.
_UNSHOWN = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def line(message: object) -> str:
    r"""The message as one line, with what cannot be seen in it written as in Python's strings.

    >>> print(line("a\nb.md"))
    a\nb.md
    """
    return _UNSHOWN.sub(_escaped, str(message))


def say(message: object, file: IO[Any] | None = None) -> None:
    """Print one line, on standard output if nothing else is said."""
    click.echo(line(message), file)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
