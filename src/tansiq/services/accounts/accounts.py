"""All of a node's accounts in one value: what the own API and the door of it work on."""

from collections.abc import Callable

from tansiq.clock import Clock
from tansiq.services.accounts.feed_tokens import FeedTokens
from tansiq.services.accounts.passwords import COST, Cost, Passwords
from tansiq.services.accounts.people import People
from tansiq.services.accounts.roll import Roll
from tansiq.services.accounts.sessions import Sessions
from tansiq.settings import Settings
from tansiq.storage.store import Store


class Accounts:
    """Accounts, sessions and feed tokens of one node; ``start`` before the first request."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: Settings,
        *,
        new_id: Callable[[], str],
        cost: Cost = COST,
    ) -> None:
        self._roll = Roll(store)
        self._passwords = Passwords(settings.limits, cost)
        self.people = People(self._roll, self._passwords, clock, settings, new_id=new_id)
        self.sessions = Sessions(self._roll, self.people, clock, settings, new_id=new_id)
        self.feed_tokens = FeedTokens(self._roll, clock, settings.limits, new_id=new_id)

    async def start(self) -> None:
        """Read who is on the roll."""
        await self._roll.read_all()

    def close(self) -> None:
        """Let the threads go that check passwords."""
        self._passwords.close()
