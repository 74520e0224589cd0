"""What a draft must be to be declared, or to take the place of a plan; checked beforehand."""

import asyncio
from datetime import datetime, timedelta

from tansiq.domain import geodesy
from tansiq.domain.agreement import Agreement
from tansiq.domain.amendment import may_plan
from tansiq.domain.category import Category
from tansiq.domain.draft import PlanDraft
from tansiq.domain.time import zulu
from tansiq.domain.volume import Polygon, Volumes, time_bounds
from tansiq.engine.enlarge import enlarged_by
from tansiq.errors import BadInput, Forbidden
from tansiq.formats.geojson import swapped
from tansiq.services.planning.book import Plan

_QUICK_CORNERS = 64


def check_may_plan(agreement: Agreement, party: str, now: datetime) -> None:
    """Check that a party may declare and change plans; what stands goes on as it is.

    Raises:
        Forbidden: the agreement has ended, or the party is struck off.
    """
    if not may_plan(agreement, party):
        raise Forbidden(
            f"version {agreement.version} of the agreement strikes {party} off: nothing new is "
            "planned until a later version takes it back; what stands goes on blocking",
            field="struck",
        )
    if agreement.valid_until is not None and not agreement.valid_at(now):
        raise Forbidden(
            f"the agreement ended at {zulu(agreement.valid_until)}: nothing new is planned until "
            "another version is in force; what stands goes on blocking",
            field="valid_until",
        )


async def check_aside(
    draft: PlanDraft, agreement: Agreement, now: datetime, ahead_max: timedelta
) -> None:
    """``check_draft``, in a thread where it takes long enough for others to notice."""
    corners = sum(len(v.outline.vertices) for v in draft.volumes if isinstance(v.outline, Polygon))
    if corners <= _QUICK_CORNERS:
        check_draft(draft, agreement, now, ahead_max)
    else:
        await asyncio.to_thread(check_draft, draft, agreement, now, ahead_max)


def check_draft(
    draft: PlanDraft, agreement: Agreement, now: datetime, ahead_max: timedelta
) -> None:
    """Check what a draft must be to be declared now under the agreement.

    Raises:
        BadInput: its end has passed or is too far ahead, or it leaves the area.
    """
    span = time_bounds(draft.volumes)
    if span.end <= now:
        raise BadInput(
            f"the end {zulu(span.end)} has passed (it is {zulu(now)}); state a later one",
            field="end",
        )
    if span.end > now + ahead_max:
        raise BadInput(
            f"the end {zulu(span.end)} is more than {ahead_max.days} days ahead", field="end"
        )
    for index, volume in enumerate(draft.volumes):
        geodesy.check_outline(volume.outline)
        if not geodesy.inside(volume.outline, agreement.area):
            other = swapped(volume.outline)
            hint = "keep the whole outline inside"
            if other is not None and geodesy.inside(other, agreement.area):
                hint = "with latitude and longitude exchanged it would be inside: are they swapped?"
            raise BadInput(
                f"the volume leaves the area of the agreement; {hint}", field=f"volumes[{index}]"
            )
        area_km2 = geodesy.area_km2(volume.outline)
        if area_km2 > agreement.area_km2_max:
            raise BadInput(
                f"the outline covers {area_km2:,.0f} km2; the agreement allows "
                f"{agreement.area_km2_max:,.0f} km2 a volume: divide it",
                field=f"volumes[{index}]",
            )
    # Refused here, and remembered, rather than found out while it is being placed.
    check_enlarged(draft.volumes, draft.category, agreement)


def check_enlarged(volumes: Volumes, category: Category | None, agreement: Agreement) -> None:
    """Check that volumes can be written to the registers.

    Raises:
        InvalidVolume: an outline becomes larger by that than one may be.
    """
    most = agreement.minima_table.most(category)
    for fraction in {1.0 if register.foreign else 0.5 for register in agreement.registers}:
        enlarged_by(volumes, most, fraction=fraction)


def check_same(draft: PlanDraft, plan: Plan) -> None:
    """Check that a draft is of the aircraft that the plan is of.

    Raises:
        BadInput: it is not.
    """
    if (draft.callsign, draft.formation) != (plan.callsign, plan.formation):
        raise BadInput(
            f"call sign and formation of a plan stay as they are ({plan.callsign or 'none'}); "
            "end the plan and submit a new one",
            field="callsign",
        )
    if draft.category != plan.category:
        raise BadInput(
            f"the category of a plan stays as it is ({plan.category or 'none'}); end the plan and "
            "submit a new one",
            field="category",
        )
