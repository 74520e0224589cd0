"""Tells who comes with a token or a cookie: this machine, a person's session, or a feed token."""

import hmac

from tansiq.domain.actor import THIS_MACHINE, Actor
from tansiq.services.accounts.accounts import Accounts
from tansiq.services.accounts.tokens import digest


class AccountsDoor:
    """Knows the data folder's own token, and everybody on the roll."""

    def __init__(self, accounts: Accounts, *, machine: str | None) -> None:
        """``machine`` is the data folder's own token; None: nobody here comes as this machine."""
        self._accounts = accounts
        self._machine = None if machine is None else digest(machine)

    def bearer(self, token: str) -> Actor | None:
        """Return whose bearer token this is."""
        # Hashes are compared: of equal length, so that it takes the same time whatever was sent.
        if self._machine is not None and hmac.compare_digest(digest(token), self._machine):
            return THIS_MACHINE
        found = self._accounts.sessions.actor(token, "bearer")
        return found or self._accounts.feed_tokens.actor(token)

    def cookie(self, token: str) -> Actor | None:
        """Return whose cookie this is."""
        return self._accounts.sessions.actor(token, "cookie")

    def lasts(self, actor: Actor) -> bool:
        """Report whether what the actor came with still counts."""
        if actor.account:
            return self._accounts.sessions.lasts(actor)
        return actor == THIS_MACHINE or self._accounts.feed_tokens.lasts(actor)

    async def seen(self, actor: Actor) -> None:
        """Note that the actor is there."""
        if actor.account:
            await self._accounts.sessions.seen(actor)
