"""Starts a node's workers on this machine, and others in the place of those that die.

It binds the listeners once and hands them to every worker: who is let in by the system is taken by
one that has time, and a worker that dies leaves its place to the others.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from typing import Final

import msgspec

from tansiq.clock import Clock, SystemClock
from tansiq.formats.agreement import load_agreement
from tansiq.settings import Settings

PAUSE_FIRST_S: Final = 0.5
PAUSE_LAST_S: Final = 30.0
LIVED_S: Final = 60.0
"""A worker that has lived so long has not died of its start."""
END_S: Final = 30.0
"""How long workers may take to end; then they are killed."""
_BACKLOG: Final = 2_048
_LINE_BYTES_MAX: Final = 65_536

_log = logging.getLogger(__name__)


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line that a worker writes: that it answers, or that it holds the desk."""

    worker: str
    """Its name in the desk's row."""
    desk: bool = False
    agreement: str = ""
    digest: str = ""
    first: str | None = None
    """Token for the first account, where the node has none."""


Told = Callable[[Said], None]


def listening(settings: Settings) -> dict[str, socket.socket]:
    """Return the sockets of all listeners, by door.

    Raises:
        OSError: a port is taken.
    """
    places = {
        "own": ("127.0.0.1", settings.own_port),
        "peer": (settings.peer_host, settings.peer_port),
    }
    if settings.console is not None:
        places["away"] = (settings.console.host, settings.console.port)
    found: dict[str, socket.socket] = {}
    with ExitStack() as undo:
        for door, (host, port) in places.items():
            family, kind, proto, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            one = undo.enter_context(socket.socket(family, kind, proto))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(address)
            one.listen(_BACKLOG)
            one.set_inheritable(True)
            found[door] = one
        undo.pop_all()
    return found


class Supervisor:
    """Keeps a number of workers running; ``told`` hears what they say."""

    def __init__(
        self, settings: Settings, *, environment: Mapping[str, str], told: Told, clock: Clock
    ) -> None:
        self._settings = settings
        self._environment = environment
        self._told = told
        self._clock = clock
        self._workers: dict[int, Process] = {}
        self._settled: set[int] = set()
        self._ending = asyncio.Event()
        self._failed: int | None = None
        self._shown = ""

    async def run(self) -> int:
        """Run until SIGINT or SIGTERM; return the exit code.

        Raises:
            OSError: a port is taken.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ending.set)
        sockets = listening(self._settings)
        try:
            async with asyncio.TaskGroup() as group:
                for place in range(self._settings.workers):
                    group.create_task(self._keep(place, sockets))
                group.create_task(self._end())
        finally:
            for each in sockets.values():
                each.close()
        return self._failed or 0

    async def _keep(self, place: int, sockets: Mapping[str, socket.socket]) -> None:
        pause_s = PAUSE_FIRST_S
        while not self._ending.is_set():
            began_s = self._clock.monotonic_s()
            code = await self._one(place, sockets)
            if self._ending.is_set():
                return
            if code > 0 and not self._shown:
                # Nothing has come up yet: the mistake is in what is given, and it is told.
                self._failed = code
                self._ending.set()
                return
            if self._clock.monotonic_s() - began_s > LIVED_S:
                pause_s = PAUSE_FIRST_S
            _log.warning(
                "worker %d ended with %d; another begins in %g s", place + 1, code, pause_s
            )
            with suppress(TimeoutError):
                await self._clock.limit(self._ending.wait(), pause_s)
            pause_s = min(2 * pause_s, PAUSE_LAST_S)

    async def _one(self, place: int, sockets: Mapping[str, socket.socket]) -> int:
        """Run one worker; return its exit code, negative where a signal ended it."""
        handed = {door: one.fileno() for door, one in sockets.items()}
        words = ["serve", "--data", str(self._settings.data), "--worker-sockets"]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tansiq.cli.child",
            *words,
            msgspec.json.encode(handed).decode(),
            stdin=PIPE,  # Its end tells the worker that we are gone.
            stdout=PIPE,
            pass_fds=list(handed.values()),
            env=dict(self._environment),
            limit=_LINE_BYTES_MAX,
        )
        self._workers[place] = process
        if self._ending.is_set():  # Told meanwhile: those that were there have been ended.
            process.terminate()
        assert process.stdout is not None  # noqa: S101 - asked for above
        try:
            async for line in process.stdout:
                with suppress(msgspec.DecodeError):
                    self._say(place, msgspec.json.decode(line, type=Said))
            return await process.wait()
        finally:
            self._settled.discard(place)
            self._workers.pop(place, None)

    def _say(self, place: int, said: Said) -> None:
        if not said.desk:
            self._settled.add(place)
            if self._shown and len(self._settled) == self._settings.workers:
                _log.info("all %d workers serve", self._settings.workers)
            return
        if self._shown:
            _log.warning("worker %d holds the desk", place + 1)
        self._shown = said.digest
        self._told(said)

    async def _end(self) -> None:
        await self._ending.wait()
        for process in list(self._workers.values()):
            with suppress(ProcessLookupError):
                process.terminate()
        until_s = self._clock.monotonic_s() + END_S
        while self._workers and self._clock.monotonic_s() < until_s:
            await self._clock.sleep(0.05)
        for process in list(self._workers.values()):
            _log.warning("a worker did not end within %g s", END_S)
            with suppress(ProcessLookupError):
                process.kill()


async def supervise(settings: Settings, told: Told) -> int:
    """Run the workers of a node on this machine; return the exit code.

    Raises:
        BadInput: the agreement cannot be read.
        OSError: a port is taken.
    """
    load_agreement(settings.agreement)  # Its mistakes are told before anything is started.
    environment = dict(os.environ)
    if settings.database is not None:
        environment["TANSIQ_DATABASE"] = settings.database
    supervisor = Supervisor(settings, environment=environment, told=told, clock=SystemClock())
    return await supervisor.run()
