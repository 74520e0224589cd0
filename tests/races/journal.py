"""What the nodes wrote, in full: evidence for judging races after the fact.

Triggers in each node's own file note every version of every reference in its register, every step
of every plan and every record that is served, each in the transaction that makes it: what was
rolled back or lost with a killed process was never there. Both nodes' notes carry the machine's
time in milliseconds, and the protocol orders what is compared here: a register's acceptance is
older than the belief that it founds, and the end of a belief older than the deletion that follows.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import combinations, pairwise
from typing import Any, TypeAlias

import apsw
import msgspec
from tests.races.pair import GATE, MINIMA, Folder, Pair

from tansiq.domain.conflict import conflicts
from tansiq.domain.time import micros
from tansiq.domain.volume import Volumes, time_bounds
from tansiq.f3548 import convert, wire
from tansiq.storage.cells import Cover, cover
from tansiq.storage.sqlite import SqliteStore

WireVolumes: TypeAlias = tuple[wire.Volume4D, ...]
FOREVER = float("inf")
_END = datetime.max.replace(tzinfo=UTC)
_SLACK_US = 2_000_000
"""Times are rounded outwards on their way, by less than this."""

_NOTED = """
CREATE TABLE IF NOT EXISTS race_note (
    n     INTEGER PRIMARY KEY,
    at    REAL NOT NULL DEFAULT (unixepoch('subsec')),
    what  TEXT NOT NULL,
    body  TEXT NOT NULL
);
"""
_REFERENCE = """json_object('id', {row}.id, 'manager', {row}.manager, 'ovn', {row}.ovn,
    'version', {row}.version, 'start', {row}.time_start, 'end', {row}.time_end,
    'cover', hex({row}.cover))"""
_PLAN = """json_object('id', NEW.id, 'intent_id', NEW.intent_id, 'callsign', NEW.callsign,
    'placement', json(CAST(NEW.placement AS TEXT)))"""
_SERVED = """json_object('register', NEW.register, 'document', json(CAST(NEW.document AS TEXT)))"""
_TRIGGERS = [
    ("reference", "intent", "INSERT", _REFERENCE.format(row="NEW"), ""),
    ("reference", "intent", "UPDATE", _REFERENCE.format(row="NEW"), ""),
    ("gone", "intent", "DELETE", _REFERENCE.format(row="OLD"), ""),
    ("plan", "plan", "INSERT", _PLAN, ""),
    ("plan", "plan", "UPDATE", _PLAN, ""),
    ("served", "view", "INSERT", _SERVED, "WHEN NEW.own = 1 AND NEW.kind = 'intent'"),
    ("served", "view", "UPDATE", _SERVED, "WHEN NEW.own = 1 AND NEW.kind = 'intent'"),
]


async def begin(folder: Folder) -> None:
    """Make the node's file, before its first start, and set the triggers in it."""
    await SqliteStore.open(folder.data / "tansiq.db").close()
    connection = apsw.Connection(str(folder.data / "tansiq.db"))
    connection.execute(_NOTED)
    for what, table, when, body, condition in _TRIGGERS:
        connection.execute(
            f"CREATE TRIGGER race_{what}_{when} AFTER {when} ON {table} {condition} BEGIN "
            f"INSERT INTO race_note (what, body) VALUES ('{what}', {body}); END"
        )
    connection.close()


# ---- what stands in the registers now


def standing(folder: Folder) -> dict[str, dict[str, Any]]:
    """Return all references in a node's register by entity id."""
    connection = _open(folder)
    query = "SELECT id, manager, ovn, version, time_start, time_end FROM intent"
    names = ("id", "manager", "ovn", "version", "start", "end")
    found = [dict(zip(names, row, strict=True)) for row in connection.execute(query)]
    connection.close()
    return {reference["id"]: reference for reference in found}


def own_plans(folder: Folder) -> dict[str, dict[str, Any]]:
    """Return all plans of a node, ended ones too, by plan id."""
    connection = _open(folder)
    query = "SELECT id, intent_id, phase, placement FROM plan"
    found = {
        row[0]: {"id": row[0], "intent_id": row[1], "phase": row[2], **json.loads(row[3])}
        for row in connection.execute(query)
    }
    connection.close()
    return found


def _open(folder: Folder) -> apsw.Connection:
    connection = apsw.Connection(str(folder.data / "tansiq.db"))
    connection.set_busy_timeout(5_000)
    connection.pragma("query_only", 1)
    return connection


def not_at_rest(pair: Pair) -> list[str]:
    """Return what is not yet as I4 demands when nothing goes on: orphans, half-placed plans."""
    found = []
    registers = {party: standing(folder) for party, folder in pair.folders.items()}
    owned = {}
    for party, folder in pair.folders.items():
        for plan in own_plans(folder).values():
            owned[plan["intent_id"]] = plan
            if plan["phase"] not in ("coordinated", "refused", "ended", "displaced"):
                found.append(f"{party}'s plan {plan['id']} is {plan['phase']}")
            if plan["phase"] not in ("coordinated", "displaced"):
                continue
            for name, slot in zip(pair.folders, plan["slots"], strict=True):
                there = registers[name].get(plan["intent_id"])
                view = slot["view"]
                if slot["state"] != "held" or there is None or there["ovn"] != view["ovn"]:
                    found.append(f"{party}'s plan {plan['id']} is not held by {name}: {there}")
    for name, references in registers.items():
        for reference in references.values():
            plan = owned.get(reference["id"])
            if plan is None or plan["phase"] not in ("coordinated", "displaced"):
                found.append(f"{name} holds {reference['id']} of {reference['manager']}: an orphan")
    return found


# ---- the whole history


@dataclass(slots=True)
class Entry:
    """One version of a reference in a register, from one moment to another."""

    register: str
    id: str
    manager: str
    ovn: str
    version: int
    start: int
    end: int
    cover: Cover
    since: float
    until: float = FOREVER

    def meets(self, other: "Entry") -> bool:
        """Report whether both stand somewhere at once; by cells, which the sites here are far
        enough apart for.
        """
        return any(
            not set(a.cells).isdisjoint(b.cells)
            and a.time_start <= b.time_end
            and b.time_start <= a.time_end
            for a in self.cover.patches
            for b in other.cover.patches
        )

    def holds(self, volumes: WireVolumes) -> bool:
        """Report whether volumes lie within, in time and by cells."""
        span = time_bounds(convert.volumes_to_domain(volumes, "volumes"))
        within = self.start <= micros(span.start) and micros(span.end) <= self.end
        return within and self.cover.contains(cover([convert.area(v, "volume") for v in volumes]))

    def __str__(self) -> str:
        return f"{self.id} of {self.manager}, version {self.version}, {self.since} to {self.until}"


@dataclass(slots=True)
class Step:
    """One state of a plan, from one moment to another."""

    party: str
    plan: str
    intent_id: str
    callsign: str
    placement: Mapping[str, Any]
    since: float
    until: float = FOREVER


@dataclass(slots=True)
class History:
    """Everything that both nodes noted."""

    entries: list[Entry] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    served: list[tuple[str, str, str, wire.OperationalIntent]] = field(default_factory=list)
    """(party, register, entity, what was served there)."""
    sets: dict[tuple[str, int], WireVolumes] = field(default_factory=dict)

    @property
    def plan_of(self) -> dict[str, str]:
        """Plan id by entity id, of all attempts."""
        return {step.intent_id: step.plan for step in self.steps}


def read(pair: Pair) -> History:
    """Read both nodes' notes."""
    history = History()
    for party, folder in pair.folders.items():
        connection = _open(folder)
        open_entry: dict[str, Entry] = {}
        open_step: dict[str, Step] = {}
        for at, what, text in connection.execute("SELECT at, what, body FROM race_note ORDER BY n"):
            body = json.loads(text)
            if what in ("reference", "gone"):
                if (before := open_entry.pop(body["id"], None)) is not None:
                    before.until = at
                if what == "reference":
                    body["cover"] = Cover.from_bytes(bytes.fromhex(body["cover"]))
                    entry = open_entry[body["id"]] = Entry(register=party, since=at, **body)
                    history.entries.append(entry)
            elif what == "plan":
                if (earlier := open_step.get(body["id"])) is not None:
                    earlier.until = at
                step = open_step[body["id"]] = Step(
                    party, body["id"], body["intent_id"], body["callsign"], body["placement"], at
                )
                history.steps.append(step)
            else:
                document = msgspec.convert(body["document"], wire.OperationalIntent, strict=False)
                entity = document.reference.id
                history.served.append((party, body["register"], entity, document))
        query = "SELECT plan_id, number, volumes FROM volume_set"
        for plan, number, volumes in connection.execute(query):
            history.sets[plan, number] = msgspec.json.decode(volumes, type=WireVolumes)
        connection.close()
    return history


def faults_found(pair: Pair) -> list[str]:
    """Return every breach of I1, I2 and I5, and every OVN served with other volumes."""
    history = read(pair)
    return [
        *_i1(history),
        *_i2(history, tuple(pair.folders)),
        *_i5(history, tuple(pair.folders)),
        *_served(history),
    ]


def _i1(history: History) -> Iterator[str]:
    """No register holds two plans of one site whose times meet; all are of equal priority."""
    site = {step.intent_id: step.callsign[1:] for step in history.steps}
    by_place: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in history.entries:
        by_place[entry.register, site[entry.id]].append(entry)
    for entries in by_place.values():
        for a, b in combinations(entries, 2):
            together = a.since < b.until and b.since < a.until
            if a.id != b.id and together and a.meets(b):
                yield f"I1: {a.register} held at once: {a}; {b}"


def _beliefs(history: History) -> Iterator[tuple[Step, float, float, WireVolumes]]:
    """Return each plan's ``base`` with the time that it counted, equal neighbours joined."""
    by_plan: dict[str, list[Step]] = defaultdict(list)
    for step in history.steps:
        by_plan[step.plan].append(step)
    for plan, steps in by_plan.items():
        begun: Step | None = None
        for step, following in pairwise([*steps, None]):
            assert step is not None
            base = step.placement["base"]
            if base is None:
                continue
            begun = step if begun is None or begun.placement["base"] != base else begun
            if following is not None and following.placement["base"] == base:
                continue
            volumes = tuple(v for n in base["parts"] for v in history.sets[plan, n])
            yield begun, begun.since, step.until, volumes
            begun = None


def _i2(history: History, registers: Iterable[str]) -> Iterator[str]:
    """What an owner believes coordinated, every register holds, for as long as it is believed."""
    by_key: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in history.entries:
        by_key[entry.register, entry.id].append(entry)
    for step, since, until, volumes in _beliefs(history):
        for register in registers:
            covered = since
            for entry in by_key[register, step.intent_id]:
                if entry.since <= covered < entry.until and entry.holds(volumes):
                    covered = entry.until
            if covered < until:
                yield (
                    f"I2: {step.party} believed {step.plan} ({step.callsign}) coordinated from "
                    f"{since} to {until}; {register} held it until {covered}"
                )


def _i5(history: History, registers: tuple[str, ...]) -> Iterator[str]:
    """Where a register besides the gate is known to hold a plan, the gate holds it too."""
    at_gate: dict[str, list[Entry]] = defaultdict(list)
    for entry in history.entries:
        if entry.register == GATE:
            at_gate[entry.id].append(entry)
    for step in history.steps:
        held = [slot["state"] == "held" for slot in step.placement["slots"]]
        if any(h for name, h in zip(registers, held, strict=True) if name != GATE):
            moment = step.since
            if not any(e.since <= moment <= e.until for e in at_gate[step.intent_id]):
                yield f"I5: {step.plan} ({step.callsign}) stood beyond the gate alone at {moment}"


def _served(history: History) -> Iterator[str]:
    """An OVN is served with the version and the volumes that its register wrote under it."""
    written = {(entry.register, entry.ovn): entry for entry in history.entries}
    for party, register, entity, document in history.served:
        reference = document.reference
        entry = written.get((register, reference.ovn or ""))
        name = f"{party} served {entity} at {register}"
        if entry is None or entry.id != entity or entry.version != reference.version:
            yield f"OVN: {name} as version {reference.version}, {register} wrote {entry}"
            continue
        span = time_bounds(convert.volumes_to_domain(document.details.volumes, "volumes"))
        half_us = int(MINIMA.time.total_seconds() * 500_000)
        start, end = micros(span.start) - half_us, micros(span.end) + half_us
        same_times = max(abs(entry.start - start), abs(entry.end - end)) <= _SLACK_US
        if not same_times or not entry.holds(document.details.volumes):
            yield f"OVN: {name} with other volumes than were written: {entry}"


# ---- what people were told


def both_coordinated(events: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """Return every moment at which both parties' desks saw conflicting plans as coordinated.

    ``events`` are the nodes' feeds from the beginning, which show every change of status.
    """
    shown = {party: list(_shown(feed)) for party, feed in events.items()}
    by_start = [sorted(claims, key=lambda claim: claim[1]) for claims in shown.values()]
    found = []
    for name, since, until, volumes in by_start[0]:
        for other, other_since, other_until, other_volumes in by_start[1]:
            if other_since >= until:
                break
            if since < other_until and conflicts(volumes, other_volumes, MINIMA):
                found.append(
                    f"both: {name} from {since} to {until} and {other} from {other_since} "
                    f"to {other_until}"
                )
    return found


def _shown(feed: list[dict[str, Any]]) -> Iterator[tuple[str, datetime, datetime, Volumes]]:
    """Return each claim that was shown as coordinated: call sign, since, until, volumes."""
    by_plan: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in feed:
        by_plan[event["id"]].append(event)
    for events in by_plan.values():
        for event, following in pairwise([*events, None]):
            assert event is not None
            if event["body"]["coordinated"]:
                decoded = msgspec.convert(event["body"]["volumes"], tuple[wire.Volume4D, ...])
                volumes = convert.volumes_to_domain(decoded, "volumes")
                since = datetime.fromisoformat(event["time"])
                until = _END if following is None else datetime.fromisoformat(following["time"])
                yield event["body"]["callsign"], since, until, volumes
