"""Two keep in the air what the agreement says of their categories, as their plans do."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from air import HERE, MINIMA, Air, Flying, air, block

from tansiq.domain.agreement import Between, Minima
from tansiq.domain.category import Category
from tansiq.domain.ellipsoid import destination
from tansiq.engine.encounters import find
from tansiq.services.watch import separation

pytestmark = pytest.mark.anyio
NEAR = Minima(horizontal_m=100.0, vertical_m=30.0)
FAR = Minima(horizontal_m=9_000.0, vertical_m=300.0)
BETWEEN = (
    Between(categories=frozenset({Category.DRONE}), minima=NEAR),
    Between(categories=frozenset({Category.LIGHT, Category.HEAVY}), minima=FAR),
)
EXACT = {"horizontal_error_m": 0.1, "geometric_error_m": 0.1}


@pytest.fixture
async def sky(tmp_path: Path) -> AsyncIterator[Air]:
    async with air(tmp_path, between=BETWEEN) as made:
        yield made


async def apart(sky: Air, one: Category | None, other: Category | None, metres: float) -> set[str]:
    """Return the alarms of two that hover so far from each other."""
    plans = [sky.put(n, block(radius_m=20_000.0), category=c) for n, c in ((1, one), (2, other))]
    places = (HERE, destination(HERE, 90.0, metres))
    sky.flying = [
        Flying(address=f"intent:{plan.id}", at=place, more=dict(EXACT))
        for plan, place in zip(plans, places, strict=True)
    ]
    await sky.run(4)
    return sky.kinds()


@pytest.mark.parametrize(
    ("one", "other", "minima"),
    [
        (Category.DRONE, Category.DRONE, NEAR),
        (Category.DRONE, Category.HEAVY, MINIMA),
        (Category.LIGHT, Category.HEAVY, FAR),
        (Category.LIGHT, Category.LIGHT, MINIMA),
        (Category.DRONE, None, MINIMA),
        (Category.HEAVY, None, FAR),
        (None, None, FAR),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
async def test_each_pair_keeps_its_own(
    sky: Air,
    one: Category | None,
    other: Category | None,
    minima: Minima,
    turned: bool,
) -> None:
    pair = (other, one) if turned else (one, other)
    assert "separation-lost" in await apart(sky, *pair, minima.horizontal_m - 0.01)


@pytest.mark.parametrize(
    ("one", "other", "minima"),
    [
        (Category.DRONE, Category.DRONE, NEAR),
        (Category.LIGHT, Category.LIGHT, MINIMA),
        (Category.LIGHT, Category.HEAVY, FAR),
    ],
)
async def test_beyond_them_nothing_is_lost(
    sky: Air, one: Category, other: Category, minima: Minima
) -> None:
    """By the smallest step; what only the errors allow is said as possible, not as lost."""
    assert "separation-lost" not in await apart(sky, one, other, minima.horizontal_m + 0.01)


async def test_well_beyond_them_nothing_is_said(sky: Air) -> None:
    assert await apart(sky, Category.DRONE, Category.DRONE, 600.0) == set()


async def test_what_is_left_is_what_a_search_with_that_pairs_minima_finds(sky: Air) -> None:
    """Symmetry with the search: each pair as if all kept what it keeps."""
    rng = np.random.default_rng(20_261_129)
    kinds = [*[Category.DRONE] * 6, *Category, None]
    for n in range(90):
        category = kinds[int(rng.integers(len(kinds)))]
        plan = sky.put(n + 1, block(radius_m=30_000.0), category=category)
        sky.flying.append(
            Flying(
                address=f"intent:{plan.id}",
                at=destination(HERE, float(rng.uniform(0, 360)), float(rng.uniform(0, 9_000))),
                speed_mps=float(rng.uniform(0, 60)),
                track_deg=float(rng.uniform(0, 359)),
                height_m=float(rng.uniform(900, 1_100)),
            )
        )
    await sky.run(3)
    latest, how = sky.watch.latest, sky.watch.parts.separation
    assert latest is not None
    assert latest.found is not None
    scene, found = latest.scene, latest.found.encounters
    seen = {
        (int(i), int(j)): tuple(t) for i, j, t in zip(found.i, found.j, found.t_in_s, strict=True)
    }
    assert list(seen) == sorted(seen)
    expected = {}
    for minima in (NEAR, MINIMA, FAR):
        all_keep = find(scene.fleet, how.rules(minima)).encounters
        for i, j, t in zip(all_keep.i, all_keep.j, all_keep.t_in_s, strict=True):
            if how.kept(scene.aircraft[int(i)], scene.aircraft[int(j)]) == minima:
                expected[int(i), int(j)] = tuple(t)
    assert len({how.kept(*(scene.aircraft[n] for n in pair)) for pair in expected}) == 3
    np.testing.assert_equal(seen, expected)
    blunt = find(scene.fleet, how.rules(how.table.largest)).encounters
    assert len(blunt.i) > len(seen), "the control: the largest for all finds more"


async def test_the_sentence_of_a_pair_is_by_its_own(sky: Air) -> None:
    await apart(sky, Category.DRONE, Category.DRONE, 90.0)
    (view,) = [v for v in sky.picture.view().alarms if v.kind == "separation-lost"]
    assert "are too close by the agreement" in view.sentence
    scene = sky.watch.latest
    assert scene is not None
    assert scene.found is not None
    (cause,) = separation.causes(scene.scene, scene.found, sky.watch.parts.separation)
    assert cause.level.name == "WARNING"
