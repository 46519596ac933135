"""The issuer's sessions: who is signed in, and which refresh token is the next that counts.

A file for each, which all workers see. A refresh token counts once: one that comes again was
stolen, or its answer was lost, and either way the session ends.
"""

import fcntl
import hmac
import json
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from local.laptop import state
from local.laptop.issuer import GrantError, Identity

LIFETIME_SECONDS = 30 * 24 * 3600
_ID = re.compile(r"[A-Za-z0-9_-]{22}")


class Sessions:
    """The sessions that are kept in a state directory; raises StateError where it is of no use."""

    def __init__(self, home: Path) -> None:
        self._folder = state.private(home / "sessions")

    def begin(self, person: Identity) -> str:
        """Begin a session; returns its id, which nobody can guess."""
        session = secrets.token_urlsafe(16)
        with self._alone():
            self._forget_old()
            self._renew(session, person)  # of which nobody hears
        return session

    def person(self, session: str) -> Identity:
        """Who is signed in; raises GrantError where the session has ended."""
        return self._read(session)[0]

    def refresh_token(self, session: str) -> str:
        """The session's next refresh token, in the place of any before it; raises GrantError."""
        with self._alone():
            person, _ = self._read(session)
            return self._renew(session, person)

    def redeem(self, token: str) -> tuple[Identity, str]:
        """Who a refresh token is of, and the next one; raises GrantError."""
        session, _, secret = token.partition(".")
        with self._alone():
            person, expected = self._read(session)
            if not hmac.compare_digest(secret.encode(), expected.encode()):
                self.end(session)
                raise GrantError("The refresh token was used already: the session has ended.")
            return person, self._renew(session, person)

    def end(self, session: str) -> None:
        """End a session, if there is one."""
        if _ID.fullmatch(session):
            (self._folder / session).unlink(missing_ok=True)

    def _renew(self, session: str, person: Identity) -> str:
        secret = secrets.token_urlsafe(16)
        self._write(session, person, secret)
        return f"{session}.{secret}"

    def _read(self, session: str) -> tuple[Identity, str]:
        path = self._folder / session
        if not _ID.fullmatch(session) or not path.exists():
            raise GrantError("There is no such session, or it has ended.")
        kept = json.loads(path.read_text())
        return Identity(**kept["person"]), kept["secret"]

    def _write(self, session: str, person: Identity, secret: str) -> None:
        new = self._folder / ".new"
        new.write_text(json.dumps({"person": asdict(person), "secret": secret}))
        new.replace(self._folder / session)

    def _forget_old(self) -> None:
        for path in self._folder.iterdir():
            if path.stat().st_mtime < time.time() - LIFETIME_SECONDS:
                path.unlink()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / ".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
