"""Plans that are far apart and all the same relevant to each other: they share a coarse cell."""

import pytest
from sky import Side, plan

from tansiq.domain.draft import PlanDraft
from tansiq.domain.extent import Extent
from tansiq.engine.enlarge import enlarged_by
from tansiq.f3548 import convert
from tansiq.services.airspace import Candidate, Known
from tansiq.services.views import Status
from tansiq.storage.cells import Cover, cover

pytestmark = pytest.mark.anyio
RADIUS_M = 12_000.0
"""Above 200 fine cells, so that the register finds it by cells of some 18 km."""


def _cover(draft: PlanDraft, side: Side) -> Cover:
    minima = side.up.agreement.minima
    extents = convert.volumes_to_wire(enlarged_by(draft.volumes, minima, fraction=0.5))
    return cover([convert.area(v, "extents") for v in extents])


def _candidate(draft: PlanDraft) -> Candidate:
    return Candidate(intent_id="x", priority=0, callsign="", formation="", volumes=draft.volumes)


def _sharing(side: Side) -> tuple[PlanDraft, PlanDraft]:
    """Return two plans that share a cell, and are too far apart to be thought of together."""
    first = plan(-121.0, "WEST", lat=40.0, radius_m=RADIUS_M)
    cells = {cell for patch in _cover(first, side).patches for cell in patch.cells}
    for step in range(60):
        east = plan(-120.60 + 0.005 * step, "EAST", lat=40.0, radius_m=RADIUS_M)
        shared = cells & {c for patch in _cover(east, side).patches for c in patch.cells}
        near = side.up.planner.judging.airspace.reach
        if shared and Extent.of(first.volumes).apart(Extent.of(east.volumes), near):
            return first, east
    raise AssertionError("no two such plans: the cells have changed")


async def test_what_a_register_names_from_far_away_is_proven_too(pair: tuple[Side, Side]) -> None:
    """Else its 409 would name the same plan for ever, and neither would be coordinated."""
    north, south = pair
    first, second = _sharing(north)
    for owner, draft in ((north, first), (south, second)):
        view = await owner.declare(draft)
        assert view.status is Status.COORDINATED, view.reason
    airspace = south.up.planner.judging.airspace
    asked = _candidate(second)
    mine = [k for k in airspace.at("north").values() if k.callsign == "WEST"]
    assert len(mine) == 1
    known: Known = mine[0]
    assert known not in airspace.relevant(asked, asked.volumes, "north")
    assert known in airspace.relevant(asked, asked.volumes, "north", {known.id})
