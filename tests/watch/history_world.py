"""A recorder and a reader of the history over a real file, and a sky that a test sets."""

from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from tests.watch.picture_world import NOON, HandClock, Scene

from tansiq.domain.time import zulu
from tansiq.services.watch.history import Recorder
from tansiq.services.watch.history_views import HistoryMoment, HistoryPage
from tansiq.services.watch.past import Past
from tansiq.services.watch.picture import Sources
from tansiq.settings import Limits, Settings
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Store
from tansiq.watch_settings import WatchSettings

STEP_S = 10.0


def time_of(s: float) -> str:
    return zulu(NOON + timedelta(seconds=s))


def open_store(path: Path, vfs: str | None = None) -> SqliteStore:
    tables = files("tansiq.storage") / "history_migrations"
    return SqliteStore.open(path / "history.db", migrations=tables, vfs=vfs)


class Node:
    """What keeps the history and what reads it, over a sky that a test sets."""

    def __init__(self, store: Store, scene: Scene | None = None, **limits: Any) -> None:
        self.scene = scene or Scene()
        self.clock: HandClock = self.scene.clock
        self.store = store
        sources = Sources(
            party="north",
            watch=self.scene,
            planning=self.scene,  # type: ignore[arg-type]
            constraints=self.scene,  # type: ignore[arg-type]
            status=self.scene,  # type: ignore[arg-type]
        )
        settings = Settings(
            data=Path(),
            party="north",
            agreement=Path(),
            limits=Limits(**limits),
            watch=WatchSettings(history_step_s=STEP_S),
        )
        self.recorder = Recorder(sources, store, self.clock, settings)
        self.past = Past(store, self.recorder, self.clock, settings.limits)

    async def keep(self, slices: int = 1, every_s: float = STEP_S) -> None:
        """Keep so many slices; the clock stands at the last one."""
        for _ in range(slices):
            self.clock.s += every_s
            await self.recorder.record()
        assert self.recorder.failing == ""

    async def at(self, s: float) -> HistoryMoment:
        body = await self.past.at(NOON + timedelta(seconds=s))
        return msgspec.json.decode(body, type=HistoryMoment)

    async def page(self, since_s: float, until_s: float, every_s: float = STEP_S) -> HistoryPage:
        span = (NOON + timedelta(seconds=s) for s in (since_s, until_s))
        return msgspec.json.decode(await self.past.page(*span, every_s), type=HistoryPage)
