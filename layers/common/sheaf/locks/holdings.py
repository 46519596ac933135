"""One holding of a lock, and what is known of it."""

import os
import time
from dataclasses import dataclass, field
from uuid import UUID

# A holder's id: made for each holding, or what the caller gave.
Token = UUID | str
NEVER_TAKEN, GIVEN_BACK = "was never taken here", "was given back before"
LOST = "expired, or was taken away"


@dataclass(eq=False)
class Holding:
    """One holding of a lock, from the request for it on, and what is known of it.

    `sign` is the token as it is stored, and `given` what it was made of, if the caller gave one.
    `deadline` is by `time.monotonic`. `leaving`: while it stood, it was asked to be given back, and
    no answer came. `ended` says how it ended, and is empty until then.
    """

    sign: bytes
    given: Token | None = None
    fence: int = 0
    deadline: float = 0.0
    leaving: bool = False
    ended: str = ""
    process: int = field(default_factory=os.getpid)

    def remaining(self) -> float:
        """Seconds for which it stands for certain."""
        return max(0.0, self.deadline - time.monotonic())

    @property
    def lost(self) -> bool:
        """Whether it can no longer be relied on, though it was not given back."""
        return self.ended == LOST or (not self.ended and self.remaining() == 0)


def text_of(name: str | bytes) -> str:
    """A name as text; bytes that are no UTF-8 are kept.

    Raises ValueError if it is empty, and TypeError if it is neither.
    """
    if not isinstance(name, str | bytes):
        raise TypeError(f"a lock's name is text or bytes: {name!r}")
    text = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    if not text:
        raise ValueError("a lock's name is not empty")
    encoded(text)  # or it is no text
    return text


def encoded(name: Token) -> bytes:
    """A name or token as bytes, from which `text_of` makes it again."""
    return str(name).encode("utf-8", "surrogateescape")
