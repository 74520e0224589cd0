"""How one version of an agreement follows another: who must sign, when it is in force, who counts.

Version 1 and ordinary changes are signed by all parties. An amendment that only strikes parties
off or takes them back, and with them their registers, is signed by more than half of all parties;
those struck off are parties still. Any two such majorities share a signer, so two different
amendments of one version need somebody who signed both.

Decided here, from values. Whether a signature is good is ``formats/agreement_signature``'s, what a
node does while a party is off is the planner's.

Source: the model of direct mode, ``docs/direct-mode.md``: one common register is enough for safety.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final, NamedTuple

from tansiq.domain.agreement import Agreement, Register
from tansiq.domain.intent import PartyID

_ROLL: Final = ("digest", "version", "previous", "struck", "registers", "resting")
"""What a version differs in that only strikes off or takes back; its registers follow from it."""
_RULES: Final = tuple(field.name for field in fields(Agreement) if field.name not in _ROLL)


class Signer(NamedTuple):
    """A party, and the key with which it signed."""

    party: PartyID
    public_key: bytes


class Step(StrEnum):
    """What a version is to the one before."""

    FIRST = "first"
    CHANGE = "change"
    """Of rules, keys, places or people: all sign."""
    ROLL = "roll"
    """Only of who is struck off: more than half sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Force:
    """Whether a version is in force, and if not, why."""

    step: Step
    signed: tuple[PartyID, ...]
    """Parties whose signatures count, in the order of the agreement."""
    needed: int
    """How many must sign."""
    reasons: tuple[str, ...] = ()
    """Why it is not in force; empty: it is."""

    @property
    def in_force(self) -> bool:
        """Nothing is in its way."""
        return not self.reasons


def step_of(new: Agreement, old: Agreement | None) -> Step:
    """Return what a version is to the one before; None where there is none."""
    if old is None:
        return Step.FIRST
    only_the_roll = (
        new.struck != old.struck
        and new.listed == old.listed
        and all(getattr(new, name) == getattr(old, name) for name in _RULES)
    )
    return Step.ROLL if only_the_roll else Step.CHANGE


def judge_version(new: Agreement, old: Agreement | None, signers: Collection[Signer]) -> Force:
    """Say whether a version is in force, given the one before and the good signatures under it.

    Whether ``old`` itself is or was in force is asked separately.
    """
    step = step_of(new, old)
    if step is Step.ROLL and old is not None:
        return _judge_roll(new, old, signers)
    present = frozenset(signers)
    missing: list[PartyID] = []
    # With the key of the old version and with that of the new: nobody's key is changed without it.
    for agreement in (old, new) if old is not None else (new,):
        for party in agreement.parties:
            if Signer(party.id, party.public_key) not in present and party.id not in missing:
                missing.append(party.id)
    reasons = list(_chain(new, old))
    if missing:
        reasons.append(f"not signed by {', '.join(missing)}; all parties sign")
    everybody = dict.fromkeys(p.id for each in (old, new) if each for p in each.parties)
    return Force(
        step=step,
        signed=tuple(party for party in everybody if party not in missing),
        needed=len(everybody),
        reasons=tuple(reasons),
    )


def _judge_roll(new: Agreement, old: Agreement, signers: Collection[Signer]) -> Force:
    present = frozenset(signers)
    signed = tuple(p.id for p in old.parties if Signer(p.id, p.public_key) in present)
    count = len(old.parties)
    needed = count // 2 + 1
    reasons = list(_chain(new, old))
    if len(signed) < needed:
        reason = f"signed by {len(signed)} of {count} parties; more than half are {needed}"
        if count == 2:
            reason += ". Two parties have no majority: both sign, or they go by the line"
        reasons.append(reason)
    if not common_registers(new, old):
        reasons.append("no register of the version before counts in this one; keep at least one")
    return Force(step=Step.ROLL, signed=signed, needed=needed, reasons=tuple(reasons))


def _chain(new: Agreement, old: Agreement | None) -> tuple[str, ...]:
    if old is None:
        if new.version == 1:
            return ()
        return (f"version {new.version - 1} is needed to judge version {new.version}",)
    reasons = []
    if new.version != old.version + 1:
        reasons.append(f"version {new.version} does not come next after version {old.version}")
    if new.previous != old.digest:
        reasons.append(
            f"it follows {new.previous[:12] or 'nothing'}, not version {old.version}, "
            f"which is {old.digest[:12]}"
        )
    return tuple(reasons)


def _place(register: Register) -> tuple[str, PartyID | None, str]:
    return register.id, register.party, register.url


def common_registers(new: Agreement, old: Agreement) -> tuple[str, ...]:
    """Return the ids of the registers that count before and after, in the new order."""
    before = set(map(_place, old.registers))
    return tuple(register.id for register in new.registers if _place(register) in before)


def registers_to_fill(new: Agreement, old: Agreement) -> tuple[str, ...]:
    """Return the ids of the registers that count anew; those whose plans they lack fill them."""
    common = common_registers(new, old)
    return tuple(register.id for register in new.registers if register.id not in common)


def may_plan(agreement: Agreement, party: str) -> bool:
    """Report whether a party may declare or change plans: it is there, and not struck off.

    Plans of a party that is struck off go on blocking as far as they are known.
    """
    return any(each.id == party for each in agreement.counting)


def may_sign(
    new: Agreement, old: Agreement | None, signed_before: Collection[tuple[Agreement, Step]]
) -> str:
    """Return why a party should not sign a version, as a sentence; empty: it may.

    Where more than half decide, one party that signs two amendments of the same version puts both
    in force. Where all sign, a second draft harms nobody.
    """
    step = step_of(new, old)
    for other, was in signed_before:
        rival = other.digest != new.digest and other.previous == new.previous != ""
        if rival and Step.ROLL in (step, was):
            return (
                f"another version {other.version} was signed that follows the same one "
                f"({other.digest[:12]}), and both could be in force; go on from that one"
            )
    return ""
