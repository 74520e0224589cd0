"""The sky that most tests of the watch begin with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from air import Air, air


@pytest.fixture
async def sky(tmp_path: Path) -> AsyncIterator[Air]:
    """Open a watch over an empty sky."""
    async with air(tmp_path) as made:
        yield made
