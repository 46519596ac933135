"""The rounds of imports, with few files and in a moment."""

import json
import random
from pathlib import Path

import pytest

from bench import import_rounds
from bench.import_rounds import OURS, THEIRS
from local.gateway.config import PROJECT


@pytest.mark.slow
def test_a_site_is_filled_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"ROUNDS": 1, "READ_ROUNDS": 1, "QUIET": 1}.items():
        monkeypatch.setattr(import_rounds, name, value)
    with import_rounds.served(OURS, PROJECT, tmp_path) as side:
        speeds = import_rounds.measure([side], tmp_path, 300, 4)
        looks = import_rounds.read(side, tmp_path, 4)
    assert speeds[OURS][0] > 0
    assert min(map(len, looks.values())) > 5
    result = import_rounds.summary(4, "abc", {300: {**speeds, THEIRS: speeds[OURS]}}, looks)
    import_rounds.show(json.loads(json.dumps(result)))
    said = capsys.readouterr().out
    assert "300 bytes" in said
    assert "x1.0 (at least x2: MISSED)" in said
    assert "Left out" in said


def test_files_are_new_each_time_and_as_large_as_they_should_be(tmp_path: Path) -> None:
    chance = random.Random(1)
    first, second = (import_rounds.files(tmp_path, 300, 2, chance) for _ in range(2))
    assert first.name != second.name
    sizes = [path.stat().st_size for path in tmp_path.rglob("*.md")]
    assert len(sizes) == 4
    assert all(300 <= size < 600 for size in sizes)


@pytest.mark.slow
def test_the_files_of_a_commit_are_there(tmp_path: Path) -> None:
    code = import_rounds.tree("HEAD", tmp_path / "tree")
    assert (code / "template.yaml").is_file()
