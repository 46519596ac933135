import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest

from sheaf.cli import jobs


@dataclass(frozen=True)
class Done:
    number: int
    size: int = 3


def run(
    work: Callable[[int], Done], numbers: Iterable[int], done: Callable[[Done], object]
) -> None:
    jobs.run(
        lambda some: [work(job) for job in some],
        numbers,
        take=lambda waiting: [waiting.popleft() for _ in range(min(3, len(waiting)))],
        at_once=lambda: 2,
        note=done,
    )


def test_what_came_of_each_job_is_noted() -> None:
    done: list[Done] = []
    run(Done, range(8), done.append)
    assert {each.number for each in done} == set(range(8))


def test_a_line_is_one_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    jobs.report("page 2: reason")
    assert capsys.readouterr().err == "page 2: reason\n"


def test_any_error_stops_the_run() -> None:
    begun = []

    def work(number: int) -> Done:
        begun.append(number)
        if number == 1:
            raise ConnectionError
        time.sleep(0.5)
        return Done(number)

    with pytest.raises(ConnectionError):
        run(work, range(1000), lambda done: None)
    assert len(begun) < 100
