"""Suppliers place intents over HTTP at four workers at once: none passes another unseen.

The oracle needs no clock: of two accepted intents that meet, one names the other in its key. As in
``tests/register/test_register_processes.py``, which has the same below HTTP: what orders writes is
left out or weakened in the controls, and each of them must be caught.

One fleet of workers runs all of it: which order they write in is read from a file.
"""

import asyncio
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from tests.register.pool_world import INTENTS, bearer
from tests.register.race_oracle import Outcome, judged, until_it_shows
from tests.register.race_schemes import BROKEN, FILL
from tests.register.register_world import NOON, intent, uuid, volume
from tests.workers.fleet import Fleet, make_fleet, running, soon

import stores
from tansiq.f3548 import codec, wire
from tansiq.storage.postgres import PostgresStore
from tansiq.storage.stripes import GATES

SEED = 20_261_130
WORKERS, PLANNERS = 4, 16
PLACE_S = 2.0
"""All go on to another place after so long, so that pairs of different places need no look."""

SCHEME_OF_A_FILE = """
import sys
sys.path[:0] = [{tests!r}, {register!r}]
from race_schemes import SCHEMES
from tansiq.storage.postgres import PostgresStore
class Order:
    def __get__(self, instance, owner):
        with open({file!r}) as file:
            return SCHEMES[file.read()]
PostgresStore.ORDER = Order()
"""


def set_scheme(file: Path, scheme: str) -> None:
    part = file.with_suffix(".part")
    part.write_text(scheme)
    part.replace(file)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("race")
    set_scheme(folder / "scheme", "as it is")
    tests = Path(__file__).parents[1]
    preamble = SCHEME_OF_A_FILE.format(
        tests=str(tests), register=str(tests / "register"), file=str(folder / "scheme")
    )
    with stores.using(stores.POSTGRESQL):
        made = make_fleet(folder, stores.url_of(folder / "north" / "store.db"), WORKERS)
    more = "[limits]\nrequests_per_s = 80000\n"
    with (made.data / "tansiq.toml").open("a") as settings:
        settings.write(f"\n{more}")
    with running(made, preamble):
        asyncio.run(filled(made.database))
        yield made


async def filled(url: str) -> None:
    """Make all stripes, for the control that only locks them."""
    store = PostgresStore(url)
    for first, last in [(0, GATES), (1_000, 17_400), (100_000, 116_400), (1_000_000, 1_066_000)]:
        keys = {"first": first, "last": last}
        await store.write(lambda tx, keys=keys: tx.execute(FILL, keys))
    await store.close()


async def planner(
    fleet: Fleet, number: int, ahead: float, until_s: float, lines: list[str]
) -> None:
    """Look at one worker, place at another what was read as the key."""
    rng = random.Random(SEED + number)
    headers = dict([bearer("uss1")])
    async with aiohttp.ClientSession(headers=headers) as client:
        while (now_s := time.time()) < until_s:
            place = int(now_s / PLACE_S)
            low, start = rng.randrange(0, 500), rng.randrange(0, 300)
            band = (low, low + rng.randrange(1, 200))
            minutes = (start, start + rng.randrange(1, 90))
            extents = volume(
                lat=-50 + place % 1_000 * 0.1,
                altitudes=band,
                minutes=(ahead + minutes[0], ahead + minutes[1]),
            )
            asked, placed = rng.sample(fleet.ones, 2)
            query = codec.encode(wire.QueryParameters(area_of_interest=extents))
            async with client.post(f"{asked.peer}{INTENTS}/query", data=query) as answer:
                assert answer.status == 200, await answer.text()
                found = (await answer.json())["operational_intent_references"]
            key = tuple(reference["ovn"] for reference in found)
            body = codec.encode(intent(extents, key=key))
            url = f"{placed.peer}{INTENTS}/{uuid(rng)}"
            async with client.put(url, data=body) as answer:
                said = await answer.json()
                if answer.status == 201:
                    row = {
                        "ovn": said["operational_intent_reference"]["ovn"],
                        "key": sorted(key),
                        "place": place,
                        "band": band,
                        "minutes": minutes,
                    }
                    lines.append(json.dumps(row))
                else:
                    refused = {409: "AirspaceConflict", 503: "StoreError"}[answer.status]
                    lines.append(json.dumps({"refused": refused}))


def race(fleet: Fleet, scheme: str, seconds: float) -> Outcome:
    set_scheme(fleet.folder / "scheme", scheme)
    lines: list[str] = []

    async def all_of_them() -> None:
        until_s, ahead = time.time() + seconds, (soon(60) - NOON).total_seconds() / 60
        await asyncio.gather(*(planner(fleet, i, ahead, until_s, lines) for i in range(PLANNERS)))

    try:
        asyncio.run(all_of_them())
    finally:
        set_scheme(fleet.folder / "scheme", "as it is")
    return judged(iter(lines))


def test_at_four_workers_no_two_pass_each_other_unseen(fleet: Fleet) -> None:
    outcome = until_it_shows(lambda: race(fleet, "as it is", 2.0), rounds=10)
    print(f"seed {SEED}, load {os.getloadavg()[0]:.1f}: {outcome}")
    assert outcome.shows_something, "hardly anybody met, or nobody raced: the test shows little"
    assert outcome.unlinked == 0


@pytest.mark.parametrize("scheme", BROKEN)
def test_at_four_workers_the_race_catches_what_does_not_order(fleet: Fleet, scheme: str) -> None:
    for attempt in range(20):  # On a busy machine few are accepted in so short a time.
        outcome = race(fleet, scheme, 1.5)
        print(f"seed {SEED}, attempt {attempt}: {scheme}: {outcome}")
        if outcome.unlinked:
            return
    pytest.fail(f"{scheme} was not caught: the race proves nothing")


@pytest.mark.soak
@pytest.mark.timeout(1_800)
def test_at_four_workers_no_two_pass_each_other_unseen_for_ten_minutes(fleet: Fleet) -> None:
    outcome = race(fleet, "as it is", 600.0)
    print(f"seed {SEED}, load {os.getloadavg()[0]:.1f}: {outcome}")
    assert outcome.pairs > 1_000
    assert outcome.unlinked == 0
