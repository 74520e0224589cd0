"""Notifications that nobody takes: given up after a stated time, and never shown as told."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sky import until

from stores import AnyStore, open_store
from tansiq.clock import SystemClock
from tansiq.errors import PeerUnreachable
from tansiq.f3548 import wire
from tansiq.services.planning.notices import Notices
from tansiq.settings import Timers
from tansiq.storage.notifications import Notification, Notifications
from tansiq.storage.store import Tx

pytestmark = pytest.mark.anyio
URL, ENTITY = "https://peer.example", "2f8343be-6482-4d1b-a474-16847e01af1e"


class Deaf:
    """A peer that answers only when told to."""

    def __init__(self) -> None:
        self.hears, self.heard = False, 0

    async def notify(self, base_url: str, kind: str, body: bytes) -> None:
        if not self.hears:
            raise PeerUnreachable("no answer")
        self.heard += 1

    async def intent_details(self, base_url: str, intent_id: str) -> wire.OperationalIntent:
        raise PeerUnreachable("no answer")

    async def constraint_details(self, base_url: str, constraint_id: str) -> wire.Constraint:
        raise PeerUnreachable("no answer")


async def _owe(store: AnyStore, notices: Notices) -> None:
    subscriber = wire.SubscriberToNotify(
        subscriptions=(wire.SubscriptionState(subscription_id=ENTITY, notification_index=1),),
        uss_base_url=URL,
    )
    owed = notices.owed([subscriber], "intent", ENTITY, None)

    async def write(tx: Tx) -> list[Notification]:
        return await notices.add(tx, owed, SystemClock().now())

    notices.push(await store.write(write))


async def _now(value: Any) -> Any:
    return value


async def _left(store: AnyStore) -> int:
    return len(await store.read(lambda tx: Notifications(tx).all()))


async def test_who_was_given_up_is_shown_as_not_reached_until_they_hear_again(
    tmp_path: Path,
) -> None:
    store, peer = open_store(tmp_path / "store.db"), Deaf()
    timers = Timers(notify_retry_for=timedelta(0), retry_first_s=0.01)
    notices = Notices(
        store, peer, SystemClock(), timers, own_url="https://us.example", is_party=lambda _: True
    )
    try:
        await _owe(store, notices)
        await until(lambda: _left(store), lambda left: left == 0)  # It is not tried for ever.
        assert notices.not_reached(ENTITY) == (f"{URL} (given up: no answer)",)
        peer.hears = True
        await _owe(store, notices)
        await until(lambda: _now(notices.not_reached(ENTITY)), lambda left: left == ())
        assert peer.heard
    finally:
        await notices.stop()
        await store.close()
