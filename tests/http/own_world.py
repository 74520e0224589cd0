"""A node small enough to hold in the head, behind the real own API and a real store.

``Sky`` keeps plans in memory and judges them by time and altitude alone: two plans that share both
are in each other's way, wherever they fly. Events go through the real feed, in real transactions.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import httpx
import msgspec
from starlette.applications import Starlette
from tests.http.own_agreement import make_agreement
from tests.http.own_console import own_console
from tests.http.own_line import make_line
from tests.http.own_sky import make_watch
from tests.http.own_watch import Watched

from stores import AnyStore, open_store
from tansiq.clock import SystemClock
from tansiq.domain.draft import PlanDraft, StatedBand
from tansiq.domain.intent import EntityID, IntentState
from tansiq.domain.time import zulu
from tansiq.domain.volume import Volumes, altitude_bounds, time_bounds
from tansiq.engine.sideways import Aside, moved_aside
from tansiq.errors import BadInput, NotFound, StateConflict, WrongState
from tansiq.http.api import own_app
from tansiq.http.feed import Feed
from tansiq.http.guard import Address
from tansiq.http.own_handlers import OwnApi
from tansiq.http.watch_stream import WatchStream
from tansiq.services.accounts.accounts import Accounts
from tansiq.services.accounts.passwords import Cost
from tansiq.services.events import Events
from tansiq.services.exchanges import ExchangeLog
from tansiq.services.idempotency import Idempotency
from tansiq.services.log_sets import LogSets
from tansiq.services.planning.telemetry import Report
from tansiq.services.record.verifying import Verifying
from tansiq.services.reports import Reports
from tansiq.services.sheets.sheets import SHEETS, Sheets
from tansiq.services.sheets.sources import Sources as Printed
from tansiq.services.views import (
    AirspaceEntry,
    Alternative,
    Blocker,
    ConstraintView,
    PeerView,
    PlanView,
    RegisterView,
    Status,
    StatusView,
    TelemetryView,
)
from tansiq.services.watch.fanout import Fanout
from tansiq.services.watch.history import Recorder
from tansiq.services.watch.past import Past
from tansiq.services.watch.picture import Pictures, Sources
from tansiq.settings import EXCHANGES, HISTORY, Limits, Settings, Timers
from tansiq.storage.sqlite import SqliteStore

T = TypeVar("T")

TOKEN = "test-token-of-more-than-thirty-two-characters"
PORT = 8080
BASE = f"http://127.0.0.1:{PORT}"
CHEAP = Cost(passes=1, memory_kib=64, lanes=1)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class ShiftedClock(SystemClock):
    """The machine's clock for waits, noon for people; ``later`` moves noon."""

    def __init__(self) -> None:
        self.later = timedelta()

    def now(self) -> datetime:
        return NOON + self.later


@dataclass(kw_only=True)
class Kept:
    """One plan or no-go area."""

    draft: PlanDraft
    status: Status = Status.COORDINATED
    state: str = "Accepted"
    against: "Kept | None" = None


def feature(
    minute: int = 60, *, lower: float = 300, upper: float = 600, **properties: Any
) -> dict[str, Any]:
    """Return a small plan as GeoJSON: ten minutes long, so many minutes after noon."""
    start = NOON + timedelta(minutes=minute)
    said = {
        "start": zulu(start),
        "end": zulu(start + timedelta(minutes=10)),
        "lower": lower,
        "upper": upper,
        "datum": "W84",
        "units": "M",
        "radius_m": 500,
    }
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [10.0, 50.0]},
        "properties": said | properties,
    }


def plan_bytes(minute: int = 60, **properties: Any) -> bytes:
    return msgspec.json.encode(feature(minute, **properties))


class Sky:
    """Planning, constraints and status of one node, in memory."""

    def __init__(self, events: Events, clock: ShiftedClock, new_id: Callable[[], str]) -> None:
        self.events = events
        self.clock = clock
        self.new_id = new_id
        self.kept: dict[str, Kept] = {}
        self.areas: dict[str, Kept] = {}
        self.effects = 0
        self.peers = (PeerView(id="south", url="https://south.example", reachable=True),)

    # Planning

    async def submit(self, draft: PlanDraft) -> PlanView:
        if draft.id in self.kept:
            raise StateConflict(f"plan {draft.id} exists; change it instead", field="id")
        self._check(draft.volumes)
        plan_id = draft.id or self.new_id()
        return await self._judged(plan_id, Kept(draft=draft))

    async def preview(self, draft: PlanDraft) -> PlanView:
        self._check(draft.volumes)
        against = self._in_the_way(draft.id or "", draft.volumes)
        status = Status.REFUSED if against else Status.UNCOORDINATED
        return self._view(draft.id or "", Kept(draft=draft, status=status, against=against))

    async def plans(self, *, ended: bool) -> list[PlanView]:
        return [
            self._view(i, k) for i, k in self.kept.items() if ended or k.status is not Status.ENDED
        ]

    async def plan(self, plan_id: str) -> PlanView:
        return self._view(plan_id, self._plan(plan_id))

    async def change(self, plan_id: str, draft: PlanDraft) -> PlanView:
        self._check(draft.volumes)
        return await self._judged(plan_id, Kept(draft=draft, state=self._plan(plan_id).state))

    async def shift(
        self, plan_id: str, *, delay_s: int, up_m: float, aside: Aside | None = None
    ) -> PlanView:
        draft = self._plan(plan_id).draft
        moved = tuple(v.shifted(by=timedelta(seconds=delay_s), up_m=up_m) for v in draft.volumes)
        moved = moved_aside(moved, aside) if aside else moved
        return await self._judged(plan_id, Kept(draft=replace(draft, volumes=moved)))

    async def activate(self, plan_id: str) -> PlanView:
        kept = self._plan(plan_id)
        if kept.status not in (Status.COORDINATED, Status.NONCONFORMING):
            raise WrongState(f"a plan that is {kept.status} cannot be activated", field="state")
        kept.state, kept.status = "Activated", Status.COORDINATED
        return await self._tell("plan", plan_id, self._view(plan_id, kept))

    async def off_nominal(
        self,
        plan_id: str,
        *,
        state: IntentState,
        volumes: Volumes,
        stated: tuple[StatedBand, ...] = (),
    ) -> PlanView:
        kept = self._plan(plan_id)
        if kept.status is Status.REFUSED:
            raise WrongState(f"a plan that is {kept.status} stands nowhere", field="state")
        self._check(volumes)
        self.effects += 1
        kept.state, kept.status = state.value, Status(state.lower())
        return await self._tell("plan", plan_id, self._view(plan_id, kept))

    async def end(self, plan_id: str) -> PlanView:
        kept = self._plan(plan_id)
        kept.status = Status.ENDED
        return await self._tell("plan", plan_id, self._view(plan_id, kept))

    async def settled(self, plan_id: str, wait_s: float) -> PlanView:
        return await self.plan(plan_id)

    # Inside

    def _plan(self, plan_id: str) -> Kept:
        if plan_id not in self.kept:
            raise NotFound(f"no plan {plan_id}", field="id")
        return self.kept[plan_id]

    def _check(self, volumes: Volumes) -> None:
        if time_bounds(volumes).end <= self.clock.now():
            raise BadInput("its end has passed; declare a later one", field="end")

    def _in_the_way(self, plan_id: str, volumes: Volumes) -> Kept | None:
        for other_id, other in self.kept.items():
            if other_id == plan_id or other.status is not Status.COORDINATED:
                continue
            a, b = time_bounds(volumes), time_bounds(other.draft.volumes)
            low, high = altitude_bounds(volumes), altitude_bounds(other.draft.volumes)
            same_time = a.start <= b.end and b.start <= a.end
            if same_time and low.lower_m <= high.upper_m and high.lower_m <= low.upper_m:
                return other
        return None

    async def _judged(self, plan_id: str, kept: Kept) -> PlanView:
        self.effects += 1
        kept.against = self._in_the_way(plan_id, kept.draft.volumes)
        kept.status = Status.REFUSED if kept.against else Status.COORDINATED
        self.kept[plan_id] = kept
        return await self._tell("plan", plan_id, self._view(plan_id, kept))

    async def _tell(self, kind: str, subject: str, view: T) -> T:
        body, now = msgspec.json.encode(view), self.clock.now()
        await self.events.store.write(lambda tx: self.events.append(tx, kind, subject, body, now))
        return view

    def _view(self, plan_id: str, kept: Kept) -> PlanView:
        draft = kept.draft
        time, band = time_bounds(draft.volumes), altitude_bounds(draft.volumes)
        blockers: tuple[Blocker, ...] = ()
        alternatives: tuple[Alternative, ...] = ()
        if kept.against is not None:
            sentence = f"blocked by {kept.against.draft.callsign or 'another'}: same block"
            blockers = (
                Blocker(
                    id=self.new_id(),
                    kind="intent",
                    manager="north",
                    name=kept.against.draft.callsign,
                    horizontal_m=0.0,
                    vertical_m=0.0,
                    time_s=0.0,
                    sentence=sentence,
                ),
            )
            alternatives = self._alternatives(kept, kept.against)
        return PlanView(
            id=plan_id,
            intent_id=plan_id,
            party="north",
            callsign=draft.callsign,
            formation=draft.formation,
            priority=draft.priority,
            state=kept.state,
            status=kept.status,
            coordinated=kept.status is Status.COORDINATED,
            time_start=zulu(time.start),
            time_end=zulu(time.end),
            altitude_m_min=band.lower_m,
            altitude_m_max=band.upper_m,
            registers=(RegisterView(id="north", holds="current"),),
            reason=blockers[0].sentence if blockers else None,
            blockers=blockers,
            alternatives=alternatives,
            volumes=msgspec.Raw(b'[{"volume":{}}]'),
            stated=msgspec.Raw(b'[{"lower":300,"upper":600,"units":"M","datum":"AMSL"}]'),
            updated=zulu(self.clock.now()),
        )

    def _alternatives(self, kept: Kept, against: Kept) -> tuple[Alternative, ...]:
        free = time_bounds(against.draft.volumes).end - time_bounds(kept.draft.volumes).start
        delay_s = int(free.total_seconds()) + 1
        return (
            Alternative(kind="delay", delay_s=delay_s, up_m=0, sentence=f"{delay_s} s later"),
            Alternative(kind="level", delay_s=0, up_m=600, sentence="600 m higher"),
        )


class Areas:
    """No-go areas of the same node."""

    def __init__(self, sky: Sky) -> None:
        self._sky = sky
        self.kept: dict[str, tuple[PlanDraft, str]] = {}

    async def submit(self, draft: PlanDraft) -> ConstraintView:
        self._sky._check(draft.volumes)
        area_id = draft.id or self._sky.new_id()
        return await self._keep(area_id, draft, "not everywhere yet")

    async def list(self, *, ended: bool) -> list[ConstraintView]:
        return [self._view(i) for i, kept in self.kept.items() if ended or kept[1] != "ended"]

    async def get(self, constraint_id: str) -> ConstraintView:
        if constraint_id not in self.kept:
            raise NotFound(f"no no-go area {constraint_id}", field="id")
        return self._view(constraint_id)

    async def change(self, constraint_id: str, draft: PlanDraft) -> ConstraintView:
        await self.get(constraint_id)
        return await self._keep(constraint_id, draft, "not everywhere yet")

    async def confirm(self, constraint_id: str) -> ConstraintView:
        return await self.get(constraint_id)

    async def end(self, constraint_id: str) -> ConstraintView:
        await self.get(constraint_id)
        return await self._keep(constraint_id, self.kept[constraint_id][0], "ended")

    async def settled(self, constraint_id: str, wait_s: float) -> ConstraintView:
        draft, status = self.kept[constraint_id]
        if status == "ended":
            return self._view(constraint_id)
        return await self._keep(constraint_id, draft, "everywhere")

    async def _keep(self, area_id: str, draft: PlanDraft, status: str) -> ConstraintView:
        self._sky.effects += 1
        self.kept[area_id] = (draft, status)
        return await self._sky._tell("constraint", area_id, self._view(area_id))

    def _view(self, area_id: str) -> ConstraintView:
        draft, status = self.kept[area_id]
        time, band = time_bounds(draft.volumes), altitude_bounds(draft.volumes)
        return ConstraintView(
            id=area_id,
            party="north",
            name=draft.callsign,
            status=status,
            time_start=zulu(time.start),
            time_end=zulu(time.end),
            altitude_m_min=band.lower_m,
            altitude_m_max=band.upper_m,
            registers=(RegisterView(id="north", holds="current"),),
        )


class Positions:
    """Reports of the same node's aircraft, and one aircraft of somebody else's."""

    def __init__(self, sky: Sky) -> None:
        self._sky = sky
        self._last: dict[str, Report] = {}

    async def report(self, plan_id: str, report: Report) -> TelemetryView:
        await self._sky.plan(plan_id)
        self._last[plan_id] = report
        return await self.own(plan_id)

    async def own(self, plan_id: str) -> TelemetryView:
        state = (await self._sky.plan(plan_id)).state
        report = self._last.get(plan_id)
        view = TelemetryView(id=plan_id, manager="north", name="own", state=state)
        if report is None:
            return view
        return msgspec.structs.replace(view, lat_deg=report.lat_deg, lng_deg=report.lng_deg)

    async def of_peer(self, entity: str) -> TelemetryView:
        if entity != str(UUID(int=7)):
            raise NotFound(f"no intent {entity} of anybody else is known here", field="id")
        return TelemetryView(
            id=entity,
            manager="south",
            name="HERON-1",
            state="Nonconforming",
            age_s=43.0,
            sentence="measured 43 s ago",
            lat_deg=39.0,
            lng_deg=-121.0,
            altitude_m=640.0,
        )


class Glance:
    """Status of the same node."""

    def __init__(self, sky: Sky) -> None:
        self._sky = sky

    async def status(self) -> StatusView:
        counts: dict[str, int] = {}
        for kept in self._sky.kept.values():
            counts[kept.status] = counts.get(kept.status, 0) + 1
        return StatusView(
            party="north",
            version="0.1.0",
            time=zulu(self._sky.clock.now()),
            agreement="ab12",
            agreement_name="Test",
            agreement_version=1,
            peers=self._sky.peers,
            plans=counts,
        )

    async def airspace(self) -> list[AirspaceEntry]:
        return [
            AirspaceEntry(
                id=str(UUID(int=7)),
                kind="intent",
                manager="south",
                name="HERON-1",
                state="Accepted",
                priority=0,
                registers=("north",),
                time_start=zulu(NOON),
                time_end=zulu(NOON),
                altitude_m_min=0,
                altitude_m_max=100,
            )
        ]


@dataclass(kw_only=True)
class World:
    """One small node and a client that holds its token."""

    app: Starlette
    api: OwnApi
    sky: Sky
    areas: Areas
    events: Events
    clock: ShiftedClock
    store: AnyStore
    watched: Watched
    record: ExchangeLog
    history: Recorder
    client: httpx.AsyncClient
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"Authorization": f"Bearer {TOKEN}", "Host": f"127.0.0.1:{PORT}"}
    )


def build(
    path: Path,
    *,
    limits: Limits | None = None,
    timers: Timers | None = None,
    seed: int = 1,
    port: int = PORT,
) -> World:
    """Return a node over the store at ``path``; it may have been used before."""
    limits = limits or Limits()
    timers = timers or Timers()
    random = Random(seed)

    def new_id() -> str:
        return str(UUID(int=random.getrandbits(128), version=4))

    clock = ShiftedClock()
    store = open_store(path)
    events = Events(store, clock, limits)
    sky = Sky(events, clock, new_id)
    areas = Areas(sky)
    settings = Settings(
        data=path.parent,
        party="north",
        agreement=path,
        own_port=port,
        limits=limits,
        timers=timers,
    )
    accounts = Accounts(events.store, clock, settings, new_id=new_id, cost=CHEAP)
    record_store = SqliteStore.open(
        path.with_name(EXCHANGES), migrations=files("tansiq.storage") / "exchange_migrations"
    )
    record = ExchangeLog(record_store, clock, limits)
    line = make_line(events, clock, settings, (sky, areas), new_id)
    watched = Watched(clock)
    sources = Sources(
        party="north", watch=watched, planning=sky, constraints=areas, status=Glance(sky)
    )
    shown = SqliteStore.open(
        path.with_name(HISTORY), migrations=files("tansiq.storage") / "history_migrations"
    )
    history = Recorder(sources, shown, clock, settings)
    desk = make_watch(events, clock, settings, new_id)
    api = OwnApi(
        planning=sky,
        constraints=areas,
        status=Glance(sky),
        telemetry=Positions(sky),
        events=events,
        accounts=accounts,
        watch=desk,
        history=Past(shown, history, clock, limits),
        line=line,
        idempotency=Idempotency(events.store, clock, limits, new_id=new_id),
        reports=Reports(events.store, limits, new_id=new_id),
        log_sets=LogSets(record_store, record, clock),
        agreement=make_agreement(line),
        verifying=Verifying(events.store),
        sheets=Sheets(
            Printed(line=line, planning=sky, constraints=areas, status=Glance(sky), watch=desk),
            settings.data / SHEETS,
            clock,
        ),
        feed=Feed(events, clock, limits, timers),
        pictures=Pictures(sources, clock, limits, timers),
        watch_stream=WatchStream(Fanout(watched, clock, timers), clock, limits, timers),
        clock=clock,
        settings=settings,
    )
    app = own_app(api, token=TOKEN, address=Address(port=port), console=own_console())
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url=BASE,
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    return World(
        app=app,
        api=api,
        sky=sky,
        areas=areas,
        events=events,
        clock=clock,
        store=store,
        watched=watched,
        record=record,
        history=history,
        client=client,
    )


@asynccontextmanager
async def world(path: Path, **options: Any) -> AsyncIterator[World]:
    """Build a node and close it afterwards."""
    built = build(path, **options)
    try:
        await built.api.accounts.start()
        built.api.watch_stream.fanout.start()
        async with built.client:
            yield built
    finally:
        await built.api.watch_stream.fanout.stop()
        await built.record.stop()
        await built.history.stop()
        await built.store.close()


AREA = {"type": "constraint"}
NO_ID = EntityID("00000000-0000-4000-8000-000000000000")
