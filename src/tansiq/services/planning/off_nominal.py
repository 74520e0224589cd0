"""Saying that an own aircraft is not where its plan said: what is checked, and what then stands.

That it is so is never refused; only what no register could take is.
"""

from datetime import datetime

from tansiq.domain import geodesy
from tansiq.domain.agreement import Agreement
from tansiq.domain.draft import Datum, PlanDraft, StatedBand, Units
from tansiq.domain.intent import IntentState, check_transition
from tansiq.domain.placement import Placement
from tansiq.domain.time import zulu
from tansiq.domain.volume import Volume4D, Volumes
from tansiq.errors import BadInput, TooLarge, WrongState
from tansiq.services.planning.book import Plan
from tansiq.services.planning.claim import Claim
from tansiq.settings import Limits

_STATES = (IntentState.NONCONFORMING, IntentState.CONTINGENT)


def draft(plan: Plan, volumes: Volumes, stated: tuple[StatedBand, ...]) -> PlanDraft:
    """Return off-nominal volumes as something to be kept; ``stated`` in metres if not given."""
    return PlanDraft(
        volumes=volumes,
        stated=stated or tuple(_in_metres(volume) for volume in volumes),
        callsign=plan.callsign,
        formation=plan.formation,
        category=plan.category,
        priority=plan.priority,
    )


def _in_metres(volume: Volume4D) -> StatedBand:
    band = volume.altitude
    return StatedBand(lower=band.lower_m, upper=band.upper_m, units=Units.M, datum=Datum.W84)


def check(
    state: IntentState,
    volumes: Volumes,
    agreement: Agreement,
    now: datetime,
    limits: Limits,
    *,
    beside: int,
) -> None:
    """Check what registers would refuse; ``beside`` nominal volumes stand too. Volumes may leave
    the agreed area: aircraft do.

    Raises:
        BadInput: another state, no volumes, or volumes that are past, too far ahead or too large.
    """
    if state not in _STATES:
        raise BadInput(f"{state} is not off-nominal; Nonconforming or Contingent", field="state")
    if not volumes:
        raise BadInput(
            "say where the aircraft may be: at least one volume", field="off_nominal_volumes"
        )
    if len(volumes) + beside > limits.volumes_max:
        raise TooLarge(
            f"{len(volumes)} volumes beside {beside} of the plan; at most {limits.volumes_max}",
            field="off_nominal_volumes",
        )
    for index, volume in enumerate(volumes):
        field = f"off_nominal_volumes[{index}]"
        if volume.time.end <= now:
            end = zulu(volume.time.end)
            raise BadInput(f"the end {end} has passed; it is {zulu(now)}", field=field)
        if volume.time.end > now + limits.plan_ahead_max:
            end, days = zulu(volume.time.end), limits.plan_ahead_max.days
            raise BadInput(f"the end {end} is more than {days} days ahead", field=field)
        geodesy.check_outline(volume.outline)
        area_km2 = geodesy.area_km2(volume.outline)
        if area_km2 > agreement.area_km2_max:
            raise BadInput(
                f"the outline covers {area_km2:,.0f} km2; the agreement allows "
                f"{agreement.area_km2_max:,.0f} km2 a volume: divide it",
                field=field,
            )


def standing(placement: Placement[Claim]) -> Claim:
    """Return what stands of a plan.

    Raises:
        WrongState: nothing does.
    """
    if placement.base is None:
        raise WrongState(
            "nothing of it stands in a register, so nobody expects its aircraft anywhere; submit a "
            "plan of where it is"
        )
    return placement.base


def claim(base: Claim, state: IntentState, number: int) -> Claim:
    """Return what is to stand instead of ``base``; ``number`` is the off-nominal volume set.

    Raises:
        WrongState: it was Contingent, which only ends.
    """
    if base.state is IntentState.CONTINGENT and state is not IntentState.CONTINGENT:
        raise WrongState(
            "a plan that is Contingent stays so; give it other volumes, or end it", field="state"
        )
    check_transition(base.state, state)
    return Claim(parts=base.parts, off_parts=(number,), state=state, priority=base.priority)


def check_return(base: Claim) -> None:
    """Check that a plan may be Activated again.

    Raises:
        WrongState: it is Contingent.
    """
    if base.state is IntentState.CONTINGENT:
        raise WrongState(
            "a plan that is Contingent is not expected back: end it, and submit a new one for "
            "what the aircraft does next",
            field="state",
        )
