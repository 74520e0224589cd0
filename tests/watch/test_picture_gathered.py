"""The picture of the services: what is in it, what is left out, and how often it is made."""

import asyncio
import gzip
import time
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from tests.http.own_watch import alarm, track
from tests.watch.picture_world import NOON, TICK_S, Scene, entry, no_go, plan, raw, volume

from tansiq.domain.time import zulu
from tansiq.domain.volume import LatLng, Polygon
from tansiq.services.views import Status
from tansiq.services.watch.drawing import Shapes
from tansiq.services.watch.picture import Form, Pictures
from tansiq.services.watch.views import FeedView
from tansiq.settings import Limits, Timers

pytestmark = pytest.mark.anyio


async def read(pictures: Pictures) -> dict[str, Any]:
    return msgspec.json.decode((await pictures.written(Form.GEOJSON)).body)  # type: ignore[no-any-return]


async def labels(pictures: Pictures) -> list[str]:
    return [f["properties"]["label"] for f in (await read(pictures))["features"]]


# ---- once, whoever asks


async def test_it_is_gathered_once_a_second_and_written_once_a_format() -> None:
    scene = Scene(own=[plan()])
    pictures = scene.pictures()
    first = await asyncio.gather(*(pictures.written(form) for form in Form for _ in range(50)))
    assert scene.asked == scene.views == pictures.gatherings == 1
    assert len({id(one.body) for one in first}) == len(Form), "the same bytes for everybody"
    scene.clock.s += 1.0 - TICK_S
    await pictures.written(Form.KML)
    assert scene.asked == 1
    scene.clock.s += TICK_S
    await pictures.written(Form.KML)
    assert scene.asked == 2


async def test_nothing_is_done_while_nobody_asks() -> None:
    scene = Scene(own=[plan()])
    scene.pictures()
    scene.clock.s += 3_600
    assert scene.asked == scene.views == 0


class Watchful(Pictures):
    """Notes how many draw at once."""

    drawing = most = 0

    def _write(self, gathered: Any, form: Form) -> Any:
        self.drawing += 1
        self.most = max(self.most, self.drawing)
        try:
            time.sleep(0.02)
            return super()._write(gathered, form)
        finally:
            self.drawing -= 1


async def _left(pictures: Pictures) -> None:
    """Ask again and again, and go away each time before the answer is there."""
    for _ in range(8):
        asked = asyncio.create_task(pictures.written(Form.KML))
        await asyncio.sleep(0.005)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)


async def test_who_goes_away_meanwhile_leaves_no_two_that_draw_at_once() -> None:
    scene = Scene(own=[plan()])
    pictures = Watchful(scene.sources(), scene.clock, Limits(), Timers(picture_s=0.001))
    await asyncio.gather(_left(pictures), _left(pictures))
    scene.clock.s += 1
    assert (await pictures.written(Form.KML)).body
    assert pictures.most == 1
    assert not pictures._making


class Unshielded(Watchful):
    """Broken: what has begun ends with whoever asked for it, but for its thread."""

    async def written(self, form: Form) -> Any:
        return await self._make(form)


async def test_without_that_two_would_draw_at_once() -> None:
    scene = Scene(own=[plan()])
    pictures = Unshielded(scene.sources(), scene.clock, Limits(), Timers(picture_s=0.001))
    await asyncio.gather(_left(pictures), _left(pictures))
    await asyncio.sleep(0.2)
    assert pictures.most > 1


async def test_the_tag_changes_with_the_content_and_gzip_holds_the_same() -> None:
    scene = Scene()
    pictures = scene.pictures()
    first = await pictures.written(Form.KML)
    assert gzip.decompress(first.gzipped) == first.body
    scene.clock.s += 1
    second = await pictures.written(Form.KML)
    assert first.tag != second.tag, "it names its time"


async def test_shapes_are_read_once_a_version_and_forgotten_with_their_plan() -> None:
    shapes = Shapes()
    assert shapes.read("a", bytes(raw(volume()))) is not None
    before = shapes.shape("a", 0)
    shapes.read("a", bytes(raw(volume())))
    assert shapes.shape("a", 0) is before
    shapes.read("a", bytes(raw(volume(low_m=301.0))))
    assert shapes.shape("a", 0).band.lower_m == 301.0
    shapes.forget_unused()
    shapes.forget_unused()
    assert not shapes._known


# ---- what is in it


async def test_plans_of_both_no_go_areas_aircraft_and_alarms_are_in_it() -> None:
    scene = Scene(own=[plan()], others=[entry(), entry(id="o2", kind="constraint", name="R-1")])
    scene.areas = [no_go()]
    scene.shown = {"tracks": (track(zulu(NOON)),), "alarms": (alarm(zulu(NOON)),)}
    found = await labels(scene.pictures())
    assert sorted(found) == [
        "HERON-1",
        "HERON-1 · 0 s old",
        "HK-12",
        "NO-GO Fire 7",
        "NO-GO R-1",
        "WARNING: HERON-1 leaves its plan",
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": Status.ENDED}, []),
        ({"status": Status.REFUSED, "coordinated": False}, []),
        (
            {"status": Status.REFUSED, "coordinated": False, "state": "Activated"},
            ["HERON-1 (NOT COORDINATED)"],
        ),
        ({"status": Status.DISPLACED, "coordinated": False}, ["HERON-1 (NOT COORDINATED)"]),
        ({"status": Status.PLACING, "coordinated": False}, ["HERON-1 (NOT COORDINATED)"]),
        ({"status": Status.CHANGING, "coordinated": True}, ["HERON-1"]),
    ],
)
async def test_a_plan_is_shown_as_long_as_it_may_hold_air(
    changes: dict[str, Any], expected: list[str]
) -> None:
    assert await labels(Scene(own=[plan(**changes)]).pictures()) == expected


async def test_a_plan_out_of_bounds_is_drawn_where_its_aircraft_may_be() -> None:
    beside = raw(volume(low_m=1_000.0))
    for status, floors in ((Status.NONCONFORMING, [300, 1_000]), (Status.CONTINGENT, [1_000])):
        own = plan(status=status, coordinated=False, off_nominal_volumes=beside)
        found = (await read(Scene(own=[own]).pictures()))["features"]
        assert [f["properties"]["lower_w84_m"] for f in found] == floors
        assert {f["properties"]["label"] for f in found} == {f"HERON-1 ({status.upper()})"}


async def test_what_has_ended_is_not_drawn_up_to_the_last_moment() -> None:
    scene = Scene(own=[plan(volumes=raw(volume((-60, 0))))])
    assert len(await labels(scene.pictures())) == 1, "bounds are closed"
    scene.clock.s = 1e-6
    assert await labels(scene.pictures()) == []


async def test_a_foreign_plan_in_no_register_is_doubtful() -> None:
    assert await labels(Scene(others=[entry(registers=())]).pictures()) == [
        "HK-12 (NOT COORDINATED)"
    ]
    off = entry(state="Contingent")
    assert await labels(Scene(others=[off]).pictures()) == ["HK-12 (CONTINGENT, IN NORTH)"]


async def test_an_alarm_without_a_place_is_at_its_aircraft() -> None:
    scene = Scene(shown={"tracks": (track(zulu(NOON)),), "alarms": (alarm(zulu(NOON)),)})
    (found,) = [
        f
        for f in (await read(scene.pictures()))["features"]
        if f["properties"]["object"] == "alarm"
    ]
    assert found["geometry"]["coordinates"] == [10.0, 50.0]


async def test_replay_and_exercise_are_those_of_the_moment() -> None:
    exercise = [False]
    scene = Scene(own=[plan()])
    pictures = scene.pictures(exercise=lambda: exercise[0])
    assert await labels(pictures) == ["HERON-1"]
    scene.clock.s += 1
    exercise[0], scene.shown = True, {"replay": True}
    assert await labels(pictures) == ["REPLAY EXERCISE HERON-1"]


async def test_a_replay_is_of_its_own_time() -> None:
    then = zulu(NOON - timedelta(days=3))
    scene = Scene(own=[plan()], shown={"replay": True, "time": then, "tracks": (track(then),)})
    pictures = scene.pictures()
    assert (await read(pictures))["tansiq"]["time"] == then
    events = ET.fromstring((await pictures.written(Form.COT)).body)
    assert len(events) == 1
    assert (events[0].get("stale") or "") < zulu(NOON), "nobody takes it for the present"
    assert events[0].get("opex") == "s-replay"


# ---- what is left out is said


async def sentences(scene: Scene, **limits: int) -> list[str]:
    return (await read(scene.pictures(Limits(**limits))))["tansiq"]["sentences"]  # type: ignore[no-any-return]


async def test_volumes_beyond_the_limit_are_counted_and_no_go_areas_come_first() -> None:
    scene = Scene(own=[plan(), plan(id="p2", callsign="LATER", volumes=raw(volume((30, 60))))])
    scene.areas = [no_go(volumes=raw(volume((50, 60))))]
    assert await sentences(scene, picture_points_max=108) == []
    assert await sentences(scene, picture_points_max=107) == [
        "1 volumes of later plans are left out: too many to draw."
    ]
    found = await labels(scene.pictures(Limits(picture_points_max=107)))
    assert found == ["NO-GO Fire 7", "HERON-1"]


async def test_what_cannot_be_read_is_counted() -> None:
    broken = [msgspec.Raw(b'[{"volume":{}}]'), msgspec.Raw(b"{"), msgspec.Raw(b"[]")]
    scene = Scene(own=[plan(id=f"p{i}", volumes=one) for i, one in enumerate(broken)])
    assert await sentences(scene) == ["2 plans or no-go areas cannot be drawn."]


async def test_aircraft_beyond_the_limit_are_counted_and_those_with_alarms_stay() -> None:
    calm = [track(zulu(NOON), id=f"icao:{i:06x}", callsign=f"C{i}") for i in range(3)]
    alarmed = track(zulu(NOON), id="icao:ffffff", callsign="A", level="warning")
    scene = Scene(shown={"tracks": (*calm, alarmed)})
    assert await sentences(scene, picture_tracks_max=4) == []
    assert await sentences(scene, picture_tracks_max=1) == [
        "3 aircraft without alarms are left out: too many to draw."
    ]
    assert (await labels(scene.pictures(Limits(picture_tracks_max=1))))[0].startswith("A · ")


async def test_a_feed_that_does_not_feed_is_told() -> None:
    silent = FeedView(name="roof", kind="sbs", url="", state="silent", sentence="for 40 s")
    scene = Scene(shown={"feeds": (silent,), "sentence": "One feed of two."})
    assert await sentences(scene) == ["One feed of two.", "The feed roof is silent: for 40 s"]
    kml = (await scene.pictures().written(Form.KML)).body
    assert "The feed roof is silent" in (ET.fromstring(kml)[0][1].text or "")


async def test_every_form_stands_hostile_names() -> None:
    hostile = '<x>&"\x00\x1b' + "y" * 500
    scene = Scene(
        own=[plan(callsign=hostile)], shown={"tracks": (track(zulu(NOON), callsign=hostile),)}
    )
    pictures = scene.pictures()
    ET.fromstring((await pictures.written(Form.KML)).body)
    assert len(ET.fromstring((await pictures.written(Form.COT)).body)) == 2
    msgspec.json.decode((await pictures.written(Form.GEOJSON)).body)


async def test_a_polygon_at_the_180th_meridian_goes_through_all_forms() -> None:
    outline = Polygon(
        vertices=(LatLng(-17, 179), LatLng(-17, -179), LatLng(-16, -179), LatLng(-16, 179))
    )
    scene = Scene(own=[plan(volumes=raw(volume(outline=outline)))])
    pictures = scene.pictures()
    for form in Form:
        assert len((await pictures.written(form)).body) > 1_000
    (found,) = (await read(pictures))["features"]
    assert found["geometry"]["type"] == "MultiPolygon"
