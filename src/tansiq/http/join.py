"""``POST /tansiq/v1/join``: a party that was invited brings its reply. No token: it has none yet.

Answers in a sentence of plain text, as the listener of ``tansiq invite --wait`` does: 200 taken,
400 no good answer, 404 while no invitation is open, 429 too often.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tansiq.clock import Clock
from tansiq.errors import CallerError, NotFound, TooLarge, TooMany
from tansiq.formats.invitation import CHARS_MAX, JOIN_PATH
from tansiq.http.rates import Rates

_ALL: Final = "/join"
"""Whoever asks is one caller: nobody has shown who they are, and addresses are cheap."""

Take = Callable[[str, datetime], Awaitable[None]]


class JoinApi:
    """The route, over what takes replies."""

    def __init__(self, take: Take, clock: Clock, *, per_s: float) -> None:
        self._take = take
        self._clock = clock
        self._rates = Rates(clock, per_s)

    def routes(self) -> list[Route]:
        """Return the route."""

        async def take_reply(request: Request) -> Response:
            try:
                self._rates.take(_ALL)
                await self._take(await _line(request), self._clock.now())
            except CallerError as error:
                return PlainTextResponse(error.message[:300], status_code=_status(error))
            return PlainTextResponse("taken")

        return [Route(JOIN_PATH, take_reply, methods=["POST"])]


async def _line(request: Request) -> str:
    """Return the body as text, reading no further than a reply may be long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > CHARS_MAX:
            raise TooLarge(f"longer than {CHARS_MAX} bytes; only replies are taken here")
    return body.decode("ascii", "replace")


def _status(error: CallerError) -> int:
    if isinstance(error, NotFound):
        return 404
    return 429 if isinstance(error, TooMany) else 400
