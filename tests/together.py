"""Writers of one page who merge, by the loop that the editor has: no line is lost, nobody is stuck.

    python -m tests.together --saves 10000 --url http://127.0.0.1:3000 --token "$SHEAF_TOKEN"

Each has a section of the page, changes its lines and adds others. What it expects of its section is
kept here, and compared in the end.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

WRITERS = 8
MOST_LINES = 100
# As often as the editor asks by itself; then a person has to press Save again.
_TRIES = 3
_PATIENCE_SECONDS = 60.0


def _first_text() -> str:
    return "".join(f"## Section {number}\n\nIts end.\n\n" for number in range(WRITERS))


def sections(text: str) -> list[list[str]]:
    """The lines that the writers have in a text, by their numbers."""
    parts = text.split("## Section ")[1:]
    return [part.partition("\n\n")[2].partition("Its end.")[0].split("\n")[:-1] for part in parts]


@dataclass
class Writer:
    """A person with an editor: what it has loaded, and what its section is to be."""

    number: int
    client: httpx.Client
    slug: str
    counts: Counter[str]
    lines: list[str] = field(default_factory=list)
    version: int = 0
    body: str = ""

    def __post_init__(self) -> None:
        self._random = random.Random(self.number)
        self._load(self._answered(self.client.get(f"/api/pages/{self.slug}")))

    def edit(self) -> None:
        """Change a line or add one, and save it, pressing Save until it is done."""
        lines = self.lines
        line = f"writer {self.number} {self._random.getrandbits(64):x}"
        if lines and (len(lines) >= MOST_LINES or self._random.random() < 0.5):
            lines[self._random.randrange(len(lines))] = line
        else:
            lines.append(line)
        body: str | None = self._with_my_lines()
        while body is not None:
            body = self._press_save(body)
            self.counts["presses of Save"] += 1

    def _with_my_lines(self) -> str:
        head = f"## Section {self.number}\n\n"
        before, _, rest = self.body.partition(head)
        return (
            before
            + head
            + "".join(f"{line}\n" for line in self.lines)
            + rest[rest.index("Its end.") :]
        )

    def _press_save(self, body: str) -> str | None:
        """Save, and merge where somebody was faster; the text to go on with, if any."""
        for _ in range(_TRIES):
            answer = self.client.put(
                f"/api/pages/{self.slug}",
                json={"body": body},
                headers={"If-Match": f'"v{self.version}"'},
            )
            if answer.status_code == 200:
                self._load(answer.json())
                return None
            if answer.status_code in (409, 503):  # a person reads why, and presses Save again
                time.sleep(self._random.uniform(0, 0.2))
                continue
            assert answer.status_code == 412, answer.text
            body = self._merge(body)
        return body

    def _merge(self, body: str) -> str:
        asked = {"base": self.version, "body": body}
        merged = self._answered(self.client.post(f"/api/merges/{self.slug}", json=asked))
        assert merged["conflicts"] == [], "the sections are apart from each other"
        self.version = merged["version"]
        self.counts["merges"] += 1
        text: str = merged["body"]
        return text

    def _load(self, page: dict[str, Any]) -> None:
        self.version, self.body = page["version"], page["body"]
        assert sections(self.body)[self.number] == self.lines, "nobody else writes here"

    @staticmethod
    def _answered(answer: httpx.Response) -> dict[str, Any]:
        value: dict[str, Any] = answer.raise_for_status().json()
        return value


def write_together(url: str, token: str, slug: str, saves: int) -> Counter[str]:
    """Have all write until there are so many saves; raises AssertionError for a lost line."""
    counts: Counter[str] = Counter()
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=_PATIENCE_SECONDS) as client:
        first = {"body": _first_text()}
        client.put(
            f"/api/pages/{slug}", json=first, headers={"If-None-Match": "*"}
        ).raise_for_status()
        writers = [Writer(number, client, slug, counts) for number in range(WRITERS)]
        begun = time.monotonic()
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(lambda each: _write(each, -(-saves // WRITERS)), writers))
        counts["seconds"] = round(time.monotonic() - begun)
        page = client.get(f"/api/pages/{slug}").raise_for_status().json()
        counts["saves"] = page["version"] - 1
        assert sections(page["body"]) == [each.lines for each in writers]
    return counts


def _write(writer: Writer, saves: int) -> None:
    for _ in range(saves):
        writer.edit()


def _lines(counts: Counter[str]) -> Iterator[str]:
    for name, count in counts.items():
        yield f"{count:8} {name}\n"


def main() -> None:
    """Write, and say what it took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--saves", type=int, default=1000)
    parser.add_argument("--url", default="http://127.0.0.1:3000")
    parser.add_argument("--token", required=True, help="of an editor")
    parser.add_argument("--slug", default=f"together/{random.getrandbits(32):x}")
    sys.stdout.writelines(_lines(write_together(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
