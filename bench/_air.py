"""The small watch of the tests, over a real store, for benches."""

import sys
from pathlib import Path

_TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(_TESTS / "watch"), str(_TESTS)]

from air import HERE, Air, Flying, air  # noqa: E402 # Found by the lines above.

__all__ = ["HERE", "Air", "Flying", "air"]
