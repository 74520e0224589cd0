"""What the simulated world is made of: claims, registers with F3548-21 rules, nodes, controls."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from placement_model import Planner
from scenarios import Adopts, NeverSweeps, Settles

from tansiq.domain.placement import Confirmed, Kind, Outcome, Placement, Request
from tansiq.domain.placement_steps import Step

SITES = 6
SITES_PER_CELL = 2


class Violation(AssertionError):
    """An invariant is broken."""


class Claim(NamedTuple):
    """A space: sites as bits, state, priority; where the aircraft has strayed to, if it has."""

    sites: int
    flying: bool = False
    priority: int = 0
    away: int = 0
    off: bool = False

    @property
    def off_nominal(self) -> bool:
        return self.off

    @property
    def nominal(self) -> "Claim":
        return Claim(self.sites, flying=True, priority=self.priority)

    @property
    def first(self) -> "Claim":
        return Claim(self.sites, priority=self.priority)

    @property
    def all(self) -> int:
        return self.sites | self.away

    def blocks(self, against: "Claim", exempt: "Claim | None") -> bool:
        """Report whether this is in the way of ``against``, besides what met ``exempt`` before.

        Where it strayed it is not coordinated, so having met it there excuses nothing else.
        """
        met = 0 if exempt is None else exempt.all
        plainly = self.sites & against.all and not self.sites & met
        astray = self.away & against.all and not self.all & met
        return bool(plainly or astray)

    def union(self, other: "Claim") -> "Claim":
        return Claim(
            self.sites | other.sites,
            self.flying or other.flying,
            max(self.priority, other.priority),
            self.away | other.away,
            self.off or other.off,
        )


def cells(sites: int) -> int:
    """Return the coarse cells of some sites: whatever shares one is relevant."""
    return sum(
        1 << c for c in range(SITES) if sites >> (c * SITES_PER_CELL) & ((1 << SITES_PER_CELL) - 1)
    )


@dataclass
class Entry:
    """What a register holds; ``claim`` is known to the referee alone."""

    manager: int
    ovn: str
    version: int
    claim: Claim


@dataclass
class Register:
    """A DSS: references, and writes that prove knowledge of what is relevant."""

    entries: dict[str, Entry] = field(default_factory=dict)
    writes: int = 0

    def relevant(self, sites: int) -> dict[str, Entry]:
        wanted = cells(sites)
        return {i: replace(e) for i, e in self.entries.items() if cells(e.claim.all) & wanted}

    def write(
        self, own_id: str, manager: int, request: Request[Claim], key: frozenset[str]
    ) -> tuple[Outcome, Confirmed | None]:
        entry = self.entries.get(own_id)
        if request.kind is Kind.CREATE and entry is not None:
            return Outcome.EXISTS, None
        if request.kind is not Kind.CREATE:
            if entry is None:
                return Outcome.GONE, None
            if entry.ovn != request.ovn:
                return Outcome.STALE, None
        if request.space is None:
            del self.entries[own_id]
            return Outcome.OK, None
        flew = entry is not None and entry.claim.flying
        if request.space.flying != flew and (entry is None or flew):
            return Outcome.REFUSED, None  # The first state is Accepted, and none leads back to it.
        for other, e in self.relevant(request.space.all).items():
            if other != own_id and e.ovn not in key and not request.space.off:
                return Outcome.MISSING, None
        self.writes += 1
        version = 1 if entry is None else entry.version + 1
        ovn = f"{own_id}.{self.writes}"
        self.entries[own_id] = Entry(manager, ovn, version, request.space)
        return Outcome.OK, Confirmed(ovn=ovn, version=version, subscription_id="")


@dataclass(eq=False)
class Own:
    """One intent id of a node, with what the node has stored of it."""

    id: str
    placement: Placement[Claim]
    plan: "Plan"
    since: float = 0.0
    looking: dict[int, object] = field(default_factory=dict)
    """Looks under way, by register; lost in a crash."""


@dataclass(eq=False)
class Plan:
    """What a user calls a plan; it changes its intent id when it is placed again."""

    node: "Node"
    own: Own | None = None
    ids: int = 0


@dataclass(eq=False)
class Node:
    """One party: a planner, and a register if it has one."""

    index: int
    up: bool = True
    life: int = 0
    owns: dict[str, Own] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Breakage:
    """How a control differs from the real thing."""

    planner: type[Planner] = Planner
    only_own: bool = False
    """Each party visits its own register alone (F9)."""
    unpaired: bool = False
    """Volumes that count are served with whatever OVN is current (F10)."""


class Deaf(Planner):
    """Hears of nothing that outranks it later (F12, and F17 for ever)."""

    @staticmethod
    def recheck(placement: Placement[Claim], register: int) -> Step[Claim]:
        return Step(placement=placement)


SOUND = Breakage()
BROKEN = {
    "adopt": Breakage(planner=Adopts),
    "no-sweep": Breakage(planner=NeverSweeps),
    "own-only": Breakage(only_own=True),
    "deaf": Breakage(planner=Deaf),
    "settles": Breakage(planner=Settles),
    "unpaired": Breakage(unpaired=True),
}
