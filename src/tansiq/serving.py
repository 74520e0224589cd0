"""Runs a node: its listeners, until it is told to stop or goes over to another agreement.

Another version of the agreement is another node over the same folder: this one ends, and the next
begins at once, within the same process.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence

from tansiq import collector
from tansiq.clock import SystemClock
from tansiq.errors import StoreError, TansiqError
from tansiq.http.listener import Listener, TlsFiles, listener, tls_of_node
from tansiq.http.meanwhile import Meanwhile, away
from tansiq.node import Node
from tansiq.peers.succession import Version, chain_to, next_version
from tansiq.settings import Settings
from tansiq.storage.opening import doubted

_log = logging.getLogger(__name__)

LOOKS_S = 2.0
"""How often the folder is looked at for a version to go over to."""
AGAIN_S = 60.0
"""When it is looked at again after a node began anew and is where it was."""

Ready = Callable[[Node, str | None], None]
"""Called with the node, and with the token for its first account where it has none."""


async def serve(settings: Settings, *, ready: Ready) -> None:
    """Run a node until SIGINT or SIGTERM; ``ready`` is called once both listeners answer.

    Called again after the node has gone over to another version of the agreement.

    Raises:
        BadInput: what the data folder holds does not fit together.
        WrongState: a version of the agreement is not in force.
        StoreError: the store cannot be opened.
        OSError: a port is taken.
    """
    cleared: str | None = ""
    told_to_end, meanwhile = asyncio.Event(), Meanwhile()
    try:
        while cleared is not None and not told_to_end.is_set():
            cleared = await _serve(settings, cleared, ready, told_to_end, meanwhile)
    finally:
        await meanwhile.end()


async def _serve(
    settings: Settings,
    cleared: str,
    ready: Ready,
    told_to_end: asyncio.Event,
    meanwhile: Meanwhile,
) -> str | None:
    """Run one node; return the digest of the version that another is to begin with, or None."""
    node = await _opened(settings, cleared, told_to_end)
    await meanwhile.end()
    if told_to_end.is_set():
        # Between two nodes the signals are still those of the one before.
        await node.stop()
        return None
    listeners = _listeners(settings, node)
    going: list[str] = []

    def end() -> None:
        node.events.stop()
        node.outlook.let_go()
        for each in listeners:
            each.should_exit = True

    def go_over(digest: str) -> None:
        going.append(digest)
        end()

    def end_for_good() -> None:
        told_to_end.set()
        going.clear()
        for each in watching:
            each.cancel()
        end()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end_for_good)
    try:
        async with asyncio.TaskGroup() as group:
            in_vain = cleared not in ("", node.agreement.digest)
            watching = [
                group.create_task(watch(node, go_over, AGAIN_S if in_vain else LOOKS_S)),
                group.create_task(doubt(node, go_over)),
            ]
            listening = [group.create_task(each.serve()) for each in listeners]
            group.create_task(_once_started(node, listeners, ready))
            await asyncio.gather(*listening)
            for each in watching:
                each.cancel()
    finally:
        if going and settings.database is not None:
            # Both what follows may wait for the database.
            await meanwhile.begin(_listeners(settings))
        await node.stop()
        collector.unsettle()
    return going[0] if going else None


async def _opened(settings: Settings, cleared: str, told_to_end: asyncio.Event) -> Node:
    """Open a node; where it begins anew, wait for a database that is away."""
    while True:
        try:
            return await Node.open(settings, cleared=cleared)
        except StoreError as error:
            if settings.database is None or not cleared or told_to_end.is_set():
                raise
            _log.warning("the node cannot begin anew yet: %s", error)
            await SystemClock().sleep(LOOKS_S)


def _listeners(settings: Settings, node: Node | None = None) -> list[Listener]:
    """For our own people here, for other nodes, and for our own people elsewhere if set.

    Without a node they say that it is away.
    """
    own_tls = tls_of_node(settings)
    made = [
        listener(
            away() if node is None else node.own,
            "127.0.0.1",
            settings.own_port,
            settings,
            tls=None,
        ),
        listener(
            away() if node is None else node.peer,
            settings.peer_host,
            settings.peer_port,
            settings,
            tls=own_tls if settings.peer_tls else None,
        ),
    ]
    console = settings.console
    far = away() if node is None else node.away
    if console is not None and far is not None:
        shown = TlsFiles(console.certificate, console.key)
        made.append(listener(far, console.host, console.port, settings, tls=shown))
    return made


async def watch(node: Node, go_over: Callable[[str], None], first_s: float) -> None:
    """Look for a version to go over to, and go as soon as nothing is in its way."""
    clock, told, pause_s = SystemClock(), "", first_s
    while True:
        await clock.sleep(pause_s)
        pause_s = LOOKS_S
        try:
            digest = await look(node)
        except TansiqError as error:
            if str(error) != told:
                _log.warning("cannot go over to another version of the agreement: %s", error)
                told = str(error)
            continue
        if digest is not None:
            go_over(digest)
            return


async def doubt(node: Node, begin_anew: Callable[[str], None]) -> None:
    """Begin anew under the same version once it is not known whether a write was kept."""
    lost = doubted(node.store)
    if lost is not None:
        await lost.wait()
        _log.warning("it is not known whether a write was kept: the node begins anew")
        begin_anew(node.agreement.digest)


def _awaited(node: Node) -> tuple[Version, ...] | None:
    target = next_version(node.settings)
    return None if target is None else chain_to(node.settings, node.agreement, target)


async def look(node: Node) -> str | None:
    """Return the digest of the version that the node may go over to now; None: there is none.

    Raises:
        BadInput, WrongState: what the folder holds is not in force, or does not follow.
        StoreError: the store failed.
    """
    try:
        # In a thread: forty versions of ten parties take a third of a second, and others wait.
        chain = await asyncio.to_thread(_awaited, node)
    except TansiqError as error:
        node.succession.tell(0, "", (str(error),))
        raise
    if chain is None:
        node.succession.tell_nothing()
        return None
    ready = await node.succession.ready_for([each.agreement for each in chain])
    return chain[0].agreement.digest if ready else None


async def _once_started(node: Node, listeners: Sequence[Listener], ready: Ready) -> None:
    clock = SystemClock()
    while not all(one.started or one.should_exit for one in listeners):
        await clock.sleep(0.01)
    if not any(one.should_exit for one in listeners):
        await node.start()
        collector.settle()
        ready(node, await node.accounts.people.first_link())
