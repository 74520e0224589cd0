"""``/dss/v1/...``: the register's routes, one handler for each operation of the interface.

A handler authenticates, reads the body within its limit, calls one method of the register and
answers. Errors become the standard's own bodies. Two habits of the field are kept: a request with
an empty version is 400 and has routes of its own, and updating what is not there is 400, not 404.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tansiq.clock import Clock
from tansiq.errors import BadInput, NotFound, TansiqError, TooLarge
from tansiq.f3548 import codec, wire
from tansiq.http.problems import conflict_body, f3548_error
from tansiq.services.register import (
    AVAILABILITY_ARBITRATION,
    CONFORMANCE_MONITORING,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    STRATEGIC_COORDINATION,
    AirspaceConflict,
    Caller,
    Register,
)
from tansiq.settings import Limits

Authenticate = Callable[[Request, Sequence[str]], Caller]
"""Returns who sent a request, if their token holds one of the scopes.

Raises Unauthenticated, Forbidden or AgreementMismatch.
"""
Handler = Callable[[Request], Awaitable[Response]]
M = TypeVar("M", bound=msgspec.Struct)

INTENT_SCOPES = (STRATEGIC_COORDINATION, CONFORMANCE_MONITORING)
CONSTRAINT_READ_SCOPES = (CONSTRAINT_MANAGEMENT, CONSTRAINT_PROCESSING)
SUBSCRIPTION_SCOPES = (STRATEGIC_COORDINATION, CONSTRAINT_PROCESSING)
AVAILABILITY_READ_SCOPES = (
    AVAILABILITY_ARBITRATION,
    STRATEGIC_COORDINATION,
    CONFORMANCE_MONITORING,
)


class _Rest(PathConvertor):
    """What is left of a path, line breaks included: what is wrong with them is ours to say."""

    regex = "(?s:.*)"


register_url_convertor("rest", _Rest())

ANY_SCOPE = (
    STRATEGIC_COORDINATION,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    CONFORMANCE_MONITORING,
    AVAILABILITY_ARBITRATION,
)


def routes(
    register: Register, clock: Clock, authenticate: Authenticate, limits: Limits
) -> list[Route]:
    """Return all routes of the DSS role."""
    dss = _Dss(register, clock, authenticate, limits)
    intents = "/dss/v1/operational_intent_references"
    constraints = "/dss/v1/constraint_references"
    subscriptions = "/dss/v1/subscriptions"
    availability = "/dss/v1/uss_availability/{uss_id:rest}"
    table: list[tuple[str, str, Handler]] = [
        ("POST", f"{intents}/query", dss.query_operational_intent_references),
        ("GET", f"{intents}/{{entityid}}", dss.get_operational_intent_reference),
        ("PUT", f"{intents}/{{entityid}}", dss.create_operational_intent_reference),
        ("PUT", f"{intents}/{{entityid}}/{{ovn}}", dss.update_operational_intent_reference),
        ("DELETE", f"{intents}/{{entityid}}/{{ovn}}", dss.delete_operational_intent_reference),
        ("POST", f"{constraints}/query", dss.query_constraint_references),
        ("GET", f"{constraints}/{{entityid}}", dss.get_constraint_reference),
        ("PUT", f"{constraints}/{{entityid}}", dss.create_constraint_reference),
        ("PUT", f"{constraints}/{{entityid}}/{{ovn}}", dss.update_constraint_reference),
        ("DELETE", f"{constraints}/{{entityid}}/{{ovn}}", dss.delete_constraint_reference),
        ("POST", f"{subscriptions}/query", dss.query_subscriptions),
        ("GET", f"{subscriptions}/{{subscriptionid}}", dss.get_subscription),
        ("PUT", f"{subscriptions}/{{subscriptionid}}", dss.create_subscription),
        ("PUT", f"{subscriptions}/{{subscriptionid}}/{{version}}", dss.update_subscription),
        ("DELETE", f"{subscriptions}/{{subscriptionid}}/{{version}}", dss.delete_subscription),
        ("GET", availability, dss.get_uss_availability),
        ("PUT", availability, dss.set_uss_availability),
    ]
    for base, scopes in (
        (intents, INTENT_SCOPES),
        (constraints, CONSTRAINT_READ_SCOPES),
        (subscriptions, SUBSCRIPTION_SCOPES),
    ):
        nameless = dss.without_version(scopes)
        table.append(("PUT", f"{base}/{{entityid}}/", nameless))
        table.append(("DELETE", f"{base}/{{entityid}}/", nameless))
        table.append(("DELETE", f"{base}/{{entityid}}", nameless))
    return [
        Route(path, _Endpoint(handler), methods=[method], name=handler.__name__)
        for method, path, handler in table
    ]


class _Endpoint:
    """A handler as an ASGI application: what it raises on purpose becomes the standard's answer.

    Starlette's own wrapping of a function would catch the same once more, at a tenth of the
    event loop's time for a write.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive, send))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._handler(request)
        except NotFound as error:
            if request.method == "PUT":  # The interface lists no 404 for an update.
                error_400 = BadInput(error.message, field=error.field)
                return f3548_error(error_400)
            return f3548_error(error)
        except AirspaceConflict as error:
            return await _long(conflict_body(error), 409)
        except TansiqError as error:
            return f3548_error(error)


def _json(message: msgspec.Struct, status: int = 200) -> Response:
    return Response(codec.encode(message), status, media_type="application/json")


async def _long(message: msgspec.Struct, status: int = 200) -> Response:
    """Answer with a list of any length; a long one is written in a thread."""
    if not codec.is_long(message):
        return _json(message, status)
    body = await asyncio.to_thread(codec.encode_long, message)
    return Response(body, status, media_type="application/json")


async def read_body(request: Request, *, bytes_max: int) -> bytes:
    """Return the body, giving up as soon as it is too long.

    Raises:
        TooLarge: it is; the rest of it was not read.
    """
    sentence = f"more than {bytes_max} bytes; send less"
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > bytes_max:
        raise TooLarge(sentence, field="body")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bytes_max:
            raise TooLarge(sentence, field="body")
    return bytes(body)


class _Dss:
    """The handlers; each is named for its operation."""

    def __init__(
        self, register: Register, clock: Clock, authenticate: Authenticate, limits: Limits
    ) -> None:
        self._register = register
        self._clock = clock
        self._authenticate = authenticate
        self._limits = limits

    async def _read(self, request: Request, message: type[M]) -> M:
        limit = self._limits.body_bytes_max
        body = await read_body(request, bytes_max=limit)
        return codec.decode(body, message, bytes_max=limit, depth_max=self._limits.json_depth_max)

    def without_version(self, scopes: Sequence[str]) -> Handler:
        """Return the handler of a request whose path ends where the version belongs."""

        async def missing_version(request: Request) -> Response:
            self._authenticate(request, scopes)
            raise BadInput("the path lacks the current OVN or version", field="path")

        return missing_version

    # Operational intents

    async def query_operational_intent_references(self, request: Request) -> Response:
        caller = self._authenticate(request, INTENT_SCOPES)
        query = await self._read(request, wire.QueryParameters)
        return await _long(await self._register.query_intents(caller, query.area_of_interest))

    async def get_operational_intent_reference(self, request: Request) -> Response:
        caller = self._authenticate(request, INTENT_SCOPES)
        return _json(await self._register.get_intent(caller, request.path_params["entityid"]))

    async def create_operational_intent_reference(self, request: Request) -> Response:
        return await self._put_intent(request, None, 201)

    async def update_operational_intent_reference(self, request: Request) -> Response:
        return await self._put_intent(request, request.path_params["ovn"], 200)

    async def _put_intent(self, request: Request, ovn: str | None, status: int) -> Response:
        caller = self._authenticate(request, INTENT_SCOPES)
        params = await self._read(request, wire.PutOperationalIntentReferenceParameters)
        entity = request.path_params["entityid"]
        now = self._clock.now()
        return _json(await self._register.put_intent(caller, entity, ovn, params, now), status)

    async def delete_operational_intent_reference(self, request: Request) -> Response:
        caller = self._authenticate(request, INTENT_SCOPES)
        path = request.path_params
        now = self._clock.now()
        return _json(await self._register.delete_intent(caller, path["entityid"], path["ovn"], now))

    # Constraints

    async def query_constraint_references(self, request: Request) -> Response:
        caller = self._authenticate(request, CONSTRAINT_READ_SCOPES)
        query = await self._read(request, wire.QueryParameters)
        return await _long(await self._register.query_constraints(caller, query.area_of_interest))

    async def get_constraint_reference(self, request: Request) -> Response:
        caller = self._authenticate(request, CONSTRAINT_READ_SCOPES)
        return _json(await self._register.get_constraint(caller, request.path_params["entityid"]))

    async def create_constraint_reference(self, request: Request) -> Response:
        return await self._put_constraint(request, None, 201)

    async def update_constraint_reference(self, request: Request) -> Response:
        return await self._put_constraint(request, request.path_params["ovn"], 200)

    async def _put_constraint(self, request: Request, ovn: str | None, status: int) -> Response:
        caller = self._authenticate(request, (CONSTRAINT_MANAGEMENT,))
        params = await self._read(request, wire.PutConstraintReferenceParameters)
        entity = request.path_params["entityid"]
        now = self._clock.now()
        return _json(await self._register.put_constraint(caller, entity, ovn, params, now), status)

    async def delete_constraint_reference(self, request: Request) -> Response:
        caller = self._authenticate(request, (CONSTRAINT_MANAGEMENT,))
        path = request.path_params
        now = self._clock.now()
        return _json(
            await self._register.delete_constraint(caller, path["entityid"], path["ovn"], now)
        )

    # Subscriptions

    async def query_subscriptions(self, request: Request) -> Response:
        caller = self._authenticate(request, SUBSCRIPTION_SCOPES)
        query = await self._read(request, wire.QueryParameters)
        now = self._clock.now()
        found = await self._register.query_subscriptions(caller, query.area_of_interest, now)
        return await _long(found)

    async def get_subscription(self, request: Request) -> Response:
        caller = self._authenticate(request, SUBSCRIPTION_SCOPES)
        entity = request.path_params["subscriptionid"]
        return _json(await self._register.get_subscription(caller, entity))

    async def create_subscription(self, request: Request) -> Response:
        return await self._put_subscription(request, None)

    async def update_subscription(self, request: Request) -> Response:
        return await self._put_subscription(request, request.path_params["version"])

    async def _put_subscription(self, request: Request, version: str | None) -> Response:
        caller = self._authenticate(request, SUBSCRIPTION_SCOPES)
        params = await self._read(request, wire.PutSubscriptionParameters)
        entity = request.path_params["subscriptionid"]
        now = self._clock.now()
        made = await self._register.put_subscription(caller, entity, version, params, now)
        return await _long(made)

    async def delete_subscription(self, request: Request) -> Response:
        caller = self._authenticate(request, SUBSCRIPTION_SCOPES)
        path = request.path_params
        return _json(
            await self._register.delete_subscription(
                caller, path["subscriptionid"], path["version"]
            )
        )

    # Availability

    async def get_uss_availability(self, request: Request) -> Response:
        self._authenticate(request, AVAILABILITY_READ_SCOPES)
        return _json(await self._register.get_availability(request.path_params["uss_id"]))

    async def set_uss_availability(self, request: Request) -> Response:
        caller = self._authenticate(request, (AVAILABILITY_ARBITRATION,))
        params = await self._read(request, wire.SetUssAvailabilityStatusParameters)
        uss: Any = request.path_params["uss_id"]
        return _json(await self._register.set_availability(caller, uss, params))
