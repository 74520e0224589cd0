"""One race: both parties declare plans for the same air at the same instant, and what follows.

    .venv/bin/python -m tests.races.rounds SEED [ROUNDS [HEAD_START_S]]

replays a seed: the draws are the same, their interleaving with the nodes' own work is not.
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from tests.faults import Fault, Faults
from tests.races import journal
from tests.races.pair import GATE, PARTIES, SETTLED, Desk, Pair, desks, feature, make_pair, running

LINK = Faults(
    lose_request=0.05,
    lose_answer=0.05,
    repeat=0.05,
    hold=0.05,
    delay_s=(0.0, 0.03),
    later_s=(0.05, 0.8),
)
SETTLE_S_MAX = 60.0
"""Far above what is seen (see the printed 99th percentile); without faults it takes some ms.
The longest that a node lets somebody wait.
"""
AT_ONCE = 4
"""Races that go on side by side, each over a site of its own."""


@dataclass(slots=True)
class Race:
    """How one race went."""

    number: int
    then: str
    """What the first to be coordinated does next: ``stays``, ``moves`` or ``ends``."""
    plans: dict[str, str] = field(default_factory=dict)
    head_start_s: float = 0.0
    """How much later the gate's owner declares; 0 is the same instant."""
    first: str | None = None
    seconds: float = 0.0
    """From the declaration until nothing goes on any more."""
    outcome: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def draw_id(random: Random) -> str:
    """Return a UUID of version 4."""
    return str(UUID(int=random.getrandbits(128), version=4))


def draw_races(random: Random, count: int, head_start_s: float) -> list[Race]:
    """Draw what happens: in a third of the races the winner moves away or ends."""
    races = []
    for number in range(count):
        then = "stays" if number % 3 else random.choice(("moves", "ends"))
        plans = {party: draw_id(random) for party in PARTIES}
        races.append(Race(number, then, plans, random.uniform(0.0, head_start_s)))
    return races


def declared(race: Race, party: str, start: datetime, **place: float) -> dict[str, Any]:
    """Return one party's plan of a race."""
    name = f"{party[0].upper()}{race.number}"
    return feature(name, race.number, plan=race.plans[party], start=start, **place)


async def run_race(race: Race, desk: Mapping[str, Desk], random: Random) -> None:
    """Declare, see who is first, let the winner do what was drawn, and wait until all is still."""
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    began = time.monotonic()

    async def declare(party: str) -> None:
        await asyncio.sleep(race.head_start_s if party == GATE else 0.0)
        await desk[party].submit(declared(race, party, start))

    await asyncio.gather(*(declare(party) for party in random.sample(PARTIES, 2)))
    race.first = await _first(race, desk)
    if race.first is None:
        race.wrong.append("nobody was coordinated in time")
        return
    if race.then != "stays":
        await asyncio.sleep(random.uniform(0.0, 0.4))
        winner, plan = desk[race.first], race.plans[race.first]
        if race.then == "ends":
            await winner.end(plan)
        else:
            # Out of the site's air by time or sideways, both ways of making room.
            later = declared(race, race.first, start + timedelta(hours=2))
            aside = declared(race, race.first, start, east_km=8.0)
            await winner.change(plan, random.choice((later, aside)))
    views = await asyncio.gather(*(desk[p].settled(race.plans[p], SETTLE_S_MAX) for p in PARTIES))
    race.seconds = time.monotonic() - began
    race.outcome = {view["party"]: view["status"] for view in views}
    race.wrong += _judged(race)
    if race.then == "moves":  # Into free air, so nothing may be said against it.
        race.wrong += [v["reason"] for v in views if v["party"] == race.first and v["reason"]]


async def _first(race: Race, desk: Mapping[str, Desk]) -> str | None:
    """Return who is coordinated first."""
    waits = {asyncio.create_task(desk[p].settled(race.plans[p], SETTLE_S_MAX)): p for p in PARTIES}
    try:
        for wait in asyncio.as_completed(waits):
            view = await wait
            if view["status"] == "coordinated":
                return str(view["party"])
    finally:
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    return None


def _judged(race: Race) -> list[str]:
    statuses = sorted(race.outcome.values())
    if not SETTLED.issuperset(statuses):
        return [f"stuck: {race.outcome}"]
    if race.then == "stays" and statuses != ["coordinated", "refused"]:
        return [f"not exactly one: {race.outcome}"]
    first, then = race.outcome[race.first or ""], race.then
    if then == "moves" and first != "coordinated":
        return [f"the winner lost its place when it moved: {race.outcome}"]
    return []


@dataclass(slots=True)
class Report:
    """What all races together showed."""

    seed: int
    races: list[Race]
    faults: Counter[Fault]
    evidence: list[str]

    @property
    def wrong(self) -> list[str]:
        mine = [f"race {r.number} ({r.then}): {w} {r.plans}" for r in self.races for w in r.wrong]
        return mine + self.evidence

    def __str__(self) -> str:
        waits = sorted(race.seconds for race in self.races)
        wins = Counter(race.first for race in self.races)
        then = Counter(race.then for race in self.races)
        return (
            f"{len(self.races)} races, seed {self.seed}, head start up to "
            f"{max(race.head_start_s for race in self.races):.2f} s: "
            f"{', '.join(f'{wins[p]} won by {p}' for p in PARTIES)} (the gate is {PARTIES[0]}'s); "
            f"winner {', '.join(f'{k} {n}' for k, n in then.items())}; "
            f"settled after {waits[len(waits) // 2]:.2f} s (median), "
            f"{waits[int(len(waits) * 0.99)]:.2f} s (99 %), {waits[-1]:.2f} s (longest); "
            f"requests: {', '.join(f'{n} {fault}' for fault, n in self.faults.items())}"
        )


async def clear_away(races: list[Race], desk: Mapping[str, Desk]) -> None:
    """End all plans."""
    ends = [desk[p].end(race.plans[p], SETTLE_S_MAX) for race in races for p in PARTIES]
    for view in await asyncio.gather(*ends):
        assert view["status"] == "ended", view


async def rest(pair: Pair) -> list[str]:
    """Wait until nothing is half-placed anywhere; return what still is after a while."""
    until = time.monotonic() + SETTLE_S_MAX
    while (found := journal.not_at_rest(pair)) and time.monotonic() < until:
        await asyncio.sleep(0.1)
    return found


async def run_races(seed: int, count: int, base: Path, head_start_s: float = 0.0) -> Report:
    """Run races over two nodes in this process and a faulty link."""
    random = Random(seed)
    races = draw_races(random, count, head_start_s)
    seeds = {race.number: random.getrandbits(64) for race in races}
    async with make_pair(base, random) as pair, desks(pair) as desk:
        for party, folder in pair.folders.items():
            await journal.begin(folder)
            pair.proxies[party].faults = LINK
        async with running(pair.folders["north"]), running(pair.folders["south"]):
            evidence: list[str] = []
            for group in (races[i : i + AT_ONCE] for i in range(0, count, AT_ONCE)):
                await asyncio.gather(*(run_race(r, desk, Random(seeds[r.number])) for r in group))
                evidence += await rest(pair)
                if evidence or any(race.wrong for race in group):
                    break  # What follows would only repeat it.
                await clear_away(group, desk)
            evidence += await rest(pair)
            left = [reference for f in pair.folders.values() for reference in journal.standing(f)]
            evidence += [f"left in a register after its end: {reference}" for reference in left]
            feeds = {party: await desk[party].events() for party in PARTIES}
        evidence += journal.both_coordinated(feeds)
        evidence += journal.faults_found(pair)
        faults = sum((proxy.counts for proxy in pair.proxies.values()), Counter[Fault]())
    return Report(seed, races, faults, evidence)


def main() -> None:
    seed, count, head_start_s = [*map(float, sys.argv[1:]), *(40, 0)[len(sys.argv) - 2 :]]
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(run_races(int(seed), int(count), Path(folder), head_start_s))
    print(report)
    print("\n".join(report.wrong) or "nothing wrong")


if __name__ == "__main__":
    main()
