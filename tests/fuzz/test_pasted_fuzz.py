"""Pasted texts spoilt in any place are read or refused: no other error, no wait, nothing invented.

Method: good texts of each form, mangled from a printed seed, or put together from the words of all
of them. What is read is written as the route does; what lacks nothing is a plan that is read, or
refused as one. The control is a reader that falls over a spoilt number: the same eyes must see it.
"""

import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from random import Random

import msgspec
import pytest
from tests.feeds.fuzzing import mangled, put_somewhere
from tests.formats.pasted import ABSOLUTE, LINE, NOTAM, POINT, SHEET, A, B, C, geo, kml, mark, sheet

from tansiq.errors import BadInput
from tansiq.formats.pasted import read_kmz, read_text
from tansiq.formats.pasted_document import ReadView, view
from tansiq.formats.plans import read_plan
from tansiq.formats.understood import Kind

TIMES = {"start": "2026-12-01T10:00:00Z", "end": "2026-12-01T11:00:00Z"}
LEVELS = {"lower": 900, "upper": 1200, "units": "M", "datum": "AMSL"}
TYPED = (
    "33.5102 36.2913\nradius 5 km\n900-1200 m AMSL\n"
    "start 2026-12-01T10:00:00Z\nend 2026-12-01T11:00:00Z",
    "33°30'36\"N 036°17'29\"E, 333100N 0361800E; 36S YE 6705 1625\nSFC-400FT AGL",
    "33.5 36.2; 33.6 36.3; 33.6 36.5\ncorridor 2 km\nFL085-FL120",
    "N33 30.6 E036 17.4 r=3000 m\n\n1. 33.5 36.2\n2. 33.6 36.2\n3. 33.6 36.3",
)
NOTICES = (
    NOTAM,
    NOTAM.replace("F) 1000FT AMSL", "F) SFC").replace("C) 2611281800", "C) 2611281800 EST D) H24"),
    f"AREA BOUNDED BY {A} - {B} - {C} - {A} SFC-FL085",
    f"WI 2NM EITHER SIDE OF LINE {A} - {B} AND WI 5NM RADIUS OF {C} 1000FT-3500FT AMSL",
)
JSON = (
    geo(POINT, radius_m=500, **LEVELS, **TIMES),
    geo(LINE, width_m=400, name="x", **LEVELS),
    geo({"type": "MultiPolygon", "coordinates": [SHEET["coordinates"]]}, callsign="A", **TIMES),
)
SPAN = "<TimeSpan><begin>2026-12-01T10:00:00Z</begin></TimeSpan>"
KML = (
    kml(mark(sheet(mode="<extrude>1</extrude>" + ABSOLUTE), SPAN)),
    kml(mark("<LineString><coordinates>36.2,33.5 36.3,33.6</coordinates></LineString>")),
)
SAMPLES: dict[Kind, tuple[str, ...]] = {
    Kind.COORDINATES: TYPED,
    Kind.AERONAUTICAL: NOTICES,
    Kind.GEOJSON: JSON,
    Kind.KML: KML,
}
PARTS = (
    *("-", ",", "\n", "\n\n", "°", "'", '"', "N", "E", "60", "0", "999", "1e9", "٣٣", "\u200f"),
    *("−", "RADIUS", "5 NM", "corridor", "UNL", "D)", "DAILY", "EXC", "ARC", "TO", "B) WIE"),
)
WORDS = (*" ".join((*TYPED, *NOTICES)).split(), *PARTS)
TRIES = 400


def spoilt(kind: Kind, random: Random) -> str:
    sample = random.choice(SAMPLES[kind])
    if kind is Kind.GEOJSON and random.random() < 0.6:
        return json.dumps(put_somewhere(random, json.loads(sample)))
    if kind in (Kind.COORDINATES, Kind.AERONAUTICAL) and random.random() < 0.5:
        return " ".join(random.choice(WORDS) for _ in range(random.randrange(1, 30)))
    return mangled(random, sample.encode()).decode("utf-8", "replace")


def check(found: ReadView) -> None:
    msgspec.json.encode(found)
    assert found.volumes
    for volume in found.volumes:
        assert (volume.features == []) == bool({"radius_m", "half_width_m"} & set(volume.lacks))
        for level in (volume.lower, volume.upper):
            assert level is None or level.units in ("M", "FT", "FL")
    lacking = [name for volume in found.volumes for name in volume.lacks]
    if not lacking:
        features = [feature for volume in found.volumes for feature in volume.features]
        document = json.dumps({"type": "FeatureCollection", "features": features})
        read_plan(document.encode())


def look(kind: Kind | None, read: Callable[[str], ReadView], tries: int) -> Counter[str]:
    """Return how many were read and refused, and how many failures were seen."""
    seen = Counter[str]()
    for seed in range(tries):
        random = Random(f"{kind} {seed}")
        text = spoilt(kind or random.choice(list(Kind)), random)
        try:
            check(read(text))
            seen["read"] += 1
        except BadInput:
            seen["refused"] += 1
        except Exception as error:  # noqa: BLE001 # This is what is looked for.
            print(f"seed {kind} {seed}: {error!r} from {text!r}")
            seen["failed"] += 1
    return seen


@pytest.mark.parametrize("kind", [*Kind, None])
def test_a_sample_of_spoilt_texts(kind: Kind | None) -> None:
    seen = look(kind, lambda text: view(read_text(text, kind)), TRIES)
    assert seen["failed"] == 0
    assert min(seen["read"], seen["refused"]) > 10, seen


@pytest.mark.soak
@pytest.mark.parametrize("kind", [*Kind, None])
def test_many_spoilt_texts(kind: Kind | None) -> None:
    assert look(kind, lambda text: view(read_text(text, kind)), 40_000)["failed"] == 0


def test_spoilt_archives() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("doc.kml", KML[0])
    seen = Counter[str]()
    for seed in range(1_000):
        try:
            view(read_kmz(mangled(Random(seed), packed.getvalue())))
            seen["read"] += 1
        except BadInput:
            seen["refused"] += 1
    assert seen["refused"] > 100


def test_a_reader_that_falls_over_is_seen() -> None:
    def broken(text: str) -> ReadView:
        if "٣" in text or text.count("36") > 3:
            int(text)
        return view(read_text(text))

    assert look(Kind.COORDINATES, broken, 200)["failed"] > 0


LONG = (
    "OF ",
    "33 ",
    "33°",
    "'",
    "100FT-",
    "FL100 TO ",
    "A) ",
    "36SYE ",
    "3,",
    "WITHIN ",
    "radius ",
)


@pytest.mark.parametrize("part", LONG)
@pytest.mark.parametrize("kind", [Kind.COORDINATES, Kind.AERONAUTICAL])
@pytest.mark.timeout(60)
def test_a_long_text_of_one_part_is_done_soon(part: str, kind: Kind) -> None:
    """Each is half a second; anything that grows with the square would take the time allowed."""
    with pytest.raises(BadInput):
        read_text(part * (300_000 // len(part)), kind)
