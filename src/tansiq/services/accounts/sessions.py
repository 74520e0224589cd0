"""Sessions: begun with a password, ended by time, by hand, or with what the account was.

A login always makes a new token, whatever was sent with it: nobody can be put into a session that
somebody else knows. When a session was last used is stored about once a minute, so that a restart
may take that much of its idle time away.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from tansiq.clock import Clock
from tansiq.domain.actor import Actor, Role
from tansiq.domain.time import from_micros, micros, zulu
from tansiq.errors import NotFound, StateConflict, StoreError, Unauthenticated
from tansiq.services.accounts.people import People
from tansiq.services.accounts.roll import Roll
from tansiq.services.accounts.tokens import SESSION, csrf_of, digest, new_token
from tansiq.services.accounts.views import Ended, Login, SessionList, SessionOpened, SessionView
from tansiq.settings import Settings
from tansiq.storage.accounts import AccountRow, AccountTables, SessionRow

_log = logging.getLogger(__name__)

_STORED_EVERY = timedelta(minutes=1)


class Sessions:
    """The sessions of one node."""

    def __init__(
        self,
        roll: Roll,
        people: People,
        clock: Clock,
        settings: Settings,
        *,
        new_id: Callable[[], str],
    ) -> None:
        self._roll = roll
        self._people = people
        self._clock = clock
        self._idle = settings.timers.session_idle
        self._life = settings.timers.session_life
        self._most = settings.limits.sessions_per_account_max
        self._new_id = new_id
        self._stored: dict[str, int] = {}
        """When each session's last use was stored last."""

    # Coming and going

    async def begin(
        self, login: Login, address: str, *, instead_of: str | None = None
    ) -> tuple[SessionOpened, str]:
        """Begin a session; return it and its token. ``instead_of`` is a cookie that it replaces.

        Raises:
            TooMany, Busy, Unauthenticated: as in ``People.verified``.
        """
        account = await self._people.verified(login.name, login.password, address)
        token, now = new_token(SESSION), micros(self._clock.now())
        row = SessionRow(
            id=self._new_id(),
            account=account.id,
            digest=digest(token),
            kind=login.kind,
            address=address,
            made=now,
            seen=now,
        )
        await self._replace(row, self._giving_way(account, instead_of), account)
        _log.info("%s logged in from %s", account.name, address)
        return self._opened(row, account, token), token

    def _giving_way(self, account: AccountRow, instead_of: str | None) -> list[SessionRow]:
        """Return the sessions that end where another begins."""
        ended = [one for one in self._roll.sessions.values() if not self._lasts(one)]
        replaced = self._roll.sessions.get(digest(instead_of)) if instead_of else None
        if replaced is not None and replaced.kind == "cookie" and replaced not in ended:
            ended.append(replaced)
        left = [one for one in self._roll.sessions_of(account.id) if one not in ended]
        left.sort(key=lambda row: row.seen)
        surplus = len(left) + 1 - self._most
        return ended + (left[:surplus] if surplus > 0 else [])

    async def _replace(self, row: SessionRow, old: list[SessionRow], account: AccountRow) -> None:
        async def write(tables: AccountTables) -> bool:
            await tables.drop_sessions([one.id for one in old])
            return await tables.add_session(row, password=account.password)

        def then(added: bool) -> None:  # noqa: FBT001 - what ``write`` returns
            for one in old:
                self._forget(one)
            if added:
                self._roll.sessions[row.digest] = row

        if not await self._roll.change(write, then):
            raise Unauthenticated("the account was changed meanwhile; log in again", field="name")

    async def end(self, session_id: str, by: Actor) -> Ended:
        """End a session: one's own, or any for an admin.

        Raises:
            NotFound: no such session that lasts, or none that this actor may end.
        """
        row = self._roll.session(session_id)
        if row is None or not self._may(by, row):
            raise NotFound(f"no session {session_id} of yours", field="id")
        await self._drop([row])
        return Ended(ended=1)

    async def end_current(self, by: Actor) -> Ended:
        """End the session that asks.

        Raises:
            StateConflict: it is none.
        """
        if not by.account:
            raise StateConflict(f"{by.name} has no session to end")
        return await self.end(by.credential, by)

    def list_sessions(self, by: Actor) -> SessionList:
        """Return the sessions that last: one's own, or all for an admin."""
        rows = [r for r in self._roll.sessions.values() if self._lasts(r) and self._may(by, r)]
        rows.sort(key=lambda row: (row.made, row.id))
        return SessionList([self._view(row, by) for row in rows])

    # Who comes

    def actor(self, token: str, kind: str) -> Actor | None:
        """Return whose session of that kind has this token; None: nobody's, or it has ended."""
        row = self._roll.sessions.get(digest(token))
        if row is None or row.kind != kind or not self._lasts(row):
            return None
        account = self._roll.accounts.get(row.account)
        if account is None:
            return None
        return Actor(
            name=account.name,
            display_name=account.display_name,
            initials=account.initials,
            role=Role(account.role),
            account=account.id,
            credential=row.id,
        )

    def lasts(self, actor: Actor) -> bool:
        """Report whether the actor's session still counts."""
        row = self._roll.session(actor.credential)
        return row is not None and self._lasts(row)

    async def seen(self, actor: Actor) -> None:
        """Note that the session is used; store that now and then."""
        row = self._roll.session(actor.credential)
        if row is None:
            return
        now = micros(self._clock.now())
        self._roll.seen(row.digest, now)
        if now - self._stored.get(row.id, row.made) < _STORED_EVERY / timedelta(microseconds=1):
            return
        self._stored[row.id] = now
        try:
            await self._roll.change(lambda tables: tables.seen(row.id, seen=now), lambda _: None)
        except StoreError as error:
            # A full disk must not keep anybody from looking at what goes on.
            _log.warning("the use of a session was not stored: %s", error)

    # Inside

    def _lasts(self, row: SessionRow) -> bool:
        now = self._clock.now()
        return now < self._ends(row) and now - from_micros(row.seen) < self._idle

    def _ends(self, row: SessionRow) -> datetime:
        return from_micros(row.made) + self._life

    def _may(self, by: Actor, row: SessionRow) -> bool:
        return by.role is Role.ADMIN or (bool(by.account) and by.account == row.account)

    async def _drop(self, rows: list[SessionRow]) -> None:
        def then(_: None) -> None:
            for row in rows:
                self._forget(row)

        await self._roll.change(lambda tables: tables.drop_sessions([row.id for row in rows]), then)

    def _forget(self, row: SessionRow) -> None:
        self._roll.sessions.pop(row.digest, None)
        self._stored.pop(row.id, None)

    def _opened(self, row: SessionRow, account: AccountRow, token: str) -> SessionOpened:
        cookie = row.kind == "cookie"
        return SessionOpened(
            id=row.id,
            name=account.name,
            display_name=account.display_name,
            initials=account.initials,
            role=Role(account.role),
            ends=zulu(self._ends(row)),
            csrf_token=csrf_of(token) if cookie else None,
            token=None if cookie else token,
        )

    def _view(self, row: SessionRow, by: Actor) -> SessionView:
        account = self._roll.accounts[row.account]
        return SessionView(
            id=row.id,
            account=row.account,
            name=account.name,
            kind=row.kind,
            address=row.address,
            begun=zulu(from_micros(row.made)),
            seen=zulu(from_micros(row.seen)),
            ends=zulu(self._ends(row)),
            current=row.id == by.credential,
        )
