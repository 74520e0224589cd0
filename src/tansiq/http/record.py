"""The record towards other nodes: a witness's ``add-checkpoint``, what we hold of the caller's log,
our own checkpoint and tiles of hashes. Parties only; entries themselves go by evidence bundles.
"""

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tansiq.clock import Clock
from tansiq.errors import BadInput, Forbidden, NotFound, SizeConflict
from tansiq.formats.signed_note import NameOf
from tansiq.http.authority import Identity
from tansiq.http.dss import read_body
from tansiq.services.record.log import Record
from tansiq.services.record.witness import Witness
from tansiq.services.register import STRATEGIC_COORDINATION

Identify = Callable[[Request, Sequence[str]], Identity]
BODY_BYTES_MAX = 65_535
_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"


class RecordApi:
    """The peer-facing side of the record."""

    def __init__(self, record: Record, witness: Witness, clock: Clock) -> None:
        self._record = record
        self._witness = witness
        self._clock = clock

    def routes(self, identify: Identify) -> list[Route]:
        """Return the routes; ``identify`` says who calls."""

        def party(request: Request) -> str:
            caller = identify(request, [STRATEGIC_COORDINATION])
            if caller.party is None:
                raise Forbidden(f"{caller.id} is no party of the agreement")
            return caller.id

        async def add_checkpoint(request: Request) -> Response:
            party(request)
            body = await read_body(request, bytes_max=BODY_BYTES_MAX)
            try:
                line = await self._witness.accept(body, now=self._clock.now())
            except SizeConflict as error:
                return Response(f"{error.size}\n", 409, media_type="text/x.tlog.size")
            return Response(line.line(), media_type=_TEXT)

        async def checkpoint_held(request: Request) -> Response:
            held = await self._witness.held(NameOf.LOG.by(party(request)))
            if held is None:
                raise NotFound("nothing of your log was shown here yet")
            return Response(held.checkpoint, media_type=_TEXT)

        async def checkpoint(request: Request) -> Response:
            party(request)
            return Response(await self._record.checkpoint(), media_type=_TEXT)

        async def tile(request: Request) -> Response:
            party(request)
            level, number, width = _tile(request.path_params["path"])
            found = await self._record.tile(level, number, width=width)
            return Response(found, media_type=_BYTES)

        return [
            Route("/tansiq/v1/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/tansiq/v1/checkpoint-held", checkpoint_held, methods=["GET"]),
            Route("/tansiq/v1/checkpoint", checkpoint, methods=["GET"]),
            Route("/tansiq/v1/tile/{path:path}", tile, methods=["GET"]),
        ]


def _tile(path: str) -> tuple[int, int, int | None]:
    """Read ``LEVEL/x001/x234/067`` or ``.../067.p/5``.

    Source: c2sp.org/tlog-tiles.
    """
    whole, _, partial = path.partition(".p/")
    level, *parts = whole.split("/")
    groups = [part.removeprefix("x") for part in parts]
    shaped = (
        1 <= len(parts) <= 6
        and all(part.startswith("x") for part in parts[:-1])
        and not parts[-1].startswith("x")
        and all(len(group) == 3 and _digits(group) for group in groups)
        and _digits(level)
        and len(level) <= 2
        and (not partial or (_digits(partial) and 1 <= len(partial) <= 3))
    )
    if not shaped:
        raise BadInput(f"{path[:60]!r} is no path of a tile, such as 0/x001/067", field="tile")
    width = int(partial) if partial else None
    if width is not None and not 1 <= width <= 255:
        raise BadInput("a partial tile has 1 to 255 hashes", field="tile")
    return int(level), int("".join(groups)), width


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
