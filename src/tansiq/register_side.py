"""The register without a desk: of an instance by itself, and of a worker beside its node's desk.

It keeps nothing in memory that another's write could make wrong but counts of what each manager
holds, so any number of processes serve from one database at once; stripes order their writes
(``storage/stripes.py``).
"""

from dataclasses import dataclass

from starlette.applications import Starlette

from tansiq.clock import Clock, SystemClock
from tansiq.domain.agreement import Agreement, Party
from tansiq.errors import BadInput
from tansiq.formats.agreement import read_agreement
from tansiq.http.deadline import Deadline
from tansiq.http.instance_app import RegisterApi, register_app
from tansiq.http.issuers import read_issuer
from tansiq.http.key_sets import KeySets
from tansiq.http.metrics import Metrics
from tansiq.peers.exchange import Exchange
from tansiq.peers.joining import put_whole
from tansiq.services.pool import Pool
from tansiq.services.register import Register
from tansiq.services.register.elsewhere import unless_ours
from tansiq.services.register.housekeeping import Housekeeping
from tansiq.services.register.values import nobody
from tansiq.services.reports import Reports
from tansiq.settings import Settings
from tansiq.storage.measured import Measured
from tansiq.storage.store import Store, Tx
from tansiq.storage.versions import VersionRow, VersionRows
from tansiq.wiring import new_id, new_ovn


@dataclass(slots=True, kw_only=True)
class RegisterSide:
    """What answers, and what is done again and again beside it."""

    agreement: Agreement
    api: RegisterApi
    app: Starlette
    exchange: Exchange
    key_sets: KeySets
    housekeeping: Housekeeping

    @classmethod
    def over(
        cls,
        settings: Settings,
        agreement: Agreement,
        opened: Store,
        clock: Clock,
        *,
        process: str,
        past: frozenset[str] | None,
    ) -> "RegisterSide":
        """Wire the register over a store that is open.

        ``process`` is the name of ours among several. ``past``: earlier versions of the agreement
        of the node that this serves beside; another process has its desk, and takes what meets
        plans of its own, and reports. None: there is no desk.

        Raises:
            BadInput: our party is not in the agreement, or an issuer has the name of a party.
        """
        party = _party_of(settings, agreement)
        limits, timers, metrics = settings.limits, settings.timers, Metrics()
        store = Measured(opened, clock, metrics.wrote)
        metrics.writes_waiting = lambda: store.waiting
        exchange = Exchange(agreement, clock, limits, timers)
        key_sets = KeySets(
            [read_issuer(file) for file in settings.issuers],
            exchange.document,
            clock,
            folder=settings.data,
            limits=limits,
            timers=timers,
        )
        register = Register(
            store,
            new_id=new_id,
            new_ovn=new_ovn,
            on_accepted=nobody if past is None else unless_ours(settings.party),
            limits=limits,
            exempt=(settings.party,),
        )
        register.equals = agreement.equals
        pool = Pool.of(agreement, party, store, limits.subscription_skew)
        housekeeping = Housekeeping(store, register, pool, clock, limits, timers)
        housekeeping.share(process)
        api = RegisterApi(
            agreement=agreement,
            settings=settings,
            clock=clock,
            issuers=key_sets.issuers,
            store=store,
            register=register,
            reports=Reports(store, limits, new_id=new_id) if past is None else None,
            pool=pool,
            deadline=Deadline(clock, timers.request_s),
            metrics=metrics,
            versions=past or (),
        )
        return cls(
            agreement=agreement,
            api=api,
            app=register_app(api),
            exchange=exchange,
            key_sets=key_sets,
            housekeeping=housekeeping,
        )

    @classmethod
    async def read(cls, settings: Settings, store: Store, *, process: str) -> "RegisterSide":
        """Wire a worker's register under the version of the agreement that its node is at.

        Raises:
            BadInput: there is none yet, or what the folder holds does not fit it.
            StoreError: it cannot be read.
        """
        row, past = await store.read(_versions)
        if row is None:
            raise BadInput("no version of the agreement is in force here yet", field="agreement")
        agreement = read_agreement(row.file)
        return cls.over(settings, agreement, store, SystemClock(), process=process, past=past)

    @staticmethod
    async def put_present(settings: Settings, store: Store) -> None:
        """Put the version that the node is at into the folder, where that has an earlier one.

        A copy of the folder stays as it was while the node goes over elsewhere; what it holds is no
        version to go back to.

        Raises:
            StoreError: the store cannot be read.
        """
        row, past = await store.read(_versions)
        if row is None:
            return
        here = read_agreement(settings.agreement.read_bytes()).digest
        if here != row.digest and here in past:
            put_whole(settings.agreement, row.file)

    def start(self) -> None:
        """Begin what is done again and again."""
        self.key_sets.start()
        self.housekeeping.start()

    async def stop(self) -> None:
        """End it."""
        await self.api.deadline.stop()
        await self.housekeeping.stop()
        await self.key_sets.stop()
        await self.exchange.close()


async def _versions(tx: Tx) -> tuple[VersionRow | None, frozenset[str]]:
    rows = VersionRows(tx)
    last = await rows.last()
    return last, frozenset(await rows.digests()) - {"" if last is None else last.digest}


def _party_of(settings: Settings, agreement: Agreement) -> Party:
    """Return our own party.

    Raises:
        BadInput: the agreement does not name it.
    """
    party = agreement.party(settings.party)
    if party is None:
        ids = ", ".join(each.id for each in agreement.parties)
        raise BadInput(f"{settings.party} is not a party of the agreement ({ids})", field="party")
    return party
