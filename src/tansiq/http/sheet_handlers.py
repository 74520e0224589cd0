"""Handlers of printed sheets: as JSON in words, as PDF, and the evidence that they name."""

import re
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Final

from starlette.responses import Response

from tansiq.domain.time import parse_rfc3339
from tansiq.errors import BadInput
from tansiq.formats.bundle import Withheld
from tansiq.formats.names import is_language
from tansiq.formats.sheet import SheetView
from tansiq.formats.sheet_pdf import MEDIA_TYPE
from tansiq.http.operations import Answer, Call
from tansiq.http.own_handlers import OwnApi
from tansiq.services.sheets.sheets import Asked

_HASH_DIGITS: Final = 64
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Make = Callable[[OwnApi, Call], Awaitable[SheetView]]
Handle = Callable[[OwnApi, Call], Awaitable[Answer | Response]]


async def day(api: OwnApi, call: Call) -> SheetView:
    """Return the sheet of a day."""
    return await api.sheets.day(_date(call.query["date"]), _asked(call))


async def hand_over(api: OwnApi, call: Call) -> SheetView:
    """Return the sheet of a hand-over."""
    return await api.sheets.hand_over(_asked(call))


async def after_action(api: OwnApi, call: Call) -> SheetView:
    """Return the report over a window."""
    since, until = call.query["from"], call.query["to"]
    if since is None or until is None:
        raise BadInput("give both ends of the window", field="from" if since is None else "to")
    return await api.sheets.after_action(
        parse_rfc3339(since, "from"),
        parse_rfc3339(until, "to", round_up=True),
        call.query["party"],
        _asked(call),
    )


def as_json(make: Make) -> Handle:
    """Answer with the sheet in words, and the codes they are of."""

    async def handle(api: OwnApi, call: Call) -> Answer:
        return Answer(200, await make(api, call))

    return handle


def as_pdf(make: Make) -> Handle:
    """Answer with the sheet as a document."""

    async def handle(api: OwnApi, call: Call) -> Response:
        view = await make(api, call)
        content = await api.sheets.pdf(view)
        name = f"{view.party}-{view.kind}-{view.made[:10]}.pdf"
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'inline; filename="{name}"',
        }
        return Response(content, headers=headers, media_type=MEDIA_TYPE)

    return handle


async def get_bundle(api: OwnApi, call: Call) -> Response:
    if len(call.id) != _HASH_DIGITS:
        raise BadInput(f"write all {_HASH_DIGITS} hex digits of the hash", field="note")
    content = await api.sheets.bundle(call.id)
    return Response(
        content, headers={"Cache-Control": "no-store"}, media_type="text/plain; charset=utf-8"
    )


def _asked(call: Call) -> Asked:
    withhold: str = call.query["withhold"]
    if withhold not in (Withheld.NOTHING, Withheld.PERSONS):
        raise BadInput("write nothing or persons", field="withhold")
    language: str = call.query["language"]
    if not is_language(language):
        raise BadInput("write a language such as ar", field="language")
    return Asked(language=language, actor=call.actor, withhold=Withheld(withhold))


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        # Python reads week dates as well; one spelling is enough.
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError as error:
        raise BadInput("write a day (UTC) such as 2026-11-29", field="date") from error
