"""Three real nodes with both listeners, and desks that use the commands and the own API of each.

The nodes live in a thread of their own, the commands run as the installed program runs them, in
this process, against real sockets. Timers of the agreement are seconds: what is overdue is seen.
"""

import asyncio
import http.client
import json
import re
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn
from tests.planning.sky import AREA, Side, make_sky

from tansiq.cli.main import main
from tansiq.domain.desk import Desk as Post
from tansiq.domain.pact import AgreedTimers, Escalation, Lead, Role, Rung, Way
from tansiq.domain.time import zulu
from tansiq.formats.agreement import read_agreement, render_agreement
from tansiq.http.listener import listener
from tansiq.settings import load_own_token

T = TypeVar("T")
_ISOLATES = re.compile("[\u2066-\u2069]")
"""What keeps two directions of writing apart on the screen."""
PARTIES = ("north", "south", "civil")
PASSWORD = "four words are better"
PEOPLE = {"nina": ("Nina Hall", "NH", "watch"), "omar": ("Omar Aziz", "OA", "watch")}
WALL = ("wall", "Wall display", "WD", "viewer")
PATIENCE_S = 20.0
SEEN_S, ANSWERED_S = 1.0, 2.0
TIMERS = AgreedTimers(
    arrived=timedelta(seconds=1),
    seen=timedelta(seconds=SEEN_S),
    read_back=timedelta(seconds=SEEN_S),
    answered=timedelta(seconds=ANSWERED_S),
    decided=timedelta(seconds=ANSWERED_S),
)
STEPS = (
    Escalation(rung=Rung.SEEN, after=timedelta(seconds=SEEN_S), role=Role.SENDER),
    Escalation(rung=Rung.ANSWERED, after=timedelta(seconds=ANSWERED_S), role=Role.SENDER),
    Escalation(
        rung=Rung.ANSWERED, after=timedelta(seconds=ANSWERED_S), desk="civil/watch", by=Way.VOICE
    ),
)
LEAD = Lead(general=timedelta(minutes=30))


@dataclass
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def ids(self) -> list[str]:
        """The ids in the first column of a table."""
        return re.findall(r"^([0-9a-f]{10}) ", self.out, re.MULTILINE)

    @property
    def id(self) -> str:
        """The one id."""
        (one,) = self.ids
        return one

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Answer:
    """What the own API answered."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def detail(self) -> str:
        return str(self.json["detail"])


@dataclass
class Desk:
    """One party's desk: its commands, and its own API."""

    party: str
    side: Side
    floor: "Floor"
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.side.settings.data

    def __call__(self, line: str, *more: str, who: str = "nina") -> Ran:
        """Run a command for somebody at this desk; ``more`` are words with blanks."""
        return self.floor.run(self, [*line.split(), *more], who)

    def good(self, line: str, *more: str, who: str = "nina") -> Ran:
        """Run a command that has to end well."""
        ran = self(line, *more, who=who)
        assert ran.code == 0, f"{self.party}: tansiq {line}: {ran.code}\n{ran.out}{ran.err}"
        return ran

    def bad(self, code: int, says: str, line: str, *more: str, who: str = "nina") -> Ran:
        """Run a command that has to be refused, with this code and sentence."""
        ran = self(line, *more, who=who)
        what = f"{self.party}: tansiq {line} {more}: {ran.code}\n{ran.out}{ran.err}"
        assert (ran.code, says in ran.err) == (code, True), what
        assert len(ran.err.strip().splitlines()) == 1 or ran.err.startswith("Usage"), what
        return ran

    def api(
        self,
        method: str,
        path: str,
        said: object = None,
        *,
        who: str = "nina",
        key: str | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Ask the own API."""
        wire = http.client.HTTPConnection("127.0.0.1", self.side.settings.own_port, timeout=30)
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        content = json.dumps(said).encode() if said is not None else body
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            wire.request(method, f"/api/v1{path}", content, headers)
            answer = wire.getresponse()
            return Answer(answer.status, answer.read())
        finally:
            wire.close()

    def thread(self, note: str, language: str = "en") -> Any:
        """Return a conversation as the API shows it."""
        answer = self.api("GET", f"/threads/{note}?language={language}")
        assert answer.status == 200, answer.body
        return answer.json

    def until(self, look: Callable[[], T], good: Callable[[T], object] = bool) -> T:
        """Look until it is good."""
        limit = time.monotonic() + PATIENCE_S
        while True:
            found = look()
            if good(found):
                return found
            assert time.monotonic() < limit, f"{self.party}: not so: {found}"
            time.sleep(0.02)

    def has(self, note: str) -> Any:
        """Wait until a conversation is here, and return it."""
        answer = self.until(
            lambda: self.api("GET", f"/threads/{note}"), lambda found: found.status == 200
        )
        return answer.json

    def stage(self, note: str, stage: str) -> Any:
        """Wait until a conversation has come to a stage, and return it."""
        self.has(note)
        return self.until(lambda: self.thread(note), lambda found: found["stage"] == stage)

    def events(self, kind: str) -> list[Any]:
        """Return the events of one kind so far."""
        lines = self.good("events --json").out.splitlines()
        return [each for each in map(json.loads, lines) if each["kind"] == kind]

    def file(self, name: str, content: object) -> str:
        path = self.data.parent / f"{self.party}-{name}"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return str(path)

    # ---- the node itself

    def stop(self) -> None:
        """End the node and its listeners."""
        self.floor.do(self.floor.stop(self))

    def start(self) -> None:
        """Start it again from its folder."""
        self.floor.do(self.floor.start(self))

    def deafen(self) -> None:
        """Cut the wires to this node; it goes on."""
        self.floor.do(self.side.deafen())

    def listen(self) -> None:
        """Mend them."""
        self.floor.do(self.side.listen())


@dataclass
class Floor:
    """All nodes, their loop, and whoever types."""

    loop: asyncio.AbstractEventLoop
    desks: dict[str, Desk] = field(default_factory=dict)
    own: dict[str, tuple[uvicorn.Server, asyncio.Task[None]]] = field(default_factory=dict)
    ran: set[tuple[str, ...]] = field(default_factory=set)
    capture: Any = None
    patch: Any = None

    def do(self, what: Coroutine[Any, Any, T]) -> T:
        """Run something in the nodes' loop."""
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(60)

    def run(self, desk: Desk, words: list[str], who: str) -> Ran:
        """Run a command as the installed program does."""
        self.patch.setattr(sys, "argv", ["tansiq", *words])
        self.patch.setenv("TANSIQ_DATA", str(desk.data))
        self.patch.setenv("TANSIQ_TOKEN", desk.tokens.get(who, ""))
        self.capture.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        printed = self.capture.readouterr()
        code = left.value.code
        out, err = (_ISOLATES.sub("", text) for text in printed)
        return Ran(code if isinstance(code, int) else int(code is not None), out, err)

    async def start(self, desk: Desk) -> None:
        side = desk.side
        await side.start()
        server = listener(side.up.own, "127.0.0.1", side.settings.own_port, side.settings, tls=None)
        task = asyncio.create_task(server.serve())
        self.own[desk.party] = (server, task)
        while not server.started:
            assert not task.done()
            await asyncio.sleep(0.002)

    async def stop(self, desk: Desk) -> None:
        server, task = self.own.pop(desk.party)
        desk.side.up.events.stop()
        server.should_exit = server.force_exit = True
        await task
        for connection in list(server.server_state.connections):
            connection.transport.close()
        await desk.side.stop()


def make_floor(folder: Path, loop: asyncio.AbstractEventLoop, ports: list[int]) -> Floor:
    """Make the folders and the agreement; no node runs yet."""
    sky, floor = make_sky(folder, parties=PARTIES), Floor(loop)
    agreed = read_agreement((folder / "north" / "agreement.toml").read_bytes())
    post = Post(id="watch", names={"en": "Watch"}, languages=("en",))
    parties = tuple(replace(party, desks=(post,)) for party in agreed.parties)
    agreed = replace(agreed, parties=parties, timers=TIMERS, escalation=STEPS, lead=LEAD)
    for (party, side), port in zip(sky.sides.items(), ports, strict=True):
        (folder / party / "agreement.toml").write_bytes(render_agreement(agreed))
        file = folder / party / "tansiq.toml"
        text = file.read_text().replace("own_port = 1 ", f"own_port = {port} ")
        file.write_text(f"{text}\nclock_error_s = 0.1\n")
        side.settings = replace(side.settings, own_port=port, clock_error_s=0.1)
        floor.desks[party] = Desk(party, side, floor, {"": load_own_token(folder / party)})
    return floor


async def _all(steps: list[Awaitable[None]]) -> None:
    for step in steps:
        await step


def open_floor(
    folder: Path, ports: list[int], prepare: Callable[[Floor], None] = lambda _: None
) -> tuple[Floor, Callable[[], None]]:
    """Start everything, once it is prepared; return it, and what ends it."""
    loop = asyncio.new_event_loop()
    living = threading.Thread(target=loop.run_forever, name="nodes")
    living.start()
    floor = make_floor(folder, loop, ports)
    prepare(floor)

    def close() -> None:
        floor.do(_all([floor.stop(desk) for desk in floor.desks.values()]))
        loop.call_soon_threadsafe(loop.stop)
        living.join()
        # What is closing is let to close: nothing is left over for the collector to complain of.
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    floor.do(_all([floor.start(desk) for desk in floor.desks.values()]))
    for desk in floor.desks.values():
        _enrol(desk)
    return floor, close


def _enrol(desk: Desk) -> None:
    """Give everybody an account, and log them in."""
    people = [(name, *rest) for name, rest in PEOPLE.items()]
    for name, shown, initials, role in [*people, WALL]:
        said = {"name": name, "display_name": shown, "initials": initials, "role": role}
        made = desk.api("POST", "/accounts", {**said, "password": PASSWORD}, who="")
        assert made.status == 201, made.body
        login = {"name": name, "password": PASSWORD, "kind": "bearer"}
        desk.tokens[name] = desk.api("POST", "/sessions", login, who="").json["token"]


def area(minutes: int = 90, *, lasts: int = 30, callsign: str = "CRANE-1", **more: Any) -> Any:
    """Return a block of air that begins so many minutes from now, as GeoJSON."""
    start = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=minutes)
    said = {
        "callsign": callsign,
        "start": zulu(start),
        "end": zulu(start + timedelta(minutes=lasts)),
        "lower": 300,
        "upper": 600,
        "units": "M",
        "datum": "W84",
        "radius_m": 500,
    }
    assert AREA.vertices[0].lat_deg < 39
    lng = more.pop("lng", -121.0)
    return {
        "type": "Feature",
        "properties": said | more,
        "geometry": {"type": "Point", "coordinates": [lng, 39.0]},
    }
