"""Several processes place intents in one register over PostgreSQL: none passes another unseen.

The oracle is that of ``test_register_races``: every accepted relevant pair is linked by a key. What
orders writes is left out or weakened in the controls, and each of them must be caught.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from race_oracle import Outcome, judged, until_it_shows
from race_schemes import BROKEN, FILL

import stores
from stores import AnyStore, open_store
from tansiq.storage.stripes import GATES

pytestmark = pytest.mark.anyio
SEED = 20_261_129
WORKER = Path(__file__).with_name("race_worker.py")
PROCESSES, PLANNERS = 4, 4


_rounds = count()


def race(url: str, scheme: str, seconds: float) -> Outcome:
    seed = SEED + 10_000 * next(_rounds)  # Else the ids of the last race come again.
    paths = [str(WORKER.parent), str(WORKER.parents[1]), os.environ.get("PYTHONPATH", "")]
    running = [
        subprocess.Popen(
            [sys.executable, WORKER, url, scheme, str(seed + 100 * i), str(PLANNERS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )
        for i in range(PROCESSES)
    ]
    for child in running:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    with ThreadPoolExecutor(PROCESSES) as pool:  # What they say is read while they go on.
        said = list(pool.map(lambda child: child.communicate(f"{seconds}\n")[0], running))
    assert all(child.returncode == 0 for child in running)
    return judged(line for each in said for line in each.splitlines())


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with stores.using(stores.POSTGRESQL):
        open_store(tmp_path / "store.db")
        yield stores.url_of(tmp_path / "store.db")


async def filled(url: str) -> None:
    """Make all stripes, for the control that only locks them."""
    store: AnyStore = stores.PostgresStore(url)
    ranges = [(0, GATES), (1_000, 17_400), (100_000, 116_400), (1_000_000, 1_066_000)]
    await store.write(lambda tx: tx.execute("DELETE FROM stripe"))
    for first, last in ranges:
        keys = {"first": first, "last": last}
        await store.write(lambda tx, keys=keys: tx.execute(FILL, keys))
    await store.close()


@pytest.mark.parametrize("scheme", ["as it is", "snapshot, updated"])
async def test_no_two_pass_each_other_unseen(url: str, scheme: str) -> None:
    outcome = until_it_shows(lambda: race(url, scheme, 1.5), rounds=8)
    print(f"seed {SEED}: {scheme}: {outcome}")
    assert outcome.shows_something, "hardly anybody met, or nobody raced: the test shows little"
    assert outcome.unlinked == 0


@pytest.mark.parametrize("scheme", BROKEN)
async def test_the_race_catches_what_does_not_order(url: str, scheme: str) -> None:
    await filled(url)
    for attempt in range(6):
        outcome = race(url, scheme, 0.7 + 0.3 * attempt)
        print(f"seed {SEED}, attempt {attempt}: {scheme}: {outcome}")
        if outcome.unlinked:
            return
    pytest.fail(f"{scheme} was not caught: the race proves nothing")


@pytest.mark.soak
@pytest.mark.timeout(1_800)
async def test_no_two_pass_each_other_unseen_for_ten_minutes(url: str) -> None:
    outcome = race(url, "as it is", 600.0)
    print(f"seed {SEED}: {outcome}")
    assert outcome.pairs > 10_000
    assert outcome.unlinked == 0
