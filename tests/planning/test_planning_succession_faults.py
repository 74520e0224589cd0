"""Going over amid kills, damaged and wrong files, older stores, pools and signals."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from sky import flying, make_sky, plan
from test_planning_succession import OFTEN, THREE, amended, first, gone_over, hand, signed

from tansiq.errors import BadInput, WrongState
from tansiq.formats.agreement import load_agreement, read_agreement, render_agreement
from tansiq.peers import succession
from tansiq.peers.succession import NEXT
from tansiq.services.views import Status
from tansiq.serving import look

pytestmark = pytest.mark.anyio


class Killed(BaseException):
    pass


@pytest.mark.parametrize("plans", [True, False])
async def test_killed_between_store_and_file_with_two_steps(tmp_path, monkeypatch, plans):
    async with flying(make_sky(tmp_path, parties=THREE, timers=OFTEN)) as sky:
        north = sky["north"]
        one = first(sky)
        if plans:
            await north.declare(plan())
        p2 = signed(sky, amended(one, ["east"]), ("north", "south"), ("north", "south"))
        p3 = signed(
            sky,
            amended(read_agreement(p2.read_bytes()), []),
            ("north", "south"),
            ("north", "south"),
        )
        hand(north, p3)
        await north.stop()
        real = succession.put_whole

        def put(path, content, **k):
            if path == north.settings.agreement:
                raise Killed
            real(path, content, **k)

        monkeypatch.setattr(succession, "put_whole", put)
        with pytest.raises(Killed):
            await north.start()
        monkeypatch.undo()
        await north.start()
        assert north.up.agreement.version >= 2


@pytest.mark.parametrize("content", [b"damaged", b"", b"\xff\xfe", b"a = " + b"[" * 5000, b"x=1\n"])
async def test_damaged_next_node_still_serves(tmp_path, content):
    async with flying(make_sky(tmp_path)) as sky:
        north = sky["north"]
        (north.settings.data / NEXT).write_bytes(content)
        with pytest.raises((BadInput, WrongState)):
            await look(north.up)
        await north.restart()
        assert north.up.agreement.version == 1


async def test_next_not_in_force_node_still_starts(tmp_path):
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


async def test_wrong_file_by_hand_then_right_one(tmp_path):
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


async def test_wrong_file_at_first_start_then_right_one(tmp_path):
    sky = make_sky(tmp_path, parties=THREE)
    north = sky["north"]
    async with flying(sky):
        await north.declare(plan())
        await north.stop()
        # as migrated: no version rows
        forget_versions(north)
        good = north.settings.agreement.read_bytes()
        one = load_agreement(north.settings.agreement)
        wrong = replace(one, parties=one.parties[1:], registers=one.registers[1:])
        north.settings.agreement.write_bytes(render_agreement(wrong))
        with pytest.raises(BadInput):
            await north.start()
        north.settings.agreement.write_bytes(good)
        await north.start()


async def test_migrated_with_new_agreement(tmp_path):
    sky = make_sky(tmp_path, parties=THREE)
    north = sky["north"]
    async with flying(sky):
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


def forget_versions(side):
    import sqlite3

    from tansiq.settings import STORE

    db = sqlite3.connect(side.settings.data / STORE)
    db.execute("DELETE FROM agreement")
    db.commit()
    db.close()


async def test_ended_plans_of_other_registers_in_an_older_store(tmp_path):
    """65ed152 let the registers be exchanged by hand once all plans had ended."""
    sky = make_sky(tmp_path, parties=THREE, timers=OFTEN)
    north = sky["north"]
    async with flying(sky):
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


async def test_a_rule_of_confirmation_begins_when_it_is_in_force(tmp_path):
    from datetime import timedelta

    from sky import ShiftedClock

    from tansiq.domain.pact import Standing

    sky = make_sky(tmp_path, parties=THREE, timers=OFTEN)
    north = sky["north"]
    north.clock = ShiftedClock()
    async with flying(sky):
        one = first(sky)
        area = await north.no_go(plan(-121.0, "FIRE", at=(0, 60 * 24 * 7)))
        north.clock.ahead = timedelta(hours=30)
        rule = Standing(confirm_every=timedelta(hours=12), expire_after=timedelta(hours=24))
        two = replace(one, version=2, previous=one.digest, standing=rule)
        hand(north, signed(sky, render_agreement(two), THREE, THREE))
        await gone_over(north, 2)
        await asyncio.sleep(1)
        view = await north.up.constraints.get(area.id)
        assert view.status == "everywhere"


async def test_a_pool_is_read_only_once_all_have_gone_over(tmp_path):
    """v1 pool, v2 pool and north, v3 north alone; south stays at v1 and plans in the pool alone."""
    from tansiq.domain.agreement import Register

    sky = make_sky(tmp_path, parties=THREE)
    async with flying(sky):
        north = sky["north"]
        one = load_agreement(north.settings.agreement)

        class Peers:
            said: ClassVar[dict[str, str]] = {"south": one.digest, "east": one.digest}

            async def digest(self, party):
                return self.said[party]

        up = north.up.succession
        up._peers = Peers()
        pool = (
            replace(
                up._places[1],
                register=Register(id="pool", party=None, url="https://pool.example", foreign=True),
            )
            if hasattr(up._places[1], "__dataclass_fields__")
            else None
        )
        up._places = (up._places[0], pool)
        Peers.said["south"] = "0" * 64
        await up._ask()
        assert "pool" not in up._over
        Peers.said["south"] = one.digest
        await up._ask()
        assert "pool" in up._over


async def test_a_signal_between_two_nodes_ends_the_process(tmp_path, monkeypatch):
    from tansiq import serving

    sky = make_sky(tmp_path)
    north = sky["north"]
    settings = replace(north.settings, own_port=free_port())
    seen = []
    real = serving.Node.open

    async def slow(settings, clock=None, *, cleared=""):
        if seen:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.1)
        return await real(settings, cleared=cleared)

    monkeypatch.setattr(serving.Node, "open", slow)

    async def once(node):
        return node.agreement.digest

    monkeypatch.setattr(serving, "look", once)

    def ready(node, first):
        seen.append(node)

    await asyncio.wait_for(serving.serve(settings, ready=ready), 15)
    assert len(seen) == 1


def free_port():
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


async def test_a_party_that_changed_its_url_since_we_met_is_in_no_chain_s_way(
    tmp_path: Path,
) -> None:
    """Who comes back goes over two versions; the entry from the meeting can fit one of them."""
    from tansiq.formats.agreement import party_block
    from tansiq.peers.joining import PEERS
    from tansiq.peers.succession import chain_to, read_version

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


async def test_a_store_that_begins_later_takes_no_register_for_full(tmp_path: Path) -> None:
    from tansiq.storage.versions import VersionRows

    async with flying(make_sky(tmp_path, parties=THREE, timers=OFTEN)) as sky:
        north = sky["north"]
        one = first(sky)
        two = amended(one, ["east"])
        await north.stop()
        forget_versions(north)
        north.settings.agreement.write_bytes(two)
        await north.start()
        lacking = await north.up.store.read(lambda tx: VersionRows(tx).lacking())
        assert lacking == {"north": None, "south": None}
        sky["south"].settings.agreement.write_bytes(two)
        await sky["south"].restart()
        for _ in range(200):
            if not await north.up.store.read(lambda tx: VersionRows(tx).lacking()):
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("never full")
