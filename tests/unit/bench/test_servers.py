import signal
import time

import pytest

from bench.servers import deadline


def test_whatever_is_waited_for_the_deadline_ends_it() -> None:
    with pytest.raises(TimeoutError, match=r"not done after 0\.1 s"), deadline(0.1):
        time.sleep(600)


def test_a_run_that_is_done_in_time_hears_nothing_of_the_deadline() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with deadline(600):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) == before
