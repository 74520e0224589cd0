"""A register over a real file, callers, and short ways to say what they ask."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from stores import AnyStore
from tansiq.domain.intent import IntentState
from tansiq.f3548 import wire
from tansiq.f3548.convert import to_time
from tansiq.services.register import (
    AVAILABILITY_ARBITRATION,
    CONFORMANCE_MONITORING,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    STRATEGIC_COORDINATION,
    AcceptedWrite,
    Caller,
    Register,
)
from tansiq.storage.store import Tx

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALL_SCOPES = frozenset(
    {
        STRATEGIC_COORDINATION,
        CONFORMANCE_MONITORING,
        CONSTRAINT_MANAGEMENT,
        CONSTRAINT_PROCESSING,
        AVAILABILITY_ARBITRATION,
    }
)
ACCEPTED, ACTIVATED = IntentState.ACCEPTED, IntentState.ACTIVATED
NONCONFORMING, CONTINGENT = IntentState.NONCONFORMING, IntentState.CONTINGENT
URL = "https://uss.example/north"


def caller(name: str, *scopes: str) -> Caller:
    """Return somebody outside any agreement; with all scopes unless some are named."""
    return Caller(
        id=name,
        scopes=frozenset(scopes) or ALL_SCOPES,
        area_km2_max=2_500.0,
        area_km2_beyond_max=400.0,
    )


NORTH, SOUTH = caller("north"), caller("south")


def uuid(rng: random.Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def volume(
    *,
    lat: float = 40.0,
    lng: float = -105.0,
    radius_m: float = 300.0,
    altitudes: tuple[float | None, float | None] = (0.0, 100.0),
    minutes: tuple[float | None, float | None] = (0, 60),
) -> wire.Volume4D:
    """Return a circle near Boulder, from noon for an hour, unless told otherwise."""
    lower, upper = (
        None if value is None else wire.Altitude(value=value, reference="W84", units="M")
        for value in altitudes
    )
    start, end = (
        None if value is None else to_time(NOON + timedelta(minutes=value)) for value in minutes
    )
    return wire.Volume4D(
        volume=wire.Volume3D(
            outline_circle=wire.Circle(
                center=wire.LatLngPoint(lat=lat, lng=lng),
                radius=wire.Radius(value=radius_m, units="M"),
            ),
            altitude_lower=lower,
            altitude_upper=upper,
        ),
        time_start=start,
        time_end=end,
    )


def intent(
    *volumes: wire.Volume4D, state: IntentState = ACCEPTED, **more: Any
) -> wire.PutOperationalIntentReferenceParameters:
    return wire.PutOperationalIntentReferenceParameters(
        extents=volumes or (volume(),), state=state, uss_base_url=URL, **more
    )


def wish(*, constraints: bool = False) -> wire.ImplicitSubscriptionParameters:
    return wire.ImplicitSubscriptionParameters(uss_base_url=URL, notify_for_constraints=constraints)


def constraint(*volumes: wire.Volume4D) -> wire.PutConstraintReferenceParameters:
    return wire.PutConstraintReferenceParameters(extents=volumes or (volume(),), uss_base_url=URL)


def subscription(
    extents: wire.Volume4D | None = None, **more: Any
) -> wire.PutSubscriptionParameters:
    flags: Mapping[str, Any] = more or {"notify_for_operational_intents": True}
    return wire.PutSubscriptionParameters(extents=extents or volume(), uss_base_url=URL, **flags)


class World:
    """One register; ids and OVNs come from a seed, ``accepted`` keeps what the hook was told."""

    def __init__(self, store: AnyStore, seed: int = 1) -> None:
        self._rng = random.Random(seed)
        self.store = store
        self.accepted: list[AcceptedWrite] = []
        self.register = Register(
            store, new_id=self.id, new_ovn=self._ovn, on_accepted=self._on_accepted
        )

    def id(self) -> str:
        return uuid(self._rng)

    def _ovn(self) -> str:
        return f"{self._rng.getrandbits(128):032x}"

    async def _on_accepted(self, tx: Tx, write: AcceptedWrite) -> None:
        assert await tx.fetch("SELECT 1"), "the hook runs inside the transaction"
        self.accepted.append(write)

    async def put(
        self,
        who: Caller,
        params: wire.PutOperationalIntentReferenceParameters,
        *,
        over: wire.OperationalIntentReference | None = None,
        now: datetime = NOON,
    ) -> wire.OperationalIntentReference:
        """Create an intent, or update ``over``; return its reference."""
        answer = await self.change(who, params, over=over, now=now)
        return answer.operational_intent_reference

    async def change(
        self,
        who: Caller,
        params: wire.PutOperationalIntentReferenceParameters,
        *,
        over: wire.OperationalIntentReference | None = None,
        now: datetime = NOON,
    ) -> wire.ChangeOperationalIntentReferenceResponse:
        """The same, with the whole answer."""
        if over is None:
            return await self.register.put_intent(who, self.id(), None, params, now)
        return await self.register.put_intent(who, over.id, over.ovn, params, now)

    async def bar(
        self, who: Caller, params: wire.PutConstraintReferenceParameters | None = None
    ) -> wire.ConstraintReference:
        """Create a constraint."""
        answer = await self.register.put_constraint(
            who, self.id(), None, params or constraint(), NOON
        )
        return answer.constraint_reference

    async def subscribe(
        self,
        who: Caller,
        params: wire.PutSubscriptionParameters | None = None,
        now: datetime = NOON,
    ) -> wire.Subscription:
        """Create a subscription."""
        answer = await self.register.put_subscription(
            who, self.id(), None, params or subscription(), now
        )
        return answer.subscription

    async def mine(self, who: Caller) -> list[wire.Subscription]:
        """Return the caller's living subscriptions around the usual place."""
        answer = await self.register.query_subscriptions(
            who, volume(minutes=(None, None), altitudes=(None, None)), NOON
        )
        return list(answer.subscriptions)

    async def rows(self) -> dict[str, int]:
        """Return how many rows each table of the register has."""
        tables = ("intent", "constraint_reference", "subscription", "cell", "uss_availability")

        async def count(tx: Tx) -> dict[str, int]:
            found = {}
            for table in tables:
                row = await tx.fetch_one(f"SELECT COUNT(*) FROM {table}")
                assert row is not None
                found[table] = row[0]
            return found

        return await self.store.read(count)
