"""What all tests share."""

import pytest
from hypothesis import HealthCheck, settings

# How fast examples are made and judged says something of the machine only.
settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow], parent=settings()
)
settings.load_profile("untimed")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
