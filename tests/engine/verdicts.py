"""Random pairs of outlines, judged by the kernels and by the definition, and what it came to.

Deterministic: a seed gives the same pairs. ``tally_of_many`` spreads seeds over all cores, and
remembers those that are done for as long as neither the sources nor the generator change, so a run
that was ended goes on where it was.
"""

import hashlib
import json
import math
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
from pairs import pair_of_a_kind

from plans import volume
from tansiq.domain import geodesy
from tansiq.domain.agreement import Minima
from tansiq.domain.boundary import RESOLUTION_M
from tansiq.domain.ellipsoid import ecef
from tansiq.domain.volume import Circle, LatLng, Outline
from tansiq.engine import outlines, search
from tansiq.engine.judgement import conflict_between, conflicts
from tansiq.engine.prepared import Prepared

MILLIMETRE = 1e-3
HORIZONTAL_M_MAX = 200_000.0
BESIDE_M = (-MILLIMETRE, -1e-6, 0.0, 2.5e-4, RESOLUTION_M, RESOLUTION_M + 1e-6, MILLIMETRE)
"""Where, next to a separation, limits are put that the judge as a whole is asked about."""
_ROOT = Path(__file__).parents[2]
_ROWS = np.zeros((3 * 4_096, outlines.WORK_COLUMNS))


@dataclass
class Tally:
    """What a run of random pairs came to."""

    pairs: int = 0
    judged: int = 0
    """Pairs times limits, each in both orders."""
    near: int = 0
    """Of those, how many had a limit within 1 mm of the separation."""
    met: int = 0
    wrong: int = 0
    """Verdicts that the definition does not share."""
    unsure: int = 0
    """Verdicts that were left open though the limit was not near."""
    settled: int = 0
    """Pairs that the judge as a whole was asked about, with a limit next to the separation."""
    unsafe: int = 0
    """Of those, where it was wrong."""
    worst_m: float = 0.0
    """How far a figure was off at most."""
    traits: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Take in another run."""
        for name in ("pairs", "judged", "near", "met", "wrong", "unsure", "settled", "unsafe"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.worst_m = max(self.worst_m, other.worst_m)
        self.traits.update(other.traits)


def traits(a: Outline, b: Outline, apart_m: float) -> Iterator[str]:
    """Say what is awkward about a pair."""
    for one in (a, b):
        count = 1 if isinstance(one, Circle) else len(one.vertices)
        yield {1: "circle", 3: "triangle", 1_000: "1,000 vertices"}.get(count, "polygon")
        if count == 4 and _is_sliver(one):
            yield "sliver"
        south, north, west, east = geodesy.bounding_box(one)
        if south == -90.0 or north == 90.0:
            yield "over a pole"
        elif west > east:
            yield "across the 180th meridian"
    if not isinstance(a, Circle) and not isinstance(b, Circle) and {*a.vertices} & {*b.vertices}:
        yield "a vertex in common"
    if 0.0 < apart_m <= MILLIMETRE:
        yield "within a millimetre"
    if apart_m > HORIZONTAL_M_MAX:
        yield "beyond any minimum"


def _is_sliver(outline: Outline) -> bool:
    at = [ecef(vertex) for vertex in getattr(outline, "vertices", ())]
    sides = [math.dist(at[i - 1], at[i]) for i in range(len(at))]
    return min(sides) < 0.01 * max(sides)


def thresholds(random: Random, apart_m: float) -> Iterator[float]:
    """Yield limits at, next to and away from a separation."""
    yield 0.0
    yield apart_m
    yield apart_m + random.choice([1e-9, 1e-6, 1e-4, 1e-3, 0.1])
    yield max(0.0, apart_m - random.choice([1e-9, 1e-6, 1e-4, 1e-3, 0.1]))
    yield math.nextafter(apart_m, 0.0)
    yield apart_m * random.uniform(0.0, 2.0) + random.uniform(0.0, 100.0)


def held_against_the_definition(seed: int, count: int, *, lax_m: float = 0.0) -> Tally:
    """Judge random pairs; ``lax_m`` is a mistake to plant."""
    random, tally = Random(seed), Tally()
    for _ in range(count):
        kind, a, b = pair_of_a_kind(random)
        true_m = geodesy.separation_m(a, b)
        tally.traits.update({kind, *traits(a, b, true_m)})
        one, other = Prepared.of(volume(a)), Prepared.of(volume(b))
        _judge(tally, random, (one, other), true_m, lax_m)
        if random.random() < 0.25 and true_m < HORIZONTAL_M_MAX:
            tally.settled += 1
            tally.unsafe += not _is_safe(one, other, true_m, random.choice(BESIDE_M))
        tally.pairs += 1
        minima = Minima(horizontal_m=min(HORIZONTAL_M_MAX, true_m + 1.0))
        found, back = (conflict_between(x, y, minima) for x, y in ((one, other), (other, one)))
        assert (found is not None) == (back is not None) == (true_m <= minima.horizontal_m)
        if found is None or back is None:
            continue
        assert (found.margin, found.place) == (back.margin, back.place)
        assert found.place is not None
        tally.met += 1
        tally.worst_m = max(tally.worst_m, abs(found.separation.horizontal_m - true_m))
        _assert_between(found.place, a, b, true_m)
    return tally


def _judge(
    tally: Tally, random: Random, pair: tuple[Prepared, Prepared], true_m: float, lax_m: float
) -> None:
    """Hold kernels against the definition, at several limits, in both orders."""
    one, other = (search.shape_of(prepared.sky, 0) for prepared in pair)
    for limit_m in thresholds(random, true_m):
        if limit_m > HORIZONTAL_M_MAX:
            continue
        forth = outlines.verdict(one, other, limit_m + lax_m, _ROWS)
        back = outlines.verdict(other, one, limit_m + lax_m, _ROWS)
        expected = outlines.WITHIN if true_m <= limit_m else outlines.APART
        tally.judged += 1
        tally.near += abs(true_m - limit_m) < MILLIMETRE
        tally.wrong += sum(v not in (expected, outlines.UNSURE) for v in (forth, back))
        # Only next to the limit may they not know.
        near = abs(true_m - limit_m) < 2 * MILLIMETRE
        rough_m = outlines.separation_error_m(limit_m + one.rim_m + other.rim_m)
        tally.unsure += (forth == outlines.UNSURE) and not near and rough_m < 1e-4


def _is_safe(one: Prepared, other: Prepared, true_m: float, beyond_m: float) -> bool:
    """Report whether the judge says what the definition says of a limit next to the separation.

    A separation is understated by up to ``RESOLUTION_M``. Above that the two must meet: that is the
    safe side. Below the separation they must not. Between, the definition may say either.
    """
    limit_m = max(0.0, true_m + beyond_m)
    (a,), (b,) = one.volumes, other.volumes
    expected = geodesy.separation_m(a.outline, b.outline, beyond_m=limit_m) <= limit_m
    if beyond_m > RESOLUTION_M and not expected:
        return False
    if limit_m < true_m and expected:
        return False
    minima = Minima(horizontal_m=limit_m)
    return conflicts(one, other, minima) == conflicts(other, one, minima) == expected


def _assert_between(place: LatLng, a: Outline, b: Outline, apart_m: float) -> None:
    """Check that a place is in both outlines, or half way between them."""
    # Between the centres of wide circles it is approximate.
    wide_m = max(geodesy.bounding_circle(outline).radius_m for outline in (a, b))
    slack_m = 0.02 + apart_m * 1e-3 + 2e-6 * wide_m
    spot = Circle(center=place, radius_m=1e-3)
    for one in (a, b):
        assert geodesy.separation_m(spot, one) <= apart_m / 2 + slack_m


# Many


def tally_of_many(seeds: Sequence[int], each: int) -> Tally:
    """Judge so many pairs of each seed, on all cores; those that were done before are not again."""
    journal = _ROOT / ".cache" / "oracle" / f"{_state()}-{each}.jsonl"
    journal.parent.mkdir(parents=True, exist_ok=True)
    done = _read(journal)
    # Not by fork: compiled kernels and threads of libraries do not care for it.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool, journal.open("a") as out:
        waiting = {
            pool.submit(held_against_the_definition, seed, each): seed
            for seed in seeds
            if seed not in done
        }
        for future in as_completed(waiting):
            seed = waiting[future]
            done[seed] = future.result()
            out.write(json.dumps({"seed": seed, **vars(done[seed])}) + "\n")
            out.flush()
    total = Tally()
    for seed in seeds:
        total.add(done[seed])
    return total


def _read(journal: Path) -> dict[int, Tally]:
    found: dict[int, Tally] = {}
    for line in journal.read_text().splitlines() if journal.exists() else []:
        fields = json.loads(line)
        seed, counts = fields.pop("seed"), Counter(fields.pop("traits"))
        found[seed] = Tally(**fields, traits=counts)
    return found


def _state() -> str:
    """Return a name for what the verdicts depend on."""
    state = hashlib.sha256()
    sources = [*_ROOT.glob("src/tansiq/domain/*.py"), *_ROOT.glob("src/tansiq/engine/*.py")]
    for source in sorted([*sources, Path(__file__), Path(__file__).with_name("pairs.py")]):
        state.update(source.read_bytes())
    return state.hexdigest()[:16]
