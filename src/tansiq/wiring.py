"""Parts of a node that take more than a line to make, each with what it hangs on.

``node.py`` joins them; nothing here decides anything.
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from importlib.resources import files
from uuid import uuid4

from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement, Party
from tansiq.domain.intent import PartyID
from tansiq.errors import StoreError
from tansiq.http.deadline import Deadline
from tansiq.http.issuers import read_issuer
from tansiq.http.key_sets import KeySets
from tansiq.http.peer_app import PeerApi
from tansiq.peers.agreement_client import AgreementClient
from tansiq.peers.credentials import wallet
from tansiq.peers.exchange import Exchange
from tansiq.peers.identity import load_signing_key
from tansiq.peers.link import Link
from tansiq.peers.recorded import Recorded
from tansiq.peers.register_client import RegisterClient
from tansiq.peers.signatures import examine, papers_of, read_papers
from tansiq.peers.succession import TakenUp
from tansiq.peers.tokens import Minter
from tansiq.peers.uss_client import UssClient
from tansiq.services.agreement_shown import AgreementShown, PeerDigests
from tansiq.services.agreement_views import SignedVersion
from tansiq.services.airspace import Airspace
from tansiq.services.events import Events
from tansiq.services.exchanges import ExchangeLog
from tansiq.services.log_sets import Bookkeeper
from tansiq.services.parties import party_caller
from tansiq.services.planning.book import Book, Plan
from tansiq.services.planning.complaints import Complaints
from tansiq.services.planning.constraints import OwnConstraints
from tansiq.services.planning.fetching import Fetching
from tansiq.services.planning.hearing import Hearing
from tansiq.services.planning.judging import Judging
from tansiq.services.planning.local import OwnRegister
from tansiq.services.planning.notices import Notices
from tansiq.services.planning.planner import Place, Planner
from tansiq.services.planning.planning import OwnPlans
from tansiq.services.planning.reasons import Reasons
from tansiq.services.planning.records import Records
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
from tansiq.settings import EXCHANGES, HISTORY, Settings
from tansiq.storage.history import Unopened
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Store, Tx
from tansiq.voice import Voice

_log = logging.getLogger(__name__)


def open_exchanges(settings: Settings) -> SqliteStore:
    """Open the store of what passed between us and other nodes."""
    tables = files("tansiq.storage") / "exchange_migrations"
    return SqliteStore.open(settings.data / EXCHANGES, migrations=tables)


def open_history(settings: Settings) -> Store:
    """Open the store of what was shown; a node does without, rather than not start."""
    tables = files("tansiq.storage") / "history_migrations"
    try:
        return SqliteStore.open(settings.data / HISTORY, migrations=tables)
    except StoreError as error:
        _log.warning("the history is not kept: %s", error)
        return Unopened(
            f"{error.message}; with the node stopped, move {HISTORY} away: a new one is begun"
        )


def make_site(settings: Settings, taken: TakenUp, events: Events, clock: Clock) -> Site:
    return Site(
        agreement=taken.agreement,
        versions=Versions(taken.past),
        party=PartyID(settings.party),
        store=events.store,
        clock=clock,
        limits=settings.limits,
        timers=settings.timers,
        new_id=new_id,
    )


def make_hearing(site: Site, planner: Planner, link: Link) -> Hearing:
    airspace, records = planner.judging.airspace, planner.steps.records
    peers = UssClient(link, site.limits)
    telemetry = Telemetry(site, book=planner.book, airspace=airspace, peers=peers)
    return Hearing(site, airspace=airspace, records=records, planner=planner, telemetry=telemetry)


def make_succession(
    site: Site, airspace: Airspace, places: Sequence[Place], link: Link
) -> Succession:
    peers = AgreementClient(link, site.agreement)
    return Succession(site, airspace=airspace, places=places, peers=peers)


def make_agreement_shown(
    site: Site, settings: Settings, link: Link, succession: Succession
) -> AgreementShown:
    def versions() -> tuple[SignedVersion, ...]:
        return tuple(
            SignedVersion(
                version=each.agreement.version,
                digest=each.agreement.digest,
                signed=each.force.signed,
                needed=each.force.needed,
                in_force=each.force.in_force,
                reasons=each.force.reasons,
                bad=each.bad,
            )
            for each in examine(read_papers(papers_of(settings.data)))
        )

    return AgreementShown(
        site,
        file=settings.agreement.read_bytes(),
        digests=PeerDigests(site, AgreementClient(link, site.agreement)),
        following=succession.view,
        versions=versions,
    )


def make_voice(
    site: Site,
    events: Events,
    link: Link,
    settings: Settings,
    own: tuple[OwnPlans, OwnConstraints],
) -> Voice:
    voice = Voice.of(site, events, link, settings, load_signing_key(settings.data), own)
    own[0].silent = voice.line.silent
    return voice


def make_bookkeeper(
    site: Site, events: Events, record: ExchangeLog, planner: Planner
) -> Bookkeeper:
    air, registers = planner.judging.airspace, planner.book.registers
    return Bookkeeper(record, events, air, site.clock, party=site.party, registers=registers)


def make_strayed(site: Site, planner: Planner) -> Strayed:
    names = party_names(site.agreement)
    return Strayed(site, planner=planner, airspace=planner.judging.airspace, party_name=names)


def make_outgoing(
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


def our_party(agreement: Agreement, party: str) -> Party:
    me = agreement.party(PartyID(party))
    assert me is not None  # noqa: S101 - checked by ``Node.open``
    return me


def make_peer_side(
    site: Site,
    settings: Settings,
    register: Register,
    hearing: Hearing,
    reports: Reports,
    key_sets: KeySets,
) -> PeerApi:
    me = our_party(site.agreement, site.party)
    return PeerApi(
        agreement=site.agreement,
        settings=settings,
        clock=site.clock,
        issuers=key_sets.issuers,
        register=register,
        hearing=hearing,
        reports=reports,
        pool=Pool.of(site.agreement, me, site.store, site.limits.subscription_skew),
        deadline=Deadline(site.clock, site.timers.request_s),
        versions=site.versions,
    )


def make_housekeeping(
    site: Site, settings: Settings, register: Register, side: PeerApi
) -> Housekeeping:
    made = Housekeeping(site.store, register, side.pool, site.clock, site.limits, site.timers)
    if settings.database is not None:
        made.share(new_id())
    return made


def make_planner(
    site: Site, register: Register, link: Link, events: Events, places: Sequence[Place]
) -> Planner:
    agreement, peers = site.agreement, UssClient(link, site.limits)
    book = Book(agreement, site.party, events)
    airspace = Airspace(agreement)
    records = Records(agreement, site.party)
    me = our_party(agreement, site.party)
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
        reasons=Reasons(agreement, airspace, party_names(agreement)),
        local=next((p.port for p in places if isinstance(p.port, OwnRegister)), None),
        places=places,
    )


class Late:
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


def make_places(
    site: Site, register: Register, link: Link, late: Late, *, resting: bool = False
) -> tuple[Place, ...]:
    """Return the registers that count, or those that do not for the time being."""
    agreement, party = site.agreement, site.party
    me = our_party(agreement, party)
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


def party_names(agreement: Agreement) -> Callable[[str], str]:
    def name(party_id: str) -> str:
        party = agreement.party(party_id)
        return party_id if party is None else party.names.get("en", party_id)

    return name


def new_id() -> str:
    return str(uuid4())


def new_ovn() -> str:
    return secrets.token_urlsafe(24)
