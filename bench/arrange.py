"""Arranging a day's plans beside first come, first served: total delay, fairness, seconds.

Ours is ``engine.arrange`` with its defaults. The alternative takes the plans in the order in which
they were filed (at random) and gives each the least delay that those before it leave; it has no
search and does not look at parties. Both keep the same minima by the same intervals. Seed 5.

*Generated*: plans of 4 to 8 volumes along a way, three parties (5 : 3 : 2), twelve levels, 14
hours. *Recorded*: the firefighting week of ``tansiq demo``, if it has been obtained. What is not
in the figures: formations, which an agreement exempts and nobody knows of here.
"""

import argparse
import json
import math
import os
import platform
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tansiq.demo import calfire
from tansiq.demo.scenario import MINIMA, from_flights
from tansiq.domain import geodesy
from tansiq.domain.agreement import Minima, MinimaTable
from tansiq.domain.arrangement import Arrangement, Declared, Effort, Freedom
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import (
    AltitudeBand,
    Circle,
    LatLng,
    Outline,
    Polygon,
    Volume3D,
    Volume4D,
    Volumes,
)
from tansiq.engine.arrange import arrange, first_come
from tansiq.engine.compiled import COMPILED

Row = dict[str, Any]
DAY = datetime(2026, 6, 1, tzinfo=UTC)
KEPT = Minima(horizontal_m=500.0, vertical_m=50.0, time=timedelta(seconds=60))
HOUR = Freedom(longest=timedelta(hours=1))


def made(count: int, side_m: float) -> list[Declared]:
    """Return plans in the order in which they were filed."""
    random = Random(5)
    return [
        Declared(
            name=f"P{k}",
            party=random.choices(("north", "south", "west"), (5, 3, 2))[0],
            volumes=flight(random, side_m),
        )
        for k in range(count)
    ]


def flight(random: Random, side_m: float) -> Volumes:
    """Return some volumes of five minutes along a way."""
    east_m, north_m = (random.uniform(-side_m / 2, side_m / 2) for _ in range(2))
    azimuth = random.uniform(0.0, 360.0)
    start_s = 300.0 * random.randrange(6 * 12, 20 * 12)
    low_m, high_m = 100.0 * random.randrange(12), random.choice([60.0, 60.0, 160.0])
    found = []
    for k in range(random.randint(4, 8)):
        place = LatLng(45.0 + north_m / 111_000.0, 7.0 + east_m / 78_500.0)
        radius_m = random.uniform(1_500.0, 3_000.0)
        outline: Outline = Circle(center=place, radius_m=radius_m)
        if random.random() < 0.5:
            corners = (geodesy.destination(place, turn, radius_m) for turn in range(0, 360, 60))
            outline = Polygon(vertices=tuple(corners))
        start = DAY + timedelta(seconds=start_s + 240.0 * k - 30.0)
        found.append(
            Volume4D(
                volume=Volume3D(
                    outline=outline, altitude=AltitudeBand(lower_m=low_m, upper_m=low_m + high_m)
                ),
                time=TimeSpan(start=start, end=start + timedelta(minutes=5)),
            )
        )
        azimuth += random.uniform(-20.0, 20.0)
        east_m += 4_000.0 * math.sin(math.radians(azimuth))
        north_m += 4_000.0 * math.cos(math.radians(azimuth))
    return tuple(found)


def recorded(cache: Path) -> list[Declared]:
    """Return the plans of the recorded week, by their first start; none without the recordings."""
    wheel = cache / calfire.WHEEL
    if not wheel.is_file():
        return []
    flights = calfire.read_flights(wheel)
    scenario = from_flights(flights, now=DAY, all_days=True)
    return [Declared(name=s.name, party=s.party, volumes=s.draft.volumes) for s in scenario.sorties]


def row(name: str, value: float, unit: str, **rest: Any) -> Row:
    blank = {"against": None, "ratio": None, "aim": None, "met": None}
    return {"name": name, "value": round(value, 4), "unit": unit, **blank, **rest}


def beside(
    name: str, plans: Sequence[Declared], minima: Minima, freedom: Freedom, aim_s: float
) -> Iterator[Row]:
    """Arrange both ways."""
    table = MinimaTable(usual=minima)
    plain = first_come(plans, (), table, freedom=freedom)
    for weight in (0.0, Effort().weight):
        started = time.perf_counter()
        found = arrange(
            plans, (), table, freedom=freedom, effort=Effort(weight=weight), random=Random(5)
        )
        taken = time.perf_counter() - started
        label = f"{name}, fairness {weight:g}"
        yield row(f"{label}: seconds", taken, "s", aim=aim_s, met=taken <= aim_s)
        yield from figures(label, found, plain)


def figures(label: str, found: Arrangement, plain: Arrangement) -> Iterator[Row]:
    pairs = (
        ("total delay", found.total.total_seconds(), plain.total.total_seconds(), "s"),
        ("without a place", len(found.unplaced), len(plain.unplaced), "plans"),
        ("moved", moved(found), moved(plain), "plans"),
        ("unfairness", found.spread_s, plain.spread_s, "s"),
        ("Jain's index", found.jain, plain.jain, "1"),
    )
    for name, ours, theirs, unit in pairs:
        ratio = round(ours / theirs, 3) if theirs else None
        against = f"first come: {theirs:,.6g}"
        yield row(f"{label}: {name}", ours, unit, against=against, ratio=ratio)
    least = found.at_least.total_seconds()
    yield row(f"{label}: no less than", least, "s")


def moved(found: Arrangement) -> int:
    return sum(share.moved for share in found.shares)


def measure(*, quick: bool, cache: Path) -> Iterator[Row]:
    warm()
    yield from beside("generated 1,000", made(1_000, 100_000.0), KEPT, HOUR, 5.0)
    week = recorded(cache)
    if week:
        freedom = Freedom(longest=timedelta(hours=4))
        yield from beside(f"recorded {len(week)}", week, MINIMA, freedom, 60.0)
    if not quick:
        yield from beside("generated 10,000", made(10_000, 300_000.0), KEPT, HOUR, 60.0)


def warm() -> None:
    table, effort = MinimaTable(usual=KEPT), Effort(rounds=2)
    arrange(made(40, 10_000.0), (), table, freedom=HOUR, effort=effort, random=Random(1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--cache", type=Path, default=Path(".cache/demo"))
    options = parser.parse_args()
    results = []
    if not options.json:
        print(f"compiled: {COMPILED}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for found in measure(quick=options.quick, cache=options.cache):
        results.append(found)
        if not options.json:
            ratio = "" if found["ratio"] is None else f"{found['ratio']:.2f}"
            met = {None: found["against"] or "", True: "met", False: "missed"}[found["met"]]
            value = f"{found['value']:12,.6g} {found['unit']:6}"
            print(f"{found['name']:48} {value} {ratio:>6}  {met}", flush=True)
    if options.json:
        print(json.dumps({"machine": platform.platform(), "results": results}))
    else:
        print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
