"""The composition root: settings in, a running node out. The only place where parts meet.

``Node.open`` wires everything and reads the store; ``serving.py`` runs it. Nothing here decides
anything.
"""

import logging
from dataclasses import dataclass, field, replace

from starlette.applications import Starlette

from tansiq.clock import Clock, SystemClock
from tansiq.domain.agreement import Agreement
from tansiq.domain.intent import PartyID
from tansiq.domain.placement_steps import restarted
from tansiq.engine.warm import warm
from tansiq.errors import BadInput
from tansiq.formats.agreement import load_agreement
from tansiq.http.api import own_app
from tansiq.http.console import packaged, read_console
from tansiq.http.deadline import Deadline
from tansiq.http.feed import Feed
from tansiq.http.guard import Address
from tansiq.http.key_sets import KeySets
from tansiq.http.metrics import CountedPeers, Metrics
from tansiq.http.own_handlers import OwnApi
from tansiq.http.peer_app import PeerApi, peer_app
from tansiq.http.recording import Recording
from tansiq.outlook import Outlook
from tansiq.peers.link import Link
from tansiq.peers.succession import TakenUp, take_up
from tansiq.services.accounts.accounts import Accounts
from tansiq.services.events import Events
from tansiq.services.exchanges import ExchangeLog
from tansiq.services.hooks import Hooks
from tansiq.services.idempotency import Idempotency
from tansiq.services.log_sets import Bookkeeper, LogSets
from tansiq.services.overview import Overview
from tansiq.services.planning.constraints import OwnConstraints
from tansiq.services.planning.flight_planning import FlightPlanning, check_switch
from tansiq.services.planning.notices import Notices
from tansiq.services.planning.notified import Notified
from tansiq.services.planning.planner import Planner
from tansiq.services.planning.planning import OwnPlans
from tansiq.services.planning.restore import restore_airspace
from tansiq.services.planning.site import Site
from tansiq.services.planning.strayed import Strayed
from tansiq.services.planning.succession import Succession
from tansiq.services.planning.telemetry import Telemetry
from tansiq.services.planning.upkeep import Upkeep
from tansiq.services.record.verifying import Verifying
from tansiq.services.register import Register
from tansiq.services.register.housekeeping import Housekeeping
from tansiq.services.reports import Reports
from tansiq.services.sheets.sheets import SHEETS, Sheets
from tansiq.services.sheets.sources import Sources as Printed
from tansiq.services.watch.history import Recorder
from tansiq.services.watch.past import Past
from tansiq.services.watch.picture import Sources
from tansiq.settings import STORE, Limits, Settings, load_own_token
from tansiq.storage.measured import Measured
from tansiq.storage.opening import open_store
from tansiq.storage.store import Store
from tansiq.voice import Voice, door_of, hooks_of
from tansiq.watching import Watching
from tansiq.wiring import (
    Late,
    make_agreement_shown,
    make_bookkeeper,
    make_hearing,
    make_housekeeping,
    make_outgoing,
    make_peer_side,
    make_places,
    make_planner,
    make_site,
    make_strayed,
    make_succession,
    make_voice,
    new_id,
    new_ovn,
    open_exchanges,
    open_history,
)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Node:
    """Everything that runs, joined."""

    settings: Settings
    agreement: Agreement
    store: Store
    link: Link
    key_sets: KeySets
    planner: Planner
    succession: Succession
    plans: OwnPlans
    constraints: OwnConstraints
    notices: Notices
    upkeep: Upkeep
    events: Events
    deadline: Deadline
    housekeeping: Housekeeping
    strayed: Strayed
    telemetry: Telemetry
    record: ExchangeLog
    accounts: Accounts
    voice: Voice
    hooks: Hooks
    bookkeeper: Bookkeeper
    watching: Watching
    metrics: Metrics
    outlook: Outlook = field(init=False)
    history: Recorder = field(init=False)
    own: Starlette = field(init=False)
    away: Starlette | None = field(init=False, default=None)
    """The same for people on other machines, where that is set."""
    peer: Starlette = field(init=False)

    @classmethod
    async def open(
        cls,
        settings: Settings,
        clock: Clock | None = None,
        *,
        cleared: str = "",
        worker: str = "",
    ) -> "Node":
        """Wire a node over its data folder.

        ``cleared`` is the digest of a version of the agreement that it may go over to. ``worker``
        names this process where it holds the desk for others, which serve the register beside it.

        Raises:
            BadInput: settings, keys or agreement do not fit together.
            WrongState: a version of the agreement is not in force.
            StoreError: the store cannot be opened.
        """
        clock = clock or SystemClock()
        load_agreement(settings.agreement)  # Its mistakes are told before a store is made.
        store = await open_store(settings.data / STORE, settings.database, worker=worker)
        try:
            return await _over(settings, store, clock, cleared)
        except BaseException:  # However it ends, the store is not left open.
            await store.close()
            raise

    async def start(self) -> None:
        """Take up the work that an earlier run left, and begin the slow clockwork."""
        self.record.start()
        self.bookkeeper.start()
        self.key_sets.start()
        self.housekeeping.start()
        await self.constraints.start()
        await self.notices.resume()
        self.upkeep.start()
        self.succession.start()
        self.strayed.start()
        # Before anything is said: what comes up from now on is what programs are for.
        await self.hooks.start()
        await self.voice.start()
        await self.watching.start()
        await self.outlook.start()
        self.history.start()
        for plan in self.planner.book.living():
            await self.planner.apply(plan.id, restarted)

    async def stop(self) -> None:
        """Stop all tasks; everything acknowledged is in the store."""
        await self.deadline.stop()
        await self.history.stop()
        await self.watching.stop()
        await self.outlook.stop()
        await self.housekeeping.stop()
        await self.key_sets.stop()
        await self.strayed.stop()
        await self.voice.stop()
        await self.hooks.stop()
        await self.upkeep.stop()
        await self.succession.stop()
        await self.planner.stop()
        await self.constraints.stop()
        await self.notices.stop()
        await self.link.close()
        await self.bookkeeper.stop()
        await self.record.stop()
        self.accounts.close()
        await self.store.close()


async def _over(settings: Settings, store: Store, clock: Clock, cleared: str) -> Node:
    """Return a node over a store that is open, under the version that is in force there."""
    taken = await take_up(settings, store, clock, cleared=cleared)
    agreement = taken.agreement
    if agreement.party(settings.party) is None:
        ids = ", ".join(party.id for party in agreement.parties)
        raise BadInput(f"{settings.party} is not a party of the agreement ({ids})", field="party")
    if settings.test_interface is not None:
        check_switch(agreement, PartyID(settings.party), settings.test_interface)
        _log.warning(
            "TEST INTERFACE ON: whoever has a token of a known issuer may plan and end flights "
            "here, at the register %s",
            settings.test_interface,
        )
    warm()  # Nobody is to wait for it later.
    return await _wire(settings, taken, store, clock)


async def _wire(settings: Settings, taken: TakenUp, opened: Store, clock: Clock) -> Node:
    limits, agreement = settings.limits, taken.agreement
    events, metrics = _measured(opened, clock, limits)
    site = make_site(settings, taken, events, clock)
    kept = open_exchanges(settings)
    record = ExchangeLog(kept, clock, limits)
    link, key_sets = make_outgoing(settings, agreement, clock, record)
    late = Late()
    register = Register(
        events.store,
        new_id=new_id,
        new_ovn=new_ovn,
        on_accepted=late.accepted,
        limits=limits,
        exempt=(settings.party,),
    )
    register.equals = agreement.equals
    places = make_places(site, register, link, late)
    planner = make_planner(site, register, link, events, places)
    judging, notices = planner.judging, planner.steps.notices
    airspace, records = judging.airspace, planner.steps.records
    constraints = OwnConstraints(
        site, airspace=airspace, records=records, notices=notices, events=events, places=places
    )
    resting = make_places(site, register, link, late, resting=True)
    upkeep = Upkeep(site, airspace=airspace, judging=judging, planner=planner, resting=resting)
    upkeep.keep_constraints(constraints)
    constraints.on_placed = planner.newcomers.heard
    hearing = make_hearing(site, planner, link)
    hearing.on_stray = judging.on_stray = upkeep.sweep_soon
    late.planner, late.upkeep = planner, upkeep
    plans = OwnPlans(site, planner=planner, airspace=airspace)
    voice = make_voice(site, events, link, settings, (plans, constraints))
    voice.keep_exchanges(record)
    await planner.book.read_all(events.store)
    await restore_airspace(events.store, airspace, records)
    reports = Reports(events.store, limits, new_id=new_id)
    side = make_peer_side(site, settings, register, hearing, reports, key_sets)
    node = Node(
        settings=settings,
        agreement=agreement,
        store=opened,
        link=link,
        key_sets=key_sets,
        planner=planner,
        succession=make_succession(site, airspace, places, link),
        plans=plans,
        constraints=constraints,
        notices=notices,
        upkeep=upkeep,
        events=events,
        deadline=side.deadline,
        housekeeping=make_housekeeping(site, settings, register, side),
        strayed=make_strayed(site, planner),
        telemetry=hearing.telemetry,
        record=record,
        accounts=Accounts(events.store, clock, settings, new_id=new_id),
        voice=voice,
        bookkeeper=make_bookkeeper(site, events, record, planner),
        watching=Watching.of(
            site, events, airspace, settings, (plans, planner.book, hearing.telemetry), voice.line
        ),
        hooks=hooks_of(site, events, settings, voice.line),
        metrics=metrics,
    )
    await node.accounts.start()
    await node.voice.check()
    node.own = _own_app(node, site, reports, LogSets(kept, record, clock))
    node.peer = _peer(node, site, side)
    return node


def _measured(opened: Store, clock: Clock, limits: Limits) -> tuple[Events, Metrics]:
    metrics = Metrics()
    measured = Measured(opened, clock, metrics.wrote)
    metrics.writes_waiting = lambda: measured.waiting
    return Events(measured, clock, limits), metrics


def _peer(node: Node, site: Site, side: PeerApi) -> Starlette:
    letters, record = node.voice.letters, node.voice.witnessing
    side = replace(side, flights=_flights(node, site), letters=letters, record=record)
    app = peer_app(replace(side, join=door_of(site, node.events, node.settings)))
    bytes_max = site.limits.exchange_body_bytes_max
    app.add_middleware(Recording, log=node.record, clock=site.clock, bytes_max=bytes_max)
    app.add_middleware(CountedPeers, metrics=node.metrics, clock=site.clock, within=app)
    return app


def _own_app(node: Node, site: Site, reports: Reports, log_sets: LogSets) -> Starlette:
    settings, clock, limits = node.settings, site.clock, site.limits
    status = Overview(
        site,
        planner=node.planner,
        airspace=node.planner.judging.airspace,
        issuers=node.key_sets.views,
        succession=node.succession,
        test_interface=settings.test_interface is not None,
    )
    sources = Sources(
        party=site.party,
        watch=node.watching.desk,
        planning=node.plans,
        constraints=node.constraints,
        status=status,
    )
    node.outlook = Outlook.of(sources, clock, settings)
    shown = open_history(settings)
    node.history = Recorder(sources, shown, clock, settings)
    node.watching.watch.on_tick = node.outlook.changed
    status.hooks = node.hooks.views
    status.clock_error_s = node.voice.line.clock_error_s
    api = OwnApi(
        planning=node.plans,
        constraints=node.constraints,
        status=status,
        telemetry=node.telemetry,
        events=node.events,
        idempotency=Idempotency(site.store, clock, limits, new_id=new_id),
        accounts=node.accounts,
        line=node.voice.line,
        watch=node.watching.desk,
        history=Past(shown, node.history, clock, limits),
        reports=reports,
        log_sets=log_sets,
        agreement=make_agreement_shown(site, settings, node.link, node.succession),
        verifying=Verifying(site.store),
        sheets=Sheets(_printed(node, status), settings.data / SHEETS, clock),
        feed=Feed(node.events, clock, limits, site.timers),
        pictures=node.outlook.pictures,
        watch_stream=node.outlook.stream,
        cot=node.outlook.counts,
        metrics=node.metrics,
        record_broken=lambda: node.voice.cosigning.broken is not None,
        clock=clock,
        settings=settings,
    )
    console = read_console(packaged())
    token = load_own_token(settings.data)
    if settings.console is not None:
        # The same services and routes by another door: there nobody comes as this machine.
        away = Address(port=settings.console.port, names=settings.console.names, secure=True)
        node.away = own_app(api, token=None, address=away, console=console)
    here = Address(port=settings.own_port)
    return own_app(api, token=token, address=here, console=console)


def _printed(node: Node, status: Overview) -> Printed:
    return Printed(
        line=node.voice.line,
        planning=node.plans,
        constraints=node.constraints,
        status=status,
        watch=node.watching.desk,
    )


def _flights(node: Node, site: Site) -> FlightPlanning | None:
    if node.settings.test_interface is None:
        return None
    notified = Notified(node.events)
    return FlightPlanning(site, plans=node.plans, planner=node.planner, notified=notified)
