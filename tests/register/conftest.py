from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from register_world import World

from tansiq.storage.sqlite import SqliteStore


@pytest.fixture
async def world(tmp_path: Path, anyio_backend: str) -> AsyncIterator[World]:
    store = SqliteStore.open(tmp_path / "store.db")
    yield World(store)
    await store.close()
