"""The agreement file's rules about notices, versions and silence, read and written.

Errors name path and remedy, as everywhere in the file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from tansiq.domain.agreement import Agreement, Party, Register
from tansiq.domain.intent import PartyID
from tansiq.domain.pact import (
    AgreedTimers,
    Escalation,
    Lead,
    OnSilence,
    Role,
    Rung,
    Silence,
    Standing,
    Way,
)
from tansiq.domain.time import ZERO, zulu
from tansiq.errors import BadInput
from tansiq.strict_toml import Table, quote, spell

VERSION_MAX: Final = 1_000_000
ESCALATION_MAX: Final = 32
LEAD_MAX: Final = timedelta(days=7)
TIMER_MAX: Final = timedelta(days=7)
CLOCKS_MAX: Final = timedelta(hours=1)
STANDING_MAX: Final = timedelta(days=366)

RULE_KEYS: Final = (
    "version", "previous", "valid_until", "struck", "lead", "timers", "escalation", "silence",
    "standing",
)  # fmt: skip

_TIMERS: Final = tuple(AgreedTimers.__dataclass_fields__)
_NONE: Final = "none"
_CONSENT: Final = frozenset({
    "yes", "y", "ok", "okay", "agree", "agreed", "consent", "accept", "accepted", "approve",
    "approved", "allow", "granted", "true", "concur", "go",
})  # fmt: skip
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """Which version of an agreement a file is, and who is struck off in it."""

    version: int
    previous: str
    valid_until: datetime | None
    struck: frozenset[PartyID]
    registers: tuple[Register, ...]
    """Those that count."""
    resting: tuple[Register, ...]


def read_edition(top: Table, parties: Sequence[Party], registers: tuple[Register, ...]) -> Edition:
    """Return what the top of the file says of the version."""
    version = top.whole("version", low=1, high=VERSION_MAX, default=1)
    previous = _previous(top, version)
    struck = _struck(top, [party.id for party in parties])
    counting = tuple(r for r in registers if r.party is None or r.party not in struck)
    if not counting:
        raise top.wrong("struck", "no register would be left; at least one party keeps its own")
    return Edition(
        version=version,
        previous=previous,
        valid_until=top.instant("valid_until") if "valid_until" in top else None,
        struck=struck,
        registers=counting,
        resting=registers if counting != registers else (),
    )


def _previous(top: Table, version: int) -> str:
    if version == 1:
        if "previous" in top:
            raise top.wrong("previous", "version 1 has none before it; leave this out, or count on")
        return ""
    digest = top.text("previous").lower()
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise top.wrong("previous", f"write the SHA-256 of version {version - 1}'s file, 64 digits")
    return digest


def _struck(top: Table, ids: Sequence[str]) -> frozenset[PartyID]:
    struck = top.texts("struck", count_max=len(ids), chars_max=60)
    for i, party in enumerate(struck):
        if party not in ids:
            raise top.wrong(
                f"struck[{i}]", f"no party has the id {party}; there are {', '.join(ids)}"
            )
        if party in struck[:i]:
            raise top.wrong(f"struck[{i}]", f"{party} is there already")
    if len(struck) == len(ids):
        raise top.wrong("struck", "no party would be left")
    return frozenset(map(PartyID, struck))


def read_lead(top: Table) -> Lead:
    """Return the required lead times."""
    table = top.table("lead", ("general", "plan", "no_go", "emergency"), required=False)

    def given(key: str) -> timedelta | None:
        if key not in table:
            return None
        return ZERO if table.text(key) == _NONE else table.duration(key, high=LEAD_MAX)

    return Lead(
        general=given("general") or ZERO,
        plan=given("plan"),
        no_go=given("no_go"),
        emergency=given("emergency") or ZERO,
    )


def read_timers(top: Table) -> AgreedTimers:
    """Return the timers of the ladder and of comm checks."""
    table = top.table("timers", _TIMERS, required=False)
    usual = AgreedTimers()
    values = {
        key: table.duration(
            key,
            default=getattr(usual, key),
            high=CLOCKS_MAX if key == "clocks_differ" else TIMER_MAX,
        )
        for key in _TIMERS
    }
    try:
        return replace(usual, **values)
    except BadInput as error:
        raise table.wrong(error.field or "", error.message) from error


def read_escalation(
    top: Table, parties: Sequence[Party], timers: AgreedTimers
) -> tuple[Escalation, ...]:
    """Return the steps of the escalation, in their order."""
    keys = ("rung", "after", "role", "desk", "by")
    steps: list[Escalation] = []
    for table in top.tables("escalation", keys, count_max=ESCALATION_MAX):
        step = _step(table, parties, timers)
        if steps and step.after < steps[-1].after:
            raise table.wrong("after", "is earlier than the step before; write them in their order")
        steps.append(step)
    return tuple(steps)


def _step(table: Table, parties: Sequence[Party], timers: AgreedTimers) -> Escalation:
    rung = _choice(table, "rung", Rung)
    after = table.duration("after", high=TIMER_MAX)
    if after < timers.due(rung):
        due = spell(timers.due(rung))
        since = "what waits for it" if rung is Rung.DECIDED else "sending"
        raise table.wrong("after", f"{rung} is due {due} after {since}; write that or more")
    desk = table.text("desk") if "desk" in table else ""
    if desk:
        there = [f"{party.id}/{post.id}" for party in parties for post in party.posts]
        if desk not in there:
            raise table.wrong("desk", f"there is no {desk}; there are {', '.join(there)}")
    role = _choice(table, "role", Role) if "role" in table else None
    by = _choice(table, "by", Way, default=Way.NODE)
    try:
        return Escalation(rung=rung, after=after, role=role, desk=desk, by=by)
    except BadInput as error:
        raise table.wrong(error.field or "", error.message) from error


def _choice(table: Table, key: str, kind: type[E], *, default: E | None = None) -> E:
    value = table.text(key, default=default)
    if value not in set(kind):
        raise table.wrong(key, f"{value!r} is not one of {', '.join(kind)}")
    return kind(value)


def read_silence(top: Table) -> Silence:
    """Return what silence means; never a yes."""
    table = top.table("silence", ("plan", "no_go", "emergency"), required=False)
    for key in ("plan", "no_go", "emergency"):
        value = table.text(key, default=OnSilence.UNANSWERED)
        if value.strip().lower() in _CONSENT:
            raise table.wrong(
                key,
                f"{value!r}: silence is never a yes, because nobody may have seen the question; "
                "write unanswered, or for a plan hold",
            )
        if key != "plan" and value == OnSilence.HOLD:
            raise table.wrong(key, "a danger does not wait for an answer; write unanswered")
    for key in ("no_go", "emergency"):
        _choice(table, key, OnSilence, default=OnSilence.UNANSWERED)
    return Silence(plan=_choice(table, "plan", OnSilence, default=OnSilence.UNANSWERED))


def read_standing(top: Table) -> Standing:
    """Return how long standing items live."""
    table = top.table("standing", ("confirm_every", "expire_after"), required=False)

    def given(key: str) -> timedelta | None:
        return table.duration(key, high=STANDING_MAX) if key in table else None

    every, expire = given("confirm_every"), given("expire_after")
    try:
        return Standing(confirm_every=every, expire_after=expire)
    except BadInput as error:
        raise table.wrong(error.field or "", error.message) from error


def render_edition(agreement: Agreement) -> str:
    """Write what stands at the top of the file, after its name."""
    lines = [f"version = {agreement.version}"]
    if agreement.previous:
        lines.append(f"previous = {quote(agreement.previous)}")
    if agreement.valid_until is not None:
        lines.append(f"valid_until = {zulu(agreement.valid_until)}")
    if agreement.struck:
        lines.append(f"struck = [{', '.join(map(quote, sorted(agreement.struck)))}]")
    return "\n".join(lines) + "\n"


def render_rules(agreement: Agreement) -> Iterable[str]:
    """Write the rules about notices, one block a table."""
    lead, standing = agreement.lead, agreement.standing
    leads = {key: getattr(lead, key) for key in ("general", "plan", "no_go", "emergency")}
    yield _table("lead", {k: spell(v) if v else _NONE for k, v in leads.items() if v is not None})
    yield _table("timers", {key: spell(getattr(agreement.timers, key)) for key in _TIMERS})
    yield _table("silence", {"plan": agreement.silence.plan})
    if standing.confirm_every and standing.expire_after:
        spans = {"confirm_every": standing.confirm_every, "expire_after": standing.expire_after}
        yield _table("standing", {key: spell(span) for key, span in spans.items()})
    for step in agreement.escalation:
        turn = {"role": str(step.role)} if step.role else {"desk": step.desk}
        values = {"rung": step.rung, "after": spell(step.after), **turn, "by": step.by}
        yield _table("[escalation]", values)


def _table(name: str, values: dict[str, str]) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {quote(text)}\n" for key, text in values.items())
