"""What the largest texts cost that may be sent: saved or refused, whatever is in them.

    python -m bench.rendering [SHARE]

starts a Redis and a PostgreSQL of its own, and has a text of each family in bench/texts.py, and one
of the manual, saved by the function for writes: 1 MiB each, in a process of its own that has saved
before. The processor time of that process, and what it needs at most above what it needed before,
go to standard output and to bench/results/rendering.json. SHARE (1) makes the texts smaller.

Left out: what the database does with a text meanwhile, and texts of many families at once.
"""

import json
import multiprocessing
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import report
from bench.report import Target
from bench.servers import servers
from bench.texts import FAMILIES, Family

ROOT = Path(__file__).parents[1]
MAX_BYTES = 1024 * 1024
_SAMPLE = json.loads((ROOT / "events/writes/create.201.json").read_text())


def main() -> None:
    """Measure, show, save."""
    manual = "\n\n".join(path.read_text() for path in sorted((ROOT / "docs").rglob("*.md")))
    families = {"the manual": Family(manual), **FAMILIES}
    size = round(MAX_BYTES * report.share())
    # A process for each: what was freed is not given back, and would hide what the next one needs.
    processes = multiprocessing.get_context("fork")
    with (
        tempfile.TemporaryDirectory(prefix="sheaf-bench-") as home,
        servers(Path(home)),
        processes.Pool(1, maxtasksperchild=1) as pool,
    ):
        asked = [(name, family, size) for name, family in families.items()]
        found = dict(zip(families, pool.starmap(measure, asked, chunksize=1), strict=True))
    for name, each in sorted(found.items(), key=lambda item: -item[1]["seconds"]):
        print(f"{name:<44}{each['seconds']:6.2f} s{each['megabytes']:5.0f} MB  {each['answer']}")
    report.finish("rendering", {"families": found}, targets(found), __doc__)


def measure(name: str, family: Family, size: int) -> dict[str, Any]:
    """Have a text of the family saved; returns processor time, memory and the answer."""
    import writes.app  # noqa: PLC0415 - it reads its settings when it is imported
    from local.gateway.functions import Context  # noqa: PLC0415

    def save(slug: str, text: str) -> dict[str, Any]:
        event, context = _event(slug, text), Context("bench", 1024, 25)
        answer: dict[str, Any] = writes.app.handler(event, context)
        return answer

    slug = re.sub(r"\W+", "-", name) + "x"
    save(f"first/{slug}", "# First\n\n[a](b)")
    text = _fitting(family, size)
    before, started = _peak_kilobytes(), time.process_time()
    answer = save(f"then/{slug}", text)
    seconds = time.process_time() - started
    said = answer["statusCode"]
    if said not in (200, 201):
        said = f"{said} {json.loads(answer['body'])['detail']}"
    megabytes = (_peak_kilobytes() - before) / 1024
    return {"seconds": seconds, "megabytes": megabytes, "answer": said}


def _fitting(family: Family, size: int) -> str:
    """The longest text of a family that fits into a request of this size."""
    text = family.text(size)
    while len(json.dumps({"body": text}, ensure_ascii=False).encode()) > size:
        text = text[: len(text) * 49 // 50]
    return text


def _event(slug: str, text: str) -> dict[str, Any]:
    path = f"/api/pages/{slug}"
    context = _SAMPLE["requestContext"]
    return {
        **_SAMPLE,
        "rawPath": path,
        "pathParameters": {"slug": slug},
        "requestContext": {**context, "http": {**context["http"], "path": path}},
        "body": json.dumps({"body": text}, ensure_ascii=False),
    }


def _peak_kilobytes() -> int:
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1])


def targets(found: dict[str, Any]) -> list[Target]:
    """The promises, and what has become of them."""
    seconds = max(each["seconds"] for each in found.values())
    megabytes = max(each["megabytes"] for each in found.values())
    return [
        Target("seconds of a processor at most", "≤ 2", seconds, seconds <= 2),
        Target("megabytes at most", "≤ 64", megabytes, megabytes <= 64),
        Target("answers of 500", "none", *_faults(found)),
    ]


def _faults(found: dict[str, Any]) -> tuple[float, bool]:
    faults = sum(str(each["answer"]).startswith("5") for each in found.values())
    return faults, not faults


if __name__ == "__main__":
    main()
