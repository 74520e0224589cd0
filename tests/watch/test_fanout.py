"""The watch's stream inside: encoded once a change, not while nobody reads, the newest wins."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.watch.picture_world import TICK_S, HandClock, Scene, settle

from tansiq.services.watch.fanout import Fanout
from tansiq.services.watch.views import PictureView
from tansiq.settings import Timers

pytestmark = pytest.mark.anyio


@pytest.fixture
async def scene() -> Scene:
    return Scene()


@pytest.fixture
async def fanout(scene: Scene) -> AsyncIterator[Fanout]:
    made = Fanout(scene, scene.clock, Timers())
    made.start()
    await settle()
    yield made
    await made.stop()


async def test_nothing_is_encoded_while_nobody_reads(scene: Scene, fanout: Fanout) -> None:
    for _ in range(5):
        fanout.changed()
        await scene.clock.move(10.0)
    assert scene.views == 0
    fanout.enter()
    await settle()
    assert scene.views == 1
    fanout.leave()
    for _ in range(5):
        fanout.changed()
        await scene.clock.move(10.0)
    assert scene.views == 1


async def test_many_changes_are_one_picture_a_second(scene: Scene, fanout: Fanout) -> None:
    fanout.enter()
    await settle()
    for _ in range(100):
        fanout.changed()
        await settle()
    await scene.clock.move(1.0 - TICK_S)
    assert (scene.views, fanout.seq) == (1, 1)
    await scene.clock.move(TICK_S)
    assert (scene.views, fanout.seq) == (2, 2)
    await scene.clock.move(60.0)
    assert scene.views == 2, "nothing changed since"


async def test_all_readers_get_the_same_bytes(scene: Scene, fanout: Fanout) -> None:
    waiting = []
    for _ in range(100):
        fanout.enter()
        waiting.append(asyncio.create_task(fanout.after(0, 60.0)))
    got = await asyncio.gather(*waiting)
    assert len({id(picture) for _, picture in got}) == 1
    assert scene.views == 1
    assert msgspec.json.decode(got[0][1], type=PictureView).time == "2026-11-29T12:00:00Z"


async def test_a_slow_reader_gets_the_newest_and_none_in_between(
    scene: Scene, fanout: Fanout
) -> None:
    fanout.enter()
    await settle()
    seq, _ = await fanout.after(0, 60.0)
    for _ in range(10):
        fanout.changed()
        await scene.clock.move(1.0)
    newest, picture = await fanout.after(seq, 60.0)
    assert newest == seq + 10
    assert msgspec.json.decode(picture)["time"] == "2026-11-29T12:00:10Z"


async def test_who_comes_later_is_never_shown_what_was_made_for_others(
    scene: Scene, fanout: Fanout
) -> None:
    fanout.enter()
    await settle()
    fanout.leave()
    fanout.changed()
    await scene.clock.move(7_200.0)
    fanout.enter()
    found = asyncio.create_task(fanout.after(0, 60.0))
    _, picture = await found
    assert msgspec.json.decode(picture)["time"] == "2026-11-29T14:00:00Z"


async def test_a_wait_ends_without_news(scene: Scene, fanout: Fanout) -> None:
    fanout.enter()
    await settle()
    waiting = asyncio.create_task(fanout.after(1, 15.0))
    await settle()
    await scene.clock.move(15.0)
    assert await waiting == (1, b"")


async def test_readers_are_let_go(scene: Scene, fanout: Fanout) -> None:
    fanout.enter()
    await settle()
    waiting = asyncio.create_task(fanout.after(1, 3_600.0))
    await settle()
    fanout.let_go()
    assert await waiting == (1, b"")
    assert fanout.stopping


class Queued(Fanout):
    """Broken: hands pictures out in order, as a queue would."""

    def __init__(self, scene: Scene, clock: HandClock) -> None:
        super().__init__(scene, clock, Timers())
        self.kept: list[bytes] = []

    async def after(self, seq: int, wait_s: float) -> tuple[int, bytes]:
        if self.latest and self.latest not in self.kept:
            self.kept.append(self.latest)
        return (seq + 1, self.kept[seq]) if seq < len(self.kept) else (seq, b"")


async def test_a_queue_in_its_place_is_noticed(scene: Scene) -> None:
    broken = Queued(scene, scene.clock)
    broken.start()
    broken.enter()
    await settle()
    for _ in range(3):
        await broken.after(0, 1.0)
        broken.changed()
        await scene.clock.move(1.0)
    await broken.after(0, 1.0)
    seq, _ = await broken.after(0, 1.0)
    newest, _ = await broken.after(seq, 1.0)
    assert newest != broken.seq
    await broken.stop()
