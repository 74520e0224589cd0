"""A simulated world: many nodes in one process, driven by the planner's real functions and a seed.

Time is a number, links delay, lose and repeat messages and are cut for a while, nodes crash and
come back with what they had stored. Registers have the real rules of F3548-21: OVNs, keys over
everything in the same cells. Reading, fetching details and judging take time, so decisions are made
on what was true a moment ago. Every write and every change of belief is checked as it happens.

    .venv/bin/python tests/placement/world.py 4711              replays one seed, event by event
    .venv/bin/python tests/placement/world.py 4711 no-sweep      with a broken planner
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from heapq import heappop, heappush
from random import Random
from typing import Literal

from referee import Referee
from world_parts import (
    BROKEN,
    SITES,
    SOUND,
    Breakage,
    Claim,
    Entry,
    Node,
    Own,
    Plan,
    Register,
    Violation,
)

from tansiq.domain import placement_steps as steps
from tansiq.domain.placement import (
    Aim,
    Blocker,
    Confirmed,
    Due,
    Look,
    Outcome,
    Phase,
    Placement,
    Request,
    due,
)
from tansiq.errors import WrongState

FAULTS_END_S = 90.0
LONGEST_DELAY_S = 30.0
REST_WITHIN_S = 600.0
REQUEST_LIMIT_S = 4.0
HOLD_LIMIT_S = 15.0
SWEEP_S = 8.0

Action = Callable[[], None]
Message = Literal["read", "write", "delete", "answer"]


class World:
    """One run."""

    def __init__(self, seed: int, breakage: Breakage = SOUND, *, tell: bool = False) -> None:
        self.random = Random(seed)
        self.breakage, self.planner, self.tell = breakage, breakage.planner, tell
        self.now = 0.0
        self.queue: list[tuple[float, int, Action]] = []
        self.events = 0
        self.parties = (2, 3, 6)[seed % 3]
        self.pool = seed % 10 == 9 and not breakage.only_own
        self.nodes = [Node(i) for i in range(self.parties)]
        self.registers = [Register() for _ in range(1 if self.pool else self.parties)]
        self.referee = Referee(self.nodes, self.registers, self.place, window=self.pool)
        self.plans: list[Plan] = []
        self.cut: set[tuple[int, int]] = set()
        self.loss, self.copies = self.random.choice(((0.0, 0.0), (0.05, 0.05), (0.25, 0.15)))
        self.reached: set[Phase] = set()

    # ---- time and links ---------------------------------------------------------------------

    def at(self, delay: float, action: Action) -> None:
        self.events += 1
        heappush(self.queue, (self.now + delay, self.events, action))

    def send(self, source: int, target: int, action: Action, kind: Message = "read") -> None:
        """Deliver once, or twice, or never; a node that is down hears nothing."""
        node = self.nodes[target]
        faulty = self.now < FAULTS_END_S
        copies = 2 if faulty and self.random.random() < self.copies else 1
        for _ in range(copies):
            if source != target and faulty:
                lost = self.random.random() < self.loss
                if lost or (min(source, target), max(source, target)) in self.cut:
                    continue
            delay = self.random.expovariate(20.0)
            if faulty and self.random.random() < 0.05:
                delay = self.random.uniform(0.0, LONGEST_DELAY_S)
            self.at(delay, lambda: action() if node.up else None)

    def say(self, text: str) -> None:
        if self.tell:
            print(f"{self.now:8.3f}  {text}")

    def run(self) -> None:
        """Run to the end and check that all comes to rest.

        Raises:
            Violation: an invariant is broken, at any time.
        """
        self.schedule()
        while self.queue:
            self.now, _, action = heappop(self.queue)
            if self.now > FAULTS_END_S + LONGEST_DELAY_S + REST_WITHIN_S:
                break
            action()
            if self.now > FAULTS_END_S + LONGEST_DELAY_S + SWEEP_S and not self.referee.restless():
                return
        raise Violation(f"I4: {self.referee.restless()}")

    # ---- what happens -----------------------------------------------------------------------

    def schedule(self) -> None:
        """Draw the plans, what their users want, and the faults."""
        for number in range(self.random.randint(2, 2 * self.parties)):
            plan = Plan(self.nodes[self.random.randrange(self.parties)])
            self.plans.append(plan)
            self.at(self.random.uniform(0, 5), lambda p=plan, n=number: self.declare(p, n))
            for _ in range(self.random.choice((0, 0, 1, 2, 3))):
                self.at(self.random.uniform(1, 70), lambda p=plan: self.wish(p))
        for node in self.nodes:
            self.at(self.random.uniform(0, SWEEP_S), lambda n=node: self.sweep(n))
            if self.random.random() < 0.4:
                self.at(self.random.uniform(0.1, 60), lambda n=node: self.crash(n))
        if self.random.random() < 0.4:
            a, b = sorted(self.random.sample(range(self.parties), 2))
            start = self.random.uniform(0, 60)
            self.at(start, lambda: self.cut.add((a, b)))
            self.at(start + self.random.uniform(1, 30), lambda: self.cut.discard((a, b)))

    def claim(self) -> Claim:
        first = self.random.randrange(SITES)
        sites = 1 << first
        if self.random.random() < 0.4:
            sites |= 1 << (first + 1) % SITES
        return Claim(sites, priority=self.random.choice((0, 0, 0, 1, 2)))

    def other_claim(self, placement: Placement[Claim]) -> Claim:
        """Draw other sites; the priority of a plan and its state stay (see docs/direct-mode.md)."""
        flying = placement.base is not None and placement.base.flying
        return Claim(self.claim().sites, flying, placement.want.priority)

    def strayed(self, placement: Placement[Claim]) -> Claim:
        """Draw where an aircraft is instead; or what stands nowhere, to be refused."""
        base = placement.base or placement.want
        return base.nominal._replace(away=self.claim().sites, off=True)

    def declare(self, plan: Plan, number: int) -> None:
        node = plan.node
        registers = 1 if self.breakage.only_own else len(self.registers)
        own = None if self.pool else 0 if self.breakage.only_own else node.index
        if self.pool and node.index == 0:
            own = 0
        placement = steps.declare(self.claim(), registers=registers, own=own)
        plan.own = self.begin(plan, placement, f"P{number}")

    def begin(self, plan: Plan, placement: Placement[Claim], name: str) -> Own:
        plan.ids += 1
        own = Own(f"{name.split('-')[0]}-{plan.ids}", placement, plan, self.now)
        plan.node.owns[own.id] = own
        self.say(f"{own.id} of node {plan.node.index}: {placement.phase} {placement.want}")
        self.pump(own)
        return own

    def wish(self, plan: Plan) -> None:
        """The user ends, changes or activates the plan."""
        own = plan.own
        if own is None or not plan.node.up:
            return
        what = self.random.choice(("end", "change", "change", "activate", "activate", "stray"))
        placement = own.placement
        try:
            if what == "end":
                step = self.planner.end(placement)
            elif what == "change":
                step = self.planner.change(placement, self.other_claim(placement))
            elif what == "activate":
                step = self.planner.activate(placement, placement.target.nominal)
            else:
                step = self.planner.deviate(placement, self.strayed(placement))
        except WrongState:
            return
        self.say(f"user of {own.id}: {what}")
        self.store(own, step)

    def crash(self, node: Node) -> None:
        self.say(f"node {node.index} crashes")
        node.up, node.life = False, node.life + 1
        for own in node.owns.values():
            own.looking.clear()
        self.at(self.random.choice((0.01, 1.0, 20.0)), lambda: self.restart(node))

    def restart(self, node: Node) -> None:
        self.say(f"node {node.index} is back")
        node.up = True
        for own in list(node.owns.values()):
            self.store(own, self.planner.restarted(own.placement))

    # ---- the shell around the planner -------------------------------------------------------

    def place(self, own: Own, index: int) -> int:
        """Return which register stands at ``index`` of the placement."""
        return own.plan.node.index if self.breakage.only_own else index

    def host(self, register: int) -> int:
        return 0 if self.pool else register

    def store(self, own: Own, step: steps.Step[Claim], key: frozenset[str] = frozenset()) -> None:
        """Keep what a step made, check it, then do what follows."""
        before, own.placement = own.placement, step.placement
        if before.phase is not step.placement.phase:
            own.since = self.now
            self.reached.add(step.placement.phase)
            self.say(f"{own.id}: {before.phase} -> {step.placement.phase} {step.placement.blocker}")
        self.referee.became(before.base, own)
        self.referee.believed(own)
        if step.request is not None:
            self.request(own, step.request, key)
        if step.retired and step.placement.phase is not Phase.ENDED:
            own.placement = replace(step.placement, phase=Phase.ENDED, blocker=None)
            own.plan.own = self.begin(own.plan, replace(step.placement, resting=()), own.id)
        self.pump(own)

    def pump(self, own: Own) -> None:
        """Start the looks that are due, one at a time per register."""
        if own.plan.node.up:
            for look_due in due(own.placement):
                if look_due.register not in own.looking:
                    self.look(own, look_due)

    def look(self, own: Own, look_due: Due[Claim]) -> None:
        node, life = own.plan.node, own.plan.node.life
        token = own.looking[look_due.register] = object()
        register = self.place(own, look_due.register)
        host = self.host(register)
        sites = (look_due.against or own.placement.want).all
        sites |= look_due.write.all if look_due.write is not None else 0

        def over() -> None:
            if node.life == life and own.looking.get(look_due.register) is token:
                del own.looking[look_due.register]
                self.pump(own)

        def there() -> None:
            found = self.read(own, register, sites)
            self.send(host, node.index, lambda: back(found), "answer")

        def back(found: dict[str, Entry]) -> None:
            if node.life == life and own.looking.get(look_due.register) is token:
                self.gather(own, look_due, found, sites, over)

        self.at(REQUEST_LIMIT_S * 2, over)
        self.send(node.index, host, there)

    def read(self, own: Own, register: int, sites: int) -> dict[str, Entry]:
        there = self.registers[register]
        found = there.relevant(sites)
        if own.id in there.entries:
            found[own.id] = replace(there.entries[own.id])
        return found

    def gather(
        self, own: Own, look_due: Due[Claim], found: dict[str, Entry], sites: int, over: Action
    ) -> None:
        """Fetch the details of what a read showed, then decide on it."""
        node, life = own.plan.node, own.plan.node.life
        token = own.looking[look_due.register]
        register = self.place(own, look_due.register)
        details: dict[str, tuple[str, Claim]] = {}
        others = set(found) - {own.id} if look_due.against is not None else set()
        waiting = set(others)

        def decide() -> None:
            if node.life != life or own.looking.get(look_due.register) is not token:
                return
            if self.decide(own, look_due, found, details, sites):
                own.looking.pop(look_due.register, None)
                self.pump(own)
            else:  # Nothing came of it: again a little later.
                self.at(self.random.uniform(0.2, 1.0), over)

        def heard(other: str, served: tuple[str, Claim] | None) -> None:
            if served is not None:
                details[other] = served
            if other in waiting:
                waiting.discard(other)
                if not waiting:
                    decide()

        for other in sorted(others):
            self.fetch(node.index, found[other].manager, other, register, heard)
        if not others:
            decide()
        else:
            self.at(REQUEST_LIMIT_S, lambda: decide() if waiting else None)

    def fetch(
        self,
        source: int,
        manager: int,
        other: str,
        register: int,
        heard: Callable[[str, tuple[str, Claim] | None], None],
    ) -> None:
        """Ask a manager for the details that it serves for one register."""

        def there() -> None:
            served = self.served(other, manager, register)
            self.send(manager, source, lambda: heard(other, served), "answer")

        self.send(source, manager, there)

    def served(self, other: str, manager: int, register: int) -> tuple[str, Claim] | None:
        """What a manager shows of its intent for that register: one record, or nothing."""
        own = self.nodes[manager].owns.get(other)
        if own is None:
            return None
        if self.breakage.unpaired and own.placement.base is not None:
            entry = self.registers[register].entries.get(other)
            return None if entry is None else (entry.ovn, own.placement.base)
        index = 0 if self.breakage.only_own else register
        view = own.placement.slots[index].view
        return None if view is None else (view.ovn, view.space)

    def decide(
        self,
        own: Own,
        look_due: Due[Claim],
        found: dict[str, Entry],
        details: dict[str, tuple[str, Claim]],
        sites: int,
    ) -> bool:
        """Let the planner decide; report whether anything came of it."""
        local = own.placement.own == look_due.register
        if local:  # One transaction: read again what may have changed while details were fetched.
            found = self.read(own, self.place(own, look_due.register), sites)
        look, key = self.judge(own, look_due, found, details)
        before = own.placement
        step = self.planner.looked(before, look)
        if step.placement == before and step.request is None:
            return False
        request = step.request
        if local and request is not None:
            register = self.place(own, look_due.register)
            outcome, confirmed = self.write(register, own.id, own.plan.node.index, request, key)
            step = self.planner.answered(
                step.placement, request.register, request.number, outcome, confirmed=confirmed
            )
        self.store(own, step, key)
        return True

    def judge(
        self,
        own: Own,
        look_due: Due[Claim],
        found: dict[str, Entry],
        details: dict[str, tuple[str, Claim]],
    ) -> tuple[Look[Claim], frozenset[str]]:
        mine = found.get(own.id)
        own_ovn = None if mine is None else mine.ovn
        blockers, unknown, key = [], [], []
        against, exempt = look_due.against, look_due.exempt
        for other, entry in sorted(found.items()) if against is not None else ():
            if other == own.id or against is None:
                continue
            ovn, claim = details.get(other, ("", None))
            if claim is None or ovn != entry.ovn:
                unknown.append(other)
                continue
            key.append(ovn)
            final = self.final(own, entry) and look_due.aim is not Aim.KEEP
            if (claim.priority >= against.priority or final) and claim.blocks(against, exempt):
                found_one = self.blocker(own, other, claim.priority > against.priority)
                found_one = replace(found_one, coordinated=found_one.coordinated or final or None)
                blockers.append(replace(found_one, off_nominal=claim.off))
        look = Look(
            due=look_due, own_ovn=own_ovn, blockers=tuple(blockers), unknown=frozenset(unknown)
        )
        return look, frozenset(key)

    def final(self, own: Own, entry: Entry) -> bool:
        """Whether whoever holds this cannot be told to give way."""
        return False

    def blocker(self, own: Own, other: str, outranks: bool) -> Blocker:
        """Of our own other plans we know at once whether they are coordinated."""
        mine = own.plan.node.owns.get(other)
        coordinated = None if mine is None else mine.placement.base is not None or None
        return Blocker(id=other, outranks=outranks, coordinated=coordinated)

    def request(self, own: Own, request: Request[Claim], key: frozenset[str]) -> None:
        """Send a write whose placement is stored already."""
        if own.placement.slots[request.register].awaited is not request:
            return  # Written in the own register's transaction.
        node, life = own.plan.node, own.plan.node.life
        register = self.place(own, request.register)
        host = self.host(register)

        def there() -> None:
            outcome, confirmed = self.write(register, own.id, node.index, request, key)
            self.send(host, node.index, lambda: back(outcome, confirmed), "answer")

        def back(outcome: Outcome, confirmed: Confirmed | None) -> None:
            if request.register >= len(own.placement.slots):
                return  # Of another list of registers.
            if self.pool and outcome is Outcome.OK and request.space is not None:
                # Nobody notifies us of our own plans; in direct mode our register does it.
                self.recheck(node, own.id, request.space)
            self.store(
                own,
                self.planner.answered(
                    own.placement, request.register, request.number, outcome, confirmed=confirmed
                ),
            )

        def late() -> None:
            if node.life == life:
                self.store(
                    own, self.planner.timed_out(own.placement, request.register, request.number)
                )

        self.say(f"{own.id}: {request.kind} at R{register} {request.space}")
        self.send(node.index, host, there, "write" if request.space is not None else "delete")
        self.at(REQUEST_LIMIT_S, late)

    def write(
        self, register: int, own_id: str, manager: int, request: Request[Claim], key: frozenset[str]
    ) -> tuple[Outcome, Confirmed | None]:
        outcome, confirmed = self.registers[register].write(own_id, manager, request, key)
        self.say(f"R{register} <- {request.kind} {own_id}: {outcome}")
        if outcome is Outcome.OK:
            self.referee.register_written(register, own_id)
            self.referee.believed(self.nodes[manager].owns[own_id])
            if request.space is not None:
                self.recheck(self.nodes[self.host(register)], own_id, request.space)
                for node in self.nodes if self.pool else ():
                    self.notify(manager, node, own_id, request.space)
        return outcome, confirmed

    def recheck(self, node: Node, own_id: str, claim: Claim) -> None:
        """Reopen what a node has there: in the accepting transaction, or when it is notified."""
        for own in list(node.owns.values()):
            index = own.placement.last_look
            if own.id != own_id and own.placement.want.all & claim.all:
                self.store(own, self.planner.recheck(own.placement, index))

    def notify(self, manager: int, node: Node, own_id: str, claim: Claim) -> None:
        """Tell another party of the pool, again and again until it has heard."""
        told = False

        def heard() -> None:
            nonlocal told
            told = True
            self.recheck(node, own_id, claim)

        def tell() -> None:
            if not told:
                self.send(manager, node.index, heard)
                self.at(REQUEST_LIMIT_S, tell)

        if node.index != manager and node.index != self.host(0):
            tell()

    def sweep(self, node: Node) -> None:
        """Look for strays and lost entries; and let go of what was held in vain too long."""
        self.at(SWEEP_S, lambda: self.sweep(node))
        if not node.up:
            return
        for own in list(node.owns.values()):
            if own.placement.phase is Phase.PLACING and self.now - own.since > HOLD_LIMIT_S:
                own.since = self.now
                self.store(own, self.planner.hold_limit(own.placement))
        registers = [node.index] if self.breakage.only_own else range(len(self.registers))
        for index, register in enumerate(registers):
            asked = {own.id: own.placement.slots[index].asked for own in node.owns.values()}
            self.send(
                node.index,
                self.host(register),
                lambda r=register, i=index, a=asked: self.swept(node, r, i, a),
            )

    def swept(self, node: Node, register: int, index: int, asked: dict[str, int]) -> None:
        entries = self.registers[register].entries
        found = {i: e.ovn for i, e in entries.items() if e.manager == node.index}

        def back() -> None:
            for own in [node.owns[i] for i in asked]:
                step = self.planner.swept(
                    own.placement, index, found.get(own.id), asked=asked[own.id]
                )
                if step.placement != own.placement:
                    self.say(f"{own.id}: {step.news} at R{register}")
                    self.store(own, step)

        self.send(self.host(register), node.index, back, "answer")


if __name__ == "__main__":
    chosen = BROKEN[sys.argv[2]] if len(sys.argv) > 2 else SOUND
    World(int(sys.argv[1]), chosen, tell=True).run()
    print("at rest; nothing broken")
