"""No-go areas that nobody confirms are lifted, where the agreement says so."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sky import ShiftedClock, Side, flying, make_sky, plan

from tansiq.domain.pact import Standing
from tansiq.domain.time import zulu
from tansiq.errors import WrongState
from tansiq.services.views import ConstraintView

pytestmark = pytest.mark.anyio

DUE, GONE = timedelta(minutes=20), timedelta(minutes=60)
RULES = Standing(confirm_every=DUE, expire_after=GONE)
STEP = timedelta(microseconds=1)


class Stopped(ShiftedClock):
    """Stands still, and is moved by hand."""

    at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at + self.ahead


async def looked(side: Side, area: str) -> ConstraintView:
    """Have the node look, as it does at each sweep."""
    now = side.up.planner._clock.now()
    await side.up.constraints.look_through(now - timedelta(days=1))
    return await side.up.constraints.get(area)


async def told(side: Side, area: str) -> list[str | None]:
    """Return what the feed said of an area's standing, in order, each change once."""
    said: list[str | None] = []
    for event in await side.up.events.after(0, 1_000):
        if event.id == area:
            standing = msgspec.json.decode(event.body, type=ConstraintView).standing
            said += [standing] if said[-1:] != [standing] else []
    return said


async def test_it_is_due_and_then_lifted_at_the_very_moment(tmp_path: Path) -> None:
    clock = Stopped()
    sky = make_sky(tmp_path, parties=("north",), standing=RULES)
    sky["north"].clock = clock
    async with flying(sky):
        north = sky["north"]
        view = await north.no_go(plan(-121.0, "FIRE"))
        assert (view.standing, view.expires) == ("current", zulu(clock.now() + GONE))
        clock.ahead = DUE - STEP
        assert (await looked(north, view.id)).standing == "current"
        clock.ahead = DUE
        due = await looked(north, view.id)
        assert (due.standing, due.status) == ("due", "everywhere")
        count = len(await north.up.events.after(0, 1_000))
        await looked(north, view.id)
        assert len(await north.up.events.after(0, 1_000)) == count, "said once"

        clock.ahead = GONE - STEP
        again = await north.up.constraints.confirm(view.id)
        assert (again.standing, again.expires) == ("current", zulu(clock.now() + GONE))
        assert again.status == "everywhere"
        assert await told(north, view.id) == ["current", "due", "current"]

        clock.ahead += GONE - STEP
        assert (await looked(north, view.id)).standing == "due"
        clock.ahead += STEP
        await looked(north, view.id)
        lifted = await north.area_settled(view.id)
        assert (lifted.status, lifted.standing, lifted.expires) == ("ended", None, None)
        with pytest.raises(WrongState, match="lifted"):
            await north.up.constraints.confirm(view.id)


async def test_a_change_confirms_and_a_restart_forgets_nothing(tmp_path: Path) -> None:
    clock = Stopped()
    sky = make_sky(tmp_path, parties=("north",), standing=RULES)
    sky["north"].clock = clock
    async with flying(sky):
        north = sky["north"]
        view = await north.no_go(plan(-121.0, "FIRE"))
        clock.ahead = GONE - STEP
        await north.up.constraints.change(view.id, plan(-121.1, "FIRE"))
        assert (await north.area_settled(view.id)).standing == "current"
        confirmed = (await north.up.constraints.get(view.id)).confirmed
        clock.ahead += GONE - STEP
        await north.restart()
        kept = await looked(north, view.id)
        assert (kept.confirmed, kept.standing) == (confirmed, "due")


async def test_where_the_agreement_says_nothing_it_ends_when_it_ends(tmp_path: Path) -> None:
    clock = Stopped()
    sky = make_sky(tmp_path, parties=("north",))
    sky["north"].clock = clock
    async with flying(sky):
        north = sky["north"]
        view = await north.no_go(plan(-121.0, "FIRE"))
        clock.ahead = 2 * GONE
        assert (await looked(north, view.id)).standing == "current"
        assert view.expires is None


async def test_one_that_ends_before_it_would_expire_says_so(tmp_path: Path) -> None:
    long = Standing(confirm_every=timedelta(days=1), expire_after=timedelta(days=2))
    async with flying(make_sky(tmp_path, parties=("north",), standing=long)) as sky:
        assert (await sky["north"].no_go(plan(-121.0, "FIRE"))).expires is None


async def test_areas_of_an_older_store_begin_to_count_at_the_next_start(tmp_path: Path) -> None:
    """Nobody was asked to confirm them before: they must not be lifted for that."""
    clock = Stopped()
    sky = make_sky(tmp_path, parties=("north",), standing=RULES)
    sky["north"].clock = clock
    async with flying(sky):
        north = sky["north"]
        view = await north.no_go(plan(-121.0, "FIRE"))
        await north.up.store.write(
            lambda tx: tx.execute("UPDATE own_constraint SET confirmed = 0", {})
        )
        clock.ahead = 2 * GONE
        await north.restart()
        kept = await looked(north, view.id)
        assert (kept.standing, kept.confirmed) == ("current", zulu(clock.now()))
