"""How many live positions one core reads in a second of its time; JSON against the plain way.

Generated messages, seed 2, a thousand positions each time. "Plain" is ``json.loads`` and the same
value types with the same checks, one key after the other: what the JSON readers are to beat. The
other forms stand alone. ``intake`` is the feed's own part: duplicates, clocks, shares.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tansiq.clock import SystemClock
from tansiq.domain.time import parse_rfc3339
from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput
from tansiq.feed_settings import FeedKind, FeedSource
from tansiq.feeds.intake import Intake
from tansiq.formats import aircraft_json, positions_json
from tansiq.formats.beast import BeastFrames
from tansiq.formats.cot import CotParser
from tansiq.formats.mode_s import RawParser
from tansiq.formats.position_reports import Parsed
from tansiq.formats.sbs import SbsParser
from tansiq.settings import Limits, Timers

COUNT = 1_000
AIM = 50_000.0
"""Positions a second from JSON."""
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
FT, KT = 0.3048, 1_852 / 3_600
EVEN, ODD = "8d3933225857a0614676fec7e366", "8d393322585797d74473f18b349f"

Read = Callable[[bytes], int]


def places(random: Random) -> Iterator[tuple[str, float, float, int]]:
    for number in range(COUNT):
        lat, lng = round(36 + random.random(), 6), round(36 + random.random(), 6)
        yield f"{number:06x}", lat, lng, random.randrange(500, 9_000)


def positions(random: Random, datum: str) -> bytes:
    entries = [
        {
            "address": f"icao:{address}",
            "time": "2026-11-29T12:00:00.250Z",
            "lat": lat,
            "lng": lng,
            "altitude": {"value": height, "units": "FT", "datum": datum},
            "callsign": address,
            "speed_mps": 61.5,
            "track_deg": 270.5,
            "climb_mps": -1.5,
        }
        for address, lat, lng, height in places(random)
    ]
    return json.dumps(entries).encode()


def sky(random: Random) -> bytes:
    aircraft = [
        {
            "hex": address,
            "type": "adsb_icao",
            "flight": "N123    ",
            "alt_baro": height,
            "alt_geom": height + 100,
            "gs": 120.5,
            "track": 270.5,
            "baro_rate": -64,
            "squawk": "1200",
            "emergency": "none",
            "category": "A1",
            "lat": lat,
            "lon": lng,
            "nic": 8,
            "rc": 186,
            "seen_pos": 0.5,
            "version": 2,
            "nac_p": 9,
            "sil": 3,
            "mlat": [],
            "tisb": [],
            "messages": 1_234,
            "seen": 0.2,
            "rssi": -12.5,
        }
        for address, lat, lng, height in places(random)
    ]
    return json.dumps({"now": NOON.timestamp(), "messages": 9, "aircraft": aircraft}).encode()


def plain_positions(data: bytes) -> int:
    """Read positions as one would write it down first; heights above the ellipsoid only."""
    reports = []
    for entry in json.loads(data):
        try:
            altitude = entry["altitude"]
            assert altitude["datum"] == "W84"
            reports.append(
                PositionReport(
                    address=Address(str(entry["address"])),
                    time=parse_rfc3339(entry["time"], "time"),
                    position=LatLng(float(entry["lat"]), float(entry["lng"])),
                    geometric_m=float(altitude["value"]) * (FT if altitude["units"] == "FT" else 1),
                    callsign=str(entry.get("callsign", "")),
                    speed_mps=entry.get("speed_mps"),
                    track_deg=entry.get("track_deg"),
                    climb_mps=entry.get("climb_mps"),
                )
            )
        except (KeyError, TypeError, ValueError, BadInput):
            continue
    return len(reports)


def plain_sky(data: bytes) -> int:
    """Read ``aircraft.json`` the same way."""
    whole, reports = json.loads(data), []
    for one in whole["aircraft"]:
        try:
            reports.append(
                PositionReport(
                    address=Address(f"icao:{one['hex']}"),
                    time=datetime.fromtimestamp(whole["now"] - one["seen_pos"], UTC),
                    position=LatLng(one["lat"], one["lon"]),
                    geometric_m=one["alt_geom"] * FT,
                    pressure_m=one["alt_baro"] * FT,
                    callsign=one["flight"].strip(),
                    horizontal_error_m=float(one["rc"]),
                    speed_mps=one["gs"] * KT,
                    track_deg=one["track"],
                    climb_mps=one["baro_rate"] * FT / 60,
                )
            )
        except (KeyError, TypeError, ValueError, BadInput):
            continue
    return len(reports)


def lines(random: Random) -> bytes:
    stamp = "2026/11/29,12:00:00.000"
    return "".join(
        f"MSG,3,1,1,{address.upper()},1,{stamp},{stamp},,{height},,,{lat},{lng},,,0,0,0,0\r\n"
        for address, lat, lng, height in places(random)
    ).encode()


def events(random: Random) -> bytes:
    return "".join(
        f'<event version="2.0" uid="UAS-{address}" type="a-f-A-M-H-Q" how="m-g" '
        f'time="2026-11-29T12:00:00.000Z" start="2026-11-29T12:00:00.000Z" '
        f'stale="2126-11-29T12:00:00.000Z"><point lat="{lat}" lon="{lng}" hae="{height}" '
        f'ce="10.0" le="9999999.0"/><detail><contact callsign="U{address}"/>'
        f'<track course="270.5" speed="41.0"/></detail></event>'
        for address, lat, lng, height in places(random)
    ).encode()


def frames(_: Random) -> bytes:
    """Return halves of one aircraft in turn: nothing but positions, the dearest there are."""
    return b"".join(
        b"\x1a3"
        + bytes(7)
        + bytes.fromhex(EVEN if number % 2 else ODD).replace(b"\x1a", b"\x1a" * 2)
        for number in range(COUNT)
    )


def fed(make: Callable[[], Any]) -> Read:
    return lambda data: len(make().feed(data, NOON).reports)


def intake() -> Read:
    """Return what passes a thousand new positions through a feed's intake, whatever the bytes."""
    source = FeedSource(name="bench", kind=FeedKind.SBS, url="tcp://127.0.0.1:1")
    limits = Limits(position_rate_max=1e9)
    counter, clock = [0], SystemClock()
    one = Intake(source, lambda _, reports: None, clock, limits, Timers())

    def take(_: bytes) -> int:
        counter[0] += 1
        now = clock.now() + timedelta(microseconds=counter[0])
        at = LatLng(36.0 + counter[0] * 1e-6, 36.0)
        reports = [
            PositionReport(address=Address(f"icao:{n:06x}"), time=now, position=at)
            for n in range(COUNT)
        ]
        one.take(Parsed(reports=reports, messages=COUNT))
        return COUNT

    return take


def cases() -> Iterator[tuple[str, Read, bytes, str | None, float | None]]:
    """Yield name, reader, bytes, the name of what it is held against, and the aim."""
    random = Random(2)
    w84, amsl, aircraft = positions(random, "W84"), positions(random, "AMSL"), sky(random)

    def read_positions(data: bytes) -> int:
        return len(positions_json.read(data, count_max=COUNT).reports)

    def read_sky(data: bytes) -> int:
        return len(aircraft_json.parse(data, age_s_max=60, aircraft_max=COUNT).reports)

    yield "positions, plain", plain_positions, w84, None, None
    yield "positions, W84", read_positions, w84, "positions, plain", AIM
    yield "positions, AMSL", read_positions, amsl, "positions, plain", AIM
    yield "aircraft.json, plain", plain_sky, aircraft, None, None
    yield "aircraft.json", read_sky, aircraft, "aircraft.json, plain", AIM
    yield (
        "BaseStation lines",
        fed(lambda: SbsParser(addresses_max=COUNT)),
        lines(random),
        None,
        None,
    )
    yield "Cursor on Target, XML", fed(CotParser), events(random), None, None
    try:
        RawParser(BeastFrames(), addresses_max=COUNT, monotonic_s=time.monotonic)
    except BadInput as error:
        print(f"Beast left out: {error}", file=sys.stderr)
    else:
        beast = fed(
            lambda: RawParser(BeastFrames(), addresses_max=COUNT, monotonic_s=time.monotonic)
        )
        yield "Beast, positions alone", beast, frames(random), None, None
    yield "intake, and making its reports", intake(), b"", None, None


def measure(rounds: int) -> list[dict[str, Any]]:
    """Run all in turn, several times; medians of positions a second."""
    found = list(cases())
    taken: dict[str, list[float]] = {name: [] for name, *_ in found}
    for _ in range(rounds):
        for name, read, data, _, _ in found:
            began = time.process_time()
            count = read(data)
            taken[name].append(count / (time.process_time() - began))
            if count < COUNT - 1:
                raise SystemExit(f"{name}: {count} positions of {COUNT}")
    medians = {name: statistics.median(rates) for name, rates in taken.items()}
    return [
        {
            "name": name,
            "value": round(medians[name]),
            "unit": "positions/s",
            "against": against,
            "ratio": round(medians[name] / medians[against], 2) if against else None,
            "aim": aim,
            "met": None if aim is None else medians[name] >= aim,
        }
        for name, _, _, against, aim in found
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = measure(31 if options.quick else 301)
    if options.json:
        print(json.dumps({"machine": platform.platform(), "results": results}))
        return
    print(f"{'':32} {'positions/s':>12} {'x plain':>8}")
    for row in results:
        ratio = f"{row['ratio']:8.2f}" if row["ratio"] else " " * 8
        aim = f"  aim {row['aim']:,.0f}: {'met' if row['met'] else 'missed'}" if row["aim"] else ""
        print(f"{row['name']:32} {row['value']:12,} {ratio}{aim}")


if __name__ == "__main__":
    main()
