"""A network that delays and loses, and a lock service that forgets; the rules of test_holders."""

from collections.abc import Callable

import pytest

from tests.faults.conftest import PAGE, Scene
from tests.faults.editors import SHORT, Failed
from tests.faults.steps import expect_no_fence, prepare, set_ahead


class TestALateWrite:
    """A's save is long on the way. A hears nothing, and gives its lock back, as it should not."""

    @pytest.fixture(autouse=True)
    def under_way(self, either: Scene) -> None:
        either.a.prepare()
        either.a.database.requests.hold()
        either.a.begin_save()
        either.a.database.requests.until_held()
        either.a.database.hang_up()
        assert either.a.end_save().outcome == "unknown"
        either.a.release()

    def test_it_arrives_after_another_has_read(self, either: Scene) -> None:
        either.b.prepare()
        self.deliver(either)
        assert either.b.save().outcome == "acknowledged"
        assert len(either.story.revisions()) == 1
        assert either.story.violations() == []

    def test_it_arrives_after_another_has_written(self, either: Scene) -> None:
        assert either.b.edit().outcome == "acknowledged"
        self.deliver(either)
        assert len(either.story.revisions()) == 1
        assert either.story.violations() == []

    def test_it_arrives_before_another_has_read(self, either: Scene) -> None:
        either.b.acquire(wait=0)
        self.deliver(either)
        either.b.claim()
        either.b.read()
        assert either.b.save().outcome == "acknowledged"
        assert len(either.story.revisions()) == 2
        assert either.story.violations() == []

    def deliver(self, scene: Scene) -> None:
        scene.a.database.requests.open()
        scene.a.database.until_quiet()


class TestALostReply:
    """A's request arrives, and the answer does not."""

    def test_of_acquire(self, either: Scene) -> None:
        either.a.edit()
        either.a.cache.drop_replies()
        either.a.acquire(wait=0)
        assert not either.a.cache.dropping
        either.a.claim()
        self.finish(either)

    def test_of_the_claim(self, either: Scene) -> None:
        either.a.edit()
        either.a.acquire()
        either.a.database.drop_replies()
        with pytest.raises(Failed, match="OperationalError"):
            either.a.claim()
        either.a.tell("reconnect")
        either.a.claim()
        self.finish(either)

    def test_of_the_write(self, either: Scene) -> None:
        either.a.prepare()
        either.a.database.drop_replies()
        assert either.a.save().outcome == "unknown"
        either.a.tell("reconnect")
        either.a.again()
        assert either.a.end_save().outcome == "acknowledged"
        either.a.release()
        assert either.b.edit().outcome == "acknowledged"
        assert len(either.story.revisions()) == 2
        assert either.story.violations() == []

    def test_of_release(self, either: Scene) -> None:
        either.a.edit()
        either.a.acquire()
        either.a.cache.drop_replies()
        either.a.release()  # done once, and no loss
        either.b.acquire(wait=0)
        either.b.claim()
        either.b.read()
        assert either.b.save().outcome == "acknowledged"
        assert either.story.violations() == []

    def finish(self, scene: Scene) -> None:
        scene.a.read()
        assert scene.a.save().outcome == "acknowledged"
        scene.a.release()
        assert scene.b.edit().outcome == "acknowledged"
        assert len(scene.story.revisions()) == 3
        assert scene.story.violations() == []


class TestAClockAnHourAhead:
    """A's fences came from a clock an hour ahead; a failover then loses them."""

    @pytest.fixture(autouse=True)
    def afterwards(self, either: Scene) -> None:
        either.pair.replicate()
        either.pair.stop_replication()
        set_ahead(either, 3600)
        either.a.edit()
        either.pair.promote(followers=[either.a.cache, either.b.cache])

    def test_the_next_holder_recovers_by_a_fence_issued_above(self, either: Scene) -> None:
        either.b.acquire()
        with pytest.raises(Failed, match="ClaimRefused"):
            either.b.claim()
        prepare(either.b)
        assert either.b.save().outcome == "acknowledged"
        either.b.release()
        assert either.a.edit().outcome == "acknowledged"
        assert either.story.violations() == []

    @pytest.mark.parametrize("either", [PAGE], indirect=True, ids=["page"])
    def test_a_whole_save_recovers_by_itself(self, either: Scene) -> None:
        assert either.b.put(version=1).outcome == "acknowledged"
        assert either.a.put(version=2).outcome == "acknowledged"
        assert either.story.violations() == []

    def test_one_whose_lock_is_gone_gets_no_such_fence(self, either: Scene) -> None:
        either.a.acquire(SHORT)
        with either.a.stopped():
            either.b.acquire()
            prepare(either.b)
        with pytest.raises(Failed, match="ClaimRefused") as refused:
            either.a.claim()
        expect_no_fence(either.a, refused.value.stored)
        assert either.b.save().outcome == "acknowledged"
        assert either.story.violations() == []


def flush(scene: Scene) -> None:
    scene.pair.primary.client.flushall()


def evict_the_lock(scene: Scene) -> None:
    scene.pair.primary.client.delete(*(f"page:{slug}" for slug in scene.a.slugs))


class TestACacheThatForgets:
    """What Redis was told is gone, in part or altogether."""

    def test_the_scripts_after_a_failover(self, either: Scene) -> None:
        either.pair.replicate()
        either.pair.spare.client.script_flush()
        either.a.prepare()
        either.pair.catch_up()
        either.pair.promote(followers=[either.a.cache, either.b.cache])
        assert either.a.save().outcome == "acknowledged"
        either.a.release()
        assert either.b.edit().outcome == "acknowledged"
        assert either.story.violations() == []

    @pytest.mark.parametrize("forget", [flush, evict_the_lock])
    def test_the_lock_while_it_is_held(
        self, either: Scene, forget: Callable[[Scene], None]
    ) -> None:
        either.a.acquire()
        either.a.claim()
        either.a.read()
        forget(either)
        assert either.b.edit().outcome == "acknowledged"
        assert either.a.save().reason == "LockLost"
        assert either.story.violations() == []
