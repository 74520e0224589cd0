"""The part of the own API's table that is about the watch."""

from dataclasses import replace
from typing import Final

import msgspec

from tansiq.http import watch_handlers as watch
from tansiq.http.access import VIEWER, WATCH
from tansiq.http.line_table import Handle
from tansiq.http.operations import Body, Kind, Operation, Query
from tansiq.http.own_handlers import OwnApi
from tansiq.services.watch.alarms import LISTED_MAX
from tansiq.services.watch.desk import (
    FeedSwitch,
    Freed,
    Silencing,
    Whose,
)
from tansiq.services.watch.incident_views import (
    RingAdmission,
    RingDrawing,
    RingList,
    RingNamed,
    RingSetView,
    SightingGone,
    SightingList,
    SightingNamed,
    SightingReport,
    SightingView,
)
from tansiq.services.watch.views import (
    AlarmList,
    AlarmView,
    FeedList,
    PictureView,
    TakenPositions,
)

_READ: Final = {200: "As it is now."}
_DONE: Final = {200: "Done, and on disk."}
_MADE: Final = {201: "Made, and on disk."}
POSITIONS_BYTES_MAX: Final = 4_000_000

_OVER = Query(
    name="over",
    kind=Kind.INTEGER,
    text="So many that are over, the latest first, besides.",
    default=0,
    least=0,
    most=LISTED_MAX,
)
_SINCE = Query(
    name="since",
    kind=Kind.STRING,
    text="Of those that are over: changed since.",
    format="date-time",
)


def _read(
    path: str,
    name: str,
    summary: str,
    handle: Handle,
    reply: type[msgspec.Struct],
    query: tuple[Query, ...] = (),
) -> Operation[OwnApi]:
    return Operation(
        method="GET",
        path=path,
        name=name,
        summary=summary,
        access=VIEWER,
        handle=handle,
        reply=reply,
        statuses=_READ,
        query=query,
    )


def _do(
    path: str,
    name: str,
    summary: str,
    handle: Handle,
    reply: type[msgspec.Struct],
    struct: type[msgspec.Struct] | None = None,
) -> Operation[OwnApi]:
    return Operation(
        method="POST",
        path=path,
        name=name,
        summary=summary,
        access=WATCH,
        handle=handle,
        reply=reply,
        statuses=_DONE,
        body=Body.NONE if struct is None else Body.STRUCT,
        struct=struct,
    )


def _once(operation: Operation[OwnApi]) -> Operation[OwnApi]:
    """Return a route that makes something: done twice it would make two."""
    return replace(operation, statuses=_MADE, idempotent=True)


# fmt: off
WATCH_OPERATIONS: Final[tuple[Operation[OwnApi], ...]] = (
    _read("/api/v1/picture", "get_picture",
          "Look at the live picture: tracks, alarms, feeds, rings.",
          watch.get_picture, PictureView),
    _read("/api/v1/alarms", "list_alarms",
          "List the alarms in sight, the most urgent first.",
          watch.list_alarms, AlarmList, (_OVER, _SINCE)),
    _read("/api/v1/alarms/{alarm}", "get_alarm",
          "Look at one alarm, in sight or over.",
          watch.get_alarm, AlarmView),
    _do("/api/v1/alarms/{alarm}/acknowledge", "acknowledge_alarm",
        "Say that a person has seen an alarm, here and at the other party's desk.",
        watch.acknowledge_alarm, AlarmView),
    _do("/api/v1/alarms/{alarm}/suppress", "suppress_alarm",
        "Keep an alarm silent for some minutes, at its present level and below; no warning.",
        watch.suppress_alarm, AlarmView, Silencing),
    _do("/api/v1/alarms/{alarm}/nuisance", "mark_nuisance",
        "Say that an alarm was for nothing: it is counted, and nothing else changes.",
        watch.mark_nuisance, AlarmView),
    _do("/api/v1/alarm-test", "try_alarm",
        "Raise an alarm to try out lamps and sounds; it clears by itself.",
        watch.try_alarm, AlarmView),
    _do("/api/v1/tracks/bind", "bind_track",
        "Say whose aircraft an address is.",
        watch.bind_track, PictureView, Whose),
    _do("/api/v1/tracks/free", "free_track",
        "Take back what was said of an address.",
        watch.free_track, PictureView, Freed),
    _read("/api/v1/rings", "list_rings",
          "List the rings around incidents.",
          watch.list_rings, RingList),
    _once(_do("/api/v1/rings", "draw_rings",
              "Draw rings around an incident.",
              watch.draw_rings, RingSetView, RingDrawing)),
    _do("/api/v1/rings/admit", "admit_to_rings",
        "Note that an aircraft has called and been let in, or is not any more.",
        watch.admit_to_rings, RingSetView, RingAdmission),
    _do("/api/v1/rings/remove", "remove_rings",
        "Take rings away.",
        watch.remove_rings, RingList, RingNamed),
    _read("/api/v1/sightings", "list_sightings",
          "List the drones that were seen and are not gone.",
          watch.list_sightings, SightingList),
    _once(_do("/api/v1/sightings", "report_sighting",
              "Note that a drone was seen: a warning to all parties until it is gone.",
              watch.report_sighting, SightingView, SightingReport)),
    _do("/api/v1/sightings/gone", "end_sighting",
        "Note that a drone is gone; the answer says how many minutes were lost to it.",
        watch.end_sighting, SightingGone, SightingNamed),
    _read("/api/v1/feeds", "list_feeds",
          "List the feeds of positions and how each is doing.",
          watch.list_feeds, FeedList),
    _do("/api/v1/feeds", "run_feed",
        "Start or stop a feed, until the node's next start.",
        watch.run_feed, FeedList, FeedSwitch),
    Operation(
        method="POST",
        path="/api/v1/positions",
        name="send_positions",
        summary="Send positions; each counts at the next look of the watch.",
        access=WATCH,
        handle=watch.send_positions,
        reply=TakenPositions,
        statuses={200: "Taken, but for those that the answer says are wrong."},
        body=Body.POSITIONS,
        body_bytes_max=POSITIONS_BYTES_MAX,
    ),
)
