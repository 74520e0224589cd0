"""A recording flown again: the same alarms as live, each approach with how early it was told of."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from air import HERE, NOON, Flying, air
from click.testing import CliRunner

from tansiq.cli.replay import replay
from tansiq.domain.alarm_key import Level
from tansiq.domain.ellipsoid import destination
from tansiq.domain.track import PositionReport
from tansiq.errors import BadInput
from tansiq.services.watch.kept import Kept
from tansiq.services.watch.replaying import Replay, filled, in_order
from tansiq.services.watch.warned import Approach, Scored

pytestmark = pytest.mark.anyio
SECOND = timedelta(seconds=1)


def head_on(apart_m: float = 16_000.0) -> list[Flying]:
    return [
        Flying(address="icao:000001", callsign="ONE", speed_mps=50.0, track_deg=90.0),
        Flying(
            address="icao:000002",
            callsign="TWO",
            at=destination(HERE, 90.0, apart_m),
            speed_mps=50.0,
            track_deg=270.0,
        ),
    ]


def recorded(flying: list[Flying], seconds: int, every: int = 1) -> list[list[PositionReport]]:
    return [
        [each.report(NOON + second * SECOND) for second in range(0, seconds, every)]
        for each in flying
    ]


def test_what_is_filled_lies_on_the_way_and_nothing_is_filled_over_a_gap() -> None:
    (track,) = recorded([Flying(address="icao:000001", speed_mps=50.0, climb_mps=2.0)], 121, 60)
    (whole,) = recorded([Flying(address="icao:000001", speed_mps=50.0, climb_mps=2.0)], 121, 10)
    found = list(filled(track, step_s=10.0, gap_s=60.0))
    assert [r.time for r in found] == [r.time for r in whole]
    for a, b in zip(found, whole, strict=True):
        assert a.position.lat_deg == pytest.approx(b.position.lat_deg, abs=1e-7)
        assert a.geometric_m == pytest.approx(b.geometric_m, abs=1e-6)
        assert a.speed_mps == pytest.approx(50.0, abs=0.01)
    # A pause of exactly the gap is filled, a longer one is not.
    assert list(filled(track, step_s=10.0, gap_s=59.999)) == track


def said(kept: Kept) -> tuple[str, str, str]:
    alarm = kept.alarm
    return alarm.key.kind.value, alarm.stage.value, alarm.level.name


async def test_a_replay_finds_what_the_live_watch_finds(tmp_path: Path) -> None:
    live: list[tuple[str, str, str]] = []
    for name in ("live", "again"):
        (tmp_path / name).mkdir()
    async with air(tmp_path / "live") as sky:
        sky.flying = head_on()
        for _ in range(180):
            await sky.run(1)
            live += [
                (k.alarm.key.kind.value, k.alarm.stage.value, k.alarm.level.name)
                for k in sky.changes
            ]
            sky.changes.clear()
    again: list[tuple[str, str, str]] = []
    async with air(tmp_path / "again") as sky:
        reports = in_order(recorded(head_on(), 181)[i][1:] for i in range(2))
        async for moment in Replay(sky.watch, sky.clock).run(reports):
            if moment.now <= NOON + 180 * SECOND:
                again += [said(each) for each in moment.changed]
    assert again == live
    assert len(live) > 4


async def test_silence_between_two_flights_is_skipped(tmp_path: Path) -> None:
    early = recorded([Flying(address="icao:000001", speed_mps=50.0)], 10)[0]
    late = [
        r.__class__(**{**{f: getattr(r, f) for f in r.__slots__}, "time": r.time + 86_400 * SECOND})
        for r in early
    ]
    async with air(tmp_path) as sky:
        looked = [m.now async for m in Replay(sky.watch, sky.clock).run([*early, *late])]
    assert len(looked) < 400
    assert looked[-1] >= late[-1].time


def approach(closest_s: float, *, entered_s: float, left_s: float) -> Approach:
    return Approach(
        ("a", "b"), NOON + entered_s * SECOND, NOON + closest_s * SECOND, NOON + left_s * SECOND
    )


def scored(*spans: tuple[float, float, Level]) -> Scored:
    found = Scored()
    for start, end, level in spans:
        found._spans[("a", "b"), level].append(
            type("Span", (), {"start": NOON + start * SECOND, "end": NOON + end * SECOND})()
        )
    return found


@pytest.mark.parametrize(
    ("span", "told", "late", "missed", "vain"),
    [
        ((10.0, 100.0), 1, 0, 0, 0),
        ((50.0, 100.0), 1, 0, 0, 0),  # Raised as they entered: told.
        ((50.001, 100.0), 0, 1, 0, 0),
        ((60.001, 100.0), 0, 0, 1, 0),  # Once they were closest it is too late.
        ((0.0, 50.0), 1, 0, 0, 0),  # Cleared as they entered.
        ((0.0, 49.999), 0, 0, 1, 0),
        ((0.0, 20.0), 0, 0, 1, 0),  # Over 30 s before: within its look-ahead, not in vain.
        ((0.0, 19.999), 0, 0, 1, 1),
        ((70.001, 90.0), 0, 0, 1, 1),
    ],
)
def test_an_alarm_is_early_late_or_in_vain(
    span: tuple[float, float], told: int, late: int, missed: int, vain: int
) -> None:
    ahead = {Level.ADVISORY: 120.0, Level.CAUTION: 60.0, Level.WARNING: 30.0}
    found = scored((*span, Level.WARNING))
    row = found.rows([approach(60.0, entered_s=50.0, left_s=70.0)], ahead)[-1]
    assert (row.told, row.late, row.missed, row.in_vain) == (told, late, missed, vain)


def csv_of(tracks: list[list[PositionReport]]) -> str:
    rows = ["time,icao24,callsign,latitude,longitude,height_m"]
    rows += [
        f"{r.time.isoformat()},{r.address.removeprefix('icao:')},{r.callsign},"
        f"{r.position.lat_deg},{r.position.lng_deg},{r.geometric_m}"
        for track in tracks
        for r in track
    ]
    return "\n".join(rows)


def run(tmp_path: Path, *options: str, tracks: Any = None) -> Any:
    file = tmp_path / "flown.csv"
    file.write_text(csv_of(tracks or recorded(head_on(), 240, 5)).replace("height_m", "altitude"))
    asked = [str(file), "--datum", "W84", "--units", "M", "--speed", "0", *options]
    return CliRunner().invoke(replay, asked, catch_exceptions=False)


def test_the_command_marks_every_line_and_tells_how_early(tmp_path: Path) -> None:
    done = run(tmp_path, "--score")
    assert done.exit_code == 1, done.output
    lines = done.stdout.splitlines()
    table = lines.index("")
    assert all(line.startswith("REPLAY ") for line in lines[:table])
    assert "REPLAY over: 2 aircraft" in done.stdout
    assert [line.split()[0] for line in lines[-3:]] == ["advisory", "caution", "warning"]


def test_json_says_the_same_to_machines(tmp_path: Path) -> None:
    done = run(tmp_path, "--score", "--json")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(each["replay"] is True for each in documents)
    summary = documents[-1]["summary"]
    assert summary["warning"] >= 1
    assert [row["level"] for row in summary["score"]] == ["advisory", "caution", "warning"]
    assert all(row["missed"] == 0 for row in summary["score"])


def test_nothing_near_is_no_warning(tmp_path: Path) -> None:
    alone = recorded(head_on()[:1], 240, 5)
    done = run(tmp_path, tracks=alone)
    assert done.exit_code == 0
    assert "0 warning" in done.stdout


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (["--from", "2026-11-23T13:00:00Z", "--to", "2026-11-23T13:00:00Z"], "to"),
        (["--from", "2030-01-01T00:00:00Z"], "from"),
        (["--from", "noon"], "from"),
        (["--fill", "301s"], "fill"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, options: list[str], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        run(tmp_path, *options)
    assert caught.value.field == field
