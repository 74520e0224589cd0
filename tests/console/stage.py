"""Two real nodes, each a process with its own folder and ports, for windows of a browser.

What the tests do not do by hand in a window they do here, over the own API of a node: accounts,
positions, and whatever has to be there before the curtain rises.
"""

import asyncio
import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from tansiq.clock import SystemClock
from tansiq.demo.cells import DARAA, NORTH, POST, SOUTH, Flight, agree
from tansiq.demo.nodes import Node, Seat, nodes_of
from tansiq.domain.agreement import Agreement, Party
from tansiq.domain.desk import Desk as Post
from tansiq.domain.volume import LatLng

T = TypeVar("T")
CONSOLE: Final = Path(__file__).parents[2] / "console"
DIST: Final = Path(__file__).parents[2] / "src" / "tansiq" / "console" / "dist"
LANGUAGES: Final = {NORTH: "ar", SOUTH: "he"}
"""Of the desks. What a viewer reads is chosen by the viewer."""
NAMES: Final = {
    NORTH: {"en": "North Cell", "ru": "Северный пост", "he": "תא הצפון", "ar": "خلية الشمال"},
    SOUTH: {"en": "South Cell", "ru": "Южный пост", "he": "תא הדרום", "ar": "خلية الجنوب"},
}
PASSWORD: Final = "four words are better"
PATIENCE_S: Final = 20.0
_SETTINGS: Final = "\nclock_error_s = 0.1\n"
_numbers, _places = count(1), count(0)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may log in."""

    account: str
    name: str
    initials: str
    role: str = "watch"


PEOPLE: Final = {
    NORTH: (
        Person("salma", "سلمى حداد", "SH"),
        Person("omar", "عمر عزيز", "OA"),
        Person("wall", "Wall display", "WD", "viewer"),
        Person("chief", "Chief", "CH", "admin"),
    ),
    SOUTH: (
        Person("noa", "נועה לוי", "NL"),
        Person("vera", "Вера Соколова", "VS"),
        Person("chief", "Chief", "CH", "admin"),
    ),
}


class Refused(AssertionError):
    """A node said no where it ought to have said yes."""


@dataclass
class House:
    """One party: its node, and sessions of its people."""

    party: str
    node: Node
    stage: "Stage"
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.node.own_url

    # ---- its API

    def ask(self, method: str, path: str, said: object = None, who: str = "", **query: Any) -> Any:
        """Ask the own API as somebody, or as this machine; return the answer, read.

        Raises:
            Refused: the node did not say yes.
        """
        status, content = self.call(method, path, said, who, **query)
        if status >= 400:
            raise Refused(f"{self.party}: {method} {path}: {status} {content[:600]!r}")
        return json.loads(content) if content else None

    def call(
        self, method: str, path: str, said: object = None, who: str = "", **query: Any
    ) -> tuple[int, bytes]:
        """Ask, and return status and content, whatever they are."""
        wire = http.client.HTTPConnection("127.0.0.1", self.node.own_port, timeout=30)
        headers = {"Content-Type": "application/json"} if said is not None else {}
        if who:
            headers |= {"Cookie": self.cookies[who], "X-CSRF-Token": self.csrf[who]}
            headers["Origin"] = self.url
        else:
            headers["Authorization"] = f"Bearer {self.node.token}"
        body = None if said is None else json.dumps(said).encode("utf-8", "surrogatepass")
        address = f"/api/v1{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            wire.request(method, address, body, headers)
            answer = wire.getresponse()
            return answer.status, answer.read()
        finally:
            wire.close()

    def until(self, look: Callable[[], T], what: str, patience_s: float = PATIENCE_S) -> T:
        """Look until there is something to see, and return it."""
        limit = time.monotonic() + patience_s
        while True:
            found = look()
            if found:
                return found
            assert time.monotonic() < limit, f"{self.party}: {what} did not come: {found}"
            time.sleep(0.05)

    # ---- what is there

    def threads(self, **query: Any) -> list[Any]:
        found = self.ask("GET", "/threads", last=1_000, **query)
        return list(found["threads"])

    def thread(self, note: str) -> Any:
        return self.ask("GET", f"/threads/{note}")

    def has(self, note: str) -> Any:
        """Wait until a conversation has come here, and return it."""

        def known() -> Any:
            return next((t for t in self.threads() if t["id"] == note), None)

        return self.until(known, f"note {note[:10]}")

    def stage_of(self, note: str, *stages: str) -> Any:
        """Wait until a conversation is at one of some stages, and return it."""
        self.has(note)

        def look() -> Any:
            thread = self.thread(note)
            return thread if thread["stage"] in stages else None

        return self.until(look, f"{stages} of {note[:10]}")

    def alarms(self) -> list[Any]:
        return list(self.ask("GET", "/alarms")["alarms"])

    # ---- what is done

    def declare(self, document: object, *, notify: bool = True, who: str = "") -> Any:
        """Declare a plan; ``notify``: and tell the others of it. Return the plan."""
        plan = self.ask("POST", "/plans", document, who, wait_s=10)
        if notify:
            self.ask("POST", "/notices", {"id": plan["id"]}, who)
        return plan

    def notice_of(self, callsign: str) -> Any:
        """Wait until a notice about a flight is here, and return its conversation."""

        def look() -> Any:
            found = [t for t in self.threads(kind="notice") if t["callsign"] == callsign]
            return next((t for t in found if not t["superseded"]), None)

        return self.until(look, f"notice of {callsign}")

    def say(self, code: str, **more: Any) -> str:
        """Say a phrase to the other; return the note."""
        said = {"code": code, "values": {}, **more}
        return str(self.ask("POST", "/messages", said)["threads"][0]["id"])

    def fly(self, address: str, at: LatLng, feet: float, **more: Any) -> None:
        """Tell this node where an aircraft is now, as a program of ours would."""
        position = {
            "address": address,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "lat": at.lat_deg,
            "lng": at.lng_deg,
            "altitude": {"value": feet, "units": "FT", "datum": "AMSL"},
            **more,
        }
        self.ask("POST", "/positions", [position])

    # ---- its process

    def kill(self) -> None:
        """End it as a power cut would."""
        self.stage.do(self.node.kill())

    def start_again(self) -> None:
        self.stage.do(self.node.start_again(SystemClock()))

    def hang(self) -> None:
        """Let it stand still: connections stay, and nothing is answered."""
        os.kill(self.node.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.node.process.pid, signal.SIGCONT)

    # ---- people

    def enrol(self) -> None:
        """Give everybody an account, and a session."""
        for person in PEOPLE[self.party]:
            said = {
                "name": person.account,
                "display_name": person.name,
                "initials": person.initials,
                "role": person.role,
                "password": PASSWORD,
            }
            self.ask("POST", "/accounts", said)
            self.log_in(person.account)

    def log_in(self, account: str) -> None:
        """Open a session of a browser for somebody."""
        wire = http.client.HTTPConnection("127.0.0.1", self.node.own_port, timeout=30)
        said = {"name": account, "password": PASSWORD, "kind": "cookie"}
        headers = {"Content-Type": "application/json", "Origin": self.url}
        wire.request("POST", "/api/v1/sessions", json.dumps(said), headers)
        answer = wire.getresponse()
        opened = json.loads(answer.read())
        assert answer.status < 300, opened
        self.cookies[account] = str(answer.getheader("Set-Cookie")).partition(";")[0]
        self.csrf[account] = opened["csrf_token"]
        wire.close()

    def cookie(self, account: str) -> dict[str, Any]:
        """Return somebody's session as a browser keeps it."""
        name, _, value = self.cookies[account].partition("=")
        return {
            "name": name,
            "value": value,
            "url": self.url,
            "httpOnly": True,
            "sameSite": "Strict",
        }


@dataclass
class Stage:
    """Both houses, and the loop that their processes hang on."""

    loop: asyncio.AbstractEventLoop
    folder: Path
    houses: dict[str, House] = field(default_factory=dict)

    @property
    def north(self) -> House:
        return self.houses[NORTH]

    @property
    def south(self) -> House:
        return self.houses[SOUTH]

    def do(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(200)

    def both(self) -> Iterator[House]:
        yield from self.houses.values()


def _agreed(parties: Sequence[Party]) -> Agreement:
    desks = {
        party.id: Post(id="watch", names=POST, languages=(LANGUAGES[party.id], "en"))
        for party in parties
    }
    agreed = agree(parties)
    seated = tuple(replace(party, desks=(desks[party.id],)) for party in agreed.parties)
    return replace(agreed, name="Two cells", parties=seated)


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Set up two nodes with people, and take all down at the end."""
    need_console()
    loop = asyncio.new_event_loop()
    living = threading.Thread(target=loop.run_forever, name="nodes", daemon=True)
    living.start()
    exits = AsyncExitStack()
    up = Stage(loop, folder)
    seats = [Seat(party=p, names=names, settings=_SETTINGS) for p, names in NAMES.items()]

    async def rise() -> Sequence[Node]:
        nodes, _ = await exits.enter_async_context(
            nodes_of(folder, seats, _agreed, ports=(), clock=SystemClock())
        )
        return nodes

    try:
        for node in up.do(rise()):
            up.houses[node.party] = House(node.party, node, up)
        for house in up.both():
            house.enrol()
        yield up
    finally:
        up.do(exits.aclose())
        # In its own thread: in this one the browser's loop may be running.
        up.do(loop.shutdown_asyncgens())
        up.do(loop.shutdown_default_executor())
        loop.call_soon_threadsafe(loop.stop)
        living.join()
        loop.close()


def need_console() -> None:
    """Say what to do where the console is not built, or is older than its source.

    Raises:
        AssertionError: it is not, or is.
    """
    page = DIST / "index.html"
    assert page.is_file(), "the console is not built: run `make console`"
    sources = [CONSOLE / "index.html", *_files(CONSOLE / "src"), *_files(CONSOLE / "public")]
    newest = max(sources, key=lambda each: each.stat().st_mtime)
    built = page.stat().st_mtime
    assert newest.stat().st_mtime <= built, f"{newest} is newer than the build: run `make console`"


def _files(folder: Path) -> Iterator[Path]:
    return (each for each in folder.rglob("*") if each.is_file())


# ---- plans, each somewhere else, so that those of two tests never meet


def callsign(letter: str) -> str:
    """Return a call sign that nobody has had."""
    return f"{letter}-{os.getpid() % 1000}{next(_numbers):03}"


def place() -> LatLng:
    """Return a place in the area; two circles of 2 km at two of them keep the minima."""
    column, row = divmod(next(_places) % 168, 12)
    return LatLng(32.5 + row * 0.06, 36.2 + column * 0.07)


def flight(name: str, near: LatLng = DARAA, *, after_min: int = 45, **more: Any) -> Any:
    """Return a plan of one circle, as GeoJSON."""
    made = Flight(
        callsign=name,
        near=near,
        radius_m=more.pop("radius_m", 2_000),
        feet=more.pop("feet", (4_000, 5_500)),
        after_min=after_min,
        lasts_min=more.pop("lasts_min", 30),
    )
    document = made.document(datetime.now(UTC))
    document["properties"] |= more
    return document
