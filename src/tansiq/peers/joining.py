"""Two parties meet: an invitation, a reply, six words, and the first agreement.

Works on data folders only. The lines travel as people like: mail, a code on a screen, paper, or
a request of another node, for which ``take_reply`` is the function to call.

    DATA/invitations    our open invitations, one line each; only ours to read
    DATA/answered       which invitations were answered lately, and by which party
    DATA/peers/ID.toml  what a party said of itself: its entry for the agreement
"""

import fcntl
import hmac
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from tansiq.domain.agreement import Agreement, Minima, Party
from tansiq.domain.time import zulu
from tansiq.domain.volume import Outline
from tansiq.errors import BadInput
from tansiq.formats.agreement import party_block, read_agreement, read_party_block
from tansiq.formats.agreement_draft import MINIMA_USUAL, draft_agreement
from tansiq.formats.invitation import (
    DRAFT_BYTES,
    SECRET_BYTES,
    Invitation,
    Proposal,
    Reply,
    proof_of,
    read_invitation,
    read_reply,
    write_invitation,
    write_reply,
)
from tansiq.formats.spoken import common_hash
from tansiq.peers.identity import PARTY, load_fingerprint, load_signing_key, public_key
from tansiq.settings import load_settings

INVITATIONS: Final = "invitations"
ANSWERED: Final = "answered"
PEERS: Final = "peers"
OPEN_MAX: Final = 16
"""Invitations open at once; a further one closes the oldest."""
VALID_MAX: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """What both sides have after an invitation and its reply."""

    own: Party
    other: Party
    hash: bytes
    """Of both identities; what the six words show."""
    agreement: bytes
    """The draft; empty where no area was proposed."""
    reply: str = ""
    """Our line for the inviter, where we joined."""


def own_entry(data: Path) -> Party:
    """Return what a node says of itself, held against its keys.

    Raises:
        BadInput: the folder holds no node, or its entry is not that of its keys.
    """
    path = data / PARTY
    try:
        party = read_party_block(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", field=str(path)) from error
    except UnicodeDecodeError as error:
        raise BadInput("is not UTF-8", field=str(path)) from error
    if party.public_key != public_key(load_signing_key(data)):
        raise BadInput("has another public_key than signing.key; restore it", field=str(path))
    if party.tls_sha256 and party.tls_sha256 != load_fingerprint(data):
        raise BadInput("has another tls_sha256 than tls.crt; restore it", field=str(path))
    return replace(party, desks=())


def invite(
    data: Path, *, proposal: Proposal | None, now: datetime, valid: timedelta
) -> tuple[Invitation, str]:
    """Open an invitation, and return it with its line.

    Raises:
        BadInput: the folder holds no node, or cannot be written.
    """
    if not timedelta(0) < valid <= VALID_MAX:
        raise BadInput(f"is not above 0 and at most {VALID_MAX.days} d", field="valid")
    invitation = Invitation(
        party=own_entry(data),
        secret=secrets.token_bytes(SECRET_BYTES),
        ends=(now + valid).replace(microsecond=0),
        proposal=proposal,
    )
    line = write_invitation(invitation)
    with _alone(data):
        _write_open(data, [*_open(data, now), line][-OPEN_MAX:])
    # As the other side reads it: degrees are rounded on the way.
    return read_invitation(line), line


def join(data: Path, line: str, now: datetime) -> Meeting:
    """Answer an invitation from our folder: remember the inviter, and draft what both would hold.

    Raises:
        BadInput: the invitation is not whole, over, our own, or of somebody known otherwise; or an
            agreement is there already.
    """
    invitation = read_invitation(line)
    if now > invitation.ends:
        raise BadInput(f"ended at {zulu(invitation.ends)}; ask for another one", field="invitation")
    own, other = own_entry(data), invitation.party
    _check_distinct(own, other)
    agreement = b""
    if invitation.proposal:
        proposed = invitation.proposal
        agreement = draft_agreement(other, own, area=proposed.area, minima=proposed.minima)
    _check_known(data, other)
    _check_agreement(data, agreement)
    draft = _draft_mark(agreement)
    reply = Reply(party=own, draft=draft, proof=proof_of(invitation.secret, own, draft))
    _keep(data, other, agreement)
    return Meeting(
        own=own,
        other=other,
        hash=_hash(own, other),
        agreement=agreement,
        reply=write_reply(reply),
    )


def take_reply(
    data: Path,
    line: str,
    now: datetime,
    *,
    area: Outline | None = None,
    minima: Minima = MINIMA_USUAL,
) -> Meeting:
    """Take the reply to one of our open invitations, which is closed by it.

    ``area`` and ``minima`` are for an invitation that proposed nothing.

    Raises:
        BadInput: the reply is not whole, or answers no open invitation of ours; or the two sides
            would hold different agreements.
    """
    reply = read_reply(line)
    with _alone(data):
        return _taken(data, reply, now, area=area, minima=minima)


def open_marks(data: Path, now: datetime) -> frozenset[str]:
    """Return marks of the invitations that can be answered. Raises BadInput."""
    return frozenset(map(_mark, _open(data, now)))


def answer_to(data: Path, line: str) -> Meeting | None:
    """Return the meeting that an invitation of ours has led to; None: none yet.

    Where an agreement is there already nothing was drafted, and none is in it.

    Raises:
        BadInput: the folder is damaged.
    """
    mark = _mark(line)
    for entry in _lines(data / ANSWERED):
        answered, _, party = entry.partition(" ")
        if answered == mark:
            own, other = own_entry(data), _read_entry(data / PEERS / f"{party}.toml")
            return Meeting(own=own, other=other, hash=_hash(own, other), agreement=b"")
    return None


def _taken(
    data: Path, reply: Reply, now: datetime, *, area: Outline | None, minima: Minima
) -> Meeting:
    own, other = own_entry(data), reply.party
    _check_distinct(own, other)
    lines = _open(data, now)
    answered = _answered(lines, reply)
    invitation = read_invitation(answered)
    if invitation.party != own:
        raise BadInput("our entry is not what we invited with; invite again", field="reply")
    agreement = b""
    if invitation.proposal:
        if area is not None:
            raise BadInput("the invitation proposed the area; leave this out", field="area")
        proposed = invitation.proposal
        agreement = draft_agreement(own, other, area=proposed.area, minima=proposed.minima)
        if _draft_mark(agreement) != reply.draft:
            raise BadInput(
                "the other side drafted another agreement; run the same version on both nodes",
                field="reply",
            )
    elif area is not None:
        agreement = draft_agreement(own, other, area=area, minima=minima)
    elif not load_settings(data).agreement.exists():
        raise BadInput(
            "the invitation proposed none, and there is no agreement; give --center or --area",
            field="area",
        )
    _check_known(data, other)
    _check_agreement(data, agreement)
    _keep(data, other, agreement)
    _write_open(data, [each for each in lines if each != answered])
    lately = [*_lines(data / ANSWERED), f"{_mark(answered)} {other.id}"]
    put_whole(data / ANSWERED, "".join(f"{each}\n" for each in lately[-OPEN_MAX:]).encode())
    return Meeting(own=own, other=other, hash=_hash(own, other), agreement=agreement)


def known_peers(data: Path) -> tuple[Party, ...]:
    """Return the entries of the parties that we met, by id.

    Raises:
        BadInput: one is not an entry.
    """
    return tuple(_read_entry(path) for path in sorted((data / PEERS).glob("*.toml")))


def check_as_met(agreement: Agreement, met: Sequence[Party]) -> None:
    """Check that an agreement has the identities that parties showed when we met.

    Raises:
        BadInput: a key, URL or fingerprint is another one.
    """
    for known in met:
        entry = agreement.party(known.id)
        if entry is None:
            continue
        for name in ("public_key", "url", "tls_sha256"):
            if getattr(entry, name) != getattr(known, name):
                raise BadInput(
                    f"is not the one in {PEERS}/{known.id}.toml, which {known.id} showed when you "
                    "met; ask its desk, by voice",
                    field=f"party {known.id}.{name}",
                )


def _hash(a: Party, b: Party) -> bytes:
    return common_hash([party_block(party).encode() for party in (a, b)])


def _draft_mark(agreement: bytes) -> bytes:
    if not agreement:
        return bytes(DRAFT_BYTES)
    return bytes.fromhex(read_agreement(agreement).digest)[:DRAFT_BYTES]


def _check_distinct(own: Party, other: Party) -> None:
    for name in ("id", "public_key", "url"):
        if getattr(own, name) == getattr(other, name):
            raise BadInput(
                f"the other side has the same {name} as we; each has its own", field=f"party.{name}"
            )


def _check_known(data: Path, other: Party) -> None:
    path = data / PEERS / f"{other.id}.toml"
    if path.exists() and _read_entry(path) != other:
        raise BadInput(
            f"{other.id} said something else of itself before; if its desk confirms the new "
            "words by voice, delete this file first",
            field=str(path),
        )


def _check_agreement(data: Path, agreement: bytes) -> None:
    path = load_settings(data).agreement
    if agreement and path.exists() and path.read_bytes() != agreement:
        raise BadInput(
            "is there already; a third party joins by a new version of it (docs/agreement.md). "
            "To start anew, move it away first",
            field=str(path),
        )


def _answered(lines: Sequence[str], reply: Reply) -> str:
    for line in lines:
        expected = proof_of(read_invitation(line).secret, reply.party, reply.draft)
        if hmac.compare_digest(expected, reply.proof):
            return line
    raise BadInput(
        "answers no open invitation of ours: it was used, has ended, or was changed on its way; "
        "invite again",
        field="reply",
    )


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Keep every other process from the invitations: two replies must not use the same one."""
    path = data / f".{INVITATIONS}.lock"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise BadInput(f"cannot be locked ({error.strerror})", field=str(path)) from error


def _mark(line: str) -> str:
    return sha256("".join(line.split()).encode()).hexdigest()[:16]


def _open(data: Path, now: datetime) -> list[str]:
    return [line for line in _lines(data / INVITATIONS) if read_invitation(line).ends >= now]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("cannot be read; delete it", field=str(path)) from error


def _write_open(data: Path, lines: Sequence[str]) -> None:
    put_whole(data / INVITATIONS, "".join(f"{line}\n" for line in lines).encode(), mode=0o600)


def _keep(data: Path, other: Party, agreement: bytes) -> None:
    (data / PEERS).mkdir(mode=0o700, exist_ok=True)
    put_whole(data / PEERS / f"{other.id}.toml", party_block(other).encode())
    if agreement:
        put_whole(load_settings(data).agreement, agreement)


def _read_entry(path: Path) -> Party:
    try:
        return read_party_block(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, BadInput) as error:
        raise BadInput(f"is no entry of a party ({error})", field=str(path)) from error


def put_whole(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Put a file in place whole, or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadInput(f"cannot be written ({error.strerror})", field=str(path)) from error
