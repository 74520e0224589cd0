"""Runs a register by itself: its two listeners, until it is told to stop."""

import asyncio
import signal
from collections.abc import Callable, Sequence

from tansiq import collector
from tansiq.clock import SystemClock
from tansiq.http.listener import Listener, listener, tls_of_node
from tansiq.instance import Instance
from tansiq.settings import Settings

Ready = Callable[[Instance], None]


async def serve_register(settings: Settings, *, ready: Ready) -> None:
    """Run an instance until SIGINT or SIGTERM; ``ready`` is called once both listeners answer.

    Raises:
        BadInput: what the data folder holds does not fit together.
        WrongState: the pool knows a party of ours by another key.
        StoreError: the database cannot be used.
        OSError: a port is taken.
    """
    instance = await Instance.open(settings)
    listeners = (
        listener(instance.own, "127.0.0.1", settings.own_port, settings, tls=None),
        listener(
            instance.peer,
            settings.peer_host,
            settings.peer_port,
            settings,
            tls=tls_of_node(settings) if settings.peer_tls else None,
        ),
    )

    def end() -> None:
        for each in listeners:
            each.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    try:
        async with asyncio.TaskGroup() as group:
            for each in listeners:
                group.create_task(each.serve())
            group.create_task(_once_started(instance, listeners, ready))
    finally:
        await instance.stop()
        collector.unsettle()


async def _once_started(instance: Instance, listeners: Sequence[Listener], ready: Ready) -> None:
    clock = SystemClock()
    while not all(one.started or one.should_exit for one in listeners):
        await clock.sleep(0.01)
    if not any(one.should_exit for one in listeners):
        await instance.start()
        collector.settle()
        ready(instance)
