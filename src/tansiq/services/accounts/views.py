"""What people and programs send and see of accounts, sessions and feed tokens. No hash is in it."""

from typing import Literal

import msgspec

from tansiq.domain.actor import FeedScope, Role
from tansiq.services.accounts.words import Secret, Word


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """One account."""

    id: str
    name: str
    display_name: str
    initials: str
    role: Role
    made: str
    made_by: str
    """Name of the account that made it, or ``this machine``."""
    password_set: str
    sessions: int
    """How many last now."""


class AccountList(msgspec.Struct, frozen=True):
    """All accounts, by name."""

    accounts: list[AccountView]


class NewAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account to be made."""

    name: Word
    display_name: Word
    initials: Word
    role: Role
    password: Secret


class FirstAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first account, an admin's, made with the link that ``tansiq serve`` printed."""

    token: Word
    name: Word
    display_name: Word
    initials: Word
    password: Secret


class NewRole(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another role for an account."""

    role: Role


class NewPassword(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another password for somebody."""

    password: Secret


class OwnPassword(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another password for oneself."""

    current: Secret
    password: Secret


class Login(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who wants to come in."""

    name: Word
    password: Secret
    kind: Literal["cookie", "bearer"] = "cookie"
    """``cookie`` for a browser, ``bearer`` for a program: then the answer has a token."""


class SessionOpened(msgspec.Struct, frozen=True, kw_only=True):
    """A session that has just begun."""

    id: str
    name: str
    display_name: str
    initials: str
    role: Role
    ends: str
    """When it ends at the latest."""
    csrf_token: str | None = None
    """Of a cookie's session: to be sent as X-CSRF-Token with whatever changes something."""
    token: str | None = None
    """Of a bearer's session; it is not shown again."""


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """One session that lasts."""

    id: str
    account: str
    name: str
    kind: str
    address: str
    begun: str
    seen: str
    ends: str
    current: bool
    """Whether it is the one that asks."""


class SessionList(msgspec.Struct, frozen=True):
    """Sessions, the oldest first."""

    sessions: list[SessionView]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What is no more."""

    ended: int
    """How many sessions ended with it."""


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever asks."""

    name: str
    display_name: str
    initials: str
    role: Role
    account: str | None = None
    """Id of the account; this machine has none."""
    session: str | None = None
    csrf_token: str | None = None


class NewFeedToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A feed token to be made."""

    name: Word
    scopes: list[FeedScope]


class FeedTokenView(msgspec.Struct, frozen=True, kw_only=True):
    """One feed token."""

    id: str
    name: str
    scopes: list[FeedScope]
    made: str
    made_by: str


class FeedTokenMade(msgspec.Struct, frozen=True, kw_only=True):
    """A feed token that has just been made."""

    id: str
    name: str
    scopes: list[FeedScope]
    token: str
    """It is not shown again."""


class FeedTokenList(msgspec.Struct, frozen=True):
    """All feed tokens, by name."""

    tokens: list[FeedTokenView]
