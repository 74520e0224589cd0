"""Plans coordinated a second, end to end: two nodes, two registers, TLS on loopback, durable.

Both parties declare at once over their own API, each plan in space of its own within one busy
region; the clock runs from the first request to the last plan that every register holds. Beside it,
the same machine's durable commits a second in one SQLite file, one by one, as a yardstick.

    python bench/coordination.py [--quick] [--json] [--plans N] [--at-once N]
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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import apsw

from tansiq.demo.nodes import free_ports
from tansiq.domain.agreement import Minima
from tansiq.domain.volume import LatLng, Polygon
from tansiq.formats.agreement import agreement_toml
from tansiq.peers.identity import NewNode, make_node, write_node
from tansiq.settings import load_own_token

AIM_PLANS_S = 100.0
APART_DEG, NEIGHBOURS_DEG = 0.06, 0.015
ROW = 40
"""Plans side by side; the measured ones begin in a row clear of the warm-up's."""
WARM_UP = 8


def make_nodes(base: Path) -> dict[str, int]:
    """Make two data folders with one agreement; return own API ports by party."""
    ports = free_ports(4, 21000)
    files, now = {}, datetime.now(UTC)
    for i, party in enumerate(("north", "south")):
        new = NewNode(
            party=party,
            names={"en": party.title()},
            url=f"https://127.0.0.1:{ports[2 + i]}",
            own_port=ports[i],
            peer_host="127.0.0.1",
            peer_port=ports[2 + i],
        )
        files[party] = make_node(new, now)
        write_node(base / party, files[party])
    corners = [(36, -124), (36, -118), (42, -118), (42, -124)]
    agreement = agreement_toml(
        name="Bench",
        parties=[f.party for f in files.values()],
        area=Polygon(vertices=tuple(LatLng(*c) for c in corners)),
        minima=Minima(horizontal_m=500, vertical_m=100, time=timedelta(seconds=30)),
    )
    for party in files:
        (base / party / "agreement.toml").write_bytes(agreement)
    return dict(zip(files, ports, strict=False))


def plan(index: int, party: str, spacing_deg: float) -> bytes:
    """Return one of many plans in one region; none conflicts.

    Apart, plans share no cell of a register, so nobody needs another's OVN; as neighbours each is
    relevant to those of the other party beside it, who are placed at the same moment.
    """
    row, column = divmod(index, ROW)
    start = datetime.now(UTC) + timedelta(hours=1, seconds=row)
    lat = 37.0 + 2 * spacing_deg * row + (spacing_deg if party == "south" else 0.0)
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [-123.0 + 0.04 * column, lat]},
        "properties": {
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=30)).isoformat(),
            "lower": 400, "upper": 550, "datum": "W84", "units": "M",
            "radius_m": 400, "callsign": f"{party[0].upper()}{index}",
        },
    }  # fmt: skip
    return json.dumps(feature).encode()


async def declare(
    base: Path,
    ports: dict[str, int],
    indexes: range,
    at_once: int,
    spacing_deg: float,
) -> dict[str, Any]:
    """Declare these plans at each party; return seconds, waits and refusals."""
    waits, bad = [], []

    async def party(name: str, session: aiohttp.ClientSession) -> None:
        queue = list(indexes)
        headers = {
            "Authorization": f"Bearer {load_own_token(base / name)}",
            "Content-Type": "application/geo+json",
        }
        url = f"http://127.0.0.1:{ports[name]}/api/v1/plans?wait_s=60"

        async def worker() -> None:
            while queue:
                body, began = plan(queue.pop(0), name, spacing_deg), time.perf_counter()
                async with session.post(url, data=body, headers=headers) as answer:
                    view = await answer.json()
                waits.append(time.perf_counter() - began)
                if view.get("status") != "coordinated":
                    bad.append(view)

        await asyncio.gather(*(worker() for _ in range(at_once)))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        began = time.perf_counter()
        await asyncio.gather(*(party(name, session) for name in ports))
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "waits": waits, "bad": bad}


def commits_a_second(folder: Path) -> float:
    """Return one-by-one durable commits a second in one SQLite file on this disk."""
    db = apsw.Connection(str(folder / "yardstick.db"))
    db.pragma("journal_mode", "wal")
    db.pragma("synchronous", 2)
    db.execute("CREATE TABLE t (x)")
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < 1.0:
        db.execute("INSERT INTO t VALUES (1)")
        count += 1
    return count / (time.perf_counter() - began)


async def run(
    count: int, at_once: int, rounds: int, spacing_deg: float
) -> tuple[list[float], list[float], list[float], float]:
    rates, waits, cpu = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        yardstick = commits_a_second(Path(folder))
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            base = Path(folder)
            ports = make_nodes(base)
            children = [
                subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
                    [sys.executable, "-m", "tansiq.cli.child", "serve", "--data", str(base / name)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                )
                for name in ports
            ]
            try:
                await ready(ports)
                await declare(base, ports, range(WARM_UP), 4, spacing_deg)
                before = cpu_seconds(children)
                found = await declare(base, ports, range(ROW, ROW + count), at_once, spacing_deg)
                cpu.append((cpu_seconds(children) - before) / (2 * count) * 1000)
                rates.append(2 * count / found["seconds"])
                waits += found["waits"]
                if found["bad"]:
                    print(f"not coordinated: {len(found['bad'])}", found["bad"][0], file=sys.stderr)
            finally:
                for child in children:
                    child.stdin.close()
                for child in children:
                    child.wait(10)
    return rates, waits, cpu, yardstick


def cpu_seconds(children: list[subprocess.Popen[bytes]]) -> float:
    """Return the CPU time that both nodes have used so far (Linux)."""
    ticks = 0
    for child in children:
        fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def ready(ports: dict[str, int]) -> None:
    async with aiohttp.ClientSession() as session:
        for port in ports.values():
            for _ in range(400):
                try:
                    async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                        if answer.status == 200:
                            break
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plans", type=int, default=500, help="plans a party and round")
    parser.add_argument("--at-once", type=int, default=16, help="open requests a party")
    args = parser.parse_args()
    count, rounds = (min(args.plans, 150), 1) if args.quick else (args.plans, 3)
    results: list[dict[str, object]] = []
    for name, spacing_deg, aim in (
        ("plans apart", APART_DEG, AIM_PLANS_S),
        ("each with neighbours at once", NEIGHBOURS_DEG, None),
    ):
        rates, waits, cpu, yardstick = asyncio.run(run(count, args.at_once, rounds, spacing_deg))
        results += figures(name, rates, waits, cpu, yardstick, aim)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    if args.json:
        print(json.dumps({"machine": machine, "results": results}))
        return
    print(f"{machine}; {count} plans a party, {args.at_once} at once; medians of {rounds} rounds")
    print("against: durable commits/s one by one in one SQLite file")
    for result in results:
        ratio = f"  {result['ratio']:.3f} of {result['against']:,.0f}" if result["ratio"] else ""
        print(f"  {result['name']:<52}{result['value']:>9,.1f} {result['unit']}{ratio}")


def figures(name, rates, waits, cpu, yardstick, aim) -> list[dict[str, object]]:
    """Return the rows of one case, in the benches' common form."""
    rate, waits = statistics.median(rates), sorted(waits)
    blank = {"against": None, "ratio": None, "aim": None, "met": None}
    return [
        {"name": f"{name}: coordinated", "value": round(rate, 1), "unit": "plans/s",
         "against": round(yardstick, 1), "ratio": round(rate / yardstick, 3), "aim": aim,
         "met": None if aim is None else rate >= aim},
        {"name": f"{name}: CPU of both nodes a plan", "value": round(statistics.median(cpu), 2),
         "unit": "ms"} | blank,
        {"name": f"{name}: declared to coordinated, p50",
         "value": round(waits[len(waits) // 2] * 1000, 1), "unit": "ms"} | blank,
        {"name": f"{name}: declared to coordinated, p99",
         "value": round(waits[int(len(waits) * 0.99)] * 1000, 1), "unit": "ms"} | blank,
    ]  # fmt: skip


if __name__ == "__main__":
    main()
