"""A node is killed for a while: what is said to it waits, visibly, and comes in order."""

from collections.abc import Sequence
from typing import Final

from tansiq.demo.cell_desk import Desk
from tansiq.demo.cell_floor import Floor
from tansiq.demo.cells import CIVIL, CRANE, N102, NORTH, SOUTH
from tansiq.services.line.views import OutboxEntry, Threads, ThreadView
from tansiq.services.views import PlanView

_MESSAGES: Final[tuple[tuple[str, dict[str, str | int]], ...]] = (
    ("say.will-be-late", {"flight": "N-101", "minutes": 5}),
    ("say.stand-by", {}),
    ("say.request-call-back", {}),
)


async def outage(floor: Floor) -> None:
    """Kill the south cell's node, speak to it, start it again, and see everything arrive."""
    floor.step("south-cell's node is killed: what is said to it waits, and nothing is lost")
    north, south, civil = (floor.desks[party] for party in (NORTH, SOUTH, CIVIL))
    await south.node.kill()
    said: list[ThreadView] = []
    for code, parameters in _MESSAGES:
        message = {"code": code, "parameters": parameters, "to": [SOUTH]}
        said += await north.say("/messages", message)
    plan = await north.declare(N102.document(north.clock.now()), wait_s=0)
    said += await north.say("/notices", {"id": plan.id, "to": [SOUTH]})
    crane = await civil.ask(
        "POST", "/notices/area", Threads, CRANE.document(civil.clock.now()), {"to": SOUTH}
    )
    for desk, count in ((north, len(said)), (civil, len(crane.threads))):
        await _waits(floor, desk, south, count)
    await _not_coordinated(floor, north, south, plan)
    await south.node.start_again(south.clock)
    floor.narrate("south-cell's node is started again on what it had stored")
    await _arrive(floor, north, south, said)
    await _arrive(floor, civil, south, crane.threads)
    await _coordinated(floor, north, south, plan)


async def _waits(floor: Floor, desk: Desk, south: Desk, count: int) -> None:
    async def look() -> tuple[OutboxEntry, ...] | None:
        waiting = (await desk.outbox()).waiting
        tried = len(waiting) >= count and any(each.tries for each in waiting)
        return waiting if tried else None

    waiting = await desk.until(look, "the outbox")
    floor.check(len(waiting) == count, f"{desk.party}: {len(waiting)} of {count} not arrived")
    floor.phrase(desk, south, "line.waiting", party=SOUTH, notes=len(waiting))
    for each in waiting:
        floor.narrate(f"  {each.note[:10]} {each.kind}: {each.problem or 'behind the others'}")


async def _not_coordinated(floor: Floor, north: Desk, south: Desk, plan: PlanView) -> None:
    async def look() -> PlanView | None:
        found = await north.plan(plan.id)
        return found if any(register.problem for register in found.registers) else None

    found = await north.until(look, "the problem of the plan")
    without = ", ".join(each.id for each in found.registers if each.problem)
    floor.check(
        not found.coordinated,
        f"N-102 near Al-Bukamal is {found.status}, NOT coordinated: no answer from {without}",
    )
    floor.phrase(north, south, "plan.uncoordinated", flight=found.callsign, party=SOUTH)


async def _arrive(floor: Floor, desk: Desk, south: Desk, said: Sequence[ThreadView]) -> None:
    for thread in said:
        await south.received(thread.id)

    async def look() -> bool | None:
        return None if (await desk.outbox()).waiting else True

    await desk.until(look, "an empty outbox")
    came = [(await south.thread(thread.id)).notes[0] for thread in said]
    numbers = [note.number for note in sorted(came, key=lambda note: note.entry)]
    floor.check(
        numbers == sorted(numbers),
        f"{desk.party}: all came, in order: {', '.join(map(str, numbers))}",
    )
    for thread in said:
        await floor.tell(thread.id, desk, south)
    missing = [line.missing for line in (await south.lines()).lines if line.party == desk.party]
    floor.check(missing == [()], f"south-cell misses no note of {desk.party}")


async def _coordinated(floor: Floor, north: Desk, south: Desk, plan: PlanView) -> None:
    async def look() -> PlanView | None:
        found = await north.plan(plan.id)
        return found if found.coordinated else None

    found = await north.until(look, "the coordination of N-102")
    floor.check(found.coordinated, "N-102 went on by itself: every register holds it now")
    floor.phrase(north, south, "plan.coordinated", flight=found.callsign)
