"""Handlers of the own API: each calls one function of the services and answers.

Requests come checked by the table (``own_table.py``); errors propagate to ``problems.py``. Who may
call is decided before, in ``guard.py``; ``call.actor`` says who it is.
"""

import gzip
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Annotated, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from tansiq.clock import Clock
from tansiq.domain.draft import PlanDraft
from tansiq.domain.intent import EntityID, IntentState
from tansiq.engine.sideways import Aside
from tansiq.errors import BadInput, InDoubt, NotFound
from tansiq.http import feed as feeds
from tansiq.http.conditional import conditional, takes_gzip
from tansiq.http.cot_stream import CotCounts
from tansiq.http.metrics import Metrics
from tansiq.http.operations import Answer, Call, Kind, Query
from tansiq.http.watch_stream import WatchStream
from tansiq.services.accounts.accounts import Accounts
from tansiq.services.agreement_shown import AgreementShown
from tansiq.services.events import Events
from tansiq.services.facade import Constraints, NodeStatus, Planning, Telemetry
from tansiq.services.idempotency import Idempotency
from tansiq.services.line.line import Line
from tansiq.services.log_sets import LogSets
from tansiq.services.record.verifying import Verifying
from tansiq.services.reports import ReportList, Reports
from tansiq.services.sheets.sheets import Sheets
from tansiq.services.views import (
    Airspace,
    ConstraintView,
    NoGoAreas,
    Plans,
    PlanView,
)
from tansiq.services.watch.desk import WatchDesk
from tansiq.services.watch.past import Past
from tansiq.services.watch.picture import Pictures
from tansiq.settings import Settings

V = TypeVar("V", PlanView, ConstraintView)

_GZIP_FROM_BYTES = 1_000
_GZIP_LEVEL = 1

_LASTING = frozenset({"everywhere", "ended"})
SHIFT_S_MAX = 30 * 86_400
SHIFT_M_MAX = 20_000.0
SHIFT_ASIDE_M_MAX = 50_000.0
_SEQ_MAX = 2**53
LAST_EVENT_ID = Query(
    name="Last-Event-ID",
    kind=Kind.INTEGER,
    text="Go on after this event; wins over `after`.",
    least=0,
    most=_SEQ_MAX,
)
ALIVE_S = Query(
    name="alive_s",
    kind=Kind.INTEGER,
    text="When idle, send a comment each so many seconds; as set, where it is left out.",
    least=1,
    most=60,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnApi:
    """What the handlers work on."""

    planning: Planning
    constraints: Constraints
    status: NodeStatus
    telemetry: Telemetry
    events: Events
    idempotency: Idempotency
    accounts: Accounts
    line: Line
    watch: WatchDesk
    history: Past
    reports: Reports
    log_sets: LogSets
    agreement: AgreementShown
    verifying: Verifying
    sheets: Sheets
    feed: feeds.Feed
    pictures: Pictures
    watch_stream: WatchStream
    clock: Clock
    settings: Settings
    metrics: Metrics = field(default_factory=Metrics)
    cot: CotCounts = field(default_factory=CotCounts)
    record_broken: Callable[[], bool] = lambda: False
    """Whether others hold more of our record than we do."""


class Shift(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to move a plan as a whole."""

    delay_s: Annotated[int, msgspec.Meta(ge=-SHIFT_S_MAX, le=SHIFT_S_MAX)] = 0
    """Seconds later; negative: earlier."""
    up_m: Annotated[float, msgspec.Meta(ge=-SHIFT_M_MAX, le=SHIFT_M_MAX)] = 0.0
    """Metres higher; negative: lower."""
    north_m: Annotated[float, msgspec.Meta(ge=-SHIFT_ASIDE_M_MAX, le=SHIFT_ASIDE_M_MAX)] = 0.0
    """Metres further north; negative: south."""
    east_m: Annotated[float, msgspec.Meta(ge=-SHIFT_ASIDE_M_MAX, le=SHIFT_ASIDE_M_MAX)] = 0.0
    """Metres further east; negative: west."""


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An empty object; the body may also be left out."""


def _plan_answer(view: PlanView, status: int | None = None) -> Answer:
    done = 200 if view.settled else 202
    location = f"/api/v1/plans/{view.id}" if status == 201 else None
    return Answer(status or done, view, location)


def _constraint_answer(view: ConstraintView, status: int | None = None) -> Answer:
    done = 200 if view.status in _LASTING else 202
    location = f"/api/v1/constraints/{view.id}" if status == 201 else None
    return Answer(status or done, view, location)


async def _created(
    call: Call,
    submit: Callable[[PlanDraft], Awaitable[V]],
    get: Callable[[str], Awaitable[V]],
) -> V:
    """Create under the id that the attempt was given; a resumed one looks for it first."""
    draft: PlanDraft = call.content
    named = draft if draft.id else replace(draft, id=EntityID(call.attempt.entity))
    if call.attempt.resumed:
        try:
            found = await get(str(named.id))
        except NotFound:
            return await submit(named)
        if draft.id:
            raise InDoubt(
                f"{draft.id} exists; whether this request made it, the node no longer knows, "
                "because it stopped meanwhile: look at it",
                field="Idempotency-Key",
            )
        return found
    return await submit(named)


def _same_id(call: Call) -> PlanDraft:
    draft: PlanDraft = call.content
    if draft.id and draft.id != call.id:
        raise BadInput(f"{draft.id} is not the id in the address; leave it out", field="id")
    return draft


async def submit_plan(api: OwnApi, call: Call) -> Answer:
    draft: PlanDraft = call.content
    if call.query["dry_run"]:
        return Answer(200, await api.planning.preview(draft))
    view = await _created(call, api.planning.submit, api.planning.plan)
    return _plan_answer(await _settled_plan(api, call, view), 201)


async def _settled_plan(api: OwnApi, call: Call, view: PlanView) -> PlanView:
    wait_s = call.query["wait_s"]
    return await api.planning.settled(view.id, wait_s) if wait_s else view


async def list_plans(api: OwnApi, call: Call) -> Answer:
    views = await api.planning.plans(ended=call.query["ended"])
    if not call.query["volumes"]:
        none = msgspec.Raw(b"[]")
        views = [msgspec.structs.replace(view, volumes=none, stated=none) for view in views]
    return Answer(200, Plans(views))


async def get_plan(api: OwnApi, call: Call) -> Answer:
    wait_s = call.query["wait_s"]
    if wait_s:
        return Answer(200, await api.planning.settled(call.id, wait_s))
    return Answer(200, await api.planning.plan(call.id))


async def change_plan(api: OwnApi, call: Call) -> Answer:
    view = await api.planning.change(call.id, _same_id(call))
    return _plan_answer(await _settled_plan(api, call, view))


async def end_plan(api: OwnApi, call: Call) -> Answer:
    view = await api.planning.end(call.id)
    return _plan_answer(await _settled_plan(api, call, view))


async def activate_plan(api: OwnApi, call: Call) -> Answer:
    view = await api.planning.plan(call.id) if call.attempt.resumed else None
    if view is None or view.state != IntentState.ACTIVATED:
        view = await api.planning.activate(call.id)
    return _plan_answer(await _settled_plan(api, call, view))


async def off_nominal_plan(api: OwnApi, call: Call) -> Answer:
    draft = _same_id(call)
    view = await api.planning.off_nominal(
        call.id, state=_state(call.query["state"]), volumes=draft.volumes, stated=draft.stated
    )
    return _plan_answer(await _settled_plan(api, call, view))


def _state(text: str | None) -> IntentState:
    for state in (IntentState.NONCONFORMING, IntentState.CONTINGENT):
        if text is not None and text.lower() == state.lower():
            return state
    raise BadInput(
        "say Nonconforming (expected back in its plan) or Contingent (not expected back)",
        field="state",
    )


async def report_telemetry(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.telemetry.report(call.id, call.content))


async def get_telemetry(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.telemetry.own(call.id))


async def get_airspace_telemetry(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.telemetry.of_peer(call.id))


async def shift_plan(api: OwnApi, call: Call) -> Answer:
    shift: Shift = call.content
    aside = Aside.of(shift.north_m, shift.east_m) if shift.north_m or shift.east_m else None
    if not shift.delay_s and not shift.up_m and aside is None:
        raise BadInput("say by how much: delay_s, up_m, north_m or east_m", field="delay_s")
    if call.attempt.resumed:
        # A relative move must not be made twice, and whether it was made cannot be seen.
        raise InDoubt(
            "the node stopped while it moved this plan; look at the plan, then move it under a "
            "new key if it still stands where it stood",
            field="Idempotency-Key",
        )
    view = await api.planning.shift(call.id, delay_s=shift.delay_s, up_m=shift.up_m, aside=aside)
    return _plan_answer(await _settled_plan(api, call, view))


async def _settled_constraint(api: OwnApi, call: Call, view: ConstraintView) -> ConstraintView:
    wait_s = call.query["wait_s"]
    return await api.constraints.settled(view.id, wait_s) if wait_s else view


async def submit_constraint(api: OwnApi, call: Call) -> Answer:
    view = await _created(call, api.constraints.submit, api.constraints.get)
    return _constraint_answer(await _settled_constraint(api, call, view), 201)


async def list_constraints(api: OwnApi, call: Call) -> Answer:
    return Answer(200, NoGoAreas(await api.constraints.list(ended=call.query["ended"])))


async def get_constraint(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.constraints.get(call.id))


async def change_constraint(api: OwnApi, call: Call) -> Answer:
    view = await api.constraints.change(call.id, _same_id(call))
    return _constraint_answer(await _settled_constraint(api, call, view))


async def confirm_constraint(api: OwnApi, call: Call) -> Answer:
    return _constraint_answer(await api.constraints.confirm(call.id))


async def end_constraint(api: OwnApi, call: Call) -> Answer:
    view = await api.constraints.end(call.id)
    return _constraint_answer(await _settled_constraint(api, call, view))


async def get_log_set(api: OwnApi, call: Call) -> Response:
    since, until = api.log_sets.read_span(call.query["from"], call.query["to"])
    pieces = api.log_sets.write(since, until, call.query["peer"])
    return StreamingResponse(
        pieces, headers={"Cache-Control": "no-store"}, media_type="application/json"
    )


async def list_reports(api: OwnApi, _: Call) -> Answer:
    return Answer(200, ReportList(await api.reports.newest_first()))


async def get_report(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.reports.get(call.id))


async def get_airspace(api: OwnApi, call: Call) -> Response:
    body = msgspec.json.encode(Airspace(await api.status.airspace()))
    headers = call.request.headers
    zipped = takes_gzip(headers) and len(body) > _GZIP_FROM_BYTES
    # Asked for again and again by whoever shows it: mostly it is what they have.
    tag = sha256(body).hexdigest()[:32]
    if zipped and tag not in headers.get("if-none-match", ""):
        body = await run_in_threadpool(gzip.compress, body, _GZIP_LEVEL)
    return conditional(
        headers,
        body,
        tag=tag,
        media_type="application/json",
        zipped=zipped,
        said={"Cache-Control": "private, no-cache"},
    )


async def get_status(api: OwnApi, _: Call) -> Answer:
    return Answer(200, await api.status.status())


async def get_events(api: OwnApi, call: Call) -> Response:
    resumed = call.request.headers.get("last-event-id")
    # A browser that reconnects repeats the address it began with: what it has seen since counts.
    after = call.query["after"] if resumed is None else int(LAST_EVENT_ID.read(resumed))
    return await api.feed.open(
        after,
        follow=call.query["follow"],
        resumed=resumed is not None,
        alive_s=call.query["alive_s"],
    )
