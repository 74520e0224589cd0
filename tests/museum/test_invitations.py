"""Invitations and replies: each changed character is noticed, and each malformed line refused."""

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tansiq.domain.agreement import Minima, Party
from tansiq.domain.intent import PartyID
from tansiq.domain.volume import Circle, LatLng
from tansiq.errors import BadInput, TansiqError
from tansiq.formats.agreement import party_block
from tansiq.formats.invitation import (
    INVITE,
    Invitation,
    Proposal,
    Reply,
    proof_of,
    read_invitation,
    read_reply,
    write_invitation,
    write_reply,
)
from tansiq.formats.spoken import common_hash, six_words

NORTH = Party(
    id=PartyID("north"),
    names={"en": "North Cell", "ar": "خلية الشمال"},
    public_key=bytes(range(32)),
    url="https://192.0.2.10:8443",
    tls_sha256=bytes(range(100, 132)),
)
SOUTH = replace(
    NORTH, id=PartyID("south"), names={"en": "South Cell"}, public_key=bytes(range(50, 82)),
    url="https://198.51.100.7:8443",
)  # fmt: skip
ENDS = datetime(2026, 11, 29, 14, tzinfo=UTC)
PROPOSAL = Proposal(
    area=Circle(center=LatLng(38.6, -120.3), radius_m=60_000.0),
    minima=Minima(horizontal_m=1_000, vertical_m=150, time=timedelta(seconds=60)),
)
INVITATION = Invitation(party=NORTH, secret=b"0123456789", ends=ENDS, proposal=PROPOSAL)
LINE = write_invitation(INVITATION)
ANSWER = Reply(party=SOUTH, draft=b"d" * 8, proof=proof_of(b"0123456789", SOUTH, b"d" * 8))
REPLY_LINE = write_reply(ANSWER)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def sealed(prefix: str, body: bytes) -> str:
    """Return a line with a good checksum over any body."""
    data = body + hashlib.sha256(body).digest()[:4]
    return prefix + base64.b32encode(data).decode().rstrip("=")


def body_of(line: str) -> bytes:
    rest = line.partition(":")[2]
    return base64.b32decode(rest + "=" * (-len(rest) % 8))[:-4]


def test_what_is_written_is_read() -> None:
    assert read_invitation(LINE) == INVITATION
    assert read_reply(REPLY_LINE) == ANSWER
    for bare in (
        replace(INVITATION, proposal=None),
        replace(INVITATION, party=replace(NORTH, url="http://127.0.0.1:8443", tls_sha256=b"")),
    ):
        assert read_invitation(write_invitation(bare)) == bare


def test_a_line_is_short_and_of_characters_that_a_code_packs_well() -> None:
    assert len(LINE) < 330
    assert set(LINE) <= set(ALPHABET + "0123456789-:")


def test_case_spaces_and_line_breaks_do_not_count() -> None:
    """As mail and people wrap it."""
    wrapped = "\n> ".replace(">", "").join(LINE[i : i + 60] for i in range(0, len(LINE), 60))
    assert read_invitation(f"  {wrapped.lower()}\r\n") == INVITATION


@pytest.mark.parametrize(("line", "read"), [(LINE, read_invitation), (REPLY_LINE, read_reply)])
def test_each_changed_character_is_noticed(line: str, read: object) -> None:
    """Every place, with every other character that could stand there: some 10,000 lines."""
    assert callable(read)
    for at, old in enumerate(line):
        for new in ALPHABET + "0189-:":
            if new != old:
                with pytest.raises(BadInput):
                    read(line[:at] + new + line[at + 1 :])


def test_lost_doubled_and_swapped_characters_are_noticed() -> None:
    for at in range(len(LINE)):
        for wrong in (
            LINE[:at] + LINE[at + 1 :],
            LINE[:at] + LINE[at] + LINE[at:],
            LINE[:at] + LINE[at : at + 2][::-1] + LINE[at + 2 :],
        ):
            if wrong != LINE:
                with pytest.raises(BadInput):
                    read_invitation(wrong)


@settings(max_examples=300)
@given(st.text(max_size=400))
def test_no_text_at_all_gets_past_the_readers_own_errors(text: str) -> None:
    for line in (text, INVITE + text):
        with pytest.raises(BadInput):
            read_invitation(line)


def test_no_mangled_body_gets_past_the_readers_own_errors() -> None:
    """5,000 seeded bodies with good checksums: each is read, or refused; nothing else is raised."""
    refused = taken = 0
    for seed in range(5_000):
        random = Random(seed)
        body = bytearray(body_of(LINE))
        for _ in range(random.randint(1, 3)):
            at = random.randrange(2, len(body))
            body[at : at + random.randint(0, 3)] = random.randbytes(random.randint(0, 3))
        try:
            read_invitation(sealed(INVITE, bytes(body)))
            taken += 1
        except TansiqError as error:
            refused += bool(error.field)
    print(f"{refused} of 5000 refused")
    assert refused + taken == 5_000
    assert refused > 2_000


def with_party(**changes: object) -> str:
    return write_invitation(replace(INVITATION, party=replace(NORTH, **changes)))  # type: ignore[arg-type]


SPECIMENS = {
    "nothing": ("", "starts with ''"),
    "something else": ("https://example.org", "copy the whole line"),
    "another version": (LINE.replace("TANSIQ1", "TANSIQ2"), "copy the whole line"),
    "a reply": (REPLY_LINE, "tansiq pair"),
    "the prefix alone": (INVITE, "lost or changed"),
    "a digit that is no letter": (LINE.replace(":", ":0", 1), "character 1 after the colon, '0'"),
    "letters of another alphabet": (INVITE + "Ж" * 64, "none of A to Z"),
    "too long": (INVITE + "A" * 2_000, "at most 2000"),
    "padding": (LINE + "=", "none of A to Z"),
    "reply under the prefix of an invitation": (
        INVITE + REPLY_LINE.partition(":")[2],
        "does not say of itself",
    ),
    "version 2 of the body": (sealed(INVITE, b"\2" + body_of(LINE)[1:]), "does not say of itself"),
    "ends early": (sealed(INVITE, body_of(LINE)[:40]), "ends too early"),
    "goes on": (sealed(INVITE, body_of(LINE) + b"x"), "goes on after its end"),
    "not UTF-8": (sealed(INVITE, b"\1\0\2\xff\xfe"), "not UTF-8"),
    "plain http": (with_party(url="http://192.0.2.10", tls_sha256=b""), "use https"),
    "no certificate": (with_party(tls_sha256=b""), "invitation.tls_sha256: missing"),
    "half a certificate": (with_party(tls_sha256=b"x" * 16), "64 hexadecimal digits"),
    "a weak key": (with_party(public_key=bytes(32)), "weak"),
    "no id": (with_party(id=PartyID("")), "printable"),
    "an id with a slash": (with_party(id=PartyID("../south")), "a-z"),
    "no English name": (with_party(names={"ar": "خلية"}), "English"),
    "a name that reverses": (with_party(names={"en": "a\u202eb"}), "printable"),
    "a name of two lines": (with_party(names={"en": "a\nb"}), "not TOML"),
    "an address with a password": (with_party(url="https://u:p@192.0.2.1"), "host, port and path"),
    "a second spelling of a URL": (with_party(url="https://NORTH.example/"), "is meant"),
}


@pytest.mark.parametrize("name", SPECIMENS)
def test_specimen_is_refused_with_its_reason(name: str) -> None:
    line, remedy = SPECIMENS[name]
    with pytest.raises(BadInput) as caught:
        read_invitation(line)
    assert remedy in str(caught.value)
    assert len(str(caught.value)) < 300


def test_an_invitation_is_no_reply() -> None:
    with pytest.raises(BadInput, match="tansiq join"):
        read_reply(LINE)


@pytest.mark.parametrize("bad", [{"radius_m": 1.5}, {"radius_m": 0.5}])
def test_a_proposal_has_no_fractions(bad: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        Proposal(area=replace(PROPOSAL.area, **bad), minima=PROPOSAL.minima)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "northe"},
        {"names": {"en": "North cell", "ar": "خلية الشمال"}},
        {"public_key": bytes(31) + b"\x09"},
        {"url": "https://192.0.2.10:8444"},
        {"url": "https://192.0.2.11:8443"},
        {"tls_sha256": bytes(range(100, 131)) + b"\0"},
    ],
)
def test_the_words_differ_if_anything_of_an_identity_does(changes: dict[str, object]) -> None:
    """And they are the same from either side."""

    def words(a: Party, b: Party) -> tuple[str, ...]:
        return six_words(common_hash([party_block(each).encode() for each in (a, b)]))

    other = replace(NORTH, **changes)  # type: ignore[arg-type]
    assert words(NORTH, SOUTH) == words(SOUTH, NORTH)
    assert words(other, SOUTH) != words(NORTH, SOUTH)
    assert words(SOUTH, other) != words(SOUTH, NORTH)


def test_the_proof_covers_the_reply_and_hangs_on_the_secret() -> None:
    good = proof_of(b"secret", SOUTH, b"d" * 8)
    assert good != proof_of(b"Secret", SOUTH, b"d" * 8)
    assert good != proof_of(b"secret", NORTH, b"d" * 8)
    assert good != proof_of(b"secret", SOUTH, b"e" * 8)
