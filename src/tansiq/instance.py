"""The register by itself: one DSS instance of the pool that a PostgreSQL database is.

No planner, line, record or watch.
"""

from contextlib import suppress
from dataclasses import dataclass

from prometheus_client.core import Metric
from starlette.applications import Starlette

from tansiq.clock import Clock, SystemClock
from tansiq.domain.agreement import Agreement
from tansiq.errors import BadInput, StoreError
from tansiq.formats.agreement import load_agreement
from tansiq.http.instance_app import machine_app
from tansiq.http.metrics import Values, gauge
from tansiq.register_side import RegisterSide
from tansiq.services.pool import Pool
from tansiq.settings import Settings, load_own_token
from tansiq.storage.opening import open_shared
from tansiq.storage.store import Store
from tansiq.wiring import new_id


@dataclass(slots=True, kw_only=True)
class Instance:
    """Everything that runs, joined."""

    settings: Settings
    clock: Clock
    store: Store
    side: RegisterSide
    own: Starlette

    @property
    def agreement(self) -> Agreement:
        """The one that it began under."""
        return self.side.agreement

    @property
    def pool(self) -> Pool:
        """The one that it is in."""
        return self.side.api.pool

    @property
    def peer(self) -> Starlette:
        """What answers other nodes and suppliers."""
        return self.side.app

    @classmethod
    async def open(cls, settings: Settings, clock: Clock | None = None) -> "Instance":
        """Wire an instance over its data folder and the pool's database.

        Raises:
            BadInput: settings, keys or agreement do not fit together.
            WrongState: the pool knows a party of ours by another key.
            StoreError: the database cannot be used, or holds a node's plans.
        """
        if settings.database is None:
            raise BadInput(
                "a register by itself is one of several over a PostgreSQL database: name it, with "
                "--database or in tansiq.toml (docs/scale.md)",
                field="database",
            )
        agreement = load_agreement(settings.agreement)
        # Tests that give a clock give the time in the store as well.
        process, clock = new_id() if clock is None else "", clock or SystemClock()
        store = await open_shared(settings.database, process=process)
        try:
            side = RegisterSide.over(
                settings, agreement, store, clock, process=process or new_id(), past=None
            )
            await side.api.pool.enter(clock.now())
            own = _own(settings, side)
        except BaseException:  # However it ends, the connections are not left open.
            await store.close()
            raise
        return cls(settings=settings, clock=clock, store=store, side=side, own=own)

    async def start(self) -> None:
        """Begin what is done again and again."""
        self.side.start()

    async def stop(self) -> None:
        """Stop all tasks, and leave the pool; everything acknowledged is in the store."""
        await self.side.stop()
        try:
            with suppress(StoreError):  # The others see by the heartbeat that does not come.
                await self.pool.leave(self.clock.now())
        finally:
            await self.store.close()


def _own(settings: Settings, side: RegisterSide) -> Starlette:
    """Return what answers our own people."""

    async def figures() -> list[Metric]:
        instances = await side.api.pool.instances()
        about = (("party", settings.party), ("agreement", side.agreement.digest))
        waiting = side.api.metrics.writes_waiting()
        return [
            gauge("tansiq_register_info", "Party and agreement of this register", {about: 1.0}),
            gauge("tansiq_store_waiting", "Writes not yet answered", _one(waiting)),
            gauge("tansiq_pool_instances", "Instances of it", _one(len(instances))),
        ]

    return machine_app(side.api, token=load_own_token(settings.data), figures=figures)


def _one(value: float) -> Values:
    return {(): float(value)}
