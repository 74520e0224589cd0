"""The peer-facing listener as an ASGI application: all routes of F3548-21, and the few beside them.

Around every route stand the boundary, which renders what is raised, and the deadline. Whoever has
shown a good token is counted against the rate of one caller.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement
from tansiq.http import auxiliary, dss
from tansiq.http.deadline import Deadline
from tansiq.http.entrance import Entrance
from tansiq.http.flight_planning import FlightPlanningApi
from tansiq.http.issuers import Issuer
from tansiq.http.join import JoinApi
from tansiq.http.letters import LettersApi
from tansiq.http.problems import Boundary, f3548_error, handlers
from tansiq.http.record import RecordApi
from tansiq.http.reports import report_routes
from tansiq.http.uss import tansiq_routes, uss_routes
from tansiq.services.planning.flight_planning import FlightPlanning
from tansiq.services.planning.hearing import Hearing
from tansiq.services.pool import Pool
from tansiq.services.register import Register
from tansiq.services.reports import Reports
from tansiq.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerApi:
    """What the routes of the peer-facing listener work on."""

    agreement: Agreement
    settings: Settings
    clock: Clock
    issuers: Sequence[Issuer]
    register: Register
    hearing: Hearing
    reports: Reports
    pool: Pool
    deadline: Deadline
    versions: Container[str] = ()
    """Digests of other versions of the agreement that a party may hold while nodes go over."""
    letters: LettersApi | None = None
    """Where other parties' notes come in; None: nowhere."""
    record: RecordApi | None = None
    """Our record, and what we witness of theirs."""
    join: JoinApi | None = None
    """Where parties that we invited bring their replies; None: nowhere."""
    flights: FlightPlanning | None = None
    """What test programs may do; None: nothing."""


def peer_app(api: PeerApi) -> Starlette:
    """Return the whole application of the peer-facing listener.

    Raises:
        BadInput: our party is not in the agreement, or an issuer has the name of a party.
    """
    agreement, clock, limits = api.agreement, api.clock, api.settings.limits
    entrance = Entrance(
        agreement, api.settings, clock, api.issuers, api.versions, lambda: api.pool.names
    )
    identify, authenticate = entrance.identify, entrance.authenticate
    routes = [
        *dss.routes(api.register, clock, authenticate, limits),
        *auxiliary.routes(api.pool, clock, authenticate),
        *uss_routes(api.hearing, identify, limits),
        *report_routes(api.reports, clock, identify, limits),
        *tansiq_routes(api.settings.party, agreement.digest),
    ]
    if api.letters is not None:
        routes += api.letters.routes(identify)
    if api.record is not None:
        routes += api.record.routes(identify)
    if api.join is not None:
        routes += api.join.routes()
    if api.flights is not None:
        tests = FlightPlanningApi(api.flights, identify, clock, limits)
        routes += [*tests.routes(), *auxiliary.version_routes(authenticate, "/versioning")]
    return bounded(routes, api.deadline)


def bounded(
    routes: Sequence[BaseRoute],
    deadline: Deadline,
    besides: Mapping[Any, Any] = MappingProxyType({}),
) -> Starlette:
    """Return an application for other nodes: its errors are F3548's, its requests end in time.

    ``besides`` are handlers of further exceptions.
    """
    app = Starlette(
        routes=routes,
        exception_handlers={**handlers(f3548_error), **besides},
        middleware=[Middleware(Boundary, render=f3548_error), Middleware(deadline.around)],
    )
    app.router.redirect_slashes = False
    return app
