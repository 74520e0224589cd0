"""The same races with ``kill -9``: a node dies at a random moment and comes back a moment later.

    .venv/bin/python -m tests.races.kills SEED [KILLS]

What a desk was told is kept here and held against what the nodes say once all is still: a plan
that was acknowledged is there, one that was said to have ended has ended, and what was shown as
coordinated stays so, unless its own desk moved or ended it.
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import aiohttp
from tests.faults import Fault
from tests.races import journal
from tests.races.pair import PARTIES, SETTLED, Child, Desk, Pair, desks, make_pair
from tests.races.rounds import (
    AT_ONCE,
    LINK,
    SETTLE_S_MAX,
    Race,
    clear_away,
    declared,
    draw_id,
    rest,
)

T = TypeVar("T")
_GONE = (aiohttp.ClientError, ConnectionError, TimeoutError, asyncio.IncompleteReadError)


@dataclass(slots=True)
class Told:
    """What one desk was told of its plan, for certain: an answer reached it."""

    acknowledged: bool = False
    coordinated: bool = False
    ending: bool = False
    """It asked for the end; whether that arrived is known only if ``ended``."""
    ended: bool = False
    moved_to: datetime | None = None
    """The new start, once the change was acknowledged."""


@dataclass(slots=True)
class Killing:
    """One kill amid some races."""

    number: int
    victims: list[tuple[str, float, float]]
    """Party, when it dies after the declarations, and for how long: seconds."""
    races: list[Race]
    told: dict[str, Told] = field(default_factory=dict)
    """By plan."""
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def draw(random: Random, kills: int) -> list[Killing]:
    """Draw who dies when; now and then both, or the same one twice."""
    found = []
    for number in range(kills):
        count = random.choice((1, 1, 1, 2))
        victims = [
            (random.choice(PARTIES), random.uniform(0.0, 0.5), random.uniform(0.0, 0.5))
            for _ in range(count)
        ]
        races = []
        for lane in range(AT_ONCE):
            then = "stays" if random.random() < 0.67 else random.choice(("moves", "ends"))
            plans = {party: draw_id(random) for party in PARTIES}
            head_start_s = random.choice((0.0, random.uniform(0.0, 0.12)))
            races.append(Race(number * AT_ONCE + lane, then, plans, head_start_s))
        found.append(Killing(number, victims, races))
    return found


async def insist(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the node answers: it may be dead or just coming up."""
    until = time.monotonic() + SETTLE_S_MAX
    while True:
        try:
            return await ask()
        except _GONE:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.05)


async def _declare(race: Race, desk: Desk, told: Told, start: datetime) -> None:
    """Declare until it is acknowledged; an id makes the second time as good as the first."""

    async def ask() -> None:
        body = declared(race, desk.party, start)
        status, view = await desk.ask("POST", "plans", body, kind="application/geo+json")
        # 409: an attempt whose answer was lost has arrived.
        assert status in (201, 409), view
        told.acknowledged = True

    await asyncio.sleep(race.head_start_s if desk.party == PARTIES[0] else 0.0)
    await insist(ask)


async def _follow(race: Race, desk: Desk, told: Told, start: datetime, random: Random) -> None:
    """Wait until the plan is settled; the winner then does what was drawn."""
    plan = race.plans[desk.party]
    view = await insist(lambda: desk.settled(plan, SETTLE_S_MAX))
    if view["status"] != "coordinated":
        return
    told.coordinated = True
    race.first = race.first or desk.party
    if race.first != desk.party:
        return  # Second, after the first has made room.
    await asyncio.sleep(random.uniform(0.0, 0.4))
    if race.then == "ends":
        told.ending = True
        view = await insist(lambda: desk.end(plan))
        told.ended = view["status"] in ("ended", "ending")
    elif race.then == "moves":
        later = start + timedelta(hours=2)
        await insist(lambda: desk.change(plan, declared(race, desk.party, later)))
        told.moved_to = later


async def run_killing(
    killing: Killing, desk: Mapping[str, Desk], children: Mapping[str, Child], random: Random
) -> None:
    """Declare, kill, bring back, and judge once all is still."""
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    began = time.monotonic()

    async def kill() -> None:
        for party, after_s, for_s in killing.victims:
            await asyncio.sleep(after_s)
            await children[party].kill()
            await asyncio.sleep(for_s)
            await children[party].start()

    async def one(race: Race, party: str, seed: int) -> None:
        told = killing.told[race.plans[party]] = Told()
        await _declare(race, desk[party], told, start)
        await _follow(race, desk[party], told, start, Random(seed))

    async with asyncio.TaskGroup() as group:
        group.create_task(kill())
        for race in killing.races:
            for party in PARTIES:
                group.create_task(one(race, party, random.getrandbits(64)))
    for race in killing.races:
        settled = (desk[p].settled(race.plans[p], SETTLE_S_MAX) for p in PARTIES)
        views = await asyncio.gather(*settled)
        race.outcome = {view["party"]: view["status"] for view in views}
        race.wrong += [w for view in views for w in _judged(view, killing.told[view["id"]], race)]
        race.wrong += _exactly_one(race)
    killing.seconds = time.monotonic() - began


def _judged(view: Mapping[str, Any], told: Told, race: Race) -> list[str]:
    """Hold what the node says now against what it had said."""
    wrong, status = [], view["status"]
    if status not in SETTLED:
        wrong.append(f"stuck: {view['party']}'s plan is {status}")
    if told.ended and status != "ended":
        wrong.append(f"{view['party']}'s plan was said to have ended and is {status}")
    if told.coordinated and not told.ending and status != "coordinated":
        wrong.append(f"{view['party']}'s plan was said to be coordinated and is {status}")
    if told.moved_to and datetime.fromisoformat(view["time_start"]) != told.moved_to:
        where = f"{view['time_start']}: {view['reason']}"
        wrong.append(f"{view['party']}'s plan was moved and stands at {where}")
    if race.then != "ends" and status == "ended":
        wrong.append(f"{view['party']}'s plan has ended and nobody ended it")
    return wrong


def _exactly_one(race: Race) -> list[str]:
    if race.then == "stays" and sorted(race.outcome.values()) != ["coordinated", "refused"]:
        return [f"not exactly one: {race.outcome}"]
    return []


@dataclass(slots=True)
class Report:
    """What all kills together showed."""

    seed: int
    killings: list[Killing]
    faults: Counter[Fault]
    evidence: list[str]

    @property
    def wrong(self) -> list[str]:
        return [
            *(
                f"race {r.number} ({r.then}, killed {k.victims}): {w} {r.plans}"
                for k in self.killings
                for r in k.races
                for w in r.wrong
            ),
            *self.evidence,
        ]

    def __str__(self) -> str:
        races = [race for killing in self.killings for race in killing.races]
        kills = Counter(v[0] for killing in self.killings for v in killing.victims)
        waits = sorted(killing.seconds for killing in self.killings)
        wins = Counter(race.first for race in races)
        return (
            f"{len(races)} races amid {kills.total()} kills "
            f"({', '.join(f'{kills[p]} of {p}' for p in PARTIES)}), seed {self.seed}: "
            f"{', '.join(f'{wins[p]} won by {p}' for p in PARTIES)}; all still after "
            f"{waits[len(waits) // 2]:.2f} s (median), {waits[-1]:.2f} s (longest), restart "
            f"included; requests: {', '.join(f'{n} {fault}' for fault, n in self.faults.items())}"
        )


async def run_kills(seed: int, kills: int, base: Path) -> Report:
    """Run races over two processes that die and come back, and a faulty link."""
    random = Random(seed)
    killings = draw(random, kills)
    evidence: list[str] = []
    async with make_pair(base, random) as pair, desks(pair) as desk:
        for party, folder in pair.folders.items():
            await journal.begin(folder)
            pair.proxies[party].faults = LINK
        north, south = (Child(pair.folders[party]) for party in PARTIES)
        async with north, south:
            children = dict(zip(PARTIES, (north, south), strict=True))
            for killing in killings:
                await run_killing(killing, desk, children, random)
                evidence += await rest(pair)
                if evidence or any(race.wrong for race in killing.races):
                    break  # What follows would only repeat it.
                await clear_away(killing.races, desk)
            evidence += await _end(pair, desk)
        faults = sum((proxy.counts for proxy in pair.proxies.values()), Counter[Fault]())
        done = [killing for killing in killings if killing.seconds]
    return Report(seed, done, faults, evidence)


async def _end(pair: Pair, desk: Mapping[str, Desk]) -> list[str]:
    """Judge the whole history once nothing goes on any more."""
    evidence = await rest(pair)
    feeds = {party: await desk[party].events() for party in PARTIES}
    return evidence + journal.both_coordinated(feeds) + journal.faults_found(pair)


def main() -> None:
    seed, kills = [*map(int, sys.argv[1:]), *([20] if len(sys.argv) < 3 else [])]
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(run_kills(seed, kills, Path(folder)))
    print(report)
    print("\n".join(report.wrong) or "nothing wrong")


if __name__ == "__main__":
    main()
