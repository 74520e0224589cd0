"""What the console works out by itself, against independent reckoning in Python."""

import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from tests.console.pure import Pure

GEOD = Geod(ellps="WGS84")
FOOT_M = 0.3048
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
LATS = st.floats(-85, 85)
LNGS = st.floats(-180, 180)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(946_684_800_000, 4_102_272_000_000).map(
    lambda at: EPOCH + timedelta(milliseconds=at)
)


@pytest.fixture(scope="module")
def pure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pure]:
    running = Pure(Path(tmp_path_factory.mktemp("pure")))
    yield running
    running.close()


def ms(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)


def half_up(value: float) -> int:
    return math.floor(value + 0.5)


# ---- times


@given(at=INSTANTS, now=INSTANTS)
def test_times_are_written_in_utc_with_the_day_where_it_is_another(
    pure: Pure, at: datetime, now: datetime
) -> None:
    assert pure.text("format.zulu", ms(at)) == f"{at:%H:%M:%S}Z"
    assert pure.text("format.zulu", ms(at), False) == f"{at:%H:%M}Z"
    whole = f"{at:%d%H%M}Z{MONTHS[at.month - 1]}{at:%y}"
    assert pure.text("format.dtg", ms(at), ms(now)) == (
        f"{at:%H%M}Z" if at.date() == now.date() else whole
    )
    assert pure.text("format.dtg", ms(at), ms(at)) == f"{at:%H%M}Z"
    assert pure("times.readTime", whole, ms(now)) == f"{at:%Y-%m-%dT%H:%M}:00Z"


@given(left=st.integers(-400_000_000, 400_000_000))
def test_a_countdown_is_the_nearest_second_and_says_on_which_side(pure: Pure, left: int) -> None:
    seconds = half_up(left / 1000)
    size = abs(seconds)
    hours, rest = divmod(size, 3600)
    clock = f"{rest // 60:02}:{rest % 60:02}"
    sign = "T-" if seconds >= 0 else "T+"
    expected = f"{sign}{f'{hours:02}:' if hours else ''}{clock}"
    assert pure.text("format.countdown", 1_000_000_000_000 + left, 1_000_000_000_000) == expected


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (1_000, "T-00:01"),
        (500, "T-00:01"),
        (499, "T-00:00"),
        (0, "T-00:00"),
        (-500, "T-00:00"),
        (-501, "T+00:01"),
        (3_599_499, "T-59:59"),
        (3_599_500, "T-01:00:00"),
    ],
)
def test_a_countdown_at_its_edges(pure: Pure, left: int, said: str) -> None:
    assert pure.text("format.countdown", left, 0) == said


@given(s=st.floats(-100_000, 1_000_000))
def test_a_span_is_said_to_within_half_of_what_it_is_said_in(pure: Pure, s: float) -> None:
    said = pure.text("format.span", s)
    found = re.fullmatch(r"-?(?:(\d+) h )?(?:(\d+) (min|s))", said)
    assert found, said
    hours, figure, unit = found.groups()
    told = int(hours or 0) * 3600 + int(figure) * (60 if unit == "min" else 1)
    assert abs(told - abs(s)) <= (0.5 if unit == "s" else 30.5)
    assert said.startswith("-") == (s < 0 and told > 0)


@given(about=INSTANTS, ahead=st.integers(-100, 1_500))
def test_a_time_of_day_is_the_one_that_is_near(pure: Pure, about: datetime, ahead: int) -> None:
    """The next one to come, or one that has passed for no more than an hour."""
    typed = (about + timedelta(minutes=ahead)).time()
    said = pure("times.readTime", f"{typed:%H%M}", ms(about))
    read = datetime.fromisoformat(said)
    assert (read.hour, read.minute, read.second) == (typed.hour, typed.minute, 0)
    assert timedelta(hours=-1) <= read - about < timedelta(hours=23)
    assert pure("times.readTime", f"{typed:%H:%M:%S}z", ms(about))[11:] == f"{typed:%H:%M:%S}Z"


def test_a_time_of_day_at_its_edges(pure: Pure) -> None:
    about = ms(datetime(2026, 11, 29, 0, 30, tzinfo=UTC))
    assert pure("times.readTime", "2330", about) == "2026-11-28T23:30:00Z"
    assert pure("times.readTime", "2329", about) == "2026-11-29T23:29:00Z"
    assert pure("times.readTime", "0030", about) == "2026-11-29T00:30:00Z"


@given(
    day=st.integers(0, 32),
    month=st.sampled_from(MONTHS),
    year=st.integers(0, 99),
    hour=st.integers(0, 25),
    minute=st.integers(0, 61),
)
def test_no_day_that_does_not_exist_is_taken(
    pure: Pure, day: int, month: str, year: int, hour: int, minute: int
) -> None:
    said = pure("times.readTime", f"{day:02}{hour:02}{minute:02}Z{month}{year:02}", 0)
    number = MONTHS.index(month) + 1
    try:
        expected = datetime(2000 + year, number, day, hour, minute, tzinfo=UTC)
    except ValueError:
        assert said is None
    else:
        assert datetime.fromisoformat(said) == expected
    for zone in ("Z", "+03:00", "-05:30"):
        text = f"{2000 + year}-{number:02}-{day:02}T{hour:02}:{minute:02}:00{zone}"
        read = pure("times.readTime", text, 0)
        try:
            expected = datetime.fromisoformat(text)
        except ValueError:
            assert read is None, text
        else:
            assert datetime.fromisoformat(read) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "2400", "1260", "12", "noon", "1432ZZ", "310000ZFEB26", "281432ZNOX26"),
        *("2026-02-31T10:00:00Z", "2026-02-31T10:00:00+03:00", "2026-11-29T24:00:00Z"),
        *("2026-11-29T10:00:00", "2026-11-29"),
    ],
)
def test_what_is_no_time_is_not_guessed_at(pure: Pure, text: str) -> None:
    assert pure("times.readTime", text, 0) is None


# ---- places and heights

FORMS = {
    "dd": r"(\d+\.\d{5})°([NSEW])",
    "dm": r"(\d+)°(\d\d\.\d{3})′([NSEW])",
    "dms": r"(\d+)°(\d\d)′(\d\d\.\d)″([NSEW])",
}
STEP_DEG = {"dd": 1e-5, "dm": 1e-3 / 60, "dms": 0.1 / 3600}


@given(lat=st.floats(-90, 90), lng=LNGS, form=st.sampled_from(sorted(FORMS)))
def test_a_place_can_be_read_back_to_the_last_digit(
    pure: Pure, lat: float, lng: float, form: str
) -> None:
    pure.many("set", [[{"coordinates": form}]])
    said = pure.text("format.place", lat, lng).split(" ")
    assert len(said) == 2
    for text, value, sides in zip(said, (lat, lng), ("NS", "EW"), strict=True):
        found = re.fullmatch(FORMS[form], text)
        assert found, text
        *figures, side = found.groups()
        assert all(float(each) < 60 for each in figures[1:]), text
        size = sum(float(each) / 60**power for power, each in enumerate(figures))
        assert abs(size - abs(value)) <= STEP_DEG[form] * 0.5000001, text
        assert side == sides[value < 0]


@given(m=st.floats(-500, 30_000))
def test_heights_say_their_unit_and_datum(pure: Pure, m: float) -> None:
    pure.many("set", [[{"altitude": "ft"}]])
    feet = half_up(m / FOOT_M)
    assert pure.text("format.altitude", m) == f"{feet} ft W84"
    assert pure.text("format.band", m, m + 100) == f"{feet}–{half_up((m + 100) / FOOT_M)} ft W84"
    pure.many("set", [[{"altitude": "m"}]])
    assert pure.text("format.altitude", m) == f"{half_up(m)} m W84"
    hundreds = half_up(m / FOOT_M / 100)
    assert pure.text("format.level", m) == f"FL{'-' if hundreds < 0 else ''}{abs(hundreds):03}"


@given(lat=LATS, lng=LNGS, bearing=st.floats(0, 360), m=st.floats(0.01, 1_000_000))
def test_where_one_comes_to_is_where_a_geodesic_leads(
    pure: Pure, lat: float, lng: float, bearing: float, m: float
) -> None:
    at = pure("geodesy.destination", {"lat": lat, "lng": lng}, bearing, m)
    to_lng, to_lat, _ = GEOD.fwd(lng, lat, bearing, m)
    _, _, off_m = GEOD.inv(at["lng"], at["lat"], to_lng, to_lat)
    assert off_m < 0.01
    back = pure("geodesy.inverse", {"lat": lat, "lng": lng}, at)
    assert back["distanceM"] == pytest.approx(m, abs=0.01)


@given(lat=st.floats(-80, 80), lng=LNGS, radius=st.floats(1, 200_000))
def test_a_circle_is_one_also_across_the_180th_meridian(
    pure: Pure, lat: float, lng: float, radius: float
) -> None:
    ring = pure("shapes.circle", {"lat": lat, "lng": lng}, radius)
    assert len(ring) == 65
    assert ring[0] == ring[-1]
    for corner in ring:
        _, _, m = GEOD.inv(lng, lat, corner[0], corner[1])
        assert m == pytest.approx(radius, abs=0.01)
        assert abs(corner[0] - lng) < 180


def test_boxes_meet_where_they_touch_and_not_a_hair_further(pure: Pure) -> None:
    one = {"west": 10.0, "east": 20.0, "south": 0.0, "north": 5.0}
    beside = math.nextafter(20.0, 21.0)
    for west, east, meets in [(20.0, 30.0, True), (beside, 30.0, False), (380.0, 385.0, True)]:
        assert pure("shapes.meet", one, {**one, "west": west, "east": east}) is meets
    over = {**one, "south": 5.0, "north": 6.0}
    assert pure("shapes.meet", one, over) is True
    assert pure("shapes.meet", one, {**over, "south": math.nextafter(5.0, 6.0)}) is False


@given(
    figure=st.integers(-1_000, 60_000),
    unit=st.sampled_from(["ft", "m"]),
    datum=st.sampled_from(["AMSL", "W84", "AGL"]),
    flip=st.booleans(),
    gap=st.sampled_from([" ", "  ", ""]),
)
def test_a_level_that_is_read_back_is_what_the_node_takes(
    pure: Pure, figure: int, unit: str, datum: str, flip: bool, gap: str
) -> None:
    said = f"{figure} {unit} {datum}"
    typed = f"{figure}{gap}{unit} {datum}"
    for each in (said, typed, typed.swapcase() if flip else typed.upper(), f" {typed} "):
        assert pure("reading.levelText", each) == said
    if abs(figure) >= 1_000:
        assert pure("reading.levelText", f"{figure:,} {unit} {datum}") == said
    level = abs(figure) % 1_000
    for each in (f"FL{level:03}", f"fl{level}", f"FL {level:03}"):
        assert pure("reading.levelText", each) == f"FL{level:03}"


# ---- the stream

_LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)
_EVENTS = st.lists(st.tuples(st.sampled_from(["plan", "note", ""]), _LINE, _LINE.filter(bool)))


@given(events=_EVENTS, cuts=st.lists(st.integers(0, 200)), comments=st.booleans())
def test_a_stream_is_read_the_same_however_it_is_cut(
    pure: Pure, events: list[tuple[str, str, str]], cuts: list[int], comments: bool
) -> None:
    text, expected = "", []
    for name, id_, data in events:
        text += ": alive\n\n" if comments else ""
        text += f"event: {name}\n" if name else ""
        text += f"id: {id_}\n" if id_ else ""
        text += f"data: {data}\n\n"
        expected.append({"name": name or "message", "id": id_, "data": data})
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in pairwise(places)]
    assert pure.many("parsed", [[pieces]]) == [expected]
    # An event whose end has not come is not there yet.
    if events:
        assert pure.many("parsed", [[[text[:-1]]]]) == [expected[:-1]]


_STEPS = st.lists(
    st.tuples(
        st.integers(1, 9_000),
        st.sampled_from(["watch", "events", None]),
        st.sampled_from([0, 0, 0, 3_999, 4_000, 60_000]),
    ),
    max_size=12,
)
"""Milliseconds awake, what is heard then, and milliseconds asleep just before that."""


@given(steps=_STEPS)
def test_the_page_is_as_fresh_as_the_older_of_what_it_hears(
    pure: Pure, steps: list[tuple[int, str | None, int]]
) -> None:
    # From the login on: a stream that is never heard is as old as that.
    now = awake = 0
    heard, expected, told = {"watch": 0, "events": 0}, [], []
    for gap, what, slept in steps:
        now += gap + slept
        awake += gap
        told.append([awake, what, slept])
        if what:
            heard[what] = now
        age = now - min(heard.values())
        expected.append("cut" if age >= 8_000 else "late" if age >= 4_000 else "live")
    assert pure.many("fresh", [[told]]) == [expected]


@pytest.mark.parametrize(
    ("age", "state"), [(3_999.9, "live"), (4_000, "late"), (7_999.9, "late"), (8_000, "cut")]
)
def test_the_bounds_of_what_is_fresh(pure: Pure, age: float, state: str) -> None:
    both = [[1, "watch"], [1, "events"]]
    assert pure.many("fresh", [[[*both, [1 + age, None]]]])[0][-1] == state
    # One that goes on being heard does not make up for the other.
    assert pure.many("fresh", [[[*both, [age, "watch"], [1 + age, None]]]])[0][-1] == state


# ---- a draft that is moved


def draft(**part: Any) -> dict[str, Any]:
    whole = {
        "text": "",
        "lower": "4000",
        "upper": "5500",
        "units": "FT",
        "datum": "AMSL",
        "ground_m": "",
        "start": "2026-11-29T14:00:00Z",
        "end": "2026-11-29T15:00:00Z",
    }
    return {
        "kind": "plan",
        "callsign": "A",
        "category": "",
        "priority": "0",
        "formation": "",
        "replaces": None,
        "parts": [{**whole, **part}],
    }


def move(**by: float) -> dict[str, Any]:
    return {"kind": "x", "delay_s": 0, "up_m": 0, "north_m": 0, "east_m": 0, **by}


@given(
    up=st.floats(-2_000, 2_000),
    units=st.sampled_from(["M", "FT", "FL"]),
    lower=st.integers(10, 300),
)
def test_a_draft_that_is_raised_is_never_raised_too_little(
    pure: Pure, up: float, units: str, lower: int
) -> None:
    unit_m = {"M": 1.0, "FT": FOOT_M, "FL": 100 * FOOT_M}[units]
    before = draft(units=units, lower=str(lower), upper=str(lower + 10))
    after = pure("draft.moved", before, [None], move(up_m=up))["parts"][0]
    went = (float(after["lower"]) - lower) * unit_m
    assert float(after["upper"]) - float(after["lower"]) == 10
    assert abs(went) >= abs(up) - 1e-6
    assert abs(went) <= abs(up) + unit_m
    assert went * up >= 0


@given(delay=st.integers(-86_400, 86_400))
def test_a_draft_that_is_delayed_keeps_its_length(pure: Pure, delay: int) -> None:
    part = pure("draft.moved", draft(), [None], move(delay_s=delay))["parts"][0]
    start, end = (datetime.fromisoformat(part[name]) for name in ("start", "end"))
    assert start == datetime(2026, 11, 29, 14, tzinfo=UTC) + timedelta(seconds=delay)
    assert end - start == timedelta(hours=1)


_PLACE = re.compile(r"(\d+\.\d{6})([NS]) (\d+\.\d{6})([EW])")


@given(
    lat=st.floats(-70, 70),
    lng=st.floats(-179, 179),
    north=st.floats(-20_000, 20_000),
    east=st.floats(-20_000, 20_000),
)
def test_a_draft_that_is_moved_aside_lies_where_it_was_said(
    pure: Pure, lat: float, lng: float, north: float, east: float
) -> None:
    read = {"volumes": [{"outline": {"circle": {"lat": lat, "lng": lng, "radius_m": 500}}}]}
    after = pure("draft.moved", draft(text="x"), [read], move(north_m=north, east_m=east))
    if not (north or east):
        return
    place, size = after["parts"][0]["text"].split("\n")
    assert size == "radius 500 m"
    found = _PLACE.fullmatch(place)
    assert found, place
    to_lat = float(found[1]) * (-1 if found[2] == "S" else 1)
    to_lng = float(found[3]) * (-1 if found[4] == "W" else 1)
    _, _, north_m = GEOD.inv(lng, lat, lng, to_lat)
    assert north_m == pytest.approx(abs(north), rel=0.005, abs=0.2)
    _, _, east_m = GEOD.inv(lng, lat, to_lng, lat)
    assert east_m == pytest.approx(abs(east), rel=0.01, abs=0.2)


@given(
    lat=st.floats(-80, 80),
    lng=LNGS,
    points=st.integers(3, 8),
    kind=st.sampled_from(["polygon", "corridor"]),
)
def test_a_shape_as_text_has_its_corners(
    pure: Pure, lat: float, lng: float, points: int, kind: str
) -> None:
    corners = [[lat + n / 100, max(-180, min(180, lng + n * n / 100))] for n in range(points)]
    shape: Any = corners if kind == "polygon" else {"points": corners, "half_width_m": 1_000}
    lines = pure("draft.shapeText", {kind: shape}).split("\n")
    if kind == "corridor":
        assert lines.pop() == "corridor 2000 m"
    assert len(lines) == points
    for line, (a, b) in zip(lines, corners, strict=True):
        found = _PLACE.fullmatch(line)
        assert found, line
        assert float(found[1]) == pytest.approx(abs(a), abs=5.1e-7)
        assert float(found[3]) == pytest.approx(abs(b), abs=5.1e-7)


# ---- names that strangers chose


@given(text=st.text(max_size=60))
def test_no_mark_of_direction_gets_out_of_its_isolation(pure: Pure, text: str) -> None:
    for name in ("words.ltr", "words.named"):
        if any("\ud800" <= char <= "\udfff" for char in text):
            continue
        inner = pure.text(name, text)
        assert inner == re.sub("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]", "", text)


@given(parts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=3))
def test_a_file_is_named_by_letters_and_figures_alone(pure: Pure, parts: list[str]) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]*", pure("download.fileName", *parts))


# ---- a draft as a plan file, and a plan as a draft


def read_one(**volume: Any) -> dict[str, Any]:
    properties = volume.pop("properties", {})
    feature = {"type": "Feature", "properties": properties, "geometry": {"type": "Point"}}
    return {"volumes": [{"features": [feature], "lacks": [], "ground": None, **volume}]}


@pytest.mark.parametrize("name", ["lower", "upper", "start", "end"])
def test_an_empty_field_says_nothing_least_of_all_zero(pure: Pure, name: str) -> None:
    read = read_one(properties={"lower": 1, "upper": 2, "start": "s", "end": "e"})
    whole, lacking = draft(), draft(**{name: " " if name in ("lower", "upper") else ""})
    assert pure("draft.missing", whole, [read]) == []
    assert pure("draft.missing", lacking, [read]) == [name]
    (feature,) = pure("draft.planFile", lacking, [read])["features"]
    assert feature["properties"][name] == read["volumes"][0]["features"][0]["properties"][name]


def test_the_ground_that_a_text_states_keeps_its_datum(pure: Pure) -> None:
    said = {"ground_m": 700.0, "ground_datum": "W84"}
    read = read_one(properties={"datum": "AGL", **said}, ground={"value": 700.0})
    above = draft(datum="AGL", ground_m="12")
    assert not pure("draft.asksGround", above["parts"][0], read)
    (feature,) = pure("draft.planFile", above, [read])["features"]
    assert {name: feature["properties"][name] for name in said} == said
    # Levels of another datum count from no ground.
    (feature,) = pure("draft.planFile", draft(), [read])["features"]
    assert not said.keys() & feature["properties"].keys()
    # Where the text is silent the form says it, in metres above mean sea level.
    silent = read_one(properties={})
    assert pure("draft.asksGround", above["parts"][0], silent)
    assert pure("draft.missing", draft(datum="AGL"), [silent]) == ["ground_m"]
    (feature,) = pure("draft.planFile", above, [silent])["features"]
    assert feature["properties"]["ground_m"] == 12
    assert feature["properties"]["ground_datum"] == "AMSL"


def standing(volumes: int) -> dict[str, Any]:
    """Return a plan as the node shows it."""
    return {
        "id": "0b1e0a8e-0000-4000-8000-000000000000",
        "callsign": "A",
        "category": "helicopter",
        "formation": "",
        "priority": 3,
        "volumes": [
            {
                "volume": {
                    "outline_circle": {
                        "center": {"lat": 33.0 + n, "lng": 36.0},
                        "radius": {"value": 500.0 + n},
                    },
                    "outline_polygon": None,
                    "altitude_lower": {"value": 1_000.0 + n},
                    "altitude_upper": {"value": 1_100.0 + n},
                },
                "time_start": {"value": f"2026-11-29T14:0{n}:00Z"},
                "time_end": {"value": f"2026-11-29T15:0{n}:00Z"},
            }
            for n in range(volumes)
        ],
        "stated": [
            {"lower": 4_000 + n, "upper": 5_000 + n, "units": "FT", "datum": "AMSL"}
            for n in range(volumes)
        ],
    }


@pytest.mark.parametrize("volumes", [1, 2, 5])
def test_a_plan_that_is_edited_keeps_every_volume(pure: Pure, volumes: int) -> None:
    plan = standing(volumes)
    made = pure("draft.draftOf", plan)
    features = json.loads(made["parts"][0]["text"])["features"]
    # As the node reads them: one volume each, which lacks nothing.
    read = {"volumes": [{"features": [each], "lacks": [], "ground": None} for each in features]}
    assert pure("draft.missing", made, [read]) == []
    file = pure("draft.planFile", made, [read])
    assert len(file["features"]) == volumes
    for n, feature in enumerate(file["features"]):
        properties = feature["properties"]
        assert (properties["lower"], properties["upper"]) == (4_000 + n, 5_000 + n)
        assert (properties["units"], properties["datum"]) == ("FT", "AMSL")
        assert properties["start"] == f"2026-11-29T14:0{n}:00Z"
        assert feature["geometry"]["coordinates"] == [36.0, 33.0 + n]
        assert properties["radius_m"] == 500.0 + n
        # A plan is not in its own way.
        assert properties["id"] == plan["id"]
