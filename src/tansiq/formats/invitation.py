"""Invitation and reply: what one party says of itself, as one line that can be copied anyhow.

``TANSIQ1-INVITE:`` or ``TANSIQ1-REPLY:``, then base32 (A to Z, 2 to 7) of the bytes below; case,
spaces and line breaks do not count. The alphabet is that of alphanumeric QR codes, so a code is
small. The last four bytes are a checksum: a lost or changed character is noticed. It is no proof
against somebody who wants to change it; the six words are (``spoken``).

    1 byte     0x01, the version
    1 byte     0 invitation, 1 reply
    texts      id, URL, names: each text one byte of length and UTF-8; names after their count, each
               as language and name
    32 bytes   Ed25519 public key
    text       SHA-256 of the TLS certificate, empty for plain http
    invitation 10 bytes secret, 4 bytes when it ends (s since 1970), then nothing, or what is
               proposed: latitude, longitude (degrees x 1e6), radius, horizontal, vertical (m), time
               (s), each 4 bytes
    reply      10 bytes proof that the invitation was seen, 8 bytes of the digest of the agreement
               that follows from both, zeros where none does
    4 bytes    SHA-256 of all before, its beginning
"""

import base64
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from tansiq.domain.agreement import Minima, Party
from tansiq.domain.intent import PartyID
from tansiq.domain.volume import Circle, LatLng
from tansiq.errors import BadInput
from tansiq.formats.agreement import party_block, read_party_block

INVITE: Final = "TANSIQ1-INVITE:"
REPLY: Final = "TANSIQ1-REPLY:"
SECRET_BYTES: Final = 10
DRAFT_BYTES: Final = 8
CHARS_MAX: Final = 2_000
JOIN_PATH: Final = "/tansiq/v1/join"
"""Where a reply is brought to the inviter's node, serving or waiting: POST, the line as it is."""
QR_VERSION_MAX: Final = 14
"""77 columns of a terminal, with its border."""

_VERSION: Final = 1
_SUM_BYTES: Final = 4
_MICRODEGREES: Final = 1_000_000
_PROPOSAL: Final = struct.Struct(">iiIIII")
_SAME_LINE: Final = "copy the whole line again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the inviter would agree on; numbers are whole in metres and seconds.

    Raises:
        BadInput: not whole.
    """

    area: Circle
    minima: Minima

    def __post_init__(self) -> None:
        numbers = {
            "radius": self.area.radius_m,
            "horizontal_m": self.minima.horizontal_m,
            "vertical_m": self.minima.vertical_m,
            "time_s": self.minima.time.total_seconds(),
        }
        for name, number in numbers.items():
            if number != int(number):
                raise BadInput(f"{number} is not whole; an invitation has no fractions", field=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """One party asks another one to join. ``party`` is without its desks."""

    party: Party
    secret: bytes
    """Seen by whoever sees the invitation; ties the one reply to it."""
    ends: datetime
    proposal: Proposal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The other party's answer."""

    party: Party
    proof: bytes
    draft: bytes = bytes(DRAFT_BYTES)
    """Beginning of the digest of the agreement that both hold then; zeros for none."""


def proof_of(secret: bytes, party: Party, draft: bytes) -> bytes:
    """Return what shows that whoever replies saw the invitation."""
    text = b"tansiq/reply@v1\n" + draft + party_block(party).encode()
    return hmac.digest(secret, text, "sha256")[:SECRET_BYTES]


def write_invitation(invitation: Invitation) -> str:
    """Write an invitation as its line.

    Raises:
        BadInput: a text of it is too long.
    """
    ends = int(invitation.ends.timestamp()).to_bytes(4)
    proposal = _pack(invitation.proposal) if invitation.proposal else b""
    body = _head(0, invitation.party) + invitation.secret + ends + proposal
    return INVITE + _seal(body)


def write_reply(reply: Reply) -> str:
    """Write a reply as its line.

    Raises:
        BadInput: a text of it is too long.
    """
    return REPLY + _seal(_head(1, reply.party) + reply.proof + reply.draft)


def read_invitation(text: str) -> Invitation:
    """Read an invitation from its line.

    Raises:
        BadInput: not an invitation, or not whole.
    """
    reader = _Reader(_opened(text, INVITE))
    party = reader.party()
    secret, ends = reader.take(SECRET_BYTES), int.from_bytes(reader.take(4))
    proposal = _unpack(reader.take(_PROPOSAL.size)) if reader.left else None
    reader.end()
    return Invitation(
        party=party, secret=secret, ends=datetime.fromtimestamp(ends, UTC), proposal=proposal
    )


def read_reply(text: str) -> Reply:
    """Read a reply from its line.

    Raises:
        BadInput: not a reply, or not whole.
    """
    reader = _Reader(_opened(text, REPLY))
    party = reader.party()
    proof, draft = reader.take(SECRET_BYTES), reader.take(DRAFT_BYTES)
    reader.end()
    return Reply(party=party, proof=proof, draft=draft)


def _head(kind: int, party: Party) -> bytes:
    names = b"".join(_text(language) + _text(name) for language, name in party.names.items())
    return (
        bytes([_VERSION, kind])
        + _text(party.id)
        + _text(party.url)
        + bytes([len(party.names)])
        + names
        + party.public_key
        + bytes([len(party.tls_sha256)])
        + party.tls_sha256
    )


def _text(text: str) -> bytes:
    data = text.encode()
    if len(data) > 255:
        raise BadInput(f"{text[:40]!r}… is too long for an invitation", field="invitation")
    return bytes([len(data)]) + data


def _pack(proposal: Proposal) -> bytes:
    area, minima = proposal.area, proposal.minima
    numbers = (area.radius_m, minima.horizontal_m, minima.vertical_m, minima.time.total_seconds())
    return _PROPOSAL.pack(
        round(area.center.lat_deg * _MICRODEGREES),
        round(area.center.lng_deg * _MICRODEGREES),
        *map(int, numbers),
    )


def _unpack(data: bytes) -> Proposal:
    lat, lng, radius_m, horizontal_m, vertical_m, time_s = _PROPOSAL.unpack(data)
    return Proposal(
        area=Circle(
            center=LatLng(lat / _MICRODEGREES, lng / _MICRODEGREES), radius_m=float(radius_m)
        ),
        minima=Minima(
            horizontal_m=float(horizontal_m),
            vertical_m=float(vertical_m),
            time=timedelta(seconds=time_s),
        ),
    )


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_SUM_BYTES]


def _seal(body: bytes) -> str:
    return base64.b32encode(body + _checksum(body)).decode().rstrip("=")


def _opened(text: str, prefix: str) -> bytes:
    """Return the bytes of a line without their checksum."""
    what = "invitation" if prefix == INVITE else "reply"
    line = "".join(text.split()).upper()
    if len(line) > CHARS_MAX:
        raise BadInput(f"{len(line)} characters; at most {CHARS_MAX}", field=what)
    start, colon, rest = line.partition(":")
    if start + colon != prefix:
        raise BadInput(_not_it(start + colon, prefix), field=what)
    padded = rest + "=" * (-len(rest) % 8)
    try:
        data = base64.b32decode(padded) if rest.isascii() else b""
    except ValueError:
        data = b""
    body, checksum = data[:-_SUM_BYTES], data[-_SUM_BYTES:]
    # Written again and compared: no second spelling of the last character passes.
    if _checksum(body) != checksum or _seal(body) != rest:
        raise BadInput(
            f"a character was lost or changed on its way ({_strange(rest)}); {_SAME_LINE}",
            field=what,
        )
    if body[:2] != bytes([_VERSION, int(prefix == REPLY)]):
        raise BadInput(f"does not say of itself that it is one; {_SAME_LINE}", field=what)
    return body[2:]


def _not_it(start: str, prefix: str) -> str:
    if start == INVITE:
        return "this is an invitation, not a reply to one; answer it with: tansiq join"
    if start == REPLY:
        return "this is a reply, not an invitation; its receiver runs: tansiq pair"
    return f"starts with {start[:20]!r}, not with {prefix}; {_SAME_LINE}"


def _strange(rest: str) -> str:
    """Say which character cannot be there, or else that the checksum noticed."""
    for at, char in enumerate(rest, start=1):
        if char not in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567":
            return f"character {at} after the colon, {char!r}, is none of A to Z and 2 to 7"
    return "its checksum does not fit"


class _Reader:
    """Takes a body apart from its beginning."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    @property
    def left(self) -> bool:
        return bool(self._body)

    def take(self, count: int) -> bytes:
        part, self._body = self._body[:count], self._body[count:]
        if len(part) < count:
            raise BadInput(f"ends too early; {_SAME_LINE}", field="invitation")
        return part

    def text(self) -> str:
        try:
            return self.take(self.take(1)[0]).decode()
        except UnicodeDecodeError as error:
            raise BadInput("a text of it is not UTF-8", field="invitation") from error

    def party(self) -> Party:
        """Return the party, held against everything that an agreement asks of one."""
        party_id, url = self.text(), self.text()
        names = {self.text(): self.text() for _ in range(self.take(1)[0])}
        key = self.take(32)
        tls = self.take(self.take(1)[0])
        party = Party(id=PartyID(party_id), names=names, public_key=key, url=url, tls_sha256=tls)
        try:
            found = read_party_block(party_block(party))
        except BadInput as error:
            raise BadInput(error.message, field=f"invitation.{error.field}") from error
        if found != party:
            raise BadInput(f"writes {url!r} where {found.url!r} is meant", field="invitation.url")
        return found

    def end(self) -> None:
        if self._body:
            raise BadInput(f"goes on after its end; {_SAME_LINE}", field="invitation")
