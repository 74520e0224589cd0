"""The story of the second scenario, from the comm check to the hand-over, a function a step.

Each step is done through the desks' own API, as people would; what it prints and checks is what the
nodes answer.
"""

import msgspec

from tansiq.demo.cell_desk import Desk
from tansiq.demo.cell_floor import Floor, hour
from tansiq.demo.cells import C301, CIVIL, N101, NORTH, POST, S201, SOUTH
from tansiq.domain.readback import Item
from tansiq.formats.delivery import Delivery
from tansiq.formats.payload import Payload
from tansiq.services.line.views import ThreadView, WatchView
from tansiq.services.views import Alternative, PlanView, Status

WRONG_LEVEL = "2000 ft AMSL"


async def comm_check(floor: Floor) -> None:
    """Ask both other desks; a person answers at each."""
    floor.step("Comm check: north-cell asks; a person answers at each of the other desks")
    north = floor.desks[NORTH]
    for thread in await north.say("/checks", {}):
        other = floor.desks[thread.party]
        await other.received(thread.id)
        await other.say(f"/threads/{thread.id}/reply")
        await north.reached(thread.id, "replied")
        await floor.tell(thread.id, north, other)


async def watches(floor: Floor) -> None:
    """Have somebody take the watch at each desk."""
    floor.step("The watch is taken at each desk; the sheet is signed, and stays in its own record")
    civil = floor.desks[CIVIL]
    for desk in floor.desks.values():
        watch = await desk.take_watch()
        other = floor.desks[NORTH] if desk is civil else civil
        _taken(floor, desk, other, watch)
        floor.check(watch.initials == _acting(desk), f"{watch.initials} has the watch")


def _taken(floor: Floor, desk: Desk, other: Desk, watch: WatchView) -> None:
    since, name = watch.since or "", watch.name or ""
    floor.narrate(f"{hour(watch.since)} {desk.party}: {watch.initials}")
    moment = f"{since[:19]}Z"
    floor.phrase(desk, other, "handover.taken", desk=POST, person=name, time=moment)


def _acting(desk: Desk) -> str:
    return "-" if desk.person is None else desk.person.initials


async def plan_with_notice(floor: Floor) -> tuple[PlanView, str]:
    """Declare a plan and tell it to both; one reads it back wrongly, then rightly, and agrees.

    Returns the plan, and the notice to the south cell.
    """
    floor.step("north-cell declares N-101 near Daraa, and gives notice of it")
    north, south, civil = (floor.desks[party] for party in (NORTH, SOUTH, CIVIL))
    plan = await north.declare(N101.document(north.clock.now()))
    floor.check(plan.coordinated, f"N-101 is {plan.status}: {_holding(plan)}")
    floor.phrase(north, south, "plan.coordinated", flight=plan.callsign)
    given = await north.say("/notices", {"id": plan.id})
    notices = {thread.party: thread.id for thread in given}
    notice = notices[SOUTH]
    there = await south.received(notice)
    floor.narrate("what the notice says, as the two nodes put it:")
    floor.told(north, await north.thread(notice), south, there)
    await south.say(f"/threads/{notice}/seen")
    await _read_back(floor, south, there)
    await south.say(f"/threads/{notice}/answer", {"word": "no-conflict"})
    here = await north.reached(notice, "no-conflict")
    await floor.tell(notice, north, south)
    _lead(floor, here, late="no")
    await civil.received(notices[CIVIL])
    await civil.say(f"/threads/{notices[CIVIL]}/seen")
    await civil.say(f"/threads/{notices[CIVIL]}/answer", {"word": "noted"})
    await north.reached(notices[CIVIL], "noted")
    await floor.tell(notices[CIVIL], north, civil)
    return plan, notice


def _holding(plan: PlanView) -> str:
    held = [register.id for register in plan.registers if register.holds == "current"]
    return f"{len(held)} of {len(plan.registers)} registers hold it"


async def _read_back(floor: Floor, south: Desk, there: ThreadView) -> None:
    """Say the notice back with a wrong level, which the node refuses, and then as it is."""
    north, told = floor.desks[NORTH], there.told
    if told is None:
        raise ValueError("a notice with its volumes here tells them")
    said = {
        "points": told.points,
        "radius_m": told.radius_m,
        "lower": told.lower[0],
        "upper": told.upper[0],
        "start": told.start,
        "end": told.end,
    }
    path = f"/threads/{there.id}/readback"
    refusal = await south.refused("POST", path, {**said, "lower": WRONG_LEVEL})
    floor.narrate(f"read back with {WRONG_LEVEL} for {told.lower[0]}; south-cell's node:")
    floor.narrate(f"  {refusal.status} {refusal.detail}")
    named = [each for each in Item if f" {each}" in refusal.detail.partition(".")[0]]
    for item in named:
        number = there.notes[0].number
        floor.phrase(north, south, f"readback.differs-{item}", number=number)
    floor.check(named == [Item.LOWER], "the wrong read-back was refused, and names what differs")
    await south.say(path, said)


def _lead(floor: Floor, thread: ThreadView, *, late: str) -> None:
    lead = thread.lead
    found = None if lead is None else lead.late
    sentence = "" if lead is None else lead.sentence
    mark = "LATE: " if found == "yes" else ""
    floor.check(found == late, f"lead time to {_receiver(thread)}: {mark}{sentence}")


def _receiver(thread: ThreadView) -> str:
    return thread.party if thread.ours else "us"


async def meeting_plan(floor: Floor, plan: PlanView, notice: str) -> None:
    """Declare a plan that meets the first one; the first one's party is asked to move, and does."""
    floor.step("south-cell declares S-201, which meets N-101: refused, and who could move how")
    north, south = floor.desks[NORTH], floor.desks[SOUTH]
    document = S201.document(south.clock.now())
    met = await south.declare(document)
    floor.check(met.status is Status.REFUSED, f"S-201 is {met.status}: {met.reason}")
    floor.phrase(south, north, "plan.blocked-by", flight=met.callsign, other=plan.callsign,
                 party=NORTH)  # fmt: skip
    for way in met.alternatives:
        floor.narrate(f"S-201 could go {way.sentence}")
    for way in met.theirs:
        floor.narrate(f"or {way.sentence}")
    chosen = _later(met)
    floor.narrate(f"south-cell proposes the move of {chosen.sentence}")
    shift = {"delay_s": chosen.delay_s, "up_m": chosen.up_m,
             "north_m": chosen.north_m, "east_m": chosen.east_m}  # fmt: skip
    await south.say(f"/threads/{notice}/counter", {"shift": shift, "moves": "yours"})
    await north.reached(notice, "countered")
    await north.say(f"/threads/{notice}/accept")
    await south.reached(notice, "outcome")
    await south.say(f"/threads/{notice}/confirm", {"agreed": True})
    await north.reached(notice, "settled")
    await floor.tell(notice, south, north)
    await _moved(floor, plan, await north.plan(plan.id))
    again = await south.ask("PUT", f"/plans/{met.id}", PlanView, document, {"wait_s": 10})
    floor.check(again.coordinated, f"S-201, asked again as it was, is {again.status}")
    for thread in await _notice_seen(floor, south, again):
        _lead(floor, thread, late="no")


async def _notice_seen(floor: Floor, desk: Desk, plan: PlanView) -> list[ThreadView]:
    """Give notice of a plan to everybody, and have it seen by a person at each desk."""
    found = []
    for thread in await desk.say("/notices", {"id": plan.id}):
        other = floor.desks[thread.party]
        await other.received(thread.id)
        await other.say(f"/threads/{thread.id}/seen")
        found.append(await desk.reached(thread.id, "seen"))
        await floor.tell(thread.id, desk, other)
    return found


def _later(met: PlanView) -> Alternative:
    """Return the move of the other plan that south proposes: a later start if there is one."""
    if not met.theirs:
        raise ValueError("nothing that N-101 could do was found")
    return next((way for way in met.theirs if way.kind == "delay"), met.theirs[0])


async def _moved(floor: Floor, before: PlanView, after: PlanView) -> None:
    floor.check(
        after.coordinated and after.volumes != before.volumes,
        f"N-101 moved, {hour(before.time_start)} to {hour(after.time_start)}: {_holding(after)}",
    )
    for party in (SOUTH, CIVIL):
        desk = floor.desks[party]

        async def look(desk: Desk = desk) -> str | None:
            return next(
                (
                    entry.time_start
                    for entry in (await desk.airspace()).entries
                    if entry.name == after.callsign and entry.time_start == after.time_start
                ),
                None,
            )

        found = await desk.until(look, "the moved plan")
        floor.narrate(f"{party} sees N-101 at {hour(found)}")


async def news_of_the_move(floor: Floor, plan: PlanView) -> None:
    """Tell the third party, whose notice has become old."""
    north, civil = floor.desks[NORTH], floor.desks[CIVIL]
    (thread,) = await north.say("/notices", {"id": plan.id, "to": [CIVIL]})
    await civil.received(thread.id)
    await civil.say(f"/threads/{thread.id}/seen")
    await north.reached(thread.id, "seen")
    floor.narrate(f"civil is told of the move by version {thread.version} of the notice")
    await floor.tell(thread.id, north, civil)


async def late_notice(floor: Floor) -> None:
    """Give a notice with less lead than agreed: it is delivered, and marked at both ends."""
    floor.step("civil gives a notice with less lead than agreed: delivered, and marked LATE")
    civil = floor.desks[CIVIL]
    plan = await civil.declare(C301.document(civil.clock.now()))
    floor.check(plan.coordinated, f"C-301 near Quneitra is {plan.status}: {_holding(plan)}")
    for thread in await _notice_seen(floor, civil, plan):
        other = floor.desks[thread.party]
        _lead(floor, thread, late="yes")
        _late_phrase(floor, civil, other, await other.thread(thread.id))


def _late_phrase(floor: Floor, one: Desk, other: Desk, thread: ThreadView) -> None:
    lead, number = thread.lead, thread.notes[0].number
    floor.check(lead is not None and lead.late == "yes", f"marked LATE at {other.party} as well")
    if lead is None or lead.receivers_word.least_s is None:
        return
    missing_min = -int(-(lead.required_s - lead.receivers_word.least_s) // 60)
    floor.phrase(one, other, "ladder.late-by", number=number, minutes=missing_min)


async def stop_and_all_clear(floor: Floor) -> None:
    """Stop all air at once, for everybody, and take it back."""
    floor.step("STOP by south-cell, to everybody: nobody is asked first")
    south = floor.desks[SOUTH]
    began_s = south.clock.monotonic_s()
    words = {"text": "תקלה במכ״ם", "language": "he"}
    stops = await south.say("/stops", words)
    for thread in stops:
        other = floor.desks[thread.party]

        async def look(other: Desk = other, note: str = thread.id) -> bool | None:
            shown = [stop.id for stop in (await other.lines()).stops]
            return True if note in shown else None

        await other.until(look, "the stop")
        took_s = south.clock.monotonic_s() - began_s
        floor.check(took_s < 5, f"STOP shown at {other.party} {took_s:.1f} s after it was said")
        await other.say(f"/threads/{thread.id}/seen")
        await south.reached(thread.id, "seen")
    for cleared in await south.say("/all-clear", {}):
        other = floor.desks[cleared.party]
        await other.reached(cleared.id, "cleared")
        await floor.tell(cleared.id, south, other)
        left = (await other.lines()).stops
        floor.check(not left, f"no stop in force at {other.party} any more")


async def hand_over(floor: Floor) -> None:
    """Give the watch to the next person, with the sheet of everything that is open."""
    floor.step("Hand-over at north-cell: the next watch gets the sheet of what is open")
    north, civil = floor.desks[NORTH], floor.desks[CIVIL]
    before = await north.ask("GET", "/watch", WatchView)
    north.person = north.cell.people[1]
    watch = await north.take_watch()
    _taken(floor, north, civil, watch)
    floor.phrase(north, civil, "handover.open-items", items=watch.open_items)
    floor.check(
        watch.relieved == before.name and watch.initials == _acting(north),
        f"{watch.initials} relieved {before.initials}, and acts from here on",
    )
    sheet = await north.ask("GET", "/letters", Delivery, query={"note": watch.sheet})
    for item in _payload(sheet).open_items:
        thread = await north.thread(item.thread)
        floor.narrate(f"  {item.kind} with {item.party}, {thread.callsign or '-'}: {item.stage}")


def _payload(sheet: Delivery) -> Payload:
    return msgspec.json.decode(sheet.letters[0].payload or "{}", type=Payload)
