"""The evidence bundle of a sheet: exported for it, named on every page, kept to be fetched.

As long as nothing was recorded since, a sheet of the same window names the same bundle: what is on
the screen and what is printed a minute later bear one hash.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tansiq.errors import AgreementMismatch, NotFound, TooLarge
from tansiq.formats.bundle import Withheld
from tansiq.formats.sheet import BundleRef
from tansiq.services.record.bundling import Exporter, Wanted
from tansiq.storage.kept_bundles import KeptBundles
from tansiq.storage.record import RecordLog

REMEMBERED_MAX: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which part of the record a sheet is about."""

    since: datetime
    until: datetime
    party: str | None = None
    persons: bool = True
    """Whether persons are named, and free words said."""
    lasts: bool = False
    """It goes on: ``until`` is only the moment of asking."""


_Key = tuple[datetime, datetime | None, str | None, bool]


class SheetBundles:
    """Exports and keeps."""

    def __init__(self, exporter: Exporter, kept: KeptBundles) -> None:
        self._exporter = exporter
        self._kept = kept
        self._one_at_a_time = asyncio.Lock()
        """Signing tens of megabytes is work; viewers may ask for it, but wait for each other."""
        self._made: OrderedDict[_Key, tuple[int, BundleRef]] = OrderedDict()
        """By window: how large the record was, and the bundle of then."""

    async def of(self, span: Span) -> BundleRef:
        """Return the bundle of a window; exported anew where something was recorded since.

        Raises:
            StoreError: it cannot be kept.
        """
        key = (span.since, None if span.lasts else span.until, span.party, span.persons)
        async with self._one_at_a_time:
            tree = await self._exporter.record.store.read(lambda tx: RecordLog(tx).head())
            size, found = self._made.get(key, (-1, None))
            if found is not None and size == tree.size and await self._has(found):
                self._made.move_to_end(key)
                return found
            made = await self._export(span)
            self._made[key] = (tree.size, made)
            self._made.move_to_end(key)
            while len(self._made) > REMEMBERED_MAX:
                self._made.popitem(last=False)
            return made

    async def get(self, sha256: str) -> bytes:
        """Return a bundle by its hash, byte for byte.

        Raises:
            NotFound: it is not, or no longer, kept here.
            StoreError: the disk fails.
        """
        data = await asyncio.to_thread(self._kept.get, sha256)
        if data is None:
            raise NotFound(
                f"no bundle {sha256[:16]}… is kept here: only the latest are; "
                "`tansiq log export` makes one of the same window, with another hash",
                field="bundle",
            )
        return data

    async def _has(self, ref: BundleRef) -> bool:
        return ref.sha256 is None or await asyncio.to_thread(self._kept.has, ref.sha256)

    async def _export(self, span: Span) -> BundleRef:
        withheld = Withheld.NOTHING if span.persons else Withheld.PERSONS
        wanted = Wanted(since=span.since, until=span.until, party=span.party, withhold=withheld)
        problem, sha256, size = "", None, 0
        try:
            data = await self._exporter.bundle(wanted)
        except NotFound:
            problem = "foot.no-record"
        except TooLarge:
            problem = "foot.too-large"
        except AgreementMismatch:
            problem = "foot.changed"
        else:
            sha256, size = await asyncio.to_thread(self._kept.keep, data), len(data)
        return BundleRef(
            since=span.since,
            until=span.until,
            party=span.party,
            withheld=withheld,
            sha256=sha256,
            size=size,
            problem=problem,
        )
