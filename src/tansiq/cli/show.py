"""How commands print plans and no-go areas: aligned, a unit on every number, one sentence why."""

from collections.abc import Sequence

import msgspec

from tansiq.services.views import (
    AirspaceEntry,
    Alternative,
    ConstraintView,
    PlanView,
    RegisterView,
    Status,
    TelemetryView,
)

_WORDS = {
    Status.UNCOORDINATED: "not coordinated: a register has not answered, or was not asked",
    Status.PLACING: "being placed in the registers",
    Status.WAITING: "waits for another plan that is itself not coordinated yet",
    Status.COORDINATED: "coordinated: every register holds it",
    Status.RECHECKING: "a newcomer meets it and is being judged",
    Status.CHANGING: "stands as it was; the change is being placed",
    Status.REFUSED: "refused",
    Status.DISPLACED: "displaced: something that goes before it took its place",
    Status.NONCONFORMING: "NONCONFORMING: outside its plan, expected back",
    Status.CONTINGENT: "CONTINGENT: outside its plan, not expected back",
    Status.ENDING: "being taken out of the registers",
    Status.ENDED: "ended",
}
_OFF_NOMINAL = ("Nonconforming", "Contingent")
_ID_CHARS = 8


def short(entity: str) -> str:
    """Return as much of an id as people type."""
    return entity[:_ID_CHARS]


def plan_text(view: PlanView, *, command: str) -> str:
    """Return everything about one plan; ``command`` begins the commands that take alternatives."""
    head = f"{view.callsign or 'plan'} {short(view.id)}: {_WORDS[view.status]}"
    lines = [head, *_facts(view), *_registers(view.registers), *_why(view, command)]
    lines[1:1] = [_field("WARNING", text) for text in view.warnings]
    if view.not_reached:
        lines.append(_field("not told", ", ".join(view.not_reached)))
    return "\n".join([*lines, _field("id", view.id)])


def verdict_text(view: PlanView, *, command: str) -> str:
    """Return what a dry run found; ``command`` begins the commands that declare the plan."""
    refused = view.status is Status.REFUSED
    verdict = "would be refused" if refused else "clear of everything known"
    head = f"{view.callsign or 'plan'}: {verdict}; nothing was declared"
    return "\n".join([head, *_facts(view), *_why(view, command)])


def _facts(view: PlanView) -> list[str]:
    lines = [
        _field("when", span(view.time_start, view.time_end)),
        _field("altitude", altitude(view)),
        _field("state", f"{view.state}, priority {view.priority}"),
    ]
    if view.category:
        lines.append(_field("category", view.category))
    if view.formation:
        lines.append(_field("formation", view.formation))
    return lines


def _why(view: PlanView, command: str) -> list[str]:
    lines = [_field("reason", view.reason)] if view.reason else []
    said = view.reason or ""
    lines += [_field("also", b.sentence) for b in view.blockers if b.sentence not in said]
    lines += [_field("instead", text) for text in alternatives(view.alternatives, command)]
    lines += [_field("or they", one.sentence) for one in view.theirs]
    return lines + ([_field("note", view.no_slot)] if view.no_slot else [])


def constraint_text(view: ConstraintView) -> str:
    """Return everything about one no-go area."""
    lines = [
        f"{view.name or 'no-go area'} {short(view.id)}: {view.status}",
        _field("when", span(view.time_start, view.time_end)),
        _field("altitude", altitude(view)),
        *_standing(view),
        *_registers(view.registers),
        _field("id", view.id),
    ]
    return "\n".join(lines)


def _standing(view: ConstraintView) -> list[str]:
    if view.expires is None:
        return []
    due = "CONFIRMATION DUE: " if view.standing == "due" else ""
    return [_field("standing", f"{due}lifted at {view.expires} if nobody confirms it")]


def plan_rows(views: Sequence[PlanView]) -> str:
    """Return a table of plans."""
    rows = [
        (
            short(view.id),
            view.callsign or "-",
            str(view.status),
            span(view.time_start, view.time_end),
            _metres(view.altitude_m_min, view.altitude_m_max),
            "; ".join(filter(None, [*view.warnings, view.reason])),
        )
        for view in views
    ]
    return _table(("id", "call sign", "status", "when", "altitude", "reason"), rows)


def constraint_rows(views: Sequence[ConstraintView]) -> str:
    """Return a table of no-go areas."""
    rows = [
        (
            short(view.id),
            view.name or "-",
            view.status,
            span(view.time_start, view.time_end),
            _metres(view.altitude_m_min, view.altitude_m_max),
        )
        for view in views
    ]
    return _table(("id", "name", "status", "when", "altitude"), rows)


def alternatives(found: Sequence[Alternative], command: str) -> list[str]:
    """Return each alternative with the command that takes it, one below the other."""
    width = max((len(item.sentence) for item in found), default=0)
    lines, kinds = [], set()
    for item in found:
        # Of a kind, the first is what a plan takes that is submitted with --take.
        taken = " submit " not in command or item.kind not in kinds
        kinds.add(item.kind)
        line = f"{item.sentence:<{width}}  {command} {_take(item, command)}"
        lines.append(line if taken else item.sentence)
    return lines


def _take(item: Alternative, command: str) -> str:
    if " submit " in command:
        return f"--take {item.kind}"
    parts = [f"--delay-s {item.delay_s}"] if item.delay_s else []
    parts += [f"--up-m {item.up_m:g}"] if item.up_m else []
    parts += [f"--north-m {item.north_m:.0f}"] if item.north_m else []
    parts += [f"--east-m {item.east_m:.0f}"] if item.east_m else []
    return " ".join(parts)


def span(start: str, end: str) -> str:
    """Return a span of time in UTC, the date once where it is the same."""
    day, _, from_time = start.partition("T")
    last_day, _, to_time = end.partition("T")
    return f"{day} {from_time}-{to_time if day == last_day else f'{last_day} {to_time}'}"


def altitude(view: PlanView | ConstraintView) -> str:
    """Return the altitudes as they were stated, and in metres above the ellipsoid."""
    ellipsoid = _metres(view.altitude_m_min, view.altitude_m_max)
    if isinstance(view, PlanView) and view.state in _OFF_NOMINAL:
        return ellipsoid  # What was stated is where the plan said, not where the aircraft is.
    from tansiq.formats.altitude import from_document  # Not needed for lists.

    stated = [str(from_document(band)) for band in msgspec.json.decode(view.stated)]
    differing = list(dict.fromkeys(stated))
    if not differing:
        return ellipsoid
    shown = differing[0] if len(differing) == 1 else f"{len(differing)} bands"
    return shown if shown.endswith("W84") else f"{shown} ({ellipsoid})"


def _metres(low_m: float, high_m: float) -> str:
    return f"{low_m:,.0f}-{high_m:,.0f} m W84"


def _registers(registers: Sequence[RegisterView]) -> list[str]:
    texts = [f"{r.id}: {r.holds}" + (f" ({r.problem})" if r.problem else "") for r in registers]
    return [_field("registers" if i == 0 else "", text) for i, text in enumerate(texts)]


def _field(name: str, text: str) -> str:
    return f"  {name:<10}{text}"


def airspace_rows(entries: Sequence[AirspaceEntry]) -> str:
    """Return a table of what others hold."""
    rows = [
        (
            short(entry.id),
            entry.name or "-",
            entry.kind,
            entry.manager,
            entry.state or "-",
            span(entry.time_start, entry.time_end),
            _metres(entry.altitude_m_min, entry.altitude_m_max),
        )
        for entry in entries
    ]
    return _table(("id", "name", "kind", "manager", "state", "when", "altitude"), rows)


def telemetry_text(view: TelemetryView) -> str:
    """Return where an aircraft was, with how long ago that was first."""
    lines = [f"{view.name} of {view.manager}, {view.state}: {view.sentence}"]
    if view.lat_deg is not None and view.lng_deg is not None:
        how = " (extrapolated)" if view.extrapolated else ""
        lines.append(_field("where", f"{view.lat_deg:.6f}, {view.lng_deg:.6f}{how}"))
    if view.altitude_m is not None:
        lines.append(_field("altitude", f"{view.altitude_m:,.0f} m W84"))
    if view.speed_mps is not None:
        track = "" if view.track_deg is None else f", track {view.track_deg:.0f} degrees"
        lines.append(_field("speed", f"{view.speed_mps:.1f} m/s{track}"))
    if view.accuracy_h or view.accuracy_v:
        lines.append(_field("accuracy", f"{view.accuracy_h or '-'} {view.accuracy_v or '-'}"))
    if view.measured:
        lines.append(_field("measured", view.measured))
    if view.next_expected:
        lines.append(_field("next", view.next_expected))
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]
    return "\n".join(lines)
