"""Runs one worker: its part of the node's listeners, and its own one for the other workers."""

import asyncio
import signal
import socket
from collections.abc import Callable, Mapping

from tansiq import collector
from tansiq.engine.warm import warm
from tansiq.http.handing import Doors
from tansiq.http.listener import Listener, TlsFiles, listener, tls_of_node
from tansiq.loopback import is_loopback
from tansiq.settings import Settings
from tansiq.storage.opening import open_shared
from tansiq.wiring import new_id
from tansiq.worker import WITHIN, Ready, Worker, desk_socket


async def serve_worker(
    settings: Settings,
    sockets: Mapping[str, socket.socket],
    *,
    settled: Callable[[str], None],
    ready: Ready,
) -> None:
    """Run a worker until SIGINT or SIGTERM; ``sockets`` listen already, by door.

    ``settled`` is called once it answers and a desk is held somewhere; ``ready`` each time that the
    desk is held here.

    Raises:
        BadInput, WrongState: what the data folder holds does not fit together.
        StoreError: the database cannot be used.
    """
    assert settings.database is not None  # noqa: S101 - checked where workers are started
    warm()  # Before it may hold the desk: whoever does is to be quick.
    name = new_id()
    store = await open_shared(settings.database, process=name, beside_desk=True)
    worker = Worker(settings, store, name=name, ready=ready)
    public = {name: (_listener(worker, name, settings), sockets[name]) for name in sockets}
    own = desk_socket(settings.desk_host)
    between = listener(
        Doors(worker.secret, worker.desk_door, WITHIN),
        settings.desk_host,
        0,
        settings,
        tls=None if is_loopback(settings.desk_host) else tls_of_node(settings),
    )
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ending.set)
    try:
        async with asyncio.TaskGroup() as group:
            handed = group.create_task(between.serve(sockets=[own]))
            served = [group.create_task(one.serve(sockets=[at])) for one, at in public.values()]
            working = group.create_task(worker.run(_address(settings, own)))
            group.create_task(_tell(worker, settled))
            told = asyncio.create_task(ending.wait())
            await asyncio.wait({told, working}, return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            # First nobody is let in any more, then what was begun is ended, then the desk.
            worker.leave()
            for each, _ in public.values():
                each.should_exit = True
            await asyncio.gather(*served)
            worker.end()
            await asyncio.gather(working, return_exceptions=True)
            between.should_exit = True
            await handed
    finally:
        collector.unsettle()


async def _tell(worker: Worker, settled: Callable[[str], None]) -> None:
    await worker.settled.wait()
    collector.settle()
    settled(worker.name)


def _listener(worker: Worker, name: str, settings: Settings) -> Listener:
    host, port, tls = "127.0.0.1", settings.own_port, None
    if name == "peer":
        host, port = settings.peer_host, settings.peer_port
        tls = tls_of_node(settings) if settings.peer_tls else None
    elif name == "away":
        console = settings.console
        assert console is not None  # noqa: S101 - there is no such socket else
        host, port = console.host, console.port
        tls = TlsFiles(console.certificate, console.key)
    return listener(worker.door(name), host, port, settings, tls=tls)


def _address(settings: Settings, own: socket.socket) -> str:
    host, port = own.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"{'http' if is_loopback(settings.desk_host) else 'https'}://{shown}:{port}"
