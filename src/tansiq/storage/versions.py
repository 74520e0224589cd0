"""The versions of the agreement that this store was used under, and registers not yet filled."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from tansiq.storage.store import Row, Tx

_LAST = "SELECT seq, digest, since, file FROM agreement ORDER BY seq DESC LIMIT 1"

_DIGESTS = "SELECT digest FROM agreement ORDER BY seq"

_PUT = "INSERT INTO agreement (seq, digest, since, file) VALUES (:seq, :digest, :since, :file)"

_FILE = "SELECT file FROM agreement WHERE digest = :digest ORDER BY seq DESC LIMIT 1"

_OF_OTHERS = """
SELECT entity FROM view WHERE own = 0 AND time_end >= :at
 UNION SELECT id FROM intent WHERE manager <> :party AND time_end >= :at
 UNION SELECT id FROM constraint_reference WHERE manager <> :party AND time_end >= :at
 ORDER BY 1
"""

_LACKING = "SELECT register, ids FROM register_lacking"

_PUT_LACKING = """
INSERT INTO register_lacking (register, ids) VALUES (:register, :ids)
ON CONFLICT (register) DO UPDATE SET ids = excluded.ids
"""

_DROP_LACKING = "DELETE FROM register_lacking WHERE register = :register"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One version as it was served."""

    seq: int
    digest: str
    since: int
    """Microseconds UTC."""
    file: bytes


class VersionRows:
    """Both tables, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def last(self) -> VersionRow | None:
        """Return the version in force; None in a store that has none yet."""
        row = await self._tx.fetch_one(_LAST)
        return None if row is None else _version(row)

    async def digests(self) -> list[str]:
        """Return the digests of all, in the order in which they were served."""
        return [str(row[0]) for row in await self._tx.fetch(_DIGESTS)]

    async def file(self, digest: str) -> bytes | None:
        """Return the file of a version that was served here; None: none of that digest was."""
        row = await self._tx.fetch_one(_FILE, {"digest": digest})
        return None if row is None else bytes(row[0])

    async def of_others(self, party: str, at: int) -> list[str]:
        """Return the plans and no-go areas of others that are known here and not over by ``at``.

        As registers were when they were last read, and as our own register is.
        """
        rows = await self._tx.fetch(_OF_OTHERS, {"party": party, "at": at})
        return [str(row[0]) for row in rows]

    async def add(self, digest: str, since: int, file: bytes) -> None:
        """Note that a version is in force from now on."""
        last = await self.last()
        seq = 1 if last is None else last.seq + 1
        await self._tx.execute(_PUT, {"seq": seq, "digest": digest, "since": since, "file": file})

    async def lacking(self) -> dict[str, frozenset[str] | None]:
        """Return what registers lack that count anew; None where nobody has looked yet."""
        rows = await self._tx.fetch(_LACKING)
        return {
            str(name): None if ids is None else frozenset(map(str, json.loads(ids)))
            for name, ids in rows
        }

    async def put_lacking(self, register: str, ids: Collection[str] | None) -> None:
        """Keep what a register lacks; where that is nothing it is full."""
        if ids is not None and not ids:
            await self._tx.execute(_DROP_LACKING, {"register": register})
            return
        text = None if ids is None else json.dumps(sorted(ids))
        await self._tx.execute(_PUT_LACKING, {"register": register, "ids": text})

    async def forget_lacking(self, register: str) -> None:
        """Forget a register that does not count any more."""
        await self._tx.execute(_DROP_LACKING, {"register": register})


def _version(row: Row) -> VersionRow:
    seq, digest, since, file = row
    return VersionRow(seq=int(seq), digest=str(digest), since=int(since), file=bytes(file))
