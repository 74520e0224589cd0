"""Both nodes give the same verdict for every pair of plans, margin included, to the last bit.

Each plan of a pair is judged by its own node, which has it as it was declared, against the other's,
which it has from a message: through JSON, the stored record and the airspace. Neither who asks nor
who was first may matter.
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import msgspec
import pytest
from sky import MINIMA, NOON, make_sky

from tansiq.domain import geodesy
from tansiq.domain.agreement import Agreement, Between, Minima
from tansiq.domain.category import Category
from tansiq.domain.conflict import Conflict, conflict_between, explain
from tansiq.domain.intent import IntentState
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import (
    AltitudeBand,
    Circle,
    LatLng,
    Outline,
    Polygon,
    Volume3D,
    Volume4D,
    Volumes,
    time_bounds,
)
from tansiq.f3548 import convert, wire
from tansiq.formats.agreement import load_agreement
from tansiq.services.airspace import Airspace, Candidate, Judgement
from tansiq.services.planning.records import Records

BETWEEN = (
    Between(categories=frozenset({Category.DRONE}), minima=Minima(horizontal_m=100.0)),
    Between(
        categories=frozenset({Category.LIGHT, Category.HEAVY}),
        minima=replace(MINIMA, horizontal_m=4_000.0, time=timedelta(minutes=4)),
    ),
)


def _outline(random: Random) -> Outline:
    center = LatLng(39 + random.uniform(-0.05, 0.05), -121 + random.uniform(-0.06, 0.06))
    size_m = 10 ** random.uniform(1.5, 4.2)
    if random.random() < 0.4:
        return Circle(center=center, radius_m=size_m)
    corners = random.randint(3, 7)
    turn_deg = random.uniform(0, 360)
    return Polygon(
        vertices=tuple(
            geodesy.destination(
                center, turn_deg + 360 * i / corners, size_m * random.uniform(0.2, 1.0)
            )
            for i in range(corners)
        )
    )


def _volumes(random: Random) -> Volumes:
    found = []
    for _ in range(random.choice([1, 1, 2, 3])):
        start = NOON + timedelta(seconds=random.uniform(0, 600))
        lower_m = random.choice([500.0, random.uniform(0, 900)])
        found.append(
            Volume4D(
                volume=Volume3D(
                    outline=_outline(random),
                    altitude=AltitudeBand(
                        lower_m=lower_m, upper_m=lower_m + random.uniform(0, 400)
                    ),
                ),
                time=TimeSpan(start=start, end=start + timedelta(seconds=random.uniform(1, 900))),
            )
        )
    return tuple(found)


def _uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def _message(
    volumes: Volumes, manager: str, entity: str, category: Category | None = None
) -> bytes:
    span = time_bounds(volumes)
    reference = wire.OperationalIntentReference(
        id=entity,
        manager=manager,
        uss_availability=wire.UssAvailabilityState.UNKNOWN,
        version=1,
        state=IntentState.ACCEPTED,
        ovn="0123456789abcdef",
        time_start=convert.to_time(span.start),
        time_end=convert.to_time(span.end),
        uss_base_url="http://127.0.0.1:9/at/north",
        subscription_id=wire.NO_SUBSCRIPTION,
    )
    details = wire.OperationalIntentDetails(
        volumes=convert.volumes_to_wire(volumes), tansiq=wire.TansiqDetails(category=category)
    )
    return msgspec.json.encode(wire.OperationalIntent(reference=reference, details=details))


def _judged(
    agreement: Agreement,
    party: str,
    own: Volumes,
    message: bytes,
    intent_id: str,
    category: Category | None = None,
) -> Judgement:
    """Judge a plan as its node does, which has heard of one other."""
    airspace, records = Airspace(agreement), Records(agreement, party)
    heard = msgspec.json.decode(message, type=wire.OperationalIntent)
    stored = records.of("north", heard).row.document
    again = msgspec.json.decode(stored, type=wire.OperationalIntent)  # As after a restart.
    airspace.put(records.of("north", again).known)
    candidate = Candidate(
        intent_id=intent_id,
        priority=0,
        callsign="",
        formation="",
        category=category,
        volumes=own,
    )
    return airspace.judge(candidate, airspace.relevant(candidate, candidate.volumes, "north"))


def _turned(conflict: Conflict) -> Conflict:
    return replace(conflict, pair=conflict.pair[::-1])


def _compare(
    agreement: Agreement, seed: int, pairs: int, kinds: tuple[Category | None, ...] = (None,)
) -> int:
    random, conflicts, table = Random(seed), 0, agreement.minima_table
    of_kind = Random(seed)
    for i in range(pairs):
        a, b = _volumes(random), _volumes(random)
        ids = _uuid(random), _uuid(random)
        one, other = of_kind.choice(kinds), of_kind.choice(kinds)
        minima = table.between(one, other)
        there = conflict_between(a, b, minima)
        back = conflict_between(b, a, table.between(other, one))
        assert (there is None) == (back is None), (seed, i)
        north = _judged(agreement, "north", a, _message(b, "south", ids[1], other), ids[0], one)
        south = _judged(agreement, "south", b, _message(a, "north", ids[0], one), ids[1], other)
        if there is None or back is None:
            assert not north.blocking, (seed, i)
            assert not south.blocking, (seed, i)
            continue
        conflicts += 1
        assert there == _turned(back), (seed, i)
        assert north.key == south.key == frozenset(), (seed, i)
        ((ours,), (theirs,)) = (
            [found.conflict for found in judgement.blocking] for judgement in (north, south)
        )
        # Equal as dataclasses of floats and times: to the bit, apart from 0.0 and -0.0.
        assert ours == _turned(theirs), (seed, i)
        # A millimetre, as a share of the minimum.
        allowed = 1e-3 / minima.horizontal_m if minima.horizontal_m else 0.0
        assert abs(ours.margin - there.margin) <= allowed, (seed, i)
        assert repr(ours) == repr(_turned(theirs)), (seed, i)
        sentences = {explain(c, name="X", minima=minima) for c in (ours, theirs)}
        assert len(sentences) == 1, (seed, i)
    return conflicts


@pytest.fixture(scope="module")
def agreement(tmp_path_factory: pytest.TempPathFactory) -> Agreement:
    folder: Path = tmp_path_factory.mktemp("same")
    make_sky(folder)
    return load_agreement(folder / "north" / "agreement.toml")


@pytest.mark.parametrize("seed", range(2))
def test_1000_pairs(agreement: Agreement, seed: int) -> None:
    conflicts = _compare(agreement, seed, 500)
    print(f"seed {seed}: 500 pairs, {conflicts} conflicts, 0 differences")
    assert 125 < conflicts < 375


@pytest.mark.parametrize("seed", range(2))
def test_500_pairs_of_aircraft_of_known_and_unknown_categories(
    agreement: Agreement, seed: int
) -> None:
    by_category = replace(agreement, between=BETWEEN)
    kinds = (None, Category.DRONE, Category.DRONE, Category.LIGHT, Category.HEAVY)
    conflicts = _compare(by_category, seed, 250, kinds)
    print(f"seed {seed}: 250 pairs, {conflicts} conflicts, 0 differences")
    assert 75 < conflicts < 225
    assert conflicts != _compare(agreement, seed, 250, kinds)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 110))
def test_10000_pairs(agreement: Agreement, seed: int) -> None:
    conflicts = _compare(agreement, seed, 1_000)
    print(f"seed {seed}: 1000 pairs, {conflicts} conflicts, 0 differences")
