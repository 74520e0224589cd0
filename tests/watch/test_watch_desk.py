"""What the desk takes from people and programs, and what it sends back."""

from datetime import timedelta
from typing import Any, cast

import pytest
from air import Air, Flying

from tansiq.errors import BadInput
from tansiq.services.watch.desk import WatchDesk
from tansiq.services.watch.incident_views import RingAdmission, RingDrawing

pytestmark = pytest.mark.anyio
STEP = timedelta(microseconds=1)


def desk_of(sky: Air) -> WatchDesk:
    return WatchDesk(sky.watch, sky.picture, sky.clock, cast(Any, None))


@pytest.mark.parametrize(("age_s", "taken"), [(60.0, 1), (-5.0, 1)])
async def test_positions_at_the_limit_of_their_age_are_taken(
    sky: Air, age_s: float, taken: int
) -> None:
    now = sky.clock.now()
    report = Flying(address="own:scout").report(now - timedelta(seconds=age_s))
    found = desk_of(sky).positions([report], [])
    assert (found.taken, found.wrong) == (taken, ())
    await sky.watch.tick(now)
    assert sky.watch.parts.tracks.kept == 1, "and what is said to be taken is followed"


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(seconds=60) + STEP, "measured 60 s ago by this node's clock; at most 60 s"),
        (-timedelta(seconds=5) - STEP, "is 5 s ahead of this node's clock; at most 5 s"),
    ],
)
async def test_beyond_it_they_are_refused_with_the_reason(
    sky: Air, age: timedelta, said: str
) -> None:
    now = sky.clock.now()
    good, bad = (Flying(address=f"own:{n}").report(t) for n, t in (("a", now), ("b", now - age)))
    found = desk_of(sky).positions([good, bad], [BadInput("is wrong", field="[2]")])
    assert found.taken == 1
    assert any(each.startswith("own:b time: " + said) for each in found.wrong), found.wrong
    assert len(found.wrong) == 2
    await sky.watch.tick(now)
    assert sky.watch.parts.tracks.kept == 1


async def test_who_is_let_in_by_call_sign_is_the_one_that_has_it(sky: Air) -> None:
    desk = desk_of(sky)
    drawing = RingDrawing(name="fire", lat_deg=36.0, lng_deg=36.0, call_nm=12.0, no_entry_nm=7.0)
    await desk.draw_rings(drawing, "00000000-0000-4000-8000-000000000001")
    sky.flying = [
        Flying(address="icao:a1b2c3", callsign="TANKER 88"),
        Flying(address="icao:a1b2c4", callsign="LEAD-1"),
        Flying(address="icao:a1b2c5", callsign="LEAD1"),
    ]
    await sky.run(1)

    async def admit(whom: str) -> tuple[str, ...]:
        said = RingAdmission(ring="fire", address=whom, admitted=True)
        return tuple((await desk.admit(said)).admitted)

    assert await admit("tanker88") == ("icao:a1b2c3",)
    with pytest.raises(BadInput, match=r"several are called so: .*icao:a1b2c4, icao:a1b2c5"):
        await admit("lead 1")
    for nobody in ("TANKER89", "-", " "):
        with pytest.raises(BadInput, match="no aircraft that is heard"):
            await admit(nobody)
    with pytest.raises(BadInput, match="KIND:VALUE"):
        await admit("icao:")
    assert set(await admit("icao:ffffff")) == {"icao:a1b2c3", "icao:ffffff"}
