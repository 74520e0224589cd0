"""A bundle that somebody was given, verified by the node: by our own agreement where it can be."""

import asyncio
from hashlib import sha256
from typing import Final

import msgspec

from tansiq.errors import BadInput, TooLarge
from tansiq.formats.bundle import read_bundle
from tansiq.formats.evidence import verify_bundle
from tansiq.formats.findings import Finding, Findings, Notice, Said
from tansiq.storage.store import Store, Tx
from tansiq.storage.versions import VersionRows

BUNDLE_CHARS_MAX: Final = 16_000_000
"""Larger ones take a minute of work; ``tansiq log verify`` takes them."""


class BundleToVerify(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An evidence bundle, as it came."""

    bundle: str


class VerifiedBundle(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle shows."""

    good: bool
    """Nothing in it is wrong."""
    sha256: str
    """Of the bundle's bytes."""
    bytes: int
    pinned: bool
    """Held against a version of the agreement that this node was served under itself; false: it
    rests on the one in the file alone, whose digest somebody has to compare."""
    by: str
    agreement: str
    since: str
    until: str
    made: str
    party: str | None
    size: int
    root: str | None
    entries: int
    findings: tuple[Finding, ...]
    passages: tuple[Notice, ...]
    """How long before its start each notice had arrived, by whose word."""
    notes: tuple[Said, ...]
    not_proven: tuple[str, ...]


class Verifying:
    """Verifies, one bundle at a time: each is a processor's whole attention."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._one_at_a_time = asyncio.Lock()

    async def verify(self, bundle: str) -> VerifiedBundle:
        """Return what a bundle shows.

        Raises:
            TooLarge: longer than is verified here, or with more in it than a bundle may have.
            BadInput: not a bundle.
        """
        if len(bundle) > BUNDLE_CHARS_MAX:
            raise TooLarge(
                f"longer than {BUNDLE_CHARS_MAX:,} characters; tansiq log verify takes it",
                field="bundle",
            )
        try:
            data = bundle.encode()
        except UnicodeEncodeError as error:
            raise BadInput(
                "half of a surrogate pair; send the file as it is", field="bundle"
            ) from (error)
        async with self._one_at_a_time:
            digest = await asyncio.to_thread(_digest, data)

            async def read(tx: Tx) -> bytes | None:
                return await VersionRows(tx).file(digest)

            own = await self._store.read(read)
            return await asyncio.to_thread(_verified, data, own)


def _digest(data: bytes) -> str:
    return read_bundle(data).contents.digest


def _verified(data: bytes, own: bytes | None) -> VerifiedBundle:
    return _view(verify_bundle(data, agreement=own), data)


def _view(found: Findings, data: bytes) -> VerifiedBundle:
    return VerifiedBundle(
        good=found.verified,
        sha256=sha256(data).hexdigest(),
        bytes=len(data),
        pinned=found.pinned,
        by=found.by,
        agreement=found.agreement,
        since=found.since,
        until=found.until,
        made=found.made,
        party=found.party,
        size=found.size,
        root=found.root,
        entries=found.entries,
        findings=found.findings,
        passages=found.notices,
        notes=found.notes,
        not_proven=found.not_proven,
    )
