"""Cursor on Target: what a client may conclude from each event, and what it must not.

Once, by hand, through takproto 3.0.1 (XML to TAK protobuf and back): every uid, type, time, point
and callsign came back as it was sent.
"""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from tests.formats.pictures import HOSTILE, NOON, PLACE, alarm, area, picture, ring, seen, shape

from tansiq.domain.volume import Circle
from tansiq.formats.cot_picture import alive, document, events, stream
from tansiq.formats.picture import AreaKind, Picture

AHEAD = timedelta(minutes=15)
UNKNOWN = "9999999.0"
TICK = timedelta(microseconds=1)


def read(made: Picture) -> list[ET.Element]:
    found = [ET.fromstring(one) for one in events(made, ahead=AHEAD)]
    for event in found:
        check(event)
    return found


def moment(event: ET.Element, name: str) -> datetime:
    text = event.get(name) or ""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def check(event: ET.Element) -> None:
    """Hold an event against the base schema, and against what a client makes of it."""
    assert event.tag == "event"
    assert event.get("version") == "2.0"
    for name in ("uid", "type", "how"):
        assert event.get(name)
    assert moment(event, "start") <= moment(event, "stale")
    assert [child.tag for child in event] == ["point", "detail"]
    point = event[0]
    for name, limit in (("lat", 90), ("lon", 180)):
        assert abs(float(point.get(name) or "x")) <= limit
    for name in ("hae", "ce", "le"):
        float(point.get(name) or "x")
    kind = event.get("type") or ""
    assert not kind.startswith("a-") or kind[2] in "nu", "never friend, never hostile"


def one(made: Picture) -> ET.Element:
    (event,) = read(made)
    return event


def only(**changes: object) -> Picture:
    return Picture(party="north", time=NOON, **changes)  # type: ignore[arg-type]


def callsign(event: ET.Element) -> str:
    contact = event.find("detail/contact")
    assert contact is not None
    return contact.get("callsign") or ""


def test_every_object_is_an_event_with_an_uid_of_its_own() -> None:
    found = read(picture())
    kinds = sorted(event.get("type") or "" for event in found)
    assert kinds == ["a-n-A", "a-u-A", "b-a-o-pan", "u-d-c-c", "u-d-c-c", "u-d-f", "u-d-f"]
    assert len({event.get("uid") for event in found}) == len(found)
    again = read(picture(time=NOON + timedelta(seconds=1)))
    assert [e.get("uid") for e in again] == [e.get("uid") for e in found], "they replace these"


# ---- aircraft


def test_an_aircraft_has_its_height_above_the_ellipsoid_and_honest_errors() -> None:
    point = one(only(tracks=(seen(),)))[0]
    assert (point.get("hae"), point.get("ce"), point.get("le")) == ("450.0", "30.0", "15.0")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"height_m": None}, (UNKNOWN, "30.0", UNKNOWN)),
        ({"height_m": None, "pressure_m": None}, (UNKNOWN, "30.0", UNKNOWN)),
        ({"height_error_m": 0.0}, ("450.0", "30.0", UNKNOWN)),
        ({"error_m": 0.0}, ("450.0", UNKNOWN, "15.0")),
        ({"height_m": 0.0}, ("0.0", "30.0", "15.0")),
        ({"height_m": -12.34}, ("-12.3", "30.0", "15.0")),
    ],
)
def test_what_is_not_known_is_9999999(
    changes: dict[str, float | None], expected: tuple[str, str, str]
) -> None:
    point = one(only(tracks=(seen(**changes),)))[0]
    assert (point.get("hae"), point.get("ce"), point.get("le")) == expected


def test_an_aircraft_goes_stale_half_a_minute_after_it_was_measured() -> None:
    measured = NOON - timedelta(seconds=12)
    event = one(only(tracks=(seen(measured=measured),)))
    assert moment(event, "start") == measured
    assert moment(event, "stale") == measured + timedelta(seconds=30)
    assert moment(event, "time") == NOON


@pytest.mark.parametrize("seconds", [1, 29, 31, 300])
def test_an_aircraft_that_is_stale_here_is_stale_there_at_once(seconds: int) -> None:
    old = seen(measured=NOON - timedelta(seconds=seconds), staleness="stale", age_s=float(seconds))
    event = one(only(tracks=(old,)))
    assert moment(event, "stale") <= NOON
    assert "STALE" in callsign(event)


def test_speed_and_track_are_there_only_if_both_are_known() -> None:
    track = one(only(tracks=(seen(),))).find("detail/track")
    assert track is not None
    assert (track.get("course"), track.get("speed")) == ("90.0", "50.0")
    for changes in ({"speed_mps": None}, {"track_deg": None}):
        assert one(only(tracks=(seen(**changes),))).find("detail/track") is None


# ---- plans, no-go areas, rings


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        (-60, 0, True),
        (-60, -1e-6, False),
        (15 * 60, 3_600, True),
        (15 * 60 + 1e-6, 3_600, False),
        (-60, 60, True),
    ],
)
def test_only_what_counts_now_or_soon_is_sent(start: float, end: float, shown: bool) -> None:
    one_shape = shape(start=NOON + timedelta(seconds=start), end=NOON + timedelta(seconds=end))
    assert len(read(only(areas=(area(shapes=(one_shape,)),)))) == shown


def test_a_drawing_goes_stale_by_itself_and_never_beyond_its_end() -> None:
    event = one(only(areas=(area(),)))
    assert moment(event, "stale") == NOON + timedelta(minutes=2)
    ending = shape(start=NOON - timedelta(hours=1), end=NOON + timedelta(seconds=30))
    event = one(only(areas=(area(shapes=(ending,)),)))
    assert moment(event, "stale") == NOON + timedelta(seconds=30)


def test_what_has_not_begun_says_from_when() -> None:
    soon = shape(start=NOON + timedelta(minutes=10), end=NOON + timedelta(hours=1))
    assert callsign(one(only(areas=(area(shapes=(soon,)),)))) == "HERON-1 from 12:10:00Z"


def test_a_polygon_is_closed_and_has_floor_and_thickness() -> None:
    event = one(only(areas=(area(),)))
    assert event[0].get("hae") == "300.0"
    height = event.find("detail/height")
    assert height is not None
    assert height.get("value") == "300.0"
    points = [link.get("point") or "" for link in event.findall("detail/link")]
    assert points[0] == points[-1]
    assert len(points) == len(shape().ring) + 1
    lat, lng, hae = map(float, points[0].split(","))
    assert (lat, lng, hae) == (24.4, 54.5, 300.0)


def test_a_circle_is_a_circle() -> None:
    round_one = shape(Circle(center=PLACE, radius_m=2_000.0))
    for made in (only(areas=(area(shapes=(round_one,)),)), only(rings=(ring(),))):
        event = one(made)
        assert event.get("type") == "u-d-c-c"
        ellipse = event.find("detail/shape/ellipse")
        assert ellipse is not None
        assert ellipse.get("major") == ellipse.get("minor")
        assert float(event[0].get("lat") or "x") == PLACE.lat_deg


def test_what_does_not_stand_everywhere_looks_and_reads_so() -> None:
    def colour(**changes: object) -> tuple[str, str]:
        event = one(only(areas=(area(**changes),)))
        line = event.find("detail/strokeColor")
        assert line is not None
        assert int(line.get("value") or "x") < 0, "opaque, as a signed number of 32 bits"
        return line.get("value") or "", callsign(event)

    sure, doubtful = colour(), colour(certain=False)
    assert sure[0] != doubtful[0]
    assert "NOT COORDINATED" in doubtful[1]
    no_go = colour(kind=AreaKind.NO_GO), colour(kind=AreaKind.NO_GO, certain=False)
    assert no_go[0][0] == no_go[1][0], "it binds us as it is"


def test_a_ring_that_is_over_is_not_sent() -> None:
    assert len(read(only(rings=(ring(until=NOON),)))) == 1
    assert not read(only(rings=(ring(until=NOON - TICK),)))


# ---- alarms


@pytest.mark.parametrize(
    ("level", "kind"), [("warning", "b-a-o-pan"), ("caution", "b-a-g"), ("advisory", "b-a-g")]
)
def test_an_alarm_says_its_level(level: str, kind: str) -> None:
    event = one(only(alarms=(alarm(level=level),)))
    assert event.get("type") == kind
    assert callsign(event).startswith(f"{level.upper()}: ")
    assert moment(event, "stale") == NOON + timedelta(seconds=30)


def test_alarms_without_a_place_and_suppressed_ones_are_left_out() -> None:
    assert not read(only(alarms=(alarm(place=None), alarm(stage="suppressed"))))
    assert "(acknowledged)" in callsign(one(only(alarms=(alarm(stage="acknowledged"),))))


# ---- replay and exercise, hostile words, framing


@pytest.mark.parametrize(
    ("changes", "opex", "mark"),
    [
        ({"replay": True}, "s-replay", "REPLAY "),
        ({"exercise": True}, "e-exercise", "EXERCISE "),
    ],
)
def test_what_is_not_live_is_marked_and_never_replaces_what_is(
    changes: dict[str, bool], opex: str, mark: str
) -> None:
    live = {event.get("uid") for event in read(picture())}
    for event in read(picture(**changes)):
        assert event.get("opex") == opex
        assert callsign(event).startswith(mark)
        assert event.get("uid") not in live
        assert (event.findtext("detail/remarks") or "").startswith(mark)
    assert {event.get("opex") for event in read(picture())} == {"o"}


def test_hostile_words_stay_words() -> None:
    made = only(
        areas=(area(name=HOSTILE, sentence=HOSTILE, status=HOSTILE),),
        tracks=(seen(id=HOSTILE, name=HOSTILE, staleness=HOSTILE),),
        alarms=(alarm(level=HOSTILE, sentence=HOSTILE),),
        rings=(ring(name=HOSTILE),),
    )
    found = read(made)
    assert len(found) == 4
    assert all(len(callsign(event)) <= 130 for event in found)


def test_every_event_says_that_this_is_not_certified() -> None:
    for event in read(picture()):
        assert "not a certified" in (event.findtext("detail/remarks") or "")


def test_the_document_and_the_stream_hold_the_same_events() -> None:
    made = events(picture(), ahead=AHEAD)
    root = ET.fromstring(document(made))
    assert len(root) == len(made) == 7
    sent = stream(made, alive(NOON, "north")).decode()
    whole = [part + "</event>" for part in sent.split("</event>")[:-1]]
    assert len(whole) == 8
    first = ET.fromstring(whole[0])
    check(first)
    assert first.get("type") == "t-x-c-t-r"
    assert ET.fromstring(document([])).tag == "events"
