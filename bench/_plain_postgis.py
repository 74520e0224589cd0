"""The register as one would write it over PostGIS at first: a row an intent, SERIALIZABLE, retries.

Each intent has its outline in the plane (a circle's 32 corners) and its box in four dimensions
(x, y, altitude, time) under a GiST n-D index. A write reads the old version, searches what it
meets, compares OVNs with the key, writes, and begins again where the server says that it collided.
It knows neither subscriptions nor suppliers that are down, and of a request it reads what it
needs: all in its favour.
"""

import asyncio
import math
import random
import struct
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from tansiq.storage.intents import IntentRow

SCHEMA = """
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE TABLE plan (
    id uuid PRIMARY KEY, manager text, state text, version int8, ovn text, url text,
    starts int8, ends int8, low float8, high float8, outline geometry, box geometry
)
"""
INDEX = "CREATE INDEX ON plan USING gist (box gist_geometry_ops_nd); ANALYZE plan"
_BEGIN = "BEGIN ISOLATION LEVEL SERIALIZABLE"
_OLD = "SELECT manager, version, ovn FROM plan WHERE id = $1"
_MEET = """
SELECT id, ovn FROM plan
 WHERE box &&& $1::bytea::geometry AND starts <= $2 AND ends >= $3 AND low <= $4 AND high >= $5
   AND ST_Intersects(outline, $6::bytea::geometry)
"""
_PUT = """
INSERT INTO plan (id, manager, state, version, ovn, url, starts, ends, low, high, outline, box)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::bytea::geometry, $12::bytea::geometry)
ON CONFLICT (id) DO UPDATE
   SET state = $3, version = $4, ovn = $5, url = $6, starts = $7, ends = $8, low = $9, high = $10,
       outline = $11::bytea::geometry, box = $12::bytea::geometry
"""
_VERSIONS = "SELECT id, ovn FROM plan WHERE id = ANY($1::uuid[])"
_DELETE = "DELETE FROM plan WHERE id = $1"
_COLLIDED = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.UniqueViolationError,
)
_LINE_ZM, _POLYGON = 2 | 0x80000000 | 0x40000000, 3
_CORNERS = 32
_DEGREE_M = 111_320.0
_HOURS = 1e-6 / 3_600
"""Time as a coordinate that is neither much longer nor much shorter than the others."""


def _outline(lat: float, lng: float, radius_m: float) -> bytes:
    """Return the polygon about a circle, as WKB."""
    reach = radius_m / math.cos(math.pi / _CORNERS) / _DEGREE_M
    flat = []
    for i in range(_CORNERS + 1):
        turn = 2 * math.pi * (i % _CORNERS) / _CORNERS
        across = reach / math.cos(math.radians(lat))
        flat += [lng + across * math.cos(turn), lat + reach * math.sin(turn)]
    return struct.pack(f"<BIII{len(flat)}d", 1, _POLYGON, 1, _CORNERS + 1, *flat)


def _box(
    where: tuple[float, float, float], band: tuple[float, float], span: tuple[int, int]
) -> bytes:
    """Return the diagonal of the box, as EWKB."""
    lat, lng, radius_m = where
    high = radius_m / math.cos(math.pi / _CORNERS) / _DEGREE_M
    wide = high / math.cos(math.radians(lat))
    first = (lng - wide, lat - high, band[0], span[0] * _HOURS)
    last = (lng + wide, lat + high, band[1], span[1] * _HOURS)
    return struct.pack("<BII8d", 1, _LINE_ZM, 2, *first, *last)


def _us(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e6)


def records(rows: Iterable[IntentRow], places: Iterable[tuple[float, float]]) -> Iterable[Any]:
    """Return the rows of intents that stand elsewhere, 300 m about their places."""
    for row, (lat, lng) in zip(rows, places, strict=True):
        patch = row.cover.patches[0]
        span, band = (row.time_start, row.time_end), (patch.low_m, patch.high_m)
        outline = _outline(lat, lng, 300.0)
        yield (
            row.id, row.manager, row.state, 1, row.ovn, row.uss_base_url, *span, *band,
            outline, _box((lat, lng, 300.0), band, span),
        )  # fmt: skip


class Plain:
    """The plain design behind clients like those of ``_direct``."""

    def __init__(self, pool: Any, seed: int) -> None:
        self.pool = pool
        self.random = random.Random(seed)
        self.collisions = 0

    def client(self, uss: str) -> "PlainClient":
        return PlainClient(self, uss)

    async def close(self) -> None:
        await self.pool.close()


class PlainClient:
    """One supplier; speaks of intents of one cylinder only."""

    def __init__(self, plain: Plain, uss: str) -> None:
        self.uss = uss
        self._plain = plain

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        name, *rest = path.split("/")[4:]
        params = msgspec.json.decode(body) if body else None
        pause_s = 0.001
        while True:
            try:
                status, answer = await self._once(name, rest[0] if rest else None, params)
                return status, msgspec.json.encode(answer)
            except _COLLIDED:
                self._plain.collisions += 1
                await asyncio.sleep(self._plain.random.uniform(0.5, 1.0) * pause_s)
                pause_s = min(2 * pause_s, 0.1)

    async def _once(self, name: str, ovn: str | None, params: Any) -> tuple[int, Any]:
        async with self._plain.pool.acquire() as connection:
            await connection.execute(_BEGIN)
            try:
                status, answer = await self._write(connection, name, ovn, params)
                await connection.execute("COMMIT" if status != 409 else "ROLLBACK")
            except BaseException:
                await connection.execute("ROLLBACK")
                raise
            return status, answer

    async def _write(
        self, connection: Any, name: str, ovn: str | None, params: Any
    ) -> tuple[int, Any]:
        old = await connection.fetchrow(_OLD, name)
        assert (None if old is None else old[2]) == ovn
        if params is None:
            await connection.execute(_DELETE, name)
            return 200, {}
        volume = params["extents"][0]["volume"]
        circle = volume["outline_circle"]
        where = (*circle["center"].values(), circle["radius"]["value"])
        band = (volume["altitude_lower"]["value"], volume["altitude_upper"]["value"])
        span = (
            _us(params["extents"][0]["time_start"]["value"]),
            _us(params["extents"][0]["time_end"]["value"]),
        )
        outline, box = _outline(*where), _box(where, band, span)
        met = await connection.fetch(_MEET, box, span[1], span[0], band[1], band[0], outline)
        missing = [row for row in met if str(row[0]) != name and row[1] not in params["key"]]
        if missing:
            return 409, {"missing_operational_intents": [{"id": str(row[0])} for row in missing]}
        version = 1 if old is None else old[1] + 1
        made = f"{self._plain.random.getrandbits(128):032x}"
        await connection.execute(
            _PUT, name, self.uss, params["state"], version, made, params["uss_base_url"],
            *span, *band, outline, box,
        )  # fmt: skip
        return (201 if old is None else 200), {"operational_intent_reference": {"ovn": made}}

    async def ask_json(self, method: str, path: str, document: Any = None) -> tuple[int, Any]:
        body = b"" if document is None else msgspec.json.encode(document)
        status, answer = await self.ask(method, path, body)
        return status, msgspec.json.decode(answer)

    async def versions(self, names: Collection[str]) -> dict[str, str]:
        """Return the OVNs of those that stand, as their managers would tell them."""
        rows = await self._plain.pool.fetch(_VERSIONS, list(names))
        return {str(row[0]): row[1] for row in rows}

    def close(self) -> None:
        """Nothing is open."""
