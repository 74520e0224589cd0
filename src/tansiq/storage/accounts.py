"""Accounts, sessions, feed tokens and the first link: rows in, rows out."""

from dataclasses import asdict, dataclass

from tansiq.storage.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """One row of ``account``; ``password`` is an argon2 hash, times are microseconds UTC."""

    id: str
    name: str
    display_name: str
    initials: str
    role: str
    password: str
    made: int
    made_by: str
    password_set: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One row of ``session``."""

    id: str
    account: str
    digest: bytes
    kind: str
    address: str
    made: int
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTokenRow:
    """One row of ``feed_token``."""

    id: str
    name: str
    digest: bytes
    scopes: str
    made: int
    made_by: str


_ACCOUNTS = """
SELECT id, name, display_name, initials, role, password, made, made_by, password_set
  FROM account ORDER BY name
"""

_SESSIONS = "SELECT id, account, digest, kind, address, made, seen FROM session ORDER BY made, id"

_FEEDS = "SELECT id, name, digest, scopes, made, made_by FROM feed_token ORDER BY name"

_ADD_ACCOUNT = """
INSERT INTO account
       (id, name, display_name, initials, role, password, made, made_by, password_set)
VALUES (:id, :name, :display_name, :initials, :role, :password, :made, :made_by, :password_set)
ON CONFLICT DO NOTHING
"""

_SET_ROLE = "UPDATE account SET role = :role WHERE id = :id"

_SET_PASSWORD = "UPDATE account SET password = :password, password_set = :now WHERE id = :id"  # noqa: S105 - SQL

_DROP_ACCOUNT = "DELETE FROM account WHERE id = :id"

# Only while the password that was shown is still the account's: between the check and this
# statement somebody may have changed it, and with it ended all of the account's sessions.
_ADD_SESSION = """
INSERT INTO session (id, account, digest, kind, address, made, seen)
SELECT :id, :account, :digest, :kind, :address, :made, :seen
  FROM account WHERE id = :account AND password = :password
"""

_SEEN = "UPDATE session SET seen = :seen WHERE id = :id"

_DROP_SESSION = "DELETE FROM session WHERE id = :id"

_DROP_SESSIONS_OF = "DELETE FROM session WHERE account = :account"

_ADD_FEED = """
INSERT INTO feed_token (id, name, digest, scopes, made, made_by)
VALUES (:id, :name, :digest, :scopes, :made, :made_by)
ON CONFLICT DO NOTHING
"""

_DROP_FEED = "DELETE FROM feed_token WHERE id = :id"

_DROP_FIRST = "DELETE FROM first_start"

_SET_FIRST = "INSERT INTO first_start (one, digest, made) VALUES (1, :digest, :made)"

_IS_FIRST = """
SELECT 1 FROM first_start
 WHERE digest = :digest AND made >= :since AND NOT EXISTS (SELECT 1 FROM account)
"""

_TAKE_FIRST = """
DELETE FROM first_start
 WHERE digest = :digest AND made >= :since AND NOT EXISTS (SELECT 1 FROM account)
"""


class AccountTables:
    """The tables of accounts, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def accounts(self) -> list[AccountRow]:
        """Return all accounts, by name."""
        rows = await self._tx.fetch(_ACCOUNTS)
        keys = AccountRow.__slots__
        return [AccountRow(**dict(zip(keys, row, strict=True))) for row in rows]

    async def sessions(self) -> list[SessionRow]:
        """Return all sessions, the oldest first."""
        rows = await self._tx.fetch(_SESSIONS)
        keys = SessionRow.__slots__
        return [SessionRow(**dict(zip(keys, row, strict=True))) for row in rows]

    async def feed_tokens(self) -> list[FeedTokenRow]:
        """Return all feed tokens, by name."""
        rows = await self._tx.fetch(_FEEDS)
        keys = FeedTokenRow.__slots__
        return [FeedTokenRow(**dict(zip(keys, row, strict=True))) for row in rows]

    async def add_account(self, row: AccountRow) -> bool:
        """Add an account, which ends the first link; report whether name and initials were free."""
        await self._tx.execute(_DROP_FIRST)
        return await self._tx.execute(_ADD_ACCOUNT, asdict(row)) == 1

    async def set_role(self, account_id: str, role: str) -> None:
        """Give the account another role, and end its sessions."""
        await self._tx.execute(_SET_ROLE, {"id": account_id, "role": role})
        await self._tx.execute(_DROP_SESSIONS_OF, {"account": account_id})

    async def set_password(self, account_id: str, password: str, *, now: int) -> None:
        """Give the account another password, and end its sessions."""
        row = {"id": account_id, "password": password, "now": now}
        await self._tx.execute(_SET_PASSWORD, row)
        await self._tx.execute(_DROP_SESSIONS_OF, {"account": account_id})

    async def drop_account(self, account_id: str) -> None:
        """Remove the account and its sessions."""
        await self._tx.execute(_DROP_ACCOUNT, {"id": account_id})

    async def add_session(self, row: SessionRow, *, password: str) -> bool:
        """Add a session if ``password`` is still the account's; report whether it is."""
        return await self._tx.execute(_ADD_SESSION, {**asdict(row), "password": password}) == 1

    async def seen(self, session_id: str, *, seen: int) -> None:
        """Note when the session was last used."""
        await self._tx.execute(_SEEN, {"id": session_id, "seen": seen})

    async def drop_sessions(self, session_ids: list[str]) -> None:
        """End sessions."""
        await self._tx.execute_many(_DROP_SESSION, [{"id": one} for one in session_ids])

    async def add_feed_token(self, row: FeedTokenRow) -> bool:
        """Add a feed token; report whether its name was free."""
        return await self._tx.execute(_ADD_FEED, asdict(row)) == 1

    async def drop_feed_token(self, token_id: str) -> None:
        """Revoke a feed token."""
        await self._tx.execute(_DROP_FEED, {"id": token_id})

    async def set_first(self, digest: bytes, *, made: int) -> None:
        """Keep the first link in place of any other."""
        await self._tx.execute(_DROP_FIRST)
        await self._tx.execute(_SET_FIRST, {"digest": digest, "made": made})

    async def is_first(self, digest: bytes, *, since: int) -> bool:
        """Report whether this is the first link, young enough, and needed."""
        return await self._tx.fetch_one(_IS_FIRST, {"digest": digest, "since": since}) is not None

    async def take_first(self, digest: bytes, *, since: int) -> bool:
        """Use the first link up; report whether it was there, as in ``is_first``."""
        return await self._tx.execute(_TAKE_FIRST, {"digest": digest, "since": since}) == 1
