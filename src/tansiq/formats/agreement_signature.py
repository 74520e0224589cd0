"""A party's signature under one version of an agreement: a signed text, apart from the file.

    tansiq/agreement-signature@v1
    name: Two valleys
    version: 2
    digest: 64 hex              SHA-256 of the file
    previous: 64 hex            of version 1's file; the line is absent in version 1
    signer: north
    time: 2026-11-28T14:00:00.123456Z

The key is the party's own, under the name ``PARTY/agreement``, so that a signature of no other use
passes for this one. Exactly these lines in this order; anything else is refused.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tansiq.domain.agreement import Agreement, Party
from tansiq.domain.amendment import Signer
from tansiq.domain.intent import PartyID
from tansiq.domain.time import parse_rfc3339
from tansiq.errors import BadInput
from tansiq.formats import seal

FIRST_LINE: Final = "tansiq/agreement-signature@v1\n"
_TEXT: Final = re.compile(
    FIRST_LINE
    + r"name: (.{1,120})\nversion: ([1-9]\d{0,6})\ndigest: ([0-9a-f]{64})\n"
    + r"(?:previous: ([0-9a-f]{64})\n)?signer: ([a-z0-9._-]{1,60})\ntime: (\S{27})\n",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementSignature:
    """What a party signs."""

    name: str
    version: int
    digest: str
    previous: str
    signer: PartyID
    time: datetime
    """By the signer's clock."""

    def text(self) -> str:
        """Write it in its one spelling."""
        at = self.time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        previous = f"previous: {self.previous}\n" if self.previous else ""
        return (
            f"{FIRST_LINE}name: {self.name}\nversion: {self.version}\ndigest: {self.digest}\n"
            f"{previous}signer: {self.signer}\ntime: {at}Z\n"
        )


def key_name(party: str) -> str:
    """Return the name of a party's key where it signs agreements."""
    return f"{party}/agreement"


def sign_agreement(
    agreement: Agreement, party: PartyID, key: Ed25519PrivateKey, now: datetime
) -> bytes:
    """Return our signature under a version of an agreement."""
    signature = AgreementSignature(
        name=agreement.name,
        version=agreement.version,
        digest=agreement.digest,
        previous=agreement.previous,
        signer=party,
        time=now,
    )
    return seal.sign(signature.text(), name=key_name(party), key=key)


def is_signature(data: bytes) -> bool:
    """Report whether a file means to be such a signature, rather than an agreement."""
    return data.startswith(FIRST_LINE.encode())


def read_signature(data: bytes) -> AgreementSignature:
    """Return what a signature says; whether it holds is ``signer_of``'s.

    Raises:
        BadInput: it says something else, or in another spelling.
    """
    match = _TEXT.fullmatch(text := seal.text_of(data))
    if match is None:
        raise BadInput("not a signature under an agreement; use the file as it came", field="text")
    found = AgreementSignature(
        name=match[1],
        version=int(match[2]),
        digest=match[3],
        previous=match[4] or "",
        signer=PartyID(match[5]),
        time=parse_rfc3339(match[6], "time"),
    )
    if found.text() != text:
        raise BadInput("not in its one spelling; use the file as it came", field="text")
    return found


def signer_of(data: bytes, agreement: Agreement, parties: Iterable[Party]) -> Signer:
    """Return who signed a version, and with which of the keys that ``parties`` have.

    Raises:
        BadInput: it is of another agreement or of somebody else, or does not hold.
    """
    found = read_signature(data)
    if found.digest != agreement.digest:
        raise BadInput(
            f"is for {found.digest[:12]}, and the file is {agreement.digest[:12]}", field="digest"
        )
    said = (found.name, found.version, found.previous)
    if said != (agreement.name, agreement.version, agreement.previous):
        raise BadInput("names another version than the file it is for", field="version")
    keys = [party.public_key for party in parties if party.id == found.signer]
    for key in keys:
        try:
            seal.verify(data, name=key_name(found.signer), public_key=key)
        except BadInput:
            continue
        return Signer(found.signer, key)
    if not keys:
        raise BadInput(f"{found.signer} is no party of this agreement", field="signer")
    raise BadInput(f"does not hold under the key of {found.signer}", field="signature")
