"""Versions of the agreement for tests: made, signed, handed to nodes, and gone over to."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sky import NOON, TIMERS, Side, Sky

import stores
from tansiq.domain.agreement import Agreement
from tansiq.domain.intent import PartyID
from tansiq.formats.agreement import load_agreement, read_agreement, render_agreement
from tansiq.peers.signatures import SIGNATURES, sign
from tansiq.peers.succession import put_next, read_version
from tansiq.serving import look
from tansiq.settings import STORE

OFTEN = replace(TIMERS, sweep_s=0.3)
THREE = ("north", "south", "east")


def amended(old: Agreement, struck: Sequence[str]) -> bytes:
    """Return the file of the version that comes next and strikes these off."""
    off = frozenset(map(PartyID, struck))
    counting = tuple(each for each in old.listed if each.party not in off)
    new = replace(
        old,
        version=old.version + 1,
        previous=old.digest,
        struck=off,
        registers=counting,
        resting=old.listed if off else (),
    )
    return render_agreement(new)


def signed(sky: Sky, file: bytes, by: Sequence[str], to: Sequence[str]) -> Path:
    """Sign a version, and give it with all signatures to some; return its file."""
    path = sky.folder / f"v{read_agreement(file).version}.toml"
    path.write_bytes(file)
    for party in by:
        _, kept = sign(sky[party].settings.data, PartyID(party), path, NOON)
        for other in to:
            folder = sky[other].settings.data / SIGNATURES
            folder.mkdir(exist_ok=True)
            (folder / kept.name).write_bytes(kept.read_bytes())
            (folder / f"{read_agreement(file).digest[:16]}.toml").write_bytes(file)
    return path


def hand(side: Side, path: Path) -> None:
    put_next(side.settings, read_version(path))


async def gone_over(side: Side, version: int) -> None:
    """Restart a node until it runs under a version, as ``tansiq serve`` does."""
    while side.up.agreement.version < version:
        before = side.up.agreement.version
        for _ in range(400):
            if await look(side.up) is not None:
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail(f"{side.party.id} waits for {side.up.succession.view()}")
        await side.restart()
        assert side.up.agreement.version == before + 1


def first(sky: Sky) -> Agreement:
    """Sign version 1 by all, as its parties would; and return it."""
    agreement = load_agreement(sky["north"].settings.agreement)
    signed(sky, sky["north"].settings.agreement.read_bytes(), THREE, THREE)
    return agreement


def forget_versions(side: Side) -> None:
    """Leave a store as one is that was migrated from before it noted versions."""
    stores.change(side.settings.data / STORE, side.settings.database, "DELETE FROM agreement")
