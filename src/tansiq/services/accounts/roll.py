"""The roll: accounts, sessions and feed tokens as they are now, in memory and in the store.

A node is the only writer of its store, so what stands here is what counts, and asking who comes
costs no read. Whatever changes is stored first and then changed here, under one lock: two changes
reach memory in the order in which they were committed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from tansiq.storage.accounts import AccountRow, AccountTables, FeedTokenRow, SessionRow
from tansiq.storage.store import Store

T = TypeVar("T")


class Roll:
    """All rows, by what they are asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = asyncio.Lock()
        self.accounts: dict[str, AccountRow] = {}
        """By id."""
        self.sessions: dict[bytes, SessionRow] = {}
        """By digest."""
        self.feed_tokens: dict[bytes, FeedTokenRow] = {}
        """By digest."""

    async def read_all(self) -> None:
        """Take over what is stored."""

        async def read(
            tables: AccountTables,
        ) -> tuple[list[AccountRow], list[SessionRow], list[FeedTokenRow]]:
            return await tables.accounts(), await tables.sessions(), await tables.feed_tokens()

        accounts, sessions, tokens = await self._store.read(lambda tx: read(AccountTables(tx)))
        self.accounts = {row.id: row for row in accounts}
        self.sessions = {row.digest: row for row in sessions}
        self.feed_tokens = {row.digest: row for row in tokens}

    # Asking

    def named(self, name: str) -> AccountRow | None:
        """Return the account of that name."""
        return next((row for row in self.accounts.values() if row.name == name), None)

    def sessions_of(self, account_id: str) -> list[SessionRow]:
        """Return the account's sessions, the oldest first."""
        return [row for row in self.sessions.values() if row.account == account_id]

    def session(self, session_id: str) -> SessionRow | None:
        """Return the session of that id."""
        return next((row for row in self.sessions.values() if row.id == session_id), None)

    async def ask(self, read: Callable[[AccountTables], Awaitable[T]]) -> T:
        """Read what stands in the store alone."""
        return await self._store.read(lambda tx: read(AccountTables(tx)))

    # Changing

    async def change(
        self,
        write: Callable[[AccountTables], Awaitable[T]],
        then: Callable[[T], None],
        *,
        check: Callable[[], None] = lambda: None,
    ) -> T:
        """Store, and once that is on disk change what stands here; ``check`` may refuse before.

        Raises:
            StoreError: nothing was stored, and nothing changed.
        """
        async with self._lock:
            check()
            result = await self._store.write(lambda tx: write(AccountTables(tx)))
            then(result)
            return result

    def put_account(self, row: AccountRow) -> None:
        """Take a new account in, in memory."""
        self.accounts[row.id] = row

    def amend(self, account_id: str, **changed: Any) -> None:
        """Change an account in memory, and forget its sessions."""
        row = self.accounts.get(account_id)
        if row is not None:
            self.accounts[account_id] = replace(row, **changed)
        self.drop_sessions_of(account_id)

    def drop_account(self, account_id: str) -> None:
        """Forget the account and its sessions, in memory."""
        self.accounts.pop(account_id, None)
        self.drop_sessions_of(account_id)

    def drop_sessions_of(self, account_id: str) -> None:
        """Forget the account's sessions, in memory."""
        for row in self.sessions_of(account_id):
            del self.sessions[row.digest]

    def seen(self, digest: bytes, now: int) -> None:
        """Note in memory when a session was used."""
        row = self.sessions.get(digest)
        if row is not None:
            self.sessions[digest] = replace(row, seen=now)
