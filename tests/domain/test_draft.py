"""Drafts as values, and the ends of what a corridor admits. Altitudes: tests/formats."""

import pytest
from tests.formats.build import feature, raw

from tansiq.domain import corridor
from tansiq.domain.draft import Datum, PlanDraft, StatedBand, Units, check_name
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput, InvalidVolume

W84 = StatedBand(lower=0, upper=0, units=Units.M, datum=Datum.W84)


def test_a_draft_has_volumes_and_as_many_stated_bands() -> None:
    from tansiq.formats.plans import read_plan

    volumes = read_plan(raw(feature())).volumes
    assert PlanDraft(volumes=volumes, stated=(W84,)).name == "unnamed"
    with pytest.raises(BadInput, match="at least one volume"):
        PlanDraft(volumes=(), stated=())
    for stated in ((), (W84, W84)):
        with pytest.raises(BadInput, match="one stated band"):
            PlanDraft(volumes=volumes, stated=stated)
    for priority in (1_000_000, -1_000_000):
        PlanDraft(volumes=volumes, stated=(W84,), priority=priority)
        with pytest.raises(BadInput) as caught:
            PlanDraft(volumes=volumes, stated=(W84,), priority=priority + priority // 10**6)
        assert caught.value.field == "priority"


@pytest.mark.parametrize(("text", "good"), [("A" * 60, True), ("A" * 61, False), (" A", False)])
def test_names(text: str, good: bool) -> None:
    if good:
        assert check_name(text, "callsign") == text
    else:
        with pytest.raises(BadInput, match=r"at most 60|plain text"):
            check_name(text, "callsign")


def test_a_band_that_is_upside_down_or_no_number() -> None:
    for lower in (0.1, float("nan")):
        with pytest.raises(BadInput, match="swap them"):
            StatedBand(lower=lower, upper=0, units=Units.M, datum=Datum.W84)


def test_ends_of_a_corridor() -> None:
    with pytest.raises(InvalidVolume, match="at least one point"):
        corridor.around([], 100)
    there = [LatLng(0, 0), LatLng(0, 4.49), LatLng(0, 0)]
    corridor.around(there, 100)  # 499.8 km.
    for beyond in (LatLng(0, 4.5), LatLng(0, 4.4)):
        with pytest.raises(InvalidVolume, match="cut the track"):
            corridor.around([LatLng(0, -0.2), LatLng(0, 0), beyond], 100)
