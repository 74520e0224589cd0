"""Where a plan stands, in the words that people read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from tansiq.domain.agreement import Agreement, IfUnreachable
from tansiq.domain.category import Category
from tansiq.domain.draft import StatedBand
from tansiq.domain.intent import IntentState
from tansiq.domain.placement import Phase, Placement, SlotState
from tansiq.domain.time import zulu
from tansiq.domain.volume import Volumes, altitude_bounds, time_bounds
from tansiq.f3548 import convert
from tansiq.services.planning.claim import Claim
from tansiq.services.planning.problem import code_of
from tansiq.services.views import (
    OFF_NOMINAL,
    Alternative,
    Blocker,
    NoSlot,
    PlanView,
    RegisterView,
    Status,
)

_ENCODER = msgspec.json.Encoder()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Why a plan is not coordinated, and what would clear it."""

    reason: str
    reason_code: str | None = None
    """Null: an older version kept it."""
    blockers_count: int = 0
    blockers: tuple[Blocker, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    theirs: tuple[Alternative, ...] = ()
    no_slot: str | None = None
    no_slot_facts: NoSlot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a view shows besides where the plan stands."""

    id: str
    intent_id: str
    party: str
    callsign: str
    formation: str
    category: Category | None
    priority: int
    volumes: Volumes
    """The plan's own."""
    stated: tuple[StatedBand, ...]
    updated: datetime
    off_nominal_volumes: Volumes = ()
    warnings: tuple[str, ...] = ()


_PLAIN = {
    Phase.NEW: Status.UNCOORDINATED,
    Phase.WAITING: Status.WAITING,
    Phase.REFUSED: Status.REFUSED,
    Phase.ENDED: Status.ENDED,
    Phase.DISPLACED: Status.DISPLACED,
}
_RELEASING_TO = {
    Phase.ENDED: Status.ENDING,
    Phase.WAITING: Status.WAITING,
    Phase.REFUSED: Status.REFUSED,
    Phase.NEW: Status.UNCOORDINATED,
}
_OFF_NOMINAL = {
    IntentState.NONCONFORMING: Status.NONCONFORMING,
    IntentState.CONTINGENT: Status.CONTINGENT,
}


def status_of(placement: Placement[Claim]) -> Status:
    """Return the one word; only a plan that every register holds is ``coordinated``."""
    base = placement.base
    if base is not None and base.off_nominal:
        returning = placement.phase is Phase.PLACING
        return Status.CHANGING if returning else _OFF_NOMINAL[base.state]
    if placement.phase in _PLAIN:
        return _PLAIN[placement.phase]
    if placement.displaced_by is not None:
        placing = placement.phase is Phase.PLACING  # It is being moved out of the way.
        return Status.PLACING if placing else Status.DISPLACED
    if placement.phase is Phase.RELEASING and placement.base is None:
        return _RELEASING_TO.get(placement.after or Phase.NEW, Status.UNCOORDINATED)
    if placement.recheck:
        return Status.RECHECKING
    if placement.phase in (Phase.COORDINATED, Phase.SHRINKING):
        return Status.COORDINATED
    return Status.PLACING if placement.base is None else Status.CHANGING


def register_views(placement: Placement[Claim], agreement: Agreement) -> tuple[RegisterView, ...]:
    """Return what each register holds, as far as direct answers tell."""
    views = []
    for register, slot in zip(agreement.registers, placement.slots, strict=True):
        if slot.state is SlotState.ABSENT:
            holds = "nothing"
        elif slot.state is SlotState.DOUBT or slot.awaited is not None:
            holds = "unknown"
        else:
            holds = "current" if slot.holds(placement.want) else "other"
        views.append(RegisterView(id=register.id, holds=holds))
    return tuple(views)


def show(
    shown: Shown,
    placement: Placement[Claim],
    verdict: Verdict | None,
    agreement: Agreement,
    not_reached: Iterable[str] = (),
) -> PlanView:
    """Return a plan as people see it."""
    claim = placement.base if placement.base is not None else placement.want
    nominal = () if claim.state is IntentState.CONTINGENT else shown.volumes
    standing = nominal + shown.off_nominal_volumes
    span, band = time_bounds(standing), altitude_bounds(standing)
    return PlanView(
        id=shown.id,
        intent_id=shown.intent_id,
        party=shown.party,
        callsign=shown.callsign,
        formation=shown.formation,
        category=shown.category,
        priority=shown.priority,
        state=claim.state.value,
        status=status_of(placement),
        coordinated=placement.coordinated is not None,
        time_start=zulu(span.start),
        time_end=zulu(span.end),
        altitude_m_min=band.lower_m,
        altitude_m_max=band.upper_m,
        registers=register_views(placement, agreement),
        reason=verdict.reason if verdict else None,
        reason_code=verdict.reason_code if verdict else None,
        blockers_count=verdict.blockers_count if verdict else 0,
        blockers=verdict.blockers if verdict else (),
        alternatives=verdict.alternatives if verdict else (),
        theirs=verdict.theirs if verdict else (),
        no_slot=verdict.no_slot if verdict else None,
        no_slot_facts=verdict.no_slot_facts if verdict else None,
        not_reached=tuple(not_reached),
        volumes=msgspec.Raw(_ENCODER.encode(convert.volumes_to_wire(shown.volumes))),
        off_nominal_volumes=msgspec.Raw(
            _ENCODER.encode(convert.volumes_to_wire(shown.off_nominal_volumes))
        ),
        warnings=shown.warnings,
        stated=stated_document(shown.stated),
        updated=zulu(shown.updated),
    )


def stated_document(bands: Iterable[StatedBand]) -> msgspec.Raw:
    """Return altitudes as they were given, with the text that people read."""
    return msgspec.Raw(
        _ENCODER.encode([{**msgspec.to_builtins(band), "text": str(band)} for band in bands])
    )


def with_problems(
    view: PlanView, problems: Mapping[str, str], if_unreachable: IfUnreachable
) -> PlanView:
    """Return the view of an open plan with what goes wrong at its registers."""
    registers = tuple(
        _troubled(register, problems.get(register.id)) if register.holds != "current" else register
        for register in view.registers
    )
    wrong = [f"{r.id}: {r.problem}" for r in registers if r.problem is not None]
    if not wrong:
        return view
    follows = (
        "it is tried again until all registers answer"
        if if_unreachable is IfUnreachable.WAIT
        else "the agreement says: coordinate by the line meanwhile"
    )
    if view.reason:
        return msgspec.structs.replace(view, registers=registers)
    astray = view.status in OFF_NOMINAL
    lacking = "not known everywhere yet" if astray else "not coordinated"
    code = "not-known-everywhere" if astray else "not-coordinated"
    return msgspec.structs.replace(
        view,
        registers=registers,
        reason=f"{lacking}: {'; '.join(wrong)}; {follows}",
        reason_code=f"{code}-{if_unreachable}",
    )


def _troubled(register: RegisterView, problem: str | None) -> RegisterView:
    sentence = None if problem is None else str(problem)
    return msgspec.structs.replace(register, problem=sentence, problem_code=code_of(problem))
