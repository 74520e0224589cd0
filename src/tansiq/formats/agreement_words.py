"""An agreement in plain words, and what changes from one version to the next.

Every rule has one line under a heading of its own, so that two versions are compared line by line.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from tansiq.domain.agreement import Agreement, IfUnreachable, Minima, Party
from tansiq.domain.desk import DAYS, Desk
from tansiq.domain.pact import (
    Escalation,
    OnSilence,
    Role,
    Rung,
    Way,
)
from tansiq.domain.time import zulu
from tansiq.domain.volume import Circle
from tansiq.strict_toml import spell


class Rule(NamedTuple):
    """One rule: what it is about, and what it says."""

    about: str
    says: str


class Difference(NamedTuple):
    """One rule that two versions do not share; empty where one has none."""

    about: str
    was: str
    now: str


_WHO: Final[Mapping[Role, str]] = {
    Role.WATCH: "the desk it was sent to",
    Role.DEPUTY: "the deputy of the desk it was sent to",
    Role.SENDER: "the sender's own desk",
}


def rules_in_words(agreement: Agreement) -> tuple[Rule, ...]:
    """Return everything that an agreement says, its version and digest apart."""
    return (
        Rule("name", agreement.name),
        *_parties(agreement),
        *_registers(agreement),
        *_planning(agreement),
        *_notices(agreement),
        *(
            Rule(f"formation {each.name}", ", ".join(sorted(each.callsigns)))
            for each in agreement.formations
        ),
    )


def differences(old: Agreement, new: Agreement) -> tuple[Difference, ...]:
    """Return the rules that differ, those of the new version first, in its order."""
    before, after = dict(rules_in_words(old)), dict(rules_in_words(new))
    changed = [about for about in after if before.get(about) != after[about]]
    gone = [about for about in before if about not in after]
    return tuple(Difference(a, before.get(a, ""), after.get(a, "")) for a in [*changed, *gone])


def _parties(agreement: Agreement) -> Iterator[Rule]:
    yield Rule("parties", ", ".join(party.id for party in agreement.parties))
    for party in agreement.parties:
        yield Rule(f"party {party.id}", _names(party.names))
        yield Rule(f"party {party.id}, node", party.url)
        yield Rule(f"party {party.id}, key", party.public_key.hex())
        if party.tls_sha256:
            yield Rule(f"party {party.id}, certificate", party.tls_sha256.hex())
        if party.desks:
            yield Rule(f"party {party.id}, desks", ", ".join(desk.id for desk in party.desks))
        for desk in party.desks:
            yield from _desk(party, desk)
    if agreement.struck:
        off = ", ".join(sorted(agreement.struck))
        yield Rule("struck off", f"{off}: may not plan, known plans go on blocking")


def _desk(party: Party, desk: Desk) -> Iterator[Rule]:
    days = "every day" if len(desk.hours.days) == len(DAYS) else _days(desk)
    says = [
        _names(desk.names),
        f"speaks {', '.join(desk.languages)}",
        f"{desk.hours} UTC {days}" if str(desk.hours) != "24h" else f"day and night, {days}",
    ]
    if desk.deputy:
        says.append(f"then {desk.deputy}")
    if desk.voice:
        says.append(f"by voice {desk.voice}")
    yield Rule(f"desk {party.id}/{desk.id}", "; ".join(says))


def _days(desk: Desk) -> str:
    return ", ".join(DAYS[day] for day in sorted(desk.hours.days))


def _names(names: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({language})" for language, name in names.items())


def _registers(agreement: Agreement) -> Iterator[Rule]:
    order = " then ".join(register.id for register in agreement.listed)
    yield Rule("registers", f"a plan counts once all have accepted it: {order}")
    for register in agreement.listed:
        whose = register.party or "outside the agreement"
        strangers = ", suppliers outside plan here too" if register.foreign else ""
        off = ", not asked while struck off" if register not in agreement.registers else ""
        yield Rule(f"register {register.id}", f"{whose}, {register.url}{strangers}{off}")
    if agreement.if_unreachable is IfUnreachable.WAIT:
        then = "the plan waits"
    else:
        then = "the desks agree by voice"
    hold = spell(agreement.hold_limit)
    yield Rule("a register is silent", f"{then}; half-placed plans are taken back after {hold}")


def _planning(agreement: Agreement) -> Iterator[Rule]:
    area, minima = agreement.area, agreement.minima
    if isinstance(area, Circle):
        at = f"{area.center.lat_deg:.10g}, {area.center.lng_deg:.10g}"
        where = f"within {area.radius_m / 1000:.12g} km of {at}"
    else:
        corners = [f"({v.lat_deg:.12g}, {v.lng_deg:.12g})" for v in area.vertices]
        where = f"the polygon {' '.join(corners)}"
    yield Rule("area", f"{where}; one volume up to {agreement.area_km2_max:.12g} km2")
    yield Rule("minima", f"plans conflict within {_figures(minima)}, all three")
    for entry in agreement.between:
        a, b = entry.pair
        yield Rule(f"minima between {a} and {b}", _figures(entry.minima))
    if agreement.between:
        yield Rule(
            "minima, category not known",
            f"the largest that apply; of all {_figures(agreement.minima_table.largest)}",
        )
    first = "the one placed first stays" if agreement.equal_priority_blocks else "none blocks"
    yield Rule("equal priority", first)
    low, high = agreement.levels_m
    yield Rule(
        "proposals",
        f"steps of {agreement.level_step_m:.12g} m, {low:.12g} to {high:.12g} m W84, "
        f"at most {spell(agreement.delay_max)} later",
    )


def _figures(minima: Minima) -> str:
    return (
        f"{minima.horizontal_m:.12g} m, {minima.vertical_m:.12g} m and "
        f"{minima.time.total_seconds():.12g} s"
    )


def _notices(agreement: Agreement) -> Iterator[Rule]:
    lead, timers, standing = agreement.lead, agreement.timers, agreement.standing
    kinds = {"": lead.general, ", plan": lead.plan, ", no-go area": lead.no_go}
    for kind, span in {**kinds, ", emergency": lead.emergency}.items():
        if span is not None:
            yield Rule(f"lead{kind}", f"{spell(span)} before it begins" if span else "none")
    yield Rule(
        "a notice",
        f"arrived in {spell(timers.arrived)}, seen in {spell(timers.seen)}, "
        f"read back in {spell(timers.read_back)}, answered in {spell(timers.answered)}",
    )
    yield Rule("a proposal or outcome", f"decided in {spell(timers.decided)}")
    steps = [_step(step) for step in agreement.escalation]
    for number, step in enumerate(steps, start=1):
        yield Rule(f"escalation {number}", step)
    waits = agreement.silence.plan is OnSilence.HOLD
    follows = "is not activated before an answer" if waits else "stays unanswered"
    yield Rule("silence", f"never a yes; the plan {follows}")
    yield Rule(
        "comm check",
        f"every {spell(timers.check_every)}; missed, a caution after "
        f"{spell(timers.check_caution)} and a warning after {spell(timers.check_warning)}",
    )
    yield Rule("clocks", f"{spell(timers.clocks_differ)} apart at most")
    if standing.confirm_every and standing.expire_after:
        yield Rule(
            "standing items",
            f"confirmed every {spell(standing.confirm_every)}, gone "
            f"{spell(standing.expire_after)} after the last time",
        )
    if agreement.valid_until is not None:
        yield Rule("valid until", zulu(agreement.valid_until))


def _step(step: Escalation) -> str:
    who = _WHO[step.role] if step.role else step.desk
    how = "is called by voice" if step.by is Way.VOICE else "is told"
    since = "what waits for it" if step.rung is Rung.DECIDED else "sending"
    return f"not {step.rung} {spell(step.after)} after {since}: {who} {how}"


def columns(rules: Sequence[tuple[str, str]]) -> list[str]:
    """Return lines of two columns."""
    width = max((len(about) for about, _ in rules), default=0)
    return [f"{about:<{width}}  {says}" for about, says in rules]
