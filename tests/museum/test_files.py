"""The museum of malformed files: each is refused with exit 2, its field and the remedy.

A specimen is the content of a plan, airspace or track file, the field that the error names and a
word of what to do instead. Big ones are made when the test runs.
"""

import copy
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.formats.build import (
    OTHER_ID,
    PLAN_ID,
    SQUARE,
    collection,
    constraint,
    feature,
    intent,
    point,
    raw,
    wire_volume,
)

from tansiq.cli.main import cli

Content = bytes | Callable[[], bytes]


@dataclass(frozen=True)
class Specimen:
    name: str
    content: Content
    field: str
    remedy: str
    kind: str = "plan"


def polygon(ring: Any) -> bytes:
    return raw(feature({"type": "Polygon", "coordinates": [ring]}))


def without(name: str) -> bytes:
    return raw(feature(**{name: None}))


def nth(change: Callable[[dict[str, Any]], None]) -> bytes:
    """Spoil the third of four features."""
    features = [feature(callsign=f"A{i}") for i in range(4)]
    change(features[2])
    return raw(collection(*features))


def spoilt(change: Callable[[Any], None]) -> bytes:
    entity = copy.deepcopy(intent())
    change(entity)
    return raw([intent(), entity])


def put(path: str, value: Any) -> Callable[[Any], None]:
    def change(entity: Any) -> None:
        *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        for step in way:
            entity = entity[step]
        if value is None:
            del entity[last]
        else:
            entity[last] = value

    return change


HALF_THE_EARTH = [[0, 0], [90, 0], [180, 10], [-90, 0], [0, 0]]
NO_POLYGON = {"type": "MultiPolygon", "coordinates": []}
BOW_TIE = [[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]
VOLUME = "details.volumes.0"

GEOJSON = [
    Specimen("empty", b"", "line 1", "whole"),
    Specimen("cut short", raw(feature())[:-40], "line 1", "whole"),
    Specimen("not JSON", b"start,end\n1,2\n", "line 1", "not JSON"),
    Specimen("UTF-16", raw(feature()).decode().encode("utf-16"), "not UTF-8", "save the file"),
    Specimen("NaN", raw(feature(lower=float("nan"))), "NaN", "finite number"),
    Specimen("Infinity", raw(feature(upper=float("inf"))), "Infinity", "finite number"),
    Specimen("1e999", raw(feature()).replace(b"1200", b"1e999"), "1e999", "finite number"),
    Specimen("huge integer", raw(feature()).replace(b"1200", b"9" * 5_000), "too long", "number"),
    Specimen("300-digit integer", raw(feature()).replace(b"1200", b"9" * 310), "upper", "digits"),
    Specimen("name twice", b'{"type": "Feature", "type": "Feature"}', "type", "keep one"),
    Specimen("array of numbers", b"[1, 2]", "[0]", "object"),
    Specimen("a text", b'"plan"', "object", "wanted"),
    Specimen("other JSON", b'{"plan": 1}', "neither GeoJSON", "docs/plan-files.md"),
    Specimen("bare geometry", raw(feature()["geometry"]), "type", "wrap the geometry"),
    Specimen(
        "no category", raw(feature(category="tanker")), "properties.category", "drone, balloon"
    ),
    Specimen("category by number", raw(feature(category=4)), "properties.category", "text"),
    Specimen(
        "two categories",
        raw(collection(feature(category="drone"), feature(category="heavy"))),
        "features[1].properties.category",
        "make them equal",
    ),
    Specimen(
        "category of an area",
        raw(feature(category="drone", type="constraint")),
        "category",
        "leave it out",
        "airspace",
    ),
    Specimen("features missing", b'{"type": "FeatureCollection"}', "features", "list"),
    Specimen("no feature", raw(collection()), "features", "at least one volume"),
    Specimen("feature is null", b'{"type": "FeatureCollection", "features": [null]}', "[0]", "obj"),
    Specimen("no properties", nth(put("properties", None)), "features[2].properties", "add"),
    Specimen("no geometry", nth(put("geometry", None)), "features[2].geometry", "radius_m"),
    Specimen("no start", without("start"), "properties.start", "RFC 3339"),
    Specimen("no end", without("end"), "properties.end", "RFC 3339"),
    Specimen("no lower", without("lower"), "properties.lower", "add"),
    Specimen("no units", without("units"), "properties.units", "M (metres)"),
    Specimen("no datum", without("datum"), "properties.datum", "AMSL"),
    Specimen("unknown unit", raw(feature(units="km")), "properties.units", "FT (feet)"),
    Specimen("unknown datum", raw(feature(datum="NAVD88")), "properties.datum", "AMSL"),
    Specimen("AGL, no ground", raw(feature(datum="AGL")), "properties.ground_m", "ground_datum"),
    Specimen(
        "AGL, ground of no datum",
        raw(feature(datum="AGL", ground_m=5)),
        "properties.ground_datum",
        "AMSL",
    ),
    Specimen(
        "three grounds",
        raw(feature(datum="AGL", ground_m=[1, 2, 3], ground_datum="W84")),
        "properties.ground_m",
        "[lowest, highest]",
    ),
    Specimen("needless ground", raw(feature(ground_m=5, ground_datum="W84")), "ground_m", "leave"),
    Specimen("feet as level", raw(feature(datum="FL", units=None)), "lower", "95 for FL095"),
    Specimen("level in feet", raw(feature(datum="FL", units="FT")), "units", "leave units out"),
    Specimen("lower is text", raw(feature(lower="900")), "properties.lower", "without quotes"),
    Specimen("lower is true", raw(feature(lower=True)), "properties.lower", "number"),
    Specimen("lower is a list", raw(feature(lower=[1])), "properties.lower", "number"),
    Specimen("upper in space", raw(feature(upper=200_000)), "properties.upper", "100000 m"),
    Specimen("below the sea bed", raw(feature(lower=-9_000)), "properties.lower", "-8000"),
    Specimen("band upside down", raw(feature(lower=1_500)), "properties.lower", "swap"),
    Specimen("time without zone", raw(feature(start="2026-06-01T14:40:00")), "start", "zone"),
    Specimen("time of day only", raw(feature(start="14:40")), "start", "write it as"),
    Specimen("31 June", raw(feature(start="2026-06-31T14:40:00Z")), "start", "no existing time"),
    Specimen("leap second", raw(feature(end="2026-12-31T23:59:60Z")), "end", "no existing time"),
    Specimen("year 9999", raw(feature(end="9999-12-31T23:59:59Z")), "end", "2200"),
    Specimen("time is a number", raw(feature(start=1_780_315_200)), "start", "quotes"),
    Specimen("times swapped", raw(feature(end="2026-06-01T14:39:59Z")), "properties.end", "swap"),
    Specimen("priority is 1.5", raw(feature(priority=1.5)), "properties.priority", "whole number"),
    Specimen("priority 10^9", raw(feature(priority=10**9)), "properties.priority", "1000000"),
    Specimen("call sign is 7", raw(feature(callsign=7)), "properties.callsign", "quotes"),
    Specimen("long call sign", raw(feature(callsign="A" * 61)), "callsign", "at most 60"),
    Specimen("call sign with a line", raw(feature(callsign="A\nB")), "callsign", "plain text"),
    Specimen("lone surrogate", raw(feature(callsign="\ud800")), "callsign", "plain text"),
    Specimen("id is a name", raw(feature(id="OSPREY-2")), "properties.id", "use callsign"),
    Specimen("UUID of version 1", raw(feature(id=PLAN_ID.replace("-4", "-1"))), "id", "UUIDv4"),
    Specimen("type unknown", raw(feature(type="mission")), "properties.type", "constraint"),
    Specimen("misspelt", raw(feature(prioriti=5)), "properties.prioriti", "did you mean priority"),
    Specimen("two ids", raw(collection(feature(id=PLAN_ID), feature(id=OTHER_ID))), "id", "split"),
    Specimen(
        "two priorities",
        raw(collection(feature(), feature(priority=4))),
        "features[1].properties.priority",
        "equal",
    ),
    Specimen(
        "plan and no-go area in one",
        raw(collection(feature(), feature(type="constraint"))),
        "features[1].properties.type",
        "different ids",
    ),
    Specimen("a no-go area", raw(feature(type="constraint")), "type", "constraint submit"),
    Specimen("line", raw(feature({"type": "LineString", "coordinates": []})), "type", "from-track"),
    Specimen("point, no radius", raw(point(radius_m=None)), "properties.radius_m", "metres"),
    Specimen("radius 0", raw(point(radius_m=0)), "properties.radius_m", "above 0"),
    Specimen("radius -1", raw(point(radius_m=-1)), "properties.radius_m", "above 0"),
    Specimen("radius 10^7", raw(point(radius_m=1e7)), "properties.radius_m", "at most 1000000"),
    Specimen("polygon with radius", raw(feature(radius_m=5)), "radius_m", "leave it out"),
    Specimen(
        "swapped lat and lng",
        polygon([[38.5, -120.2], [38.5, -120.1], [38.6, -120.1], [38.5, -120.2]]),
        "geometry.coordinates[0][0]",
        "look swapped",
    ),
    Specimen("latitude 91", polygon([[200, 91]] * 4), "coordinates[0][0]", "[longitude, latitude]"),
    Specimen("longitude 190", polygon([[190, 1]] * 4), "coordinates[0][0]", "write 190 as -170"),
    Specimen("coordinate is text", polygon([["1", "2"]] * 4), "coordinates[0][0]", "two numbers"),
    Specimen("coordinate is true", polygon([[True, False]] * 4), "[0][0]", "two numbers"),
    Specimen("one coordinate", polygon([[1]] * 4), "coordinates[0][0]", "two numbers"),
    Specimen("coordinates are a text", polygon("abcd"), "coordinates[0]", "array"),
    Specimen("ring open", polygon(SQUARE[:-1]), "geometry.coordinates[0]", "repeat the first"),
    Specimen("two corners", polygon([[0, 0], [1, 1], [0, 0]]), "coordinates[0]", "3 corners"),
    Specimen("corner twice", polygon([SQUARE[0], *SQUARE]), "coordinates[0]", "same point"),
    Specimen("self-crossing", polygon(BOW_TIE), "geometry.coordinates[0]", "cross"),
    Specimen("no width", polygon([[0, 0], [1, 0], [2, 0], [0, 0]]), "coordinates[0]", "cross"),
    Specimen("half the earth", polygon(HALF_THE_EARTH), "[0]", "span"),
    Specimen(
        "hole",
        raw(feature({"type": "Polygon", "coordinates": [SQUARE, SQUARE]})),
        "geometry.coordinates[1]",
        "cut the polygon",
    ),
    Specimen("no ring", raw(feature({"type": "Polygon", "coordinates": []})), "coord", "outer one"),
    Specimen("no polygon", raw(feature(NO_POLYGON)), "co", "add one"),
]

F3548 = [
    Specimen("two intents", raw([intent(), intent()]), "2 entities", "split the file"),
    Specimen("no intent", b"[]", "0 entities", "holds one"),
    Specimen("a constraint", raw(constraint()), "type", "constraint submit"),
]

AIRSPACE = [
    Specimen("no details", spoilt(put("details", None)), "[1]", "details", "airspace"),
    Specimen("no id", spoilt(put("reference.id", None)), "[1].reference", "id", "airspace"),
    Specimen("id is a name", spoilt(put("reference.id", "x")), "[1].ref", "UUID", "airspace"),
    Specimen(
        "no such state",
        spoilt(put("reference.state", "Ended")),
        "[1].reference.state",
        "Accepted",
        "airspace",
    ),
    Specimen("no volumes", spoilt(put("details.volumes", [])), "[1].", "at least", "airspace"),
    Specimen(
        "volumes is an object",
        spoilt(put("details.volumes", {})),
        "[1].details.volumes",
        "array",
        "airspace",
    ),
    Specimen(
        "feet",
        spoilt(put(f"{VOLUME}.volume.altitude_lower.units", "FT")),
        "[1].details.volumes[0].volume.altitude_lower.units",
        '"M"',
        "airspace",
    ),
    Specimen(
        "AGL",
        spoilt(put(f"{VOLUME}.volume.altitude_lower.reference", "AGL")),
        "altitude_lower.reference",
        "W84",
        "airspace",
    ),
    Specimen(
        "altitude left open",
        spoilt(put(f"{VOLUME}.volume.altitude_upper", None)),
        "altitude_upper",
        "required",
        "airspace",
    ),
    Specimen(
        "offset for Z",
        spoilt(put(f"{VOLUME}.time_start.value", "2026-06-01T14:40:00+02:00")),
        "volumes[0].time_start.value",
        "Z",
        "airspace",
    ),
    Specimen(
        "no outline",
        spoilt(put(f"{VOLUME}.volume.outline_polygon", None)),
        "volumes[0].volume",
        "exactly one",
        "airspace",
    ),
    Specimen(
        "self-crossing",
        spoilt(
            put(
                f"{VOLUME}.volume.outline_polygon.vertices",
                [{"lat": y, "lng": x} for x, y in BOW_TIE[:-1]],
            )
        ),
        "volume.outline_polygon",
        "cross",
        "airspace",
    ),
    Specimen(
        "latitude 95",
        spoilt(put(f"{VOLUME}.volume.outline_polygon.vertices.2.lat", 95)),
        "vertices[2].lat",
        "swapped",
        "airspace",
    ),
    Specimen(
        "in an airspace, too",
        nth(put("properties.lower", "low")),
        "features[2].properties.lower",
        "without quotes",
        "airspace",
    ),
]

HEAD = b"time,lat,lng,altitude\n"
ROW = b"2026-06-01T12:00:00Z,38.5,-120,900\n"

TRACKS = [
    Specimen("empty", b"", "column time", "first line", "track"),
    Specimen("header only", HEAD, "track", "at least one", "track"),
    Specimen("no header", ROW + ROW, "column time", "first line", "track"),
    Specimen("two altitudes", b"time,lat,lng,alt,altitude\n", "column altitude", "one of", "track"),
    Specimen("short row", HEAD + ROW + b"1,2\n", "line 3", "quote cells", "track"),
    Specimen("latitude is text", HEAD + b"1,N38,2,3\n", "line 2.lat", "number", "track"),
    Specimen("latitude 138", HEAD + b"1,138,2,3\n", "line 2.lat", "swapped", "track"),
    Specimen("longitude NaN", HEAD + b"1,1,nan,3\n", "line 2.lng", "-180 to 180", "track"),
    Specimen("altitude NaN", HEAD + b"1,1,1,nan\n", "line 2.altitude", "leave the cell", "track"),
    Specimen("altitude inf", HEAD + b"1,1,1,-inf\n", "line 2.altitude", "leave the cell", "track"),
    Specimen("time of day", HEAD + b"12:00,1,1,1\n", "line 2.time", "write it as", "track"),
    Specimen("time inf", HEAD + b"inf,1,1,1\n", "line 2.time", "since 1970", "track"),
    Specimen("no time", HEAD + b",1,1,1\n", "line 2.time", "every point", "track"),
    Specimen("backwards", HEAD + b"5,1,1,1\n4,1,1,1\n", "point 2", "sort", "track"),
    Specimen("gap", HEAD + b"0,1,1,1\n301,1,1,1\n", "track", "bridge gaps", "track"),
    Specimen("open quote", HEAD + b'"1,1,1,1\n', "line 2", "plain cells", "track"),
    Specimen("Latin-1", HEAD + b"\xe9,1,1,1\n", "not UTF-8", "save", "track"),
    Specimen("JSON of texts", b'["a"]', "[0]", "object", "track"),
    Specimen("JSON, no points", b'{"track": []}', "points", "list of points", "track"),
    Specimen("JSON, lat missing", b'[{"time": 5}]', "[0].lat", "every point", "track"),
]


def million_vertices() -> bytes:
    return polygon([[i / 1e7, 0] for i in range(1_000_000)])


def million_indented_vertices() -> bytes:
    return json.dumps(json.loads(million_vertices()), indent=1).encode()


def million_short_vertices() -> bytes:
    return polygon([[0, 1]] * 1_000_000)


def million_features() -> bytes:
    return b'{"type":"FeatureCollection","features":[' + b"{},".ljust(3) * 1_000_000 + b"{}]}"


BIG = [
    Specimen("10^6 vertices", million_vertices, "coordinates[0]", "simplify"),
    Specimen("10^6 vertices, 40 MB", million_indented_vertices, "16000000", "split the file"),
    Specimen("10^6 short vertices", million_short_vertices, "coordinates[0]", "simplify"),
    Specimen("10^6 features of nothing", million_features, "features[0].type", "Feature"),
    Specimen("10,001 vertices", lambda: polygon([[0, 0]] * 10_002), "ordinates[0]", "simplify"),
    Specimen(
        "1,001 volumes", lambda: raw(collection(*[point()] * 1_001)), "features", "at most 1000"
    ),
    Specimen("65 levels", lambda: b"[" * 65 + b"]" * 65, "64 levels", "flatten"),
    Specimen("10^5 levels", lambda: b"[" * 100_000 + b"]" * 100_000, "64 levels", "flatten"),
    Specimen("10^6 levels of objects", lambda: b'{"a":' * 1_000_000, "64 levels", "flatten"),
    Specimen("escapes without end", lambda: b'"' + b'\\"' * 4_000_000, "line 1", "whole"),
    Specimen(
        "10^6 names", lambda: raw({f"p{i}": 1 for i in range(1_000_000)}), "GeoJSON", "plan-files"
    ),
    Specimen("4,000,000 empty lists", lambda: b"[" + b"[]," * 4_000_000 + b"[]]", "[0]", "object"),
    Specimen("10^6 rows", lambda: HEAD + b"1,1,1,1\n" * 1_000_000, "200000", "thin it", "track"),
    Specimen("one cell of 15 MB", lambda: HEAD + b"1" * 15_000_000, "line 2", "CSV", "track"),
    Specimen(
        "edges too close to tell",
        lambda: polygon(
            [[i * 1e-8, (i % 2) * 0.5] for i in range(9_000)] + [[1, 0.25], [0, -1], [0, 0]]
        ),
        "coordinates[0]",
        "simplify",
    ),
]

ALL = GEOJSON + F3548 + AIRSPACE + TRACKS + BIG


def arguments(specimen: Specimen, folder: Path) -> list[str]:
    content = specimen.content if isinstance(specimen.content, bytes) else specimen.content()
    spoilt_file = folder / f"{specimen.kind}.txt"
    spoilt_file.write_bytes(content)
    if specimen.kind == "track":
        return ["plan", "from-track", str(spoilt_file), "--datum", "W84"]
    good = folder / "good.geojson"
    good.write_bytes(raw(feature()))
    files = [good, spoilt_file] if specimen.kind == "airspace" else [spoilt_file, good]
    return ["check", *map(str, files), "--json"]


def judge(specimen: Specimen, code: int, stdout: str, stderr: str) -> None:
    assert code == 2, (code, stderr[:500])
    assert stdout == ""
    assert stderr.startswith("error: ")
    assert stderr.count("\n") == 1
    assert len(stderr) < 700
    assert f"{specimen.kind}.txt" in stderr or specimen.field in ("track", "point 2"), stderr
    assert specimen.field in stderr, stderr
    assert specimen.remedy in stderr, stderr


def label(specimen: Specimen) -> str:
    return f"{specimen.kind}: {specimen.name}"


def test_the_museum_is_large_and_its_labels_are_unique() -> None:
    assert len(ALL) >= 30
    assert len({label(specimen) for specimen in ALL}) == len(ALL)


@pytest.mark.parametrize("specimen", GEOJSON + F3548 + AIRSPACE + TRACKS, ids=label)
def test_specimen_is_refused_with_field_and_remedy(specimen: Specimen, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, arguments(specimen, tmp_path))
    judge(specimen, result.exit_code, result.stdout, result.stderr)


@pytest.mark.parametrize("specimen", BIG, ids=label)
def test_big_specimen_is_refused_in_bounded_time_and_memory(
    specimen: Specimen, tmp_path: Path
) -> None:
    """Method: from the shell, 10 s of processor time and 1 GB of memory at most."""

    def confine() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    command = [str(Path(sys.executable).with_name("tansiq")), *arguments(specimen, tmp_path)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        preexec_fn=confine,
        check=False,
    )
    judge(specimen, done.returncode, done.stdout, done.stderr)


def test_the_good_files_beside_them_are_good(tmp_path: Path) -> None:
    """Control: what the specimens are spoilt from passes."""
    for content in (feature(), intent(), [intent(wire_volume())]):
        path = tmp_path / "plan.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        result = CliRunner().invoke(cli, ["check", str(path), str(path), "--json"])
        assert result.exit_code in (0, 1), result.stderr
    path.write_bytes(HEAD + ROW)
    result = CliRunner().invoke(cli, ["plan", "from-track", str(path), "--datum", "W84"])
    assert result.exit_code == 0, result.stderr
