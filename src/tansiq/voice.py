"""Joins what a node says and proves: its line, its record, and what it witnesses of others; the
operator's programs on events; and the door for who is not a party yet.

Wiring only, like ``node.py``, of which it is a part of its own.
"""

import logging
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tansiq.domain.time import micros
from tansiq.formats.phrase_book import check_phrase
from tansiq.formats.signed_note import NameOf, VerifierKey
from tansiq.http.join import JoinApi
from tansiq.http.letters import LettersApi
from tansiq.http.record import RecordApi
from tansiq.peers.doorstep import Doorstep
from tansiq.peers.line_client import LineClient
from tansiq.peers.link import Link
from tansiq.peers.program import Programs
from tansiq.peers.witness_client import WitnessClient
from tansiq.services.events import Events
from tansiq.services.exchanges import ExchangeLog, Said
from tansiq.services.facade import Constraints, Planning
from tansiq.services.hooks import Hooks
from tansiq.services.line.clock_error import ClockError
from tansiq.services.line.line import Line, Tools
from tansiq.services.planning.site import Site
from tansiq.services.record.cosigning import Cosigning
from tansiq.services.record.exchange import KIND as EXCHANGE
from tansiq.services.record.exchange import exchange_entry
from tansiq.services.record.log import Record
from tansiq.services.record.start import check
from tansiq.services.record.witness import Witness
from tansiq.settings import Settings
from tansiq.storage.record import RecordLog
from tansiq.storage.store import Tx

RECORD_BATCH = 200
"""Exchanges that are recorded in one step, which nothing else in the store can interrupt."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """The line and the record of one node."""

    site: Site
    line: Line
    record: Record
    witness: Witness
    cosigning: Cosigning

    @classmethod
    def of(
        cls,
        site: Site,
        events: Events,
        link: Link,
        settings: Settings,
        key: Ed25519PrivateKey,
        own: tuple[Planning, Constraints],
    ) -> "Voice":
        """Wire a node's voice."""
        agreement, limits = site.agreement, site.limits
        record = Record(site.store, party=site.party, signing_key=key, limits=limits)
        keys: dict[str, bytes] = {
            each.id: each.public_key for each in agreement.parties if each.id != site.party
        }
        logs = {
            NameOf.LOG.by(party): VerifierKey(NameOf.LOG.by(party), public)
            for party, public in keys.items()
        }
        witness = Witness(site.store, party=site.party, signing_key=key, logs=logs, limits=limits)
        cosigning = Cosigning(record, WitnessClient(link, agreement), site.clock, keys)
        tools = Tools(
            key=key,
            peers=LineClient(link, agreement, limits),
            salt=secrets.token_bytes,
            clock_error_ms=ClockError(site.clock, settings.clock_error_s),
            check_code=check_phrase,
            agreement_file=settings.agreement.read_bytes(),
        )
        line = Line(site, tools, events, plans=own[0], constraints=own[1])
        line.outbox.before = cosigning.check
        line.on_written = cosigning.grown
        line.on_reachable = cosigning.reachable
        return cls(site=site, line=line, record=record, witness=witness, cosigning=cosigning)

    async def check(self) -> None:
        """Hash the whole record anew, and hold it against what others have cosigned.

        Raises:
            RecordDamaged: something of it is not as it was written.
            RecordRolledBack: others have cosigned a state that it does not lead to.
        """
        found = await check(self.record, clock=self.site.clock, witnesses=self.cosigning.witnesses)
        await self.witness.check()
        if found.size:
            _log.info(
                "the record is whole: %d entries, %.0f a second, %d cosignatures",
                found.size,
                found.entries_per_s,
                found.cosigned,
            )

    async def start(self) -> None:
        """Begin to speak, and to show the record."""
        await self.line.start()
        self.cosigning.start()

    async def stop(self) -> None:
        """Stop; everything said is in the store."""
        await self.cosigning.stop()
        await self.line.stop()

    def keep_exchanges(self, log: ExchangeLog) -> None:
        """Have exchanges of F3548-21 recorded as well."""
        log.on_write = self._record_exchanges

    async def _record_exchanges(self, rows: Collection[tuple[str, Said]]) -> None:
        entries = [(EXCHANGE, exchange_entry(peer, said)) for peer, said in rows]
        for first in range(0, len(entries), RECORD_BATCH):
            some = entries[first : first + RECORD_BATCH]

            async def write(tx: Tx, some: list[tuple[str, bytes]] = some) -> None:
                await RecordLog(tx).append_all(some, time=micros(self.site.clock.now()))

            await self.site.store.write(write)
        if rows:
            self.cosigning.grown()

    @property
    def letters(self) -> LettersApi:
        """Where other parties' notes come in."""
        return LettersApi(self.line.inbox, self.line.heard, self.site.clock, self.site.limits)

    @property
    def witnessing(self) -> RecordApi:
        """Our record, and what we hold of theirs, towards other nodes."""
        return RecordApi(self.record, self.witness, self.site.clock)


def hooks_of(site: Site, events: Events, settings: Settings, line: Line) -> Hooks:
    """Wire the programs that are started on events.

    Raises:
        BadInput: one is for a kind of event that there is not.
    """
    programs = Programs(
        settings.data,
        site.clock,
        time_s=site.timers.hook_run_s,
        output_bytes_max=site.limits.hook_output_bytes_max,
    )
    hooks = Hooks(site, events, settings.hooks, programs)
    hooks.words = line.words_of
    return hooks


def door_of(site: Site, events: Events, settings: Settings) -> JoinApi:
    """Wire where parties that we invited bring their replies."""
    limits = site.limits
    door = Doorstep(settings.data, site.agreement, events, tries_max=limits.join_tries_max)
    return JoinApi(door.take, site.clock, per_s=limits.joins_per_s)
