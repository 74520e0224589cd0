"""What the watch must not forget: alarms, whose aircraft an address is, rings."""

from dataclasses import dataclass

from tansiq.storage.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """One alarm; ``changed`` is microseconds UTC."""

    id: str
    open: bool
    changed: int
    document: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingRow:
    """What a person has said of an address; ``until`` is microseconds UTC."""

    address: str
    intent: str
    """Empty: it flies no plan, whatever its call sign says."""
    until: int
    said_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RingRow:
    """One ring; ``until`` is microseconds UTC."""

    id: str
    until: int
    document: bytes


_PUT_ALARM = """
INSERT INTO alarm (id, open, changed, document)
VALUES (:id, :open, :changed, :document)
ON CONFLICT (id) DO UPDATE
   SET open = excluded.open, changed = excluded.changed, document = excluded.document
"""

_OPEN_ALARMS = "SELECT id, open, changed, document FROM alarm WHERE open = 1 ORDER BY changed, id"

_PAST_ALARMS = """
SELECT id, open, changed, document
  FROM alarm
 WHERE open = 0 AND changed >= :since
 ORDER BY changed DESC, id
 LIMIT :most
"""

_ALARM = "SELECT id, open, changed, document FROM alarm WHERE id = :id"

_DROP_PAST = """
DELETE FROM alarm
 WHERE open = 0
   AND (changed < :before
        OR id IN (SELECT id FROM alarm WHERE open = 0
                   ORDER BY changed DESC LIMIT 1000000000 OFFSET :kept))
"""

_PUT_BINDING = """
INSERT INTO track_binding (address, intent, until, said_by)
VALUES (:address, :intent, :until, :said_by)
ON CONFLICT (address) DO UPDATE
   SET intent = excluded.intent, until = excluded.until, said_by = excluded.said_by
"""

_DROP_BINDING = "DELETE FROM track_binding WHERE address = :address"

_BINDINGS = "SELECT address, intent, until, said_by FROM track_binding ORDER BY address"

_DROP_OLD_BINDINGS = "DELETE FROM track_binding WHERE until < :now"

_PUT_RING = """
INSERT INTO ring (id, until, document)
VALUES (:id, :until, :document)
ON CONFLICT (id) DO UPDATE SET until = excluded.until, document = excluded.document
"""

_DROP_RING = "DELETE FROM ring WHERE id = :id"

_RINGS = "SELECT id, until, document FROM ring ORDER BY id"

_DROP_OLD_RINGS = "DELETE FROM ring WHERE until < :now"


class WatchTables:
    """The tables of the watch, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    # ---- alarms

    async def put_alarm(self, row: AlarmRow) -> None:
        """Write one alarm as it is now."""
        await self._tx.execute(
            _PUT_ALARM,
            {
                "id": row.id,
                "open": int(row.open),
                "changed": row.changed,
                "document": row.document,
            },
        )

    async def open_alarms(self) -> list[AlarmRow]:
        """Return all open alarms, the latest change last."""
        return [_alarm(row) for row in await self._tx.fetch(_OPEN_ALARMS)]

    async def past_alarms(self, *, since: int, most: int) -> list[AlarmRow]:
        """Return alarms that are history, the latest first; shown only, never decided by."""
        rows = await self._tx.fetch(_PAST_ALARMS, {"since": since, "most": most})
        return [_alarm(row) for row in rows]

    async def alarm(self, alarm_id: str) -> AlarmRow | None:
        """Return one alarm, or None."""
        row = await self._tx.fetch_one(_ALARM, {"id": alarm_id})
        return None if row is None else _alarm(row)

    async def drop_past(self, *, before: int, kept: int) -> int:
        """Forget history that changed ``before``, and the oldest of it above ``kept``."""
        return await self._tx.execute(_DROP_PAST, {"before": before, "kept": kept})

    # ---- bindings

    async def bind(self, row: BindingRow) -> None:
        """Write whose aircraft an address is."""
        await self._tx.execute(
            _PUT_BINDING,
            {
                "address": row.address,
                "intent": row.intent,
                "until": row.until,
                "said_by": row.said_by,
            },
        )

    async def unbind(self, address: str) -> bool:
        """Forget what was said of an address; report whether anything was."""
        return await self._tx.execute(_DROP_BINDING, {"address": address}) > 0

    async def bindings(self, now: int) -> list[BindingRow]:
        """Return what was said of addresses and holds; forget the rest."""
        await self._tx.execute(_DROP_OLD_BINDINGS, {"now": now})
        return [
            BindingRow(address=address, intent=intent, until=until, said_by=said_by)
            for address, intent, until, said_by in await self._tx.fetch(_BINDINGS)
        ]

    # ---- rings

    async def put_ring(self, row: RingRow) -> None:
        """Write one ring."""
        await self._tx.execute(
            _PUT_RING, {"id": row.id, "until": row.until, "document": row.document}
        )

    async def drop_ring(self, ring_id: str) -> bool:
        """Forget one ring; report whether it was there."""
        return await self._tx.execute(_DROP_RING, {"id": ring_id}) > 0

    async def rings(self, now: int) -> list[RingRow]:
        """Return all rings that hold; forget the rest."""
        await self._tx.execute(_DROP_OLD_RINGS, {"now": now})
        return [
            RingRow(id=ring_id, until=until, document=document)
            for ring_id, until, document in await self._tx.fetch(_RINGS)
        ]


def _alarm(row: tuple[object, ...]) -> AlarmRow:
    alarm_id, is_open, changed, document = row
    assert isinstance(changed, int) and isinstance(document, bytes)  # noqa: S101, PT018 - our schema
    return AlarmRow(id=str(alarm_id), open=is_open == 1, changed=changed, document=document)
