"""Two whole nodes that hear the same sky: one alarm on both; an own aircraft that is astray."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from air import PRECISE, Flying
from tests.planning.sky import Side, flying, make_sky, plan_of, until

from tansiq.domain.actor import Actor, Role
from tansiq.domain.ellipsoid import destination
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import AltitudeBand, Circle, LatLng, Volume3D, Volume4D, Volumes
from tansiq.services.planning.telemetry import Report
from tansiq.services.views import Status
from tansiq.services.watch.views import AlarmView
from tansiq.watch_settings import WatchSettings

pytestmark = pytest.mark.anyio
ANNA = Actor(name="anna", display_name="Anna", initials="AN", role=Role.WATCH)
SPOT = LatLng(39.0, -121.0)


class Sky:
    """Two nodes, and aircraft that both of them hear."""

    def __init__(self, north: Side, south: Side) -> None:
        self.north, self.south = north, south
        self.flying: list[Flying] = []
        self._task = asyncio.create_task(self._feed())

    async def _feed(self) -> None:
        while True:
            now = datetime.now(UTC)
            reports = [each.report(now) for each in self.flying]
            for side in (self.north, self.south):
                if side.node is not None and reports:
                    side.node.watching.watch.hear("test", reports)
            await asyncio.sleep(0.5)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def alarm(self, side: Side, kind: str, good: Any = bool) -> AlarmView:
        """Wait for an alarm of a kind that is as wanted."""

        async def ask() -> list[AlarmView]:
            now = datetime.now(UTC)
            return [v for v in side.up.watching.desk.picture.alarms(now) if v.kind == kind]

        found = await until(ask, lambda alarms: bool(alarms) and good(alarms[0]))
        assert len(found) == 1
        alarm: AlarmView = found[0]
        return alarm


@pytest.fixture
async def sky(tmp_path: Path) -> AsyncIterator[Sky]:
    made = make_sky(tmp_path)
    for side in made.sides.values():
        side.settings = replace(side.settings, watch=WatchSettings(well_clear="off"))
    async with flying(made):
        both = Sky(made["north"], made["south"])
        try:
            yield both
        finally:
            await both.stop()


def block(spot: LatLng, radius_m: float = 2_000.0) -> Volumes:
    now = datetime.now(UTC)
    return (
        Volume4D(
            volume=Volume3D(
                outline=Circle(center=spot, radius_m=radius_m),
                altitude=AltitudeBand(lower_m=500.0, upper_m=1_500.0),
            ),
            time=TimeSpan(start=now - timedelta(seconds=5), end=now + timedelta(minutes=30)),
        ),
    )


async def airborne(side: Side, spot: LatLng, callsign: str) -> str:
    """Declare and activate a plan; return its intent."""
    view = await side.declare(plan_of(block(spot), callsign))
    await side.up.plans.activate(view.id)
    activated = await side.until(view.id, lambda v: v.state == "Activated" and v.coordinated)
    return activated.intent_id


async def known_at(side: Side, intent: str) -> None:
    async def ask() -> bool:
        known = side.up.planner.judging.airspace.get("north", intent)
        return known is not None and known.state == "Activated"

    await until(ask, bool)


async def test_what_both_find_is_one_alarm_and_seen_at_one_desk_shows_at_the_other(
    sky: Sky,
) -> None:
    far = destination(SPOT, 90.0, 9_000.0)
    osprey = await airborne(sky.south, SPOT, "OSPREY")
    heron = await airborne(sky.north, far, "HERON")
    await known_at(sky.north, osprey)
    await known_at(sky.south, heron)
    # Each has left its volume towards the other; 3 km apart, they close at 40 m/s.
    start = datetime.now(UTC)
    sky.flying = [
        Flying(
            address=f"intent:{osprey}",
            at=destination(SPOT, 90.0, 3_000.0),
            speed_mps=20.0,
            track_deg=90.0,
            since=start,
        ),
        Flying(
            address=f"intent:{heron}",
            at=destination(SPOT, 90.0, 6_000.0),
            speed_mps=20.0,
            track_deg=270.0,
            since=start,
        ),
    ]
    kind = "conflict-predicted"
    both = {osprey, heron}

    def named_by_notes(view: AlarmView) -> bool:
        return len(view.id) == 64

    here = await sky.alarm(sky.north, kind, named_by_notes)
    await sky.alarm(sky.south, kind, named_by_notes)

    async def ids() -> set[str]:
        views = [await sky.alarm(side, kind) for side in (sky.north, sky.south)]
        return {view.id for view in views}

    await until(ids, lambda found: len(found) == 1)
    assert {here.one, here.other} == both
    desk = sky.north.up.watching.desk
    (named,) = await ids()
    seen = await desk.acknowledge(named, ANNA)
    assert seen.acknowledged_by == "Anna"
    there = await sky.alarm(sky.south, kind, lambda v: "north" in v.acknowledged_there)
    assert there.id in await ids()


async def test_an_aircraft_that_leaves_its_plan_makes_it_nonconforming_and_the_other_side_sees_it(
    sky: Sky,
) -> None:
    osprey = await airborne(sky.south, SPOT, "OSPREY")
    await known_at(sky.north, osprey)
    (view,) = [v for v in await sky.south.up.plans.plans(ended=False) if v.intent_id == osprey]
    sky.flying = [
        Flying(
            address=f"intent:{osprey}",
            at=destination(SPOT, 90.0, 3_000.0),
            speed_mps=20.0,
            track_deg=90.0,
            since=datetime.now(UTC),
            more=dict(PRECISE),
        )
    ]
    left = await sky.alarm(sky.south, "left-volume")
    assert "to the east" in left.sentence
    after = await sky.south.until(view.id, lambda v: v.status is Status.NONCONFORMING)
    assert after.state == "Nonconforming"

    async def told() -> bool:
        known = sky.north.up.planner.judging.airspace.get("north", osprey)
        return known is not None and known.off_nominal and known.nominal_count is not None

    await until(told, bool)


async def test_a_position_that_one_side_reports_is_followed_by_both_once_its_plan_is_off_nominal(
    sky: Sky,
) -> None:
    osprey = await airborne(sky.south, SPOT, "OSPREY")
    await known_at(sky.north, osprey)
    (view,) = [v for v in await sky.south.up.plans.plans(ended=False) if v.intent_id == osprey]
    place = destination(SPOT, 90.0, 3_000.0)

    async def report() -> None:
        for _ in range(120):
            now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            said = Report(
                time_measured=now,
                lat_deg=place.lat_deg,
                lng_deg=place.lng_deg,
                altitude_m=1_000.0,
                accuracy_h="HA10m",
                accuracy_v="VA10m",
                speed_mps=0.0,
                track_deg=90.0,
            )
            await sky.south.up.telemetry.report(view.id, said)
            await asyncio.sleep(0.5)

    reporting = asyncio.create_task(report())
    try:
        await sky.alarm(sky.south, "left-volume")

        async def followed() -> bool:
            picture = sky.north.up.watching.desk.view()
            return any(
                t.plan == osprey and t.conformance in ("left", "inside") and t.feed == "f3548"
                for t in picture.tracks
            )

        await until(followed, bool)
    finally:
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)
    (feed,) = [f for f in sky.north.up.watching.desk.feeds().feeds if f.kind == "f3548"]
    assert feed.positions > 0
    await sky.north.up.watching.desk.run_feed("f3548", on=False)
    (feed,) = [f for f in sky.north.up.watching.desk.feeds().feeds if f.kind == "f3548"]
    assert feed.state == "stopped"
