"""A replay run: recordings read, the watch made, alarms printed, the score counted."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

import click
import msgspec

from tansiq.cli.encounters_run import read_recordings
from tansiq.cli.files import plain
from tansiq.cli.progress import Progress
from tansiq.clock import Clock, SystemClock
from tansiq.domain.agreement import Agreement, Minima, Party, Register
from tansiq.domain.alarm_key import Level
from tansiq.domain.encounter import Within
from tansiq.domain.following import Limits as Following
from tansiq.domain.intent import PartyID
from tansiq.domain.time import parse_rfc3339, zulu
from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import Circle, LatLng, time_bounds
from tansiq.engine.flown_together import Search, encounters
from tansiq.errors import BadInput
from tansiq.formats.agreement import load_agreement
from tansiq.formats.plans import read_plan
from tansiq.formats.recording import Recording
from tansiq.formats.recording_faults import aircraft_of
from tansiq.formats.recording_rows import AltitudeSense
from tansiq.services.airspace import INTENT, Airspace, Known
from tansiq.services.events import Events
from tansiq.services.planning.site import Site
from tansiq.services.watch.alarms import Alarms
from tansiq.services.watch.binding import Bindings
from tansiq.services.watch.expected import Expected, spoken
from tansiq.services.watch.kept import Kept
from tansiq.services.watch.replaying import Replay, ReplayClock, filled, in_order
from tansiq.services.watch.rings import RingBook
from tansiq.services.watch.separation import Separation
from tansiq.services.watch.tracks import Tracks
from tansiq.services.watch.views import AlarmView
from tansiq.services.watch.warned import Approach, Row, Scored
from tansiq.services.watch.watch import Parts, Watch
from tansiq.settings import Limits, Timers
from tansiq.storage.sqlite import SqliteStore

ME: Final = "replay"
TRACKS_MAX: Final = 50_000
_SIGNS: Final = {"advisory": "o", "caution": "^", "warning": "#"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants replayed, and how."""

    speed: float
    since: str | None
    until: str | None
    fill: float
    gap: float
    within: float
    vertical: float
    well_clear: str
    agreement: Path | None
    plans: tuple[Path, ...]
    sense: AltitudeSense | None
    score: bool
    as_json: bool


def run(paths: Sequence[str], wanted: Wanted) -> int:
    """Replay, and print what the watch finds; return how many warnings there were.

    Raises:
        BadInput: a file that cannot be read.
    """
    progress = Progress(SystemClock())
    recordings = read_recordings(paths, wanted.sense, progress)
    span = _span(wanted)
    # What is put between two reports must not lead to a spike and back; the watch itself takes what
    # was recorded as it was.
    heard = _as_recorded(recordings) if not wanted.fill else _believed(recordings)
    tracks = {
        address: [r for r in reports if span[0] <= r.time <= span[1]]
        for address, reports in heard.items()
    }
    tracks = {address: reports for address, reports in tracks.items() if reports}
    if not tracks:
        raise BadInput("nothing was heard within this time", field="from")
    agreement = load_agreement(wanted.agreement) if wanted.agreement else _rules(wanted)
    return asyncio.run(_replay(tracks, agreement, wanted, progress))


def _believed(recordings: Sequence[Recording]) -> dict[Address, Sequence[PositionReport]]:
    return {each.address: each.reports for each in aircraft_of(recordings)}


def _as_recorded(recordings: Sequence[Recording]) -> dict[Address, Sequence[PositionReport]]:
    together: dict[Address, list[PositionReport]] = {}
    for recording in recordings:
        for address, reports in recording.reports.items():
            together.setdefault(address, []).extend(reports)
    return {a: sorted(reports, key=lambda r: r.time) for a, reports in together.items()}


def _span(wanted: Wanted) -> tuple[datetime, datetime]:
    since = parse_rfc3339(wanted.since or "1900-01-01T00:00:00Z", "from")
    until = parse_rfc3339(wanted.until or "2200-12-31T23:59:59Z", "to")
    if since >= until:
        raise BadInput(f"{wanted.until} is not after {wanted.since}", field="to")
    return since, until


def _rules(wanted: Wanted) -> Agreement:
    """Return rules that hold nobody to anything but the distances asked for."""
    party = Party(
        id=PartyID(ME),
        names={"en": ME},
        public_key=bytes(32),
        url="http://127.0.0.1",
        tls_sha256=b"",
    )
    return Agreement(
        name=ME,
        digest="0" * 64,
        parties=(party,),
        registers=(Register(id=ME, party=PartyID(ME), url=party.url),),
        area=Circle(center=LatLng(0.0, 0.0), radius_m=100_000.0),
        area_km2_max=40_000.0,
        minima=Minima(horizontal_m=wanted.within, vertical_m=wanted.vertical),
    )


async def _replay(
    tracks: dict[Address, list[PositionReport]],
    agreement: Agreement,
    wanted: Wanted,
    progress: Progress,
) -> int:
    fill = wanted.fill
    reports = in_order(
        filled(each, step_s=fill, gap_s=wanted.gap) if fill else each for each in tracks.values()
    )
    clock = ReplayClock(reports[0].time)
    scored, counts = Scored(), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="tansiq-replay-") as folder:
        store = SqliteStore.open(Path(folder) / "replay.db")
        try:
            watch = _watch(store, clock, agreement, wanted)
            await _plans(watch, tracks, agreement, wanted, clock.now())
            pace = _Pace(SystemClock(), wanted.speed)
            shown = _Shown(watch, as_json=wanted.as_json)
            last = reports[-1].time
            async for moment in Replay(watch, clock).run(reports, pace.wait):
                scored.take(moment.changed, moment.now)
                for kept in moment.changed:
                    counts[shown.tell(kept, moment.now)] += 1
                progress.tell(f"REPLAY {zulu(moment.now)} of {zulu(last)}")
        finally:
            progress.end()
            await store.close()
    rows = _score(scored, tracks, watch, wanted) if wanted.score else []
    shown.end(counts, rows, len(tracks))
    return counts["warning"]


def _watch(store: SqliteStore, clock: Clock, agreement: Agreement, wanted: Wanted) -> Watch:
    limits = Limits()
    events = Events(store, clock, limits)
    site = Site(
        agreement=agreement,
        party=PartyID(agreement.parties[0].id),
        store=events.store,
        clock=clock,
        limits=limits,
        timers=Timers(),
        new_id=lambda: str(uuid4()),
    )
    parts = Parts(
        tracks=Tracks(Following(), tracks_max=TRACKS_MAX),
        expected=Expected(Airspace(agreement)),
        bindings=Bindings(events.store),
        rings=RingBook(events.store, new_id=site.new_id),
        alarms=Alarms(events, new_id=site.new_id),
        separation=Separation(table=agreement.minima_table, well_clear=wanted.well_clear),
        unplanned=bool(wanted.plans and wanted.agreement),
    )
    return Watch(site, parts)


async def _plans(
    watch: Watch,
    tracks: dict[Address, list[PositionReport]],
    agreement: Agreement,
    wanted: Wanted,
    now: datetime,
) -> None:
    """Take plans into the sky, and aircraft of their call signs as theirs: whoever gives both files
    has said so."""
    register = agreement.registers[0].id
    for path in wanted.plans:
        draft = read_plan(path.read_bytes(), plain(path.name))
        known = Known(
            register=register,
            id=str(draft.id or uuid4()),
            kind=INTENT,
            manager=agreement.parties[0].id,
            own=False,
            version=1,
            ovn="",
            state="Activated",
            priority=draft.priority,
            volumes=draft.volumes,
            time=time_bounds(draft.volumes),
            base_url="",
            callsign=draft.callsign,
            formation=draft.formation,
        )
        watch.parts.expected.keep(known)
        for address, reports in tracks.items():
            called = {spoken(r.callsign) for r in reports if r.callsign}
            if draft.callsign and spoken(draft.callsign) in called:
                await watch.parts.bindings.bind(address, known, ME, max(now, known.time.start))


class _Pace:
    """Waits so that the recording runs at a speed."""

    def __init__(self, clock: Clock, speed: float) -> None:
        self._clock = clock
        self._speed = speed
        self._due_s = clock.monotonic_s()

    async def wait(self, seconds: float) -> None:
        if self._speed <= 0.0:
            return
        self._due_s += seconds / self._speed
        left_s = self._due_s - self._clock.monotonic_s()
        if left_s > 0.0:
            await self._clock.sleep(left_s)
        else:
            self._due_s -= left_s  # Slower than asked for: it is not made up for later.


class _Shown:
    """Prints what happens."""

    def __init__(self, watch: Watch, *, as_json: bool) -> None:
        self._watch = watch
        self._json = as_json
        self._before: dict[str, tuple[str, str]] = {}

    def tell(self, kept: Kept, now: datetime) -> str:
        """Print one alarm that changed; return the level that it has newly risen to, if any."""
        view = self._watch.parts.alarms.view(kept, now)
        before = self._before.get(kept.id, ("", ""))
        self._before[kept.id] = (view.stage, view.level)
        if before == (view.stage, view.level):
            return ""
        if self._json:
            line = {"replay": True, "time": zulu(now), "alarm": view}
            click.echo(msgspec.json.encode(line).decode())
        else:
            click.echo(plain(_line(view, now)))
        rose = view.stage == "raised" and Level[view.level.upper()] > _level(before[1])
        return view.level if rose else ""

    def end(self, counts: Counter[str], rows: Sequence[Row], aircraft: int) -> None:
        """Print the sum of it."""
        levels = {level.name.lower(): counts[level.name.lower()] for level in reversed(Level)}
        if self._json:
            summary = {"aircraft": aircraft, **levels, "score": [_as_object(row) for row in rows]}
            click.echo(msgspec.json.encode({"replay": True, "summary": summary}).decode())
            return
        said = ", ".join(f"{count} {name}" for name, count in levels.items())
        click.echo(f"REPLAY over: {aircraft} aircraft; times risen to: {said}")
        if rows:
            click.echo("\n".join(_table(rows)))


def _level(name: str) -> int:
    return Level[name.upper()] if name else 0


def _line(view: AlarmView, now: datetime) -> str:
    sign = _SIGNS[view.level]
    word = view.level.upper() if view.stage == "raised" else f"{view.level}, {view.stage}"
    return f"REPLAY {zulu(now)}  {sign} {word:<18} {view.kind:<20} {view.sentence}"


def _score(
    scored: Scored, tracks: dict[Address, list[PositionReport]], watch: Watch, wanted: Wanted
) -> list[Row]:
    minima = watch.parts.separation.table.largest
    search = Search(
        within=Within(horizontal_m=minima.horizontal_m, vertical_m=minima.vertical_m),
        gap_s=wanted.gap,
    )
    approaches = []
    for each in encounters(tracks, search):
        one, other = (watch.subject(p.address) for p in (each.first, each.second))
        first, second = sorted((one, other))
        approaches.append(Approach((first, second), each.entered, each.closest, each.left))
    how = watch.parts.separation
    ahead = {
        Level.ADVISORY: how.advisory_s,
        Level.CAUTION: how.caution_s,
        Level.WARNING: how.warning_s,
    }
    return scored.rows(approaches, ahead)


def _as_object(row: Row) -> dict[str, object]:
    return {
        "level": row.level.name.lower(),
        "ahead_s": row.ahead_s,
        "approaches": row.approaches,
        "told_before": row.told,
        "told_late": row.late,
        "missed": row.missed,
        "leads_s": row.leads_s,
        "alarms": row.alarms,
        "in_vain": row.in_vain,
    }


def _table(rows: Sequence[Row]) -> list[str]:
    lines = [
        "",
        "level     looks ahead  approaches  told before  late  not told  "
        "median lead  least lead  alarms  in vain",
    ]
    for row in rows:
        leads = row.leads_s
        middle = "-" if row.median_s is None else f"{row.median_s:.0f} s"
        least = f"{leads[0]:.0f} s" if leads else "-"
        lines.append(
            f"{row.level.name.lower():<9} {row.ahead_s:>9.0f} s  {row.approaches:>10}  "
            f"{row.told:>11}  {row.late:>4}  {row.missed:>8}  {middle:>11}  {least:>10}  "
            f"{row.alarms:>6}  {row.in_vain:>7}"
        )
    return lines
