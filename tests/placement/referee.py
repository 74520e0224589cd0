"""The referee of the simulated world: sees all registers and all beliefs at once."""

from collections.abc import Callable
from dataclasses import dataclass

from world_parts import Claim, Node, Own, Register, Violation

from tansiq.domain.placement import Phase

FINAL = (Phase.COORDINATED, Phase.REFUSED, Phase.ENDED, Phase.DISPLACED)


@dataclass
class Referee:
    nodes: list[Node]
    registers: list[Register]
    place: Callable[[Own, int], int]
    """Which register stands at an index of a placement."""
    window: bool
    """A pool: a higher plan and a lower one are both believed until the notification (F17)."""

    def register_written(self, register: int, own_id: str) -> None:
        """I1: no register holds two conflicting plans of equal priority."""
        entries = self.registers[register].entries
        mine = entries.get(own_id)
        for other, entry in entries.items() if mine is not None else ():
            if mine is None or other == own_id:
                continue
            if entry.claim.priority == mine.claim.priority and entry.claim.sites & mine.claim.sites:
                raise Violation(f"I1: R{register} holds both {own_id} and {other}")

    def believed(self, own: Own) -> None:
        """I2 and I3, for whatever concerns one plan."""
        base = own.placement.base
        if base is None:
            return
        for index in range(len(own.placement.slots)):
            register = self.place(own, index)
            entry = self.registers[register].entries.get(own.id)
            if entry is None or base.sites & ~entry.claim.sites:
                raise Violation(f"I2: {own.id} counts as coordinated, R{register} lacks it")
        if both := self.both(own, at_rest=False):
            raise Violation(f"I3: {both}")

    def became(self, before: Claim | None, own: Own) -> None:
        """I5: nobody becomes coordinated where all registers know somebody to have strayed.

        ``before`` is what counted until now. Whoever flew before is where they are.
        """
        after = own.placement.coordinated
        if after is None or after == before or self.window:
            return
        if before is not None and before.flying:
            return
        new = after.sites & ~(before.sites if before is not None else 0)
        for node in self.nodes:
            for other in node.owns.values():
                base = other.placement.base
                if other is own or base is None or not base.off or base.priority < after.priority:
                    continue
                entries = [
                    self.registers[self.place(other, i)].entries.get(other.id)
                    for i in range(len(other.placement.slots))
                ]
                told = all(entry is not None and entry.claim == base for entry in entries)
                if told and new & base.all:
                    raise Violation(f"I5: {own.id} becomes coordinated where {other.id} strayed to")

    def both(self, own: Own, *, at_rest: bool) -> str:
        """Say which other plan counts as coordinated in the same place, or nothing."""
        mine = own.placement.coordinated
        for node in self.nodes if mine is not None else ():
            for other in node.owns.values():
                theirs = other.placement.coordinated
                if other is own or theirs is None or mine is None or not theirs.sites & mine.sites:
                    continue
                if at_rest or not self.window or theirs.priority == mine.priority:
                    return f"{own.id} and {other.id} both count as coordinated"
        return ""

    def restless(self) -> str:
        """Say what is not at rest (I4), or nothing."""
        stands: list[set[str]] = [set(r.entries) for r in self.registers]
        for node in self.nodes:
            for own in node.owns.values():
                plan = own.placement
                if plan.phase not in FINAL or (plan.recheck and not plan.off_nominal):
                    return f"{own.id} is {plan.phase}, blocked by {plan.blocker}"
                if both := self.both(own, at_rest=True):
                    return both
                if plan.phase not in (Phase.COORDINATED, Phase.DISPLACED):
                    continue
                for index in range(len(plan.slots)):
                    register = self.place(own, index)
                    entry = self.registers[register].entries.get(own.id)
                    if entry is None or entry.claim != plan.base:
                        return f"R{register} holds {entry} of {own.id}, not {plan.base}"
                    stands[register].discard(own.id)
        left = {f"R{r}": sorted(ids) for r, ids in enumerate(stands) if ids}
        return f"orphans {left}" if left else ""
