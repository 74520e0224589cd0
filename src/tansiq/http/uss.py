"""The USS role towards peers: details served, notifications taken in.

Each register's readers are given a base URL of their own (``/at/REGISTER``), because each register
has its own OVN and version of the same plan; the plain URL is the gate's, or the pool's.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tansiq import __version__
from tansiq.f3548 import codec, wire
from tansiq.http.authority import Identity
from tansiq.http.operations import read_body
from tansiq.services.planning.hearing import Hearing
from tansiq.services.register import (
    CONFORMANCE_MONITORING,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    STRATEGIC_COORDINATION,
)
from tansiq.settings import Limits

M = TypeVar("M", bound=msgspec.Struct)

Identify = Callable[[Request, Sequence[str]], Identity]
_JSON = "application/json"


def uss_routes(hearing: Hearing, identify: Identify, limits: Limits) -> list[Route]:
    """Return the peer-facing USS routes, bound to one node."""

    async def message(request: Request, kind: type[M]) -> M:
        body = await read_body(request, limits.body_bytes_max)
        return codec.decode(
            body, kind, bytes_max=limits.body_bytes_max, depth_max=limits.json_depth_max
        )

    def register(request: Request) -> str:
        return hearing.register_of(request.path_params.get("register"))

    async def get_operational_intent_details(request: Request) -> Response:
        """``GET .../operational_intents/{id}``: one record, the OVN with its own volumes."""
        asker = identify(request, [STRATEGIC_COORDINATION])
        intent = await hearing.intent_details(
            register(request), request.path_params["entityid"], party=asker.party is not None
        )
        answer = wire.GetOperationalIntentDetailsResponse(operational_intent=intent)
        return Response(codec.encode(answer), media_type=_JSON)

    async def get_operational_intent_telemetry(request: Request) -> Response:
        """``GET .../operational_intents/{id}/telemetry``: only while it is off-nominal."""
        identify(request, [CONFORMANCE_MONITORING])
        answer = await hearing.telemetry.served(register(request), request.path_params["entityid"])
        return Response(codec.encode(answer), media_type=_JSON)

    async def notify_operational_intent_details_changed(request: Request) -> Response:
        """``POST .../operational_intents``: 204 once it is stored, not once it is acted on."""
        sender = identify(request, [STRATEGIC_COORDINATION])
        changed = await message(request, wire.PutOperationalIntentDetailsParameters)
        await hearing.intent_changed(register(request), changed, sender.id)
        return Response(status_code=204)

    async def get_constraint_details(request: Request) -> Response:
        """``GET .../constraints/{id}``."""
        asker = identify(request, [CONSTRAINT_PROCESSING, CONSTRAINT_MANAGEMENT])
        constraint = await hearing.constraint_details(
            register(request), request.path_params["entityid"], party=asker.party is not None
        )
        answer = wire.GetConstraintDetailsResponse(constraint=constraint)
        return Response(codec.encode(answer), media_type=_JSON)

    async def notify_constraint_details_changed(request: Request) -> Response:
        """``POST .../constraints``: 204 once it is stored."""
        sender = identify(request, [CONSTRAINT_MANAGEMENT])
        changed = await message(request, wire.PutConstraintDetailsParameters)
        await hearing.constraint_changed(register(request), changed, sender.id)
        return Response(status_code=204)

    table = [
        ("GET", "/operational_intents/{entityid}", get_operational_intent_details),
        ("GET", "/operational_intents/{entityid}/telemetry", get_operational_intent_telemetry),
        ("POST", "/operational_intents", notify_operational_intent_details_changed),
        ("GET", "/constraints/{entityid}", get_constraint_details),
        ("POST", "/constraints", notify_constraint_details_changed),
    ]
    return [
        Route(f"{prefix}/uss/v1{path}", endpoint, methods=[method])
        for prefix in ("", "/at/{register}")
        for method, path, endpoint in table
    ]


def tansiq_routes(party: str, agreement_digest: str) -> list[Route]:
    """Return what a node tells anybody of itself: who it is and which agreement it holds.

    No token is asked, so that two nodes with different agreements can find that out.
    """
    body = msgspec.json.encode(
        {"party": party, "agreement": agreement_digest, "version": __version__}
    )

    async def agreement(_: Request) -> Response:
        return Response(body, media_type=_JSON)

    return [Route("/tansiq/v1/agreement", agreement, methods=["GET"])]
