"""A way to a PostgreSQL server that can be cut at a COMMIT, before or after it gets there."""

import asyncio
from dataclasses import dataclass, field


@dataclass
class WireCutter:
    """Passes bytes on; ``at`` is what a client's message holds when it is to be cut."""

    port_behind: int
    at: bytes = b""
    deliver: bool = False
    """Whether the server still gets that message: then only its answer is lost."""
    cuts: int = 0
    cuts_max: int = 1
    port: int = 0
    _server: asyncio.Server | None = None
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection("127.0.0.1", self.port_behind)
        cut = asyncio.Event()
        tasks = [
            asyncio.create_task(self._forth(near, forth, cut)),
            asyncio.create_task(self._back(far, back, cut)),
        ]
        self._tasks.update(tasks)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.difference_update(tasks)
        for writer in (back, forth):
            writer.close()

    async def _forth(
        self, near: asyncio.StreamReader, forth: asyncio.StreamWriter, cut: asyncio.Event
    ) -> None:
        while data := await near.read(65_536):
            if self.at and self.at in data and self.cuts < self.cuts_max:
                self.cuts += 1
                cut.set()
                if self.deliver:
                    forth.write(data)
                    await forth.drain()
                    await asyncio.sleep(0.2)  # The server commits; nobody hears of it.
                return
            forth.write(data)
            await forth.drain()

    async def _back(
        self, far: asyncio.StreamReader, back: asyncio.StreamWriter, cut: asyncio.Event
    ) -> None:
        while (data := await far.read(65_536)) and not cut.is_set():
            back.write(data)
            await back.drain()
        if cut.is_set():
            await asyncio.sleep(60)  # Until the other direction has ended.
