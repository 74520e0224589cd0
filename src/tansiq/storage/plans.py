"""Own plans, their volume sets, and what each register's holders see of anything.

Rows in, rows out: documents are bytes here, their meaning is the services'.
"""

from dataclasses import dataclass

from tansiq.errors import NotFound
from tansiq.storage.store import Row, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """One row of ``plan``; times are microseconds UTC."""

    id: str
    intent_id: str
    phase: str
    callsign: str
    formation: str
    priority: int
    category: str | None
    time_start: int
    time_end: int
    placement: bytes
    verdict: bytes | None
    updated: int
    warnings: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSet:
    """Volumes of a plan under a number, with their altitudes as given."""

    plan_id: str
    number: int
    volumes: bytes
    stated: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewRow:
    """What the holders of one register see of one entity: OVN and volumes from one moment."""

    register: str
    entity: str
    kind: str
    own: bool
    version: int
    time_end: int
    document: bytes


_COLUMNS = """id, intent_id, phase, callsign, formation, priority, time_start, time_end,
       placement, verdict, updated, warnings, category"""

_GET = f"SELECT {_COLUMNS} FROM plan WHERE id = :id"  # noqa: S608 - a constant, no input in it
_BY_INTENT = f"SELECT {_COLUMNS} FROM plan WHERE intent_id = :intent_id"  # noqa: S608 - same
_ALL = f"SELECT {_COLUMNS} FROM plan ORDER BY time_start, id"  # noqa: S608 - same
_LIVING = f"SELECT {_COLUMNS} FROM plan WHERE phase <> 'ended' ORDER BY time_start, id"  # noqa: S608 - same

_PUT = """
INSERT INTO plan (id, intent_id, phase, callsign, formation, priority, time_start, time_end,
                  placement, verdict, updated, warnings, category)
VALUES (:id, :intent_id, :phase, :callsign, :formation, :priority, :time_start, :time_end,
        :placement, :verdict, :updated, :warnings, :category)
ON CONFLICT (id) DO UPDATE
   SET intent_id = excluded.intent_id, phase = excluded.phase,
       time_start = excluded.time_start, time_end = excluded.time_end,
       placement = excluded.placement, verdict = excluded.verdict, updated = excluded.updated,
       warnings = excluded.warnings
"""

_PUT_VOLUMES = """
INSERT INTO volume_set (plan_id, number, volumes, stated)
VALUES (:plan_id, :number, :volumes, :stated)
"""

_VOLUMES = """
SELECT plan_id, number, volumes, stated FROM volume_set WHERE plan_id = :plan_id ORDER BY number
"""

_ALL_VOLUMES = """
SELECT v.plan_id, v.number, v.volumes, v.stated
  FROM volume_set AS v JOIN plan AS p ON p.id = v.plan_id
 WHERE p.phase <> 'ended'
"""

_PUT_VIEW = """
INSERT INTO view (register, entity, kind, own, version, time_end, document)
VALUES (:register, :entity, :kind, :own, :version, :time_end, :document)
ON CONFLICT (register, entity) DO UPDATE
   SET kind = excluded.kind, own = excluded.own, version = excluded.version,
       time_end = excluded.time_end, document = excluded.document
"""

_DROP_VIEW = "DELETE FROM view WHERE register = :register AND entity = :entity"

_VIEWS = "SELECT register, entity, kind, own, version, time_end, document FROM view"

_VIEW = """
SELECT register, entity, kind, own, version, time_end, document
  FROM view
 WHERE register = :register AND entity = :entity
"""

_DROP_OLD_VIEWS = "DELETE FROM view WHERE time_end < :before AND own = 0"


def _plan(row: Row) -> PlanRow:
    return PlanRow(
        id=row[0],
        intent_id=row[1],
        phase=row[2],
        callsign=row[3],
        formation=row[4],
        priority=row[5],
        time_start=row[6],
        time_end=row[7],
        placement=row[8],
        verdict=row[9],
        updated=row[10],
        warnings=row[11],
        category=row[12],
    )


class Plans:
    """The plan tables, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def get(self, plan_id: str) -> PlanRow:
        """Return one plan.

        Raises:
            NotFound: there is none of that id.
        """
        row = await self._tx.fetch_one(_GET, {"id": plan_id})
        if row is None:
            raise NotFound(f"no plan {plan_id} here; `tansiq plan list --all` shows all")
        return _plan(row)

    async def by_intent(self, intent_id: str) -> PlanRow | None:
        """Return the plan whose present attempt has that entity id."""
        row = await self._tx.fetch_one(_BY_INTENT, {"intent_id": intent_id})
        return None if row is None else _plan(row)

    async def all(self, *, ended: bool) -> list[PlanRow]:
        """Return the plans by start time, ended ones only if asked."""
        return [_plan(row) for row in await self._tx.fetch(_ALL if ended else _LIVING)]

    async def put(self, plan: PlanRow) -> None:
        """Insert or overwrite one plan."""
        await self._tx.execute(
            _PUT,
            {
                "id": plan.id,
                "intent_id": plan.intent_id,
                "phase": plan.phase,
                "callsign": plan.callsign,
                "formation": plan.formation,
                "priority": plan.priority,
                "time_start": plan.time_start,
                "time_end": plan.time_end,
                "placement": plan.placement,
                "verdict": plan.verdict,
                "updated": plan.updated,
                "warnings": plan.warnings,
                "category": plan.category,
            },
        )

    async def add_volumes(self, volumes: VolumeSet) -> None:
        """Keep a volume set; sets are never changed."""
        await self._tx.execute(
            _PUT_VOLUMES,
            {
                "plan_id": volumes.plan_id,
                "number": volumes.number,
                "volumes": volumes.volumes,
                "stated": volumes.stated,
            },
        )

    async def volumes(self, plan_id: str | None = None) -> list[VolumeSet]:
        """Return the sets of one plan, or of all living plans."""
        rows = (
            await self._tx.fetch(_ALL_VOLUMES)
            if plan_id is None
            else await self._tx.fetch(_VOLUMES, {"plan_id": plan_id})
        )
        return [VolumeSet(plan_id=r[0], number=r[1], volumes=r[2], stated=r[3]) for r in rows]


class Views:
    """The ``view`` table, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def put(self, view: ViewRow) -> None:
        """Replace what a register's holders see of one entity."""
        await self._tx.execute(
            _PUT_VIEW,
            {
                "register": view.register,
                "entity": view.entity,
                "kind": view.kind,
                "own": int(view.own),
                "version": view.version,
                "time_end": view.time_end,
                "document": view.document,
            },
        )

    async def drop(self, register: str, entity: str) -> None:
        """Forget an entity at one register."""
        await self._tx.execute(_DROP_VIEW, {"register": register, "entity": entity})

    async def drop_older(self, before: int) -> None:
        """Forget foreign entities that ended before a time, microseconds UTC."""
        await self._tx.execute(_DROP_OLD_VIEWS, {"before": before})

    async def get(self, register: str, entity: str) -> ViewRow | None:
        """Return what a register's holders see of one entity."""
        row = await self._tx.fetch_one(_VIEW, {"register": register, "entity": entity})
        return None if row is None else _view(row)

    async def all(self) -> list[ViewRow]:
        """Return every view."""
        return [_view(row) for row in await self._tx.fetch(_VIEWS)]


def _view(row: Row) -> ViewRow:
    return ViewRow(
        register=row[0],
        entity=row[1],
        kind=row[2],
        own=bool(row[3]),
        version=row[4],
        time_end=row[5],
        document=row[6],
    )


_GET_STANDING = "SELECT id, version, time_start, time_end FROM standing WHERE register = :register"

_PUT_STANDING = """
INSERT INTO standing (register, id, version, time_start, time_end)
VALUES (:register, :id, :version, :time_start, :time_end)
ON CONFLICT (register) DO UPDATE
   SET id = excluded.id, version = excluded.version,
       time_start = excluded.time_start, time_end = excluded.time_end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Our subscription over the whole area at one register; ``version`` None: not confirmed."""

    register: str
    id: str
    version: str | None
    time_start: int
    time_end: int


class Standings:
    """The ``standing`` table, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def get(self, register: str) -> Standing | None:
        """Return the standing subscription at one register."""
        row = await self._tx.fetch_one(_GET_STANDING, {"register": register})
        if row is None:
            return None
        return Standing(
            register=register, id=row[0], version=row[1], time_start=row[2], time_end=row[3]
        )

    async def put(self, standing: Standing) -> None:
        """Insert or overwrite it."""
        await self._tx.execute(
            _PUT_STANDING,
            {
                "register": standing.register,
                "id": standing.id,
                "version": standing.version,
                "time_start": standing.time_start,
                "time_end": standing.time_end,
            },
        )
