"""``tansiq log ...`` over two real nodes that have talked, and without any node."""

import asyncio
import json
import os
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from evidence_world import agreement_file, talked
from tests.races.pair import make_pair, running
from virtual import simulate

from tansiq.domain.actor import THIS_MACHINE
from tansiq.domain.time import zulu
from tansiq.formats.checkpoint import parse_proof, verify_proof
from tansiq.formats.evidence import verify_bundle
from tansiq.formats.signed_note import NameOf, verifier_key
from tansiq.node import Node
from tansiq.peers.identity import load_signing_key
from tansiq.services.exchanges import Said
from tansiq.services.line.speaking import Words
from tansiq.storage.record import RecordLog

pytestmark = pytest.mark.anyio


@dataclass
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


async def tansiq(data: Path | None, *words: str) -> Ran:
    """Run a command as the installed program does."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("TANSIQ")}
    if data is not None:
        env["TANSIQ_DATA"] = str(data)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from tansiq.cli.main import main; main()",
        *words,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Ran(process.returncode or 0, out.decode(), err.decode())


async def arrived(node: Node) -> None:
    """Wait until everything said has arrived, and the other side has cosigned all of it."""
    line, size, cosigned = node.voice.line, None, 0
    for _ in range(1_500):
        head = await line.evidence.head()
        cosigned = max((each.size for each in head.cosigned), default=0)
        if size is None and not (await line.not_arrived()).waiting:
            size = head.size
        if size is not None and cosigned >= size:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(
        f"{cosigned} entries are cosigned, {size} are to be: {node.voice.cosigning.problems}"
    )


async def test_exchanges_are_cosigned_though_no_note_follows(tmp_path: Path) -> None:
    """Else whoever has been silent since could rewrite them."""
    async with (
        make_pair(tmp_path, Random(2)) as pair,
        running(pair.folders["north"]) as north,
        running(pair.folders["south"]),
    ):
        await arrived(north)
        said = Said(
            url="https://south/uss/v1", method="GET", role="Client", source="north", asked=1
        )
        for _ in range(3):
            before = (await north.voice.line.evidence.head()).size
            await north.record.on_write([("south", said)])
            assert (await north.voice.line.evidence.head()).size > before
            await arrived(north)


def kinds(told: dict[str, Any]) -> Counter[str]:
    return Counter(note["kind"] for note in told["notes"])


async def test_from_two_nodes_to_a_verdict(tmp_path: Path) -> None:
    """Exported, verified, redacted, compared, proven; then what is wrong is told by exit codes."""
    async with (
        make_pair(tmp_path, Random(1)) as pair,
        running(pair.folders["north"]) as north,
        running(pair.folders["south"]),
    ):
        us, them = pair.folders["north"].data, pair.folders["south"].data
        for gist in ("They hold OSPREY-2 until 1500Z", "A second call"):
            await north.voice.line.talk.call("south", THIS_MACHINE, Words(text=gist))
        await arrived(north)
        now = datetime.now(UTC)
        window = [
            "--from",
            zulu(now - timedelta(minutes=5)),
            "--to-time",
            zulu(now + timedelta(minutes=5)),
        ]

        ours, theirs = tmp_path / "north.bundle", tmp_path / "south.bundle"
        made = await tansiq(us, "log", "export", *window, "--output", str(ours))
        assert made.code == 0, made.err
        assert "entries" in made.err
        assert (await tansiq(us, "log", "export", *window, "--output", str(ours))).code == 2
        hidden = ["--party", "north", "--withhold", "persons"]
        made = await tansiq(them, "log", "export", *window, *hidden, "--output", str(theirs))
        assert made.code == 0, made.err
        assert b"OSPREY" not in theirs.read_bytes()

        agreement = str(us / "agreement.toml")
        good = await tansiq(None, "log", "verify", str(ours), "--agreement", agreement)
        assert good.code == 0, good.out
        assert good.out.startswith("VERIFIED\n")
        assert pair.agreement.digest in good.out
        assert "OSPREY-2" in good.out
        assert "Not proven by this" in good.out
        told = json.loads((await tansiq(None, "log", "verify", str(ours), "--json")).out)
        assert (told["verified"], told["pinned"]) == (True, False)
        assert kinds(told) >= Counter({"call": 2, "receipt": 2})
        assert "south cosigned north's record" in good.out

        same = await tansiq(None, "log", "compare", str(ours), str(theirs))
        assert (same.code, same.out.splitlines()[0]) == (0, "EQUAL: here north, there south")
        mine = await tansiq(us, "log", "compare", str(theirs))
        assert mine.code == 0, mine.out + mine.err
        pair.proxies["south"].cut = True
        await north.voice.line.talk.call("south", THIS_MACHINE, Words(text="Lost"))
        more = tmp_path / "more.bundle"
        await tansiq(us, "log", "export", *window, "--output", str(more))
        differs = await tansiq(None, "log", "compare", str(theirs), str(more), "--json")
        assert differs.code == 1
        assert json.loads(differs.out)["counts"]["missing-here"] == 1

        head = await tansiq(us, "log", "head")
        assert head.out.startswith("north/log: ")
        assert "south cosigned" in head.out
        note, index = told["notes"][0]["id"], told["notes"][0]["index"]
        proof = tmp_path / "first.tlog-proof"
        assert (await tansiq(us, "log", "proof", note[:8], "--output", str(proof))).code == 0
        entry = await north.store.read(lambda tx: RecordLog(tx).entries(index, index + 1))
        log = verifier_key(NameOf.LOG.by("north"), load_signing_key(us))
        verify_proof(parse_proof(proof.read_bytes()), entry[0].body, log)
        assert (await tansiq(us, "log", "proof", "abcdef")).code == 2
        assert (
            await tansiq(
                us,
                "log",
                "export",
                *window,
                "--withhold",
                "nobody",
                "--output",
                str(tmp_path / "x"),
            )
        ).code == 2
        assert not (tmp_path / "x").exists()
        assert verify_bundle(ours.read_bytes()).verified


async def test_verdicts_of_files_that_are_not_good(tmp_path: Path) -> None:
    async def made() -> bytes:
        return await (await talked()).bundle("north")

    data = await asyncio.to_thread(simulate, made)
    good, changed, none = (tmp_path / name for name in ("good", "changed", "none"))
    good.write_bytes(data)
    changed.write_bytes(data.replace(b"made: 2026", b"made: 2027"))
    none.write_bytes(b"not evidence\n")
    other = tmp_path / "other.toml"
    other.write_bytes(agreement_file(("north", "south")))
    assert (await tansiq(None, "log", "verify", str(good))).code == 0
    wrong = await tansiq(None, "log", "verify", str(changed))
    assert wrong.code == 1
    assert wrong.out.startswith("SOMETHING IS WRONG")
    assert (await tansiq(None, "log", "verify", str(good), "--agreement", str(other))).code == 1
    for name in (none, tmp_path / "absent"):
        assert (await tansiq(None, "log", "verify", str(name))).code == 2
    assert (await tansiq(None, "log", "compare", str(good), str(changed))).code == 2


async def test_the_page_is_written(tmp_path: Path) -> None:
    target = tmp_path / "verify.html"
    assert (await tansiq(None, "log", "page", "--output", str(target))).code == 0
    assert target.read_bytes().startswith(b"<!doctype html>")
