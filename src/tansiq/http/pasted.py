"""Reading what somebody pasted or typed: text in, volumes with open ends out. Nothing is kept."""

from typing import Annotated, Final, Literal

import msgspec
from starlette.concurrency import run_in_threadpool

from tansiq.domain.volume import RADIUS_M_MAX
from tansiq.errors import BadInput
from tansiq.formats.pasted import completed, read_packed, read_text
from tansiq.formats.pasted_document import ReadView, view
from tansiq.formats.understood import Kind
from tansiq.http.access import VIEWER
from tansiq.http.operations import Answer, Body, Call, Operation
from tansiq.http.own_handlers import OwnApi

BODY_BYTES_MAX: Final = 1_500_000
"""A megabyte of text or of KMZ, with what JSON and base64 add to it."""
_QUICK_CHARS: Final = 300
"""What is read at once; nobody else is to wait for more."""
_AT_ONCE: Final = 2
"""Each is work for a processor, which the rest of the node needs too."""
_AUTO: Final = "auto"

_Size = Annotated[float, msgspec.Meta(gt=0, le=RADIUS_M_MAX)]


class Pasted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be read: ``text``, or a KMZ in ``base64``."""

    text: str = ""
    base64: str = ""
    kind: Literal["auto", "coordinates", "geojson", "kml", "aeronautical"] = "auto"
    language: Literal["en"] = "en"
    """Of the sentences' ``text``; their codes are for every other one."""
    radius_m: _Size | None = None
    """Of places for which the text says none."""
    half_width_m: _Size | None = None
    """Of lines for which the text says no width; to each side."""


async def read_pasted(_: OwnApi, call: Call) -> Answer:
    pasted: Pasted = call.content
    if len(pasted.text) + len(pasted.base64) <= _QUICK_CHARS:
        return Answer(200, _read(pasted))
    return Answer(200, await run_in_threadpool(_read, pasted))


def _read(pasted: Pasted) -> ReadView:
    if pasted.base64:
        if pasted.text:
            raise BadInput("send either text or base64", field="base64")
        if pasted.kind not in (_AUTO, Kind.KML):
            raise BadInput("base64 is for KMZ; write kml or auto", field="kind")
        reading = read_packed(pasted.base64)
    else:
        reading = read_text(pasted.text, None if pasted.kind == _AUTO else Kind(pasted.kind))
    sized = completed(reading, radius_m=pasted.radius_m, half_width_m=pasted.half_width_m)
    return view(sized)


PASTED_OPERATIONS: Final[tuple[Operation[OwnApi], ...]] = (
    Operation(
        method="POST",
        path="/api/v1/read",
        name="read_pasted",
        summary="Read a text that somebody pasted or typed as volumes; nothing is kept.",
        access=VIEWER,
        handle=read_pasted,
        reply=ReadView,
        statuses={200: "What was understood; null is what the text does not say."},
        body=Body.STRUCT,
        struct=Pasted,
        body_bytes_max=BODY_BYTES_MAX,
        at_once=_AT_ONCE,
    ),
)
