"""What stands beside a note: people's names and words, volumes, and whatever else may be withheld.

One JSON object. Which members a kind of note takes, and which it must have, is a table; a member
that its kind does not take is refused, so there is no place for anything that is not named here.
There is none for the purpose, target or payload of a flight. Times in it are RFC 3339, lengths
metres, durations whole seconds, altitudes metres above the WGS84 ellipsoid.

What is read is what would be written: a member that is null, empty or zero as when it is left out
is refused, for two readers could give it two meanings. Order and white space are free: the bytes
are hashed as they are.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Annotated, Any, Final

import msgspec

from tansiq.domain.draft import StatedBand
from tansiq.domain.note import PAYLOAD_BYTES_MAX, Kind, Note
from tansiq.domain.readback import CORNERS_MAX, Readback, Told, told
from tansiq.domain.time import parse_rfc3339
from tansiq.domain.volume import LatLng, Volumes
from tansiq.errors import BadInput
from tansiq.f3548 import codec, wire
from tansiq.f3548.convert import volumes_to_domain
from tansiq.formats import tree
from tansiq.formats.altitude import from_document

TEXT_CHARS_MAX: Final = 2_000
LABEL_CHARS_MAX: Final = 120
OPEN_ITEMS_MAX: Final = 500
PARAMETERS_MAX: Final = 16
_DEPTH_MAX: Final = 16

Text = Annotated[str, msgspec.Meta(max_length=TEXT_CHARS_MAX)]
Label = Annotated[str, msgspec.Meta(max_length=LABEL_CHARS_MAX)]
Metres = Annotated[float, msgspec.Meta(ge=-1e7, le=1e7)]
Seconds = Annotated[int, msgspec.Meta(ge=-(10**9), le=10**9)]


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who said it, as their own side knows them."""

    name: Label
    initials: Annotated[str, msgspec.Meta(max_length=8)]
    desk: Label = ""


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A move of a whole plan. Zeros may be left out."""

    delay_s: Seconds = 0
    up_m: Metres = 0.0
    north_m: Metres = 0.0
    east_m: Metres = 0.0


class OpenItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing that the next watch takes over."""

    thread: Label
    kind: Label
    party: Label
    stage: Label
    words: Text = ""


class Repeated(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a person read back, as ``domain/readback.py`` compares it."""

    points: Annotated[
        tuple[tuple[float, float], ...], msgspec.Meta(min_length=1, max_length=CORNERS_MAX)
    ]
    """Latitude and longitude, degrees: corners, or the centre where there is a radius."""
    lower: Label
    upper: Label
    start: Label
    end: Label
    radius_m: int | None = None
    """Metres; none where corners were read back."""

    def value(self) -> Readback:
        """Return it as a value.

        Raises:
            BadInput: a place, level or time that is none.
        """
        return Readback(
            points=tuple(LatLng(lat_deg=lat, lng_deg=lng) for lat, lng in self.points),
            radius_m=self.radius_m,
            lower=self.lower,
            upper=self.upper,
            start=parse_rfc3339(self.start, "readback.start"),
            end=parse_rfc3339(self.end, "readback.end"),
        )


class Payload(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """Everything that may stand beside a note; ``TAKES`` says what goes with which kind."""

    by: Person | None = None
    text: Text = ""
    """Free words, in ``language``; shown as untranslated to those who read another."""
    language: Annotated[str, msgspec.Meta(max_length=35)] = ""
    callsign: Label = ""
    formation: Label = ""
    name: Label = ""
    """Of a no-go area."""
    priority: wire.Int32 = 0
    volumes: tuple[wire.Volume4D, ...] = ()
    stated: tuple[dict[str, Any], ...] = ()
    """Altitudes of ``volumes`` as somebody wrote them: value, unit, datum."""
    shift: Move | None = None
    readback: Repeated | None = None
    parameters: dict[str, str | int] | None = None
    """Of the coded message."""
    minutes: Annotated[int, msgspec.Meta(ge=1, le=43_200)] | None = None
    """How long an answer takes that needs time."""
    minutes_lost: Annotated[int, msgspec.Meta(ge=0, le=10**6)] | None = None
    open_items: tuple[OpenItem, ...] = ()
    relieved: Person | None = None
    document: str = ""
    """The agreement, to the byte."""


_SAID = frozenset({"by", "text", "language"})
_AREA = frozenset({"volumes", "stated"})

TAKES: Final[Mapping[Kind, tuple[frozenset[str], frozenset[str]]]] = MappingProxyType(
    {
        Kind.AGREEMENT: (frozenset({"document", "by"}), frozenset()),
        Kind.KEY: (frozenset(), frozenset()),
        Kind.NOTICE: (
            _SAID | _AREA | {"callsign", "formation", "name", "priority"},
            frozenset({"volumes"}),
        ),
        Kind.RECEIPT: (frozenset(), frozenset()),
        Kind.SEEN: (_SAID, frozenset({"by"})),
        Kind.READBACK: (_SAID | {"readback"}, frozenset({"by", "readback"})),
        Kind.ANSWER: (_SAID | {"minutes"}, frozenset({"by"})),
        Kind.COUNTER: (_SAID | {"shift"}, frozenset({"by", "shift"})),
        Kind.OUTCOME: (_SAID | {"shift"}, frozenset({"by", "shift"})),
        Kind.CONFIRM: (_SAID, frozenset({"by"})),
        Kind.WITHDRAW: (_SAID, frozenset()),
        Kind.CHECK: (_SAID, frozenset({"by"})),
        Kind.CHECK_REPLY: (_SAID, frozenset({"by"})),
        Kind.STOP: (_SAID | _AREA, frozenset({"by"})),
        Kind.ALL_CLEAR: (_SAID | {"minutes_lost"}, frozenset({"by"})),
        Kind.LINE: (_SAID, frozenset({"by"})),
        Kind.CALL: (_SAID, frozenset({"by", "text"})),
        Kind.SAY: (_SAID | {"parameters"}, frozenset({"by"})),
        Kind.INCIDENT: (_SAID, frozenset({"by", "text"})),
        Kind.REVIEW: (_SAID, frozenset({"by", "text"})),
        Kind.STATUS: (frozenset(), frozenset()),
        Kind.REFUSAL: (frozenset({"text", "language"}), frozenset()),
        Kind.ALARM: (frozenset({"text", "language"}), frozenset()),
        Kind.ALARM_ACK: (_SAID, frozenset({"by"})),
        Kind.CLOCK: (frozenset(), frozenset()),
        Kind.GAP: (frozenset({"text", "language"}), frozenset()),
        Kind.HANDOVER: (_SAID | {"open_items", "relieved"}, frozenset({"by"})),
    }
)
"""By kind: what may stand there, and what must."""

_NOTHING: Final = Payload()
_FIELDS: Final = tuple(field.name for field in msgspec.structs.fields(Payload))


def write_payload(kind: Kind, payload: Payload) -> bytes:
    """Write what goes with a note. Minus zero, which a plan may have, is written as zero.

    Raises:
        BadInput: it lacks something, or has what does not go with that kind.
    """
    _check(kind, payload)
    written = msgspec.json.encode(payload)
    if b"-0.0" in written:  # Seldom: only then is it looked at value by value.
        written = msgspec.json.encode(_without_minus_zero(msgspec.to_builtins(payload)))
    return written


def _without_minus_zero(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_minus_zero(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_minus_zero(each) for each in value]
    return value + 0.0 if isinstance(value, float) else value


def read_payload(kind: Kind, data: bytes) -> Payload:
    """Read what came with a note.

    Raises:
        TooLarge: above the limit, or nested too deep.
        BadInput: not such an object; ``field`` says where.
    """
    # Strict: of a member that stands twice two readers could take another one each.
    document = tree.parse_signed(data, bytes_max=PAYLOAD_BYTES_MAX, depth_max=_DEPTH_MAX)
    payload = codec.from_tree(document, Payload)
    _check(kind, payload)
    stray = _stray(document, msgspec.to_builtins(payload), "payload")
    if stray is not None:
        raise BadInput("unknown, or null, empty or zero: leave it out", field=stray)
    return payload


def _stray(given: Any, read: Any, path: str) -> str | None:
    """Return where ``given`` has something that is not in what was read of it; None: nowhere."""
    below: Iterable[tuple[str, Any, Any]]
    if given == read:
        return None
    if isinstance(given, dict) and isinstance(read, dict):
        below = ((f"{path}.{name}", each, read.get(name, ...)) for name, each in given.items())
    elif isinstance(given, list) and isinstance(read, list | tuple):
        pairs = enumerate(zip(given, read, strict=True))
        below = ((f"{path}[{n}]", one, other) for n, (one, other) in pairs)
    else:
        return path
    return next((found for at, one, other in below if (found := _stray(one, other, at))), None)


def _check(kind: Kind, payload: Payload) -> None:
    may, must = TAKES[kind]
    for name in _FIELDS:
        given = getattr(payload, name) != getattr(_NOTHING, name)
        if given and name not in may:
            raise BadInput(f"does not go with a {kind}", field=f"payload.{name}")
        if not given and name in must:
            raise BadInput(f"a {kind} needs it", field=f"payload.{name}")
    if len(payload.open_items) > OPEN_ITEMS_MAX:
        raise BadInput(f"more than {OPEN_ITEMS_MAX}", field="payload.open_items")
    if payload.parameters is not None and len(payload.parameters) > PARAMETERS_MAX:
        raise BadInput(f"more than {PARAMETERS_MAX}", field="payload.parameters")
    if len(payload.stated) > len(payload.volumes):
        raise BadInput("more stated altitudes than volumes", field="payload.stated")


def told_of(payload: Payload) -> Told:
    """Return what is read aloud of the volumes of a notice that was checked when it came."""
    return told(volumes_to_domain(payload.volumes, "payload.volumes"), bands_of(payload))


def bands_of(payload: Payload) -> tuple[StatedBand, ...]:
    """Return the altitudes as they were stated; none where one of them cannot be read."""
    try:
        return tuple(from_document(document) for document in payload.stated)
    except (BadInput, KeyError, TypeError, ValueError):
        return ()  # Another version's: metres W84 are told instead.


def check_fit(note: Note, payload: Payload) -> None:
    """Check that what came with a note is of what the note's own lines say.

    Raises:
        BadInput: volumes that are not right or are of another time, or another document.
    """
    if payload.volumes:
        volumes_of(note, payload)
    if payload.document and sha256(payload.document.encode()).hexdigest() != note["digest"]:
        raise BadInput("is not the one that the note names", field="payload.document")


def volumes_of(note: Note, payload: Payload) -> Volumes:
    """Return the volumes that came with a note, checked like those of any plan.

    Raises:
        BadInput: they are not right, or go beyond the time that the note names.
    """
    volumes = volumes_to_domain(payload.volumes, "payload.volumes")
    if note.kind is Kind.NOTICE:
        start = min(volume.time.start for volume in volumes)
        end = max(volume.time.end for volume in volumes)
        if (start, end) != (note.instant("start"), note.instant("end")):
            raise BadInput("the volumes are of another time than the note", field="start")
    return volumes
