"""Two real nodes: one is backed up while it serves, lost, put back, and stopped where too old."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from folders import tree

from tansiq.clock import SystemClock
from tansiq.demo.nodes import LOG, Node, Seat, nodes_of
from tansiq.domain.agreement import Minima
from tansiq.domain.volume import Circle, LatLng
from tansiq.formats.agreement import agreement_toml, read_agreement
from tansiq.formats.signed_note import NameOf
from tansiq.settings import STORE
from tansiq.storage.sqlite import peek
from tansiq.storage.witness import Witnessed

pytestmark = pytest.mark.anyio
PATIENCE_S = 60.0
SEATS = [Seat(party=party, names={"en": party.title()}) for party in ("north", "south")]
AREA = Circle(center=LatLng(33.0, 36.0), radius_m=60_000)


async def tansiq(*words: object, code: int = 0) -> str:
    """Run a command in a process of its own; return all that it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tansiq.cli.child", *map(str, words)),
        stdin=subprocess.PIPE,  # Its end would end the command.
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    out = await process.stdout.read()
    assert await process.wait() == code, f"{words}: {process.returncode}\n{out.decode()}"
    return out.decode()


async def until(what: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await what():
            await asyncio.sleep(0.1)


async def held(node: Node, of: str) -> int:
    """Return how much of somebody's record a node has cosigned."""
    row = await asyncio.to_thread(
        peek, node.data / STORE, lambda tx: Witnessed(tx).held(NameOf.LOG.by(of))
    )
    return 0 if row is None else row.size


async def talk(north: Node, south: Node) -> int:
    """Have north say something, and wait until south has cosigned it; return how much it holds."""
    before = await held(south, "north")
    await tansiq("line", "check", "--data", north.data)

    async def more() -> bool:
        return await held(south, "north") > before

    await until(more)
    return await held(south, "north")


async def test_a_node_is_backed_up_lost_and_put_back(tmp_path: Path) -> None:
    clock, safe = SystemClock(), tmp_path / "safe"
    safe.mkdir()

    def agree(parties: object) -> object:
        text = agreement_toml(name="Valley", parties=parties, area=AREA, minima=Minima())  # type: ignore[arg-type]
        return read_agreement(text)

    async with nodes_of(tmp_path, SEATS, agree, ports=(), clock=clock) as ((north, south), _):  # type: ignore[arg-type]
        await talk(north, south)
        early, late = safe / "early.tar", safe / "late.tar"
        said = await tansiq("backup", "--data", north.data, "--output", early)
        assert "read again and whole" in said
        assert "keys not inside" in said
        seen = await talk(north, south)

        # Over a node that runs, or beside one, nothing is put.
        keys = ("--keys-from", north.data)
        said = await tansiq("restore", "--data", north.data, "--replace", early, code=2)
        assert "a node runs on this folder" in said
        said = await tansiq("restore", "--data", tmp_path / "new", *keys, early, code=2)
        assert "a node of north answers" in said
        assert not (tmp_path / "new").exists()

        await north.kill()
        seen = await held(south, "north")
        said = await tansiq("backup", "--with-keys", "--data", north.data, "--output", late)
        assert "THIS FILE HOLDS THE NODE'S KEYS (own.token, signing.key, tls.key)" in said
        before = tree(north.data)

        # Too old: the folder says so, and with the folder lost south does.
        said = await tansiq("restore", "--data", north.data, "--replace", early, code=1)
        assert "entries more than the backup" in said
        said = await tansiq("restore", "--data", tmp_path / "new", *keys, early, code=1)
        assert f"south: holds our signed checkpoint of {seen} entries" in said
        assert "--even-if-rolled-back" in said
        assert tree(north.data) == before
        assert not (tmp_path / "new").exists()

        # The newest: put in place, and the node goes on where it was.
        said = await tansiq("restore", "--data", north.data, "--replace", late)
        assert "Nobody asked holds more of our record than this." in said
        (kept,) = tmp_path.glob("north.before-*")
        assert tree(kept) == before
        await north.start_again(clock)
        assert await talk(north, south) > seen

        # The old one after all: south stops it, and it says nothing more.
        await north.kill()
        said = await tansiq(
            *("restore", "--data", north.data, "--replace", "--even-if-rolled-back", early)
        )
        assert "ROLLED BACK" in said
        await north.start_again(clock)

        async def stopped() -> bool:
            log = (north.data / LOG).read_text(errors="replace")
            return "THE RECORD IS NOT WHAT OTHERS HAVE SEEN" in log

        await tansiq("line", "check", "--data", north.data)
        await until(stopped)
        assert msgspec.json.decode(await tansiq("backup", "--check", early, "--json"))
