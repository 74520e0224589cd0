"""One of several processes that serve a node together over a PostgreSQL database.

Each serves the register by itself. One of them holds the *desk*: the whole node, with planner,
line, record, feeds, watch and console. The others hand it all other requests (``http/handing.py``),
and those of the register that meet a plan of the node's own. Who holds the desk stands in a row of
the database (``storage/desk.py``); whoever takes it over begins anew with what stands there, and
what the one before would still write is refused by the number in the gates.

The others tell it their figures, so that ``/metrics`` has those of all (``http/gathered.py``).
"""

import asyncio
import logging
import os
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from tansiq.clock import SystemClock
from tansiq.errors import BadInput, NoDesk, PeerRefused, StoreError, TansiqError, WrongState
from tansiq.http import gathered
from tansiq.http.gathered import Gathered, Report
from tansiq.http.handing import Handing, Heard, Holder
from tansiq.http.health import alive
from tansiq.http.instance_app import HANDED
from tansiq.http.metrics import Metrics, gauge, rendered
from tansiq.http.problems import Boundary, Render, f3548_error, problem
from tansiq.keeper import Keeper
from tansiq.loopback import is_loopback
from tansiq.node import Node
from tansiq.peers.identity import load_fingerprint
from tansiq.register_side import RegisterSide
from tansiq.serving import AGAIN_S, LOOKS_S, doubt, watch
from tansiq.settings import Settings
from tansiq.storage.desk import Desk
from tansiq.storage.store import Store

RENDERS: Final[Mapping[str, Render]] = {"own": problem, "away": problem, "peer": f3548_error}
"""The doors, and how errors are said at each."""
WITHIN: Final[Mapping[str, Render]] = {**RENDERS, gathered.DOOR: problem}
"""Those of the listener for the other workers."""
_REGISTERS: Final = ("/dss/", "/aux/")
_WITH_THE_DESK: Final = ("/dss/v1/reports",)
_ENDING_S: Final = 5.0
"""How long requests that the desk has begun may take when it ends."""
_ALIVE_S: Final = 1.0
_AGAIN_S: Final = 5.0
"""Pause after the desk could not be opened; another worker may try meanwhile."""

_log = logging.getLogger(__name__)

Ready = Callable[[str, Node, str | None], None]
"""Called with the worker's name, its node, and the token for a first account where it has none."""


@dataclass(slots=True)
class _Begun:
    """A node that holds the desk, and how many requests it is answering."""

    node: Node
    answering: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def used(self) -> AsyncIterator[None]:
        self.answering += 1
        self.idle.clear()
        try:
            yield
        finally:
            self.answering -= 1
            if not self.answering:
                self.idle.set()


class Worker:
    """What answers at each door of this process. ``run`` it until ``end`` is called."""

    def __init__(self, settings: Settings, store: Store, *, name: str, ready: Ready) -> None:
        assert settings.database is not None  # noqa: S101 - checked where workers are started
        self._settings = settings
        self._store = store
        self._ready = ready
        self._clock = SystemClock()
        self.name = name
        self.secret = secrets.token_urlsafe(32)
        self.keeper = Keeper(
            settings.database,
            self._clock,
            name=self.name,
            secret=self.secret,
            life_s=settings.timers.desk_s,
            told=self._told,
        )
        self._desk = Desk()
        self._changed = asyncio.Event()
        self._begun: _Begun | None = None
        self._register: RegisterSide | None = None
        self._ending = asyncio.Event()
        self.settled = asyncio.Event()
        """Set once a desk is held somewhere, and this process answers what it can."""
        here = is_loopback(settings.desk_host)
        fingerprint = None if here else load_fingerprint(settings.data)
        self._handing = Handing(self._holder, self._clock, fingerprint=fingerprint)
        self._address = ""
        self._gathered = Gathered(name, self._clock)
        about = (("host", socket.gethostname()), ("pid", str(os.getpid())))
        self._about = rendered(
            [gauge("tansiq_worker_info", "Machine and process of a worker", {about: 1.0})]
        )

    # ---- requests

    def door(self, name: str) -> ASGIApp:
        """Return the application at one door."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                raise RuntimeError(f"no {scope['type']} routes")
            path: str = scope["path"]
            if self._begun is not None:
                await self._at_desk(self._begun, name, scope, receive, send)
            elif name == "own" and path == "/healthz":
                await alive()(scope, receive, send)
            elif name == "peer" and self._register is not None and _is_registers(path):
                heard = Heard(receive)
                await self._register.app(scope, heard.hear, send)
                if scope.pop(HANDED, False):
                    await self._handing.hand(name, scope, heard.again(), send)
            else:
                await self._handing.hand(name, scope, receive, send)

        return Boundary(app, RENDERS[name])

    def desk_door(self, name: str) -> ASGIApp | None:
        """Return what answers the other workers' requests; None: the desk is not here."""
        begun = self._begun
        if begun is None:
            return None
        if name == gathered.DOOR:
            return Boundary(self._gathered.app, problem)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self._at_desk(begun, name, scope, receive, send)

        return app

    async def _at_desk(
        self, begun: _Begun, name: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        node = begun.node
        app = {"own": node.own, "away": node.away, "peer": node.peer}[name]
        assert app is not None  # noqa: S101 - that listener is there only where it is set
        async with begun.used():
            await app(scope, receive, send)

    def _holder(self) -> Holder | None:
        desk = self._desk
        if not desk.held or not desk.address or desk.holder == self.name:
            return None
        return Holder(desk.address, desk.secret)

    # ---- the desk

    async def run(self, address: str) -> None:
        """Serve until told to end; ``address`` is where this process listens for the others.

        Raises:
            BadInput, WrongState: the first time that this process was to hold the desk it could
                not, by a mistake in the folder.
        """
        self._address = address
        self.keeper.start()
        self.keeper.wanted = True
        pulse = asyncio.create_task(self._pulse(), name="pulse")
        telling = asyncio.create_task(self._tell(), name="figures")
        try:
            while not self._ending.is_set():
                self._changed.clear()
                await self._follow()
                if self._desk.held and self._desk.holder == self.name:
                    await self._hold()
                elif self._desk.held and self._desk.address:
                    self.settled.set()
                await self._woken()
        finally:
            pulse.cancel()
            telling.cancel()
            with suppress(NoDesk, PeerRefused):  # Who is not told misses us, for a while.
                await self._handing.tell(gathered.DOOR, self._report(None))
            await self.keeper.stop()
            await self._handing.close()
            await self._no_register()
            await self._store.close()

    def end(self) -> None:
        """Have ``run`` end."""
        self._ending.set()
        self._changed.set()

    def leave(self) -> None:
        """Take no desk any more, and end what is read without end, so that listeners can close."""
        if self._begun is None:
            self.keeper.wanted = False
        else:
            self._begun.node.events.stop()
            self._begun.node.outlook.let_go()

    async def _woken(self) -> None:
        if not self._ending.is_set():
            await self._changed.wait()

    def _told(self, found: Desk) -> None:
        if found != self._desk:
            self._desk = found
            self._changed.set()

    async def _pulse(self) -> None:
        while True:
            self.keeper.alive()
            await self._clock.sleep(_ALIVE_S)

    # ---- figures

    async def _tell(self) -> None:
        """Tell whoever holds the desk our figures, again and again."""
        said = ""
        while True:
            if self._begun is None:
                try:
                    await self._handing.tell(gathered.DOOR, self._report(self._figures()))
                except NoDesk as error:  # ``/metrics`` shows how long ago we were heard.
                    _log.info("our figures were not told: %s", error)
                except PeerRefused as error:
                    if str(error) != said:
                        _log.warning("our figures were refused: %s", error)
                    said = str(error)
                else:
                    said = ""
            await self._clock.sleep(gathered.TELL_S)

    def _report(self, text: str | None) -> bytes:
        return msgspec.json.encode(Report(worker=self.name, text=text))

    def _figures(self) -> str:
        """Return those of a worker without the desk: its register, if it has one, and process."""
        metrics = Metrics() if self._register is None else self._register.api.metrics
        waiting, threads = metrics.writes_waiting(), threading.active_count()
        looked_at = [
            gauge("tansiq_store_waiting", "Writes not yet answered", {(): float(waiting)}),
            gauge("tansiq_process_threads", "Threads of the process", {(): float(threads)}),
        ]
        return metrics.text(looked_at) + self._about

    def _with_all(self, own: str) -> str:
        """Return the figures of all workers, where the desk's are ours."""
        return self._gathered.merged(own + self._about)

    async def _follow(self) -> None:
        """Serve the register under the version of the agreement that the node is at."""
        digest = self._desk.digest
        present = self._register
        if not digest or (present is not None and present.agreement.digest == digest):
            return
        try:
            following = await RegisterSide.read(self._settings, self._store, process=self.name)
        except (BadInput, StoreError) as error:
            _log.warning("the register is left to the desk: %s", error)
            return
        following.start()
        self._register = following
        if present is not None:
            await present.stop()

    async def _no_register(self) -> None:
        """End our own register side: the desk has one, and it may go over to another version."""
        register, self._register = self._register, None
        if register is not None:
            await register.stop()

    async def _hold(self) -> None:
        """Hold the desk until it is lost, or the worker ends."""
        # What was told when we held it before says nothing of who is there now.
        self._gathered = Gathered(self.name, self._clock)
        cleared: str | None = ""
        while cleared is not None and self._is_ours():
            try:
                cleared = await self._one_node(cleared)
            except (BadInput, WrongState):
                if not self.settled.is_set():
                    raise
                await self._give_up("it cannot be opened")
                return
            except (TansiqError, OSError) as error:
                await self._give_up(str(error))
                return

    async def _give_up(self, why: str) -> None:
        """Leave the desk to another worker for a while."""
        _log.exception("the desk is given back: %s", why)
        self.keeper.wanted = False
        self.keeper.address = ""
        with suppress(TimeoutError):
            await self._clock.limit(self._ending.wait(), self._settings.timers.desk_s + _AGAIN_S)
        self.keeper.wanted = not self._ending.is_set()

    def _is_ours(self) -> bool:
        ending = self._ending.is_set()
        return not ending and self._desk.holder == self.name and self._desk.held

    async def _one_node(self, cleared: str) -> str | None:
        """Run one node; return the digest of the version that another is to begin with, or None."""
        await RegisterSide.put_present(self._settings, self._store)
        node = await Node.open(self._settings, cleared=cleared, worker=self.name)
        node.metrics.among = self._with_all
        begun = _Begun(node)
        begun.idle.set()
        going: list[str] = []
        ended = asyncio.Event()

        def go_over(digest: str) -> None:
            going.append(digest)
            ended.set()

        in_vain = cleared not in ("", node.agreement.digest)
        tasks = [
            asyncio.create_task(watch(node, go_over, AGAIN_S if in_vain else LOOKS_S)),
            asyncio.create_task(doubt(node, go_over)),
            asyncio.create_task(self._until_lost(ended)),
        ]
        self._begun = begun
        for task in tasks:
            task.add_done_callback(lambda _: ended.set())  # None ends by itself but by a fault.
        try:
            await node.start()
            self.keeper.address = self._address
            await self._no_register()
            self._ready(self.name, node, await node.accounts.people.first_link())
            self.settled.set()
            await ended.wait()
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            self.keeper.address = ""
            self._begun = None
            for task in tasks:
                task.cancel()
            node.events.stop()
            node.outlook.let_go()
            with suppress(TimeoutError):
                await self._clock.limit(begun.idle.wait(), _ENDING_S)
            await node.stop()
        return going[0] if going else None

    async def _until_lost(self, ended: asyncio.Event) -> None:
        while self._is_ours():
            self._changed.clear()
            if self._is_ours():
                await self._changed.wait()
        if not self._ending.is_set():
            _log.warning("another worker holds the desk: %s", self._desk.holder)
        ended.set()


def _is_registers(path: str) -> bool:
    return path.startswith(_REGISTERS) and path not in _WITH_THE_DESK


def desk_socket(host: str) -> socket.socket:
    """Return a socket, at a port of the system's choice, for the other workers' requests."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    found.bind((host, 0))
    return found
