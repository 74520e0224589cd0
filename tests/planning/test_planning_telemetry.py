"""Where an off-nominal aircraft is: reported, kept, served to peers, asked of peers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from outsider import outside
from pool import become
from sky import Side, flying, make_sky, plan, two, until, volume

from tansiq.domain.intent import IntentState
from tansiq.domain.time import zulu
from tansiq.errors import BadInput, NotFound, PeerMalformed, PeerRefused, WrongState
from tansiq.peers.link import Answer
from tansiq.peers.register_client import CONFORMANCE, STRATEGIC
from tansiq.services.planning.telemetry import Report
from tansiq.services.views import PlanView

pytestmark = pytest.mark.anyio
Pair = tuple[Side, Side]


def now(side: Side) -> Any:
    return side.up.telemetry._clock.now()


def report(side: Side, ago_s: float = 1.0, **what: Any) -> Report:
    measured = zulu(now(side) - timedelta(seconds=ago_s))
    where = {"lat_deg": 39.0, "lng_deg": -120.9, "altitude_m": 640.0}
    return Report(time_measured=measured, **{**where, **what})


async def stray(side: Side, lat: float = 39.0) -> PlanView:
    view = await side.declare(plan(-121, "ALPHA", lat=lat))
    volumes = (volume(-120.9, lat=lat),)
    await side.up.plans.off_nominal(view.id, state=IntentState.NONCONFORMING, volumes=volumes)
    return await side.settled(view.id)


async def told_of(side: Side, view: PlanView) -> None:
    """Wait until both notifications have come."""

    async def known() -> list[Any]:
        airspace = side.up.planner.judging.airspace
        return [airspace.get(register, view.intent_id) for register in ("north", "south")]

    await until(known, lambda told: all(k is not None and k.off_nominal for k in told))


async def ask(
    asker: Side, owner: Side, entity: str, *, at: str = "/at/south", scope: str = CONFORMANCE
) -> Answer:
    url = f"{owner.party.url}{at}/uss/v1/operational_intents/{entity}/telemetry"
    return await asker.up.link.call("GET", url, scope=scope)


async def test_a_peer_is_shown_the_last_report_while_the_plan_is_off_nominal(
    pair: Pair, lat: float
) -> None:
    north, south = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    await north.up.telemetry.report(view.id, report(north, 30))
    assert (await ask(south, north, view.intent_id)).status == 409
    await north.up.plans.off_nominal(
        view.id, state=IntentState.NONCONFORMING, volumes=(volume(-120.9, lat=lat),)
    )
    await north.settled(view.id)
    expected = zulu(now(north) + timedelta(seconds=20))
    last = report(
        north,
        2,
        accuracy_h="HA10m",
        accuracy_v="VA3m",
        speed_mps=14.5,
        track_deg=270.0,
        next_expected=expected,
    )
    await north.up.telemetry.report(view.id, last)
    for at in ("", "/at/north", "/at/south"):
        answer = await ask(south, north, view.intent_id, at=at)
        assert answer.status == 200, answer.body
        told = msgspec.json.decode(answer.body)
        assert told == {
            "operational_intent_id": view.intent_id,
            "telemetry": {
                "time_measured": {"value": last.time_measured, "format": "RFC3339"},
                "position": {
                    "longitude": -120.9,
                    "latitude": 39.0,
                    "accuracy_h": "HA10m",
                    "accuracy_v": "VA3m",
                    "extrapolated": False,
                    "altitude": {"value": 640.0, "reference": "W84", "units": "M"},
                },
                "velocity": {"speed": 14.5, "units_speed": "MetersPerSecond", "track": 270.0},
            },
            "next_telemetry_opportunity": {"value": expected, "format": "RFC3339"},
        }
    # An older report that comes late changes nothing.
    kept = await north.up.telemetry.report(view.id, report(north, 20, lat_deg=0.0))
    assert kept.lat_deg == 39.0
    assert (await ask(south, north, view.intent_id, scope=STRATEGIC)).status == 403
    await north.up.plans.activate(view.id)
    await north.settled(view.id)
    assert (await ask(south, north, view.intent_id)).status == 409
    await north.up.plans.end(view.id)
    await north.settled(view.id)
    assert (await ask(south, north, view.intent_id)).status == 404


async def test_nothing_at_hand_and_nothing_known_are_two_answers(pair: Pair, lat: float) -> None:
    north, south = pair
    view = await stray(north, lat)
    assert (await ask(south, north, view.intent_id)).status == 412
    unknown = "2f8343be-6482-4d1b-a474-16847e01af1e"
    assert (await ask(south, north, unknown)).status == 404
    assert (await ask(south, north, view.intent_id, at="/at/nowhere")).status == 404
    assert (await ask(south, north, "x")).status == 400


async def test_a_peers_position_is_asked_for_and_its_age_is_said(pair: Pair, lat: float) -> None:
    north, south = pair
    view = await stray(north, lat)
    await told_of(south, view)
    none = await south.up.telemetry.of_peer(view.intent_id)
    assert (none.lat_deg, none.sentence) == (None, "north has no position of ALPHA at hand")
    begun = datetime.now(UTC)
    await north.up.telemetry.report(view.id, report(north, 43.2, track_deg=90.0, speed_mps=0.0))
    told = await south.up.telemetry.of_peer(view.intent_id)
    assert (told.manager, told.name, told.state) == ("north", "ALPHA", "Nonconforming")
    assert (told.lat_deg, told.lng_deg, told.altitude_m) == (39.0, -120.9, 640.0)
    assert (told.speed_mps, told.track_deg, told.next_expected) == (0.0, 90.0, None)
    assert told.age_s is not None
    assert 43.2 <= told.age_s <= 43.2 + (datetime.now(UTC) - begun).total_seconds()
    assert told.sentence == f"measured {told.age_s:,.0f} s ago"


async def test_only_of_others_and_only_of_what_has_strayed(pair: Pair, lat: float) -> None:
    north, south = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    with pytest.raises(WrongState, match="is Accepted"):
        await south.up.telemetry.of_peer(view.intent_id)
    area = await north.no_go(plan(-122, "FIRE", lat=lat))
    for entity in (view.intent_id, area.id, "2f8343be-6482-4d1b-a474-16847e01af1e"):
        with pytest.raises(NotFound):
            await north.up.telemetry.of_peer(entity)
    with pytest.raises(NotFound):
        await south.up.telemetry.of_peer(area.id)
    with pytest.raises(NotFound):
        await north.up.telemetry.report("2f8343be-6482-4d1b-a474-16847e01af1e", report(north))


async def test_a_report_survives_a_restart(tmp_path: Path) -> None:
    async with two(tmp_path) as (north, south):
        view = await stray(north)
        await north.up.telemetry.report(view.id, report(north))
        await north.restart()
        assert (await ask(south, north, view.intent_id)).status == 200
        assert (await north.up.telemetry.own(view.id)).lat_deg == 39.0


async def test_a_report_is_neither_old_nor_of_the_future(pair: Pair, lat: float) -> None:
    """The limits are an hour back and the leeway of clocks ahead: both touched and just missed."""
    north, _ = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    telemetry = north.up.telemetry
    fixed = now(north)
    leeway_s = north.settings.timers.clock_leeway_s
    age_max_s = north.settings.limits.telemetry_age_max.total_seconds()
    step = timedelta(microseconds=1)

    class Still:
        def now(self) -> Any:
            return fixed

    clock, telemetry._clock = telemetry._clock, Still()  # type: ignore[assignment]
    try:
        for ago, good in (
            (timedelta(seconds=age_max_s), True),
            (timedelta(seconds=age_max_s) + step, False),
            (timedelta(seconds=-leeway_s), True),
            (timedelta(seconds=-leeway_s) - step, False),
        ):
            one = msgspec.structs.replace(report(north), time_measured=zulu(fixed - ago))
            if good:
                await telemetry.report(view.id, one)
                continue
            with pytest.raises(BadInput) as refused:
                await telemetry.report(view.id, one)
            assert refused.value.field == "time_measured"
    finally:
        telemetry._clock = clock


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ({"extrapolated": True}, "accuracy_h"),
        ({"extrapolated": True, "accuracy_h": "HA3m"}, "accuracy_h"),
        ({"track_deg": 10.0}, "speed_mps"),
        ({"next_expected": "2020-01-01T00:00:00Z"}, "next_expected"),
        ({"next_expected": "2120-01-01T00:00:00Z"}, "next_expected"),
        ({"next_expected": "soon"}, "next_expected"),
        ({"time_measured": "now"}, "time_measured"),
    ],
)
async def test_what_does_not_go_together_is_refused(
    pair: Pair, lat: float, what: dict[str, Any], field: str
) -> None:
    north, _ = pair
    view = await north.declare(plan(-121, "ALPHA", lat=lat))
    with pytest.raises(BadInput) as refused:
        await north.up.telemetry.report(view.id, msgspec.structs.replace(report(north), **what))
    assert refused.value.field == field


# ---- a foreign supplier, which may answer anything


@pytest.fixture(scope="module")
async def foreign(
    anyio_backend: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Side, Any, str]]:
    sky = make_sky(
        tmp_path_factory.mktemp("foreign"), registers=[("north", True), ("south", False)]
    )
    async with outside(sky) as outsider, flying(sky):
        north = sky["north"]
        await north.declare(plan(-121, "ALPHA"))
        entity = await outsider.place(north, (volume(-120.5),))
        await become(outsider, north, entity, "Nonconforming", (volume(-120.5),), (volume(-121),))
        await outsider.notify(entity)
        yield north, outsider, entity


POSITION: dict[str, Any] = {"latitude": 39.0, "longitude": -121.0}
MEASURED = {"value": "2026-11-24T10:00:00Z", "format": "RFC3339"}


@pytest.mark.parametrize(
    "telemetry",
    [
        {"time_measured": MEASURED, "position": {"latitude": 90.1, "longitude": 0.0}},
        {"time_measured": MEASURED, "position": {"latitude": 39.0}},
        {
            "time_measured": MEASURED,
            "position": {
                **POSITION,
                "altitude": {"value": 1e9, "reference": "W84", "units": "M"},
            },
        },
        {
            "time_measured": MEASURED,
            "position": POSITION,
            "velocity": {"speed": -1.0, "units_speed": "MetersPerSecond"},
        },
        {
            "time_measured": MEASURED,
            "position": POSITION,
            "velocity": {"speed": 1.0, "units_speed": "MetersPerSecond", "track": 360.5},
        },
        {"time_measured": {"value": "yesterday", "format": "RFC3339"}, "position": POSITION},
        {"position": POSITION},
    ],
)
async def test_a_foreign_position_that_cannot_be_is_not_shown(
    foreign: tuple[Side, Any, str], telemetry: dict[str, Any]
) -> None:
    north, outsider, entity = foreign
    outsider.telemetry = (200, {"operational_intent_id": entity, "telemetry": telemetry})
    with pytest.raises(PeerMalformed):
        await north.up.telemetry.of_peer(entity)


async def test_a_foreign_position_is_shown_as_it_is(foreign: tuple[Side, Any, str]) -> None:
    north, outsider, entity = foreign
    velocity = {"speed": 3.0, "units_speed": "MetersPerSecond", "track": 360.0}
    telemetry = {"time_measured": MEASURED, "position": POSITION, "velocity": velocity}
    message = {"operational_intent_id": entity.upper(), "telemetry": telemetry}
    outsider.telemetry = (200, message)
    shown = await north.up.telemetry.of_peer(entity)
    assert (shown.lat_deg, shown.altitude_m, shown.speed_mps) == (39.0, None, 3.0)
    assert shown.track_deg is None, "360 means: not known"
    outsider.telemetry = (200, message | {"operational_intent_id": "other"})
    with pytest.raises(PeerMalformed):
        await north.up.telemetry.of_peer(entity)
    later = zulu(now(north) + timedelta(minutes=5))
    ahead = {"time_measured": {"value": later, "format": "RFC3339"}}
    outsider.telemetry = (200, message | {"telemetry": ahead})
    shown = await north.up.telemetry.of_peer(entity)
    assert "no position" in shown.sentence
    assert "clocks differ" in shown.sentence
    for status, error in ((409, WrongState), (403, PeerRefused), (404, PeerRefused)):
        outsider.telemetry = (status, {"message": "no"})
        with pytest.raises(error):
            await north.up.telemetry.of_peer(entity)
    outsider.telemetry = (412, {"message": "none"})
    assert (await north.up.telemetry.of_peer(entity)).measured is None
