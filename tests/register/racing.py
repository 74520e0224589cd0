"""Planners who plan with exactly what they have read, and the oracle of what they leave behind."""

import random
from dataclasses import dataclass, field

from register_world import World, volume

from tansiq.f3548 import wire
from tansiq.storage.cells import Cover
from tansiq.storage.intents import IntentRow, Intents
from tansiq.storage.store import Tx


@dataclass(frozen=True)
class Accepted:
    ovn: str
    key: frozenset[str]
    extents: wire.Volume4D


@dataclass
class Race:
    """What a race leaves behind."""

    accepted: list[Accepted] = field(default_factory=list)
    refused: int = 0


def relevant(a: wire.Volume4D, b: wire.Volume4D) -> bool:
    """All are in the same cell: altitude and time decide. Written without the register's code."""
    heights = [
        (one.volume.altitude_lower, one.volume.altitude_upper, one.time_start, one.time_end)
        for one in (a, b)
    ]
    (low_a, high_a, start_a, end_a), (low_b, high_b, start_b, end_b) = heights
    assert low_a and low_b and high_a and high_b  # noqa: PT018 - all are given
    assert start_a and start_b and end_a and end_b  # noqa: PT018 - same
    return (
        low_a.value <= high_b.value
        and low_b.value <= high_a.value
        and start_a.value <= end_b.value
        and start_b.value <= end_a.value
    )


def unlinked(race: Race) -> tuple[int, int]:
    """Return how many accepted pairs are relevant to each other, and how many no key links."""
    pairs = violations = 0
    for i, a in enumerate(race.accepted):
        for b in race.accepted[:i]:
            if relevant(a.extents, b.extents):
                pairs += 1
                violations += a.ovn not in b.key and b.ovn not in a.key
    return pairs, violations


def somewhere(rng: random.Random) -> wire.Volume4D:
    low, start = rng.randrange(0, 500), rng.randrange(0, 300)
    return volume(
        altitudes=(low, low + rng.randrange(1, 200)),
        minutes=(start, start + rng.randrange(1, 90)),
    )


async def known(world: World, where: Cover) -> frozenset[str]:
    """Read the OVNs of all that is relevant, as its managers would tell them."""

    async def fn(tx: Tx) -> list[IntentRow]:
        return await Intents(tx).find(where)

    return frozenset(row.ovn for row in await world.store.read(fn))
