"""Programs that are started on events: for which, in which order, how often, and what is told."""

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from stations import agreement_of
from tests.planning.sky import TIMERS, Side, Sky, flying, make_sky

from stores import open_store
from tansiq.clock import SystemClock
from tansiq.domain.actor import Actor, Role
from tansiq.domain.intent import PartyID
from tansiq.errors import BadInput
from tansiq.hook_settings import Hook
from tansiq.services.events import Events
from tansiq.services.hooks import FEED_KINDS, KINDS, SAME_AGAIN_S, Hooks, Ran, check_hooks
from tansiq.services.planning.site import Site
from tansiq.settings import Limits, load_settings
from tansiq.storage.store import Tx

pytestmark = pytest.mark.anyio
PATIENCE_S = 120.0


class Shifted(SystemClock):
    """The machine's clock, ahead by as much as a test says, by both of its sides."""

    ahead = timedelta(0)

    def now(self) -> Any:
        return super().now() + self.ahead

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead.total_seconds()


@dataclass
class Recorder:
    """Satisfies ``RunPort``: keeps what it was given, and ends as it is told."""

    given: list[dict[str, Any]] = field(default_factory=list)
    ends: Callable[[dict[str, Any]], Ran] = lambda _: Ran()
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    running: int = 0
    most: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    async def run(self, argv: Sequence[str], document: bytes) -> Ran:
        found = json.loads(document)
        assert argv == (f"/{found['hook']}",)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
        self.given.append(found)
        return self.ends(found)

    def seqs(self, hook: str) -> list[int]:
        return [each["event"]["seq"] for each in self.given if each["hook"] == hook]


class Feed:
    """A store with a feed, and the programs over it."""

    def __init__(self, folder: Path, *hooks: Hook, **limits: int) -> None:
        self.folder, self.hooks_of = folder, hooks
        self.clock, self.recorder = Shifted(), Recorder()
        self.limits = replace(Limits(), **limits)
        self.open()

    def open(self) -> None:
        self.store = open_store(self.folder / "tansiq.db")
        self.events = Events(self.store, self.clock, self.limits)
        site = Site(
            agreement=agreement_of("north", "south"),
            party=PartyID("north"),
            store=self.events.store,
            clock=self.clock,
            limits=self.limits,
            timers=replace(TIMERS, hook_fresh=timedelta(minutes=15)),
            new_id=lambda: "",
        )
        self.hooks = Hooks(site, self.events, self.hooks_of, self.recorder)

    async def close(self) -> None:
        await self.hooks.stop()
        await self.store.close()

    async def again(self) -> None:
        """End the process, and begin again."""
        await self.close()
        self.open()
        await self.hooks.start()

    async def happen(self, kind: str, /, **body: Any) -> int:
        """Append an event; return its number."""
        written = msgspec.json.encode(body)

        async def write(tx: Tx) -> int:
            return await self.events.append(tx, kind, "it", written, self.clock.now())

        return await self.events.store.write(write)

    async def note(self, kind: str, /, **body: Any) -> int:
        given = {"note": "n", "kind": kind, "word": kind, "sender": "south", "mode": "live"}
        return await self.happen("note", **{**given, **body})

    async def told(self) -> list[dict[str, Any]]:
        found = await self.events.after(0, 10_000)
        return [msgspec.json.decode(each.body) for each in found if each.kind == "hook"]

    async def settled(self) -> None:
        """Wait until everything that happened so far was given to whom it is for, and has run."""
        mark = await self.happen("peer")
        async with asyncio.timeout(PATIENCE_S):
            while any(desk.read < mark for desk in self.hooks._desks) or any(
                view.waiting for view in self.hooks.views()
            ):
                await asyncio.sleep(0.01)


def hook(name: str, *on: str, exercise: bool = False) -> Hook:
    return Hook(name=name, on=on, run=(f"/{name}",), exercise=exercise)


async def test_each_is_started_for_what_it_is_for_in_order(tmp_path: Path) -> None:
    feed = Feed(
        tmp_path,
        hook("siren", "stop", "all-clear"),
        hook("log", "note", "line-check"),
        hook("drill", "stop", exercise=True),
    )
    await feed.note("stop")  # Before the programs were there.
    await feed.hooks.start()
    stop = await feed.note("stop")
    ours = await feed.note("all-clear", sender="north")
    say = await feed.note("say")
    practice = await feed.note("stop", mode="exercise")
    check = await feed.happen("line-check", state="warning")
    await feed.happen("plan", status="refused")
    await feed.settled()
    assert feed.recorder.seqs("siren") == [stop, ours]
    assert feed.recorder.seqs("log") == [stop, ours, say, check]
    assert feed.recorder.seqs("drill") == [stop, practice]
    first, second = (each for each in feed.recorder.given if each["hook"] == "siren")
    assert {key: first[key] for key in ("on", "party", "agreement", "ours", "again")} == {
        "on": "stop",
        "party": "north",
        "agreement": "test",
        "ours": False,
        "again": False,
    }
    assert first["event"]["kind"] == "note"
    assert first["event"]["body"]["word"] == "stop"
    assert second["ours"] is True
    assert await feed.told() == []
    await feed.close()


async def test_one_that_hangs_keeps_no_other_and_runs_one_at_a_time(tmp_path: Path) -> None:
    slow, quick = Recorder(), Recorder()
    slow.gate.clear()
    feed = Feed(tmp_path, hook("slow", "stop"), hook("quick", "stop"), hook_waiting_max=3)

    class Two:
        async def run(self, argv: Sequence[str], document: bytes) -> Ran:
            return await (slow if argv == ("/slow",) else quick).run(argv, document)

    feed.hooks._programs = Two()
    await feed.hooks.start()
    numbers = [await feed.note("stop")]
    async with asyncio.timeout(PATIENCE_S):
        while not slow.running:
            await asyncio.sleep(0.01)
    numbers += [await feed.note("stop") for _ in range(7)]
    async with asyncio.timeout(PATIENCE_S):
        while feed.hooks._desks[0].read < numbers[-1] or feed.hooks.views()[1].waiting:
            await asyncio.sleep(0.01)
    assert quick.seqs("quick")[-1] == numbers[-1]
    # One runs, three wait, and the oldest of the others were left out.
    (view, _) = feed.hooks.views()
    assert (view.waiting, view.dropped) == (4, 4)
    slow.gate.set()
    await feed.settled()
    assert slow.seqs("slow") == [numbers[0], *numbers[5:]]
    assert (slow.most, quick.most) == (1, 1)
    told = await feed.told()
    assert [each["problem"] for each in told if each["hook"] == "slow"] == [
        "4 events before it were left out: too many waited",
        None,
    ]
    await feed.close()


async def test_a_failure_is_told_once_a_minute_and_again_when_it_is_over(tmp_path: Path) -> None:
    feed = Feed(tmp_path, hook("mail", "stop", "all-clear"))
    feed.recorder.ends = lambda _: Ran(problem="ended with exit code 7", output="no route" * 200)
    await feed.hooks.start()
    first = await feed.note("stop")
    await feed.note("stop")
    await feed.settled()
    (told,) = await feed.told()
    assert (told["hook"], told["event"], told["on"]) == ("mail", first, "stop")
    assert told["problem"] == "ended with exit code 7"
    assert told["output"] == ("no route" * 200)[:500]
    (view,) = feed.hooks.views()
    assert (view.failures, view.problem) == (2, "ended with exit code 7")
    # Of another kind it is news; the same after a minute, too.
    await feed.note("all-clear")
    await feed.settled()
    await feed.note("all-clear")
    await feed.settled()
    assert len(await feed.told()) == 2
    feed.clock.ahead += timedelta(seconds=SAME_AGAIN_S)
    await feed.note("all-clear")
    await feed.settled()
    assert len(await feed.told()) == 3
    feed.recorder.ends = lambda _: Ran()
    await feed.note("stop")
    await feed.note("stop")
    await feed.settled()
    told = (await feed.told())[3:]
    assert [(each["problem"], each["failures"]) for each in told] == [(None, 0)]
    await feed.close()


async def test_what_a_stop_of_the_node_broke_off_is_run_again_and_says_so(tmp_path: Path) -> None:
    feed = Feed(tmp_path, hook("siren", "stop"))
    await feed.hooks.start()
    done = await feed.note("stop")
    await feed.settled()
    feed.recorder.gate.clear()
    broken, waiting = await feed.note("stop"), await feed.note("stop")
    async with asyncio.timeout(PATIENCE_S):
        while not feed.recorder.running:
            await asyncio.sleep(0.01)
    await feed.close()
    feed.recorder.gate.set()
    feed.open()
    off = await feed.note("stop")  # Between two nodes of one process.
    await feed.hooks.start()
    new = await feed.note("stop")
    await feed.settled()
    given = [(each["event"]["seq"], each["again"]) for each in feed.recorder.given]
    assert given == [(done, False), (broken, True), (waiting, True), (off, True), (new, False)]
    await feed.again()
    await feed.settled()
    assert len(feed.recorder.given) == 5
    await feed.close()


async def test_one_that_runs_when_the_node_stops_may_end(tmp_path: Path) -> None:
    feed = Feed(tmp_path, hook("siren", "stop"))
    await feed.hooks.start()
    feed.recorder.gate.clear()
    await feed.note("stop")
    async with asyncio.timeout(PATIENCE_S):
        while not feed.recorder.running:
            await asyncio.sleep(0.01)
    asyncio.get_running_loop().call_later(0.2, feed.recorder.gate.set)
    await feed.again()
    await feed.settled()
    assert len(feed.recorder.given) == 1
    await feed.close()


@pytest.mark.parametrize(("late", "runs"), [(timedelta(0), True), (timedelta(seconds=1), False)])
async def test_what_has_become_old_is_told_and_not_run(
    tmp_path: Path, late: timedelta, *, runs: bool
) -> None:
    class Standing(Shifted):
        at = SystemClock().now()

        def now(self) -> Any:
            return self.at

    feed = Feed(tmp_path, hook("siren", "stop"))
    feed.clock = Standing()
    await feed.hooks.start()
    await feed.close()
    feed.open()
    await feed.note("stop")
    Standing.at += timedelta(minutes=15) + late
    await feed.hooks.start()
    await feed.settled()
    assert (len(feed.recorder.given) == 1) is runs
    problems = [each["problem"] for each in await feed.told()]
    assert problems == ([] if runs else ["not started: the event was older than 900 s by then"])
    await feed.close()


async def test_one_that_is_new_is_for_what_comes_and_one_that_is_gone_is_forgotten(
    tmp_path: Path,
) -> None:
    feed = Feed(tmp_path, hook("siren", "stop"))
    await feed.hooks.start()
    await feed.note("stop")
    await feed.settled()
    feed.hooks_of = (hook("mail", "stop"),)
    await feed.again()
    feed.hooks_of = (hook("siren", "stop"), hook("mail", "stop"))
    await feed.again()
    last = await feed.note("stop")
    await feed.settled()
    assert feed.recorder.seqs("siren")[1:] == [last]
    assert feed.recorder.seqs("mail") == [last]
    await feed.close()


def test_a_kind_that_there_is_not_is_refused() -> None:
    check_hooks([hook("all", *KINDS)])
    for wrong in ("stop-all", "hook", "Stop", ""):
        with pytest.raises(BadInput, match=r"hook\[1\].on.*no kind of event.*all-clear"):
            check_hooks([hook("one", "stop"), hook("two", "stop", wrong)])
    assert "hook" not in FEED_KINDS


# ---- real nodes, real programs

WRITES = """
import json, sys
found = json.load(sys.stdin)
name = f"{found['event']['body']['kind']}-{found['ours']}.json"
open(name + ".part", "w").write(json.dumps(found))
import os; os.rename(name + ".part", name)
"""
BAD = {
    "hangs": "import time; time.sleep(600)",
    "fails": "import sys; print('no line'); sys.exit(3)",
    "floods": "while True: print('flood ' * 1000)",
}
OMAR = Actor(name="omar", display_name="Omar Aziz", initials="OA", role=Role.WATCH)


def with_programs(sky: Sky) -> None:
    for side in sky.sides.values():
        file = side.settings.data / "tansiq.toml"
        text = file.read_text() + "\n"
        for name, code in {"writes": WRITES, **BAD}.items():
            (side.settings.data / f"{name}.py").write_text(code)
            run = json.dumps([sys.executable, f"{name}.py"])
            text += f'[[hook]]\nname = "{name}"\non = ["stop", "all-clear"]\nrun = {run}\n'
        file.write_text(text)
        hooks = load_settings(side.settings.data).hooks
        side.settings = replace(side.settings, hooks=hooks)


async def read(side: Side, name: str) -> dict[str, Any]:
    path = side.settings.data / name
    async with asyncio.timeout(PATIENCE_S):
        while not path.exists():
            await asyncio.sleep(0.02)
    return dict(json.loads(path.read_text()))


async def test_a_stop_starts_programs_at_both_ends_and_waits_for_none(tmp_path: Path) -> None:
    sky = make_sky(tmp_path, timers=replace(TIMERS, hook_run_s=15.0))
    with_programs(sky)
    async with flying(sky) as flown:
        north, south = flown["north"], flown["south"]
        await north.up.voice.line.talk.stop((), OMAR)
        ours, theirs = await read(north, "stop-True.json"), await read(south, "stop-False.json")
        assert (ours["party"], theirs["party"]) == ("north", "south")
        assert ours["event"]["id"] == theirs["event"]["id"]
        assert any("STOP" in words.upper() for words in theirs["words"]), theirs["words"]
        # The all-clear passes while a program hangs, and so does everything else.
        await north.up.voice.line.talk.all_clear(None, OMAR)
        assert (await read(south, "all-clear-False.json"))["on"] == "all-clear"
        async with asyncio.timeout(PATIENCE_S):
            while any(view.last is None for view in south.up.hooks.views()):
                await asyncio.sleep(0.05)
        problems = {view.name: view.problem for view in south.up.hooks.views()}
        assert problems == {
            "writes": None,
            "hangs": "did not end within 15 s, and was ended",
            "fails": "ended with exit code 3",
            "floods": "printed more than 1,000,000 bytes, and was ended",
        }
        told: list[Any] = []
        async with asyncio.timeout(PATIENCE_S):  # How a run ended is shown before it is on disk.
            while {each.id for each in told} != set(BAD):
                await asyncio.sleep(0.05)
                told = [e for e in await south.up.events.after(0, 1_000) if e.kind == "hook"]
        said = next(msgspec.json.decode(each.body) for each in told if each.id == "fails")
        assert said["output"] == "no line\n"
