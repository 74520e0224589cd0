"""Accounts: who may come in at all, made and changed by admins and by this machine."""

import logging
from collections.abc import Awaitable, Callable

from tansiq.clock import Clock
from tansiq.domain.actor import Actor, Role
from tansiq.domain.time import from_micros, micros, zulu
from tansiq.errors import Forbidden, NotFound, StateConflict, StoreError, TooMany, Unauthenticated
from tansiq.services.accounts.attempts import Attempts
from tansiq.services.accounts.passwords import Passwords
from tansiq.services.accounts.roll import Roll
from tansiq.services.accounts.tokens import FIRST, digest, new_token
from tansiq.services.accounts.views import (
    AccountList,
    AccountView,
    Ended,
    FirstAccount,
    NewAccount,
    OwnPassword,
)
from tansiq.services.accounts.words import (
    check_account_name,
    check_display_name,
    check_initials,
    check_new_password,
    is_account_name,
)
from tansiq.settings import Limits, Settings
from tansiq.storage.accounts import AccountRow, AccountTables

_log = logging.getLogger(__name__)

FIRST_LINK = "the first link"
"""Who made the first account, where no actor did."""


class People:
    """The accounts of one node."""

    def __init__(
        self,
        roll: Roll,
        passwords: Passwords,
        clock: Clock,
        settings: Settings,
        *,
        new_id: Callable[[], str],
    ) -> None:
        self._roll = roll
        self._passwords = passwords
        self._clock = clock
        self._limits: Limits = settings.limits
        self._link_life = settings.timers.first_link_life
        self._new_id = new_id
        self.attempts = Attempts(clock, settings.limits, settings.timers)

    # Asking

    def list_accounts(self) -> AccountList:
        """Return all accounts, by name."""
        rows = sorted(self._roll.accounts.values(), key=lambda row: row.name)
        return AccountList([self._view(row) for row in rows])

    async def verified(self, name: str, password: str, address: str) -> AccountRow:
        """Return the account of that name, if the password is its own.

        Takes as long for a name that nobody has, and says the same.

        Raises:
            TooMany: not yet, after too many wrong ones.
            Busy: too many passwords are being checked.
            Unauthenticated: no such account, or another password.
        """
        known = name if is_account_name(name) else ""
        self.attempts.begin(known, address)
        account = self._roll.named(known)
        decided = False
        try:
            hashed = None if account is None else account.password
            good = await self._passwords.verify(password, hashed)
            decided = True
        finally:
            if not decided:
                self.attempts.undecided(known, address)
        if account is None or not good:
            raise Unauthenticated("no such name, or another password", field="password")
        self.attempts.succeeded(known, address)
        return account

    # Changing

    async def add(self, new: NewAccount, by: Actor) -> AccountView:
        """Make an account.

        Raises:
            BadInput: names, initials or password cannot be.
            StateConflict: name or initials are somebody's already.
            TooMany: as many accounts as may be are there.
        """
        row = await self._row(new, made_by=by.name)

        async def write(tables: AccountTables) -> bool:
            return await tables.add_account(row)

        return await self._added(row, write)

    async def first_link(self) -> str | None:
        """Return a new one-time token for the first account; None where there are accounts.

        None too where it cannot be stored: a node serves with a disk that is full.
        """
        if self._roll.accounts:
            return None
        token, made = new_token(FIRST), micros(self._clock.now())
        try:
            await self._roll.change(
                lambda tables: tables.set_first(digest(token), made=made), lambda _: None
            )
        except StoreError as error:
            _log.warning("no link for the first account: %s", error)
            return None
        return token

    async def set_up(self, first: FirstAccount) -> AccountView:
        """Make the first account, an admin's, and use the link up.

        Raises:
            BadInput: names, initials or password cannot be; the link can be used again.
            Unauthenticated: not the link, too old, or there are accounts already.
        """
        since = micros(self._clock.now() - self._link_life)
        shown = digest(first.token)
        # Before anything is hashed: tries with a wrong link cost nothing. They need no pauses
        # either: nobody guesses 256 bits.
        if not await self._roll.ask(lambda tables: tables.is_first(shown, since=since)):
            raise _no_link()
        row = await self._row(
            NewAccount(
                name=first.name,
                display_name=first.display_name,
                initials=first.initials,
                role=Role.ADMIN,
                password=first.password,
            ),
            made_by=FIRST_LINK,
        )

        async def write(tables: AccountTables) -> bool:
            if not await tables.take_first(shown, since=since):
                raise _no_link()  # Somebody else was quicker.
            return await tables.add_account(row)

        return await self._added(row, write)

    async def set_role(self, account_id: str, role: Role, by: Actor) -> AccountView:
        """Give an account another role; its sessions end.

        Raises:
            NotFound: no such account.
            StateConflict: it is the last admin's.
        """
        row = self._account(account_id)
        if row.role == role:
            return self._view(row)

        def check() -> None:
            if role != Role.ADMIN:
                self._not_the_last_admin(account_id)

        await self._roll.change(
            lambda tables: tables.set_role(row.id, role),
            lambda _: self._roll.amend(row.id, role=str(role)),
            check=check,
        )
        _log.warning("%s made %s %s; sessions ended", by.name, row.name, role)
        return self._view(self._account(account_id))

    async def set_password(self, account_id: str, password: str, by: Actor) -> AccountView:
        """Give an account another password; its sessions end.

        Raises:
            NotFound: no such account.
            BadInput: not a password that it may get.
        """
        row = self._account(account_id)
        check_new_password(password, name=row.name)
        hashed = await self._passwords.hash(password)
        now = micros(self._clock.now())
        await self._roll.change(
            lambda tables: tables.set_password(row.id, hashed, now=now),
            lambda _: self._roll.amend(row.id, password=hashed, password_set=now),
        )
        self.attempts.forgive(row.name)
        _log.warning("%s set the password of %s; sessions ended", by.name, row.name)
        return self._view(self._account(account_id))

    async def set_own_password(self, new: OwnPassword, by: Actor, address: str) -> AccountView:
        """Give whoever asks another password, if they know the present one.

        Raises:
            Forbidden: this machine has no password.
            Unauthenticated: not the present one.
        """
        if not by.account:
            raise Forbidden("only people have passwords, and this is no account's session")
        check_new_password(new.password, name=by.name)
        account = await self.verified(by.name, new.current, address)
        return await self.set_password(account.id, new.password, by)

    async def remove(self, account_id: str, by: Actor) -> Ended:
        """Remove an account; its sessions end.

        Raises:
            NotFound: no such account.
            StateConflict: it is the last admin's.
        """
        row = self._account(account_id)
        ended = len(self._roll.sessions_of(row.id))
        await self._roll.change(
            lambda tables: tables.drop_account(row.id),
            lambda _: self._roll.drop_account(row.id),
            check=lambda: self._not_the_last_admin(row.id),
        )
        _log.warning("%s removed the account %s", by.name, row.name)
        return Ended(ended=ended)

    # Inside

    def _account(self, account_id: str) -> AccountRow:
        row = self._roll.accounts.get(account_id)
        if row is None:
            raise NotFound(f"no account {account_id}", field="id")
        return row

    def _not_the_last_admin(self, account_id: str) -> None:
        admins = [row for row in self._roll.accounts.values() if row.role == Role.ADMIN]
        if [row.id for row in admins] == [account_id]:
            raise StateConflict(
                f"{admins[0].name} is the last admin; make another first", field="role"
            )

    def _not_too_many(self) -> None:
        if len(self._roll.accounts) >= self._limits.accounts_max:
            raise TooMany(f"{self._limits.accounts_max} accounts are there; remove one first")

    async def _row(self, new: NewAccount, *, made_by: str) -> AccountRow:
        name = check_account_name(new.name)
        shown, initials = check_display_name(new.display_name), check_initials(new.initials)
        check_new_password(new.password, name=name)
        self._not_too_many()
        now = micros(self._clock.now())
        return AccountRow(
            id=self._new_id(),
            name=name,
            display_name=shown,
            initials=initials,
            role=str(new.role),
            password=await self._passwords.hash(new.password),
            made=now,
            made_by=made_by,
            password_set=now,
        )

    async def _added(
        self, row: AccountRow, write: Callable[[AccountTables], Awaitable[bool]]
    ) -> AccountView:
        def then(added: bool) -> None:  # noqa: FBT001 - what ``write`` returns
            if added:
                self._roll.put_account(row)

        if not await self._roll.change(write, then, check=self._not_too_many):
            raise StateConflict(
                f"the name {row.name} or the initials {row.initials} are somebody's already",
                field="name",
            )
        _log.warning("%s made the account %s, %s", row.made_by, row.name, row.role)
        return self._view(row)

    def _view(self, row: AccountRow) -> AccountView:
        return AccountView(
            id=row.id,
            name=row.name,
            display_name=row.display_name,
            initials=row.initials,
            role=Role(row.role),
            made=zulu(from_micros(row.made)),
            made_by=row.made_by,
            password_set=zulu(from_micros(row.password_set)),
            sessions=len(self._roll.sessions_of(row.id)),
        )


def _no_link() -> Unauthenticated:
    return Unauthenticated(
        "this link is used up, too old, or not this node's; `tansiq serve` prints another at each "
        "start until there is an account",
        field="token",
    )
