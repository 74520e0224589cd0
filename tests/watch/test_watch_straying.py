"""What a person is asked to say of a plan that is Nonconforming, and for how long."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from air import HERE, Air, Flying, agreement, air, block

from tansiq.domain.conformance import Holds
from tansiq.domain.ellipsoid import destination
from tansiq.services.watch.straying import Straying

pytestmark = pytest.mark.anyio
HOLDS = Holds(out_s=5.0, back_s=3.0, possibly_back_s=3.0, contingent_s=6.0)
BACK, AWAY = "it is back in its plan: tansiq plan activate PLAN-1", "say whether it is Contingent"


class NoPlans:
    """A book in which nothing is found: what would be said of a plan goes nowhere."""

    def by_intent(self, intent: str) -> None:
        return None


@pytest.fixture
async def sky(tmp_path: Path) -> AsyncIterator[Air]:
    async with air(tmp_path) as made:
        book = cast(Any, NoPlans())
        made.watch.parts.straying = Straying(cast(Any, None), book, agreement(), HOLDS)
        yield made


def flown(sky: Air, *, away_m: float, state: str = "Nonconforming") -> Flying:
    known = sky.put(1, block(), own=True, manager="north", state=state)
    one = Flying(address=f"intent:{known.id}", at=destination(HERE, 90.0, away_m))
    sky.flying.append(one)
    return one


def said(sky: Air) -> str:
    (track,) = sky.picture.view().tracks
    return track.sentence


async def test_that_it_seems_to_be_back_is_shown_until_a_person_says_so(sky: Air) -> None:
    flown(sky, away_m=0.0)
    await sky.run(3)
    assert BACK not in said(sky)
    for _ in range(20):
        await sky.run(1)
    # It goes on being said: nobody looks at a screen in the one right second.
    assert BACK in said(sky)
    sky.put(1, block(), own=True, manager="north", state="Activated")
    await sky.run(1)
    assert said(sky) == ""


async def test_that_it_has_been_away_for_long_is_shown_until_a_person_says_so(sky: Air) -> None:
    flown(sky, away_m=8_000.0)
    await sky.run(6)
    assert AWAY not in said(sky)
    for _ in range(20):
        await sky.run(1)
        assert BACK not in said(sky)
    assert AWAY in said(sky)


async def test_nothing_is_asked_of_a_plan_that_is_kept_to(sky: Air) -> None:
    flown(sky, away_m=0.0, state="Activated")
    await sky.run(20)
    assert said(sky) == ""
