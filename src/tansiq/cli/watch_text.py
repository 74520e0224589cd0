"""How commands print the watch: tracks, alarms, feeds, rings, drones that were seen."""

from collections.abc import Iterable, Sequence
from typing import Final

from tansiq.cli.files import plain
from tansiq.cli.line_text import clock
from tansiq.services.watch.incident_views import RingSetView, SightingView
from tansiq.services.watch.views import (
    AlarmList,
    AlarmView,
    FeedList,
    FeedView,
    PictureView,
    TrackView,
)

ID_CHARS: Final = 8
SIGNS: Final = {"advisory": "o", "caution": "^", "warning": "#"}
"""Beside the word, for who cannot tell colours or reads from afar; in a replay the same."""
_OPEN: Final = ("raised", "acknowledged", "suppressed")
_FOOT_M: Final = 0.3048
_KNOT_MPS: Final = 1_852.0 / 3_600.0
_STALE: Final = ("stale", "dropped")


def short(named: str) -> str:
    """Return as much of an alarm's, ring's or sighting's id as people type."""
    return named[:ID_CHARS]


def level(alarm: AlarmView) -> str:
    """Return a level as a sign and a word: ``# WARNING``; of what is over, the highest it was."""
    word = alarm.level if alarm.stage in _OPEN else alarm.worst or alarm.level
    return f"{SIGNS.get(word, '?')} {word.upper()}"


def _table(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


# ---- tracks


def tracks_text(view: PictureView) -> str:
    """Return all aircraft that are heard, a line each; what is wrong with the picture first."""
    head = ["REPLAY: recorded, not live"] if view.replay else []
    if view.sentence:
        head.append(f"PICTURE: {plain(view.sentence)}")
    if not view.tracks:
        return "\n".join([*head, "no aircraft is heard"])
    names = ("alarm", "name", "address", "plan", "conformance", "height", "speed", "age", "feed")
    return "\n".join([*head, _table([(*names, ""), *map(_track, view.tracks)])])


def _track(track: TrackView) -> tuple[str, ...]:
    sign = f"{SIGNS.get(track.level, '?')} {track.level.upper()}" if track.level else "-"
    plan = f"{track.plan_name} {track.party} {short(track.plan)}" if track.plan else "-"
    cells = (
        sign,
        track.callsign or "-",
        track.address,
        plan,
        track.conformance,
        height(track),
        "-" if track.speed_mps is None else f"{track.speed_mps / _KNOT_MPS:.0f} kt",
        age(track),
        track.feed,
        track.sentence,
    )
    return tuple(map(plain, cells))


def height(track: TrackView) -> str:
    """Return a height in feet and metres with what it counts from, the best that is known."""
    if track.on_ground:
        return "on the ground"
    known = ((track.height_m, "W84"), (track.pressure_m, "pressure"))
    for metres, datum in known:
        if metres is not None:
            return f"{metres / _FOOT_M:,.0f} ft ({metres:,.0f} m) {datum}"
    return "not known"


def age(track: TrackView) -> str:
    """Return how old a position is, and whether it can still be believed."""
    stale = f" {track.staleness.upper()}" if track.staleness in _STALE else ""
    return f"{track.age_s:.0f} s{stale}"


# ---- alarms


def countdown(alarm: AlarmView) -> str:
    """Return the time until what an alarm warns of: ``T-00:42``; ``now``; ``over``.

    ``-``: it was predicted, and is not at present; the alarm is held a little.
    """
    if alarm.stage not in _OPEN:
        return "over"
    if alarm.in_s is None:
        return "-" if alarm.kind.endswith("-predicted") else "now"
    minutes, seconds = divmod(int(alarm.in_s), 60)
    return f"T-{minutes:02}:{seconds:02}"


def alarms_text(found: AlarmList) -> str:
    """Return alarms, two lines each, and how many there were today."""
    blocks = [_alarm_lines(each) for each in found.alarms]
    raised = sum(found.raised_today.values())
    today = f"today: {raised} raised, {found.nuisances_today} for nothing"
    return "\n".join([*(line for block in blocks for line in block), *_none(blocks), today])


def _none(blocks: Sequence[Sequence[str]]) -> list[str]:
    return [] if blocks else ["no alarms"]


def _alarm_lines(alarm: AlarmView) -> list[str]:
    head = (
        f"{level(alarm):<10}  {'FLASHING' if alarm.flashing else alarm.stage:<12}  "
        f"{countdown(alarm):<7}  {short(alarm.id)}  {alarm.kind}  {_who_has_seen(alarm)}"
    )
    return [head.rstrip(), plain(f"            {alarm.sentence}")]


def _who_has_seen(alarm: AlarmView) -> str:
    said = []
    if alarm.acknowledged_by:
        said.append(f"seen here by {alarm.acknowledged_by} {clock(alarm.acknowledged)}")
    if alarm.acknowledged_there:
        said.append(f"seen there by {', '.join(alarm.acknowledged_there)}")
    if alarm.stage == "suppressed":
        until = clock(alarm.suppressed_until)
        said.append(f"silent until {until}, by {alarm.suppressed_by}")
    if alarm.nuisance:
        said.append("for nothing")
    return plain("; ".join(said))


def alarm_text(alarm: AlarmView) -> str:
    """Return everything about one alarm."""
    where = "" if alarm.lat_deg is None else f"{alarm.lat_deg:.5f}, {alarm.lng_deg:.5f}"
    rows = [
        ("about", ", ".join(alarm.names)),
        ("stage", "raised, FLASHING" if alarm.flashing else alarm.stage),
        ("when", countdown(alarm)),
        ("where", where),
        ("raised", _second(alarm.raised)),
        ("cleared", _second(alarm.cleared or "")),
        ("said", _who_has_seen(alarm) or "seen by nobody"),
        ("not told", ", ".join(alarm.not_told)),
        *(("way out", way) for way in alarm.ways_out),
        ("id", alarm.id),
    ]
    head = f"{level(alarm)}: {alarm.kind}\n{alarm.sentence}"
    lines = head.splitlines() + [f"  {name:<9}{text}" for name, text in rows if text]
    if alarm.ways_out:
        lines.append("  Information only: this is no certified detect-and-avoid equipment.")
    return "\n".join(map(plain, lines))


def _second(time: str) -> str:
    """Return a time without fractions of a second."""
    return f"{time.partition('.')[0].rstrip('Z')}Z" if time else ""


def alarm_change(alarm: AlarmView) -> str:
    """Return what has become of an alarm, in one line."""
    stage = "FLASHING" if alarm.flashing else alarm.stage
    seen = _who_has_seen(alarm)
    return plain(
        f"{level(alarm):<10}  {stage:<12}  {countdown(alarm):<7}  {short(alarm.id)}  "
        f"{alarm.sentence}" + (f" ({seen})" if seen else "")
    )


# ---- feeds


def feeds_text(found: FeedList) -> str:
    """Return how all feeds are doing, and what the watch did not take."""
    if not found.feeds:
        return "no feed is set up: docs/feeds.md shows how"
    head = ("name", "kind", "state", "newest", "positions", "clock", "from", "")
    lines = [_table([head, *map(_feed, found.feeds)]), f"{found.tracks} aircraft are followed"]
    if found.refused:
        lines.append(f"not taken into a track: {_counts(found.refused.items())}")
    return "\n".join(lines)


def _feed(feed: FeedView) -> tuple[str, ...]:
    said = [feed.sentence, f"refused: {_counts(feed.refused.items())}" if feed.refused else ""]
    offset = "-" if feed.clock_offset_s is None else f"{feed.clock_offset_s:+.1f} s"
    cells = (
        feed.name,
        feed.kind,
        feed.state if feed.state == "ok" else feed.state.upper(),
        "-" if feed.age_s is None else f"{feed.age_s:.0f} s",
        f"{feed.positions:,}",
        offset,
        feed.url,
        "; ".join(filter(None, said)),
    )
    return tuple(map(plain, cells))


def _counts(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts))


# ---- incidents


def rings_text(rings: Sequence[RingSetView]) -> str:
    """Return rings, a line each."""
    if not rings:
        return "no rings are drawn"
    head = ("name", "id", "centre", "call", "no entry", "area", "until", "let in")
    return _table([head, *map(_ring, rings)])


def _ring(ring: RingSetView) -> tuple[str, ...]:
    radii = (ring.radii_nm.get(kind) for kind in ("call", "no-entry", "area"))
    cells = (
        ring.name,
        short(ring.id),
        f"{ring.lat_deg:.5f}, {ring.lng_deg:.5f}",
        *("-" if radius is None else f"{radius:.4g} NM" for radius in radii),
        clock(ring.until),
        ", ".join(ring.admitted) or "nobody",
    )
    return tuple(map(plain, cells))


def sightings_text(sightings: Sequence[SightingView]) -> str:
    """Return drones that were seen, a line each."""
    if not sightings:
        return "no drone is reported"
    head = ("id", "seen", "where", "within", "until", "")
    return _table([head, *map(_sighting, sightings)])


def _sighting(seen: SightingView) -> tuple[str, ...]:
    return (
        short(seen.id),
        clock(seen.time),
        f"{seen.lat_deg:.5f}, {seen.lng_deg:.5f}",
        f"{seen.radius_m:,.0f} m",
        clock(seen.until),
        plain(seen.words),
    )
