"""Plans and no-go areas in the form in which the history keeps them.

What changes from one look to the next and says nothing of the air, such as who was not reached yet
or which ways out there were, is left out: each change is a version more.
"""

from collections.abc import Iterable, Iterator

from tansiq.services.views import AirspaceEntry, ConstraintView, PlanView, RegisterView
from tansiq.services.watch.history_views import AreaThen

_CURRENT = "current"
_DUE = "Somebody had to confirm it."


def areas_then(
    plans: Iterable[PlanView],
    airspace: Iterable[AirspaceEntry],
    constraints: Iterable[ConstraintView],
) -> Iterator[AreaThen]:
    """Yield all that is known of the air, ours and others'."""
    yield from map(_own, plans)
    yield from map(_foreign, airspace)
    yield from map(_no_go, constraints)


def _held_by(registers: Iterable[RegisterView]) -> tuple[str, ...]:
    return tuple(each.id for each in registers if each.holds == _CURRENT)


def _own(view: PlanView) -> AreaThen:
    return AreaThen(
        id=view.id,
        kind="plan",
        own=True,
        intent_id=view.intent_id,
        party=view.party,
        name=view.callsign,
        status=str(view.status),
        state=view.state,
        coordinated=view.coordinated,
        priority=view.priority,
        category=view.category,
        registers=_held_by(view.registers),
        time_start=view.time_start,
        time_end=view.time_end,
        altitude_m_min=view.altitude_m_min,
        altitude_m_max=view.altitude_m_max,
        sentence=" ".join([*([view.reason] if view.reason else []), *view.warnings]),
        volumes=view.volumes,
        off_nominal_volumes=view.off_nominal_volumes,
    )


def _foreign(entry: AirspaceEntry) -> AreaThen:
    return AreaThen(
        id=entry.id,
        kind=entry.kind,
        own=False,
        intent_id=entry.id,
        party=entry.manager,
        name=entry.name,
        status="",
        state=entry.state,
        priority=entry.priority,
        category=entry.category,
        registers=entry.registers,
        time_start=entry.time_start,
        time_end=entry.time_end,
        altitude_m_min=entry.altitude_m_min,
        altitude_m_max=entry.altitude_m_max,
        volumes=entry.volumes,
    )


def _no_go(view: ConstraintView) -> AreaThen:
    return AreaThen(
        id=view.id,
        kind="constraint",
        own=True,
        intent_id=view.id,
        party=view.party,
        name=view.name,
        status=view.status,
        coordinated=view.status == "everywhere",
        registers=_held_by(view.registers),
        time_start=view.time_start,
        time_end=view.time_end,
        altitude_m_min=view.altitude_m_min,
        altitude_m_max=view.altitude_m_max,
        sentence=_DUE if view.standing == "due" else "",
        volumes=view.volumes,
    )
