"""Operational intents in the register: one test for each rule.

Numbers in brackets are those of the list of behaviours that are easy to get wrong.
"""

import dataclasses
import math
from collections.abc import Sequence
from datetime import timedelta

import msgspec
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
    caller,
    constraint,
    intent,
    subscription,
    volume,
    wish,
)

from tansiq.domain.intent import IntentState
from tansiq.errors import (
    BadInput,
    Forbidden,
    NotFound,
    StaleOVN,
    TooLarge,
    UssDown,
)
from tansiq.f3548 import wire
from tansiq.services.register import (
    CONFORMANCE_MONITORING,
    STRATEGIC_COORDINATION,
    AirspaceConflict,
    Kind,
)

pytestmark = pytest.mark.anyio

EAST = -104.9  # Several cells away from the usual place.


async def test_a_partys_base_url_has_no_query(world: World) -> None:
    """Outsiders' may; a party's is the one in the agreement, and its node adds none."""
    party, url = dataclasses.replace(NORTH, party=True), "https://uss.example/north?a=b"
    new = wire.ImplicitSubscriptionParameters(uss_base_url=url)
    refused = (
        (world.put, msgspec.structs.replace(intent(), uss_base_url=url)),
        (world.put, intent(volume(altitudes=(500, 600)), new_subscription=new)),
        (world.bar, msgspec.structs.replace(constraint(), uss_base_url=url)),
        (world.subscribe, msgspec.structs.replace(subscription(), uss_base_url=url)),
    )
    for write, params in refused:
        with pytest.raises(BadInput, match="no base URL"):
            await write(party, params)
    for write, params in refused:
        await write(NORTH, params)


async def missing(
    world: World,
    params: wire.PutOperationalIntentReferenceParameters,
    over: wire.OperationalIntentReference | None = None,
) -> Sequence[str]:
    """Return the ids that a write by South lacks; none if it is accepted."""
    try:
        await world.put(SOUTH, params, over=over)
    except AirspaceConflict as conflict:
        return (*conflict.missing_intents, *conflict.missing_constraints)
    return ()


async def test_a_new_intent_is_version_1_with_an_ovn_for_its_manager_alone(world: World) -> None:
    made = await world.put(NORTH, intent())
    assert (made.version, made.state, made.manager) == (1, ACCEPTED, "north")
    assert made.ovn is not None
    assert 16 <= len(made.ovn) <= 128  # [32]
    assert made.subscription_id == wire.NO_SUBSCRIPTION  # [40]
    assert made.uss_availability is wire.UssAvailabilityState.UNKNOWN
    got = (await world.register.get_intent(NORTH, made.id)).operational_intent_reference
    assert got == made
    seen = (await world.register.get_intent(SOUTH, made.id)).operational_intent_reference
    assert seen.ovn is None  # [31]
    found = await world.register.query_intents(SOUTH, volume())
    assert found.operational_intent_references == (seen,)


async def test_each_change_gives_a_new_ovn_even_if_nothing_changed(world: World) -> None:
    made = await world.put(NORTH, intent())
    again = await world.put(NORTH, intent(), over=made)
    assert again.version == 2
    assert again.ovn != made.ovn  # [32]


async def test_the_key_must_name_what_is_relevant_and_may_name_more(world: World) -> None:
    made = await world.put(NORTH, intent())
    assert await missing(world, intent()) == (made.id,)
    assert await missing(world, intent(key=("0" * 32,))) == (made.id,)
    assert made.ovn is not None
    assert await missing(world, intent(key=("0" * 32, made.ovn))) == ()  # [33]


async def test_all_missing_and_only_missing_are_listed_in_order(world: World) -> None:
    made = [await world.put(NORTH, intent(key=())) for _ in range(1)]
    for _ in range(4):
        key = tuple(one.ovn or "" for one in made)
        made.append(await world.put(NORTH, intent(key=key)))
    known = (made[1].ovn or "", made[3].ovn or "")
    lacking = sorted(made[i].id for i in (0, 2, 4))
    with pytest.raises(AirspaceConflict) as caught:
        await world.put(SOUTH, intent(key=known))
    assert list(caught.value.missing_intents) == lacking  # [35]
    assert [one.id for one in caught.value.intents] == lacking
    assert all(one.ovn is None for one in caught.value.intents)  # [31]
    with pytest.raises(AirspaceConflict) as caught:
        await world.put(NORTH, intent(key=known))
    assert all(one.ovn for one in caught.value.intents), "[34]: own ones are needed too, and shown"


async def test_a_stale_ovn_in_the_key_does_not_count(world: World) -> None:
    made = await world.put(NORTH, intent())
    await world.put(NORTH, intent(), over=made)
    assert made.ovn is not None
    assert await missing(world, intent(key=(made.ovn,))) == (made.id,)


async def test_an_update_does_not_need_its_own_ovn(world: World) -> None:
    made = await world.put(SOUTH, intent())
    assert await missing(world, intent(), over=made) == ()  # [33]


UP = math.nextafter(100, math.inf)
DOWN = math.nextafter(0, -math.inf)
MICROSECOND = 1 / 60_000_000


@pytest.mark.parametrize(
    ("other", "relevant"),
    [
        (volume(altitudes=(100, 200)), True),  # [30] Bounds are closed.
        (volume(altitudes=(UP, 200)), False),
        (volume(altitudes=(-100, 0)), True),
        (volume(altitudes=(-100, DOWN)), False),
        (volume(minutes=(60, 90)), True),
        (volume(minutes=(60 + MICROSECOND, 90)), False),
        (volume(minutes=(-30, 0)), True),
        (volume(minutes=(-30, -MICROSECOND)), False),
        (volume(lng=EAST), False),
        (volume(lng=EAST, radius_m=20_000), True),  # Coarse meets fine.
    ],
)
async def test_relevance_touches_and_misses_by_the_smallest_step(
    world: World, other: wire.Volume4D, relevant: bool
) -> None:
    early = NOON - timedelta(hours=1)
    stands = await world.put(NORTH, intent())
    try:
        await world.put(SOUTH, intent(other), now=early)
        found = False
    except AirspaceConflict:
        found = True
    assert found is relevant
    seen = (await world.register.query_intents(SOUTH, other)).operational_intent_references
    assert (stands.id in [one.id for one in seen]) is relevant, "a query sees what a key needs"


async def test_bounds_are_those_of_the_volumes_in_each_cell(world: World) -> None:
    """One union over all volumes would make far more relevant than is."""
    low_here = volume(altitudes=(0, 50))
    high_there = volume(lng=EAST, altitudes=(500, 600))
    made = await world.put(NORTH, intent(low_here, high_there))
    assert await missing(world, intent(volume(altitudes=(500, 600)))) == ()
    assert await missing(world, intent(volume(altitudes=(50, 60)))) == (made.id,)


@pytest.mark.parametrize("state", [NONCONFORMING, CONTINGENT])
async def test_off_nominal_states_need_no_key(world: World, state: IntentState) -> None:
    mine = await world.put(SOUTH, intent(volume(lng=EAST)))
    await world.put(NORTH, intent())
    changed = await world.put(SOUTH, intent(state=state, new_subscription=wish()), over=mine)
    assert changed.state is state  # [34]


async def test_activation_needs_a_key(world: World) -> None:
    mine = await world.put(SOUTH, intent(volume(lng=EAST)))
    other = await world.put(NORTH, intent())
    wanted = intent(state=ACTIVATED, new_subscription=wish())
    assert await missing(world, wanted, over=mine) == (other.id,)
    assert other.ovn is not None
    wanted = intent(state=ACTIVATED, new_subscription=wish(), key=(other.ovn,))
    assert await missing(world, wanted, over=mine) == ()


async def test_accepted_intents_of_a_supplier_that_is_down_need_no_key(world: World) -> None:
    accepted = await world.put(NORTH, intent())
    assert accepted.ovn is not None
    flying = await world.put(
        NORTH, intent(state=ACTIVATED, new_subscription=wish(), key=(accepted.ovn,)), over=accepted
    )
    assert flying.ovn is not None
    other = await world.put(NORTH, intent(key=(flying.ovn,)))
    down = wire.SetUssAvailabilityStatusParameters(availability="Down")
    await world.register.set_availability(SOUTH, "north", down)
    with pytest.raises(AirspaceConflict) as caught:
        await world.put(SOUTH, intent())
    assert caught.value.missing_intents == (flying.id,)  # [37]
    assert caught.value.intents[0].uss_availability is wire.UssAvailabilityState.DOWN
    assert other.state is ACCEPTED


async def test_a_supplier_that_is_down_may_not_plan_or_delete(world: World) -> None:
    made = await world.put(NORTH, intent(new_subscription=wish()))
    down = wire.SetUssAvailabilityStatusParameters(availability="Down")
    await world.register.set_availability(SOUTH, "north", down)
    with pytest.raises(UssDown):
        await world.put(NORTH, intent(volume(lng=EAST)))
    with pytest.raises(UssDown):
        await world.put(NORTH, intent(), over=made)
    with pytest.raises(UssDown):
        await world.register.delete_intent(NORTH, made.id, made.ovn or "", NOON)
    changed = await world.put(
        NORTH, intent(state=NONCONFORMING, new_subscription=wish()), over=made
    )
    assert changed.uss_availability is wire.UssAvailabilityState.DOWN


@pytest.mark.parametrize("state", [ACTIVATED, NONCONFORMING, CONTINGENT])
async def test_the_first_state_is_accepted(world: World, state: IntentState) -> None:
    with pytest.raises(BadInput, match="state"):
        await world.put(NORTH, intent(state=state, new_subscription=wish()))  # [38]
    assert (await world.rows())["intent"] == 0


@pytest.mark.parametrize(
    ("scope", "state", "allowed"),
    [
        (STRATEGIC_COORDINATION, ACTIVATED, True),
        (STRATEGIC_COORDINATION, NONCONFORMING, False),
        (STRATEGIC_COORDINATION, CONTINGENT, False),
        (CONFORMANCE_MONITORING, NONCONFORMING, True),
        (CONFORMANCE_MONITORING, CONTINGENT, True),
        (CONFORMANCE_MONITORING, ACCEPTED, False),
    ],
)
async def test_states_need_their_scope(
    world: World, scope: str, state: IntentState, allowed: bool
) -> None:
    made = await world.put(NORTH, intent())
    params = intent(state=state, new_subscription=wish())
    if allowed:
        await world.put(caller("north", scope), params, over=made)
    else:
        with pytest.raises(Forbidden, match="scope"):
            await world.put(caller("north", scope), params, over=made)  # [38]


async def test_creating_what_exists_is_refused(world: World) -> None:
    made = await world.put(NORTH, intent())
    with pytest.raises(StaleOVN, match="exists"):
        await world.register.put_intent(NORTH, made.id, None, intent(), NOON)  # [12]
    with pytest.raises(Forbidden):
        await world.register.put_intent(SOUTH, made.id, None, intent(), NOON)


async def test_updating_needs_the_current_ovn_and_the_manager(world: World) -> None:
    made = await world.put(NORTH, intent())
    with pytest.raises(StaleOVN):
        await world.register.put_intent(NORTH, made.id, "0" * 32, intent(), NOON)
    with pytest.raises(Forbidden):
        await world.register.put_intent(SOUTH, made.id, made.ovn, intent(), NOON)
    with pytest.raises(NotFound):
        await world.register.put_intent(NORTH, world.id(), made.ovn, intent(), NOON)
    with pytest.raises(BadInput, match="ovn"):
        await world.register.put_intent(NORTH, made.id, " ", intent(), NOON)


async def test_deleting_needs_the_current_ovn_and_the_manager(world: World) -> None:
    made = await world.put(NORTH, intent())
    with pytest.raises(StaleOVN):
        await world.register.delete_intent(NORTH, made.id, "0" * 32, NOON)
    with pytest.raises(Forbidden):
        await world.register.delete_intent(SOUTH, made.id, made.ovn or "", NOON)
    with pytest.raises(NotFound):
        await world.register.delete_intent(NORTH, world.id(), "0" * 32, NOON)  # [11]
    gone = await world.register.delete_intent(NORTH, made.id, made.ovn or "", NOON)
    assert gone.operational_intent_reference == made  # [1]
    with pytest.raises(NotFound):
        await world.register.get_intent(NORTH, made.id)
    assert (await world.rows())["cell"] == 0


async def test_a_malformed_request_is_told_so_whatever_stands_here(world: World) -> None:
    """[7] The request is validated before anything stored is looked at."""
    made = await world.put(NORTH, intent())
    with pytest.raises(BadInput, match="requested_ovn_suffix"):
        await world.register.put_intent(
            SOUTH, made.id, None, intent(requested_ovn_suffix="nonsense"), NOON
        )


def suffix(seconds: float) -> str:
    digits = f"{int((NOON + timedelta(seconds=seconds)).timestamp() * 1_000):012x}"
    return f"{digits[:8]}-{digits[8:]}-7abc-8def-0123456789ab"


@pytest.mark.parametrize(
    ("seconds", "good"), [(300, True), (-300, True), (301, False), (-301, False)]
)
async def test_an_ovn_may_be_foreseen(world: World, seconds: float, good: bool) -> None:
    params = intent(requested_ovn_suffix=suffix(seconds))
    if not good:
        with pytest.raises(BadInput, match="5 minutes"):
            await world.put(NORTH, params)
        return
    made = await world.put(NORTH, params)
    assert made.ovn == f"{made.id}_{suffix(seconds)}"
    with pytest.raises(BadInput, match="new one"):
        await world.put(NORTH, params, over=made)


async def test_ends_may_not_be_past_and_starts_may(world: World) -> None:
    await world.put(NORTH, intent(volume(minutes=(-60, 0))))  # [16] Ends now: touches.
    with pytest.raises(BadInput, match="before now"):
        await world.put(NORTH, intent(volume(minutes=(-60, -MICROSECOND))))


@pytest.mark.parametrize(
    "lacking",
    [
        volume(minutes=(None, 60)),
        volume(minutes=(0, None)),
        volume(altitudes=(None, 100)),
        volume(altitudes=(0, None)),
    ],
)
async def test_intents_need_all_bounds(world: World, lacking: wire.Volume4D) -> None:
    with pytest.raises(BadInput, match=r"extents\[1\].*required"):
        await world.put(NORTH, intent(volume(), lacking))  # [15] [27]


async def test_an_intent_needs_a_volume(world: World) -> None:
    with pytest.raises(BadInput, match="at least one"):
        await world.put(
            NORTH,
            wire.PutOperationalIntentReferenceParameters(
                extents=(), state=ACCEPTED, uss_base_url="https://uss.example"
            ),
        )  # [28]


async def test_area_limits_depend_on_who_asks_and_for_how_long(world: World) -> None:
    large = volume(radius_m=28_000)  # 2,463 km2
    await world.put(NORTH, intent(large))
    with pytest.raises(TooLarge, match="at most 2,500"):
        await world.put(NORTH, intent(volume(lat=0, radius_m=28_300)))
    day = 24 * 60
    await world.put(NORTH, intent(volume(lat=10, radius_m=28_000, minutes=(0, day))))
    with pytest.raises(TooLarge, match="at most 400"):
        await world.put(
            NORTH, intent(volume(lat=20, radius_m=28_000, minutes=(0, day + MICROSECOND)))
        )
    party = dataclasses.replace(NORTH, area_km2_max=1e6, area_km2_beyond_max=None)
    await world.put(party, intent(volume(lat=30, radius_m=200_000, minutes=(0, 2 * day))))
    with pytest.raises(TooLarge):
        await world.register.query_intents(NORTH, volume(radius_m=28_300))


async def test_many_keys_are_limited(world: World) -> None:
    with pytest.raises(TooLarge, match="key"):
        await world.put(NORTH, intent(key=("0" * 32,) * 50_001))


async def test_a_query_needs_an_area_and_may_leave_bounds_open(world: World) -> None:
    made = await world.put(NORTH, intent())
    with pytest.raises(BadInput, match="area_of_interest"):
        await world.register.query_intents(NORTH, None)  # [3]
    found = await world.register.query_intents(
        NORTH, volume(minutes=(None, None), altitudes=(None, None))
    )
    assert found.operational_intent_references == (made,)  # [21]


async def test_a_refused_write_changes_nothing(world: World) -> None:
    await world.put(NORTH, intent())
    before = await world.rows()
    with pytest.raises(AirspaceConflict):
        await world.put(SOUTH, intent(new_subscription=wish()))
    assert await world.rows() == before  # [39] No implicit subscription either.
    assert len(world.accepted) == 1


# Subscriptions of intents


async def test_neither_subscription_is_for_accepted_only(world: World) -> None:
    made = await world.put(NORTH, intent())
    for state in (ACTIVATED, NONCONFORMING, CONTINGENT):
        with pytest.raises(BadInput, match="subscription_id"):
            await world.put(NORTH, intent(state=state), over=made)  # [41]


async def test_both_subscriptions_are_refused(world: World) -> None:
    mine = await world.subscribe(NORTH)
    with pytest.raises(BadInput, match="not both"):
        await world.put(NORTH, intent(subscription_id=mine.id, new_subscription=wish()))


async def test_the_id_that_means_none_is_taken_for_none(world: World) -> None:
    made = await world.put(NORTH, intent(subscription_id=wire.NO_SUBSCRIPTION))
    assert made.subscription_id == wire.NO_SUBSCRIPTION


async def test_an_implicit_subscription_lives_with_its_intent(world: World) -> None:
    made = await world.put(NORTH, intent(new_subscription=wish()))
    (mine,) = await world.mine(NORTH)
    assert mine.id == made.subscription_id
    assert mine.implicit_subscription
    assert mine.notify_for_operational_intents
    assert mine.dependent_operational_intents == (made.id,)
    await world.register.delete_intent(NORTH, made.id, made.ovn or "", NOON)
    assert await world.mine(NORTH) == []  # [47]
    assert set((await world.rows()).values()) == {0}


async def test_a_new_subscription_is_always_new_and_the_old_one_goes(world: World) -> None:
    made = await world.put(NORTH, intent(new_subscription=wish()))
    again = await world.put(NORTH, intent(new_subscription=wish()), over=made)
    assert again.subscription_id != made.subscription_id
    assert [one.id for one in await world.mine(NORTH)] == [again.subscription_id]  # [42]


async def test_an_old_implicit_one_stays_while_another_intent_hangs_on_it(world: World) -> None:
    made = await world.put(NORTH, intent(new_subscription=wish()))
    assert made.ovn is not None
    other = await world.put(NORTH, intent(key=(made.ovn,), subscription_id=made.subscription_id))
    assert other.ovn is not None
    again = await world.put(NORTH, intent(key=(other.ovn,), new_subscription=wish()), over=made)
    ids = {one.id for one in await world.mine(NORTH)}
    assert ids == {made.subscription_id, again.subscription_id}
    await world.register.delete_intent(NORTH, other.id, other.ovn, NOON)
    assert [one.id for one in await world.mine(NORTH)] == [again.subscription_id]


async def test_naming_neither_on_an_update_detaches(world: World) -> None:
    made = await world.put(NORTH, intent(new_subscription=wish()))
    again = await world.put(NORTH, intent(), over=made)
    assert again.subscription_id == wire.NO_SUBSCRIPTION
    assert await world.mine(NORTH) == []  # [43]


async def test_keeping_the_implicit_one_stretches_it(world: World) -> None:
    made = await world.put(NORTH, intent(new_subscription=wish()))
    wider = intent(volume(minutes=(0, 120)), volume(lng=EAST), subscription_id=made.subscription_id)
    again = await world.put(NORTH, wider, over=made)
    assert again.subscription_id == made.subscription_id
    (mine,) = await world.mine(NORTH)
    assert mine.time_end == again.time_end  # [44]
    found = await world.register.query_subscriptions(NORTH, volume(lng=EAST), NOON)
    assert [one.id for one in found.subscriptions] == [mine.id]


async def test_an_explicit_one_must_cover_area_and_time(world: World) -> None:
    mine = await world.subscribe(NORTH, subscription(volume(radius_m=2_000)))
    for wrong in (volume(lng=EAST), volume(minutes=(0, 61)), volume(minutes=(-1, 60))):
        with pytest.raises(BadInput, match="cover"):
            await world.put(NORTH, intent(wrong, subscription_id=mine.id))  # [44]
    made = await world.put(NORTH, intent(subscription_id=mine.id))
    assert made.subscription_id == mine.id
    await world.register.delete_intent(NORTH, made.id, made.ovn or "", NOON)
    assert len(await world.mine(NORTH)) == 1, "an explicit one stays"


async def test_a_coarse_subscription_covers_fine_intents(world: World) -> None:
    mine = await world.subscribe(NORTH, subscription(volume(radius_m=25_000)))
    made = await world.put(NORTH, intent(subscription_id=mine.id))
    assert made.subscription_id == mine.id


async def test_subscriptions_that_cannot_be_named(world: World) -> None:
    theirs = await world.subscribe(SOUTH)
    with pytest.raises(Forbidden):
        await world.put(NORTH, intent(subscription_id=theirs.id))  # [45]
    with pytest.raises(BadInput, match="no subscription"):
        await world.put(NORTH, intent(subscription_id=world.id()))
    deaf = await world.subscribe(NORTH, subscription(notify_for_constraints=True))
    with pytest.raises(BadInput, match="does not notify"):
        await world.put(NORTH, intent(subscription_id=deaf.id))


async def test_subscribers_hear_of_old_and_new_place(world: World) -> None:
    here = await world.subscribe(SOUTH)
    there = await world.subscribe(SOUTH, subscription(volume(lng=EAST)))
    made = await world.put(NORTH, intent())
    moved = await world.change(NORTH, intent(volume(lng=EAST)), over=made)
    (told,) = moved.subscribers
    assert told.uss_base_url == "https://uss.example/north"
    indices = {one.subscription_id: one.notification_index for one in told.subscriptions}
    assert indices == {here.id: 2, there.id: 1}  # [50] [51]


async def test_subscribers_hear_of_a_deletion_and_the_caller_is_one_of_them(world: World) -> None:
    made = await world.put(NORTH, intent(new_subscription=wish()))
    gone = await world.register.delete_intent(NORTH, made.id, made.ovn or "", NOON)
    (told,) = gone.subscribers
    assert [one.subscription_id for one in told.subscriptions] == [made.subscription_id]


@pytest.mark.parametrize(
    ("heard", "where"),
    [
        (True, volume(altitudes=(100, 200))),
        (False, volume(altitudes=(UP, 200))),
        (True, volume(minutes=(60, 90))),
        (False, volume(minutes=(60 + MICROSECOND, 90))),
        (False, volume(lng=EAST)),
    ],
)
async def test_subscribers_are_told_of_what_touches(
    world: World, heard: bool, where: wire.Volume4D
) -> None:
    await world.subscribe(SOUTH, subscription(where))
    answer = await world.change(NORTH, intent())
    assert bool(answer.subscribers) is heard


async def test_expired_subscriptions_and_those_for_constraints_are_not_told(world: World) -> None:
    await world.subscribe(SOUTH, subscription(volume(minutes=(0, 10))))
    await world.subscribe(SOUTH, subscription(notify_for_constraints=True))
    answer = await world.change(NORTH, intent(), now=NOON + timedelta(minutes=10))
    assert len(answer.subscribers) == 1, "one that ends just now still hears"
    later = NOON + timedelta(minutes=10, microseconds=1)
    again = await world.change(NORTH, intent(), over=answer.operational_intent_reference, now=later)
    assert again.subscribers == ()


async def test_subscribers_are_grouped_by_url(world: World) -> None:
    first, second = await world.subscribe(SOUTH), await world.subscribe(NORTH)
    elsewhere = wire.PutSubscriptionParameters(
        extents=volume(),
        uss_base_url="https://other.example",
        notify_for_operational_intents=True,
    )
    third = await world.subscribe(SOUTH, elsewhere)
    answer = await world.change(NORTH, intent())
    groups = {
        one.uss_base_url: {state.subscription_id for state in one.subscriptions}
        for one in answer.subscribers
    }
    assert groups == {
        "https://uss.example/north": {first.id, second.id},
        "https://other.example": {third.id},
    }


async def test_the_hook_hears_of_each_accepted_change(world: World) -> None:
    made = await world.put(NORTH, intent())
    moved = await world.put(NORTH, intent(volume(lng=EAST)), over=made)
    await world.register.delete_intent(NORTH, moved.id, moved.ovn or "", NOON)
    told = [(one.kind, one.id, one.manager, one.version, one.removed) for one in world.accepted]
    assert told == [
        (Kind.INTENT, made.id, "north", 1, False),
        (Kind.INTENT, made.id, "north", 2, False),
        (Kind.INTENT, made.id, "north", 2, True),
    ]
    assert [len(one.extents) for one in world.accepted] == [1, 1, 0]
    outline = world.accepted[1].extents[0].outline
    assert getattr(outline, "center").lng_deg == EAST  # noqa: B009 - circle or polygon
