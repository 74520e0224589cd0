"""What a desk does with a refusal."""

import pytest

from tansiq.demo.story import DELAY_S_MAX, LEVEL_M_MAX, choose
from tansiq.services.views import Alternative


def later(seconds: int) -> Alternative:
    return Alternative(kind="delay", delay_s=seconds, up_m=0.0, sentence="")


def higher(up_m: float) -> Alternative:
    return Alternative(kind="level", delay_s=0, up_m=up_m, sentence="")


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        ([], None),
        ([later(DELAY_S_MAX)], 0),
        ([later(DELAY_S_MAX + 1)], None),
        ([higher(LEVEL_M_MAX)], 0),
        ([higher(LEVEL_M_MAX + 0.1)], None),
        ([higher(-150.0)], None),  # Never lower than declared.
        ([later(600), higher(150.0)], 1),  # A third of one bound, a quarter of the other.
        ([later(449), higher(150.0)], 0),
        ([later(450), higher(150.0)], 0),  # Equal: the first.
        ([higher(-150.0), later(1_000)], 1),
    ],
)
def test_the_smaller_change_within_bounds_is_taken(
    offered: list[Alternative], taken: int | None
) -> None:
    expected = None if taken is None else offered[taken]
    assert choose(offered, delay_s=0, up_m=0.0) is expected


def test_bounds_are_totals() -> None:
    assert choose([later(600)], delay_s=DELAY_S_MAX - 600, up_m=0.0) is not None
    assert choose([later(600)], delay_s=DELAY_S_MAX - 599, up_m=0.0) is None
    assert choose([higher(-150.0)], delay_s=0, up_m=150.0) is not None
    assert choose([higher(-150.0)], delay_s=0, up_m=149.0) is None
