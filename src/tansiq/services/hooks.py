"""Starts operators' programs on events of the feed: a siren, a mail, a lamp.

The feed is read by one task, and each program has one of its own, which runs it once for each event
that it is for, in their order: an all-clear never overtakes its stop, and a program that hangs
keeps no other from being started. Nothing waits for a program, neither the line nor the planner.

An event is run for at least once: how far a program has come is stored when a run has ended, so
what a crash broke off is run again after the next start, and says so (``again``). What has become
old in the meantime is not run any more, and that is told.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

import msgspec

from tansiq.domain.note import Kind
from tansiq.domain.time import from_micros, micros, parse_rfc3339, zulu
from tansiq.errors import BadInput, StoreError, TansiqError
from tansiq.hook_settings import Hook
from tansiq.services.events import Events
from tansiq.services.planning.site import Site
from tansiq.services.views import EventView, HookView
from tansiq.storage.hooks import HookRow, HookRows
from tansiq.storage.store import Tx

FEED_KINDS: Final = (
    "plan",
    "constraint",
    "peer",
    "note",
    "line-overdue",
    "line-escalated",
    "line-check",
    "line-clock",
    "joined",
    "watch-alarm",
    "watch-warning",
)
"""Kinds of events that a program may be for; what programs did themselves is none of them."""
KINDS: Final = (*FEED_KINDS, *(kind.value for kind in Kind))
_OF_THE_WATCH: Final = ("watch-alarm", "watch-warning")
TOLD: Final = "hook"
"""The kind of the event that says how a program fared."""
SAME_AGAIN_S: Final = 60.0
"""The same failure of the same program is told again after so long."""
STOP_S: Final = 2.0
"""How long a program may still take when the node stops."""
_AT_ONCE: Final = 500
_LOOK_S: Final = 15.0
_OUTPUT_CHARS: Final = 500

_log = logging.getLogger(__name__)


class _Worded(msgspec.Struct):
    """What has words in its body."""

    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a run ended."""

    problem: str | None = None
    """None: it ended by itself, with exit code 0."""
    output: str = ""
    """The beginning of what it printed."""


class RunPort(Protocol):
    """Runs a program."""

    async def run(self, argv: Sequence[str], document: bytes) -> Ran:
        """Run one to its end, within the time it has. What goes wrong is returned."""
        ...


class HookEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the feed has it."""

    seq: int
    time: str
    kind: str
    id: str
    body: msgspec.Raw


class HookDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What a program reads from its standard input: one JSON object."""

    hook: str
    on: str
    """For which of its kinds it was started."""
    party: str
    """Whose node this is."""
    agreement: str
    """The agreement's name."""
    ours: bool
    """Said by ourselves; of what is no note: false."""
    again: bool
    """It may have been started for this event before: the node was stopped in between."""
    words: tuple[str, ...]
    """What a note says, in English; empty for all else."""
    event: HookEvent


class HookFared(msgspec.Struct, frozen=True, kw_only=True):
    """The body of an event ``hook``; its id is the program's name."""

    hook: str
    event: int
    """For which event of the feed."""
    on: str
    problem: str | None
    """Null: it works again."""
    output: str
    failures: int
    """In a row."""


class _Body(msgspec.Struct, frozen=True):
    """What is read of any event's body."""

    kind: str = ""
    mode: str = ""
    note: str = ""
    sender: str = ""


@dataclass(slots=True)
class _Due:
    event: EventView
    body: _Body
    on: str


@dataclass(slots=True)
class _Desk:
    """One program, and what waits for it."""

    hook: Hook
    row: HookRow
    recovered: int
    """Events up to this one were there before this start."""
    waiting: deque[_Due] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    busy: _Due | None = None
    dropped: int = 0
    read: int = 0
    """The feed was read up to this event."""
    told: tuple[str, str] = ("", "")
    """The failure that was told last: for which kind, and what."""
    told_s: float = 0.0


def check_hooks(hooks: Sequence[Hook]) -> None:
    """Check that what programs are for exists: a misspelt kind would never come.

    Raises:
        BadInput: it does not.
    """
    for number, hook in enumerate(hooks):
        for kind in hook.on:
            if kind not in KINDS:
                raise BadInput(
                    f"{kind!r} is no kind of event; there are {', '.join(KINDS)}",
                    field=f"hook[{number}].on",
                )


class Hooks:
    """All programs of one node."""

    def __init__(
        self, site: Site, events: Events, hooks: Sequence[Hook], programs: RunPort
    ) -> None:
        check_hooks(hooks)
        self._site = site
        self._events = events
        self._hooks = tuple(hooks)
        self._programs = programs
        self._desks: list[_Desk] = []
        self._reading: asyncio.Task[None] | None = None
        self._working: list[asyncio.Task[None]] = []
        self.words: Callable[[str, str], Awaitable[tuple[str, ...]]] = self._none
        """Returns what a note says, by its conversation and its id."""

    @staticmethod
    async def _none(_: str, __: str) -> tuple[str, ...]:
        return ()

    async def start(self) -> None:
        """Begin to read the feed, where each program was left.

        Raises:
            StoreError: the store failed.
        """
        names = [hook.name for hook in self._hooks]

        async def write(tx: Tx) -> dict[str, HookRow]:
            rows = HookRows(tx)
            await rows.keep_only(names)
            return await rows.all()

        known = await self._site.store.write(write)
        _, last = await self._events.bounds()
        self._desks = [
            _Desk(
                hook=hook,
                # A new one is for what comes from now on.
                row=known.get(hook.name) or HookRow(name=hook.name, done=last),
                recovered=last,
            )
            for hook in self._hooks
        ]
        if not self._desks:
            return
        for desk in self._desks:
            desk.read = desk.row.done
            await self._keep(desk.row)
        self._reading = asyncio.create_task(self._read(), name="hooks")
        self._working = [
            asyncio.create_task(self._work(desk), name=f"hook {desk.hook.name}")
            for desk in self._desks
        ]

    async def stop(self) -> None:
        """Stop; what was not run is run after the next start, unless it is old by then."""
        if self._reading is None:
            return
        self._reading.cancel()
        for desk in self._desks:
            desk.waiting.clear()
        running = [task for task, desk in zip(self._working, self._desks, strict=True) if desk.busy]
        if running:
            with suppress(TimeoutError):
                await self._site.clock.limit(self._idle(), STOP_S)
        for task in self._working:
            task.cancel()
        await asyncio.gather(self._reading, *self._working, return_exceptions=True)

    async def _idle(self) -> None:
        while any(desk.busy for desk in self._desks):
            await self._site.clock.sleep(0.02)

    def views(self) -> tuple[HookView, ...]:
        """Return how each program fares."""
        return tuple(
            HookView(
                name=desk.hook.name,
                on=desk.hook.on,
                last=None if desk.row.time is None else zulu(from_micros(desk.row.time)),
                problem=desk.row.problem,
                failures=desk.row.failures,
                waiting=len(desk.waiting) + (desk.busy is not None),
                dropped=desk.dropped,
            )
            for desk in self._desks
        )

    # ---- reading

    async def _read(self) -> None:
        seq = min(desk.row.done for desk in self._desks)
        while True:
            try:
                found = await self._events.follow(seq, _AT_ONCE, _LOOK_S)
            except StoreError as error:
                _log.warning("programs wait for the store: %s", error)
                await self._site.clock.sleep(self._site.timers.retry_last_s)
                continue
            for event in found:
                seq = event.seq
                self._give(event)

    def _give(self, event: EventView) -> None:
        if event.kind == TOLD:
            return
        body = _body(event)
        kinds = (body.kind, event.kind) if event.kind == "note" else (event.kind,)
        for desk in self._desks:
            if event.seq <= desk.read:
                continue
            desk.read = event.seq
            on = next((kind for kind in kinds if kind in desk.hook.on), None)
            if on is None or (body.mode == "exercise" and not desk.hook.exercise):
                continue
            if len(desk.waiting) >= self._site.limits.hook_waiting_max:
                # The oldest: what is newest says best how things are.
                desk.waiting.popleft()
                desk.dropped += 1
            desk.waiting.append(_Due(event, body, on))
            desk.wake.set()

    # ---- running

    async def _work(self, desk: _Desk) -> None:
        while True:
            desk.wake.clear()
            while desk.waiting:
                due = desk.busy = desk.waiting.popleft()
                dropped, desk.dropped = desk.dropped, 0
                ran = await self._run(desk, due)
                if dropped:
                    left = f"{dropped} events before it were left out: too many waited"
                    ran = replace(ran, problem="; ".join(filter(None, (ran.problem, left))))
                await self._ended(desk, due, ran)
                desk.busy = None
            await desk.wake.wait()

    async def _run(self, desk: _Desk, due: _Due) -> Ran:
        event, now = due.event, self._site.clock.now()
        age = now - parse_rfc3339(event.time, "time")
        if age > self._site.timers.hook_fresh:
            fresh_s = self._site.timers.hook_fresh.total_seconds()
            return Ran(problem=f"not started: the event was older than {fresh_s:g} s by then")
        words: tuple[str, ...] = ()
        if due.body.note:
            with suppress(TansiqError):
                words = await self.words(event.id, due.body.note)
        if event.kind in _OF_THE_WATCH and event.body is not None:
            words = _sentence(event.body)
        document = HookDocument(
            hook=desk.hook.name,
            on=due.on,
            party=self._site.party,
            agreement=self._site.agreement.name,
            ours=due.body.sender == self._site.party,
            again=event.seq <= desk.recovered,
            words=words,
            event=HookEvent(
                seq=event.seq, time=event.time, kind=event.kind, id=event.id, body=event.body
            ),
        )
        return await self._programs.run(desk.hook.run, msgspec.json.encode(document) + b"\n")

    async def _ended(self, desk: _Desk, due: _Due, ran: Ran) -> None:
        now, before = self._site.clock.now(), desk.row
        desk.row = HookRow(
            name=desk.hook.name,
            done=due.event.seq,
            time=micros(now),
            failures=before.failures + 1 if ran.problem else 0,
            problem=ran.problem,
        )
        if ran.problem:
            _log.warning("hook %s, event %d: %s", desk.hook.name, due.event.seq, ran.problem)
        told = self._worth_telling(desk, before, due, ran)
        fared = HookFared(
            hook=desk.hook.name,
            event=due.event.seq,
            on=due.on,
            problem=ran.problem,
            output=ran.output[:_OUTPUT_CHARS] if ran.problem else "",
            failures=desk.row.failures,
        )
        await self._keep(desk.row, fared if told else None, now)

    def _worth_telling(self, desk: _Desk, before: HookRow, due: _Due, ran: Ran) -> bool:
        if ran.problem is None:
            desk.told = ("", "")
            return before.problem is not None
        now_s, what = self._site.clock.monotonic_s(), (due.on, ran.problem)
        if what == desk.told and now_s - desk.told_s < SAME_AGAIN_S:
            return False
        desk.told, desk.told_s = what, now_s
        return True

    async def _keep(
        self, row: HookRow, fared: HookFared | None = None, now: datetime | None = None
    ) -> None:
        async def write(tx: Tx) -> None:
            await HookRows(tx).put(row)
            if fared is not None and now is not None:
                body = msgspec.json.encode(fared)
                await self._events.append(tx, TOLD, row.name, body, now)

        try:
            await self._events.store.write(write)
        except StoreError as error:
            # It has run all the same; after a restart it may be run again, and says so.
            _log.warning("how far hook %s has come is not stored: %s", row.name, error)


def _body(event: EventView) -> _Body:
    try:
        return msgspec.json.decode(event.body, type=_Body)
    except msgspec.DecodeError:  # Too large to repeat in the event, or of another form.
        return _Body()


def _sentence(body: bytes) -> tuple[str, ...]:
    try:
        return (msgspec.json.decode(body, type=_Worded).sentence,)
    except msgspec.DecodeError:  # Too large to repeat in the event.
        return ()
