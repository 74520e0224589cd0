"""What a note says, in plain English and one line, for whoever reads evidence.

Made for display from the note's own lines and its payload; what was signed stands beside it. The
desks' own languages are the console's matter; a court gets the coded lines as they are.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tansiq.domain.note import Kind, Note
from tansiq.errors import BadInput
from tansiq.formats.payload import Payload, read_payload

LABELS: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.AGREEMENT: "names an agreement",
        Kind.KEY: "gives a new key",
        Kind.NOTICE: "gives notice",
        Kind.RECEIPT: "its node has received it",
        Kind.SEEN: "a person has seen it",
        Kind.READBACK: "reads it back",
        Kind.ANSWER: "answers",
        Kind.COUNTER: "proposes something else",
        Kind.OUTCOME: "signs what was agreed",
        Kind.CONFIRM: "says whether it is right",
        Kind.WITHDRAW: "takes it back",
        Kind.CHECK: "asks whether a person is there",
        Kind.CHECK_REPLY: "a person is there",
        Kind.STOP: "STOP",
        Kind.ALL_CLEAR: "all clear",
        Kind.LINE: "says what the line is",
        Kind.CALL: "logs a voice call",
        Kind.SAY: "says",
        Kind.INCIDENT: "opens an incident",
        Kind.REVIEW: "answers the incident",
        Kind.STATUS: "tells how a plan stands",
        Kind.REFUSAL: "its node does not take it",
        Kind.ALARM: "raises an alarm",
        Kind.ALARM_ACK: "has the alarm",
        Kind.CLOCK: "tells how the clocks differ",
        Kind.GAP: "was down",
        Kind.HANDOVER: "the watch changes",
    }
)


def words_of(note: Note, payload: bytes | None) -> str:
    """Return what a note says: its label, its own lines, and what of the payload people read."""
    parts = [f"{key} {value}" for key, value in note.own]
    if payload is None:
        parts.append("payload withheld")
    else:
        parts += _read(note.kind, payload)
    return LABELS[note.kind] + (f": {', '.join(parts)}" if parts else "")


def _read(kind: Kind, data: bytes) -> list[str]:
    try:
        payload = read_payload(kind, data)
    except BadInput:
        return ["payload not understood here"]
    named = payload.callsign or payload.name
    return [
        *([_line(named)] if named else []),
        *_person(payload),
        *([f"“{_line(payload.text)}”"] if payload.text else []),
    ]


def _person(payload: Payload) -> list[str]:
    return [] if payload.by is None else [f"by {_line(payload.by.name)}"]


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
