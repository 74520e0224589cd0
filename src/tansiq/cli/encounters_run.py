"""Encounters looked for: recordings read, searched, and written in every form that is wanted."""

import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import click

from tansiq.cli import encounter_lines as lines
from tansiq.cli.encounter_lines import Searched
from tansiq.cli.files import STDIN, plain, replacing
from tansiq.cli.progress import Progress
from tansiq.clock import SystemClock
from tansiq.domain.agreement import Formation
from tansiq.domain.draft import Datum, Units
from tansiq.domain.encounter import Encounter, Within
from tansiq.domain.well_clear import EN_ROUTE
from tansiq.engine.flown_together import Search, encounters, well_clear
from tansiq.errors import BadInput, TooLarge
from tansiq.formats.agreement import load_agreement
from tansiq.formats.recording import AIRCRAFT_MAX, BYTES_MAX, Recording, read_recording
from tansiq.formats.recording_faults import aircraft_of
from tansiq.formats.recording_rows import ROWS_MAX, AltitudeSense

FILES_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants to know."""

    within: Within
    well_clear: bool
    """Losses of well clear are looked for, and ``within`` says nothing."""
    gap_s: float
    pause_s: float
    sense: AltitudeSense | None
    agreement: Path | None
    limit: int
    as_json: bool
    csv: Path | None
    geojson: Path | None
    html: Path | None


def sense_of(datum: str | None, units: str | None) -> AltitudeSense | None:
    """Return what a plain altitude counts, as two options say."""
    if datum is None:
        return None
    counted = Datum(datum.upper())
    usual = Units.FL if counted is Datum.FL else Units.M
    return AltitudeSense(Units(units.upper()) if units else usual, counted)


def run(paths: Sequence[str], wanted: Wanted) -> int:
    """Print and write what is wanted; return how many encounters count.

    Raises:
        BadInput: a recording that cannot be read.
        click.FileError: an output that cannot be written; none of them is there then.
    """
    progress = Progress(SystemClock())
    try:
        searched = _searched(paths, wanted, progress)
        with ExitStack() as files:
            _write(searched, wanted, files, progress)
    finally:
        progress.end()
    if wanted.as_json:
        for number, one in enumerate(searched.found, start=1):
            click.echo(lines.line(lines.document(number, one)))
        click.echo(lines.line(lines.summary(searched)))
    else:
        for text in lines.text(searched, wanted.limit):
            click.echo(text)
    return searched.counted


def _searched(paths: Sequence[str], wanted: Wanted, progress: Progress) -> Searched:
    formations = load_agreement(wanted.agreement).formations if wanted.agreement else ()
    recordings = read_recordings(paths, wanted.sense, progress)
    aircraft = list(aircraft_of(recordings))
    search = Search(within=wanted.within, gap_s=wanted.gap_s, pause_s=wanted.pause_s)
    if wanted.well_clear:
        search = well_clear(EN_ROUTE, gap_s=wanted.gap_s, pause_s=wanted.pause_s)
    tracks = {each.address: each.reports for each in aircraft}
    found = encounters(tracks, search, progress.tell)
    left_out: Counter[str] = Counter()
    for recording in recordings:
        left_out.update(recording.left_out)
    for each in aircraft:
        left_out.update(each.left_out)
    return Searched(
        search=search,
        recordings=tuple(recordings),
        aircraft={each.address: each for each in aircraft},
        left_out=left_out,
        found=tuple(_marked(one, formations) for one in found),
        agreement=wanted.agreement.name if wanted.agreement else "",
    )


def _marked(one: Encounter, formations: Sequence[Formation]) -> Encounter:
    """Return an encounter with the formation that both belong to, by call sign."""
    signs = {_folded(one.first.callsign), _folded(one.second.callsign)}
    if "" in signs or len(signs) < 2:
        return one
    for formation in formations:
        if signs <= set(map(_folded, formation.callsigns)):
            return replace(one, formation=formation.name)
    return one


def _folded(callsign: str) -> str:
    return callsign.strip().casefold()


def read_recordings(
    paths: Sequence[str], sense: AltitudeSense | None, progress: Progress
) -> list[Recording]:
    if len(paths) > FILES_MAX:
        raise TooLarge(f"{len(paths)} files; at most {FILES_MAX:,}: join some", field="RECORDINGS")
    found: list[Recording] = []
    rows = 0
    for number, path in enumerate(paths, start=1):
        progress.tell(f"reading {number} of {len(paths)}: {plain(path)}")
        data, name = _content(path)
        found.append(read_recording(data, plain(name), sense))
        rows += found[-1].rows
        if rows > ROWS_MAX:
            raise TooLarge(
                f"with {plain(name)} more than {ROWS_MAX:,} rows; look at the days one by one",
                field="RECORDINGS",
            )
    if len({a for each in found for a in each.reports}) > AIRCRAFT_MAX:
        raise TooLarge(f"more than {AIRCRAFT_MAX:,} aircraft; split by region", field="RECORDINGS")
    return found


def _content(path: str) -> tuple[bytes, str]:
    """Return what a file holds, one byte above the limit at most."""
    try:
        if path == STDIN:
            return sys.stdin.buffer.read(BYTES_MAX + 1), "standard input"
        with Path(path).open("rb") as file:
            return file.read(BYTES_MAX + 1), Path(path).name
    except OSError as error:
        raise BadInput(error.strerror or "cannot be read", field=plain(path)) from error


def _write(searched: Searched, wanted: Wanted, files: ExitStack, progress: Progress) -> None:
    """Write the files that are wanted; they take their names when all are whole."""
    progress.tell("writing")
    if wanted.csv:
        lines.write_csv(searched, files.enter_context(replacing(wanted.csv)))
    if wanted.geojson:
        lines.write_geojson(searched, files.enter_context(replacing(wanted.geojson)))
    if wanted.html:
        from tansiq.cli.encounter_page import Page

        files.enter_context(replacing(wanted.html)).write(Page(searched).html())
