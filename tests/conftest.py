"""What all tests share."""

import pytest
from hypothesis import HealthCheck, settings

from tansiq.engine.warm import warm

# How fast examples are made and judged says something of the machine only.
settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow], parent=settings()
)
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def _warmed() -> None:
    """Compile what is compiled after an installation before any test waits for a node."""
    warm()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
