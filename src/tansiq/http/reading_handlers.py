"""Handlers of what a console reads: notes looked for, bundles, the agreement, the phrase book."""

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tansiq.domain.time import parse_rfc3339
from tansiq.errors import BadInput
from tansiq.formats import evidence_page
from tansiq.http.conditional import conditional, takes_gzip
from tansiq.http.operations import Answer, Call
from tansiq.http.own_handlers import OwnApi
from tansiq.services import phrases_shown
from tansiq.services.line.searching import Sought
from tansiq.services.record.verifying import BundleToVerify


async def find_notes(api: OwnApi, call: Call) -> Answer:
    since, until = call.query["from"], call.query["to"]
    sought = Sought(
        text=call.query["q"] or "",
        party=call.query["party"],
        kind=call.query["kind"],
        since=None if since is None else parse_rfc3339(since, "from"),
        until=None if until is None else parse_rfc3339(until, "to", round_up=True),
        before=call.query["before"],
        last=call.query["last"],
        language=call.query["language"],
    )
    if sought.since is not None and sought.until is not None and sought.since > sought.until:
        raise BadInput("lies after `to`; give the earlier time first", field="from")
    return Answer(200, await api.line.search.notes(sought))


async def verify_bundle(api: OwnApi, call: Call) -> Answer:
    given: BundleToVerify = call.content
    return Answer(200, await api.verifying.verify(given.bundle))


async def get_page(_: OwnApi, __: Call) -> Response:
    headers = {
        "Cache-Control": "no-store",
        # It has scripts of its own: opened from here it would be a page of this origin.
        "Content-Disposition": 'attachment; filename="tansiq-verify.html"',
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    page = await run_in_threadpool(evidence_page.page)
    return Response(page, 200, headers, "text/html; charset=utf-8")


async def get_agreement(api: OwnApi, _: Call) -> Answer:
    return Answer(200, await api.agreement.view())


async def get_phrases(_: OwnApi, call: Call) -> Response:
    book = await run_in_threadpool(phrases_shown.written, call.query["language"])
    headers = call.request.headers
    zipped = takes_gzip(headers)
    return conditional(
        headers,
        book.gzipped if zipped else book.body,
        tag=book.tag,
        media_type="application/json",
        zipped=zipped,
        # Kept, but never shown without having asked whether it is still so.
        said={"Cache-Control": "private, no-cache"},
    )
