"""The sweep deletes strays, and nothing of a plan that was placed while it was reading."""

import pytest
from sky import Side, plan

from tansiq.services.views import Status

pytestmark = pytest.mark.anyio


async def test_a_plan_placed_while_the_sweep_read_is_no_stray(
    pair: tuple[Side, Side], lat: float
) -> None:
    """The sweep took note of the living plans before this one was there."""
    north, _ = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    assert view.status is Status.COORDINATED
    for place in north.up.planner.places:
        standing = await place.port.get_intent(view.intent_id)
        assert standing is not None
        await north.up.upkeep._sweep_own(place, (standing,), {}, {})
        assert await place.port.get_intent(view.intent_id) is not None, place.register.id
    assert (await north.up.plans.plan(view.id)).status is Status.COORDINATED
