"""The own API's table of routes: what each takes, and what it answers.

``api.py`` makes the routes from it and ``openapi.py`` the published description. Each says the
least role that it takes: reading is for viewers, the work of a desk for the watch, accounts and the
export of the record for admins.
"""

from dataclasses import replace

from tansiq.f3548.logs import USSLogSet
from tansiq.http import own_handlers as own
from tansiq.http.access import ADMIN, VIEWER, WATCH
from tansiq.http.account_table import ACCOUNT_OPERATIONS
from tansiq.http.feed import MEDIA_TYPE
from tansiq.http.history_table import HISTORY_OPERATIONS
from tansiq.http.line_table import LINE_OPERATIONS
from tansiq.http.log_table import LOG_OPERATIONS
from tansiq.http.operations import Body, Kind, Operation, Query
from tansiq.http.pasted import PASTED_OPERATIONS
from tansiq.http.picture_table import PICTURE_OPERATIONS
from tansiq.http.reading_table import READING_OPERATIONS
from tansiq.http.sheet_table import SHEET_OPERATIONS
from tansiq.http.watch_table import WATCH_OPERATIONS
from tansiq.services.planning.telemetry import Report
from tansiq.services.reports import ReportList, ReportView
from tansiq.services.views import (
    Airspace,
    ConstraintView,
    NoGoAreas,
    Plans,
    PlanView,
    StatusView,
    TelemetryView,
)

WAIT_MAX_S = 60.0

_AFTER = replace(
    own.LAST_EVENT_ID, name="after", text="Begin after this event; 0 is the oldest kept."
)
_FOLLOW = Query(
    name="follow",
    kind=Kind.BOOLEAN,
    text="false: end the feed once everything so far was sent.",
    default=True,
)
_WAIT = Query(
    name="wait_s",
    kind=Kind.NUMBER,
    text="Seconds to wait until nothing goes on any more, at most; the answer says how far it got.",
    default=0.0,
    least=0.0,
    most=WAIT_MAX_S,
)
_DRY_RUN = Query(
    name="dry_run",
    kind=Kind.BOOLEAN,
    text="true: judge against what is known and write nothing.",
    default=False,
)
_FROM = Query(
    name="from",
    kind=Kind.STRING,
    text="Exchanges whose request was made at this time or later; left out: all that are kept.",
    format="date-time",
)
_TO = Query(
    name="to",
    kind=Kind.STRING,
    text="... at this time or earlier; left out: until now.",
    format="date-time",
)
_PEER = Query(
    name="peer",
    kind=Kind.STRING,
    text="A party, the host and port of a supplier that we called, or the name in the token of one "
    "that called us: its exchanges only, and nothing of our own.",
)
_ENDED = Query(name="ended", kind=Kind.BOOLEAN, text="true: ended ones too.", default=False)
_STATE = Query(
    name="state",
    kind=Kind.STRING,
    text="Nonconforming (expected back in its plan) or Contingent (not expected back).",
)
_VOLUMES = Query(
    name="volumes",
    kind=Kind.BOOLEAN,
    text="false: leave the volumes out, for a short list.",
    default=True,
)

_MADE = {200: "Dry run: the verdict.", 201: "Kept; placing may go on. Location names it."}
_DONE = {200: "Done.", 202: "Begun, and goes on; look again, or follow the feed."}
_READ = {200: "As it is now."}

OPERATIONS: tuple[Operation[own.OwnApi], ...] = (
    Operation(
        method="POST",
        path="/api/v1/plans",
        name="submit_plan",
        summary="Declare a plan, or judge one without declaring it.",
        access=WATCH,
        handle=own.submit_plan,
        reply=PlanView,
        statuses=_MADE,
        query=(_DRY_RUN, _WAIT),
        body=Body.PLAN,
        idempotent=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/plans",
        name="list_plans",
        summary="List own plans.",
        access=VIEWER,
        handle=own.list_plans,
        reply=Plans,
        statuses=_READ,
        query=(_ENDED, _VOLUMES),
    ),
    Operation(
        method="GET",
        path="/api/v1/plans/{id}",
        name="get_plan",
        summary="Look at one plan.",
        access=VIEWER,
        handle=own.get_plan,
        reply=PlanView,
        statuses=_READ,
        query=(_WAIT,),
    ),
    Operation(
        method="PUT",
        path="/api/v1/plans/{id}",
        name="change_plan",
        summary="Put other volumes in the plan's place.",
        access=WATCH,
        handle=own.change_plan,
        reply=PlanView,
        statuses=_DONE,
        query=(_WAIT,),
        body=Body.PLAN,
        idempotent=True,
    ),
    Operation(
        method="DELETE",
        path="/api/v1/plans/{id}",
        name="end_plan",
        summary="End the plan and give its airspace back.",
        access=WATCH,
        handle=own.end_plan,
        reply=PlanView,
        statuses=_DONE,
        query=(_WAIT,),
    ),
    Operation(
        method="POST",
        path="/api/v1/plans/{id}/activate",
        name="activate_plan",
        summary="Say that the flight begins, or that it is within its plan again.",
        access=WATCH,
        handle=own.activate_plan,
        reply=PlanView,
        statuses=_DONE,
        query=(_WAIT,),
        body=Body.STRUCT,
        struct=own.Nothing,
        idempotent=True,
    ),
    Operation(
        method="POST",
        path="/api/v1/plans/{id}/off-nominal",
        name="off_nominal_plan",
        summary="Say that the aircraft is not where its plan said, and where it may be instead.",
        access=WATCH,
        handle=own.off_nominal_plan,
        reply=PlanView,
        statuses=_DONE,
        query=(_STATE, _WAIT),
        body=Body.PLAN,
        idempotent=True,
    ),
    Operation(
        method="POST",
        path="/api/v1/plans/{id}/telemetry",
        name="report_telemetry",
        summary="Report where the plan's aircraft is; peers are shown it while it is off-nominal.",
        access=WATCH,
        handle=own.report_telemetry,
        reply=TelemetryView,
        statuses={200: "Kept; the answer is the latest one known."},
        body=Body.STRUCT,
        struct=Report,
        idempotent=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/plans/{id}/telemetry",
        name="get_telemetry",
        summary="Where the plan's aircraft was when that was last reported.",
        access=VIEWER,
        handle=own.get_telemetry,
        reply=TelemetryView,
        statuses=_READ,
    ),
    Operation(
        method="POST",
        path="/api/v1/plans/{id}/shift",
        name="shift_plan",
        summary="Move the whole plan in time and level, as an alternative says.",
        access=WATCH,
        handle=own.shift_plan,
        reply=PlanView,
        statuses=_DONE,
        query=(_WAIT,),
        body=Body.STRUCT,
        struct=own.Shift,
        idempotent=True,
    ),
    Operation(
        method="POST",
        path="/api/v1/constraints",
        name="submit_constraint",
        summary="Declare a no-go area.",
        access=WATCH,
        handle=own.submit_constraint,
        reply=ConstraintView,
        statuses={201: _MADE[201]},
        query=(_WAIT,),
        body=Body.CONSTRAINT,
        idempotent=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/constraints",
        name="list_constraints",
        summary="List own no-go areas.",
        access=VIEWER,
        handle=own.list_constraints,
        reply=NoGoAreas,
        statuses=_READ,
        query=(_ENDED,),
    ),
    Operation(
        method="GET",
        path="/api/v1/constraints/{id}",
        name="get_constraint",
        summary="Look at one no-go area.",
        access=VIEWER,
        handle=own.get_constraint,
        reply=ConstraintView,
        statuses=_READ,
    ),
    Operation(
        method="PUT",
        path="/api/v1/constraints/{id}",
        name="change_constraint",
        summary="Put other volumes in the no-go area's place.",
        access=WATCH,
        handle=own.change_constraint,
        reply=ConstraintView,
        statuses=_DONE,
        query=(_WAIT,),
        body=Body.CONSTRAINT,
        idempotent=True,
    ),
    Operation(
        method="POST",
        path="/api/v1/constraints/{id}/confirm",
        name="confirm_constraint",
        summary="Say that the no-go area is still wanted.",
        access=WATCH,
        handle=own.confirm_constraint,
        reply=ConstraintView,
        statuses=_DONE,
        body=Body.STRUCT,
        struct=own.Nothing,
        idempotent=True,
    ),
    Operation(
        method="DELETE",
        path="/api/v1/constraints/{id}",
        name="end_constraint",
        summary="Lift the no-go area.",
        access=WATCH,
        handle=own.end_constraint,
        reply=ConstraintView,
        statuses=_DONE,
        query=(_WAIT,),
    ),
    Operation(
        method="GET",
        path="/api/v1/airspace",
        name="get_airspace",
        summary="What others hold, as far as this node knows.",
        access=VIEWER,
        handle=own.get_airspace,
        reply=Airspace,
        statuses=_READ | {304: "You have it."},
    ),
    Operation(
        method="GET",
        path="/api/v1/airspace/{id}/telemetry",
        name="get_airspace_telemetry",
        summary="Ask the manager of an off-nominal intent where its aircraft is.",
        access=VIEWER,
        handle=own.get_airspace_telemetry,
        reply=TelemetryView,
        statuses=_READ,
    ),
    Operation(
        method="GET",
        path="/api/v1/status",
        name="get_status",
        summary="Who we are, what we agreed, how our peers are.",
        access=VIEWER,
        handle=own.get_status,
        reply=StatusView,
        statuses=_READ,
    ),
    Operation(
        method="GET",
        path="/api/v1/log-sets",
        name="get_log_set",
        summary="Export what passed between us and others, as F3548-21 wants it.",
        access=ADMIN,
        handle=own.get_log_set,
        reply=USSLogSet,
        statuses={200: "The log set, of everything that is kept of the span of time."},
        query=(_FROM, _TO, _PEER),
    ),
    Operation(
        method="GET",
        path="/api/v1/reports",
        name="list_reports",
        summary="List what others reported to have gone wrong with us, newest first.",
        access=VIEWER,
        handle=own.list_reports,
        reply=ReportList,
        statuses=_READ,
    ),
    Operation(
        method="GET",
        path="/api/v1/reports/{id}",
        name="get_report",
        summary="Look at one report, the exchange that it is about included.",
        access=VIEWER,
        handle=own.get_report,
        reply=ReportView,
        statuses=_READ,
    ),
    Operation(
        method="GET",
        path="/api/v1/events",
        name="get_events",
        summary="Follow what happens, as server-sent events.",
        access=VIEWER,
        handle=own.get_events,
        reply=MEDIA_TYPE,
        statuses={200: "Events, oldest first; a comment when idle."},
        query=(_AFTER, _FOLLOW, own.ALIVE_S),
        headers=(own.LAST_EVENT_ID,),
    ),
    *PASTED_OPERATIONS,
    *PICTURE_OPERATIONS,
    *HISTORY_OPERATIONS,
    *LINE_OPERATIONS,
    *LOG_OPERATIONS,
    *SHEET_OPERATIONS,
    *READING_OPERATIONS,
    *WATCH_OPERATIONS,
    *ACCOUNT_OPERATIONS,
)
