import time

import pytest

from sheaf.cli import jobs


def test_a_failure_is_reported_and_the_rest_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    def work(number: int) -> str:
        if number == 2:
            raise jobs.PageFailed("page 2: reason")
        return "done"

    assert jobs.run(work, range(5), threads=2) == {"done": 4, "failed": 1}
    assert capsys.readouterr().err == "page 2: reason\n"


def test_any_other_error_stops_the_run() -> None:
    begun = []

    def work(number: int) -> str:
        begun.append(number)
        if number == 1:
            raise ConnectionError
        time.sleep(0.5)
        return "done"

    with pytest.raises(ConnectionError):
        jobs.run(work, range(1000), threads=2)
    assert len(begun) < 100
