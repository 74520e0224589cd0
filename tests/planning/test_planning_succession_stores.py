"""Going over with a store that is older than its notes of versions, or that was left half way."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from amending import OFTEN, THREE, amended, first, forget_versions, gone_over, hand, signed
from sky import ShiftedClock, Side, Sky, flying, make_sky, plan

from tansiq.domain.pact import Standing
from tansiq.errors import BadInput, StoreError
from tansiq.formats.agreement import load_agreement, read_agreement, render_agreement
from tansiq.peers import succession
from tansiq.services.views import Status
from tansiq.storage.store import Store
from tansiq.storage.versions import VersionRows

pytestmark = pytest.mark.anyio


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("plans", [True, False])
async def test_killed_between_store_and_file_with_two_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, plans: bool
) -> None:
    async with flying(make_sky(tmp_path, parties=THREE, timers=OFTEN)) as sky:
        north = sky["north"]
        one = first(sky)
        if plans:
            await north.declare(plan())
        two = ("north", "south")
        p2 = signed(sky, amended(one, ["east"]), two, two)
        p3 = signed(sky, amended(read_agreement(p2.read_bytes()), []), two, two)
        hand(north, p3)
        await north.stop()
        real = succession.put_whole

        def put(path: Path, content: bytes) -> None:
            if path == north.settings.agreement:
                raise Killed
            real(path, content)

        monkeypatch.setattr(succession, "put_whole", put)
        with pytest.raises(Killed):
            await north.start()
        monkeypatch.undo()
        await north.start()
        assert north.up.agreement.version >= 2


async def test_a_wrong_file_at_the_first_start_and_then_the_right_one(tmp_path: Path) -> None:
    async with flying(make_sky(tmp_path, parties=THREE)) as sky:
        north = sky["north"]
        await north.declare(plan())
        await north.stop()
        forget_versions(north)
        good = north.settings.agreement.read_bytes()
        one = load_agreement(north.settings.agreement)
        wrong = replace(one, parties=one.parties[1:], registers=one.registers[1:])
        north.settings.agreement.write_bytes(render_agreement(wrong))
        with pytest.raises(BadInput):
            await north.start()
        north.settings.agreement.write_bytes(good)
        await north.start()


async def test_an_older_store_begins_under_the_version_that_its_plans_were_placed_under(
    tmp_path: Path,
) -> None:
    async with flying(make_sky(tmp_path, parties=THREE)) as sky:
        north = sky["north"]
        one = first(sky)
        good = north.settings.agreement.read_bytes()
        await north.declare(plan())
        await north.stop()
        forget_versions(north)
        p2 = signed(sky, amended(one, ["east"]), ("north", "south"), ("north", "south"))
        north.settings.agreement.write_bytes(p2.read_bytes())
        with pytest.raises(BadInput, match="placed in 3; put the file"):
            await north.start()
        north.settings.agreement.write_bytes(good)
        await north.start()


async def test_ended_plans_of_other_registers_in_an_older_store(tmp_path: Path) -> None:
    """65ed152 let the registers be exchanged by hand once all plans had ended."""
    async with flying(make_sky(tmp_path, parties=THREE, timers=OFTEN)) as sky:
        north = sky["north"]
        one = load_agreement(north.settings.agreement)
        view = await north.declare(plan())
        await north.up.plans.end(view.id)
        await north.until(view.id, lambda v: v.status is Status.ENDED)
        await north.stop()
        forget_versions(north)
        two = replace(one, registers=one.registers[:2])
        for side in (north, sky["south"]):
            side.settings.agreement.write_bytes(render_agreement(two))
        await north.start()
        three = replace(
            load_agreement(north.settings.agreement),
            version=2,
            previous=north.up.agreement.digest,
            registers=one.registers,
        )
        signed(sky, render_agreement(two), THREE, THREE)
        hand(north, signed(sky, render_agreement(three), THREE, THREE))
        await north.restart()
        assert north.up.agreement.version == 2
        assert len(await north.up.plans.plans(ended=True)) == 1


async def test_a_rule_of_confirmation_begins_when_it_is_in_force(tmp_path: Path) -> None:
    sky = make_sky(tmp_path, parties=THREE, timers=OFTEN)
    north, clock = sky["north"], ShiftedClock()
    north.clock = clock
    async with flying(sky):
        one = first(sky)
        area = await north.no_go(plan(-121.0, "FIRE", at=(0, 60 * 24 * 7)))
        clock.ahead = timedelta(hours=30)
        rule = Standing(confirm_every=timedelta(hours=12), expire_after=timedelta(hours=24))
        two = replace(one, version=2, previous=one.digest, standing=rule)
        hand(north, signed(sky, render_agreement(two), THREE, THREE))
        await gone_over(north, 2)
        await asyncio.sleep(1)
        view = await north.up.constraints.get(area.id)
        assert view.status == "everywhere"


async def begun_later(sky: Sky) -> Side:
    """Let north's store begin at version 2; return north, before south has gone over."""
    north = sky["north"]
    two = amended(first(sky), ["east"])
    await north.stop()
    forget_versions(north)
    for name in ("north", "south"):
        sky[name].settings.agreement.write_bytes(two)
    await north.start()
    lacking = await north.up.store.read(lambda tx: VersionRows(tx).lacking())
    assert lacking == {"north": None, "south": None}
    return north


async def filled(side: Side) -> None:
    for _ in range(400):
        if not await side.up.store.read(lambda tx: VersionRows(tx).lacking()):
            return
        await asyncio.sleep(0.05)
    pytest.fail("never full")


async def test_a_store_that_begins_later_takes_no_register_for_full(tmp_path: Path) -> None:
    async with flying(make_sky(tmp_path, parties=THREE, timers=OFTEN)) as sky:
        north = await begun_later(sky)
        await sky["south"].restart()
        await filled(north)


class Failing:
    """A store whose next accesses fail; it does not recover before so many have."""

    def __init__(self, store: Store, *, reads: int = 0, writes: int = 0) -> None:
        self._store = store
        self.left = {"read": reads, "write": writes}

    async def read(self, fn):  # type: ignore[no-untyped-def]
        self._fail("read")
        return await self._store.read(fn)

    async def write(self, fn, *, beside=False, at=()):  # type: ignore[no-untyped-def]
        self._fail("write")
        return await self._store.write(fn)

    def _fail(self, what: str) -> None:
        if self.left[what]:
            self.left[what] -= 1
            raise StoreError(f"no {what}, for a test")


@pytest.mark.parametrize("faults", [{"reads": 2}, {"writes": 1}, {"reads": 1, "writes": 2}])
async def test_registers_are_looked_at_again_after_the_store_has_failed(
    tmp_path: Path, faults: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    async with flying(make_sky(tmp_path, parties=THREE, timers=OFTEN)) as sky:
        north = await begun_later(sky)
        looking = north.up.succession
        failing = Failing(looking._site.store, **faults)
        looking._site = replace(looking._site, store=failing)  # type: ignore[arg-type]
        await sky["south"].restart()
        await filled(north)
        assert set(failing.left.values()) == {0}
        told = [r for r in caplog.records if "is looked at again" in r.getMessage()]
        assert len(told) == sum(faults.values())
