"""Subscriptions, constraints and availability in the register: one test for each rule."""

from datetime import timedelta

import pytest
from register_world import (
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

from tansiq.domain.volume import ALTITUDE_M_MAX, ALTITUDE_M_MIN
from tansiq.errors import BadInput, Forbidden, NotFound, StaleOVN, StateConflict, TooLarge
from tansiq.f3548 import wire
from tansiq.f3548.convert import to_time
from tansiq.services.register import (
    AVAILABILITY_ARBITRATION,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    STRATEGIC_COORDINATION,
    AirspaceConflict,
    Kind,
)

pytestmark = pytest.mark.anyio

OPEN = volume(minutes=(None, None), altitudes=(None, None))
MICROSECOND = 1 / 60_000_000
BOTH = {"notify_for_operational_intents": True, "notify_for_constraints": True}
CONSTRAINTS = {"notify_for_constraints": True}
DAY = 24 * 60


# Subscriptions


async def test_a_subscription_without_times_lasts_a_day_from_now(world: World) -> None:
    made = await world.subscribe(NORTH, subscription(OPEN))
    assert made.time_start == to_time(NOON)  # [18]
    assert made.time_end == to_time(NOON + timedelta(hours=24))
    assert made.notification_index == 0  # [52]
    assert not made.implicit_subscription
    assert made.version


@pytest.mark.parametrize(
    ("minutes", "sentence"),
    [
        ((-5, 60), None),
        ((-5 - MICROSECOND, 60), "ago"),  # [17]
        ((0, DAY), None),
        ((0, DAY + MICROSECOND), "longer"),  # [18]
        ((-5, 0), None),
        ((-5, -MICROSECOND), "before now"),
    ],
)
async def test_times_of_subscriptions_touch_and_miss(
    world: World, minutes: tuple[float, float], sentence: str | None
) -> None:
    params = subscription(volume(minutes=minutes))
    if sentence is None:
        await world.subscribe(NORTH, params)
    else:
        with pytest.raises(BadInput, match=sentence):
            await world.subscribe(NORTH, params)


async def test_an_update_takes_missing_times_from_the_old_one(world: World) -> None:
    made = await world.subscribe(NORTH)
    later = NOON + timedelta(minutes=30)
    answer = await world.register.put_subscription(
        NORTH, made.id, made.version, subscription(OPEN), later
    )
    assert answer.subscription.time_start == made.time_start  # [19]
    assert answer.subscription.time_end == made.time_end
    assert answer.subscription.version != made.version
    with pytest.raises(BadInput, match="longer"):
        await world.register.put_subscription(
            NORTH,
            made.id,
            answer.subscription.version,
            subscription(volume(minutes=(None, DAY + MICROSECOND))),
            later,
        )


async def test_expired_subscriptions_are_left_out_of_queries_only(world: World) -> None:
    made = await world.subscribe(NORTH)
    end = NOON + timedelta(hours=1)
    found = await world.register.query_subscriptions(NORTH, OPEN, end)
    assert [one.id for one in found.subscriptions] == [made.id]
    found = await world.register.query_subscriptions(NORTH, OPEN, end + timedelta(microseconds=1))
    assert found.subscriptions == ()  # [20]
    assert (await world.register.get_subscription(NORTH, made.id)).subscription == made


async def test_something_must_be_asked_for(world: World) -> None:
    for flags in ({"notify_for_constraints": False}, {"notify_for_operational_intents": None}):
        with pytest.raises(BadInput, match="notify_for"):
            await world.subscribe(NORTH, subscription(**flags))  # [48]


@pytest.mark.parametrize(
    ("scope", "flags", "allowed"),
    [
        (STRATEGIC_COORDINATION, {"notify_for_operational_intents": True}, True),
        (STRATEGIC_COORDINATION, CONSTRAINTS, False),
        (CONSTRAINT_PROCESSING, CONSTRAINTS, True),
        (CONSTRAINT_PROCESSING, BOTH, False),
    ],
)
async def test_each_kind_of_notification_needs_its_scope(
    world: World, scope: str, flags: dict[str, bool], allowed: bool
) -> None:
    if allowed:
        await world.subscribe(caller("north", scope), subscription(**flags))
    else:
        with pytest.raises(Forbidden, match="scope"):
            await world.subscribe(caller("north", scope), subscription(**flags))  # [48]


async def test_a_new_subscription_shows_what_is_there_already(world: World) -> None:
    made = await world.put(NORTH, intent())
    barred = await world.bar(NORTH)
    answer = await world.register.put_subscription(
        SOUTH, world.id(), None, subscription(**BOTH), NOON
    )
    assert answer.operational_intent_references is not None
    assert answer.constraint_references is not None
    assert [(one.id, one.ovn) for one in answer.operational_intent_references] == [(made.id, None)]
    assert [(one.id, one.ovn) for one in answer.constraint_references] == [
        (barred.id, None)
    ]  # [49]


async def test_what_was_not_asked_for_is_absent_and_what_was_is_present(world: World) -> None:
    answer = await world.register.put_subscription(SOUTH, world.id(), None, subscription(), NOON)
    assert answer.operational_intent_references == ()
    assert answer.constraint_references is None  # [49]


async def test_the_index_survives_an_update(world: World) -> None:
    made = await world.subscribe(SOUTH)
    await world.put(NORTH, intent())
    answer = await world.register.put_subscription(
        SOUTH, made.id, made.version, subscription(), NOON
    )
    assert answer.subscription.notification_index == 1  # [52]
    got = await world.register.get_subscription(SOUTH, made.id)
    assert got.subscription == answer.subscription


async def test_subscriptions_are_their_managers_alone(world: World) -> None:
    made = await world.subscribe(NORTH)
    with pytest.raises(Forbidden):
        await world.register.get_subscription(SOUTH, made.id)  # [53]
    with pytest.raises(Forbidden):
        await world.register.put_subscription(SOUTH, made.id, made.version, subscription(), NOON)
    with pytest.raises(Forbidden):
        await world.register.delete_subscription(SOUTH, made.id, made.version)
    assert await world.mine(SOUTH) == []


async def test_changes_presume_a_version(world: World) -> None:
    register, made = world.register, await world.subscribe(NORTH)
    with pytest.raises(StateConflict, match="exists"):
        await register.put_subscription(NORTH, made.id, None, subscription(), NOON)
    with pytest.raises(StateConflict, match="no longer"):
        await register.put_subscription(NORTH, made.id, "0" * 32, subscription(), NOON)
    with pytest.raises(StateConflict, match="no longer"):
        await register.delete_subscription(NORTH, made.id, "0" * 32)
    with pytest.raises(NotFound):
        await register.put_subscription(NORTH, world.id(), "0" * 32, subscription(), NOON)
    with pytest.raises(NotFound):
        await register.delete_subscription(NORTH, world.id(), "0" * 32)
    with pytest.raises(NotFound):
        await register.get_subscription(NORTH, world.id())
    with pytest.raises(BadInput, match="version"):
        await register.delete_subscription(NORTH, made.id, "")
    gone = await register.delete_subscription(NORTH, made.id, made.version)
    assert gone.subscription == made
    assert set((await world.rows()).values()) == {0}


async def test_a_subscription_on_which_intents_hang_stays_and_keeps_its_size(world: World) -> None:
    wide = volume(radius_m=2_000)
    made = await world.subscribe(NORTH, subscription(wide))
    hanging = await world.put(NORTH, intent(subscription_id=made.id))
    with pytest.raises(BadInput, match="hang"):
        await world.register.delete_subscription(NORTH, made.id, made.version)  # [46]
    for smaller in (
        subscription(volume(lng=-104.9)),
        subscription(volume(radius_m=2_000, minutes=(0, 59))),
        subscription(wide, **CONSTRAINTS),
    ):
        with pytest.raises(BadInput, match="covered"):
            await world.register.put_subscription(NORTH, made.id, made.version, smaller, NOON)
    answer = await world.register.put_subscription(
        NORTH, made.id, made.version, subscription(wide), NOON
    )
    assert answer.subscription.dependent_operational_intents == (hanging.id,)


async def test_a_subscription_needs_an_area_within_limits(world: World) -> None:
    with pytest.raises(TooLarge):
        await world.subscribe(NORTH, subscription(volume(radius_m=28_300)))
    with pytest.raises(BadInput, match="area_of_interest"):
        await world.register.query_subscriptions(NORTH, None, NOON)


# Constraints


async def test_a_constraint_goes_from_creation_to_deletion(world: World) -> None:
    made = await world.bar(NORTH)
    assert (made.version, made.manager) == (1, "north")
    again = await world.register.put_constraint(NORTH, made.id, made.ovn, constraint(), NOON)
    now = again.constraint_reference
    assert (now.version, now.ovn == made.ovn) == (2, False)
    seen = (await world.register.get_constraint(SOUTH, made.id)).constraint_reference
    assert seen.ovn is None
    found = await world.register.query_constraints(SOUTH, volume())
    assert found.constraint_references == (seen,)
    gone = await world.register.delete_constraint(NORTH, made.id, now.ovn or "", NOON)
    assert gone.constraint_reference == now
    with pytest.raises(NotFound):
        await world.register.get_constraint(NORTH, made.id)
    assert set((await world.rows()).values()) == {0}


async def test_a_constraint_may_leave_altitudes_open_but_not_times(world: World) -> None:
    made = await world.bar(NORTH, constraint(volume(altitudes=(None, None))))
    assert (await world.register.get_constraint(NORTH, made.id)).constraint_reference == made
    (told,) = world.accepted
    band = told.extents[0].altitude
    assert (told.kind, band.lower_m, band.upper_m) == (
        Kind.CONSTRAINT,
        ALTITUDE_M_MIN,
        ALTITUDE_M_MAX,
    )
    with pytest.raises(BadInput, match="time_end"):
        await world.bar(NORTH, constraint(volume(minutes=(0, None))))
    with pytest.raises(BadInput, match="before it starts"):
        await world.bar(NORTH, constraint(volume(minutes=(1, 0))))
    with pytest.raises(BadInput, match="before now"):
        await world.bar(NORTH, constraint(volume(minutes=(-2, -1))))
    assert await world.bar(NORTH, constraint(volume(minutes=(0, 0))))


async def test_constraints_are_their_managers_and_need_their_scope(world: World) -> None:
    made = await world.bar(NORTH)
    register, ovn = world.register, made.ovn or ""
    with pytest.raises(Forbidden):
        await register.put_constraint(SOUTH, made.id, ovn, constraint(), NOON)
    with pytest.raises(Forbidden):
        await register.delete_constraint(SOUTH, made.id, ovn, NOON)
    with pytest.raises(StaleOVN, match="exists"):
        await register.put_constraint(NORTH, made.id, None, constraint(), NOON)
    with pytest.raises(StaleOVN):
        await register.put_constraint(NORTH, made.id, "0" * 32, constraint(), NOON)
    with pytest.raises(NotFound):
        await register.put_constraint(NORTH, world.id(), ovn, constraint(), NOON)
    with pytest.raises(NotFound):
        await register.delete_constraint(NORTH, world.id(), ovn, NOON)
    planner = caller("north", STRATEGIC_COORDINATION, CONSTRAINT_PROCESSING)
    with pytest.raises(Forbidden, match=CONSTRAINT_MANAGEMENT):
        await register.put_constraint(planner, made.id, ovn, constraint(), NOON)
    with pytest.raises(Forbidden, match=CONSTRAINT_MANAGEMENT):
        await register.delete_constraint(planner, made.id, ovn, NOON)


async def test_a_key_names_constraints_only_for_those_who_hear_of_them(world: World) -> None:
    barred = await world.bar(NORTH)
    made = await world.put(SOUTH, intent())  # [36] Hears of none: needs none.
    known = made.ovn or ""
    with pytest.raises(AirspaceConflict) as caught:
        await world.put(SOUTH, intent(key=(known,), new_subscription=wish(constraints=True)))
    assert caught.value.missing_constraints == (barred.id,)
    assert caught.value.missing_intents == ()
    assert caught.value.constraints[0].ovn is None
    hears = await world.subscribe(SOUTH, subscription(**BOTH))
    with pytest.raises(AirspaceConflict) as caught:
        await world.put(SOUTH, intent(key=(known,), subscription_id=hears.id))
    assert caught.value.missing_constraints == (barred.id,)
    key = (known, barred.ovn or "")
    await world.put(SOUTH, intent(key=key, subscription_id=hears.id))


async def test_an_implicit_subscription_to_constraints_needs_the_scope(world: World) -> None:
    planner = caller("north", STRATEGIC_COORDINATION)
    with pytest.raises(Forbidden, match=CONSTRAINT_PROCESSING):
        await world.put(planner, intent(new_subscription=wish(constraints=True)))


async def test_subscribers_to_constraints_hear_of_old_and_new_place(world: World) -> None:
    here = await world.subscribe(SOUTH, subscription(**CONSTRAINTS))
    await world.subscribe(SOUTH)  # For intents: hears nothing.
    made = await world.bar(NORTH)
    moved = await world.register.put_constraint(
        NORTH, made.id, made.ovn, constraint(volume(lng=-104.9)), NOON
    )
    (told,) = moved.subscribers
    assert [(one.subscription_id, one.notification_index) for one in told.subscriptions] == [
        (here.id, 2)
    ]
    ovn = moved.constraint_reference.ovn or ""
    gone = await world.register.delete_constraint(NORTH, made.id, ovn, NOON)
    assert gone.subscribers == ()
    assert [one.removed for one in world.accepted] == [False, False, True]


# Availability and reports


async def test_of_most_suppliers_nothing_is_known(world: World) -> None:
    answer = await world.register.get_availability("nobody")
    assert answer.version == ""
    assert answer.status == wire.UssAvailabilityStatus(
        uss="nobody", availability=wire.UssAvailabilityState.UNKNOWN
    )  # [56]


async def test_availability_is_set_by_version_and_without_regard_to_case(world: World) -> None:
    register = world.register
    params = wire.SetUssAvailabilityStatusParameters(availability="normal", old_version="")
    first = await register.set_availability(SOUTH, "north", params)
    assert first.status.availability is wire.UssAvailabilityState.NORMAL
    assert await register.get_availability("north") == first
    with pytest.raises(StateConflict, match="old_version"):
        await register.set_availability(SOUTH, "north", params)
    params = wire.SetUssAvailabilityStatusParameters(availability="Down", old_version=first.version)
    second = await register.set_availability(SOUTH, "north", params)
    assert second.version != first.version
    made = await world.put(SOUTH, intent())
    assert made.uss_availability is wire.UssAvailabilityState.UNKNOWN


async def test_availability_needs_the_arbiter_and_a_known_state(world: World) -> None:
    params = wire.SetUssAvailabilityStatusParameters(availability="Fine")
    with pytest.raises(BadInput, match="Unknown, Normal, Down"):
        await world.register.set_availability(NORTH, "north", params)
    with pytest.raises(Forbidden, match=AVAILABILITY_ARBITRATION):
        await world.register.set_availability(
            caller("north", STRATEGIC_COORDINATION), "north", params
        )
    with pytest.raises(BadInput, match="uss_id"):
        await world.register.get_availability("a\nb")


async def test_references_show_the_availability_of_their_manager(world: World) -> None:
    params = wire.SetUssAvailabilityStatusParameters(availability="Normal")
    await world.register.set_availability(SOUTH, "north", params)
    made = await world.put(NORTH, intent())
    barred = await world.bar(NORTH)
    assert made.uss_availability is wire.UssAvailabilityState.NORMAL
    assert barred.uss_availability is wire.UssAvailabilityState.NORMAL
    found = await world.register.query_intents(SOUTH, volume())
    assert found.operational_intent_references[0].uss_availability == "Normal"
