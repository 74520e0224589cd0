"""Starts a program, hands it one document, and sees that it ends; satisfies ``RunPort``.

No shell. The program is a session of its own, so what it starts ends with it where its time is up.
What it prints is read and thrown away but for the beginning, so that it never waits for us; one
that prints without end is ended.
"""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from tansiq.clock import Clock
from tansiq.services.hooks import Ran

OUTPUT_KEPT: Final = 2_000
"""Bytes of what it prints, for the problem's sentence."""
LAST_CHANCE_S: Final = 1.0
"""Between asking a program to end and ending it."""
_TAIL_S: Final = 0.2
"""How long what it has printed may take to come once it has ended."""


class Programs:
    """Runs programs in one folder."""

    def __init__(self, folder: Path, clock: Clock, *, time_s: float, output_bytes_max: int) -> None:
        self._folder = folder
        self._clock = clock
        self._time_s = time_s
        self._output_bytes_max = output_bytes_max

    async def run(self, argv: Sequence[str], document: bytes) -> Ran:
        """Run one to its end; cancelled, it is ended.

        What goes wrong is returned, never raised.
        """
        try:
            transport, watched = await asyncio.get_running_loop().subprocess_exec(
                lambda: _Watched(self._output_bytes_max),
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                cwd=self._folder,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return Ran(problem=f"{argv[0]} cannot be started ({reason})")
        try:
            problem = await self._watch(transport, watched, document)
        finally:
            if transport.get_returncode() is None:
                _signal(transport, signal.SIGKILL)
            transport.close()
        return Ran(problem=problem, output=watched.kept.decode(errors="replace"))

    async def _watch(
        self, transport: asyncio.SubprocessTransport, watched: "_Watched", document: bytes
    ) -> str | None:
        # By its role, not by its type: uvloop's is no subclass of asyncio's. One that reads nothing
        # leaves the document in our memory until its time is up, and no longer.
        stdin = cast(asyncio.WriteTransport, transport.get_pipe_transport(0))
        with suppress(RuntimeError, OSError):
            # One that has ended already reads nothing; uvloop says so by an error.
            stdin.write(document)
            stdin.write_eof()
        try:
            await self._clock.limit(watched.over.wait(), self._time_s)
        except TimeoutError:
            await self._end(transport, watched)
            return f"did not end within {self._time_s:g} s, and was ended"
        if watched.flooding:
            await self._end(transport, watched)
            return f"printed more than {self._output_bytes_max:,} bytes, and was ended"
        with suppress(TimeoutError):
            # What it left running may hold its output open for as long as it likes.
            await self._clock.limit(watched.silent.wait(), _TAIL_S)
        code = transport.get_returncode()
        if code is None or code == 0:
            return None
        return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

    async def _end(self, transport: asyncio.SubprocessTransport, watched: "_Watched") -> None:
        _signal(transport, signal.SIGTERM)
        with suppress(TimeoutError):
            await self._clock.limit(watched.exited.wait(), LAST_CHANCE_S)
        # The whole session: what it has started may not have listened.
        _signal(transport, signal.SIGKILL)
        with suppress(TimeoutError):
            await self._clock.limit(watched.exited.wait(), LAST_CHANCE_S)


class _Watched(asyncio.SubprocessProtocol):
    """What comes from a running program."""

    def __init__(self, bytes_max: int) -> None:
        self._left = bytes_max
        self.kept = bytearray()
        self.flooding = False
        self.over = asyncio.Event()
        """It has ended, or has to be."""
        self.exited = asyncio.Event()
        self.silent = asyncio.Event()
        """Nothing more will come of what it prints."""

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        del fd  # Both outputs are one.
        self.kept += data[: OUTPUT_KEPT - len(self.kept)]
        self._left -= len(data)
        if self._left < 0:
            self.flooding = True
            self.over.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        del exc
        if fd == 1:
            self.silent.set()

    def process_exited(self) -> None:
        self.exited.set()
        self.over.set()


def _signal(transport: asyncio.SubprocessTransport, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(transport.get_pid(), number)
