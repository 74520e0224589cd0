"""Handlers of the history of the live picture.

The larger answers come as bytes: they were written where they were unpacked.
"""

import asyncio
import gzip
from typing import Final

from starlette.responses import Response

from tansiq.domain.time import parse_rfc3339
from tansiq.errors import BadInput
from tansiq.http.conditional import takes_gzip
from tansiq.http.operations import Answer, Call
from tansiq.http.own_handlers import OwnApi

_GZIP_LEVEL: Final = 4


async def get_history(api: OwnApi, _: Call) -> Answer:
    return Answer(200, await api.history.view())


async def get_slices(api: OwnApi, call: Call) -> Response:
    since, until = _named(call, "from"), _named(call, "to")
    every_s = call.query["every_s"] or api.history.step_s
    body = await api.history.page(
        parse_rfc3339(since, "from"),
        parse_rfc3339(until, "to", round_up=True),
        every_s,
        volumes=call.query["volumes"],
    )
    return await _json(call, body)


async def get_moment(api: OwnApi, call: Call) -> Response:
    moment = parse_rfc3339(_named(call, "time"), "time", round_up=True)
    return await _json(call, await api.history.at(moment, volumes=call.query["volumes"]))


def _named(call: Call, name: str) -> str:
    text = call.query[name]
    if text is None:
        raise BadInput("is missing; give a time such as 2026-11-23T14:05:00Z", field=name)
    return str(text)


async def _json(call: Call, body: bytes) -> Response:
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if takes_gzip(call.request.headers):
        # In a thread: megabytes take a tenth of a second.
        body = await asyncio.to_thread(gzip.compress, body, _GZIP_LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(body, 200, headers, "application/json")
