"""Feed tokens: for programs that only read, such as a collector of figures or a map.

They last until they are revoked, open the routes of their scopes, and nothing else.
"""

import logging
from collections.abc import Callable

from tansiq.clock import Clock
from tansiq.domain.actor import Actor, FeedScope
from tansiq.domain.time import from_micros, micros, zulu
from tansiq.errors import BadInput, NotFound, StateConflict, TooMany
from tansiq.services.accounts.roll import Roll
from tansiq.services.accounts.tokens import FEED, digest, new_token
from tansiq.services.accounts.views import (
    Ended,
    FeedTokenList,
    FeedTokenMade,
    FeedTokenView,
    NewFeedToken,
)
from tansiq.services.accounts.words import check_display_name
from tansiq.settings import Limits
from tansiq.storage.accounts import FeedTokenRow

_log = logging.getLogger(__name__)


class FeedTokens:
    """The feed tokens of one node."""

    def __init__(
        self, roll: Roll, clock: Clock, limits: Limits, *, new_id: Callable[[], str]
    ) -> None:
        self._roll = roll
        self._clock = clock
        self._most = limits.feed_tokens_max
        self._new_id = new_id

    async def add(self, new: NewFeedToken, by: Actor) -> FeedTokenMade:
        """Make a token; it is shown this once.

        Raises:
            BadInput: no scope, or a name that does not show.
            StateConflict: the name is another's.
            TooMany: as many as may be are there.
        """
        name, scopes = check_display_name(new.name, "name"), sorted(set(new.scopes))
        if not scopes:
            raise BadInput(f"give one or more of {', '.join(FeedScope)}", field="scopes")
        token = new_token(FEED)
        row = FeedTokenRow(
            id=self._new_id(),
            name=name,
            digest=digest(token),
            scopes=" ".join(scopes),
            made=micros(self._clock.now()),
            made_by=by.name,
        )

        def check() -> None:
            if len(self._roll.feed_tokens) >= self._most:
                raise TooMany(f"{self._most} feed tokens are there; revoke one first")

        def then(added: bool) -> None:  # noqa: FBT001 - what the write returns
            if added:
                self._roll.feed_tokens[row.digest] = row

        if not await self._roll.change(
            lambda tables: tables.add_feed_token(row), then, check=check
        ):
            raise StateConflict(f"a feed token {name!r} is there already", field="name")
        _log.warning("%s made the feed token %s for %s", by.name, name, row.scopes)
        return FeedTokenMade(id=row.id, name=name, scopes=scopes, token=token)

    async def revoke(self, token_id: str, by: Actor) -> Ended:
        """Revoke a token.

        Raises:
            NotFound: no such token.
        """
        row = self._by_id(token_id)
        if row is None:
            raise NotFound(f"no feed token {token_id}", field="id")
        await self._roll.change(
            lambda tables: tables.drop_feed_token(row.id),
            lambda _: self._forget(row),
        )
        _log.warning("%s revoked the feed token %s", by.name, row.name)
        return Ended(ended=1)

    def list_tokens(self) -> FeedTokenList:
        """Return all tokens, by name."""
        rows = sorted(self._roll.feed_tokens.values(), key=lambda row: row.name)
        return FeedTokenList([_view(row) for row in rows])

    def actor(self, token: str) -> Actor | None:
        """Return the actor that a token is."""
        row = self._roll.feed_tokens.get(digest(token))
        if row is None:
            return None
        return Actor(
            name=row.name,
            display_name=row.name,
            initials="-",
            role=None,
            credential=row.id,
            scopes=frozenset(map(FeedScope, row.scopes.split())),
        )

    def lasts(self, actor: Actor) -> bool:
        """Report whether the actor's token has not been revoked."""
        return self._by_id(actor.credential) is not None

    def _by_id(self, token_id: str) -> FeedTokenRow | None:
        return next((row for row in self._roll.feed_tokens.values() if row.id == token_id), None)

    def _forget(self, row: FeedTokenRow) -> None:
        self._roll.feed_tokens.pop(row.digest, None)


def _view(row: FeedTokenRow) -> FeedTokenView:
    return FeedTokenView(
        id=row.id,
        name=row.name,
        scopes=[FeedScope(one) for one in row.scopes.split()],
        made=zulu(from_micros(row.made)),
        made_by=row.made_by,
    )
