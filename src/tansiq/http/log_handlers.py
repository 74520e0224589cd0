"""Handlers of the record: bundles of evidence, the head, proofs."""

from starlette.responses import Response

from tansiq.domain.time import parse_rfc3339
from tansiq.errors import BadInput
from tansiq.http.operations import Answer, Call
from tansiq.http.own_handlers import OwnApi
from tansiq.services.record.bundling import Wanted, read_withhold

TEXT = "text/plain; charset=utf-8"


async def get_bundle(api: OwnApi, call: Call) -> Response:
    since, until = call.query["from"], call.query["to"]
    if since is None or until is None:
        raise BadInput("give both ends of the window", field="from" if since is None else "to")
    named = call.query["withhold"]
    withhold, notes = read_withhold([] if named is None else named.split(","))
    wanted = Wanted(
        since=parse_rfc3339(since, "from"),
        until=parse_rfc3339(until, "to", round_up=True),
        party=call.query["party"],
        withhold=withhold,
        notes=notes,
    )
    if wanted.since > wanted.until:
        raise BadInput("lies after `to`; give the earlier time first", field="from")
    return _text(await api.line.evidence.bundle(wanted))


async def get_head(api: OwnApi, _: Call) -> Answer:
    return Answer(200, await api.line.evidence.head())


async def get_proof(api: OwnApi, call: Call) -> Response:
    return _text((await api.line.evidence.proof(call.id)).encode())


def _text(content: bytes) -> Response:
    return Response(content, headers={"Cache-Control": "no-store"}, media_type=TEXT)
