"""The planner's real functions over model registers: the states, and the steps between them.

A state is (placements, registers, network, budgets). Two abstractions keep the space finite
without bounding the number of writes: of a remembered OVN only "is it still the current one?" is
kept, and of request numbers only which one is awaited. Both are exact, because the planner only
ever compares them. All plans are relevant to each other, so keys go stale by mere neighbours too.

The real functions are pure, hence remembered: a state holds numbers that stand for placements.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from tansiq.domain import placement_steps as steps
from tansiq.domain.placement import (
    Blocker,
    Confirmed,
    Due,
    Kind,
    Look,
    Outcome,
    Phase,
    Placement,
    Slot,
    due,
)
from tansiq.errors import WrongState


class Mask(NamedTuple):
    """A space for tests: a set of sites as bits, and whether the plan is Activated.

    ``away`` are the sites where its aircraft has strayed to, ``off`` says that it still is there.
    """

    sites: int
    flying: bool = False
    priority: int = 0
    away: int = 0
    off: bool = False

    @property
    def off_nominal(self) -> bool:
        return self.off

    @property
    def nominal(self) -> "Mask":
        return Mask(self.sites, flying=True, priority=self.priority)

    @property
    def first(self) -> "Mask":
        return Mask(self.sites, priority=self.priority)

    @property
    def all(self) -> int:
        return self.sites | self.away

    def blocks(self, against: "Mask", exempt: "Mask | None") -> bool:
        """Report whether this is in the way of ``against``, besides what met ``exempt`` before.

        Where it strayed it is not coordinated, so having met it there excuses nothing else.
        """
        met = 0 if exempt is None else exempt.all
        plainly = self.sites & against.all and not self.sites & met
        astray = self.away & against.all and not self.all & met
        return bool(plainly or astray)

    def union(self, other: "Mask") -> "Mask":
        return Mask(
            self.sites | other.sites,
            self.flying or other.flying,
            self.priority,
            self.away | other.away,
            self.off or other.off,
        )


P = Placement[Mask]
Step = steps.Step[Mask]
NONE = Mask(0)


class Planner:
    """The real functions; the variants that must fail override one each."""

    looked = staticmethod(steps.looked)
    answered = staticmethod(steps.answered)
    timed_out = staticmethod(steps.timed_out)
    restarted = staticmethod(steps.restarted)
    swept = staticmethod(steps.swept)
    recheck = staticmethod(steps.recheck)
    change = staticmethod(steps.change)
    end = staticmethod(steps.end)
    hold_limit = staticmethod(steps.hold_limit)
    activate = staticmethod(steps.activate)
    deviate = staticmethod(steps.deviate)


class Budget(NamedTuple):
    """How often the environment may do what."""

    losses: int = 0
    copies: int = 0
    crashes: int = 0
    ends: int = 0
    changes: int = 0
    backouts: int = 0
    activations: int = 0
    wipes: int = 0
    deviations: int = 0


NO_FAULTS = Budget()


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Who plans what, where, and what may go wrong."""

    name: str
    sites: tuple[int, ...] = (1, 1)
    owner: tuple[int, ...] = (0, 1)
    priority: tuple[int, ...] = ()
    registers: int = 2
    order: tuple[tuple[int, ...], ...] = ()
    """Per plan: the registers it is placed in; none given: all, in the same order."""
    change: dict[int, int] = field(default_factory=dict)
    away: dict[int, int] = field(default_factory=dict)
    """Per plan: the sites where its aircraft may stray to."""
    budget: Budget = NO_FAULTS
    wipe: tuple[int, ...] = ()
    foreign: frozenset[int] = frozenset()
    """Plans of others than us: final where they stand."""
    local: bool = True
    """A register in the planner's own node is written in one transaction."""
    notes: bool = False
    """Whether a plan waiting hears from the blocker's owner that it is coordinated."""
    planner: type[Planner] = Planner
    own_recheck: bool = True
    exempt_away: bool = False
    """Whether a return may also meet what was met only because it strayed."""
    exempt_strays: bool = False
    """Whether a change may meet all of what strayed into us."""
    paired: bool = True
    """Whether volumes and OVN are served from one record."""
    check_registers: bool = True
    check_held: bool = True
    fails: str = ""
    """How it must fail; empty if it must pass."""
    soak: bool = False

    @property
    def plans(self) -> int:
        return len(self.sites)

    def places(self, p: int) -> tuple[int, ...]:
        return self.order[p] if self.order else tuple(range(self.registers))

    def rank(self, p: int) -> int:
        return self.priority[p] if self.priority else 0


class Message(NamedTuple):
    """A request on its way (``answer`` None), or the answer to one that is awaited."""

    p: int
    j: int
    kind: Kind
    space: Mask
    fresh: bool
    """Request: its OVN is still current. Answer: the OVN that it brings is."""
    key: int
    live: bool
    answer: Outcome | None = None


class State(NamedTuple):
    placements: tuple[int, ...]
    registers: tuple[tuple[Mask, ...], ...]
    net: tuple[Message, ...]
    left: Budget


Actor = tuple[str, int, int] | None
"""Who must take the step some time, if it stays possible; None for the environment."""
Move = tuple[Actor, str, State]


class Sent(NamedTuple):
    """A request as the model keeps it."""

    index: int
    kind: Kind
    space: Mask


class Model:
    """The steps of one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.s = scenario
        self.known: list[P] = []
        self.ids: dict[P, int] = {}
        self.remembered: dict[tuple[object, ...], tuple[int, Sent | None]] = {}
        self.dues: dict[int, tuple[Due[Mask], ...]] = {}

    def initial(self) -> State:
        s = self.s
        placements = []
        for p in range(s.plans):
            places = s.places(p)
            own = places.index(s.owner[p]) if s.owner[p] in places else None
            plan = steps.declare(Mask(s.sites[p]), registers=len(places), own=own)
            placements.append(self.number(plan))
        empty = (NONE,) * s.plans
        return State(tuple(placements), (empty,) * s.registers, (), s.budget)

    # ---- placements as small numbers --------------------------------------------------------

    def number(self, placement: P) -> int:
        """Return the number of a placement, after forgetting what is never compared."""
        count = len(placement.slots)

        def plain(i: int, slot: Slot[Mask]) -> Slot[Mask]:
            awaited = slot.awaited
            if awaited is not None:
                awaited = replace(awaited, number=i + 1, ovn=None)
            return replace(slot, awaited=awaited, asked=0)

        slots = tuple(plain(i, slot) for i, slot in enumerate(placement.slots))
        plain_placement = replace(placement, slots=slots, number=count, alarms=0)
        found = self.ids.get(plain_placement)
        if found is None:
            found = self.ids[plain_placement] = len(self.known)
            self.known.append(plain_placement)
        return found

    def do(self, n: int, what: str, *arguments: object) -> tuple[int, Sent | None]:
        """Call a function of the planner on placement ``n``, or remember what it returned."""
        memo = (n, what, *arguments)
        found = self.remembered.get(memo)
        if found is None:
            step = self.call(self.known[n], what, arguments)
            sent = None
            if step.request is not None:
                space = step.request.space or NONE
                sent = Sent(step.request.register, step.request.kind, space)
            found = self.remembered[memo] = (self.number(step.placement), sent)
        return found

    def call(self, placement: P, what: str, arguments: tuple) -> Step:  # type: ignore[type-arg]
        planner = self.s.planner
        if what == "answered":
            i, outcome, ovn = arguments
            confirmed = Confirmed(ovn=ovn, version=1, subscription_id="")
            return planner.answered(placement, i, i + 1, outcome, confirmed=confirmed)
        if what == "timed_out":
            return planner.timed_out(placement, arguments[0], arguments[0] + 1)
        if what == "swept":
            return planner.swept(placement, *arguments, asked=0)
        if what == "outdated":
            (i,) = arguments
            slot = placement.slots[i]
            assert slot.view is not None
            slot = replace(slot, view=replace(slot.view, ovn="old"))
            slots = placement.slots
            return steps.Step(
                placement=replace(placement, slots=(*slots[:i], slot, *slots[i + 1 :]))
            )
        try:
            return getattr(planner, what)(placement, *arguments)
        except WrongState:
            return steps.Step(placement=placement)

    def due(self, n: int) -> tuple[Due[Mask], ...]:
        if n not in self.dues:
            self.dues[n] = due(self.known[n])
        return self.dues[n]

    def index(self, p: int, j: int) -> int | None:
        places = self.s.places(p)
        return places.index(j) if j in places else None

    # ---- registers --------------------------------------------------------------------------

    def apply(self, s: State, m: Message) -> tuple[State, Outcome]:
        """Carry out a write by the rules of F3548-21."""
        here = s.registers[m.j]
        if m.kind is Kind.CREATE:
            if here[m.p] != NONE:
                return s, Outcome.EXISTS
        elif here[m.p] == NONE:
            return s, Outcome.GONE
        elif not m.fresh:
            return s, Outcome.STALE
        grounded = here[m.p] != NONE and here[m.p].flying and not m.space.flying
        if (m.kind is Kind.CREATE and m.space.flying) or (m.kind is Kind.UPDATE and grounded):
            return s, Outcome.REFUSED  # The first state is Accepted, and none leads back to it.
        keyless = m.kind is Kind.DELETE or m.space.off
        if not keyless and any(
            here[q] != NONE and q != m.p and not m.key >> q & 1 for q in range(self.s.plans)
        ):
            return s, Outcome.MISSING
        entry = NONE if m.kind is Kind.DELETE else m.space
        registers = put(s.registers, m.j, put(here, m.p, entry))
        net = tuple(sorted(map(outdate(m.p, m.j), s.net), key=repr))
        placements = s.placements
        i = self.index(m.p, m.j)
        assert i is not None
        view = self.known[placements[m.p]].slots[i].view
        if view is not None and view.ovn == "cur":
            placements = put(placements, m.p, self.do(placements[m.p], "outdated", i)[0])
        if m.kind is not Kind.DELETE and self.s.own_recheck:
            placements = self.tell_own(placements, m)
        return State(placements, registers, net, s.left), Outcome.OK

    def tell_own(self, placements: tuple[int, ...], m: Message) -> tuple[int, ...]:
        """Reopen, in the accepting transaction, the plans of the register's own node."""
        for q in range(self.s.plans):
            i = self.index(q, m.j)
            if q == m.p or self.s.owner[q] != m.j or i is None:
                continue
            if self.known[placements[q]].want.all & m.space.all:
                placements = put(placements, q, self.do(placements[q], "recheck", i)[0])
        return placements

    # ---- planners ---------------------------------------------------------------------------

    def settle(self, s: State, p: int, n: int) -> State:
        """Store a placement; what it no longer awaits is a stray, or an answer to nobody."""
        slots = self.known[n].slots
        net = []
        for m in s.net:
            if m.p == p and m.live:
                i = self.index(p, m.j)
                if i is None or slots[i].awaited is None:
                    if m.answer is None:
                        net.append(m._replace(live=False))
                    continue
            net.append(m)
        return s._replace(placements=put(s.placements, p, n), net=tuple(sorted(set(net), key=repr)))

    def look(self, s: State, p: int, due: Due[Mask]) -> tuple[Look[Mask], int]:
        """Read a register and judge; also returns the key, as bits."""
        j = self.s.places(p)[due.register]
        here = s.registers[j]
        own = "cur" if here[p] != NONE else None
        if due.against is None:
            return Look(due=due, own_ovn=own), 0
        blockers, unknown, key = [], set(), 0
        exempt = due.exempt
        if self.s.exempt_away and exempt is not None:
            exempt = self.known[s.placements[p]].base
        for q in range(self.s.plans):
            if q == p or here[q] == NONE:
                continue
            seen = self.served(s, q, j)
            if seen is None:
                unknown.add(f"P{q}")
                continue
            key |= 1 << q
            blocks = seen.blocks(due.against, exempt)
            if self.s.exempt_strays:
                blocks = bool(seen.all & due.against.all)
                blocks = blocks and not (exempt is not None and seen.all & exempt.all)
            if blocks and self.s.rank(q) >= self.s.rank(p):
                blockers.append(replace(self.blocker(s, p, q), off_nominal=seen.off))
        look = Look(due=due, own_ovn=own, blockers=tuple(blockers), unknown=frozenset(unknown))
        return look, key

    def served(self, s: State, q: int, j: int) -> Mask | None:
        """What the owner of ``q`` shows for register ``j``; None if it does not fit its OVN."""
        plan = self.known[s.placements[q]]
        i = self.index(q, j)
        if not self.s.paired:
            return plan.base or s.registers[j][q]
        if i is None:
            return None
        view = plan.slots[i].view
        return view.space if view is not None and view.ovn == "cur" else None

    def blocker(self, s: State, p: int, q: int) -> Blocker:
        base = self.known[s.placements[q]].base
        believed = True if q in self.s.foreign else (base is not None or None)
        return Blocker(
            id=f"P{q}",
            outranks=self.s.rank(q) > self.s.rank(p),
            coordinated=believed if self.s.notes or q in self.s.foreign else None,
        )

    def planner_moves(self, s: State, p: int) -> Iterator[Move]:
        n = s.placements[p]
        for look_due in self.due(n):
            look, key = self.look(s, p, look_due)
            after, sent = self.do(n, "looked", look)
            if after == n and sent is None:
                continue
            label = f"P{p} {look_due.aim} at R{self.s.places(p)[look_due.register]}"
            t = self.settle(s, p, after)
            if sent is not None:
                label += f": {sent.kind}"
                t = self.send(t, p, sent, key)
            yield ("plan", p, 0), label, t
        for i, j in enumerate(self.s.places(p)):
            own = "cur" if s.registers[j][p] != NONE else None
            after, _ = self.do(n, "swept", i, own)
            if after != n:
                yield ("plan", p, 0), f"P{p} sweeps R{j}", self.settle(s, p, after)

    def send(self, s: State, p: int, sent: Sent, key: int) -> State:
        j = self.s.places(p)[sent.index]
        m = Message(p, j, sent.kind, sent.space, fresh=True, key=key, live=True)
        if not self.s.local or self.s.owner[p] != j:
            return s._replace(net=tuple(sorted((*s.net, m), key=repr)))
        s, outcome = self.apply(s, m)
        after, _ = self.do(s.placements[p], "answered", sent.index, outcome, "cur")
        return self.settle(s, p, after)

    # ---- the network, users, crashes --------------------------------------------------------

    def network_moves(self, s: State) -> Iterator[Move]:
        for at, m in enumerate(s.net):
            if m in s.net[:at]:
                continue
            rest = s._replace(net=s.net[:at] + s.net[at + 1 :])
            i = self.index(m.p, m.j)
            assert i is not None
            if m.answer is None:
                yield from self.deliveries(rest, m)
            else:
                ovn = "cur" if m.fresh else "old"
                after, _ = self.do(s.placements[m.p], "answered", i, m.answer, ovn)
                label = f"P{m.p} hears {m.answer} from R{m.j}"
                yield ("answer", m.p, m.j), label, self.settle(rest, m.p, after)
            if m.live and s.left.losses:
                after, _ = self.do(s.placements[m.p], "timed_out", i)
                left = s.left._replace(losses=s.left.losses - 1)
                kept = s if m.answer is None else rest
                label = f"P{m.p} hears nothing of its {m.kind} at R{m.j}"
                yield None, label, self.settle(kept, m.p, after)._replace(left=left)

    def deliveries(self, rest: State, m: Message) -> Iterator[Move]:
        stray = "" if m.live else "stray "
        for copied in (False, True) if rest.left.copies else (False,):
            before = rest
            if copied:
                copy = m._replace(live=False)
                before = rest._replace(
                    net=tuple(sorted({*rest.net, copy}, key=repr)),
                    left=rest.left._replace(copies=rest.left.copies - 1),
                )
            t, outcome = self.apply(before, m)
            if m.live:
                reply = m._replace(answer=outcome, fresh=True, key=0)
                t = t._replace(net=tuple(sorted((*t.net, reply), key=repr)))
            label = f"R{m.j} <- {stray}{m.kind} of P{m.p}: {outcome}"
            actor = None if copied else ("network", m.p, 2 * m.j + m.live)
            yield actor, label + (" (a copy stays on its way)" if copied else ""), t
        if not m.live:
            yield None, f"stray {m.kind} of P{m.p} at R{m.j} is lost", rest

    def environment_moves(self, s: State) -> Iterator[Move]:
        left = s.left
        if left.crashes:
            for node in sorted(set(self.s.owner)):
                t = s
                for p in range(self.s.plans):
                    if self.s.owner[p] == node:
                        t = self.settle(t, p, self.do(t.placements[p], "restarted")[0])
                yield None, f"node {node} restarts", t._replace(left=spend(left, "crashes"))
        if left.wipes:
            for j in self.s.wipe:
                yield None, f"R{j} comes back empty", self.wiped(s, j)
        for p in range(self.s.plans):
            yield from self.user_moves(s, p)

    def user_moves(self, s: State, p: int) -> Iterator[Move]:
        plan = self.known[s.placements[p]]
        wishes: list[tuple[str, str, tuple[object, ...]]] = []
        if plan.phase is not Phase.NEW:
            wishes.append(("ends", "end", ()))
        wishes.append(("backouts", "hold_limit", ()))
        goal = self.s.change.get(p)
        if goal is not None and plan.target.sites != goal:
            flying = plan.base is not None and plan.base.flying
            wishes.append(("changes", "change", (Mask(goal, flying),)))
        if plan.base is not None:
            wishes.append(("activations", "activate", (Mask(plan.base.sites, flying=True),)))
            if away := self.s.away.get(p, 0):
                strayed = Mask(plan.base.sites, flying=True, away=away, off=True)
                wishes.append(("deviations", "deviate", (strayed,)))
        for allowance, what, arguments in wishes:
            if getattr(s.left, allowance):
                after, _ = self.do(s.placements[p], what, *arguments)
                if after != s.placements[p]:
                    t = self.settle(s, p, after)
                    yield None, f"{what} P{p}", t._replace(left=spend(s.left, allowance))

    def wiped(self, s: State, j: int) -> State:
        """A register's node restarts from an empty copy: nothing is on its way there."""
        t = s._replace(left=spend(s.left, "wipes"))
        for p in range(self.s.plans):
            i = self.index(p, j)
            if i is None:
                continue
            n = self.do(t.placements[p], "timed_out", i)[0]
            view = self.known[n].slots[i].view
            if view is not None and view.ovn == "cur":
                n = self.do(n, "outdated", i)[0]
            t = self.settle(t, p, n)
        net = tuple(m for m in t.net if m.j != j)
        return t._replace(registers=put(t.registers, j, (NONE,) * self.s.plans), net=net)

    def moves(self, s: State) -> Iterator[Move]:
        for p in range(self.s.plans):
            yield from self.planner_moves(s, p)
        yield from self.network_moves(s)
        yield from self.environment_moves(s)


def put(row: tuple, at: int, value: object) -> tuple:  # type: ignore[type-arg]
    return (*row[:at], value, *row[at + 1 :])


def spend(left: Budget, allowance: str) -> Budget:
    return left._replace(**{allowance: getattr(left, allowance) - 1})


def outdate(p: int, j: int) -> Callable[[Message], Message]:
    """Return what a write of ``p`` at ``j`` does to messages: its older OVNs are stale now."""

    def stale(m: Message) -> Message:
        if m.j != j:
            return m
        key = m.key & ~(1 << p)
        return m._replace(fresh=m.fresh and m.p != p, key=key)

    return stale
