"""Own plans: in the store what must not be lost, in memory what is asked for often.

The store's row is the truth; every change loads it, changes it and saves it in one transaction.
What is in memory is the last committed plan, for looking, never for deciding.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from tansiq.domain.agreement import Agreement, Register
from tansiq.domain.category import Category
from tansiq.domain.draft import PlanDraft, StatedBand
from tansiq.domain.extent import Extent
from tansiq.domain.intent import PartyID
from tansiq.domain.placement import Phase, Placement
from tansiq.domain.time import from_micros, micros
from tansiq.domain.volume import Volumes, time_bounds
from tansiq.engine.enlarge import enlarged_by
from tansiq.engine.prepared import Prepared
from tansiq.f3548 import convert, wire
from tansiq.services.airspace import Candidate
from tansiq.services.events import Events
from tansiq.services.planning.claim import Claim
from tansiq.services.planning.status import Shown, Verdict, show, status_of
from tansiq.services.views import PlanView
from tansiq.storage.plans import PlanRow, Plans, VolumeSet
from tansiq.storage.store import Store, Tx

CACHED = 4_096
"""Claims whose enlarged volumes are kept; each plan has a few."""

_ENCODER = msgspec.json.Encoder()
_PLACEMENT = msgspec.json.Decoder(Placement[Claim])
_VERDICT = msgspec.json.Decoder(Verdict)
_WARNINGS = msgspec.json.Decoder(tuple[str, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One plan of ours as committed."""

    id: str
    intent_id: str
    callsign: str
    formation: str
    category: Category | None
    placement: Placement[Claim]
    verdict: Verdict | None
    updated: datetime
    warnings: tuple[str, ...] = ()
    """Who has strayed into its volumes, a sentence each."""

    @property
    def priority(self) -> int:
        return self.placement.want.priority


class Who(NamedTuple):
    """What a plan is known by, for as long as it lives."""

    callsign: str
    formation: str
    category: Category | None


@dataclass(frozen=True, slots=True)
class _Set:
    """One volume set, decoded once."""

    volumes: Volumes
    wire_volumes: tuple[wire.Volume4D, ...]
    stated: tuple[StatedBand, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """What stands in a register for a claim."""

    volumes: Volumes
    wire_volumes: tuple[wire.Volume4D, ...]
    extent: Extent
    prepared: Prepared


class Book:
    """All plans of this node."""

    def __init__(self, agreement: Agreement, party: PartyID, events: Events) -> None:
        self._agreement = agreement
        self._party = party
        self._events = events
        self._sets: dict[tuple[str, int], _Set] = {}
        self._plans: dict[str, Plan] = {}
        self._by_intent: dict[str, str] = {}
        self._enlarged = lru_cache(maxsize=CACHED)(self._enlarge)
        self._candidates = lru_cache(maxsize=CACHED)(self._candidate)

    @property
    def registers(self) -> tuple[str, ...]:
        """The ids of the registers, in the order of a placement's slots."""
        return tuple(register.id for register in self._agreement.registers)

    # ---- in memory

    def living(self) -> list[Plan]:
        """Return all plans that have not ended."""
        return list(self._plans.values())

    def get(self, plan_id: str) -> Plan | None:
        """Return one living plan."""
        return self._plans.get(plan_id)

    def by_intent(self, intent_id: str) -> Plan | None:
        """Return the living plan whose present attempt has that entity id."""
        plan_id = self._by_intent.get(intent_id)
        return None if plan_id is None else self._plans.get(plan_id)

    def remember(self, plan: Plan) -> None:
        """Take a committed plan into memory; an ended one out of it."""
        old = self._plans.get(plan.id)
        if old is not None and old.intent_id != plan.intent_id:
            self._by_intent.pop(old.intent_id, None)
        if plan.placement.phase is Phase.ENDED:
            self._plans.pop(plan.id, None)
            self._by_intent.pop(plan.intent_id, None)
        else:
            self._plans[plan.id] = plan
            self._by_intent[plan.intent_id] = plan.id

    def volumes(self, plan_id: str, claim: Claim) -> Volumes:
        """Return all true volumes of a claim, nominal ones first."""
        return self.volumes_of(plan_id, claim.standing)

    def volumes_of(self, plan_id: str, parts: Iterable[int]) -> Volumes:
        """Return the volumes of some volume sets."""
        return tuple(v for n in parts for v in self._sets[plan_id, n].volumes)

    def stated(self, plan_id: str, claim: Claim) -> tuple[StatedBand, ...]:
        """Return the altitudes of all volumes of a claim as they were given."""
        return self.stated_of(plan_id, claim.standing)

    def stated_of(self, plan_id: str, parts: Iterable[int]) -> tuple[StatedBand, ...]:
        """Return the altitudes of some volume sets as they were given."""
        return tuple(b for n in parts for b in self._sets[plan_id, n].stated)

    def extents(self, plan: Plan, claim: Claim, register: Register) -> Placed:
        """Return what is written to a register: enlarged by half the largest minima that its
        category has with any, at a foreign one by the whole, because suppliers there do not enlarge
        theirs.
        """
        fraction = 1.0 if register.foreign else 0.5
        return self._enlarged(plan.id, claim.standing, plan.category, fraction)

    def served(
        self, plan: Plan, parts: tuple[int, ...], register: Register
    ) -> tuple[wire.Volume4D, ...]:
        """Return some volume sets as messages carry them: as they are; of a foreign register, as
        they were written to it.
        """
        if register.foreign:
            return self._enlarged(plan.id, parts, plan.category, 1.0).wire_volumes if parts else ()
        return tuple(v for n in parts for v in self._sets[plan.id, n].wire_volumes)

    def _enlarge(
        self, plan_id: str, parts: tuple[int, ...], category: Category | None, fraction: float
    ) -> Placed:
        volumes = tuple(v for n in parts for v in self._sets[plan_id, n].volumes)
        most = self._agreement.minima_table.most(category)
        enlarged = enlarged_by(volumes, most, fraction=fraction)
        made = Extent.of(enlarged), Prepared.of(*enlarged)
        return Placed(enlarged, convert.volumes_to_wire(enlarged), *made)

    def candidate(
        self, plan: Plan, claim: Claim, already_met: frozenset[str] = frozenset()
    ) -> Candidate:
        """Return a claim of a plan as something to be judged."""
        who = Who(plan.callsign, plan.formation, plan.category)
        candidate = self._candidates(plan.id, plan.intent_id, who, claim)
        return replace(candidate, already_met=already_met) if already_met else candidate

    def _candidate(self, plan_id: str, intent_id: str, who: Who, claim: Claim) -> Candidate:
        return Candidate(
            intent_id=intent_id,
            priority=claim.priority,
            callsign=who.callsign,
            formation=who.formation,
            category=who.category,
            volumes=self.volumes(plan_id, claim),
            stated=self.stated(plan_id, claim),
        )

    # ---- in the store

    async def load(self, tx: Tx, plan_id: str) -> Plan:
        """Return the plan as it stands in this transaction.

        Raises:
            NotFound: there is none of that id.
        """
        return _plan(await Plans(tx).get(plan_id))

    async def save(self, tx: Tx, plan: Plan) -> None:
        """Write a plan, and an event if it looks different to people now."""
        placement = plan.placement
        span = time_bounds(self.volumes(plan.id, placement.want))
        await Plans(tx).put(
            PlanRow(
                id=plan.id,
                intent_id=plan.intent_id,
                phase=placement.phase.value,
                callsign=plan.callsign,
                formation=plan.formation,
                category=plan.category,
                priority=plan.priority,
                time_start=micros(span.start),
                time_end=micros(span.end),
                placement=_ENCODER.encode(placement),
                verdict=None if plan.verdict is None else _ENCODER.encode(plan.verdict),
                updated=micros(plan.updated),
                warnings=_ENCODER.encode(plan.warnings) if plan.warnings else None,
            )
        )
        old = self._plans.get(plan.id)
        if old is None or _visible(old) != _visible(plan):
            view = self.view(plan)
            await self._events.append(tx, "plan", plan.id, _ENCODER.encode(view), plan.updated)

    async def add_set(self, tx: Tx, plan_id: str, draft: PlanDraft) -> int:
        """Keep a draft's volumes under the next number and return that number."""
        sets = await Plans(tx).volumes(plan_id)
        number = 1 + max((s.number for s in sets), default=0)
        wire_volumes = convert.volumes_to_wire(draft.volumes)
        kept = VolumeSet(
            plan_id=plan_id,
            number=number,
            volumes=_ENCODER.encode(wire_volumes),
            stated=_ENCODER.encode(draft.stated),
        )
        await Plans(tx).add_volumes(kept)
        # Numbers are never used twice with other volumes: a transaction that is undone and run
        # again overwrites this entry before anybody reads it.
        self._sets[plan_id, number] = _Set(draft.volumes, wire_volumes, draft.stated)
        return number

    async def read_all(self, store: Store) -> list[Plan]:
        """Fill the memory from the store, at start; return the living plans."""

        async def read(tx: Tx) -> tuple[list[PlanRow], list[VolumeSet]]:
            return await Plans(tx).all(ended=False), await Plans(tx).volumes()

        rows, sets = await store.read(read)
        for volume_set in sets:
            self._sets[volume_set.plan_id, volume_set.number] = _decoded(volume_set)
        plans = [_plan(row) for row in rows]
        for plan in plans:
            self.remember(plan)
        return plans

    async def read_ended(self, store: Store) -> list[PlanView]:
        """Return the views of all plans, ended ones too, in order of start."""

        async def read(tx: Tx) -> tuple[list[PlanRow], list[VolumeSet]]:
            plans = await Plans(tx).all(ended=True)
            ended = [plan for plan in plans if (plan.id, 1) not in self._sets]
            sets = [s for plan in ended for s in await Plans(tx).volumes(plan.id)]
            return plans, sets

        rows, sets = await store.read(read)
        for volume_set in sets:
            self._sets[volume_set.plan_id, volume_set.number] = _decoded(volume_set)
        return [self.view(_plan(row)) for row in rows]

    # ---- for people

    def view(self, plan: Plan, not_reached: Iterable[str] = ()) -> PlanView:
        """Return the plan as people see it."""
        placement = plan.placement
        claim = placement.base if placement.base is not None else placement.want
        return show(
            Shown(
                id=plan.id,
                intent_id=plan.intent_id,
                party=self._party,
                callsign=plan.callsign,
                formation=plan.formation,
                category=plan.category,
                priority=claim.priority,
                volumes=self.volumes_of(plan.id, claim.parts),
                off_nominal_volumes=self.volumes_of(plan.id, claim.off_parts),
                stated=self.stated_of(plan.id, claim.parts),
                warnings=plan.warnings,
                updated=plan.updated,
            ),
            placement,
            plan.verdict,
            self._agreement,
            not_reached,
        )

    async def read_one(self, store: Store, plan_id: str) -> PlanView:
        """Return the view of one plan, ended or not.

        Raises:
            NotFound: no plan of that id.
        """

        async def read(tx: Tx) -> tuple[PlanRow, list[VolumeSet]]:
            return await Plans(tx).get(plan_id), await Plans(tx).volumes(plan_id)

        row, sets = await store.read(read)
        for volume_set in sets:
            self._sets[volume_set.plan_id, volume_set.number] = _decoded(volume_set)
        return self.view(_plan(row))


def _visible(plan: Plan) -> tuple[object, ...]:
    placement = plan.placement
    return (
        status_of(placement),
        placement.coordinated,
        placement.base if placement.off_nominal else None,
        plan.verdict,
        plan.warnings,
        tuple(slot.state for slot in placement.slots),
    )


def _plan(row: PlanRow) -> Plan:
    return Plan(
        id=row.id,
        intent_id=row.intent_id,
        callsign=row.callsign,
        formation=row.formation,
        category=None if row.category is None else Category(row.category),
        placement=_PLACEMENT.decode(row.placement),
        verdict=None if row.verdict is None else _VERDICT.decode(row.verdict),
        updated=from_micros(row.updated),
        warnings=() if row.warnings is None else _WARNINGS.decode(row.warnings),
    )


def _decoded(volume_set: VolumeSet) -> _Set:
    wire_volumes = msgspec.json.decode(volume_set.volumes, type=tuple[wire.Volume4D, ...])
    stated = msgspec.json.decode(volume_set.stated, type=tuple[StatedBand, ...])
    return _Set(convert.volumes_to_domain(wire_volumes, "volumes"), wire_volumes, stated)


def with_placement(plan: Plan, placement: Placement[Claim], now: datetime) -> Plan:
    """Return the plan after a step."""
    return replace(plan, placement=placement, updated=now)
