"""The part of the own API's table that is about the line."""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from starlette.responses import Response

from tansiq.formats.delivery import Answer as Fates
from tansiq.formats.delivery import Delivery
from tansiq.formats.payload import Repeated
from tansiq.http import line_handlers as line
from tansiq.http.access import VIEWER, WATCH
from tansiq.http.operations import Answer, Body, Call, Kind, Operation, Query
from tansiq.http.own_handlers import OwnApi
from tansiq.services.line.views import (
    LinesView,
    OutboxView,
    Threads,
    ThreadView,
    WatchView,
    YieldsView,
)

_READ: Final = {200: "As it is now."}
_SAID: Final = {201: "Written, recorded, and on its way."}
LISTED_MAX: Final = 1_000

_TO = Query(name="to", kind=Kind.STRING, text="Parties, parted by commas; left out: all others.")
_EXERCISE = Query(name="exercise", kind=Kind.BOOLEAN, text="true: practice.", default=False)
_TEXT = Query(name="text", kind=Kind.STRING, text="Free words that go along.")

_WRITTEN_IN = Query(
    name="language", kind=Kind.STRING, text="Language of the free words, such as ar."
)

_LANGUAGE = Query(
    name="language",
    kind=Kind.STRING,
    text="Language of the sentences: en, ar, he, ru, or English where there is none.",
    default="en",
)

Handle = Callable[[OwnApi, Call], Awaitable[Answer | Response]]


def _once(handle: Handle) -> Handle:
    """Answer a request whose first attempt wrote its notes, and died, with those notes."""

    async def once(api: OwnApi, call: Call) -> Answer | Response:
        if call.attempt.said:
            return await line.said_before(api, call.attempt.said)
        return await handle(api, call)

    return once


def _say(
    path: str, name: str, summary: str, handle: Handle, struct: type[msgspec.Struct] | None = None
) -> Operation[OwnApi]:
    return Operation(
        method="POST",
        path=path,
        name=name,
        summary=summary,
        access=WATCH,
        handle=_once(handle),
        reply=Threads,
        statuses=_SAID,
        body=Body.NONE if struct is None else Body.STRUCT,
        struct=struct,
        idempotent=True,
    )


def _area(path: str, name: str, summary: str, handle: Handle, body: Body) -> Operation[OwnApi]:
    return Operation(
        method="POST",
        path=path,
        name=name,
        summary=summary,
        access=WATCH,
        handle=_once(handle),
        reply=Threads,
        statuses=_SAID,
        query=(_TO, _EXERCISE, _TEXT, _WRITTEN_IN),
        body=body,
        idempotent=True,
    )


LINE_OPERATIONS: tuple[Operation[OwnApi], ...] = (
    Operation(
        method="GET",
        path="/api/v1/line",
        name="get_lines",
        summary="Look at all lines, the watch, and every stop in force.",
        access=VIEWER,
        handle=line.get_lines,
        reply=LinesView,
        statuses=_READ,
    ),
    _say("/api/v1/line", "set_line", "Say what our side of the line is.", line.set_line,
         line.NewStance),
    _say("/api/v1/notices", "give_notice", "Tell other parties of a plan or no-go area of ours.",
         line.give_notice, line.NewNotice),
    _area("/api/v1/notices/area", "give_area_notice",
          "Tell other parties of air to keep out of: an obstacle, a crane, practice.",
          line.give_area, Body.PLAN),
    Operation(
        method="GET",
        path="/api/v1/threads",
        name="list_threads",
        summary="List conversations, the latest last.",
        access=VIEWER,
        handle=line.list_threads,
        reply=Threads,
        statuses=_READ,
        query=(
            Query(name="open", kind=Kind.BOOLEAN,
                  text="true: only those in which somebody still has to do something.",
                  default=False),
            Query(name="party", kind=Kind.STRING, text="Those with this party."),
            Query(name="kind", kind=Kind.STRING, text="Those that such a note opened."),
            Query(name="last", kind=Kind.INTEGER, text="So many of the latest.", default=100,
                  least=1, most=LISTED_MAX),
        ),
    ),
    Operation(
        method="GET",
        path="/api/v1/threads/{note}",
        name="get_thread",
        summary="Look at one conversation with all its notes.",
        access=VIEWER,
        handle=line.get_thread,
        reply=ThreadView,
        statuses=_READ,
        query=(_LANGUAGE,),
    ),
    _say("/api/v1/threads/{note}/seen", "say_seen", "Say that a person on watch has seen it.",
         line.say_seen),
    _say("/api/v1/threads/{note}/readback", "read_back",
         "Say back what a notice was understood to say; a difference is refused.",
         line.read_back, Repeated),
    _say("/api/v1/threads/{note}/answer", "answer_notice",
         "Answer a notice: noted, no-conflict, unable, need-time.", line.answer, line.NewAnswer),
    _say("/api/v1/threads/{note}/counter", "counter_notice",
         "Propose that their plan moves, or that ours does.", line.counter, line.NewCounter),
    _say("/api/v1/threads/{note}/accept", "accept_counter",
         "Accept the proposal of the other side; our plan moves if it is ours.", line.accept,
         line.Acceptance),
    _say("/api/v1/threads/{note}/confirm", "confirm",
         "Confirm or dispute an outcome, a call, or a state of the line.", line.confirm,
         line.Verdict),
    _say("/api/v1/threads/{note}/withdraw", "withdraw_notice", "Take a notice of ours back.",
         line.withdraw, line.Saying),
    _say("/api/v1/threads/{note}/reply", "reply_check", "Answer a comm check, as a person.",
         line.reply_check),
    _say("/api/v1/threads/{note}/all-clear", "clear_stop", "Take one stop of ours back.",
         line.all_clear, line.Saying),
    _say("/api/v1/threads/{note}/review", "review_incident", "Answer an incident.",
         line.review, line.Saying),
    _say("/api/v1/checks", "send_checks", "Ask whether a person is there.", line.send_checks,
         line.To),
    _say("/api/v1/stops", "stop", "Stop all air of the agreement, at once, for everybody.",
         line.stop, line.To),
    _area("/api/v1/stops/area", "stop_area", "Stop a block of air, at once, for everybody.",
          line.stop_area, Body.PLAN),
    _say("/api/v1/all-clear", "all_clear", "Take all stops of ours back.", line.all_clear,
         line.Saying),
    _say("/api/v1/calls", "log_call",
         "Log a voice call; the other side is asked whether the gist is right.", line.log_call,
         line.NewCall),
    _say("/api/v1/messages", "say_message",
         "Say a coded message, which each side reads in its own language.", line.say,
         line.NewMessage),
    _say("/api/v1/incidents", "open_incident",
         "Open an incident over a window of time; the other side owes a review.",
         line.open_incident, line.NewIncident),
    Operation(
        method="GET",
        path="/api/v1/watch",
        name="get_watch",
        summary="Who sits at our desk.",
        access=VIEWER,
        handle=line.get_watch,
        reply=WatchView,
        statuses=_READ,
    ),
    Operation(
        method="POST",
        path="/api/v1/watch",
        name="take_watch",
        summary="Take the watch of our desk, with a sheet of everything that is open.",
        access=WATCH,
        handle=line.take_watch,
        reply=WatchView,
        statuses=_SAID,
        body=Body.STRUCT,
        struct=line.NewWatch,
        idempotent=True,
    ),
    Operation(
        method="GET",
        path="/api/v1/yields",
        name="get_yields",
        summary="Who gave way, how often and by how much, as both sides signed it.",
        access=VIEWER,
        handle=line.get_yields,
        reply=YieldsView,
        statuses=_READ,
        query=(
            Query(name="party", kind=Kind.STRING, text="Those with this party."),
            Query(name="since", kind=Kind.STRING,
                  text="Those settled from then on, such as 2026-01-31T00:00:00Z."),
            Query(name="last", kind=Kind.INTEGER, text="So many of the latest are listed.",
                  default=100, least=1, most=LISTED_MAX),
        ),
    ),
    Operation(
        method="GET",
        path="/api/v1/outbox",
        name="get_outbox",
        summary="What we said that has not arrived.",
        access=VIEWER,
        handle=line.get_outbox,
        reply=OutboxView,
        statuses=_READ,
    ),
    Operation(
        method="GET",
        path="/api/v1/letters",
        name="get_letters",
        summary="Notes as they travel, to be carried by hand: one, or all that wait for a party.",
        access=WATCH,
        handle=line.get_letters,
        reply=Delivery,
        statuses=_READ,
        query=(
            Query(name="note", kind=Kind.STRING, text="The name of one note."),
            Query(name="party", kind=Kind.STRING, text="Everything that waits for this party."),
        ),
    ),
    Operation(
        method="POST",
        path="/api/v1/letters",
        name="take_letters",
        summary="Take letters that somebody carried here; the answer holds our receipts.",
        access=WATCH,
        handle=line.take_letters,
        reply=Fates,
        statuses={200: "What became of each."},
        body=Body.STRUCT,
        struct=Delivery,
    ),
)  # fmt: skip
