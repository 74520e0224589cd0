"""Who comes to the peer-facing listener: token, scope, and the rate of one caller."""

from collections.abc import Callable, Container, Sequence

from starlette.requests import Request

from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement
from tansiq.http.authority import Authority, Identity, register_caller
from tansiq.http.issuers import Issuer
from tansiq.http.rates import Rates
from tansiq.http.recording import CALLER
from tansiq.services.register import Caller
from tansiq.settings import Settings


class Entrance:
    """Lets requests of other nodes and suppliers in.

    Raises:
        BadInput: our party is not in the agreement, or an issuer has the name of a party.
    """

    def __init__(
        self,
        agreement: Agreement,
        settings: Settings,
        clock: Clock,
        issuers: Sequence[Issuer],
        versions: Container[str],
        reserved: Callable[[], Container[str]],
    ) -> None:
        self._agreement = agreement
        self._limits = settings.limits
        self._authority = Authority(agreement, settings, clock, issuers, versions, reserved)
        self._rates = Rates(clock, settings.limits.requests_per_s)

    def identify(self, request: Request, scopes: Sequence[str]) -> Identity:
        """Return who sent a request, if their token holds one of the scopes.

        Raises:
            Unauthenticated, Forbidden, AgreementMismatch: it does not, or is not good.
            TooMany: more than the rate of one caller.
        """
        # Nothing but a PUT places anything.
        places = request.method == "PUT"
        identity = self._authority.caller(request.headers, scopes, places=places)
        request.scope[CALLER] = identity.id
        self._rates.take(identity.id)
        return identity

    def authenticate(self, request: Request, scopes: Sequence[str]) -> Caller:
        """Return the same as the register's caller."""
        return register_caller(self.identify(request, scopes), self._agreement, self._limits)
