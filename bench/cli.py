"""How long the command line takes from the shell, start-up included; against a bare interpreter.

Generated airspaces, seed 2: 1,000 intents within 400 km, altitudes AMSL in GeoJSON and W84 in F3548
JSON; one plan of 8 volumes; minima 1 km, 150 m, 60 s.
"""

import argparse
import json
import math
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

TANSIQ = str(Path(sys.executable).with_name("tansiq"))
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINIMA = ["--horizontal-m", "1000", "--vertical-m", "150", "--time-s", "60"]


def stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def volumes(random: Random, count: int) -> list[dict[str, Any]]:
    """Return eight-cornered volumes along a straight flight."""
    lat, lng = 36 + random.random() * 4, -122 + random.random() * 4
    start = NOON + timedelta(minutes=random.random() * 240)
    floor = random.choice([300, 600, 900, 1_200])
    turns = [math.pi * corner / 4 for corner in range(8)]
    return [
        {
            "ring": [
                [lng + 0.02 * (i + math.cos(t)), lat + 0.03 * i + 0.015 * math.sin(t)]
                for t in turns
            ],
            "start": stamp(start + timedelta(minutes=5 * i)),
            "end": stamp(start + timedelta(minutes=5 * i + 6)),
            "lower": floor,
        }
        for i in range(count)
    ]


def geojson(flights: list[list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {
                    "start": v["start"],
                    "end": v["end"],
                    "units": "M",
                    "datum": "AMSL",
                    "lower": v["lower"],
                    "upper": v["lower"] + 200,
                    "callsign": f"AC-{i}",
                },
                "geometry": {"type": "Polygon", "coordinates": [[*v["ring"], v["ring"][0]]]},
            }
            for i, flight in enumerate(flights)
            for v in flight
        ],
    }


def f3548(flights: list[list[dict[str, Any]]], random: Random) -> list[dict[str, Any]]:
    def altitude(value: float) -> dict[str, Any]:
        return {"value": value, "reference": "W84", "units": "M"}

    def volume(v: dict[str, Any]) -> dict[str, Any]:
        return {
            "volume": {
                "outline_polygon": {"vertices": [{"lat": y, "lng": x} for x, y in v["ring"]]},
                "altitude_lower": altitude(v["lower"]),
                "altitude_upper": altitude(v["lower"] + 200),
            },
            "time_start": {"value": v["start"], "format": "RFC3339"},
            "time_end": {"value": v["end"], "format": "RFC3339"},
        }

    def uuid() -> str:
        digits = f"{random.getrandbits(128):032x}"
        parts = digits[:8], digits[8:12], "4" + digits[13:16], "8" + digits[17:20], digits[20:]
        return "-".join(parts)

    return [
        {
            "reference": {"id": uuid(), "manager": "south", "state": "Accepted"},
            "details": {"volumes": [volume(v) for v in flight], "priority": 0},
        }
        for flight in flights
    ]


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"{command}: {done.stderr.decode()}")
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results = measure(commands(folder), 5 if options.quick else 21)
    if options.json:
        print(json.dumps({"machine": platform.platform(), "results": results}))
        return
    print(f"{'':42} {'seconds':>8} {'x bare':>7} {'aim':>5}")
    for row in results:
        aim = f"{row['aim']:5.1f} {'met' if row['met'] else 'missed'}" if row["aim"] else ""
        print(f"{row['name']:42} {row['value']:8.3f} {row['ratio']:7.1f} {aim}")


def commands(folder: Path) -> list[tuple[str, list[str], float | None]]:
    """Write the files and return what to run: name, command, aim in seconds."""

    def written(name: str, document: Any) -> str:
        path = folder / name
        path.write_text(json.dumps(document), encoding="utf-8")
        return str(path)

    random = Random(2)
    plan = written("plan.geojson", geojson([volumes(random, 8)]))
    rows: list[tuple[str, list[str], float | None]] = [
        ("bare interpreter", [sys.executable, "-c", "pass"], None),
        ("tansiq --help", [TANSIQ, "--help"], 0.2),
        ("tansiq plan --help", [TANSIQ, "plan", "--help"], 0.2),
    ]
    for count, aim in ((1, 0.5), (4, 0.5), (8, None)):
        flights = [volumes(random, count) for _ in range(1_000)]
        files = {
            "GeoJSON": written(f"{count}.geojson", geojson(flights)),
            "F3548": written(f"{count}.json", f3548(flights, random)),
        }
        for form, airspace in files.items():
            text = f"check, 1,000 intents of {count} volumes, {form}"
            rows.append((text, [TANSIQ, "check", plan, airspace, *MINIMA], aim))
    return rows


def measure(rows: list[tuple[str, list[str], float | None]], rounds: int) -> list[dict[str, Any]]:
    """Run all in turn, several times; medians."""
    taken: dict[str, list[float]] = {name: [] for name, _, _ in rows}
    for _ in range(rounds):
        for name, command, _ in rows:
            taken[name].append(seconds(command))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    bare = medians["bare interpreter"]
    return [
        {
            "name": name,
            "value": round(medians[name], 4),
            "unit": "s",
            "against": "bare interpreter",
            "ratio": round(medians[name] / bare, 1),
            "aim": aim,
            "met": None if aim is None else medians[name] <= aim,
        }
        for name, _, aim in rows
    ]


if __name__ == "__main__":
    main()
