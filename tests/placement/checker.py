"""An explicit-state checker: every reachable state of a scenario, breadth first.

The first way found to a bad state is a shortest one. Bad is: I1 to I3 broken anywhere, I5 by any
step; nothing left to do and not all is well (I4); a cycle that fairness does not leave.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from placement_model import NONE, Actor, Model, Scenario, State

from tansiq.domain.placement import Phase

# ---- what must hold ---------------------------------------------------------------------


def unsafe(model: Model, s: State) -> str:
    """Say which of I1 to I3 is broken, or nothing."""
    for p in range(model.s.plans):
        plan = model.known[s.placements[p]]
        if plan.base is not None and model.s.check_held:
            for j in model.s.places(p):
                if plan.base.sites & ~s.registers[j][p].sites:
                    return f"I2: P{p} counts as coordinated, but R{j} does not hold it"
        for q in range(p):
            if bad := unsafe_pair(model, s, p, q):
                return bad
    return ""


def unsafe_pair(model: Model, s: State, p: int, q: int) -> str:
    equal = model.s.rank(p) == model.s.rank(q)
    if equal and model.s.check_registers:
        for j, here in enumerate(s.registers):
            if here[p].sites & here[q].sites:
                return f"I1: R{j} holds both P{q} and P{p}"
    mine = model.known[s.placements[p]].coordinated or NONE
    theirs = model.known[s.placements[q]].coordinated or NONE
    if mine.sites & theirs.sites:
        return f"I3: P{q} and P{p} conflict and both count as coordinated"
    return ""


def unsafe_step(model: Model, s: State, t: State) -> str:
    """Say which plan a step makes coordinated where another is known to have strayed (I5)."""
    for p in model.s.away:
        strayed = model.known[s.placements[p]].base
        if strayed is None or not strayed.off or model.known[t.placements[p]].base != strayed:
            continue
        if any(s.registers[j][p] != strayed for j in model.s.places(p)):
            continue
        for q in range(model.s.plans):
            before, after = model.known[s.placements[q]], model.known[t.placements[q]]
            if q == p or after.coordinated is None or model.s.rank(q) > model.s.rank(p):
                continue
            if before.base is not None and before.base.flying:
                continue  # It is where it is.
            new = after.coordinated.sites & ~(before.base or NONE).sites
            if new & strayed.all:
                return f"I5: P{q} becomes coordinated where P{p} has strayed to"
    return ""


def not_at_rest(model: Model, s: State) -> str:
    """Say what is wrong with a state in which nothing is left to do (I4), or nothing."""
    for p in range(model.s.plans):
        plan = model.known[s.placements[p]]
        final = (Phase.COORDINATED, Phase.REFUSED, Phase.ENDED, Phase.DISPLACED)
        if plan.phase not in final or (plan.recheck and not plan.off_nominal):
            return f"stuck: P{p} is {plan.phase} for ever"
        for j, here in enumerate(s.registers):
            kept = plan.base if plan.base is not None and j in model.s.places(p) else NONE
            if here[p] != kept:
                return f"orphan: R{j} holds {here[p]} of P{p}, which is {plan.phase}"
        calm = s.left._replace(losses=0) == model.s.budget._replace(losses=0)
        if calm and plan.phase is Phase.REFUSED and not outdone(model, s, p):
            return f"nobody wins: P{p} is refused, but no coordinated plan is in its way"
    return ""


def outdone(model: Model, s: State, p: int) -> bool:
    want = model.known[s.placements[p]].want
    bases = (model.known[s.placements[q]].base for q in range(model.s.plans) if q != p)
    return any(base is not None and base.all & want.sites for base in bases)


# ---- exploring --------------------------------------------------------------------------


@dataclass(kw_only=True)
class Result:
    failure: str
    """Empty if everything held."""
    states: int
    longest: int | None
    """Steps of the longest run; None if there are cycles, all of them unfair."""
    trace: list[str]


def explore(scenario: Scenario, *, limit: int = 3_000_000) -> Result:
    """Visit every state; stop at the first bad one."""
    model = Model(scenario)
    start = model.initial()
    ids = {start: 0}
    states = [start]
    came: list[tuple[int, str]] = [(-1, "")]
    edges: list[list[tuple[int, Actor]]] = []

    def trace(at: int) -> list[str]:
        labels = []
        while at > 0:
            at, label = came[at]
            labels.append(label)
        return labels[::-1]

    at = 0
    while at < len(states):
        out: list[tuple[int, Actor]] = []
        acted = False
        for actor, label, t in model.moves(states[at]):
            if t == states[at]:
                continue
            bad = unsafe_step(model, states[at], t)
            k = ids.get(t)
            if k is None:
                k = ids[t] = len(states)
                states.append(t)
                came.append((at, label))
                bad = bad or unsafe(model, t)
            if bad:
                way = [*trace(at), label]
                return Result(failure=bad, states=len(states), longest=None, trace=way)
            acted = acted or actor is not None
            out.append((k, actor))
        edges.append(out)
        if not acted and (bad := not_at_rest(model, states[at])):
            return Result(failure=bad, states=len(states), longest=None, trace=trace(at))
        at += 1
        assert len(states) <= limit, f"{scenario.name}: more than {limit} states"
    longest, left = peel(edges)
    if left and (component := fair_component(edges, left)):
        entry = min(component)
        return Result(
            failure=f"livelock: a fair cycle among {len(component)} states",
            states=len(states),
            longest=None,
            trace=[*trace(entry), "-- for ever"],
        )
    return Result(failure="", states=len(states), longest=None if left else longest, trace=[])


def peel(edges: list[list[tuple[int, Actor]]]) -> tuple[int, set[int]]:
    """Return the longest run from the start, and the states that lead into a cycle."""
    into: list[list[int]] = [[] for _ in edges]
    out = [len(row) for row in edges]
    for u, row in enumerate(edges):
        for v, _ in row:
            into[v].append(u)
    depth = [0] * len(edges)
    ready = deque(u for u, n in enumerate(out) if n == 0)
    left = set(range(len(edges)))
    while ready:
        v = ready.popleft()
        left.discard(v)
        for u in into[v]:
            depth[u] = max(depth[u], depth[v] + 1)
            out[u] -= 1
            if out[u] == 0:
                ready.append(u)
    return depth[0], left


def fair_component(edges: list[list[tuple[int, Actor]]], left: set[int]) -> set[int]:
    """Return a component in which every actor that could always act does act, if there is one."""
    for component in components(edges, left):
        taken: set[Actor] = set()
        always: set[Actor] | None = None
        for u in component:
            able = {actor for _, actor in edges[u] if actor is not None}
            always = able if always is None else always & able
            taken |= {actor for v, actor in edges[u] if v in component}
        if always is not None and always <= taken:
            return component
    return set()


def components(edges: list[list[tuple[int, Actor]]], left: set[int]) -> Iterator[set[int]]:
    """Yield the strongly connected components with more than one state among ``left``."""
    into: dict[int, list[int]] = {u: [] for u in left}
    for u in left:
        for v, _ in edges[u]:
            if v in left:
                into[v].append(u)
    assigned: set[int] = set()
    for root in reversed(finishing_order(edges, left)):
        if root in assigned:
            continue
        component, todo = {root}, [root]
        assigned.add(root)
        while todo:
            found = [u for u in into[todo.pop()] if u not in assigned]
            assigned.update(found)
            component.update(found)
            todo.extend(found)
        if len(component) > 1:
            yield component


def finishing_order(edges: list[list[tuple[int, Actor]]], left: set[int]) -> list[int]:
    """Return the states in the order in which a depth-first search leaves them (Kosaraju)."""
    finished: list[int] = []
    visited: set[int] = set()
    for root in left:
        if root in visited:
            continue
        visited.add(root)
        stack = [(root, iter(edges[root]))]
        while stack:
            u, rest = stack[-1]
            new = next((v for v, _ in rest if v in left and v not in visited), None)
            if new is None:
                finished.append(u)
                stack.pop()
            else:
                visited.add(new)
                stack.append((new, iter(edges[new])))
    return finished
