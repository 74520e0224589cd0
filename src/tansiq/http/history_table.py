"""The part of the own API's table that is about what was shown before."""

from typing import Final

from tansiq.http import history_handlers as history
from tansiq.http.access import VIEWER
from tansiq.http.operations import Kind, Operation, Query
from tansiq.http.own_handlers import OwnApi
from tansiq.services.watch.history_views import HistoryMoment, HistoryPage, HistoryView

EVERY_S_MAX: Final = 86_400.0

_VOLUMES: Final = Query(
    name="volumes",
    kind=Kind.BOOLEAN,
    text="false: leave the areas' volumes out; `kind`, `id` and `first` tell versions apart.",
    default=True,
)

HISTORY_OPERATIONS: Final[tuple[Operation[OwnApi], ...]] = (
    Operation(
        method="GET",
        path="/api/v1/history",
        name="get_history",
        summary="How much is kept of what the live picture showed, and where there are gaps.",
        access=VIEWER,
        handle=history.get_history,
        reply=HistoryView,
        statuses={200: "As it is now."},
    ),
    Operation(
        method="GET",
        path="/api/v1/history/slices",
        name="get_history_slices",
        at_once=2,
        summary="What the picture showed from one time to another, slice by slice.",
        access=VIEWER,
        handle=history.get_slices,
        reply=HistoryPage,
        statuses={200: "As many slices as fit into one answer; `next` says where to go on."},
        query=(
            Query(
                name="from",
                kind=Kind.STRING,
                text="Slices of this time or later. Required.",
                format="date-time",
            ),
            Query(
                name="to",
                kind=Kind.STRING,
                text="... of this time or earlier. Required.",
                format="date-time",
            ),
            Query(
                name="every_s",
                kind=Kind.NUMBER,
                text="Of each so many seconds since `from` the first slice only; left out: the "
                "step of the history, hence about all.",
                least=1.0,
                most=EVERY_S_MAX,
            ),
            _VOLUMES,
        ),
    ),
    Operation(
        method="GET",
        path="/api/v1/history/at",
        name="get_history_moment",
        summary="What the picture showed last at or before a time.",
        access=VIEWER,
        handle=history.get_moment,
        reply=HistoryMoment,
        statuses={200: "The slice; `age_s` says how much older than that time it is."},
        query=(
            Query(
                name="time",
                kind=Kind.STRING,
                text="The time. Required. 404 where nothing is kept of ten steps before it.",
                format="date-time",
            ),
            _VOLUMES,
        ),
    ),
)
