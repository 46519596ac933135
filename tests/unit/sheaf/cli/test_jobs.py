import time
from dataclasses import dataclass

import pytest

from sheaf.cli import jobs


@dataclass(frozen=True)
class Done:
    number: int
    size: int = 3


def test_what_came_of_each_job_is_noted() -> None:
    done: list[Done] = []
    jobs.run(Done, range(5), 2, done.append)
    assert {each.number for each in done} == set(range(5))


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
        jobs.run(work, range(1000), 2, lambda done: None)
    assert len(begun) < 100
