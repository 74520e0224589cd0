"""The composition root: settings in, a running node out. The only place where parts meet.

``Node.open`` wires everything and reads the store; ``serving.py`` runs it. Nothing here decides
anything.
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from uuid import uuid4

from starlette.applications import Starlette

from tansiq.clock import Clock, SystemClock
from tansiq.domain.agreement import Agreement, Party
from tansiq.domain.intent import PartyID
from tansiq.domain.placement_steps import restarted
from tansiq.engine.warm import warm
from tansiq.errors import BadInput
from tansiq.formats.agreement import load_agreement
from tansiq.http.api import own_app
from tansiq.http.deadline import Deadline
from tansiq.http.feed import Feed
from tansiq.http.issuers import read_issuer
from tansiq.http.key_sets import KeySets
from tansiq.http.own_handlers import OwnApi
from tansiq.http.peer_app import PeerApi, peer_app
from tansiq.http.recording import Recording
from tansiq.peers.agreement_client import AgreementClient
from tansiq.peers.credentials import wallet
from tansiq.peers.exchange import Exchange
from tansiq.peers.identity import load_signing_key
from tansiq.peers.link import Link
from tansiq.peers.recorded import Recorded
from tansiq.peers.register_client import RegisterClient
from tansiq.peers.succession import TakenUp, take_up
from tansiq.peers.tokens import Minter
from tansiq.peers.uss_client import UssClient
from tansiq.services.accounts.accounts import Accounts
from tansiq.services.airspace import Airspace
from tansiq.services.events import Events
from tansiq.services.exchanges import ExchangeLog
from tansiq.services.hooks import Hooks
from tansiq.services.idempotency import Idempotency
from tansiq.services.log_sets import Bookkeeper, LogSets
from tansiq.services.overview import Overview
from tansiq.services.parties import party_caller
from tansiq.services.planning.book import Book, Plan
from tansiq.services.planning.complaints import Complaints
from tansiq.services.planning.constraints import OwnConstraints
from tansiq.services.planning.fetching import Fetching
from tansiq.services.planning.flight_planning import FlightPlanning, check_switch
from tansiq.services.planning.hearing import Hearing
from tansiq.services.planning.judging import Judging
from tansiq.services.planning.local import OwnRegister
from tansiq.services.planning.notices import Notices
from tansiq.services.planning.notified import Notified
from tansiq.services.planning.planner import Place, Planner
from tansiq.services.planning.planning import OwnPlans
from tansiq.services.planning.reasons import Reasons
from tansiq.services.planning.records import Records
from tansiq.services.planning.restore import restore_airspace
from tansiq.services.planning.site import Site
from tansiq.services.planning.steps import Steps
from tansiq.services.planning.strayed import Strayed
from tansiq.services.planning.succession import Succession
from tansiq.services.planning.telemetry import Telemetry
from tansiq.services.planning.upkeep import Upkeep
from tansiq.services.planning.versions import Versions
from tansiq.services.pool import Pool
from tansiq.services.register import AcceptedWrite, Register
from tansiq.services.register.housekeeping import Housekeeping
from tansiq.services.reports import Reports
from tansiq.settings import EXCHANGES, STORE, Settings, load_own_token
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Tx
from tansiq.voice import Voice, door_of, hooks_of

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Node:
    """Everything that runs, joined."""

    settings: Settings
    agreement: Agreement
    store: SqliteStore
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
    own: Starlette = field(init=False)
    peer: Starlette = field(init=False)

    @classmethod
    async def open(
        cls, settings: Settings, clock: Clock | None = None, *, cleared: str = ""
    ) -> "Node":
        """Wire a node over its data folder.

        ``cleared`` is the digest of a version of the agreement that it may go over to.

        Raises:
            BadInput: settings, keys or agreement do not fit together.
            WrongState: a version of the agreement is not in force.
            StoreError: the store cannot be opened.
        """
        clock = clock or SystemClock()
        load_agreement(settings.agreement)  # Its mistakes are told before a store is made.
        store = SqliteStore.open(settings.data / STORE)
        taken = await take_up(settings, store, clock, cleared=cleared)
        agreement = taken.agreement
        if agreement.party(settings.party) is None:
            ids = ", ".join(party.id for party in agreement.parties)
            raise BadInput(
                f"{settings.party} is not a party of the agreement ({ids})", field="party"
            )
        if settings.test_interface is not None:
            check_switch(agreement, PartyID(settings.party), settings.test_interface)
            _log.warning(
                "TEST INTERFACE ON: whoever has a token of a known issuer may plan and end flights "
                "here, at the register %s",
                settings.test_interface,
            )
        warm()  # Nobody is to wait for it later.
        return await _wire(settings, taken, store, clock)

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
        for plan in self.planner.book.living():
            await self.planner.apply(plan.id, restarted)

    async def stop(self) -> None:
        """Stop all tasks; everything acknowledged is in the store."""
        await self.deadline.stop()
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


async def _wire(settings: Settings, taken: TakenUp, opened: SqliteStore, clock: Clock) -> Node:
    limits, agreement = settings.limits, taken.agreement
    events = Events(opened, clock, limits)
    site = _site(settings, taken, events, clock)
    kept = SqliteStore.open(
        settings.data / EXCHANGES, migrations=files("tansiq.storage") / "exchange_migrations"
    )
    record = ExchangeLog(kept, clock, limits)
    link, key_sets = _outgoing(settings, agreement, clock, record)
    late = _Late()
    register = Register(
        events.store,
        new_id=_new_id,
        new_ovn=_new_ovn,
        on_accepted=late.accepted,
        limits=limits,
        exempt=(settings.party,),
    )
    register.equals = agreement.equals
    places = _places(site, register, link, late)
    planner = _planner(site, register, link, events, places)
    judging, notices = planner.judging, planner.steps.notices
    airspace, records = judging.airspace, planner.steps.records
    constraints = OwnConstraints(
        site, airspace=airspace, records=records, notices=notices, events=events, places=places
    )
    resting = _places(site, register, link, late, resting=True)
    upkeep = Upkeep(site, airspace=airspace, judging=judging, planner=planner, resting=resting)
    upkeep.keep_constraints(constraints)
    constraints.on_placed = planner.newcomers.heard
    hearing = _hearing(site, planner, link)
    hearing.on_stray = judging.on_stray = upkeep.sweep_soon
    late.planner, late.upkeep = planner, upkeep
    plans = OwnPlans(site, planner=planner, airspace=airspace)
    voice = _voice(site, events, link, settings, (plans, constraints))
    voice.keep_exchanges(record)
    await planner.book.read_all(events.store)
    await restore_airspace(events.store, airspace, records)
    reports = Reports(events.store, limits, new_id=_new_id)
    side = _peer_side(site, settings, register, hearing, reports, key_sets)
    node = Node(
        settings=settings,
        agreement=agreement,
        store=opened,
        link=link,
        key_sets=key_sets,
        planner=planner,
        succession=_succession(site, airspace, places, link),
        plans=plans,
        constraints=constraints,
        notices=notices,
        upkeep=upkeep,
        events=events,
        deadline=side.deadline,
        housekeeping=Housekeeping(events.store, register, side.pool, clock, limits, site.timers),
        strayed=_strayed(site, planner),
        telemetry=hearing.telemetry,
        record=record,
        accounts=Accounts(events.store, clock, settings, new_id=_new_id),
        voice=voice,
        hooks=hooks_of(site, events, settings, voice.line),
        bookkeeper=Bookkeeper(
            record, events, airspace, clock, party=site.party, registers=planner.book.registers
        ),
    )
    await node.accounts.start()
    await node.voice.check()
    node.own = _own_app(node, site, reports, LogSets(kept, record, clock))
    node.peer = _peer(node, site, side)
    return node


def _site(settings: Settings, taken: TakenUp, events: Events, clock: Clock) -> Site:
    return Site(
        agreement=taken.agreement,
        versions=Versions(taken.past),
        party=PartyID(settings.party),
        store=events.store,
        clock=clock,
        limits=settings.limits,
        timers=settings.timers,
        new_id=_new_id,
    )


def _peer(node: Node, site: Site, side: PeerApi) -> Starlette:
    letters, record = node.voice.letters, node.voice.witnessing
    side = replace(side, flights=_flights(node, site), letters=letters, record=record)
    app = peer_app(replace(side, join=door_of(site, node.events, node.settings)))
    bytes_max = site.limits.exchange_body_bytes_max
    app.add_middleware(Recording, log=node.record, clock=site.clock, bytes_max=bytes_max)
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
    status.hooks = node.hooks.views
    api = OwnApi(
        planning=node.plans,
        constraints=node.constraints,
        status=status,
        telemetry=node.telemetry,
        events=node.events,
        idempotency=Idempotency(site.store, clock, limits, new_id=_new_id),
        accounts=node.accounts,
        line=node.voice.line,
        reports=reports,
        log_sets=log_sets,
        feed=Feed(node.events, clock, limits, site.timers),
        clock=clock,
        settings=settings,
    )
    return own_app(api, token=load_own_token(settings.data), port=settings.own_port)


def _hearing(site: Site, planner: Planner, link: Link) -> Hearing:
    airspace, records = planner.judging.airspace, planner.steps.records
    peers = UssClient(link, site.limits)
    telemetry = Telemetry(site, book=planner.book, airspace=airspace, peers=peers)
    return Hearing(site, airspace=airspace, records=records, planner=planner, telemetry=telemetry)


def _succession(site: Site, airspace: Airspace, places: Sequence[Place], link: Link) -> Succession:
    peers = AgreementClient(link, site.agreement)
    return Succession(site, airspace=airspace, places=places, peers=peers)


def _voice(
    site: Site,
    events: Events,
    link: Link,
    settings: Settings,
    own: tuple[OwnPlans, OwnConstraints],
) -> Voice:
    voice = Voice.of(site, events, link, settings, load_signing_key(settings.data), own)
    own[0].silent = voice.line.silent
    return voice


def _strayed(site: Site, planner: Planner) -> Strayed:
    names = _party_name(site.agreement)
    return Strayed(site, planner=planner, airspace=planner.judging.airspace, party_name=names)


def _flights(node: Node, site: Site) -> FlightPlanning | None:
    if node.settings.test_interface is None:
        return None
    notified = Notified(node.events)
    return FlightPlanning(site, plans=node.plans, planner=node.planner, notified=notified)


def _outgoing(
    settings: Settings, agreement: Agreement, clock: Clock, record: ExchangeLog
) -> tuple[Link, KeySets]:
    limits, timers = settings.limits, settings.timers
    key = load_signing_key(settings.data)
    minter = Minter(key, settings.party, agreement.digest, clock, timers=timers)
    exchange = Exchange(agreement, clock, limits, timers)
    purse = wallet(minter, settings.party, settings.credentials, exchange, clock, timers)
    key_sets = KeySets(
        [read_issuer(file) for file in settings.issuers],
        exchange.document,
        clock,
        folder=settings.data,
        limits=limits,
        timers=timers,
    )
    recorded = Recorded(exchange, record, clock, party=settings.party)
    return Link(recorded, purse), key_sets


def _me(agreement: Agreement, party: str) -> Party:
    me = agreement.party(PartyID(party))
    assert me is not None  # noqa: S101 - checked by ``Node.open``
    return me


def _peer_side(
    site: Site,
    settings: Settings,
    register: Register,
    hearing: Hearing,
    reports: Reports,
    key_sets: KeySets,
) -> PeerApi:
    me = _me(site.agreement, site.party)
    return PeerApi(
        agreement=site.agreement,
        settings=settings,
        clock=site.clock,
        issuers=key_sets.issuers,
        register=register,
        hearing=hearing,
        reports=reports,
        pool=Pool(me, site.store, site.limits.subscription_skew),
        deadline=Deadline(site.clock, site.timers.request_s),
        versions=site.versions,
    )


def _planner(
    site: Site, register: Register, link: Link, events: Events, places: Sequence[Place]
) -> Planner:
    agreement, peers = site.agreement, UssClient(link, site.limits)
    book = Book(agreement, site.party, events)
    airspace = Airspace(agreement)
    records = Records(agreement, site.party)
    me = _me(agreement, site.party)
    notices = Notices(
        site.store,
        peers,
        site.clock,
        site.timers,
        own_url=me.url,
        is_party=lambda url: link.party_at(url) is not None,
    )
    ports = {p.register.id: None if p.local else p.port for p in places}
    fetching = Fetching(
        site,
        book=book,
        airspace=airspace,
        records=records,
        peers=peers,
        complaints=Complaints(site, peers=peers, registers=ports),
    )
    return Planner(
        site,
        steps=Steps(book=book, records=records, notices=notices, new_id=site.new_id),
        judging=Judging(site, book=book, airspace=airspace, fetching=fetching),
        reasons=Reasons(agreement, airspace, _party_name(agreement)),
        local=next((p.port for p in places if isinstance(p.port, OwnRegister)), None),
        places=places,
    )


class _Late:
    """What is wired before the parts that it calls exist."""

    planner: Planner | None = None
    upkeep: Upkeep | None = None

    async def accepted(self, tx: Tx, write: AcceptedWrite) -> None:
        if self.planner is not None:
            await self.planner.newcomers.accepted(tx, write)

    def subscription(self, register: str) -> Callable[[Plan], str | None]:
        def standing(plan: Plan) -> str | None:
            return None if self.upkeep is None else self.upkeep.subscription(register, plan)

        return standing


def _places(
    site: Site, register: Register, link: Link, late: _Late, *, resting: bool = False
) -> tuple[Place, ...]:
    """Return the registers that count, or those that do not for the time being."""
    agreement, party = site.agreement, site.party
    me = _me(agreement, party)
    # As listed: that others are struck off moves nothing that is served.
    alone = len(agreement.listed) == 1
    caller = party_caller(party, agreement, site.limits)
    return tuple(
        Place(
            register=entry,
            port=(
                OwnRegister(register, caller, site.clock)
                if entry.party == party
                else RegisterClient(link, entry.url, site.limits)
            ),
            local=entry.party == party,
            base_url=me.url if alone else f"{me.url}/at/{entry.id}",
            subscription=late.subscription(entry.id),
        )
        for entry in agreement.listed
        if (entry not in agreement.registers) == resting
    )


def _party_name(agreement: Agreement) -> Callable[[str], str]:
    def name(party_id: str) -> str:
        party = agreement.party(party_id)
        return party_id if party is None else party.names.get("en", party_id)

    return name


def _new_id() -> str:
    return str(uuid4())


def _new_ovn() -> str:
    return secrets.token_urlsafe(24)
