"""What a node's ports answer between two nodes: while one begins anew, and waits for its database.

A port at which nobody listens looks like a node that is gone, and whoever supervises it kills the
process. So everybody is told that nothing was done and when to come again; the process is alive,
and not ready.
"""

import asyncio
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tansiq.clock import SystemClock
from tansiq.errors import StoreError
from tansiq.http.listener import Listener
from tansiq.http.problems import f3548_error, problem

_F3548 = ("/dss/", "/uss/", "/at/")
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_LOOK_S = 0.01


def away() -> Starlette:
    """Return an application that does nothing and says so."""
    return Starlette(
        routes=[
            Route("/healthz", _alive),
            Route("/{path:path}", _away, methods=_METHODS),
        ]
    )


async def _alive(_: Request) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(b'{"alive":true}', 200, headers, "application/json")


async def _away(request: Request) -> Response:
    error = StoreError(
        "the node begins anew with what stands in its database; nothing was done, try again"
    )
    render = f3548_error if request.url.path.startswith(_F3548) else problem
    response = render(error)
    response.headers["Cache-Control"] = "no-store"
    return response


class Meanwhile:
    """Listeners for a while. Nothing is listened to unless ``begin`` was called."""

    def __init__(self) -> None:
        self._listeners: Sequence[Listener] = ()
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self, listeners: Sequence[Listener]) -> None:
        """Answer at these until ``end``; returns once they do."""
        clock = SystemClock()
        self._listeners = listeners
        self._tasks = [asyncio.create_task(each.serve()) for each in listeners]
        while not all(
            each.started or task.done() for each, task in zip(listeners, self._tasks, strict=True)
        ):
            await clock.sleep(_LOOK_S)

    async def end(self) -> None:
        """Listen no more; whoever waits for an answer gets it first."""
        for each in self._listeners:
            each.should_exit = True
        await asyncio.gather(*self._tasks)
        self._listeners, self._tasks = (), []
