"""No-go areas, rings and drones: told before an aircraft enters, and while it is inside."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from air import HERE, Air, Flying, air, block

from tansiq.domain.alarm_key import AlarmKind, Level
from tansiq.domain.ellipsoid import destination
from tansiq.domain.ring import RingKind
from tansiq.domain.track import Address
from tansiq.errors import BadInput, NotFound

pytestmark = pytest.mark.anyio
NM = 1_852.0


@pytest.fixture
async def sky(tmp_path: Path) -> AsyncIterator[Air]:
    async with air(tmp_path) as made:
        yield made


def inbound(distance_m: float, speed_mps: float = 50.0, **more: object) -> Flying:
    """Return an aircraft east of HERE that flies towards it."""
    return Flying(
        address="icao:00000a",
        callsign="STRANGER",
        at=destination(HERE, 90.0, distance_m),
        speed_mps=speed_mps,
        track_deg=270.0,
        **more,  # type: ignore[arg-type]
    )


async def test_the_entry_into_a_no_go_area_is_foreseen_and_then_noticed(sky: Air) -> None:
    area = sky.no_go(9, block(radius_m=5_000.0, seconds=(-600.0, 3_600.0)))
    sky.flying = [inbound(12_000.0)]  # 7 km from the rim: 140 s.
    at: dict[tuple[str, Level], int] = {}
    for second in range(1, 160):
        await sky.run(1)
        for kind in (AlarmKind.NO_GO_ENTRY_PREDICTED, AlarmKind.NO_GO_ENTERED):
            found = sky.alarm(kind)
            if found is not None and area.id in (found.key.one, found.key.other):
                at.setdefault((kind.value, found.level), second)
    assert 140 - 62 <= at["no-go-entry-predicted", Level.CAUTION] <= 140 - 58
    assert 140 - 22 <= at["no-go-entry-predicted", Level.WARNING] <= 140 - 18
    assert 139 <= at["no-go-entered", Level.WARNING] <= 141


@pytest.mark.parametrize(("height_m", "told"), [(1_400.0, True), (1_700.0, False), (None, True)])
async def test_levels_count_and_an_unknown_height_is_no_excuse(
    sky: Air, height_m: float | None, told: bool
) -> None:
    sky.no_go(9, block(levels_m=(500.0, 1_500.0), seconds=(-600.0, 3_600.0)))
    sky.flying = [inbound(3_000.0, height_m=height_m)]
    await sky.run(3)
    assert ("no-go-entered" in sky.kinds()) == told


async def test_an_area_that_is_not_in_force_yet_is_none_and_one_that_will_be_by_then_is(
    sky: Air,
) -> None:
    sky.no_go(9, block(seconds=(400.0, 3_600.0)))
    sky.flying = [inbound(12_000.0)]
    await sky.run(100)
    assert sky.kinds() == {"no-plan"}
    sky.no_go(9, block(seconds=(130.0, 3_600.0)))
    await sky.run(2)
    assert "no-go-entry-predicted" in sky.kinds()


async def test_the_rings_of_a_wildfire_from_the_outermost_inwards(sky: Air) -> None:
    now = sky.clock.time
    radii = {RingKind.CALL: 12.0, RingKind.NO_ENTRY: 7.0, RingKind.AREA: 5.0}
    await sky.watch.parts.rings.draw("Ridge", HERE, radii, now + timedelta(hours=3), now)
    sky.flying = [inbound(13.5 * NM, speed_mps=100.0)]
    seen: list[tuple[str, str]] = []
    for _ in range(200):
        await sky.run(1)
        for view in sky.picture.view().alarms:
            if view.kind == "unknown-inbound":
                ring = view.sentence.split(" NM (")[0].rsplit(" ", 1)[-1]
                if (view.level, ring) not in seen:
                    seen.append((view.level, ring))
    assert seen[0] == ("advisory", "12")
    assert ("caution", "12") in seen
    assert ("warning", "7") in seen
    assert seen[-1] == ("warning", "5")


async def test_who_has_called_or_flies_a_plan_is_expected(sky: Air) -> None:
    now, rings = sky.clock.time, sky.watch.parts.rings
    await rings.draw("Ridge", HERE, {RingKind.CALL: 12.0}, now + timedelta(hours=3), now)
    sky.flying = [inbound(8 * NM)]
    await sky.run(2)
    assert sky.alarm(AlarmKind.UNKNOWN_INBOUND) is not None
    await rings.admit("Ridge", Address("icao:00000a"), admitted=True)
    await sky.run(20)
    found = sky.alarm(AlarmKind.UNKNOWN_INBOUND)
    assert found is not None
    assert found.cleared is not None
    await rings.admit("Ridge", Address("icao:00000a"), admitted=False)
    await sky.run(1)
    found = sky.alarm(AlarmKind.UNKNOWN_INBOUND)
    assert found is not None
    assert found.cleared is None


async def test_rings_and_drones_outlive_a_restart_and_end_in_time(tmp_path: Path) -> None:
    async with air(tmp_path) as sky:
        now, rings = sky.clock.time, sky.watch.parts.rings
        await rings.draw("Ridge", HERE, {RingKind.AREA: 5.0}, now + timedelta(minutes=10), now)
        await rings.admit("Ridge", Address("icao:00000a"), admitted=True)
        seen = await rings.sight(HERE, 500.0, "small, white", now + timedelta(hours=1), now)
    async with air(tmp_path) as sky:
        now, rings = sky.clock.time, sky.watch.parts.rings
        await rings.start(now)
        assert rings.ring("Ridge").admitted == {"icao:00000a"}
        assert [view.radius_m for view in rings.views()] == [5.0 * NM]
        await sky.run(1)
        (view,) = [v for v in sky.picture.view().alarms if v.kind == "drone-sighting"]
        assert view.level == "warning"
        assert "small, white" in view.sentence
        # At its end it holds, a moment later it does not.
        rings.forget_old(now + timedelta(minutes=10))
        assert len(rings.rings()) == 1
        rings.forget_old(now + timedelta(minutes=10, microseconds=1))
        assert rings.rings() == ()
        _, minutes = await rings.gone(seen.id[:8], seen.time + timedelta(minutes=7, seconds=1))
        assert minutes == 8
        with pytest.raises(NotFound):
            await rings.gone(seen.id[:8], now)


async def test_rings_that_are_none_are_refused_and_change_nothing(sky: Air) -> None:
    now, rings = sky.clock.time, sky.watch.parts.rings
    later = now + timedelta(hours=1)
    for radii, until in [
        ({}, later),
        ({RingKind.CALL: 5.0, RingKind.AREA: 5.0}, later),
        ({RingKind.CALL: 5.0}, now),
        ({RingKind.CALL: 5.0}, now + timedelta(days=14, microseconds=1)),
    ]:
        with pytest.raises(BadInput):
            await rings.draw("Ridge", HERE, radii, until, now)
    await rings.draw("Ridge", HERE, {RingKind.CALL: 5.0}, now + timedelta(days=14), now)
    assert len(rings.rings()) == 1
