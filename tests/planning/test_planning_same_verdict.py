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
from tansiq.domain.agreement import Agreement
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


def _message(volumes: Volumes, manager: str, entity: str, priority: int) -> bytes:
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
        volumes=convert.volumes_to_wire(volumes), priority=priority
    )
    return msgspec.json.encode(wire.OperationalIntent(reference=reference, details=details))


def _judged(
    agreement: Agreement, party: str, own: Volumes, message: bytes, intent_id: str
) -> Judgement:
    """Judge a plan as its node does, which has heard of one other."""
    airspace, records = Airspace(agreement), Records(agreement, party)
    heard = msgspec.json.decode(message, type=wire.OperationalIntent)
    stored = records.of("north", heard).row.document
    again = msgspec.json.decode(stored, type=wire.OperationalIntent)  # As after a restart.
    airspace.put(records.of("north", again).known)
    candidate = Candidate(intent_id=intent_id, priority=0, callsign="", formation="", volumes=own)
    return airspace.judge(candidate, airspace.relevant(candidate, candidate.volumes, "north"))


def _turned(conflict: Conflict) -> Conflict:
    return replace(conflict, pair=conflict.pair[::-1])


def _compare(agreement: Agreement, seed: int, pairs: int) -> int:
    random, conflicts = Random(seed), 0
    for i in range(pairs):
        a, b = _volumes(random), _volumes(random)
        ids = _uuid(random), _uuid(random)
        there = conflict_between(a, b, MINIMA)
        back = conflict_between(b, a, MINIMA)
        assert (there is None) == (back is None), (seed, i)
        north = _judged(agreement, "north", a, _message(b, "south", ids[1], 0), ids[0])
        south = _judged(agreement, "south", b, _message(a, "north", ids[0], 0), ids[1])
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
        assert abs(ours.margin - there.margin) <= 1e-3 / MINIMA.horizontal_m, (seed, i)
        assert repr(ours) == repr(_turned(theirs)), (seed, i)
        sentences = {explain(c, name="X", minima=MINIMA) for c in (ours, theirs)}
        assert len(sentences) == 1, (seed, i)
    return conflicts


@pytest.fixture(scope="module")
def agreement(tmp_path_factory: pytest.TempPathFactory) -> Agreement:
    folder: Path = tmp_path_factory.mktemp("same")
    make_sky(folder)
    return load_agreement(folder / "north" / "agreement.toml")


@pytest.mark.parametrize("seed", range(2))
def test_2000_pairs(agreement: Agreement, seed: int) -> None:
    conflicts = _compare(agreement, seed, 1_000)
    print(f"seed {seed}: 1000 pairs, {conflicts} conflicts, 0 differences")
    assert 250 < conflicts < 750


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 110))
def test_10000_pairs(agreement: Agreement, seed: int) -> None:
    conflicts = _compare(agreement, seed, 1_000)
    print(f"seed {seed}: 1000 pairs, {conflicts} conflicts, 0 differences")
