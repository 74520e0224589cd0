"""Whether a record that is put back is what others have seen of it, before a node speaks again.

A party that says more under its key than its restored record leads to has two histories, which
nobody can mend. So the record is held against all that is at hand: what the folder that it replaces
has, the cosignatures in either, and what peers hold, who are asked.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

import msgspec

from tansiq.backup.archive import Tell
from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement, Party
from tansiq.domain.intent import PartyID
from tansiq.errors import (
    BadInput,
    BadSignature,
    PeerError,
    RecordDamaged,
    RecordRolledBack,
    StoreError,
)
from tansiq.peers.agreement_client import AGREEMENT_PATH
from tansiq.peers.credentials import wallet
from tansiq.peers.exchange import Exchange
from tansiq.peers.identity import load_signing_key
from tansiq.peers.link import Link
from tansiq.peers.tokens import Minter
from tansiq.peers.witness_client import WitnessClient
from tansiq.services.record import KnownRecord
from tansiq.settings import Settings
from tansiq.storage.record import RecordLog
from tansiq.storage.witness import Witnessed


class State(StrEnum):
    """What a restored record is, beside what one source holds of it."""

    LED_TO = "as seen"
    """It leads to all that the source holds."""
    BEHIND = "behind"
    """The source holds more of the same history, or another one, and has our signature on it."""
    LOST = "lost"
    """The folder that is replaced has more of the same history; peers may have read it."""
    NOTHING = "nothing held"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One source, and what it says."""

    source: str
    state: State
    sentence: str


REMEDY: Final = (
    "A node that goes on from here is stopped by its peers (record-rolled-back) and says nothing "
    "more. Restore a newer backup. Only where there is none: restore this one with "
    "--even-if-rolled-back, and agree with the others on a new key for this party before it speaks"
)


async def beside_folder(record: KnownRecord, old: KnownRecord) -> list[Finding]:
    """Hold the restored record against that of the folder which it replaces."""
    source = "the folder that is replaced"
    try:
        head = await old.store.read(lambda tx: RecordLog(tx).head())
        seen = await old.store.read(lambda tx: Witnessed(tx).last_of_all())
        found = [await _held(record, row.witness, row.checkpoint) for row in seen]
        mine = await record.store.read(lambda tx: RecordLog(tx).head())
        if mine.size < head.size:
            there = await old.store.read(lambda tx: RecordLog(tx).head_at(mine.size))
            same, more = there.root() == mine.root(), head.size - mine.size
        else:
            here = await record.store.read(lambda tx: RecordLog(tx).head_at(head.size))
            same, more = here.root() == head.root(), 0
    except (StoreError, RecordDamaged, BadInput, UnicodeDecodeError) as error:
        return [Finding(source, State.UNKNOWN, f"its record cannot be read: {error}")]
    if not same:
        sentence = "its record is another history than the backup's: two nodes ran with one key"
        return [*found, Finding(source, State.BEHIND, sentence)]
    if more:
        sentence = (
            f"its record has {more:,} entries more than the backup. If that folder is whole, it is "
            "the newest copy there is: keep it"
        )
        return [*found, Finding(source, State.LOST, sentence)]
    return [*found, Finding(source, State.LED_TO, f"its {head.size:,} entries are all in it")]


async def _held(record: KnownRecord, source: str, checkpoint: bytes | None) -> Finding:
    """Hold the record against a checkpoint of ours that somebody holds."""
    if checkpoint is None:
        return Finding(source, State.NOTHING, "has never seen a state of our record")
    try:
        told = (await record.compare(source, checkpoint)).checkpoint
    except RecordRolledBack as error:
        said = error.message.partition(": an old copy")[0].removeprefix(f"{source} ")
        return Finding(source, State.BEHIND, said)
    except (BadInput, BadSignature) as error:
        # Not signed by this key: nobody can hold up a restore by a claim.
        return Finding(source, State.UNKNOWN, f"what is held is not signed by our key: {error}")
    sentence = f"holds {told.size:,} entries of our record, and the backup leads to them"
    return Finding(source, State.LED_TO, sentence)


async def beside_peers(
    record: KnownRecord, settings: Settings, agreement: Agreement, clock: Clock, tell: Tell
) -> list[Finding]:
    """Ask every other party which state of our record it holds."""
    exchange = Exchange(agreement, clock, settings.limits, settings.timers)
    key = load_signing_key(settings.data)
    minter = Minter(key, settings.party, agreement.digest, clock, timers=settings.timers)
    purse = wallet(minter, settings.party, (), exchange, clock, settings.timers)
    link = Link(exchange, purse)
    try:
        client, found = WitnessClient(link, agreement), []
        for party in agreement.parties:
            if party.id != settings.party:
                tell(f"asking {party.id} what it holds of our record")
                found.append(await _asked(record, client, party))
        return found
    finally:
        await link.close()


async def _asked(record: KnownRecord, client: WitnessClient, party: Party) -> Finding:
    try:
        checkpoint = await client.held(party.id)
    except PeerError as error:
        sentence = f"did not say what it holds of our record ({error.message})"
        return Finding(party.id, State.UNKNOWN, sentence)
    return await _held(record, party.id, checkpoint)


async def check_alone(settings: Settings, agreement: Agreement, clock: Clock) -> None:
    """Check that no node of this party answers where others reach it.

    Raises:
        BadInput: one does.
    """
    own = agreement.party(PartyID(settings.party))
    if own is None:
        return
    exchange = Exchange(agreement, clock, settings.limits, settings.timers)
    try:
        answer = await exchange.send("GET", own.url + AGREEMENT_PATH, headers={})
        said = msgspec.json.decode(answer.body, type=dict[str, object])
    except (PeerError, msgspec.DecodeError, UnicodeDecodeError):
        return
    finally:
        await exchange.close()
    if said.get("party") == own.id:
        raise BadInput(
            f"a node of {own.id} answers at {urlsplit(own.url).netloc}. Two nodes with one key "
            "make two records that nobody can mend: stop that one first, and restore a backup that "
            "was made after",
            field="party",
        )


def is_behind(found: list[Finding]) -> bool:
    """Report whether something was said under our key that the record does not lead to."""
    return any(finding.state in (State.BEHIND, State.LOST) for finding in found)
