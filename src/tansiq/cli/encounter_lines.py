"""What is said of encounters: lines for people, JSON, CSV and GeoJSON."""

import csv
import json
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TextIO

from tansiq.domain.draft import figure
from tansiq.domain.ellipsoid import ecef, point_at
from tansiq.domain.encounter import Encounter, Participant, Vertical
from tansiq.domain.time import zulu
from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.engine.flown_together import Search
from tansiq.formats.recording import Recording
from tansiq.formats.recording_faults import RecordedAircraft

NM_M: Final = 1_852.0
FT_M: Final = 0.3048
AROUND: Final = timedelta(minutes=2)
"""What of both tracks is shown before and after an encounter."""
BY: Final = {
    Vertical.PRESSURE: "by pressure altitude",
    Vertical.HEIGHT: "by height above the ellipsoid",
    Vertical.MIXED: "one by height, the other by pressure altitude, any weather",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What was looked at, and what was found."""

    search: Search
    recordings: tuple[Recording, ...]
    aircraft: Mapping[Address, RecordedAircraft]
    left_out: Counter[str]
    found: tuple[Encounter, ...]
    """In order of time."""
    agreement: str
    """The name of its file; empty if none was given."""

    @property
    def counted(self) -> int:
        """How many are not of an agreed formation."""
        return sum(not one.formation for one in self.found)

    @property
    def pairs(self) -> int:
        """How many pairs of aircraft, formations apart."""
        return len({(e.first.address, e.second.address) for e in self.found if not e.formation})

    @property
    def reports(self) -> int:
        return sum(len(each.reports) for each in self.aircraft.values())

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.recordings)

    def span(self) -> tuple[datetime, datetime]:
        """Return the time of the first and of the last report."""
        tracks = [each.reports for each in self.aircraft.values() if each.reports]
        return min(t[0].time for t in tracks), max(t[-1].time for t in tracks)

    def closest(self) -> list[tuple[int, Encounter]]:
        """Return encounters with their numbers in order of time, the closest first."""
        numbered = enumerate(self.found, start=1)
        return sorted(numbered, key=lambda each: (each[1].apart.slant_m, each[0]))


def near(searched: Searched, one: Encounter, who: Participant) -> list[PositionReport]:
    """Return the reports of one of the two, around the encounter."""
    start, end = one.entered - AROUND, one.left + AROUND
    reports = searched.aircraft[who.address].reports
    first = bisect_left(reports, start, key=_when)
    return list(reports[first : bisect_right(reports, end, key=_when)])


def _when(report: PositionReport) -> datetime:
    return report.time


def between(one: Encounter) -> LatLng:
    """Return the middle between the two, when they were closest."""
    a, b = ecef(one.first.position), ecef(one.second.position)
    return point_at((a[0] + b[0], a[1] + b[1], a[2] + b[2]))


# For people


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{figure(number)} {noun}{'' if number == 1 else 's'}"


def length(metres: float) -> str:
    """Return a threshold as people know it."""
    for unit, unit_m, least in (("NM", NM_M, 0.05), ("ft", FT_M, 1.0)):
        count = metres / unit_m
        if count >= least and abs(count * 100 - round(count * 100)) < 1e-6:
            return f"{round(count, 2):,.10g} {unit}"
    return f"{figure(metres)} m"


def thresholds(search: Search) -> str:
    """Return both thresholds in words."""
    return f"{length(search.within.horizontal_m)} and {length(search.within.vertical_m)}"


def criterion(search: Search) -> str:
    """Return what was looked for, in words."""
    if search.rule is None:
        return f"within {thresholds(search)}"
    ahead = f", or to be on the map in {search.rule.tthr_s:g} s" if search.rule.tthr_s else ""
    return f"not well clear (DO-365B en route: {thresholds(search)}{ahead})"


def state(search: Search) -> str:
    """Return what two are while it holds, in a word."""
    return "within" if search.rule is None else "not well clear"


def name(who: Participant) -> str:
    """Return what to call an aircraft in a line."""
    short = who.address.partition(":")[2]
    return f"{who.callsign} ({short})" if who.callsign else short


def upright(one: Encounter) -> str:
    """Return the vertical separation in words, with how unsure it is."""
    apart = one.apart
    text = f"{apart.vertical_m / FT_M:,.0f} ft ({apart.vertical_m:,.0f} m)"
    return text + (f" +-{apart.unsure_m / FT_M:,.0f} ft" if apart.unsure_m >= 0.5 else "")


def legs(one: Encounter) -> str:
    """Return how far apart the reports are that the closest moment lies between."""
    seconds = [who.leg_s for who in (one.first, one.second)]
    if max(seconds) == 0.0:
        return ""
    return f"; between reports {seconds[0]:.0f} s and {seconds[1]:.0f} s apart"


def duration(seconds: float) -> str:
    """Return a duration as minutes and seconds."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02} min"


def text(searched: Searched, limit: int) -> Iterator[str]:
    """Yield what is printed."""
    yield from title(searched)
    listed = searched.closest()[:limit]
    if listed:
        yield ""
        yield f"{'no.':>5}  {'closest, UTC':<20}  {'on the map':<20}  {'up and down':<18}  who"
    for number, one in listed:
        yield from _told(searched, number, one)
    if len(listed) < len(searched.found):
        rest = len(searched.found) - len(listed)
        yield f"and {rest:,} more: --limit prints more of them, --json and --csv all"


def _told(searched: Searched, number: int, one: Encounter) -> Iterator[str]:
    apart, place = one.apart, between(one)
    level = f"{apart.horizontal_m / NM_M:.2f} NM ({apart.horizontal_m:,.0f} m)"
    yield (
        f"{number:>5}  {one.closest:%Y-%m-%d %H:%M:%S}Z  {level:<20}  {upright(one):<18}  "
        f"{name(one.first)} - {name(one.second)}"
    )
    often = f" in {one.passages} passages" if one.passages > 1 else ""
    formation = f"; agreed formation {one.formation}, not counted" if one.formation else ""
    yield (
        f"       {state(searched.search)} from {one.entered:%H:%M:%S}Z for "
        f"{duration(one.inside_s)}{often}, "
        f"{BY[one.vertical]}; at {place.lat_deg:.5f}, {place.lng_deg:.5f}{legs(one)}{formation}"
    )


def title(searched: Searched) -> Iterator[str]:
    """Yield what was looked at, what was left out, and how many were found."""
    start, end = searched.span()
    yield (
        f"{counted(len(searched.aircraft), 'aircraft').removesuffix('s')}, {searched.reports:,} of "
        f"{counted(searched.rows, 'row')} of {counted(len(searched.recordings), 'recording')}, "
        f"{start:%Y-%m-%d %H:%M}Z to {end:%Y-%m-%d %H:%M}Z"
    )
    for layout in dict.fromkeys(each.layout for each in searched.recordings):
        yield f"altitudes: {layout}"
    for fault, count in searched.left_out.most_common():
        yield f"left out: {count:,} {fault}"
    search = searched.search
    apart = len(searched.found) - searched.counted
    yield (
        f"{criterion(search)}, gaps over {search.gap_s:g} s not bridged: "
        f"{counted(searched.counted, 'encounter')} of {counted(searched.pairs, 'pair')}"
        + (f", and {apart:,} of agreed formations ({searched.agreement})" if apart else "")
    )


# For machines


def line(document: dict[str, Any]) -> str:
    """Return one line of JSON."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def document(number: int, one: Encounter) -> dict[str, Any]:
    """Return what is said of an encounter; SI units, and those of aviation beside them."""
    apart, place = one.apart, between(one)
    return {
        "encounter": number,
        "first": _who(one.first),
        "second": _who(one.second),
        "entered": _time(one.entered),
        "left": _time(one.left),
        "inside_s": round(one.inside_s, 3),
        "passages": one.passages,
        "closest": _time(one.closest),
        "lat": round(place.lat_deg, 7),
        "lng": round(place.lng_deg, 7),
        "horizontal_m": round(apart.horizontal_m, 2),
        "horizontal_nm": round(apart.horizontal_m / NM_M, 4),
        "vertical_m": round(apart.vertical_m, 2),
        "vertical_ft": round(apart.vertical_m / FT_M, 1),
        "vertical_by": one.vertical.value,
        "vertical_unsure_m": round(apart.unsure_m, 1),
        "least_horizontal_m": round(one.least_horizontal_m, 2),
        "least_vertical_m": round(one.least_vertical_m, 2),
        "least_share": round(one.least_share, 4),
        "formation": one.formation or None,
    }


def _who(who: Participant) -> dict[str, Any]:
    return {
        "address": who.address,
        "callsign": who.callsign or None,
        "lat": round(who.position.lat_deg, 7),
        "lng": round(who.position.lng_deg, 7),
        "pressure_altitude_m": _rounded(who.pressure_m),
        "height_m": _rounded(who.height_m),
        "leg_s": round(who.leg_s, 3),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _time(moment: datetime) -> str:
    # Milliseconds: more than that no recording has, and a tie need not be seen in the ninth digit.
    return zulu(moment.replace(microsecond=moment.microsecond // 1000 * 1000))


def summary(searched: Searched) -> dict[str, Any]:
    """Return the last line of JSON."""
    start, end = searched.span()
    search = searched.search
    return {
        "summary": {
            "encounters": searched.counted,
            "pairs": searched.pairs,
            "formations": len(searched.found) - searched.counted,
            "within_m": search.within.horizontal_m,
            "vertical_m": search.within.vertical_m,
            "well_clear": None if search.rule is None else asdict(search.rule),
            "gap_s": search.gap_s,
            "pause_s": search.pause_s,
            "start": zulu(start),
            "end": zulu(end),
            "aircraft": len(searched.aircraft),
            "reports": searched.reports,
            "rows": searched.rows,
            "left_out": {str(fault): count for fault, count in searched.left_out.most_common()},
            "recordings": [
                {"name": each.name, "rows": each.rows, "altitudes": each.layout}
                for each in searched.recordings
            ],
            "agreement": searched.agreement or None,
        }
    }


def write_csv(searched: Searched, file: TextIO) -> None:
    """Write a row for each encounter, in order of time."""
    rows = [_flat(document(number, one)) for number, one in enumerate(searched.found, start=1)]
    columns = list(rows[0]) if rows else _columns()
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


_WHO: Final = ("address", "callsign", "lat", "lng", "pressure_altitude_m", "height_m", "leg_s")


def _columns() -> list[str]:
    rest = "entered left inside_s passages closest lat lng horizontal_m horizontal_nm vertical_m "
    rest += "vertical_ft vertical_by vertical_unsure_m least_horizontal_m least_vertical_m "
    rest += "least_share formation"
    who = [f"{which}_{each}" for which in ("first", "second") for each in _WHO]
    return ["encounter", *who, *rest.split()]


def _flat(found: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in found.items():
        if isinstance(value, dict):
            flat |= {f"{key}_{part}": _cell(its) for part, its in value.items()}
        else:
            flat[key] = _cell(value)
    return flat


def _cell(value: Any) -> Any:
    # A spreadsheet takes a cell that begins so for a formula; call signs come from others.
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t"}:
        return f"'{value}"
    return value


def write_geojson(searched: Searched, file: TextIO) -> None:
    """Write a point for each encounter and the tracks of both around it."""
    file.write('{"type":"FeatureCollection","features":[')
    comma = ""
    for number, one in enumerate(searched.found, start=1):
        for feature in _features(searched, number, one):
            file.write(f"{comma}\n{line(feature)}")
            comma = ","
    file.write("\n]}\n")


def _features(searched: Searched, number: int, one: Encounter) -> Iterator[dict[str, Any]]:
    place = between(one)
    yield _feature("Point", _place(place), document(number, one))
    for which, who in (("first", one.first), ("second", one.second)):
        track = near(searched, one, who)
        if len(track) > 1:
            yield _feature(
                "LineString",
                [_place(report.position) for report in track],
                {"encounter": number, "track": which, **_who(who)},
            )


def _feature(kind: str, coordinates: Any, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }


def _place(place: LatLng) -> list[float]:
    return [round(place.lng_deg, 7), round(place.lat_deg, 7)]
