"""Two writers that both believe that they hold the lock.

A and B edit one page, or two pages that belong together. Whatever happens, the database must hold
every acknowledged write, and no write by somebody who had not read what it replaced.
"""

import pytest

from tests.faults import mutations
from tests.faults.conftest import PAGE, Break, Scene
from tests.faults.editors import SHORT, Failed
from tests.faults.steps import expect_no_fence, prepare, set_ahead


class TestAPauseLongerThanTheLease:
    """A is stopped, and B does a whole edit in the meantime."""

    def test_before_the_claim(self, either: Scene) -> None:
        either.a.acquire(SHORT)
        self.pause(either)
        with pytest.raises(Failed, match="ClaimRefused"):
            either.a.claim()
        assert either.story.violations() == []

    def test_before_the_read(self, either: Scene) -> None:
        either.a.acquire(SHORT)
        either.a.claim()
        self.pause(either)
        either.a.read()
        self.expect_refusal(either)

    def test_before_the_write(self, either: Scene) -> None:
        either.a.prepare(SHORT)
        self.pause(either)
        self.expect_refusal(either)

    def test_before_the_commit(self, either: Scene) -> None:
        either.a.prepare(SHORT)
        either.a.database.requests.hold()
        either.a.begin_save()
        either.a.database.requests.until_held()
        self.pause(either)
        either.a.database.requests.open()
        assert either.a.end_save().reason == "LockLost"
        assert either.story.violations() == []

    def pause(self, scene: Scene) -> None:
        with scene.a.stopped():
            assert scene.b.edit().outcome == "acknowledged"

    def expect_refusal(self, scene: Scene) -> None:
        assert scene.a.save().reason == "LockLost"
        assert scene.story.violations() == []


def test_a_pause_while_another_has_read_and_not_yet_written(either: Scene) -> None:
    either.a.prepare(SHORT)
    with either.a.stopped():
        either.b.prepare()
    assert either.a.save().reason == "LockLost"
    assert either.b.save().outcome == "acknowledged"
    assert either.story.violations() == []


class TestAFailoverThatLosesTheLock:
    """A holds the lock on the old primary, B on the new one."""

    @pytest.fixture(params=[0, 5], ids=["on time", "ahead"], autouse=True)
    def split(self, either: Scene, request: pytest.FixtureRequest) -> None:
        """`ahead`: A's fence is higher than B's, though B is the later holder."""
        either.pair.replicate()
        either.pair.stop_replication()
        set_ahead(either, request.param)
        either.a.acquire()
        either.pair.promote(followers=[either.b.cache])
        either.b.acquire(wait=0)

    def test_the_first_to_claim_loses(self, either: Scene) -> None:
        prepare(either.a)
        prepare(either.b)
        assert either.a.save().reason == "LockLost"
        assert either.b.save().outcome == "acknowledged"
        assert either.story.violations() == []

    def test_whichever_it_is(self, either: Scene) -> None:
        prepare(either.b)
        prepare(either.a)
        assert either.b.save().reason == "LockLost"
        assert either.a.save().outcome == "acknowledged"
        assert either.story.violations() == []

    def test_one_after_the_other_may_both_save(self, either: Scene) -> None:
        for editor in (either.b, either.a):
            prepare(editor)
            assert editor.save().outcome == "acknowledged"
        assert either.story.violations() == []


class TestAStaleHolder:
    """A's claim was refused because B is the holder now."""

    @pytest.mark.parametrize("finished", [False, True])
    def test_gets_no_usable_fence(self, either: Scene, finished: bool) -> None:
        either.a.acquire(SHORT)
        with either.a.stopped():
            either.b.prepare()
            if finished:
                either.b.save()
                either.b.release()
        with pytest.raises(Failed, match="ClaimRefused") as refused:
            either.a.claim()
        expect_no_fence(either.a, refused.value.stored)
        if not finished:
            assert either.b.save().outcome == "acknowledged"
        assert either.story.violations() == []


SKEW = ["pair-1: 2 writers saw the same state, 2", "pair-1: nobody saw the state 3"]


class TestABrokenProtocol:
    """The same schedules show what is wrong with a writer that leaves out a part."""

    def test_no_fence_and_a_pause(self, broken: Break) -> None:
        scene = broken("no-fence")
        scene.a.prepare(SHORT)
        with scene.a.stopped():
            scene.b.edit()
        assert scene.a.save().outcome == "acknowledged"
        assert scene.story.violations() == SKEW

    @pytest.mark.parametrize("mutation", mutations.NAMES)
    def test_another_has_read_and_not_yet_written(self, broken: Break, mutation: str) -> None:
        scene = broken(mutation)
        scene.a.prepare(SHORT)
        with scene.a.stopped():
            scene.b.prepare()
        assert scene.a.save().outcome == "acknowledged"
        assert scene.b.save().outcome == "acknowledged"
        assert scene.story.violations() == SKEW

    def test_a_page_claimed_only_when_it_is_written(self, broken: Break) -> None:
        scene = broken("claim-after-read", PAGE)
        scene.a.prepare(SHORT)
        with scene.a.stopped():
            scene.b.prepare()
        assert scene.a.save().outcome == "acknowledged"
        assert scene.b.save().outcome == "acknowledged"
        assert scene.story.violations() == [
            "page-1 version 4: its writer had not read the text that it replaced"
        ]
