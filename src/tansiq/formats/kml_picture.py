"""The picture as KML 2.2 (OGC 07-147r2): for Google Earth, and whatever else reads network links.

Heights. KML's ``absolute`` counts from mean sea level by EGM96; ours count from the WGS84
ellipsoid. Every corner is moved by the geoid's height there (``formats/geoid.py``, true within
``geoid.ERROR_M`` and another 0.2 m), and each description states the height that was agreed, above
the ellipsoid.

A volume is drawn as what it is, a prism with floor, roof and walls between its two altitudes:
``extrude`` would draw it down to the ground. What has no known height lies on the ground and says
so. Nothing is fetched from elsewhere: no icons, no scripts.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from tansiq.domain.time import zulu
from tansiq.domain.volume import LatLng
from tansiq.formats import markup
from tansiq.formats.picture import (
    NAME_CHARS_MAX,
    NOT_CERTIFIED,
    SENTENCE_CHARS_MAX,
    Alarm,
    Area,
    AreaKind,
    Picture,
    Ring,
    Seen,
    Shape,
    ahead,
    ring_of,
    undulation_m,
)

MEDIA_TYPE: Final = "application/vnd.google-earth.kml+xml"
LEADER_S: Final = 60.0
"""The line ahead of an aircraft is as long as it flies in that time."""
_WALLS_MAX: Final = 500
"""Of more corners the walls are left out; floor and roof stay."""
_URL_CHARS_MAX: Final = 2_000

_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2">\n'
)
_TAIL: Final = "</kml>\n"
_STYLES: Final = {
    # KML writes a colour as alpha, blue, green, red.
    "own": ("ffe9b456", "40e9b456"),
    "others": ("ffa779cc", "40a779cc"),
    "no-go": ("ff005ed5", "50005ed5"),
    "doubtful": ("ffb0b0b0", "30b0b0b0"),
    "ring": ("ff42e4f0", "2042e4f0"),
    "no-entry": ("ff005ed5", "30005ed5"),
    "fresh": ("ffffffff", "00ffffff"),
    "stale": ("ff909090", "00909090"),
    "advisory": ("ffe9b456", "00e9b456"),
    "caution": ("ff009fe6", "00009fe6"),
    "warning": ("ff0000ff", "000000ff"),
}
_KINDS: Final = {AreaKind.OWN: "own", AreaKind.OTHERS: "others", AreaKind.NO_GO: "no-go"}


def link(url: str, *, party: str, refresh_s: float) -> bytes:
    """Return a file that has a viewer read the picture at ``url`` every ``refresh_s``."""
    name = markup.text(f"Tansiq, {party}: the live picture", chars_max=NAME_CHARS_MAX)
    href = markup.text(url, chars_max=_URL_CHARS_MAX)
    every = f"<refreshMode>onInterval</refreshMode><refreshInterval>{refresh_s:g}</refreshInterval>"
    return (
        f"{_HEAD}<NetworkLink>\n<name>{name}</name>\n<description>Read again every {refresh_s:g} s."
        f" {NOT_CERTIFIED}</description>\n<Link><href>{href}</href>{every}</Link>\n"
        f"</NetworkLink>\n{_TAIL}"
    ).encode()


def document(picture: Picture) -> bytes:
    """Return the whole picture."""
    name = f"{picture.mark}Picture of {picture.party} at {zulu(picture.time)}"
    said = " ".join((*picture.sentences, _HEIGHTS, NOT_CERTIFIED))
    mark = picture.mark
    parts = [
        f"{_HEAD}<Document>\n{_name(name)}{_description(said)}",
        *_styles(),
        _folder("Alarms", [_alarm(mark, one) for one in picture.alarms]),
        _folder("Aircraft", [x for one in picture.tracks for x in _seen(mark, one)]),
        *(
            _folder(
                title, [x for one in picture.areas if one.kind is kind for x in _area(mark, one)]
            )
            for kind, title in _FOLDERS.items()
        ),
        _folder("Rings", [_ring(mark, one) for one in picture.rings]),
        f"</Document>\n{_TAIL}",
    ]
    return "".join(parts).encode()


_FOLDERS: Final = {
    AreaKind.NO_GO: "No-go areas",
    AreaKind.OWN: "Own plans",
    AreaKind.OTHERS: "Plans of others",
}
_HEIGHTS: Final = (
    "Heights are drawn above mean sea level (EGM96) and stated in metres above the WGS84 ellipsoid."
)


def _styles() -> Iterator[str]:
    for name, (line, fill) in _STYLES.items():
        yield (
            f'<Style id="{name}"><IconStyle><color>{line}</color></IconStyle>'
            f"<LabelStyle><color>{line}</color></LabelStyle>"
            f"<LineStyle><color>{line}</color><width>2</width></LineStyle>"
            f"<PolyStyle><color>{fill}</color></PolyStyle></Style>\n"
        )


def _folder(title: str, placemarks: Sequence[str]) -> str:
    if not placemarks:
        return ""
    return f"<Folder><name>{title}</name>\n{''.join(placemarks)}</Folder>\n"


def _name(said: str) -> str:
    return f"<name>{markup.text(said, chars_max=NAME_CHARS_MAX)}</name>"


def _description(said: str) -> str:
    return f"<description>{markup.text(said, chars_max=SENTENCE_CHARS_MAX)}</description>"


def _placemark(name: str, said: str, when: str, style: str, geometry: str) -> str:
    # In the order of the schema: name, description, time, style, geometry.
    return f"<Placemark>{_name(name)}{_description(said)}{when}{style}{geometry}</Placemark>\n"


def _style(name: str) -> str:
    return f"<styleUrl>#{name}</styleUrl>"


def _span(start: datetime, end: datetime) -> str:
    return f"<TimeSpan><begin>{zulu(start)}</begin><end>{zulu(end)}</end></TimeSpan>"


def _area(mark: str, area: Area) -> Iterator[str]:
    style = _KINDS[area.kind] if area.certain and not area.off_nominal else "doubtful"
    if area.kind is AreaKind.NO_GO:
        style = "no-go"
    for number, shape in enumerate(area.shapes, start=1):
        of = f" {number}/{len(area.shapes)}" if len(area.shapes) > 1 else ""
        said = ". ".join(
            text
            for text in (
                f"{area.kind} of {area.party}, {area.status}",
                f"{zulu(shape.time.start)} to {zulu(shape.time.end)}",
                f"{shape.band.lower_m:.0f} to {shape.band.upper_m:.0f} m above the WGS84 ellipsoid",
                area.sentence,
            )
            if text
        )
        when = _span(shape.time.start, shape.time.end)
        yield _placemark(f"{mark}{area.label}{of}", said, when, _style(style), _prism(shape))


def _prism(shape: Shape) -> str:
    low = _corners(shape, shape.band.lower_m)
    high = _corners(shape, shape.band.upper_m)
    low.append(low[0])
    high.append(high[0])
    # Seen from outside, every face runs counterclockwise where the ring does; viewers draw both.
    faces = [_face(low), _face(high)]
    if len(shape.ring) <= _WALLS_MAX:
        pairs = zip(low, low[1:], high, high[1:], strict=False)
        faces += [_face((a, b, d, c, a)) for a, b, c, d in pairs]
    return f"<MultiGeometry>{''.join(faces)}</MultiGeometry>"


def _corners(shape: Shape, height_m: float) -> list[str]:
    return [
        f"{place.lng_deg:.7f},{place.lat_deg:.7f},{height_m - up_m:.1f}"
        for place, up_m in zip(shape.ring, shape.undulations_m, strict=True)
    ]


def _face(corners: Sequence[str]) -> str:
    return (
        "<Polygon><altitudeMode>absolute</altitudeMode><outerBoundaryIs><LinearRing><coordinates>"
        f"{' '.join(corners)}</coordinates></LinearRing></outerBoundaryIs></Polygon>"
    )


def _place(place: LatLng, height_m: float | None) -> tuple[str, str]:
    """Return coordinates, and how their altitude is meant."""
    at = f"{place.lng_deg:.7f},{place.lat_deg:.7f}"
    if height_m is None:
        return at, "<altitudeMode>clampToGround</altitudeMode>"
    above_sea_m = height_m - undulation_m(place)
    return f"{at},{above_sea_m:.1f}", "<altitudeMode>absolute</altitudeMode>"


def _seen(mark: str, seen: Seen) -> Iterator[str]:
    height_m = None if seen.on_ground else seen.height_m
    at, mode = _place(seen.place, height_m)
    style = "stale" if seen.stale else seen.level if seen.level in _STYLES else "fresh"
    when = f"<TimeStamp><when>{zulu(seen.measured)}</when></TimeStamp>"
    # The style of a place by its URL, and what turns the icon of this one besides.
    heading = ""
    if seen.track_deg is not None:
        heading = f"<Style><IconStyle><heading>{seen.track_deg:.1f}</heading></IconStyle></Style>"
    name, said = mark + seen.label, ". ".join(seen.lines)
    point = f"<Point>{mode}<coordinates>{at}</coordinates></Point>"
    yield _placemark(name, said, when, _style(style) + heading, point)
    if seen.speed_mps and seen.track_deg is not None and not seen.stale and not seen.on_ground:
        then = ahead(seen.place, seen.track_deg, seen.speed_mps * LEADER_S)
        to, _ = _place(then, height_m)
        line = f"<LineString>{mode}<coordinates>{at} {to}</coordinates></LineString>"
        told = f"where it is in {LEADER_S:g} s at this speed and track"
        yield _placemark(name, told, when, _style(style), line)
    if len(seen.trail) > 1:
        way = " ".join(f"{p.lng_deg:.7f},{p.lat_deg:.7f}" for p in seen.trail)
        line = (
            f"<LineString><tessellate>1</tessellate><coordinates>{way}</coordinates></LineString>"
        )
        yield _placemark(name, "where it was, without heights", when, _style(style), line)


def _alarm(mark: str, alarm: Alarm) -> str:
    style = alarm.level if alarm.level in _STYLES else "warning"
    when = f"<TimeStamp><when>{zulu(alarm.raised)}</when></TimeStamp>"
    said = f"{alarm.kind}, raised {zulu(alarm.raised)}. {alarm.sentence}"
    point = ""
    if alarm.place is None:
        said += " (It has no place on the map.)"
    else:
        at, mode = _place(alarm.place, None)
        point = f"<Point>{mode}<coordinates>{at}</coordinates></Point>"
    return _placemark(mark + alarm.label, said, when, _style(style), point)


def _ring(mark: str, ring: Ring) -> str:
    said = f"{ring.label}, radius {ring.circle.radius_m:.0f} m, until {zulu(ring.until)}"
    when = f"<TimeSpan><end>{zulu(ring.until)}</end></TimeSpan>"
    corners = [f"{p.lng_deg:.7f},{p.lat_deg:.7f}" for p in ring_of(ring.circle)]
    shape = (
        "<Polygon><tessellate>1</tessellate><outerBoundaryIs><LinearRing><coordinates>"
        f"{' '.join([*corners, corners[0]])}</coordinates></LinearRing></outerBoundaryIs></Polygon>"
    )
    style = _style("no-entry" if ring.no_entry else "ring")
    return _placemark(mark + ring.label, said, when, style, shape)
