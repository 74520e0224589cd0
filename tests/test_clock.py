"""Time-outs and cancellation: a task that waits with a limit always stops when it is told to."""

import asyncio

import pytest

from tansiq.clock import SystemClock

pytestmark = pytest.mark.anyio


async def test_a_limit_ends_the_wait_and_no_sooner() -> None:
    clock = SystemClock()
    with pytest.raises(TimeoutError):
        await clock.limit(asyncio.Event().wait(), 0.01)
    assert await clock.limit(asyncio.sleep(0.001, "done"), 60.0) == "done"


@pytest.mark.parametrize("turns", range(4))
async def test_a_cancellation_that_meets_the_end_of_the_wait_is_not_lost(turns: int) -> None:
    """``turns``: how many turns of the loop pass between what is waited for and the cancellation.

    On Python 3.11 ``asyncio.wait_for`` loses it in the first turns, and this worker never stops.
    """
    clock, wake = SystemClock(), asyncio.Event()

    async def work() -> None:
        while True:
            await clock.limit(wake.wait(), 60.0)
            wake.clear()

    task = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    wake.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=60.0)
    assert done, "the task goes on"
    assert task.cancelled()
