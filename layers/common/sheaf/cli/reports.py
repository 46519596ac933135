"""What an import, an export or both have done: counts, a line for what people have to see, JSON."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sheaf.cli import jobs
from sheaf.cli.planning import Kind

# So many keys are told of by name.
_KEYS = 10
# What nobody has to look into.
_QUIET = (Kind.CREATE, Kind.UPDATE, Kind.WRITE, Kind.KEEP)


@dataclass(frozen=True, slots=True)
class Done:
    """What was done with a file and its page, and why; `size` is how many bytes of text it had."""

    kind: Kind
    file: str
    slug: str
    reason: str = ""
    size: int = 0

    @property
    def line(self) -> str:
        """What people read of it."""
        said = self.reason if self.kind == Kind.FAIL else f"{self.kind}, {self.reason}"
        return f"{self.file or self.slug}: {said if self.reason else self.kind}"


@dataclass
class Report:
    """All that was done. With `dry` nothing was, and every line says what would be."""

    dry: bool = False
    done: list[Done] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    # Keys of front matter of which pages make nothing, by how many texts have them.
    unused: Counter[str] = field(default_factory=Counter)
    # How many texts have marks of a template language, which pages show as they are.
    templates: int = 0

    def note(self, done: Done) -> None:
        """Add something, and tell people if they have to see it."""
        self.done.append(done)
        if done.reason or done.kind not in _QUIET or (self.dry and done.kind != Kind.KEEP):
            jobs.report(done.line)

    @property
    def has_failed(self) -> bool:
        """Whether somebody has to do something."""
        return any(done.kind in (Kind.FAIL, Kind.CONFLICT) for done in self.done)

    @property
    def counts(self) -> Counter[str]:
        """How much was done of what."""
        return Counter(done.kind.value for done in self.done)

    def summary(self, always: Iterable[Kind]) -> str:
        """One line: what is always counted, what there is of the rest, and what has failed."""
        first = [kind for kind in always if kind != Kind.KEEP]
        others = [kind for kind in Kind if kind not in (*first, Kind.KEEP, Kind.FAIL)]
        shown = [*first, *(kind for kind in others if self.counts[kind])]
        counted = (f"{kind} {self.counts[kind]}" for kind in (*shown, Kind.KEEP, Kind.FAIL))
        return ("would be: " if self.dry else "") + ", ".join(counted)

    def tell_passed_over(self) -> None:
        """Say what holds no page, and why, if there is anything."""
        if self.passed_over:
            parts = (f"{number} {reason}" for reason, number in self.passed_over.most_common())
            jobs.report(f"passed over: {', '.join(parts)}")

    def tell_unused(self) -> None:
        """Say of which keys of front matter nothing was made, the most frequent ones first."""
        if self.unused:
            parts = [f"{key} {number}" for key, number in self.unused.most_common(_KEYS)]
            others = len(self.unused) - len(parts)
            more = f" and {others} others" if others else ""
            jobs.report(f"keys not used: {', '.join(parts)}{more}")

    def tell_templates(self) -> None:
        """Say how many texts have what a program was to put something else for."""
        if self.templates:
            files = "a file" if self.templates == 1 else f"{self.templates:,} files"
            jobs.report(f"marks of a template language, which stay as text: in {files}")

    def document(self) -> str:
        """All of it as JSON."""
        items = [
            {"file": each.file, "slug": each.slug, "outcome": each.kind, "reason": each.reason}
            for each in sorted(self.done, key=lambda each: (each.file, each.slug))
        ]
        counts = {kind.value: self.counts[kind] for kind in Kind}
        told = {"dry_run": self.dry, "counts": counts, "passed_over": dict(self.passed_over)}
        unused = dict(self.unused.most_common())
        in_texts = {"keys_not_used": unused, "templates": self.templates}
        return json.dumps({**told, **in_texts, "items": items}, indent=2)
