from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from register_world import World

from stores import open_store


@pytest.fixture
async def world(store_kind: str, tmp_path: Path, anyio_backend: str) -> AsyncIterator[World]:
    store = open_store(tmp_path / "store.db")
    yield World(store)
    await store.close()
