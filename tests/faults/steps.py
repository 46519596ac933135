"""Steps that several schedules have in common."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.faults.conftest import Scene
from tests.faults.editors import Editor, Failed


def set_ahead(scene: Scene, seconds: float) -> None:
    """Let the fences of the pages be ahead of the clock, as if the clock had been."""
    seconds_now, micros = scene.pair.primary.client.time()
    ahead = (seconds_now + seconds) * 1_000_000 + micros
    for slug in scene.a.slugs if seconds else ():
        scene.pair.primary.client.set(f"fence:{{page:{slug}}}", ahead, px=86_400_000)


def prepare(editor: Editor) -> None:
    """Claim and read; when the claim is refused, once more with fences issued for the purpose."""
    try:
        editor.claim()
    except Failed as failed:
        for slug in editor.slugs:
            editor.tell("reissue", slug=slug, above=failed.stored)
        editor.claim()
    editor.read()


def expect_no_fence(editor: Editor, above: int) -> None:
    for slug in editor.slugs:
        with pytest.raises(Failed, match="LockNotOwnedError"):
            editor.tell("reissue", slug=slug, above=above)


@contextmanager
def at_work(works: Sequence[Callable[[int, threading.Event], None]]) -> Iterator[None]:
    """Each of these is done in the block, given its number; what they began is done at its end."""
    stop = threading.Event()
    threads = [threading.Thread(target=work, args=(n, stop)) for n, work in enumerate(works)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
