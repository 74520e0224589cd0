"""``/dss/v1/reports`` and ``/uss/v1/reports``: where others file what went wrong with us.

Answers 201 once the report is on disk.
"""

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tansiq.clock import Clock
from tansiq.f3548 import codec, wire
from tansiq.http.authority import Identity
from tansiq.http.dss import ANY_SCOPE, read_body
from tansiq.services.reports import REPORT_BYTES_MAX, Reports, Role
from tansiq.settings import Limits

Identify = Callable[[Request, Sequence[str]], Identity]


def report_routes(
    reports: Reports, clock: Clock, identify: Identify, limits: Limits
) -> list[Route]:
    """Return the routes that take reports, for both roles."""

    async def make_report(request: Request, role: Role) -> Response:
        reporter = identify(request, ANY_SCOPE)
        body = await read_body(request, bytes_max=REPORT_BYTES_MAX)
        report = codec.decode(
            body, wire.ErrorReport, bytes_max=REPORT_BYTES_MAX, depth_max=limits.json_depth_max
        )
        kept = await reports.file(report, reporter=reporter.id, role=role, now=clock.now())
        return Response(codec.encode(kept), 201, media_type="application/json")

    async def make_dss_report(request: Request) -> Response:
        return await make_report(request, Role.DSS)

    async def make_uss_report(request: Request) -> Response:
        return await make_report(request, Role.USS)

    return [
        Route("/dss/v1/reports", make_dss_report, methods=["POST"]),
        Route("/uss/v1/reports", make_uss_report, methods=["POST"]),
        Route("/at/{register}/uss/v1/reports", make_uss_report, methods=["POST"]),
    ]
