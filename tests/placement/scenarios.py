"""What the checker is run on: scenarios that must pass, and broken planners that must be caught.

.venv/bin/python tests/placement/scenarios.py           all, with states, longest run and traces
.venv/bin/python tests/placement/scenarios.py swap F6    those whose name contains one of these
"""

import sys
from dataclasses import replace
from functools import partial

from checker import explore
from placement_model import Budget, Mask, P, Planner, Scenario, Step

from tansiq.domain import placement_steps as steps
from tansiq.domain.placement import (
    Aim,
    Kind,
    Look,
    Phase,
    SlotState,
    View,
)

THREE = {"sites": (1, 1, 1), "owner": (0, 1, 2), "registers": 3}
ROW = {"sites": (1, 3, 2), "owner": (0, 1, 2), "registers": 3}
FOREIGN_R1 = {
    "owner": (0, 1, 2),
    "order": ((0, 1), (0, 1), (1,)),
    "foreign": frozenset({2}),
}
soak = partial(Scenario, soak=True)

PASSING = (
    Scenario(name="2x1 quiet"),
    Scenario(name="2x1 losses, a copy, a crash", budget=Budget(2, 1, 1)),
    Scenario(name="2x1 losses, a copy, a crash, with notes", budget=Budget(2, 1, 1), notes=True),
    Scenario(name="2x1 all registers remote", budget=Budget(1, 1, 1), local=False),
    Scenario(name="2x1 end", budget=Budget(1, 0, 1, ends=1)),
    Scenario(name="2x1 end and back-out", budget=Budget(1, 0, 0, ends=1, backouts=1)),
    Scenario(name="2x2", sites=(1,) * 4, owner=(0, 0, 1, 1)),
    Scenario(name="3x1", **THREE),
    soak(name="3x1 loss", **THREE, budget=Budget(1)),
    Scenario(name="3x1 in a row", **ROW),
    Scenario(name="3 plans in a row of 2 parties", sites=(1, 3, 2), owner=(0, 1, 0)),
    Scenario(name="neighbours", sites=(1, 2), budget=Budget(1, 1, 1)),
    Scenario(
        name="change into the other's place",
        sites=(1, 2),
        change={0: 2},
        budget=Budget(1, 0, 1, changes=1),
    ),
    Scenario(name="swap", sites=(1, 2), change={0: 2, 1: 1}, budget=Budget(changes=2)),
    Scenario(
        name="a third plan takes the old place",
        sites=(1, 2, 1),
        owner=(0, 1, 1),
        change={0: 2},
        budget=Budget(changes=1),
    ),
    Scenario(name="priority", priority=(0, 1), budget=Budget(1, 1, 1)),
    Scenario(name="priority, the gate's owner higher", priority=(1, 0), budget=Budget(1, 1, 1)),
    Scenario(
        name="a change while a higher one comes",
        sites=(1, 3),
        priority=(0, 1),
        change={0: 2},
        budget=Budget(1, changes=1),
    ),
    Scenario(
        name="a higher one changes into our place",
        sites=(1, 2),
        priority=(0, 1),
        change={1: 1},
        budget=Budget(1, 0, 1, changes=1),
    ),
    Scenario(
        name="displaced, then changed out of the way",
        priority=(0, 1),
        change={0: 2},
        budget=Budget(1, changes=1),
    ),
    Scenario(name="activation", budget=Budget(1, 0, 1, activations=1)),
    Scenario(
        name="activation while a higher one comes",
        priority=(0, 1),
        budget=Budget(1, 0, 1, activations=1),
    ),
    Scenario(
        name="activated, then changed",
        sites=(1, 2),
        change={0: 2},
        budget=Budget(1, changes=1, activations=1),
    ),
    Scenario(name="a foreign supplier at R1", sites=(1, 1, 1), **FOREIGN_R1, budget=Budget(1)),
    Scenario(name="pool", owner=(1, 2), registers=1, budget=Budget(2, 1, 1)),
    Scenario(
        name="the gate comes back empty",
        wipe=(0,),
        budget=Budget(1, wipes=1),
        check_held=False,
    ),
    Scenario(name="R1 comes back empty", wipe=(1,), budget=Budget(1, wipes=1), check_held=False),
    Scenario(
        name="R1 comes back empty, priority",
        priority=(0, 1),
        wipe=(1,),
        budget=Budget(1, wipes=1),
        check_held=False,
    ),
    Scenario(
        name="a register comes back empty, activation",
        wipe=(0, 1),
        budget=Budget(1, activations=1, wipes=1),
        check_held=False,
    ),
    Scenario(
        name="the gate comes back empty, activation while a higher one comes",
        owner=(1, 0),
        priority=(0, 1),
        wipe=(0,),
        budget=Budget(activations=1, wipes=1),
        check_held=False,
    ),
    Scenario(
        name="strays into a place that is being taken",
        sites=(1, 2),
        away={0: 2},
        budget=Budget(1, 0, 1, deviations=1),
    ),
    Scenario(
        name="strays, and returns",
        sites=(1, 2),
        away={0: 2},
        budget=Budget(1, activations=1, deviations=1),
    ),
    soak(
        name="strays, and goes on in the other's place",
        sites=(1, 2),
        away={0: 2},
        change={0: 2},
        budget=Budget(1, changes=1, deviations=1),
    ),
    soak(
        name="strays into one that changes into its place",
        sites=(1, 2),
        away={0: 2},
        change={1: 1},
        budget=Budget(changes=1, activations=2, deviations=1),
    ),
    soak(
        name="strays while a change is placed",
        sites=(1, 2),
        away={0: 2},
        change={0: 4},
        budget=Budget(0, 0, 1, changes=1, deviations=1),
    ),
    Scenario(
        name="strays while a higher one comes",
        sites=(1, 3),
        priority=(0, 1),
        away={0: 2},
        budget=Budget(1, activations=1, deviations=1),
    ),
    soak(
        name="a higher one strays",
        sites=(1, 2),
        priority=(1, 0),
        away={0: 2},
        budget=Budget(1, activations=1, deviations=1),
    ),
    Scenario(
        name="strays, in a pool",
        sites=(1, 2),
        owner=(1, 2),
        registers=1,
        away={0: 2},
        budget=Budget(1, activations=1, deviations=1),
    ),
    Scenario(
        name="a register comes back empty, strayed",
        sites=(1, 2),
        away={0: 2},
        wipe=(0, 1),
        budget=Budget(deviations=1, wipes=1),
        check_held=False,
    ),
    soak(
        name="strays while a change is placed, loss, crash, end",
        sites=(1, 2),
        away={0: 2},
        change={0: 4},
        budget=Budget(1, 0, 1, ends=1, changes=1, deviations=1),
    ),
    soak(
        name="both stray into each other, and return",
        sites=(1, 2),
        away={0: 2, 1: 1},
        budget=Budget(1, activations=2, deviations=2),
    ),
    soak(
        name="strays twice, back-out, change",
        sites=(1, 2),
        away={0: 2},
        change={0: 2},
        budget=Budget(changes=1, backouts=1, deviations=2),
    ),
    soak(
        name="strays among three",
        sites=(1, 2, 2),
        owner=(0, 1, 0),
        away={0: 2},
        budget=Budget(0, activations=1, deviations=1),
    ),
    soak(
        name="a register comes back empty, strays and returns",
        sites=(1, 2),
        away={0: 2},
        wipe=(0, 1),
        budget=Budget(1, activations=1, wipes=1, deviations=1),
        check_held=False,
    ),
    soak(
        name="strays among three, one a foreign supplier at R1",
        sites=(1, 2, 2),
        away={0: 2},
        **FOREIGN_R1,
        budget=Budget(activations=1, deviations=1),
    ),
    soak(
        name="a register comes back empty, change",
        sites=(1, 2),
        change={0: 2},
        wipe=(0, 1),
        budget=Budget(1, changes=1, wipes=1),
        check_held=False,
    ),
    soak(
        name="a register comes back empty, ends",
        wipe=(0, 1),
        budget=Budget(1, ends=1, wipes=1),
        check_held=False,
    ),
    soak(name="2x1 losses, a copy, a crash, ends", budget=Budget(1, 1, 1, ends=1)),
    soak(name="2x1 everything", budget=Budget(1, 1, 1, ends=1, backouts=1)),
    soak(name="2x2 loss", sites=(1,) * 4, owner=(0, 0, 1, 1), budget=Budget(1)),
    soak(name="3x1 loss, a crash", **THREE, budget=Budget(1, 0, 1)),
    soak(name="3x1 in a row, loss", **ROW, budget=Budget(1)),
    soak(name="swap, loss", sites=(1, 2), change={0: 2, 1: 1}, budget=Budget(1, changes=2)),
    soak(name="swap, crash", sites=(1, 2), change={0: 2, 1: 1}, budget=Budget(1, 0, 1, changes=2)),
    soak(name="neighbours, end", sites=(1, 2), budget=Budget(1, 1, 1, ends=1)),
    soak(name="neighbours of 2 parties", sites=(1, 2, 4), owner=(0, 1, 0), budget=Budget(1)),
    soak(
        name="priority, three plans",
        sites=(1, 1, 1),
        owner=(0, 1, 0),
        priority=(0, 1, 1),
        budget=Budget(1),
    ),
    soak(name="priority, ends, back-outs", priority=(0, 1), budget=Budget(1, 0, 0, 1, 0, 1)),
    soak(
        name="a change while a higher one comes, crash, end",
        sites=(1, 3),
        priority=(0, 1),
        change={0: 2},
        budget=Budget(1, 0, 1, ends=1, changes=1),
    ),
    soak(
        name="activation, a higher one, changes",
        sites=(1, 3),
        priority=(0, 1),
        change={0: 2},
        budget=Budget(1, changes=1, activations=1),
    ),
    soak(
        name="both change into one place, priority, end, crash",
        sites=(1, 3),
        priority=(0, 1),
        change={0: 2, 1: 2},
        budget=Budget(0, 0, 1, ends=1, changes=2),
    ),
    soak(
        name="both change into one place, priority, activation",
        sites=(1, 3),
        priority=(0, 1),
        change={0: 2, 1: 2},
        budget=Budget(1, changes=2, activations=1),
    ),
    soak(
        name="change, activation, back-out",
        sites=(1, 2),
        change={0: 2},
        budget=Budget(1, changes=1, backouts=1, activations=1),
    ),
    soak(name="3x1, three priorities", **THREE, priority=(0, 1, 2)),
    soak(
        name="in a row, priority, changes",
        sites=(1, 3, 2),
        owner=(0, 1, 0),
        priority=(0, 1, 0),
        change={0: 2, 1: 2},
        budget=Budget(changes=2),
    ),
    soak(
        name="three plans exchange two places",
        sites=(1, 1, 2),
        owner=(0, 1, 0),
        change={0: 2, 1: 2, 2: 1},
        budget=Budget(changes=2),
    ),
    soak(
        name="a foreign supplier at R1, change, end, crash",
        sites=(1, 2, 2),
        change={0: 2},
        **FOREIGN_R1,
        budget=Budget(0, 0, 1, ends=1, changes=1),
    ),
)


# ---- planners that are broken in one place --------------------------------------------------


class Adopts(Planner):
    """F6: what a read shows is taken for an acceptance."""

    @staticmethod
    def looked(placement: P, look: Look[Mask]) -> Step:
        slot = placement.slots[look.due.register]
        if look.due.aim is Aim.PLACE and slot.state is SlotState.DOUBT and look.own_ovn:
            assert look.due.write is not None
            view = View(space=look.due.write, ovn=look.own_ovn, version=1, subscription_id="")
            slots = list(placement.slots)
            slots[look.due.register] = replace(slot, state=SlotState.HELD, view=view)
            return steps.Step(placement=replace(placement, slots=tuple(slots)))
        return steps.looked(placement, look)


class NeverSweeps(Planner):
    """F8: strays are left where they stand."""

    @staticmethod
    def swept(placement: P, register: int, own_ovn: str | None, *, asked: int) -> Step:
        return steps.Step(placement=placement)


class Forgets(Planner):
    """F7: a crash forgets that a request was sent."""

    @staticmethod
    def restarted(placement: P) -> Step:
        slots = tuple(replace(s, awaited=None) for s in placement.slots)
        return steps.Step(placement=replace(placement, slots=slots))


class Blind(Planner):
    """F12: nothing outranks us in the last look (with no recheck in the own register)."""

    @staticmethod
    def looked(placement: P, look: Look[Mask]) -> Step:
        if look.due.aim is Aim.SETTLE:
            look = replace(look, blockers=())
        return steps.looked(placement, look)


class Names(Planner):
    """F1: whoever comes first in the alphabet names the others in its key."""

    @staticmethod
    def looked(placement: P, look: Look[Mask]) -> Step:
        return steps.looked(placement, replace(look, blockers=()))


class Holds(Planner):
    """F4: whoever is blocked keeps what it has, and asks again."""

    @staticmethod
    def looked(placement: P, look: Look[Mask]) -> Step:
        if look.due.aim is Aim.PLACE and look.blockers:
            return steps.Step(placement=placement)
        return steps.looked(placement, look)


class Retries(Planner):
    """F2: whoever is blocked withdraws, and begins again at once."""

    @staticmethod
    def looked(placement: P, look: Look[Mask]) -> Step:
        step = steps.looked(placement, look)
        if step.placement.after is Phase.WAITING:
            again = replace(step.placement, after=Phase.PLACING)
            return replace(step, placement=again)
        return step


class Jumps(Planner):
    """F11: a change goes straight to the new volumes."""

    @staticmethod
    def change(placement: P, want: Mask) -> Step:
        step = steps.change(placement, want)
        return replace(step, placement=replace(step.placement, want=want))


class Settles(Planner):
    """F18: the last look does not mind who has strayed into a plan that all registers hold."""

    @staticmethod
    def looked(placement: P, look: Look[Mask]) -> Step:
        if look.due.aim is Aim.SETTLE:
            calm = tuple(replace(b, off_nominal=False) for b in look.blockers)
            look = replace(look, blockers=calm)
        return steps.looked(placement, look)


class Blurts(Planner):
    """F20: what a register lost is written in the state that it has, not as a new plan first."""

    @staticmethod
    def looked(placement: P, look: Look[Mask]) -> Step:
        step = steps.looked(placement, look)
        request = step.request
        if request is None or request.kind is not Kind.CREATE or placement.base is None:
            return step
        return replace(step, request=replace(request, space=placement.want))


OWN_FIRST = ((0, 1), (1, 0))
FAILING = (
    Scenario(name="F1 a key names what blocks", planner=Names, check_registers=False, fails="I3"),
    Scenario(name="F2 withdraw and ask again", order=OWN_FIRST, planner=Retries, fails="livelock"),
    Scenario(name="F3 opposite orders", order=OWN_FIRST, fails="livelock"),
    Scenario(name="F4 hold and wait", order=OWN_FIRST, planner=Holds, fails="stuck"),
    Scenario(name="F6 adopted", planner=Adopts, budget=Budget(1, backouts=1), fails="I2"),
    Scenario(name="F8 no sweep", planner=NeverSweeps, budget=Budget(1, ends=1), fails="stuck"),
    Scenario(
        name="F9b each only in its own",
        order=((0,), (1,)),
        check_registers=False,
        fails="I3",
    ),
    Scenario(
        name="F10 new OVN with old volumes",
        sites=(1, 2),
        change={0: 2},
        paired=False,
        check_registers=False,
        budget=Budget(changes=1),
        fails="I3",
    ),
    Scenario(
        name="F11 change without union",
        sites=(1, 2),
        change={0: 2},
        planner=Jumps,
        budget=Budget(changes=1),
        fails="I2",
    ),
    Scenario(name="F12 no recheck", priority=(0, 1), planner=Blind, own_recheck=False, fails="I3"),
    Scenario(
        name="F14 foreign suppliers at different registers",
        owner=(2, 3),
        order=((0,), (1,)),
        foreign=frozenset({0, 1}),
        check_registers=False,
        fails="I3",
    ),
    Scenario(
        name="F16 the pool comes back empty",
        owner=(1, 2),
        registers=1,
        wipe=(0,),
        budget=Budget(wipes=1),
        check_held=False,
        fails="I3",
    ),
    Scenario(
        name="F17 a foreign supplier of higher priority, before the notice",
        sites=(1, 1, 1),
        priority=(0, 0, 1),
        **FOREIGN_R1,
        fails="I3",
    ),
    Scenario(
        name="F16 with priorities: what outranks us was lost by our own register",
        priority=(0, 1),
        wipe=(0,),
        budget=Budget(wipes=1),
        check_held=False,
        fails="I3",
    ),
    Scenario(
        name="F17 a pool, before the notice", owner=(1, 2), registers=1, priority=(0, 1), fails="I3"
    ),
    Scenario(
        name="F18 settles where somebody has strayed to",
        sites=(1, 2),
        away={0: 2},
        planner=Settles,
        budget=Budget(deviations=1),
        fails="I5",
    ),
    Scenario(
        name="F19 a return into what was met only astray",
        sites=(1, 2),
        away={0: 2},
        change={0: 2},
        exempt_away=True,
        check_registers=False,
        budget=Budget(changes=1, deviations=1),
        fails="I3",
    ),
    Scenario(
        name="F20 a lost flight is written at once",
        sites=(1, 2),
        away={0: 2},
        wipe=(0, 1),
        planner=Blurts,
        budget=Budget(deviations=1, wipes=1),
        check_held=False,
        fails="livelock",
    ),
    Scenario(
        name="F21 a change into the plan of who strayed into us",
        sites=(1, 2),
        away={0: 2},
        change={1: 1},
        exempt_strays=True,
        check_registers=False,
        budget=Budget(changes=1, activations=2, deviations=1),
        fails="I3",
    ),
)


def run(scenario: Scenario) -> str:
    """Explore a scenario and return one line about it, with the trace of a failure below."""
    result = explore(scenario)
    expected = bool(scenario.fails) == bool(result.failure)
    expected = expected and result.failure.startswith(scenario.fails)
    run_length = "cycles, none fair" if result.longest is None else f"longest run {result.longest}"
    verdict = result.failure or f"holds, {run_length} steps"
    mark = "" if expected else "NOT AS EXPECTED: "
    line = f"{mark}{scenario.name}: {result.states:,} states, {verdict}"
    return "\n    ".join([line, *result.trace])


if __name__ == "__main__":
    for chosen in (*PASSING, *FAILING):
        if len(sys.argv) == 1 or any(word in chosen.name for word in sys.argv[1:]):
            print(run(chosen), flush=True)
