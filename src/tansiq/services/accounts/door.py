"""Tells who comes with a token: for now the machine itself."""

import hmac

from tansiq.domain.actor import THIS_MACHINE, Actor
from tansiq.services.accounts.tokens import digest


class AccountsDoor:
    """Knows the data folder's own token."""

    def __init__(self, *, machine: str) -> None:
        self._machine = digest(machine)

    def bearer(self, token: str) -> Actor | None:
        """Return whose bearer token this is."""
        # Hashes are compared: of equal length, so that it takes the same time whatever was sent.
        return THIS_MACHINE if hmac.compare_digest(digest(token), self._machine) else None

    def cookie(self, token: str) -> Actor | None:
        """Return whose cookie this is: the machine has none."""
        return None

    def lasts(self, actor: Actor) -> bool:
        """Report whether what the actor came with still counts."""
        return True

    async def seen(self, actor: Actor) -> None:
        """Note that the actor is there."""
