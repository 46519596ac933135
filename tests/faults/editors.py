"""Editors under a test's control, each with its own wires, and the log of what they were told."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from tests.faults.checker import Attempt, Revision, check, page_body, pair_body
from tests.faults.world import revisions
from tests.servers.proxy import Proxy
from tests.waiting import PATIENCE, killed_if_late

# Timeouts of locks: one ends while its holder is stopped, any other outlasts its test.
SHORT = 0.4
_LONG = 2.0 * PATIENCE


class Failed(Exception):
    """A step was answered with an error; `kind` is its class."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(f"{answer['error']}: {answer.get('text', '')}")
        self.kind: str = answer["error"]
        self.stored: int = answer.get("stored", 0)


class Story:
    """What happens in one test: the writes that were tried, and the database they ended in."""

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url
        self.attempts: list[Attempt] = []

    def revisions(self) -> list[Revision]:
        """What the database holds."""
        return revisions(self.database_url)

    def violations(self) -> list[str]:
        """What is wrong with it."""
        return check(self.revisions(), self.attempts)

    def outcomes(self) -> list[str]:
        """How the writes ended, in the order in which they did."""
        return [attempt.reason or attempt.outcome for attempt in self.attempts]


class Editor:
    """An actor process that edits `slugs`: one page, or a pair of which it writes the `target`."""

    def __init__(self, cache: Proxy, database: Proxy, environment: dict[str, str], *options: str):
        self.cache, self.database = cache, database
        command = [sys.executable, "-m", "tests.faults.actor", *options]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, story: Story, slugs: Sequence[str], target: str) -> None:
        """Start afresh in a new story."""
        self.story, self.slugs, self.target = story, slugs, target
        self.mark = ""
        self.tell("reset")

    def send(self, do: str, **arguments: object) -> None:
        """Give a command and do not wait."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"do": do, "arguments": arguments}) + "\n")
        self.process.stdin.flush()

    def receive(self) -> Any:
        """The answer to the last command; raises Failed."""
        assert self.process.stdout
        with killed_if_late(self.process):
            line = self.process.stdout.readline()
        answer = json.loads(line or '{"error": "Ended"}')
        if "error" in answer:
            raise Failed(answer)
        return answer["answer"]

    def tell(self, do: str, **arguments: object) -> Any:
        """Give a command and wait for its answer."""
        self.send(do, **arguments)
        return self.receive()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The process stands still, as when its machine is frozen."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def acquire(self, lease: float = _LONG, wait: float = PATIENCE) -> None:
        """Take the locks of all pages."""
        assert self.tell("acquire", slugs=self.slugs, timeout=lease, wait=wait)

    def claim(self) -> None:
        """Claim all pages, and keep their versions."""
        self.versions = [self.tell("claim", slug=slug) for slug in self.slugs]

    def read(self) -> None:
        """Read the text that will be replaced."""
        self.text = self.tell("read", slug=self.target)

    def begin_save(self) -> None:
        """Send the command to save; its mark is a new one."""
        self.mark = uuid4().hex
        self.again()

    def again(self) -> None:
        """Send the same save once more."""
        pair = len(self.slugs) > 1
        body = pair_body(self.mark, self.versions) if pair else page_body(self.mark, self.text)
        self.send("save", slug=self.target, mark=self.mark, body=body)

    def end_save(self) -> Attempt:
        """What became of the save that was begun last."""
        try:
            attempt = Attempt(self.mark, self.target, "acknowledged", self.receive())
        except Failed as failed:
            unknown = failed.kind in ("OperationalError", "Unavailable")
            outcome = "unknown" if unknown else "refused"
            attempt = Attempt(self.mark, self.target, outcome, reason=failed.kind)
        self.story.attempts.append(attempt)
        return attempt

    def save(self) -> Attempt:
        """Save the target."""
        self.begin_save()
        return self.end_save()

    def put(self, version: int) -> Attempt:
        """A whole save of this version of the target, as the writes function does it."""
        self.mark = uuid4().hex
        body = page_body(self.mark, self.tell("read", slug=self.target))
        self.send("put", slug=self.target, version=version, body=body)
        return self.end_save()

    def release(self) -> None:
        """Give the locks back."""
        self.tell("release")

    def prepare(self, lease: float = _LONG) -> None:
        """All steps before the save."""
        self.acquire(lease)
        self.claim()
        self.read()

    def edit(self) -> Attempt:
        """A whole edit."""
        self.prepare()
        attempt = self.save()
        self.release()
        return attempt

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)
