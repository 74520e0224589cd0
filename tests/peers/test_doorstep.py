"""Replies that are brought to a node that serves: taken once, in time, and by nobody else."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette

from asgi import Answer, ask
from stores import open_store
from tansiq.clock import SystemClock
from tansiq.domain.agreement import NO_MINIMA, Agreement, Register
from tansiq.domain.volume import Circle, LatLng
from tansiq.errors import BadInput
from tansiq.formats.agreement import read_agreement, render_agreement
from tansiq.formats.invitation import CHARS_MAX, JOIN_PATH, read_reply, write_reply
from tansiq.formats.spoken import six_words
from tansiq.http.join import JoinApi
from tansiq.http.listener import listener, tls_of_node
from tansiq.node import Node
from tansiq.peers.doorstep import Doorstep
from tansiq.peers.identity import NewNode, make_node, write_node
from tansiq.peers.joining import (
    INVITATIONS,
    answer_to,
    invite,
    join,
    known_peers,
    own_entry,
    take_reply,
)
from tansiq.peers.rendezvous import deliver
from tansiq.services.events import Events
from tansiq.settings import Limits, load_settings

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 28, 14, tzinfo=UTC)
DAY = timedelta(days=1)
TRIES = 5


def make(folder: Path, party: str, port: int = 8443) -> Path:
    names = {"en": f"{party.title()} Cell"}
    new = NewNode(
        party=party, names=names, url=f"https://127.0.0.1:{port}", own_port=1, peer_port=port
    )
    write_node(folder / party, make_node(new, datetime.now(UTC)))
    return folder / party


def agreement_of(*folders: Path) -> Agreement:
    parties = tuple(map(own_entry, folders))
    return read_agreement(
        render_agreement(
            Agreement(
                name="Test",
                digest="",
                parties=parties,
                registers=tuple(Register(id=p.id, party=p.id, url=p.url) for p in parties),
                area=Circle(center=LatLng(38.6, -120.3), radius_m=60_000.0),
                area_km2_max=400.0,
                minima=NO_MINIMA,
            )
        )
    )


class Standing(SystemClock):
    at = NOW
    ticks_s = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic_s(self) -> float:
        return self.ticks_s


@dataclass
class Door:
    north: Path
    west: Path
    app: Starlette
    events: Events
    clock: Standing

    def invited(self, valid: timedelta = DAY) -> str:
        return invite(self.north, proposal=None, now=self.clock.at, valid=valid)[1]

    def reply(self, line: str, who: Path | None = None) -> str:
        return join(who or self.west, line, self.clock.at).reply

    async def post(self, body: str | bytes, *, wait: bool = True) -> Answer:
        if wait:
            self.clock.ticks_s += 1.0
        data = body if isinstance(body, bytes) else body.encode()
        return await ask(self.app, JOIN_PATH, method="POST", body=data)

    async def told(self) -> list[dict[str, Any]]:
        found = await self.events.after(0, 1_000)
        return [{"id": each.id, **msgspec.json.decode(each.body)} for each in found]


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    north, south = make(tmp_path, "north"), make(tmp_path, "south", 9443)
    west = make(tmp_path, "west", 9444)
    agreement = agreement_of(north, south)
    (north / "agreement.toml").write_bytes(render_agreement(agreement))
    clock, store = Standing(), open_store(tmp_path / "tansiq.db")
    events = Events(store, clock, Limits())
    doorstep = Doorstep(north, agreement, events, tries_max=TRIES)
    api = JoinApi(doorstep.take, clock, per_s=1.0)
    yield Door(north, west, Starlette(routes=api.routes()), events, clock)
    await store.close()


async def test_a_reply_is_taken_once_and_shows_the_same_six_words(door: Door) -> None:
    line = door.invited()
    assert answer_to(door.north, line) is None
    meeting = join(door.west, line, NOW)
    answer = await door.post(meeting.reply)
    assert (answer.status, answer.body) == (200, b"taken")
    found = answer_to(door.north, line)
    assert found is not None
    assert found.hash == meeting.hash
    assert known_peers(door.north) == (own_entry(door.west),)
    assert await door.told() == [
        {
            "id": "west",
            "party": "west",
            "name": "West Cell",
            "words": list(six_words(meeting.hash)),
        }
    ]
    # Its agreement is as it was: what follows is the next version, which all sign.
    again = await door.post(meeting.reply)
    assert (again.status, again.body) == (404, b"no invitation of this node is open")
    assert len(await door.told()) == 1


async def test_of_two_at_once_one_is_taken(door: Door, tmp_path: Path) -> None:
    """Whoever reads the line may answer it; in the same moment, and by hand as well."""
    line = door.invited()
    door.invited()  # Another one is open all the while.
    thief = make(tmp_path, "thief", 9445)
    replies = [door.reply(line), door.reply(line, thief)]
    door.clock.ticks_s += 10.0

    def by_hand(reply: str) -> int:
        try:
            take_reply(door.north, reply, NOW)
        except BadInput:
            return 400
        return 200

    for _ in range(20):
        results = await asyncio.gather(
            *(asyncio.to_thread(by_hand, reply) for reply in replies * 4),
        )
        assert results.count(200) == 1
        assert len(known_peers(door.north)) == 1
        for entry in (door.north / "peers").glob("*"):
            entry.unlink()
        line = door.invited()
        replies = [door.reply(line), door.reply(line, thief)]


async def test_it_is_open_until_its_end_and_no_longer(door: Door) -> None:
    line = door.invited(timedelta(hours=1))
    reply = door.reply(line)
    door.clock.at = NOW + timedelta(hours=1, microseconds=1)
    assert (await door.post(reply)).status == 404
    door.clock.at = NOW + timedelta(hours=1)
    assert (await door.post(reply)).status == 200


async def test_wrong_answers_have_few_tries(door: Door) -> None:
    line = door.invited()
    good = read_reply(door.reply(line))
    for n in range(TRIES):
        forged = write_reply(replace(good, proof=bytes([n]) * 10))
        answer = await door.post(forged)
        assert answer.status == 400
        assert b"answers no open invitation" in answer.body
    answer = await door.post(write_reply(good))
    assert answer.status == 429
    assert b"tansiq pair" in answer.body
    assert known_peers(door.north) == ()
    # By hand it is taken; another invitation has tries of its own.
    take_reply(door.north, write_reply(good), NOW)
    (door.north / "peers" / "west.toml").unlink()
    assert (await door.post(door.reply(door.invited()))).status == 200


async def test_one_less_leaves_the_right_answer_its_try(door: Door) -> None:
    good = read_reply(door.reply(door.invited()))
    for _ in range(2 * TRIES):  # What is no reply at all is no try.
        assert (await door.post("GET / HTTP/1.1")).status == 400
    for n in range(TRIES - 1):
        await door.post(write_reply(replace(good, proof=bytes([n]) * 10)))
    assert (await door.post(write_reply(good))).status == 200


async def test_everybody_together_has_one_a_second(door: Door) -> None:
    door.invited()
    assert (await door.post("x")).status == 400
    assert (await door.post("x", wait=False)).status == 429
    door.clock.ticks_s += 0.999
    assert (await door.post("x", wait=False)).status == 429
    door.clock.ticks_s += 0.001
    assert (await door.post("x", wait=False)).status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x" * CHARS_MAX,
        b"x" * (CHARS_MAX + 1),
        b"TANSIQ1-REPLY:",
        b"TANSIQ1-REPLY:" + b"A" * 300,
        "TANSIQ1-REPLY:תשובה".encode(),
        b"\xff\x00\n" * 100,
        b'{"reply": 1}',
    ],
)
async def test_what_is_no_reply_is_refused_in_a_sentence(door: Door, body: bytes) -> None:
    line = door.invited()
    for sent in (body, line.encode()):
        answer = await door.post(sent)
        assert answer.status == 400
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert 0 < len(answer.body) <= 300
        assert str(door.north).encode() not in answer.body
    assert known_peers(door.north) == ()
    assert await door.told() == []


async def test_nobody_answers_as_a_party_of_the_agreement_with_another_key(
    door: Door, tmp_path: Path
) -> None:
    false_south = make(tmp_path / "elsewhere", "south", 9446)
    answer = await door.post(door.reply(door.invited(), false_south))
    assert answer.status == 400
    assert b"south is in the agreement, with another key" in answer.body
    assert known_peers(door.north) == ()


async def test_damaged_files_are_no_crash(door: Door) -> None:
    line = door.invited()
    reply = door.reply(line)
    (door.north / INVITATIONS).write_bytes(b"\xff")
    answer = await door.post(reply)
    assert answer.status == 400
    assert str(door.north).encode() not in answer.body


@asynccontextmanager
async def serving(data: Path) -> AsyncIterator[Node]:
    node, settings = await Node.open(load_settings(data)), load_settings(data)
    server = listener(
        node.peer, "127.0.0.1", settings.peer_port, settings, tls=tls_of_node(settings)
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done()
        await asyncio.sleep(0.005)
    await node.start()
    yield node
    server.should_exit = True
    await task
    await node.stop()


async def test_over_tls_at_a_real_node(tmp_path: Path) -> None:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    north, west = make(tmp_path, "north", port), make(tmp_path, "west", 9444)
    south = make(tmp_path, "south", 9443)
    (north / "agreement.toml").write_bytes(render_agreement(agreement_of(north, south)))
    async with serving(north) as node:
        line = invite(north, proposal=None, now=SystemClock().now(), valid=DAY)[1]
        meeting = join(west, line, SystemClock().now())
        # Another's certificate is not spoken to at all.
        stranger = replace(meeting.other, tls_sha256=b"x" * 32)
        failed = await asyncio.to_thread(deliver, stranger, meeting.reply)
        assert failed == "another certificate than the invitation's answers there"
        assert await asyncio.to_thread(deliver, meeting.other, meeting.reply) == ""
        (event,) = [e for e in await node.events.after(0, 100) if e.kind == "joined"]
        assert event.id == "west"
        found = answer_to(north, line)
        assert found is not None
        assert found.hash == meeting.hash
        assert node.agreement.party(found.other.id) is None
