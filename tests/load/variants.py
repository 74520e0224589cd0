"""Nodes that break one promise each: ``variants.py NAME serve --data DIR``.

What the load tests must catch.
"""

import runpy
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import apsw

from tansiq.f3548 import wire
from tansiq.services.register import AirspaceConflict, Register, intents, looking
from tansiq.services.register.requests import IntentWrite
from tansiq.storage import sqlite
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Tx
from tansiq.storage.subscriptions import Notified, Subscriptions

Answer = wire.ChangeOperationalIntentReferenceResponse


async def _unchecked(*_: object, **__: object) -> None:
    """Stand where the key should be checked."""


def keys_apart() -> None:
    """Checks the key in one transaction and writes in another."""
    check = intents._check_key
    intents._check_key = _unchecked  # type: ignore[assignment]

    async def put_intent(self: Register, *request: Any) -> Answer:
        write = self.read_intent(*request)

        async def check_first(tx: Tx) -> None:
            await check(tx, write, await looking.look(tx, write), for_constraints=False)

        await self._store.read(check_first)
        return await self._store.write(lambda tx: self._intents.put(tx, write))

    Register.put_intent = put_intent  # type: ignore[method-assign]


def notices_apart() -> None:
    """Looks up whom to notify in a snapshot of its own, before the write."""
    raised = Subscriptions.raise_indices
    looked_up: list[list[Notified]] = []

    async def put_intent(self: Register, *request: Any) -> Answer:
        write = self.read_intent(*request)
        found = await self._store.read(lambda tx: _subscribed(tx, write))

        async def put(tx: Tx) -> Answer:
            looked_up[:] = [found]  # There is one writer, and it does not suspend.
            return await self._intents.put(tx, write)

        return await self._store.write(put)

    async def raise_indices(self: Subscriptions, changed: Any, **more: Any) -> list[Notified]:
        if not looked_up:
            return await raised(self, changed, **more)
        for one in found if (found := looked_up.pop()) else ():
            await self._tx.execute(
                "UPDATE subscription SET notification_index = :n WHERE id = :id",
                {"n": one.notification_index, "id": one.id},
            )
        return found

    Register.put_intent = put_intent  # type: ignore[method-assign]
    Subscriptions.raise_indices = raise_indices  # type: ignore[method-assign]


async def _subscribed(tx: Tx, write: IntentWrite) -> list[Notified]:
    old = await intents.Intents(tx).get(write.id)
    ids = await Subscriptions(tx)._cells.find(write.cover)
    if old is not None:
        ids |= await Subscriptions(tx)._cells.find(old.cover)
    rows = [await Subscriptions(tx).get(one) for one in sorted(ids)]
    return [
        Notified(
            id=row.id, notification_index=row.notification_index + 1, uss_base_url=row.uss_base_url
        )
        for row in rows
        if row is not None
    ]


def hasty() -> None:
    """Answers before the commit."""

    def commit(self: SqliteStore, batch: list[sqlite._Job]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for job in batch:
            self._attempt(job)
        sqlite._answer(batch)
        time.sleep(0.02)
        self._connection.execute("COMMIT")

    SqliteStore._commit = commit  # type: ignore[method-assign]


def two_minds() -> None:
    """Keeps a write that it refuses."""
    put = Register.put_intent
    check = intents._check_key

    async def put_intent(self: Register, *request: Any) -> Answer:
        try:
            return await put(self, *request)
        except AirspaceConflict:
            write = replace(self.read_intent(*request), subscription_id=None)
            intents._check_key = _unchecked  # type: ignore[assignment]
            try:
                await self._store.write(lambda tx: self._intents.put(tx, write))
            finally:
                intents._check_key = check
            raise

    Register.put_intent = put_intent  # type: ignore[method-assign]


def unheeding() -> None:
    """Takes a disk error for a warning, and acknowledges all the same."""

    def commit(self: SqliteStore, batch: list[sqlite._Job]) -> None:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                self._attempt(job)
            connection.execute("COMMIT")
        except apsw.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    SqliteStore._commit = commit  # type: ignore[method-assign]


VARIANTS: dict[str, Callable[[], None]] = {
    one.__name__: one for one in (keys_apart, notices_apart, hasty, two_minds, unheeding)
}

if __name__ == "__main__":
    VARIANTS[sys.argv.pop(1)]()
    runpy.run_module("tansiq.cli.child", run_name="__main__")
