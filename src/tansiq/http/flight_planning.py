"""``/flight_planning/v1``: how a test program acts as our user. Off unless the settings say so.

The field's conformance suite speaks it ("flight planning automated testing interface", version
0.7.0). Messages only; what is done is ``services/planning/flight_planning.py``. A request that no
user could make is 400; what the node's rules refuse is 200 with ``Rejected`` and the reason.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tansiq.clock import Clock
from tansiq.domain.time import parse_rfc3339
from tansiq.errors import BadInput, StateConflict
from tansiq.f3548 import codec, convert, wire
from tansiq.http.operations import read_body
from tansiq.http.uss import Identify
from tansiq.services.planning.flight_planning import FlightPlanning
from tansiq.services.planning.flights import Activity, Flight, Result, Style, UasState, Usage
from tansiq.services.planning.notified import Observed
from tansiq.settings import Limits

M = TypeVar("M", bound=msgspec.Struct)

DIRECT: Final = "interuss.flight_planning.direct_automated_test"
PLAN: Final = "interuss.flight_planning.plan"
API_NAME: Final = "Flight Planning Automated Testing Interface"
API_VERSION: Final = "v0.7.0"
ANSWERS_MAX: Final = 1_000
"""Answers that are given again to the same request id; the oldest go first."""
_REQUEST_ID_CHARS_MAX: Final = 200
_JSON = "application/json"


class Altitude(wire.Message, frozen=True):
    """As in F3548-21, and in two references more, of which we have no notion."""

    value: float
    reference: Literal["W84", "SFC", "Takeoff"]
    units: Literal["M"]


class Volume3D(wire.Message, frozen=True):
    outline_circle: wire.Circle | None = None
    outline_polygon: wire.Polygon | None = None
    altitude_lower: Altitude | None = None
    altitude_upper: Altitude | None = None


class Volume4D(wire.Message, frozen=True):
    volume: Volume3D
    time_start: wire.Time | None = None
    time_end: wire.Time | None = None


class BasicInformation(wire.Message, frozen=True):
    usage_state: Usage
    uas_state: UasState | None = None
    area: tuple[Volume4D, ...] | None = None


class IntentInformation(wire.Message, frozen=True):
    priority: int | None = None


class Telemetry(wire.Message, frozen=True):
    states: tuple[msgspec.Raw, ...] | None = None


class FlightPlan(wire.Message, frozen=True):
    basic_information: BasicInformation
    astm_f3548_21: IntentInformation | None = None
    telemetry: Telemetry | None = None


class UpsertRequest(wire.Message, frozen=True):
    flight_plan: FlightPlan
    execution_style: Style
    request_id: str


class UpsertAnswer(wire.Message, frozen=True):
    planning_result: str
    flight_plan_status: str
    notes: str | None = None
    includes_advisories: str | None = None
    as_planned: FlightPlan | None = None
    """Where it is not what was asked for: telemetry is not taken in."""


class ClearRequest(wire.Message, frozen=True):
    request_id: str
    extent: Volume4D


class ClearOutcome(msgspec.Struct, frozen=True, kw_only=True):
    success: bool
    message: str = ""


class ClearAnswer(msgspec.Struct, frozen=True):
    outcome: ClearOutcome


class StatusAnswer(wire.Message, frozen=True):
    status: str
    api_name: str
    api_version: str


class NotificationAnswer(wire.Message, frozen=True):
    observed_at: wire.Time
    message: str
    conflicts: str


class NotificationsAnswer(msgspec.Struct, frozen=True):
    user_notifications: tuple[NotificationAnswer, ...]


class _Answers:
    """Gives the first answer again to a request that comes twice; while it is made, an error."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Any, bytes | None]] = OrderedDict()

    async def once(
        self, request_id: str, asked: object, answer: Callable[[], Awaitable[bytes]]
    ) -> Response:
        if not 0 < len(request_id) <= _REQUEST_ID_CHARS_MAX:
            raise BadInput(f"write 1 to {_REQUEST_ID_CHARS_MAX} characters", field="request_id")
        if request_id in self._kept:
            first, body = self._kept[request_id]
            if first != asked or body is None:
                what = "another request" if first != asked else "one that is not answered yet"
                raise StateConflict(f"the id is of {what}; use a fresh one", field="request_id")
            return Response(body, media_type=_JSON)
        self._kept[request_id] = (asked, None)
        if len(self._kept) > ANSWERS_MAX:
            self._kept.popitem(last=False)
        body = None
        try:
            body = await answer()
        finally:
            if body is None:  # An error is no answer: it may be asked for again.
                self._kept.pop(request_id, None)
        self._kept[request_id] = (asked, body)
        return Response(body, media_type=_JSON)


@dataclass(frozen=True, slots=True)
class FlightPlanningApi:
    """The handlers, and what they work on."""

    flights: FlightPlanning
    identify: Identify
    clock: Clock
    limits: Limits
    answers: _Answers = field(default_factory=_Answers)

    async def get_status(self, request: Request) -> Response:
        self.identify(request, [DIRECT])
        status = "Ready" if self.flights.ready else "Starting"
        return _json(StatusAnswer(status=status, api_name=API_NAME, api_version=API_VERSION))

    async def clear_area(self, request: Request) -> Response:
        self.identify(request, [DIRECT])
        asked = await self._message(request, ClearRequest)
        extent = _wire_volume(asked.extent, "extent")

        async def clear() -> bytes:
            problems = await self.flights.clear(extent)
            outcome = ClearOutcome(success=not problems, message=problems)
            return codec.encode(ClearAnswer(outcome))

        return await self.answers.once(asked.request_id, asked, clear)

    async def upsert_flight_plan(self, request: Request) -> Response:
        self.identify(request, [PLAN])
        flight_id = _flight_id(request)
        asked = await self._message(request, UpsertRequest)

        async def upsert() -> bytes:
            style = asked.execution_style
            activity = await self.flights.upsert(flight_id, _flight(asked), style)
            answer = _answer(activity)
            told = asked.flight_plan.telemetry
            if told is not None and told.states and activity.result is Result.COMPLETED:
                planned = msgspec.structs.replace(asked.flight_plan, telemetry=None)
                answer = msgspec.structs.replace(answer, as_planned=planned)
            return codec.encode(answer)

        return await self.answers.once(asked.request_id, (flight_id, asked), upsert)

    async def delete_flight_plan(self, request: Request) -> Response:
        # The interface asks for the director's scope; the suite comes with the user's.
        self.identify(request, [DIRECT, PLAN])
        return _json(_answer(await self.flights.close(_flight_id(request))))

    async def query_user_notifications(self, request: Request) -> Response:
        self.identify(request, [PLAN])
        after, before = (request.query_params.get(name) for name in ("after", "before"))
        if after is None:
            raise BadInput("missing; write a time, as 2026-11-23T14:05:00Z", field="after")
        start = parse_rfc3339(after, "after")
        end = self.clock.now() if before is None else parse_rfc3339(before, "before")
        if before is not None and end <= start:
            raise BadInput("not later than after", field="before")
        found = await self.flights.notified.between(start, end)
        return _json(NotificationsAnswer(tuple(map(_notification, found))))

    async def _message(self, request: Request, kind: type[M]) -> M:
        limits = self.limits
        body = await read_body(request, limits.body_bytes_max)
        return codec.decode(
            body, kind, bytes_max=limits.body_bytes_max, depth_max=limits.json_depth_max
        )

    def routes(self) -> list[Route]:
        """Return the routes of the test interface."""
        table = [
            ("GET", "/status", self.get_status),
            ("POST", "/clear_area_requests", self.clear_area),
            ("PUT", "/flight_plans/{flight_plan_id}", self.upsert_flight_plan),
            ("DELETE", "/flight_plans/{flight_plan_id}", self.delete_flight_plan),
            ("GET", "/user_notifications", self.query_user_notifications),
        ]
        return [
            Route(f"/flight_planning/v1{path}", endpoint, methods=[method])
            for method, path, endpoint in table
        ]


def _notification(told: Observed) -> NotificationAnswer:
    return NotificationAnswer(
        observed_at=convert.to_time(told.time), message=told.message, conflicts=told.conflicts
    )


def _flight_id(request: Request) -> str:
    return convert.entity_id(request.path_params["flight_plan_id"], "flight_plan_id")


def _flight(asked: UpsertRequest) -> Flight:
    basic, intent = asked.flight_plan.basic_information, asked.flight_plan.astm_f3548_21
    area = basic.area or ()
    return Flight(
        usage=basic.usage_state,
        uas_state=basic.uas_state or UasState.NOT_SPECIFIED,
        area=tuple(_as_f3548(volume) for volume in area if not _foreign(volume)),
        priority=(intent.priority if intent is not None else None) or 0,
        unsupported=_UNSUPPORTED if any(map(_foreign, area)) else "",
    )


_UNSUPPORTED = (
    "altitudes are taken in metres above the WGS84 ellipsoid (W84) only: the height of the ground, "
    "or of where the aircraft takes off, is never guessed"
)


def _heights(volume: Volume4D) -> tuple[Altitude | None, Altitude | None]:
    return volume.volume.altitude_lower, volume.volume.altitude_upper


def _foreign(volume: Volume4D) -> bool:
    return any(height is not None and height.reference != "W84" for height in _heights(volume))


def _as_f3548(volume: Volume4D) -> wire.Volume4D:
    lower, upper = (
        None if height is None else wire.Altitude(value=height.value, reference="W84", units="M")
        for height in _heights(volume)
    )
    return wire.Volume4D(
        volume=wire.Volume3D(
            outline_circle=volume.volume.outline_circle,
            outline_polygon=volume.volume.outline_polygon,
            altitude_lower=lower,
            altitude_upper=upper,
        ),
        time_start=volume.time_start,
        time_end=volume.time_end,
    )


def _wire_volume(volume: Volume4D, field: str) -> wire.Volume4D:
    if _foreign(volume):
        raise BadInput(_UNSUPPORTED, field=field)
    return _as_f3548(volume)


def _answer(activity: Activity) -> UpsertAnswer:
    advised = "AtLeastOneAdvisoryOrCondition" if activity.advised else "NoAdvisoriesOrConditions"
    return UpsertAnswer(
        planning_result=activity.result,
        flight_plan_status=activity.status,
        notes=activity.notes or None,
        includes_advisories=advised,
    )


def _json(answer: msgspec.Struct) -> Response:
    return Response(codec.encode(answer), media_type=_JSON)
