"""The two listeners of a register by itself: F3548-21's DSS role, and health for its own people.

No desk is behind them: details of plans, notes, the record and the console are a node's.
"""

import hmac
from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import Metric
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tansiq.clock import Clock
from tansiq.domain.actor import THIS_MACHINE, Actor
from tansiq.domain.agreement import Agreement
from tansiq.errors import WrongState
from tansiq.http import auxiliary, dss
from tansiq.http.access import METRICS, OPEN, GuardedRoute, check_all_guarded
from tansiq.http.browser_policy import BrowserPolicy
from tansiq.http.deadline import Deadline
from tansiq.http.entrance import Entrance
from tansiq.http.guard import Address, Guard
from tansiq.http.health import Probe, alive, readiness
from tansiq.http.issuers import Issuer
from tansiq.http.metrics import MEDIA_TYPE, Counted, CountedPeers, Metrics
from tansiq.http.peer_app import bounded
from tansiq.http.problems import Boundary, handlers, problem
from tansiq.http.reports import report_routes
from tansiq.http.uss import tansiq_routes
from tansiq.services.accounts.tokens import digest
from tansiq.services.pool import Pool
from tansiq.services.register import Register
from tansiq.services.register.elsewhere import HandOver
from tansiq.services.reports import Reports
from tansiq.settings import Settings
from tansiq.storage.store import Store

HANDED: Final = "tansiq.handed"
"""Stands in a request's scope where nothing was answered, because it is the desk's to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterApi:
    """What the routes work on."""

    agreement: Agreement
    settings: Settings
    clock: Clock
    issuers: Sequence[Issuer]
    store: Store
    register: Register
    reports: Reports | None
    """Where reports of trouble are filed; None: with the desk."""
    pool: Pool
    deadline: Deadline
    metrics: Metrics
    versions: Container[str] = ()
    """As in ``PeerApi``."""


class _Handed(Response):
    """No answer: another process is to give it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[HANDED] = True


async def _handed(_: Request, error: Exception) -> Response:
    return _Handed()


def register_app(api: RegisterApi) -> Starlette:
    """Return the application of the peer-facing listener.

    Raises:
        BadInput: our party is not in the agreement, or an issuer has the name of a party.
    """
    agreement, clock, limits = api.agreement, api.clock, api.settings.limits
    entrance = Entrance(
        agreement, api.settings, clock, api.issuers, api.versions, lambda: api.pool.names
    )
    filed = api.reports and report_routes(api.reports, clock, entrance.identify, limits)
    dss_reports = [route for route in filed or () if route.path.startswith("/dss/")]
    app = bounded(
        [
            *dss.routes(api.register, clock, entrance.authenticate, limits),
            *auxiliary.routes(api.pool, clock, entrance.authenticate),
            *dss_reports,
            *tansiq_routes(api.settings.party, agreement.digest),
        ],
        api.deadline,
        {HandOver: _handed},
    )
    app.add_middleware(CountedPeers, metrics=api.metrics, clock=clock, within=app)
    return app


class MachineDoor:
    """Knows the data folder's own token, and nobody else: there are no accounts."""

    def __init__(self, token: str) -> None:
        self._token = digest(token)

    def bearer(self, token: str) -> Actor | None:
        return THIS_MACHINE if hmac.compare_digest(digest(token), self._token) else None

    def cookie(self, token: str) -> Actor | None:
        return None

    def lasts(self, actor: Actor) -> bool:
        return actor == THIS_MACHINE

    async def seen(self, actor: Actor) -> None:
        """Take no notice."""


def machine_app(
    api: RegisterApi, *, token: str, figures: Callable[[], Awaitable[Sequence[Metric]]]
) -> Starlette:
    """Return the application of the own listener: health, figures, and a word on what is not here.

    Raises:
        RuntimeError: a route does not state the least role that it takes.
    """
    probe = Probe(api.store, api.clock)

    async def healthz(_: Request) -> Response:
        return alive()

    async def readyz(_: Request) -> Response:
        return readiness(await probe.store())

    async def shown(_: Request) -> Response:
        return Response(api.metrics.text(await figures()), media_type=MEDIA_TYPE)

    async def no_desk(_: Request) -> Response:
        raise WrongState(
            "this is a register by itself, without a desk: it has /healthz, /readyz and /metrics; "
            "a node with a desk is served without --register-only"
        )

    routes = [
        GuardedRoute("/healthz", healthz, method="GET", access=OPEN),
        GuardedRoute("/readyz", readyz, method="GET", access=OPEN),
        GuardedRoute("/metrics", shown, method="GET", access=METRICS),
        *(
            GuardedRoute("/{rest:path}", no_desk, method=method, access=OPEN)
            for method in ("GET", "POST", "PUT", "DELETE")
        ),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers=handlers(problem),
        middleware=[
            Middleware(BrowserPolicy),
            Middleware(Counted, metrics=api.metrics, clock=api.clock),
            Middleware(Guard, door=MachineDoor(token), address=Address(port=api.settings.own_port)),
            Middleware(Boundary, render=problem),
        ],
    )
    app.router.redirect_slashes = False
    check_all_guarded(app.routes)
    return app
