"""Two parties meet: what each keeps, what is refused, and that nothing is half done."""

import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tansiq.clock import SystemClock
from tansiq.domain.agreement import Minima
from tansiq.domain.volume import Circle, LatLng, Polygon
from tansiq.errors import BadInput
from tansiq.formats.agreement import party_block, read_agreement, read_party_block
from tansiq.formats.invitation import (
    Proposal,
    read_invitation,
    read_reply,
    write_invitation,
    write_reply,
)
from tansiq.formats.spoken import six_words
from tansiq.peers.identity import NewNode, make_node, write_node
from tansiq.peers.joining import Meeting, invite, join, known_peers, own_entry, take_reply
from tansiq.peers.rendezvous import PATH, deliver, wait_for_reply
from tansiq.settings import load_settings

NOW = datetime(2026, 11, 28, 14, tzinfo=UTC)
DAY = timedelta(days=1)
PROPOSAL = Proposal(
    area=Circle(center=LatLng(38.6, -120.3), radius_m=60_000.0),
    minima=Minima(horizontal_m=1_000, vertical_m=150, time=timedelta(seconds=60)),
)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make(folder: Path, party: str, **changes: object) -> Path:
    port = free_port()
    new = NewNode(
        party=party,
        names={"en": f"{party.title()} Cell", "ar": "خلية"},
        url=f"https://127.0.0.1:{port}",
        peer_port=port,
    )
    data = folder / party
    write_node(data, make_node(replace(new, **changes), NOW))  # type: ignore[arg-type]
    return data


@pytest.fixture
def north(tmp_path: Path) -> Path:
    return make(tmp_path, "north")


@pytest.fixture
def south(tmp_path: Path) -> Path:
    return make(tmp_path, "south")


def open_line(data: Path, proposal: Proposal | None = PROPOSAL, now: datetime = NOW) -> str:
    return invite(data, proposal=proposal, now=now, valid=DAY)[1]


def contents(data: Path) -> dict[str, bytes]:
    return {str(p.relative_to(data)): p.read_bytes() for p in data.rglob("*") if p.is_file()}


def test_both_sides_hold_the_same_bytes_words_and_entries(north: Path, south: Path) -> None:
    joined = join(south, open_line(north), NOW)
    paired = take_reply(north, joined.reply, NOW)
    assert joined.hash == paired.hash
    assert (north / "agreement.toml").read_bytes() == (south / "agreement.toml").read_bytes()
    agreement = read_agreement((north / "agreement.toml").read_bytes())
    assert [party.id for party in agreement.parties] == ["north", "south"]
    assert [register.id for register in agreement.registers] == ["north", "south"]
    assert (agreement.area, agreement.minima) == (PROPOSAL.area, PROPOSAL.minima)
    assert known_peers(north) == (own_entry(south),)
    assert known_peers(south) == (own_entry(north),)
    assert (north / "invitations").stat().st_mode & 0o777 == 0o600


def test_an_invitation_is_answered_once(north: Path, south: Path) -> None:
    joined = join(south, open_line(north), NOW)
    take_reply(north, joined.reply, NOW)
    with pytest.raises(BadInput, match="no open invitation"):
        take_reply(north, joined.reply, NOW)


def test_several_invitations_are_open_and_each_is_found(north: Path, south: Path) -> None:
    lines = [open_line(north) for _ in range(17)]
    with pytest.raises(BadInput, match="no open invitation"):
        take_reply(north, join(south, lines[0], NOW).reply, NOW)  # The 17th closed it.
    take_reply(north, join(south, lines[5], NOW).reply, NOW)
    assert len((north / "invitations").read_text().split()) == 15


def test_an_invitation_ends(north: Path, south: Path) -> None:
    line = open_line(north)
    reply = join(south, line, NOW + DAY).reply
    with pytest.raises(BadInput, match=r"ended at 2026-11-29T14:00:00Z"):
        join(south, line, NOW + DAY + timedelta(microseconds=1))
    with pytest.raises(BadInput, match="no open invitation"):
        take_reply(north, reply, NOW + DAY + timedelta(microseconds=1))
    take_reply(north, reply, NOW + DAY)


@pytest.mark.parametrize("valid", [timedelta(0), timedelta(days=30, microseconds=1)])
def test_how_long_an_invitation_holds_has_limits(north: Path, valid: timedelta) -> None:
    with pytest.raises(BadInput, match="at most 30 d"):
        invite(north, proposal=None, now=NOW, valid=valid)


def in_the_middle(north: Path, south: Path, tmp_path: Path) -> tuple[Meeting, Meeting]:
    """Somebody who holds both lines puts a key of theirs into each; all proofs are good."""
    line = open_line(north)
    to_south = make(tmp_path / "a", "north", url=own_entry(north).url)
    to_north = make(tmp_path / "b", "south", url=own_entry(south).url)
    changed = replace(read_invitation(line), party=own_entry(to_south))
    joined = join(south, write_invitation(changed), NOW)
    return joined, take_reply(north, join(to_north, line, NOW).reply, NOW)


def test_who_changes_keys_on_the_way_changes_the_words(
    north: Path, south: Path, tmp_path: Path
) -> None:
    joined, paired = in_the_middle(north, south, tmp_path)
    assert set(six_words(joined.hash)) != set(six_words(paired.hash))
    assert joined.agreement != paired.agreement


def test_a_reply_whose_entry_was_changed_answers_nothing(north: Path, south: Path) -> None:
    reply = read_reply(join(south, open_line(north), NOW).reply)
    changes: list[dict[str, object]] = [
        {"url": "https://127.0.0.1:1"},
        {"public_key": b"k" * 32},
        {"tls_sha256": b"t" * 32},
        {"names": {"en": "South"}},
    ]
    for change in changes:
        other = replace(reply, party=replace(reply.party, **change))  # type: ignore[arg-type]
        with pytest.raises(BadInput, match="no open invitation"):
            take_reply(north, write_reply(other), NOW)
    with pytest.raises(BadInput, match="no open invitation"):
        take_reply(north, write_reply(replace(reply, draft=b"x" * 8)), NOW)
    assert not (north / "peers").exists()


def test_nobody_joins_themselves_or_their_like(north: Path, tmp_path: Path) -> None:
    line = open_line(north)
    with pytest.raises(BadInput, match="same id"):
        join(north, line, NOW)
    twin = make(tmp_path / "twin", "north")
    with pytest.raises(BadInput, match="same id"):
        join(twin, line, NOW)
    same_url = make(tmp_path / "x", "east", url=own_entry(north).url)
    with pytest.raises(BadInput, match="same url"):
        join(same_url, line, NOW)


def test_an_agreement_that_is_there_is_not_overwritten(north: Path, south: Path) -> None:
    line = open_line(north)
    (south / "agreement.toml").write_text("mine")
    before = contents(south)
    with pytest.raises(BadInput, match="is there already"):
        join(south, line, NOW)
    assert contents(south) == before
    (south / "agreement.toml").unlink()
    reply = join(south, line, NOW).reply
    (north / "agreement.toml").write_text("mine")
    before = contents(north)
    with pytest.raises(BadInput, match="is there already"):
        take_reply(north, reply, NOW)
    assert contents(north) == before
    (north / "agreement.toml").unlink()
    take_reply(north, reply, NOW)


def test_joining_again_gives_the_same(north: Path, south: Path) -> None:
    """The line was lost on its way back, so it is asked for once more."""
    line = open_line(north)
    assert join(south, line, NOW) == join(south, line, NOW)


def test_who_showed_another_identity_before_is_refused(north: Path, south: Path) -> None:
    join(south, open_line(north), NOW)
    (south / "agreement.toml").unlink()
    known = south / "peers" / "north.toml"
    known.write_text(party_block(replace(own_entry(north), public_key=b"k" * 32)))
    with pytest.raises(BadInput, match="something else of itself before"):
        join(south, open_line(north), NOW)
    known.unlink()
    join(south, open_line(north), NOW)


def test_without_a_proposal_the_inviter_says_the_area(north: Path, south: Path) -> None:
    joined = join(south, open_line(north, None), NOW)
    assert joined.agreement == b""
    assert not (south / "agreement.toml").exists()
    with pytest.raises(BadInput, match="--center or --area"):
        take_reply(north, joined.reply, NOW)
    area = Polygon(vertices=(LatLng(38, -121), LatLng(38, -120), LatLng(39, -120)))
    paired = take_reply(north, joined.reply, NOW, area=area)
    assert read_agreement(paired.agreement).area == area


def test_an_area_beside_a_proposal_is_refused(north: Path, south: Path) -> None:
    reply = join(south, open_line(north), NOW).reply
    with pytest.raises(BadInput, match="leave this out"):
        take_reply(north, reply, NOW, area=PROPOSAL.area)


def test_a_third_party_is_met_beside_an_agreement(north: Path, south: Path, tmp_path: Path) -> None:
    take_reply(north, join(south, open_line(north), NOW).reply, NOW)
    before = (north / "agreement.toml").read_bytes()
    west = make(tmp_path, "west")
    take_reply(north, join(west, open_line(north, None), NOW).reply, NOW)
    assert [party.id for party in known_peers(north)] == ["south", "west"]
    assert (north / "agreement.toml").read_bytes() == before


def test_other_drafts_on_both_sides_are_noticed(
    north: Path, south: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As two versions with other defaults would write them."""
    from tansiq.peers import joining

    reply = join(south, open_line(north), NOW).reply
    real = joining.draft_agreement
    other: Callable[..., bytes] = lambda *a, **k: real(*a, **k) + b"\n# newer\n"  # noqa: E731
    monkeypatch.setattr(joining, "draft_agreement", other)
    with pytest.raises(BadInput, match="same version on both nodes"):
        take_reply(north, reply, NOW)


def test_an_entry_that_is_not_of_the_keys_is_noticed(north: Path) -> None:
    path = north / "party.toml"
    good = read_party_block(path.read_text())
    for change in ({"public_key": b"k" * 32}, {"tls_sha256": b"t" * 32}):
        path.write_text(party_block(replace(good, **change)))  # type: ignore[arg-type]
        with pytest.raises(BadInput, match="restore it"):
            open_line(north)


# ---- straight to the inviter


@contextmanager
def waiting(data: Path) -> Iterator[list[Meeting | None]]:
    """Wait for a reply in a thread of its own; two seconds at most."""
    clock, found = SystemClock(), list[Meeting | None]()
    until = clock.now() + timedelta(seconds=2)
    thread = threading.Thread(
        target=lambda: found.append(wait_for_reply(load_settings(data), clock, until))
    )
    thread.start()
    port = load_settings(data).peer_port
    while clock.now() < until:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.01)
    try:
        yield found
    finally:
        thread.join()


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_reply_is_brought_to_the_inviter(tmp_path: Path, scheme: str) -> None:
    port = free_port()
    north = make(tmp_path, "north", url=f"{scheme}://127.0.0.1:{port}", peer_port=port)
    south = make(tmp_path, "south")
    now = SystemClock().now()
    joined = join(south, open_line(north, now=now), now)
    with waiting(north) as found:
        assert deliver(joined.other, joined.reply) == ""
    (meeting,) = found
    assert meeting is not None
    assert meeting.hash == joined.hash
    assert (north / "agreement.toml").read_bytes() == joined.agreement


def test_what_is_no_good_reply_does_not_end_the_waiting(north: Path, south: Path) -> None:
    now = SystemClock().now()
    joined = join(south, open_line(north, now=now), now)
    stranger = write_reply(replace(read_reply(joined.reply), proof=b"x" * 10))
    with waiting(north) as found:
        host = ("127.0.0.1", load_settings(north).peer_port)
        with closing(socket.create_connection(host)) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\n\r\n")  # Not even TLS.
        assert "no open invitation" in deliver(joined.other, stranger)
        assert "copy the whole line" in deliver(joined.other, "hello")
        assert "only replies" in deliver(joined.other, "x" * 2_001)
        elsewhere = replace(joined.other, url=f"{joined.other.url}/elsewhere")
        assert "only replies" in deliver(elsewhere, joined.reply)
        assert deliver(joined.other, joined.reply) == ""
    assert found[0] is not None


def test_nothing_is_sent_under_another_certificate(north: Path, south: Path) -> None:
    now = SystemClock().now()
    joined = join(south, open_line(north, now=now), now)
    other = replace(joined.other, tls_sha256=hashlib.sha256(b"other").digest())
    with waiting(north) as found:
        assert "another certificate" in deliver(other, joined.reply)
    assert found == [None]
    assert (north / "invitations").read_text().strip()


def test_an_inviter_who_is_not_there_is_told_as_such(north: Path, south: Path) -> None:
    joined = join(south, open_line(north), NOW)
    assert f"127.0.0.1:{load_settings(north).peer_port}" in deliver(joined.other, joined.reply)


def test_a_port_that_is_taken_is_named(north: Path) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", load_settings(north).peer_port))
        other.listen()
        with pytest.raises(BadInput, match="without --wait"):
            wait_for_reply(load_settings(north), SystemClock(), NOW)


def test_what_is_answered_is_plain_http_inside_tls(north: Path, south: Path) -> None:
    """From a client of nobody's, as another implementation would be one."""
    now = SystemClock().now()
    joined = join(south, open_line(north, now=now), now)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with waiting(north):
        raw = socket.create_connection(("127.0.0.1", load_settings(north).peer_port))
        with closing(context.wrap_socket(raw)) as tls:
            body = joined.reply.encode()
            head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            tls.sendall(head.encode() + body)
            answer = tls.recv(4_096)
    assert answer.startswith(b"HTTP/1.0 200 ")
