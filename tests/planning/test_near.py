"""The grid of records forgets nobody who is near, however large or small they are."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import dist
from random import Random

import pytest

from tansiq.domain.ellipsoid import ecef
from tansiq.domain.extent import Extent
from tansiq.domain.volume import LatLng
from tansiq.services.near import LEVELS_M, Near

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Thing:
    id: str
    extent: Extent | None


def extent(random: Random) -> Extent:
    """Draw one in a region of some 200 km, at a pole or across the 180th meridian, of any size."""
    lat, lng = random.choice([(38.0, -121.0), (89.9, 10.0), (-10.0, 179.9), (0.0, 0.0)])
    lat = max(-90.0, min(90.0, lat + random.uniform(-1, 1)))
    lng = (lng + random.uniform(-1, 1) + 180) % 360 - 180
    radius_m = 10 ** random.uniform(1, 5.5)
    at = ecef(LatLng(lat, lng))
    return Extent(NOON, NOON + timedelta(hours=1), 0.0, 1.0, at, radius_m)


@pytest.mark.parametrize("seed", range(20))
def test_everything_within_reach_is_answered(seed: int) -> None:
    """Against a plain loop over 300 things, with changes and removals in between."""
    random, near, things = Random(seed), Near[Thing](), dict[str, Thing]()
    for i in range(400):
        thing = Thing(str(i % 300), extent(random) if random.random() > 0.02 else None)
        near.put(thing)
        things[thing.id] = thing
        if random.random() < 0.2:
            gone = random.choice(sorted(things))
            near.drop(gone)
            things.pop(gone)
    for _ in range(50):
        asked, reach_m = extent(random), 10 ** random.uniform(0, 5)
        expected = {
            t.id
            for t in things.values()
            if t.extent is None
            or dist(t.extent.center, asked.center) <= t.extent.radius_m + asked.radius_m + reach_m
        }
        answered = [t.id for t in near.around(asked, reach_m)]
        assert len(answered) == len(set(answered)), f"seed {seed}: twice"
        assert expected <= set(answered), f"seed {seed}"


def test_few_far_ones_are_answered() -> None:
    """It is a grid, not a list: a small flight among 2,000 small ones sees its surroundings."""
    random, near = Random(1), Near[Thing]()
    for i in range(2_000):
        at = ecef(LatLng(36 + 4 * random.random(), -124 + 4 * random.random()))
        near.put(Thing(str(i), Extent(NOON, NOON, 0.0, 1.0, at, 500.0)))
    asked = Extent(NOON, NOON, 0.0, 1.0, ecef(LatLng(38, -122)), 500.0)
    assert len(list(near.around(asked, LEVELS_M[0]))) < 60
