"""Files about the next version that are damaged, wrong, or put there by hand."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from amending import OFTEN, THREE, amended, first, gone_over, hand, signed
from sky import ShiftedClock, flying, make_sky, plan

from tansiq.errors import BadInput, WrongState
from tansiq.formats.agreement import load_agreement, party_block, read_agreement, render_agreement
from tansiq.peers.joining import PEERS
from tansiq.peers.succession import NEXT, chain_to, read_version, served_version
from tansiq.services.views import Status
from tansiq.serving import look
from tansiq.storage.versions import VersionRows

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("content", [b"damaged", b"", b"\xff\xfe", b"a = " + b"[" * 5000, b"x=1\n"])
async def test_a_damaged_next_version_keeps_no_node_from_serving(
    tmp_path: Path, content: bytes
) -> None:
    async with flying(make_sky(tmp_path)) as sky:
        north = sky["north"]
        (north.settings.data / NEXT).write_bytes(content)
        with pytest.raises((BadInput, WrongState)):
            await look(north.up)
        await north.restart()
        assert north.up.agreement.version == 1


async def test_nor_does_one_that_is_not_in_force(tmp_path: Path) -> None:
    async with flying(make_sky(tmp_path, parties=THREE)) as sky:
        north = sky["north"]
        one = first(sky)
        hand(north, signed(sky, amended(one, ["east"]), ("north",), ("north",)))
        await north.restart()
        assert north.up.agreement.version == 1


async def test_other_minima_by_hand(tmp_path: Path) -> None:
    async with flying(make_sky(tmp_path, parties=THREE, timers=OFTEN)) as sky:
        north = sky["north"]
        one = first(sky)
        await north.declare(plan())
        wider = replace(one.minima, horizontal_m=one.minima.horizontal_m + 1.0)
        two = replace(one, version=2, previous=one.digest, minima=wider)
        await north.stop()
        north.settings.agreement.write_bytes(render_agreement(two))
        with pytest.raises(WrongState, match="not in force"):
            await north.start()
        north.settings.agreement.write_bytes(render_agreement(replace(one, minima=wider)))
        with pytest.raises(BadInput, match="lists other minima"):
            await north.start()
        signed(sky, render_agreement(two), THREE, THREE)
        north.settings.agreement.write_bytes(render_agreement(two))
        await north.start()
        assert north.up.agreement.version == 1
        assert await look(north.up) is None


async def test_a_wrong_file_by_hand_and_then_the_right_one(tmp_path: Path) -> None:
    async with flying(make_sky(tmp_path, parties=THREE)) as sky:
        north = sky["north"]
        good = north.settings.agreement.read_bytes()
        one = load_agreement(north.settings.agreement)
        view = await north.declare(plan())
        await north.up.plans.end(view.id)
        await north.until(view.id, lambda v: v.status is Status.ENDED)
        await north.stop()
        wrong = replace(one, parties=one.parties[1:], registers=one.registers[1:])
        north.settings.agreement.write_bytes(render_agreement(wrong))
        with pytest.raises(BadInput):
            await north.start()
        north.settings.agreement.write_bytes(good)
        await north.start()
        assert north.up.agreement.digest == one.digest


async def test_other_registers_by_hand_are_refused_while_others_plans_stand(
    tmp_path: Path,
) -> None:
    """North has no plan; under its own register alone its next would not meet south's."""
    async with flying(make_sky(tmp_path, timers=OFTEN)) as sky:
        north, south = sky["north"], sky["south"]
        north.clock = ShiftedClock()
        one = load_agreement(north.settings.agreement)
        view = await south.declare(plan())
        assert view.status is Status.COORDINATED
        alone = replace(one, registers=one.registers[:1])
        wider = replace(one, minima=replace(one.minima, horizontal_m=one.minima.horizontal_m + 1))
        for other, what in ((alone, "registers"), (wider, "minima")):
            await north.stop()
            north.settings.agreement.write_bytes(render_agreement(other))
            with pytest.raises(BadInput, match=f"lists other {what} .*1 known here"):
                await north.start()
            assert served_version(north.settings) is not None
            # What hangs on nothing is taken as before.
            renamed = replace(one, name=f"Renamed {what}")
            north.settings.agreement.write_bytes(render_agreement(renamed))
            await north.start()
            assert north.up.agreement.name == f"Renamed {what}"
            north.settings.agreement.write_bytes(render_agreement(one))
            await north.restart()
        # Over by the clock, it is in nobody's way.
        await north.stop()
        north.clock.ahead = timedelta(days=3_650)
        north.settings.agreement.write_bytes(render_agreement(alone))
        await north.start()
        assert [place.register.id for place in north.up.planner.places] == ["north"]


async def test_others_plans_and_areas_count_to_their_last_moment(tmp_path: Path) -> None:
    """In north's register they stand enlarged by half the minima, also in time."""
    async with flying(make_sky(tmp_path)) as sky:
        north, south = sky["north"], sky["south"]
        await south.declare(plan())
        await south.no_go(plan(-120.5, "FIRE", at=(0, 30)))
        ends = {}
        for table in ("intent", "constraint_reference"):
            query = f"SELECT max(time_end) FROM {table}"
            (ends[table],) = await north.up.store.read(lambda tx, q=query: tx.fetch_one(q)) or (0,)

        async def known(party: str, at: int) -> int:
            return len(await north.up.store.read(lambda tx: VersionRows(tx).of_others(party, at)))

        area, last = ends["constraint_reference"], ends["intent"]
        assert area < last
        assert [await known("north", at) for at in (area, area + 1)] == [2, 1]
        assert [await known("north", at) for at in (last, last + 1)] == [1, 0]


async def test_other_registers_by_hand_are_gone_over_to_where_they_are_in_force(
    tmp_path: Path,
) -> None:
    """South's plan stands, and none of north's: the file is a version to go over to."""
    async with flying(make_sky(tmp_path, parties=THREE, timers=OFTEN)) as sky:
        north, south = sky["north"], sky["south"]
        one = first(sky)
        assert (await south.declare(plan())).status is Status.COORDINATED
        path = signed(sky, amended(one, ["east"]), ("north",), ("north",))
        await north.stop()
        north.settings.agreement.write_bytes(path.read_bytes())
        with pytest.raises(WrongState, match="not in force"):
            await north.start()
        signed(sky, amended(one, ["east"]), ("south",), ("north",))
        await north.start()
        await gone_over(north, 2)
        assert north.up.agreement.struck == {"east"}


async def test_a_party_that_changed_its_url_since_we_met_is_in_no_chain_s_way(
    tmp_path: Path,
) -> None:
    """Who comes back goes over two versions; the entry from the meeting can fit one of them."""
    sky = make_sky(tmp_path, parties=THREE)
    async with flying(sky):
        east = sky["east"]
        one = first(sky)
        p2 = signed(sky, amended(one, ["east"]), ("north", "south"), THREE)
        two = read_agreement(p2.read_bytes())
        moved = replace(two.parties[1], url="http://127.0.0.1:1")
        three = replace(
            two,
            version=3,
            previous=two.digest,
            parties=(two.parties[0], moved, two.parties[2]),
            registers=(two.registers[0], replace(two.registers[1], url=moved.url)),
            resting=(two.listed[0], replace(two.listed[1], url=moved.url), two.listed[2]),
        )
        p3 = signed(sky, render_agreement(three), THREE, THREE)
        (east.settings.data / PEERS).mkdir(exist_ok=True)
        for entry in (one.parties[1], moved):
            (east.settings.data / PEERS / "south.toml").write_text(party_block(entry))
            chain = chain_to(east.settings, one, read_version(p3))
            assert [each.agreement.version for each in chain] == [2, 3]
