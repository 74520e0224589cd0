"""The record: appended, proven, checked, and hashed anew at start; one process, one thread.

    python bench/record.py [--quick] [--json] [--entries N]

Entries of 600 bytes. Appending is set beside the same rows inserted into a plain table of the same
store, in commits of 256. The tree is set beside the definition of RFC 6962 in plain recursion over
leaf hashes in memory, for which there is nothing to keep, and everything to hash again.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from _rows import HEAD, Row, against, line, row
from tansiq.clock import SystemClock
from tansiq.domain.merkle import (
    Frontier,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from tansiq.formats.checkpoint import open_checkpoint
from tansiq.formats.signed_note import parse, sign, verifier_key, verify
from tansiq.services.record import Record, check
from tansiq.settings import Limits
from tansiq.storage.record import RecordLog
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Tx

SEED = 5
ENTRY_BYTES = 600
COMMIT = 256
RECURSED = 4_096
"""Leaves of the tree that plain recursion proves from; its cost grows with them, ours hardly."""
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PLAIN = "CREATE TABLE plain (seq INTEGER PRIMARY KEY, time INTEGER, kind TEXT, body BLOB)"
INSERT = "INSERT INTO plain VALUES (:seq, :time, :kind, :body)"


def bodies(count: int) -> list[bytes]:
    random = Random(SEED)
    return [random.randbytes(ENTRY_BYTES) for _ in range(count)]


def mth(leaves: list[bytes]) -> bytes:
    """Return the root over leaf hashes, as RFC 6962 defines it."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(mth(leaves[:half]), mth(leaves[half:]))


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """Return the inclusion proof, as RFC 6962 defines it."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*path(index, leaves[:half]), mth(leaves[half:])]
    return [*path(index - half, leaves[half:]), mth(leaves[:half])]


def a_second(function: Callable[[], object], seconds: float = 0.5) -> float:
    """Return how often a second something is done."""
    began, count = time.perf_counter(), 0
    while (took := time.perf_counter() - began) < seconds:
        function()
        count += 1
    return count / took


async def a_second_of(function: Callable[[], Awaitable[object]], seconds: float = 0.5) -> float:
    began, count = time.perf_counter(), 0
    while (took := time.perf_counter() - began) < seconds:
        await function()
        count += 1
    return count / took


async def appended(store: SqliteStore, entries: list[bytes], *, plainly: bool) -> float:
    """Return entries a second, as many in one commit as a busy writer gathers."""

    async def plain(tx: Tx, first: int) -> int:
        for seq, body in enumerate(entries[first : first + COMMIT], start=first):
            await tx.execute(INSERT, {"seq": seq, "time": 1, "kind": "note", "body": body})
        return 0

    async def recorded(tx: Tx, first: int) -> int:
        log = RecordLog(tx)
        for body in entries[first : first + COMMIT]:
            await log.append("note", body, time=1)
        return 0

    began = time.perf_counter()
    for first in range(0, len(entries), COMMIT):
        fn = plain if plainly else recorded
        await store.write(lambda tx, first=first, fn=fn: fn(tx, first))
    return len(entries) / (time.perf_counter() - began)


async def stored(folder: Path, entries: list[bytes], rounds: int) -> list[Row]:
    rates: dict[bool, list[float]] = {True: [], False: []}
    for number in range(rounds):
        for plainly in (True, False):
            store = SqliteStore.open(folder / f"{number}{plainly}.db")
            await store.write(lambda tx: tx.execute(PLAIN))
            rates[plainly].append(await appended(store, entries, plainly=plainly))
            await store.close()
    store = SqliteStore.open(folder / "0False.db")
    record = Record(store, party="north", signing_key=KEY, limits=Limits())
    size, random = len(entries), Random(SEED)

    async def inclusion() -> None:
        await record.inclusion(random.randrange(size), size)

    async def consistency() -> None:
        await record.consistency(random.randrange(1, size), size)

    found = [await check(record, clock=SystemClock()) for _ in range(rounds)]
    rehashed = statistics.median(each.entries_per_s for each in found)
    made, proven = await a_second_of(inclusion), await a_second_of(consistency)
    signed = await a_second_of(record.checkpoint)
    await store.close()
    began = time.perf_counter()
    mth([leaf_hash(body) for body in entries])
    recursed = size / (time.perf_counter() - began)
    medians = {plainly: statistics.median(each) for plainly, each in rates.items()}
    return [
        against(
            f"appended to the store, {size:,} in all", medians[False], "/s",
            ("plain INSERT of the same rows", medians[True]),
        ),
        against(
            "hashed anew at start, with store, tiles and head", rehashed, "/s",
            ("plain recursion over entries in memory", recursed),
        ),
        row("inclusion proofs made from the store", made, "/s"),
        row("consistency proofs made from the store", proven, "/s"),
        row("checkpoints of the head, read and signed", signed, "/s"),
    ]  # fmt: skip


def in_memory() -> list[Row]:
    leaves = [leaf_hash(body) for body in bodies(RECURSED)]
    began, tree = time.perf_counter(), Frontier()
    for leaf in leaves:
        tree = tree.append(leaf)
        tree.root()
    grown = len(leaves) / (time.perf_counter() - began)
    proof, old = path(77, leaves), mth(leaves[:1_024])
    step = [mth(leaves[1_024:2_048]), mth(leaves[2_048:])]
    root = tree.root()
    note = sign("tansiq/notice@v1\n" + "key: value of some length\n" * 20, name="north", key=KEY)
    known = verifier_key("north", KEY)
    log = verifier_key("north/log", KEY)
    told = sign(f"north/log\n{tree.size}\n{'A' * 43}=\n", name="north/log", key=KEY)
    return [
        against(
            f"leaf appended and root, to {RECURSED:,}", grown, "/s",
            ("plain recursion, all again", a_second(lambda: mth(leaves))),
        ),
        row("inclusion proof checked", a_second(
            lambda: verify_inclusion(leaves[77], 77, RECURSED, root, proof=proof)), "/s"),
        row("consistency proof checked", a_second(
            lambda: verify_consistency(1_024, old, RECURSED, root, proof=step)), "/s"),
        row("inclusion proof by plain recursion", a_second(lambda: path(77, leaves)), "/s"),
        row(f"note of {len(note)} bytes read", a_second(lambda: parse(note)), "/s"),
        row("the same, read and verified", a_second(lambda: verify(parse(note), [known])), "/s"),
        row("checkpoint read and verified", a_second(lambda: open_checkpoint(told, log)), "/s"),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--entries", type=int, default=200_000)
    args = parser.parse_args()
    count, rounds = (min(args.entries, 20_000), 1) if args.quick else (args.entries, 3)
    with tempfile.TemporaryDirectory() as folder:
        results = asyncio.run(stored(Path(folder), bodies(count), rounds)) + in_memory()
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    if args.json:
        print(json.dumps({"machine": machine, "results": results}))
        return
    print(f"{machine}; {count:,} entries of {ENTRY_BYTES} bytes; medians of {rounds} rounds")
    print(HEAD)
    for result in results:
        print(line(result))


if __name__ == "__main__":
    main()
