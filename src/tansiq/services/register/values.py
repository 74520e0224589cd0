"""What the register is told and tells: callers, accepted writes, the refusal that lists OVNs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from tansiq.domain.intent import IntentState
from tansiq.domain.time import from_micros
from tansiq.domain.volume import Volumes
from tansiq.errors import Forbidden, MissingOVNs
from tansiq.f3548 import wire
from tansiq.f3548.convert import Area, to_time
from tansiq.storage.cells import Cover
from tansiq.storage.constraints import ConstraintRow
from tansiq.storage.intents import IntentRow
from tansiq.storage.store import Tx
from tansiq.storage.subscriptions import Notified, SubscriptionRow

STRATEGIC_COORDINATION: Final = "utm.strategic_coordination"
CONSTRAINT_MANAGEMENT: Final = "utm.constraint_management"
CONSTRAINT_PROCESSING: Final = "utm.constraint_processing"
CONFORMANCE_MONITORING: Final = "utm.conformance_monitoring_sa"
AVAILABILITY_ARBITRATION: Final = "utm.availability_arbitration"

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, what their token allows, and how large an area they may name."""

    id: str
    scopes: frozenset[str]
    area_km2_max: float
    area_km2_beyond_max: float | None = None
    """The same for what spans longer than a day; None: no difference."""
    subscription_max: timedelta | None = None
    """How long a subscription of theirs may last; None: as the standard says."""
    party: bool = False
    """A party of the agreement: habits that the field's suite has are no excuse for it."""

    def km2_max(self, area: Area) -> float:
        """Return how large this area may be. A search without times is not "longer than a day"."""
        if self.area_km2_beyond_max is None or area.start is None or area.end is None:
            return self.area_km2_max
        return self.area_km2_beyond_max if area.end - area.start > _DAY else self.area_km2_max

    def require(self, scope: str, why: str) -> None:
        """Check that the token holds a scope.

        Raises:
            Forbidden: it does not.
        """
        if scope not in self.scopes:
            raise Forbidden(f"{why} needs the scope {scope}")


class Kind(StrEnum):
    """What an accepted write is about."""

    INTENT = "intent"
    CONSTRAINT = "constraint"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedWrite:
    """A change of the register, told inside the transaction that makes it.

    A register knows no priorities and no details. ``extents`` are what the manager placed, hence
    enlarged; they are empty for a removal, of which only the id is known. ``cover`` is theirs.
    """

    kind: Kind
    id: str
    manager: str
    extents: Volumes
    removed: bool
    version: int
    uss_base_url: str
    cover: Cover


OnAccepted = Callable[[Tx, AcceptedWrite], Awaitable[None]]


async def nobody(_tx: Tx, _write: AcceptedWrite) -> None:
    """Take no notice of accepted writes."""


class AirspaceConflict(MissingOVNs):
    """The key lacks OVNs; here are the references to fetch them by."""

    def __init__(
        self,
        intents: Sequence[wire.OperationalIntentReference],
        constraints: Sequence[wire.ConstraintReference],
    ) -> None:
        found = [one.id for one in intents] + [one.id for one in constraints]
        shown = ", ".join(found[:3]) + (" and more" if len(found) > 3 else "")
        super().__init__(
            f"the key lacks the current OVN of {len(found)} relevant entities ({shown}); "
            "read their details from their managers, and try again with those OVNs",
            missing_intents=[reference.id for reference in intents],
            missing_constraints=[reference.id for reference in constraints],
        )
        self.intents = tuple(intents)
        self.constraints = tuple(constraints)


# Rows as answers


def _time(value: int) -> wire.Time:
    return to_time(from_micros(value))


def intent_reference(row: IntentRow, viewer: str) -> wire.OperationalIntentReference:
    """Return an intent as ``viewer`` may see it: the OVN is its manager's alone."""
    return wire.OperationalIntentReference(
        id=row.id,
        manager=row.manager,
        uss_availability=wire.UssAvailabilityState(row.availability),
        version=row.version,
        state=IntentState(row.state),
        ovn=row.ovn if row.manager == viewer else None,
        time_start=_time(row.time_start),
        time_end=_time(row.time_end),
        uss_base_url=row.uss_base_url,
        subscription_id=row.subscription_id or wire.NO_SUBSCRIPTION,
    )


def constraint_reference(row: ConstraintRow, viewer: str) -> wire.ConstraintReference:
    """Return a constraint as ``viewer`` may see it: the OVN is its manager's alone."""
    return wire.ConstraintReference(
        id=row.id,
        manager=row.manager,
        uss_availability=wire.UssAvailabilityState(row.availability),
        version=row.version,
        ovn=row.ovn if row.manager == viewer else None,
        time_start=_time(row.time_start),
        time_end=_time(row.time_end),
        uss_base_url=row.uss_base_url,
    )


def subscription_answer(row: SubscriptionRow, dependents: tuple[str, ...]) -> wire.Subscription:
    """Return a subscription as its manager sees it."""
    return wire.Subscription(
        id=row.id,
        version=row.version,
        notification_index=row.notification_index,
        time_start=_time(row.time_start),
        time_end=_time(row.time_end),
        uss_base_url=row.uss_base_url,
        notify_for_operational_intents=row.for_intents,
        notify_for_constraints=row.for_constraints,
        implicit_subscription=row.implicit,
        dependent_operational_intents=dependents,
    )


def subscribers(notified: Sequence[Notified]) -> tuple[wire.SubscriberToNotify, ...]:
    """Group subscriptions by where their notifications go, keeping the order of ids."""
    by_url: dict[str, list[wire.SubscriptionState]] = {}
    for one in notified:
        state = wire.SubscriptionState(
            subscription_id=one.id, notification_index=one.notification_index
        )
        by_url.setdefault(one.uss_base_url, []).append(state)
    return tuple(
        wire.SubscriberToNotify(subscriptions=tuple(states), uss_base_url=url)
        for url, states in by_url.items()
    )
