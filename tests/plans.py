"""Volumes for tests: one line each, and a hypothesis strategy of whole plans."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from shapes import box, ring
from tansiq.domain import geodesy
from tansiq.domain.agreement import Minima
from tansiq.domain.intent import EntityID, IntentState, OperationalIntent, PartyID
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import AltitudeBand, Circle, LatLng, Outline, Volume3D, Volume4D, Volumes

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ALPS = LatLng(45.0, 7.0)
HERE = Circle(center=ALPS, radius_m=1_000.0)


def volume(
    outline: Outline = HERE,
    *,
    levels_m: tuple[float, float] = (300.0, 600.0),
    seconds: tuple[float, float] = (0.0, 600.0),
) -> Volume4D:
    start, end = (NOON + timedelta(seconds=s) for s in seconds)
    return Volume4D(
        volume=Volume3D(
            outline=outline, altitude=AltitudeBand(lower_m=levels_m[0], upper_m=levels_m[1])
        ),
        time=TimeSpan(start=start, end=end),
    )


def intent(number: int, volumes: Volumes, priority: int = 0) -> OperationalIntent:
    return OperationalIntent(
        id=EntityID(f"{number:08d}-0000-4000-8000-000000000000"),
        manager=PartyID("north"),
        state=IntentState.ACCEPTED,
        priority=priority,
        volumes=volumes,
    )


@st.composite
def volumes(draw: st.DrawFn) -> Volumes:
    """Draw one to four volumes within some kilometres, levels and minutes of each other."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        place = geodesy.destination(ALPS, draw(st.integers(0, 359)), draw(st.integers(0, 9)) * 1e3)
        outline = draw(
            st.sampled_from(
                [
                    Circle(center=place, radius_m=700.0),
                    ring(place, [900.0, 300.0, 700.0, 800.0, 400.0]),
                    box(place, length_m=4_000.0, width_m=200.0, azimuth_deg=40.0),
                ]
            )
        )
        low_m, start_s = draw(st.integers(0, 12)) * 100.0, draw(st.integers(0, 20)) * 60.0
        found.append(
            volume(
                outline,
                levels_m=(low_m, low_m + draw(st.integers(0, 3)) * 100.0),
                seconds=(start_s, start_s + draw(st.integers(0, 5)) * 60.0),
            )
        )
    return tuple(found)


MINIMA = st.builds(
    Minima,
    horizontal_m=st.sampled_from([0.0, 500.0, 2_000.0]),
    vertical_m=st.sampled_from([0.0, 100.0, 150.0]),
    time=st.sampled_from([timedelta(0), timedelta(minutes=1), timedelta(seconds=90)]),
)
