"""The line: notices between two nodes with receipts, and a log of 100,000 notes folded and shown.

    python bench/line.py [--quick] [--json] [--notes N] [--notices N]

Notices go over TLS between two real nodes on loopback, every step durable: at 100 a second from one
desk, then as fast as both desks ask. A receipt has come when the sender has it, by the sender's
clock: from the signature of the notice. Beside the rate stand durable commits one by one in one
SQLite file. The fold from columns stands beside the same from the notes' texts, read anew.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import aiohttp
import apsw

from _rows import HEAD, Row, against, at_most, line, row
from _talk import PARTIES, filled, folded_from_texts, shown
from coordination import commits_a_second, cpu_seconds, make_nodes, ready
from tansiq.settings import load_own_token

SEED = 7
OFFERED_S = 100
AIM_RECEIPT_MS = 250.0
AIM_FOLD_S = 2.0
AT_ONCE = 16
SHOWN = 100
SETTLE_S_MAX = 120.0


def area(random: Random) -> bytes:
    """Return an area to keep out of, somewhere in the agreement's."""
    start = datetime.now(UTC) + timedelta(hours=1)
    place = [random.uniform(-123.0, -119.0), random.uniform(37.0, 41.0)]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": place},
        "properties": {
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=30)).isoformat(),
            "lower": 0, "upper": 150, "datum": "W84", "units": "M",
            "radius_m": 400, "callsign": f"CRANE-{random.randint(1, 999)}",
        },
    }  # fmt: skip
    return json.dumps(feature).encode()


class Asking:
    """One desk's tool, on kept connections."""

    def __init__(self, base: Path, party: str, port: int, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._random = Random(f"{SEED} {party}")
        self._url = f"http://127.0.0.1:{port}/api/v1/notices/area"
        self._headers = {
            "Authorization": f"Bearer {load_own_token(base / party)}",
            "Content-Type": "application/geo+json",
        }

    async def give(self) -> None:
        """Give one notice."""
        body = area(self._random)
        async with self._session.post(self._url, data=body, headers=self._headers) as answer:
            assert answer.status == 201, await answer.text()
            await answer.read()

    async def steadily(self, count: int) -> None:
        """Give notices at the offered rate, whether or not the last one is answered."""
        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                due = began + number / OFFERED_S
                await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
                group.create_task(self.give())

    async def at_full_speed(self, count: int) -> None:
        """Give notices as fast as they are taken."""
        left = list(range(count))

        async def worker() -> None:
            while left:
                left.pop()
                await self.give()

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


def passages(base: Path, party: str) -> list[tuple[int, int]]:
    """Return when each notice of a party was signed, and when it had the receipt; microseconds."""
    db = apsw.Connection(str(base / party / "tansiq.db"), flags=apsw.SQLITE_OPEN_READONLY)
    sql = (
        "SELECT p.signed, p.receipt_got FROM passage AS p JOIN note AS n ON n.id = p.note "
        "WHERE n.kind = 'notice' ORDER BY p.signed"
    )
    return [(int(signed), int(got)) for signed, got in db.execute(sql)]


async def arrived(base: Path, counts: dict[str, int]) -> dict[str, list[tuple[int, int]]]:
    """Wait until so many receipts are there."""
    until = time.monotonic() + SETTLE_S_MAX
    while True:
        found = {party: passages(base, party) for party in counts}
        if all(len(found[party]) >= count for party, count in counts.items()):
            return found
        assert time.monotonic() < until, {party: len(each) for party, each in found.items()}
        await asyncio.sleep(0.2)


def waits_ms(times: list[tuple[int, int]]) -> list[float]:
    return sorted((got - signed) / 1_000 for signed, got in times)


def rate(*times: list[tuple[int, int]]) -> float:
    """Return notices a second, from the first signature to the last receipt."""
    every = [each for some in times for each in some]
    return len(every) * 1e6 / (max(got for _, got in every) - min(signed for signed, _ in every))


async def exchanged(base: Path, count: int, commits: float) -> list[Row]:
    """Run two nodes; return the figures of both ways of asking."""
    ports = make_nodes(base)
    serve = [sys.executable, "-m", "tansiq.cli.child", "serve", "--data"]
    with ExitStack() as stack:
        children = []
        for party in ports:
            child = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
                [*serve, str(base / party)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
            )
            stack.callback(child.wait, 20)
            stack.callback(child.stdin.close)
            children.append(child)
        await ready(ports)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            desks = {party: Asking(base, party, port, session) for party, port in ports.items()}
            north = desks["north"]
            await north.at_full_speed(20)  # Connections, first looks.
            await arrived(base, {"north": 20})
            await north.steadily(count)
            steady = (await arrived(base, {"north": 20 + count}))["north"][20:]
            before = cpu_seconds(children)
            await asyncio.gather(*(desk.at_full_speed(count) for desk in desks.values()))
            found = await arrived(base, {"north": 20 + 2 * count, "south": count})
            cpu_ms = (cpu_seconds(children) - before) / (2 * count) * 1_000
    return figures(steady, (found["north"][20 + count :], found["south"]), cpu_ms, commits)


def figures(
    steady: list[tuple[int, int]],
    full: tuple[list[tuple[int, int]], ...],
    cpu_ms: float,
    commits: float,
) -> list[Row]:
    waits, loaded = waits_ms(steady), waits_ms([each for some in full for each in some])
    offered = rate(steady)
    return [
        row(f"{OFFERED_S}/s offered: notices with receipts", offered, "/s",
            aim=OFFERED_S, met=offered >= 0.97 * OFFERED_S),
        row("the same: receipt after, p50", waits[len(waits) // 2], "ms"),
        at_most("the same: receipt after, p99", waits[int(len(waits) * 0.99)], "ms",
                AIM_RECEIPT_MS),
        against("both ways, full speed: notices with receipts", rate(*full), "/s",
                ("durable commits one by one", commits)),
        row("the same: receipt after, p50", loaded[len(loaded) // 2], "ms"),
        row("the same: receipt after, p99", loaded[int(len(loaded) * 0.99)], "ms"),
        row("the same: CPU of both nodes a notice", cpu_ms, "ms"),
    ]  # fmt: skip


async def folded(base: Path, count: int, rounds: int) -> list[Row]:
    """Fill a store with notes, then fold and list as a node does at its start."""
    await filled(base, count, Random(SEED))
    taken, texts, listed, grown = [], [], [], 0
    for _ in range(rounds):
        found = await shown(base, PARTIES[0], SHOWN)
        taken.append(found.folded_s)
        listed.append(found.listed_s)
        grown = grown or found.grown_bytes  # The first: afterwards freed memory is used again.
        texts.append(await folded_from_texts(base, count))
    fold_s, list_s = statistics.median(taken), statistics.median(listed)
    return [
        against(f"{count:,} notes folded", fold_s, "s",
                ("the same from their texts", statistics.median(texts))),
        row(f"the last {SHOWN} conversations listed", list_s, "s"),
        at_most("both", fold_s + list_s, "s", AIM_FOLD_S),
        row("memory of the board", grown / 1e6, "MB"),
        row("the same, a note", grown / count, "B"),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--notes", type=int, default=100_000, help="in the log that is folded")
    parser.add_argument("--notices", type=int, default=3_000, help="each way of asking, a party")
    args = parser.parse_args()
    notes, count, rounds = args.notes, args.notices, 3
    if args.quick:
        notes, count, rounds = min(notes, 20_000), min(count, 600), 1
    with tempfile.TemporaryDirectory() as folder:
        commits = commits_a_second(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        results = asyncio.run(exchanged(Path(folder), count, commits))
    with tempfile.TemporaryDirectory() as folder:
        results += asyncio.run(folded(Path(folder), notes, rounds))
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    if args.json:
        print(json.dumps({"machine": machine, "results": results}))
        return
    print(f"{machine}; seed {SEED}; {count} notices a party and way; medians of {rounds} rounds")
    print(HEAD)
    for result in results:
        print(line(result))


if __name__ == "__main__":
    main()
