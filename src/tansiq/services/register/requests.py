"""Requests to the register, validated before anything stored is looked at.

Whatever is wrong with a request by itself is found here, so that a malformed one is told so even
where the state would refuse it too. Covers are computed here as well, outside the transaction.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tansiq.domain.intent import NEEDS_KEY, EntityID, IntentState, check_transition
from tansiq.domain.time import micros, zulu
from tansiq.domain.volume import Volumes
from tansiq.errors import BadInput, TooLarge
from tansiq.f3548 import wire
from tansiq.f3548.convert import (
    Area,
    area,
    base_url,
    bounded,
    check_counts,
    entity_id,
    whole_column,
)
from tansiq.services.register.values import (
    CONFORMANCE_MONITORING,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    STRATEGIC_COORDINATION,
    Caller,
)
from tansiq.settings import Limits
from tansiq.storage.cells import Cover, check, cover

OVN_CHARS_MAX = 128
_SUFFIX_SKEW = timedelta(minutes=5)
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSubscription:
    """Wish for an implicit subscription."""

    uss_base_url: str
    for_constraints: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentWrite:
    """A valid request to create (``ovn`` is None) or update an intent."""

    caller: Caller
    id: EntityID
    ovn: str | None
    state: IntentState
    uss_base_url: str
    extents: Volumes
    cover: Cover
    key: frozenset[str]
    subscription_id: str | None
    new_subscription: NewSubscription | None
    requested_ovn: str | None
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintWrite:
    """A valid request to create (``ovn`` is None) or update a constraint."""

    caller: Caller
    id: EntityID
    ovn: str | None
    uss_base_url: str
    extents: Volumes
    cover: Cover
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionWrite:
    """A valid request to create (``version`` is None) or update a subscription.

    Times that were left out are settled in the transaction, from the stored subscription.
    """

    caller: Caller
    id: EntityID
    version: str | None
    uss_base_url: str
    for_intents: bool
    for_constraints: bool
    cover: Cover
    start: datetime | None
    end: datetime | None
    now: datetime


def version_given(text: str, field: str) -> str:
    """Check an OVN or version from a path.

    Raises:
        BadInput: empty or absurdly long.
    """
    if not text.strip():
        raise BadInput("missing; updating and deleting need the current one", field=field)
    if len(text) > OVN_CHARS_MAX:
        raise BadInput(f"{len(text)} characters; at most {OVN_CHARS_MAX}", field=field)
    return text


def read_search(caller: Caller, volume: wire.Volume4D | None) -> Cover:
    """Return where and when a query looks; bounds may be open.

    Raises:
        BadInput: no area, a malformed one, or one above the caller's limit.
    """
    if volume is None:
        raise BadInput("required: the volume to search", field="area_of_interest")
    wanted = area(volume, "area_of_interest")
    check(wanted, km2_max=caller.km2_max(wanted), path="area_of_interest")
    return cover([wanted])


def _extents(caller: Caller, areas: Sequence[Area], now: datetime) -> tuple[Volumes, Cover]:
    """Check the volumes of an entity, and say where they are."""
    if not areas:
        raise BadInput("at least one volume is required", field="extents")
    volumes = tuple(bounded(one, f"extents[{i}]") for i, one in enumerate(areas))
    for i, one in enumerate(areas):
        check(one, km2_max=caller.km2_max(one), path=f"extents[{i}]")
    end = max(volume.time.end for volume in volumes)
    if end < now:
        raise BadInput(
            f"everything ended at {zulu(end)}, before now ({zulu(now)})",
            field="extents[0].time_end",
        )
    return volumes, cover(areas)


def _base_url(caller: Caller, text: str, field: str = "uss_base_url") -> str:
    # The suite marks its base URLs with a query. A register only passes them on.
    return base_url(text, field, query=not caller.party)


def _areas(volumes: Sequence[wire.Volume4D], limits: Limits) -> list[Area]:
    check_counts(volumes, "extents", volumes_max=limits.volumes_max)
    return [area(volume, f"extents[{i}]") for i, volume in enumerate(volumes)]


def read_intent(
    caller: Caller,
    intent_id: str,
    ovn: str | None,
    params: wire.PutOperationalIntentReferenceParameters,
    now: datetime,
    limits: Limits,
) -> IntentWrite:
    """Validate a request to create or update an intent.

    Raises:
        BadInput: something is wrong with it; ``field`` says what.
        Forbidden: the state or the subscription asked for needs another scope.
    """
    entity = entity_id(intent_id, "entityid")
    key = params.key or ()
    if len(key) > limits.key_max:
        raise TooLarge(f"{len(key)} OVNs; at most {limits.key_max}", field="key")
    volumes, where = _extents(caller, _areas(params.extents, limits), now)
    write = IntentWrite(
        caller=caller,
        id=entity,
        ovn=None if ovn is None else version_given(ovn, "ovn"),
        state=params.state,
        uss_base_url=_base_url(caller, params.uss_base_url),
        extents=volumes,
        cover=where,
        key=frozenset(key),
        subscription_id=_named_subscription(params.subscription_id),
        new_subscription=_wished_subscription(caller, params.new_subscription),
        requested_ovn=_requested_ovn(entity, params.requested_ovn_suffix, now),
        now=micros(now),
    )
    if write.ovn is None:
        check_transition(None, write.state)
    _check_subscription_choice(write)
    _check_scopes(write)
    return write


def _named_subscription(text: str | None) -> str | None:
    if text is None:
        return None
    named = entity_id(text, "subscription_id")
    # What our own references show where there is none: a client may well send it back.
    return None if named == wire.NO_SUBSCRIPTION else named


def _wished_subscription(
    caller: Caller, wish: wire.ImplicitSubscriptionParameters | None
) -> NewSubscription | None:
    if wish is None:
        return None
    return NewSubscription(
        uss_base_url=_base_url(caller, wish.uss_base_url, "new_subscription.uss_base_url"),
        for_constraints=bool(wish.notify_for_constraints),
    )


def _requested_ovn(entity: str, suffix: str | None, now: datetime) -> str | None:
    """Return the OVN that the manager foresees (an extension of the field's reference DSS)."""
    if suffix is None:
        return None
    field = "requested_ovn_suffix"
    if not _UUID7.fullmatch(suffix):
        raise BadInput(f"{suffix[:60]!r} is no UUID of version 7", field=field)
    made = datetime.fromtimestamp(0, UTC) + timedelta(
        milliseconds=int(suffix[:8] + suffix[9:13], 16)
    )
    if abs(made - now) > _SUFFIX_SKEW:
        raise BadInput(f"made at {zulu(made)}; at most 5 minutes from now is accepted", field=field)
    return f"{entity}_{suffix}"


def _check_subscription_choice(write: IntentWrite) -> None:
    if write.subscription_id is not None and write.new_subscription is not None:
        raise BadInput(
            "name an existing subscription or wish for a new one, not both", field="subscription_id"
        )
    neither = write.subscription_id is None and write.new_subscription is None
    if neither and write.state is not IntentState.ACCEPTED:
        raise BadInput(
            f"an intent that is {write.state} needs subscription_id or new_subscription",
            field="subscription_id",
        )


def _check_scopes(write: IntentWrite) -> None:
    needed = STRATEGIC_COORDINATION if write.state in NEEDS_KEY else CONFORMANCE_MONITORING
    write.caller.require(needed, f"the state {write.state}")
    wish = write.new_subscription
    if wish is not None and wish.for_constraints:
        write.caller.require(CONSTRAINT_PROCESSING, "notify_for_constraints")


def read_constraint(
    caller: Caller,
    constraint_id: str,
    ovn: str | None,
    params: wire.PutConstraintReferenceParameters,
    now: datetime,
    limits: Limits,
) -> ConstraintWrite:
    """Validate a request to create or update a constraint; altitudes may be open.

    Raises:
        BadInput: something is wrong with it; ``field`` says what.
        Forbidden: the scope for constraints is missing.
    """
    caller.require(CONSTRAINT_MANAGEMENT, "writing a constraint")
    entity = entity_id(constraint_id, "entityid")
    areas = [whole_column(one) for one in _areas(params.extents, limits)]
    volumes, where = _extents(caller, areas, now)
    return ConstraintWrite(
        caller=caller,
        id=entity,
        ovn=None if ovn is None else version_given(ovn, "ovn"),
        uss_base_url=_base_url(caller, params.uss_base_url),
        extents=volumes,
        cover=where,
        now=micros(now),
    )


def read_subscription(
    caller: Caller,
    subscription_id: str,
    version: str | None,
    params: wire.PutSubscriptionParameters,
    now: datetime,
) -> SubscriptionWrite:
    """Validate a request to create or update a subscription.

    Raises:
        BadInput: something is wrong with it; ``field`` says what.
        Forbidden: a kind of notification needs another scope.
    """
    entity = entity_id(subscription_id, "subscriptionid")
    for_intents = bool(params.notify_for_operational_intents)
    for_constraints = bool(params.notify_for_constraints)
    if not for_intents and not for_constraints:
        raise BadInput(
            "set notify_for_operational_intents, notify_for_constraints, or both",
            field="notify_for_operational_intents",
        )
    wanted = area(params.extents, "extents")
    check(wanted, km2_max=caller.area_km2_max, path="extents")
    write = SubscriptionWrite(
        caller=caller,
        id=entity,
        version=None if version is None else version_given(version, "version"),
        uss_base_url=_base_url(caller, params.uss_base_url),
        for_intents=for_intents,
        for_constraints=for_constraints,
        cover=cover([wanted]),
        start=wanted.start,
        end=wanted.end,
        now=now,
    )
    if for_intents:
        caller.require(STRATEGIC_COORDINATION, "notify_for_operational_intents")
    if for_constraints:
        caller.require(CONSTRAINT_PROCESSING, "notify_for_constraints")
    return write
