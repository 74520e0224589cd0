"""An implicit subscription that is named for ever more intents grows, but not without end."""

import pytest
from register_world import NORTH, World, intent, volume, wish

from tansiq.errors import BadInput
from tansiq.f3548 import wire
from tansiq.services.register.intents import STRETCHED_CELLS_MAX
from tansiq.storage.subscriptions import Subscriptions

pytestmark = pytest.mark.anyio


def _far(step: int) -> wire.Volume4D:
    return volume(lat=-60 + 2 * (step // 80), lng=-178 + 4 * (step % 80), radius_m=27_000)


async def _cells(world: World, subscription: str) -> int:
    row = await world.store.read(lambda tx: Subscriptions(tx).get(subscription))
    assert row is not None
    return row.cover.count


async def test_it_grows_to_a_stated_size_and_its_intents_stay_covered(world: World) -> None:
    made = await world.put(NORTH, intent(_far(0), new_subscription=wish()))
    serving = made.subscription_id
    size = await _cells(world, serving)
    for step in range(1, STRETCHED_CELLS_MAX):
        try:
            await world.put(NORTH, intent(_far(step), subscription_id=serving))
        except BadInput as error:
            refused = error
            break
        grown = await _cells(world, serving)
        assert size < grown <= STRETCHED_CELLS_MAX
        size = grown
    assert refused.field == "subscription_id"
    assert "new_subscription" in refused.message
    assert size > 0.9 * STRETCHED_CELLS_MAX
    assert await _cells(world, serving) == size, "nothing of what is refused was kept"
    again = await world.put(NORTH, intent(_far(step), new_subscription=wish()))
    assert again.subscription_id != serving
