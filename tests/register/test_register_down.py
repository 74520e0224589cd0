"""What a supplier that is marked Down may not do, operation by operation; and changes of state.

The table is written out from the interface file, not computed: a Down supplier may not create an
operational intent, nor change one whose new or unchanged state is Accepted or Activated, nor
delete one. Everything else it may, and Unknown is as good as Normal.
"""

from collections.abc import Awaitable, Callable
from itertools import product
from typing import Any

import pytest
from register_world import (
    ACCEPTED,
    ACTIVATED,
    CONTINGENT,
    NONCONFORMING,
    NOON,
    NORTH,
    SOUTH,
    World,
    constraint,
    intent,
    subscription,
    volume,
    wish,
)

from tansiq.domain.intent import IntentState
from tansiq.errors import BadInput, UssDown
from tansiq.f3548 import wire
from tansiq.http.problems import f3548_error

pytestmark = pytest.mark.anyio
STATES = (ACCEPTED, ACTIVATED, NONCONFORMING, CONTINGENT)


async def mark(world: World, uss: str, availability: str) -> None:
    answer = await world.register.get_availability(uss)
    wanted = wire.SetUssAvailabilityStatusParameters(
        old_version=answer.version, availability=availability
    )
    await world.register.set_availability(SOUTH, uss, wanted)


async def standing(world: World, state: IntentState) -> wire.OperationalIntentReference:
    """Return an intent of north's in some state."""
    made = await world.put(NORTH, intent(new_subscription=wish()))
    if state is ACCEPTED:
        return made
    return await world.put(NORTH, intent(state=state, new_subscription=wish()), over=made)


Operation = Callable[[World, Any], Awaitable[object]]


def become(state: IntentState) -> Operation:
    async def change(world: World, made: Any) -> object:
        return await world.put(NORTH, intent(state=state, new_subscription=wish()), over=made)

    return change


async def create(world: World, _: Any) -> object:
    return await world.put(NORTH, intent(volume(lat=50)))


async def delete(world: World, made: Any) -> object:
    return await world.register.delete_intent(NORTH, made.id, made.ovn, NOON)


async def read(world: World, made: Any) -> object:
    await world.register.query_intents(NORTH, volume())
    return await world.register.get_intent(NORTH, made.id)


async def constrain(world: World, _: Any) -> object:
    made = await world.bar(NORTH)
    change = world.register.put_constraint
    changed = await change(NORTH, made.id, made.ovn, constraint(), NOON)
    ovn = changed.constraint_reference.ovn
    assert ovn is not None
    return await world.register.delete_constraint(NORTH, made.id, ovn, NOON)


async def subscribe(world: World, _: Any) -> object:
    made = await world.subscribe(NORTH)
    put = world.register.put_subscription
    again = await put(NORTH, made.id, made.version, subscription(), NOON)
    version = again.subscription.version
    return await world.register.delete_subscription(NORTH, made.id, version)


OPERATIONS: dict[str, tuple[Operation, bool]] = {
    # name: what is done, and whether a Down supplier is refused
    "create": (create, True),
    "become Accepted": (become(ACCEPTED), True),
    "become Activated": (become(ACTIVATED), True),
    "become Nonconforming": (become(NONCONFORMING), False),
    "become Contingent": (become(CONTINGENT), False),
    "delete": (delete, True),
    "read": (read, False),
    "constraint": (constrain, False),
    "subscription": (subscribe, False),
}


def possible(name: str, state: IntentState) -> bool:
    """Tell which changes are refused whoever asks: see below."""
    return not (state is CONTINGENT and name.startswith("become") and "Contingent" not in name)


MATRIX = [
    (name, state, availability)
    for name, state, availability in product(OPERATIONS, STATES, ("Unknown", "Normal", "Down"))
    if possible(name, state)
]


@pytest.mark.parametrize(("name", "state", "availability"), MATRIX)
async def test_who_is_down_is_refused_what_the_interface_lists(
    world: World, name: str, state: IntentState, availability: str
) -> None:
    operation, barred = OPERATIONS[name]
    made = await standing(world, state)
    await mark(world, "north", availability)
    before = await world.rows()
    if not (barred and availability == "Down"):
        await operation(world, made)
        return
    with pytest.raises(UssDown, match="marked Down") as caught:
        await operation(world, made)
    assert f3548_error(caught.value).status_code == 412
    assert await world.rows() == before
    again = (await world.register.get_intent(NORTH, made.id)).operational_intent_reference
    assert (again.ovn, again.version) == (made.ovn, made.version)
    await mark(world, "north", "Normal")
    await operation(world, made)


async def test_others_go_on(world: World) -> None:
    await mark(world, "north", "Down")
    made = await world.put(SOUTH, intent(new_subscription=wish()))
    await world.register.delete_intent(SOUTH, made.id, made.ovn or "", NOON)


# Changes of state: only what the interface file rules out is refused


@pytest.mark.parametrize(("old", "new"), list(product(STATES, STATES)))
async def test_changes_of_state(world: World, old: IntentState, new: IntentState) -> None:
    made = await standing(world, old)
    if old is CONTINGENT and new is not CONTINGENT:
        with pytest.raises(BadInput, match="can only end"):
            await become(new)(world, made)
        await delete(world, made)
        return
    await become(new)(world, made)


@pytest.mark.parametrize("state", [ACTIVATED, NONCONFORMING, CONTINGENT])
async def test_the_first_state_is_accepted(world: World, state: IntentState) -> None:
    with pytest.raises(BadInput, match="starts as Accepted"):
        await world.put(NORTH, intent(state=state, new_subscription=wish()))
    assert set((await world.rows()).values()) == {0}
