"""Simulated time: it passes for years, and where it does not, that is told."""

import asyncio

import pytest
import virtual
from virtual import simulate


@pytest.mark.parametrize("exponent", range(20, 31))
def test_timers_fire_however_long_it_has_run(exponent: int) -> None:
    """A double has ever fewer places after the point: 2**24 s are 194 days, 2**30 are 34 years."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(2.0**exponent)
        for _ in range(1_000):
            await asyncio.sleep(0.37)
        return loop.time()

    assert simulate(main) == pytest.approx(2.0**exponent + 370.0, abs=0.01)


def test_a_world_that_stands_still_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual, "STILL_MAX", 1_000)

    async def main() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="time stands still"):
        simulate(main)


def test_a_world_in_which_everybody_waits_is_told_of() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="never comes"):
        simulate(main)
