"""The simulated world, in which the list of registers changes while plans are under way.

Versions of the agreement strike parties off and take them back. Each node goes over by itself, at
another moment, as soon as nothing is in its way; nodes under different versions refuse each other.

    .venv/bin/python tests/placement/succession_world.py 4711              replays one seed
    .venv/bin/python tests/placement/succession_world.py 4711 unchecked    with a broken node
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from referee import Referee
from world import FAULTS_END_S, HOLD_LIMIT_S, SWEEP_S, Action, Message, World
from world_parts import Claim, Entry, Node, Own, Plan, Violation

from tansiq.domain import placement_steps as steps
from tansiq.domain.placement import Phase, Placement, SlotState
from tansiq.domain.succession import STANDS_NOWHERE, gone_over, lacking, obstacles, unsure

TRIES_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """How nodes go over; each field but the first breaks one rule."""

    name: str = "sound"
    uncommon: bool = False
    """Versions need no register in common."""
    unchecked: bool = False
    """Nobody looks whether what counts stands in a register that stays."""
    mixed: bool = False
    """Nodes under different versions answer each other."""
    unjudged: bool = False
    """What is half placed is not judged again."""
    yielding: bool = False
    """Whoever is struck off is displaced like everybody else."""


SOUND = Nodes()
BROKEN = {
    name: Nodes(name=name, **{name: True})  # type: ignore[arg-type]
    for name in ("uncommon", "unchecked", "mixed", "unjudged", "yielding")
}


@dataclass
class Known:
    """What a node knows of the versions and of the registers of others."""

    version: int = 0
    at: dict[int, set[str]] = field(default_factory=dict)
    """Ids of others, by register that was read since it went over."""
    lacking: dict[int, frozenset[str] | None] = field(default_factory=dict)
    """What registers lack that count anew; None: not looked at yet."""

    @property
    def full(self) -> set[int]:
        return {r for r, ids in self.lacking.items() if ids is not None and not ids}


class LooseReferee(Referee):
    """I2 for registers that count already: one that counts anew is filled by and by."""

    def register_written(self, register: int, own_id: str) -> None:
        entries = self.registers[register].entries
        owns = {i: own for node in self.nodes for i, own in node.owns.items()}
        mine = entries.get(own_id)
        for other, entry in entries.items() if mine is not None else ():
            if mine is None or other == own_id or entry.claim.priority != mine.claim.priority:
                continue
            # What a register that did not count has kept of an attempt that is over is a stray.
            alive = all(owns[i].placement.base or owns[i].placement.goal for i in (own_id, other))
            if alive and entry.claim.sites & mine.claim.sites:
                raise Violation(f"I1: R{register} holds both {own_id} and {other}")

    def believed(self, own: Own) -> None:
        base = own.placement.base
        if base is None:
            return
        for index, slot in enumerate(own.placement.slots):
            register = self.place(own, index)
            entry = self.registers[register].entries.get(own.id)
            lacks = entry is None or base.sites & ~entry.claim.sites
            if lacks and slot.state is SlotState.HELD:
                raise Violation(f"I2: {own.id} counts as coordinated, R{register} lacks it")
        if both := self.both(own, at_rest=False):
            raise Violation(f"I3: {both}")


class SuccessionWorld(World):
    """One run."""

    def __init__(self, seed: int, nodes: Nodes = SOUND, *, tell: bool = False) -> None:
        super().__init__(seed, tell=tell)
        self.how = nodes
        drawn = Random(seed ^ 0x5EED)
        count = drawn.choice((3, 3, 4, 5))
        self.parties, self.pool = count, False
        self.nodes = [Node(i) for i in range(count)]
        self.registers = [type(self.registers[0])() for _ in range(count)]
        self.referee = LooseReferee(self.nodes, self.registers, self.place, window=False)
        self.rolls = self.draw_rolls(drawn)
        self.known = [Known(lacking=dict.fromkeys(self.rolls[0], frozenset())) for _ in self.nodes]
        self.went_over = 0

    def draw_rolls(self, drawn: Random) -> list[tuple[int, ...]]:
        """Who counts, version by version; at last everybody does."""
        everybody = tuple(range(self.parties))
        rolls = [everybody]
        for _ in range(drawn.choice((1, 2, 3, 4))):
            count = drawn.choice((1, 1, 2, 2, self.parties))
            roll = tuple(sorted(drawn.sample(everybody, count)))
            if self.how.uncommon or set(roll) & set(rolls[-1]):
                rolls.append(roll)
        return [*rolls, everybody]

    # ---- versions

    def roll(self, node: Node) -> tuple[int, ...]:
        return self.rolls[self.known[node.index].version]

    def place(self, own: Own, index: int) -> int:
        return self.roll(own.plan.node)[index]

    def schedule(self) -> None:
        super().schedule()
        hasty = self.random.random() < 0.5
        begun = self.random.uniform(5, FAULTS_END_S / 2)
        for version in range(1, len(self.rolls)):
            begun += self.random.uniform(0, 3 if hasty else 30)
            for node in self.nodes:
                at = begun + self.random.uniform(0, 10)
                self.at(at, lambda n=node, v=version: self.over(n, v))

    def over(self, node: Node, version: int) -> None:
        """Go over as soon as nothing is in the way, one version after the other."""
        known = self.known[node.index]
        again = lambda: self.at(TRIES_S, lambda: self.over(node, version))  # noqa: E731
        if known.version >= version:
            return
        if not node.up or known.version < version - 1:
            again()
            return
        before, after = self.rolls[version - 1], self.rolls[version]
        if reasons := self.obstacles(node, before, after):
            self.say(f"node {node.index} cannot go over to {after}: {reasons}")
            again()
            return
        self.say(f"node {node.index} goes over from {before} to {after}")
        self.went_over += 1
        node.life += 1
        common = set(before) & set(after)
        self.known[node.index] = Known(
            version=version,
            lacking={r: known.lacking[r] if r in common else None for r in after},
        )
        for own in list(node.owns.values()):
            own.looking.clear()
            own.placement = self.moved(own, before, after)
        for own in list(node.owns.values()):
            self.store(own, self.planner.restarted(own.placement))

    def moved(self, own: Own, before: Sequence[int], after: Sequence[int]) -> Placement[Claim]:
        was = own.placement
        now = gone_over(was, names(before), names(after), str(own.plan.node.index))
        if self.how.unjudged:
            slots = dict(zip(before, was.slots, strict=True))
            kept = [slots.get(r) for r in after]
            now = replace(
                now,
                slots=tuple(
                    old if old is not None and old.state is SlotState.HELD else new
                    for old, new in zip(kept, now.slots, strict=True)
                ),
            )
        return now

    def obstacles(self, node: Node, before: Sequence[int], after: Sequence[int]) -> Sequence[str]:
        known = self.known[node.index]
        common = [str(r) for r in after if r in before]
        if self.how.uncommon or self.how.unchecked:
            return ()
        held = {str(r): known.at.get(r) for r in before}
        return obstacles(common, unsure(held, common, set(map(str, known.full))))

    # ---- what differs by version

    def send(self, source: int, target: int, action: Action, kind: Message = "read") -> None:
        asked = self.known[source].version

        def taken() -> None:
            # Whoever is ahead or behind may read, and take back.
            if kind != "write" or self.how.mixed or self.known[target].version == asked:
                action()

        super().send(source, target, taken, kind)

    def served(self, other: str, manager: int, register: int) -> tuple[str, Claim] | None:
        own, roll = self.nodes[manager].owns.get(other), self.roll(self.nodes[manager])
        if own is None or register not in roll:
            return None
        view = own.placement.slots[roll.index(register)].view
        return None if view is None else (view.ovn, view.space)

    def final(self, own: Own, entry: Entry) -> bool:
        return not self.how.yielding and entry.manager not in self.roll(own.plan.node)

    def recheck(self, node: Node, own_id: str, claim: Claim) -> None:
        # The register of somebody struck off is asked by nobody.
        if node.index in self.roll(node):
            super().recheck(node, own_id, claim)

    def declare(self, plan: Plan, number: int) -> None:
        node, roll = plan.node, self.roll(plan.node)
        if node.index in roll:
            own = roll.index(node.index)
            placement = steps.declare(self.claim(), registers=len(roll), own=own)
            plan.own = self.begin(plan, placement, f"P{number}")

    def wish(self, plan: Plan) -> None:
        if plan.node.index in self.roll(plan.node):
            super().wish(plan)

    # ---- looking after the registers

    def sweep(self, node: Node) -> None:
        self.at(SWEEP_S, lambda: self.sweep(node))
        if not node.up:
            return
        for own in list(node.owns.values()):
            if own.placement.phase is Phase.PLACING and self.now - own.since > HOLD_LIMIT_S:
                own.since = self.now
                self.store(own, self.planner.hold_limit(own.placement))
        roll = self.roll(node)
        for register in range(self.parties):
            index = roll.index(register) if register in roll else None
            asked = {} if index is None else self.asked(node, index)
            self.send(
                node.index,
                register,
                lambda r=register, i=index, a=asked, n=node.life: self.swept_at(node, r, i, a, n),
            )

    def asked(self, node: Node, index: int) -> dict[str, int]:
        return {own.id: own.placement.slots[index].asked for own in node.owns.values()}

    def swept_at(
        self, node: Node, register: int, index: int | None, asked: Mapping[str, int], life: int
    ) -> None:
        entries = self.registers[register].entries
        mine = {i: e.ovn for i, e in entries.items() if e.manager == node.index}
        standing = set(entries)
        version = self.known[register].version

        def back() -> None:
            if node.life != life:
                return
            for own in [node.owns[i] for i in mine]:
                # Of one that does not count: whatever nobody waits for is taken back.
                if index is None and own.placement.phase in STANDS_NOWHERE:
                    self.send(
                        node.index,
                        register,
                        lambda i=own.id: self.registers[register].entries.pop(i, None),
                        "delete",
                    )
            if index is not None and version >= self.known[node.index].version:
                self.have_read(node, register, standing)
            for own in [node.owns[i] for i in asked]:
                assert index is not None
                step = self.planner.swept(
                    own.placement, index, mine.get(own.id), asked=asked[own.id]
                )
                if step.placement != own.placement:
                    self.say(f"{own.id}: {step.news} at R{register}")
                    self.store(own, step)

        self.send(register, node.index, back, "answer")

    def have_read(self, node: Node, register: int, standing: set[str]) -> None:
        known = self.known[node.index]
        known.at[register] = standing
        if known.at.keys() >= set(self.roll(node)):
            held = {str(r): ids for r, ids in known.at.items()}
            for r, before in known.lacking.items():
                if before is None or before:
                    known.lacking[r] = lacking(held, str(r), before)


def names(registers: Sequence[int]) -> tuple[str, ...]:
    return tuple(map(str, registers))


if __name__ == "__main__":
    chosen = BROKEN[sys.argv[2]] if len(sys.argv) > 2 else SOUND
    SuccessionWorld(int(sys.argv[1]), chosen, tell=True).run()
    print("at rest; nothing broken")
