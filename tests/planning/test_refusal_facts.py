"""A refusal says nothing in words that it does not say in values: codes, minima, levels, times."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tansiq.domain.agreement import Agreement, Between, Minima, Party, Register
from tansiq.domain.category import Category
from tansiq.domain.conflict import Conflict, Dimension, Separation
from tansiq.domain.intent import PartyID
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import AltitudeBand, Circle, LatLng, Volume3D, Volume4D
from tansiq.engine.resolution import NoneFree
from tansiq.errors import PeerUnreachable, StoreError
from tansiq.services.airspace import CONSTRAINT, INTENT, Airspace, Blocking, Candidate, Known
from tansiq.services.planning.judging import REASON_CODES
from tansiq.services.planning.problem import Problem, code_of
from tansiq.services.planning.reasons import BLOCKERS_SHOWN, Reasons
from tansiq.services.planning.ways_out import Mover, duration, no_slot_of, none_free
from tansiq.services.views import Blocker

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CIRCLE = Circle(center=LatLng(39.0, -121.0), radius_m=2_000.0)
USUAL = Minima(horizontal_m=900.0, vertical_m=150.0, time=timedelta(seconds=90))
LESS = Minima(horizontal_m=100.0, vertical_m=30.0, time=timedelta(seconds=30))
SMALL, LIGHT, *_ = Category
VOLUME = Volume4D(
    volume=Volume3D(outline=CIRCLE, altitude=AltitudeBand(lower_m=300.0, upper_m=600.0)),
    time=TimeSpan(start=NOON, end=NOON + timedelta(hours=1)),
)
WHY = {
    "": "",
    "between": "those between {0} and {1}",
    "usual-between": "the usual ones between {0} and {1}",
    "other-no-category": "the largest for {0}, as the other names no category",
    "neither-category": "the largest for all, as neither names its category",
    "area": "the largest for {0}, as from any no-go area",
    "area-all": "the largest for all, as from any no-go area",
    "enlarged": "kept beyond its own, by which it stands enlarged",
}


def agreement(*, several: bool) -> Agreement:
    between = (Between(categories=frozenset({SMALL, LIGHT}), minima=LESS),) if several else ()
    return Agreement(
        name="Test",
        digest="d" * 64,
        parties=tuple(
            Party(
                id=PartyID(name),
                names={"en": name.title()},
                public_key=bytes(32),
                url=f"https://{name}.example",
                tls_sha256=b"",
            )
            for name in ("north", "south")
        ),
        registers=(Register(id="north", party=PartyID("north"), url="https://north.example"),),
        area=CIRCLE,
        area_km2_max=100.0,
        minima=USUAL,
        between=between,
    )


def known(kind: str, category: Category | None, *, enlarged: bool, name: str = "X") -> Known:
    return Known(
        register="north",
        id=f"2f8343be-{name}",
        kind=kind,
        manager="south",
        own=False,
        version=1,
        ovn="ovn",
        state="Accepted",
        priority=0,
        volumes=(VOLUME,),
        time=VOLUME.time,
        base_url="https://south.example",
        enlarged=enlarged,
        callsign="HERON-1",
        category=category,
    )


def candidate(category: Category | None) -> Candidate:
    return Candidate(
        intent_id="x", priority=0, callsign="A", formation="", category=category, volumes=(VOLUME,)
    )


def reasons(*, several: bool) -> Reasons:
    rules = agreement(several=several)
    return Reasons(rules, Airspace(rules), str.title)


def metres(length_m: float) -> str:
    if length_m >= 1_000.0:
        return f"{length_m / 1000:.1f}".removesuffix(".0") + " km"
    return f"{length_m:.0f} m" if length_m >= 10.0 else f"{length_m:.3g} m"


def seconds(value_s: float) -> str:
    return f"{value_s / 60:g} min" if value_s >= 60.0 else f"{value_s:g} s"


def sentence(shown: Blocker) -> str:
    """Say a blocker by its values alone."""
    assert shown.minima_horizontal_m is not None
    assert shown.minima_vertical_m is not None
    assert shown.minima_time_s is not None
    vertical = f"same block {shown.altitude_text}"
    if shown.vertical_m:
        least = metres(shown.minima_vertical_m)
        vertical = f"{metres(shown.vertical_m)} between levels ({shown.altitude_text}), "
        vertical += f"minimum {least}"
    time = f"{shown.time_start[11:16]}Z-{shown.time_end[11:16]}Z"
    if shown.time_s:
        time += f" between them, minimum {seconds(shown.minima_time_s)}"
    horizontal = "outlines overlap"
    if shown.horizontal_m:
        inside_m = max(0.0, shown.minima_horizontal_m - shown.horizontal_m)
        horizontal = f"{metres(inside_m)} inside the {metres(shown.minima_horizontal_m)} minimum"
    said = f"blocked by {shown.name} of {shown.manager.title()}: {vertical}, {time}, {horizontal}"
    if shown.minima_code:
        kept = [metres(shown.minima_horizontal_m), metres(shown.minima_vertical_m)]
        why = WHY[shown.minima_code].format(*shown.minima_categories)
        said += f"; minima {', '.join(kept)} and {seconds(shown.minima_time_s)}: {why}"
    return said


def found(separation: Separation, other: Known) -> Blocking:
    conflict = Conflict(
        margin=0.5,
        least=Dimension.TIME,
        separation=separation,
        pair=(0, 0),
        time=TimeSpan(start=NOON, end=NOON + timedelta(minutes=7)),
        altitude=AltitudeBand(lower_m=300.0, upper_m=450.0),
        place=LatLng(39.0, -121.0),
    )
    return Blocking(known=other, conflict=conflict)


gaps = st.just(0.0) | st.floats(0.001, 2_000.0)
categories = st.none() | st.sampled_from(Category)


@given(
    apart=st.tuples(gaps, gaps, gaps),
    ours=categories,
    theirs=categories,
    kind=st.sampled_from((INTENT, CONSTRAINT)),
    enlarged=st.booleans(),
    several=st.booleans(),
)
def test_the_sentence_of_a_blocker_says_no_more_than_its_values(
    apart: tuple[float, float, float],
    ours: Category | None,
    theirs: Category | None,
    kind: str,
    *,
    enlarged: bool,
    several: bool,
) -> None:
    other = known(kind, theirs, enlarged=enlarged)
    shown = reasons(several=several)._blocker(candidate(ours), found(Separation(*apart), other))
    assert shown.sentence == sentence(shown)


def test_a_reason_has_the_code_of_how_it_begins_and_counts_all() -> None:
    ways = reasons(several=False)
    overlap = Separation(0.0, 0.0, 0.0)
    many = [
        found(overlap, known(INTENT, None, enlarged=False, name=str(n)))
        for n in range(BLOCKERS_SHOWN + 1)
    ]
    for said, code in REASON_CODES.items():
        verdict = ways._explained(candidate(None), many, said)
        assert verdict.reason_code == code
        assert verdict.reason.startswith(f"{said}blocked by")
        assert verdict.reason.endswith(f", and {verdict.blockers_count - 1} more")
        assert (verdict.blockers_count, len(verdict.blockers)) == (21, 20)
    assert len(set(REASON_CODES.values())) == len(REASON_CODES) == 5


def test_a_problem_is_its_sentence_and_has_a_code() -> None:
    for error in (PeerUnreachable("south does not answer"), StoreError("full")):
        problem = Problem.of(error)
        assert problem == str(error)
        assert code_of(problem) == error.code
    assert code_of("something else") is None
    assert code_of(None) is None


@given(
    later_s=st.integers(0, 90_000),
    earlier_s=st.integers(0, 90_000),
    up_m=st.just(0.0) | st.floats(1.0, 20_000.0),
    down_m=st.just(0.0) | st.floats(1.0, 20_000.0),
    free=st.booleans(),
    flying=st.booleans(),
)
def test_that_nothing_is_free_is_said_by_values_too(
    later_s: int, earlier_s: int, up_m: float, down_m: float, *, free: bool, flying: bool
) -> None:
    first = NOON if free else None
    found = NoneFree(
        later_s=later_s, earlier_s=earlier_s, up_m=up_m, down_m=down_m, first_free=first
    )
    mover = Mover(candidate(None), (), flying=flying)
    shown, said = no_slot_of(mover, found), none_free(mover, found)
    rooms = ((shown.up_m, "higher"), (shown.down_m, "lower"))
    levels = [f"{room_m:,.0f} m {word}" for room_m, word in rooms if room_m]
    if shown.code == "no-other-level":
        assert said == "no other level to fly at"
    elif shown.code == "no-free-level":
        assert said == f"no free level within {', '.join(levels)}"
    else:
        earlier = [f"{duration(shown.earlier_s)} earlier"] if shown.earlier_s else []
        within = ", ".join([f"{duration(shown.later_s)} later", *earlier, *levels])
        ends = "nor at any later time at the present levels"
        if shown.first_free is not None:
            ends = f"first free time at the present levels {shown.first_free}"
        sign = ", " if shown.first_free is None else "; "
        assert said == f"no free slot within {within}{sign}{ends}"
