"""What all parts of planning share: who we are, by which rules, over which store and clock."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement
from tansiq.domain.intent import PartyID
from tansiq.services.planning.versions import Versions
from tansiq.settings import Limits, Timers
from tansiq.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One node's place in the agreement, and its tools."""

    agreement: Agreement
    party: PartyID
    store: Store
    clock: Clock
    limits: Limits
    timers: Timers
    new_id: Callable[[], str]
    """Makes UUIDs of version 4."""
    versions: Versions = field(default_factory=Versions)
    """Other versions of the agreement that other nodes may hold."""
