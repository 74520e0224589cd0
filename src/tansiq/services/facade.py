"""What the own API may ask of a node: the services' side of every button and command.

Protocols, because the API is tested against a small real implementation as well as the node's.
A plan's id is ``draft.id`` where that is given, else a fresh UUIDv4; it never changes.
"""

from typing import Protocol

from tansiq.domain.draft import PlanDraft, StatedBand
from tansiq.domain.intent import IntentState
from tansiq.domain.volume import Volumes
from tansiq.engine.sideways import Aside
from tansiq.services.planning.telemetry import Report
from tansiq.services.views import AirspaceEntry, ConstraintView, PlanView, StatusView, TelemetryView


class Planning(Protocol):
    """Own plans."""

    async def submit(self, draft: PlanDraft) -> PlanView:
        """Keep the plan and begin to place it; placing goes on after the answer.

        Raises:
            BadInput: its end has passed, it leaves the agreed area, or it is above a limit.
            StateConflict: a plan of that id exists.
        """
        ...

    async def preview(self, draft: PlanDraft) -> PlanView:
        """Judge the plan against what is known and write nothing."""
        ...

    async def plans(self, *, ended: bool) -> list[PlanView]:
        """Return own plans in order of start; those that have ended only if asked for."""
        ...

    async def plan(self, plan_id: str) -> PlanView:
        """Return one plan.

        Raises:
            NotFound: no plan of that id.
        """
        ...

    async def change(self, plan_id: str, draft: PlanDraft) -> PlanView:
        """Put the draft in the plan's place. The same draft twice is as good as once."""
        ...

    async def shift(
        self, plan_id: str, *, delay_s: int, up_m: float, aside: Aside | None = None
    ) -> PlanView:
        """Move the whole plan later and higher (negative: earlier, lower)."""
        ...

    async def activate(self, plan_id: str) -> PlanView:
        """Say that the flight begins, or that it is within its plan again."""
        ...

    async def off_nominal(
        self,
        plan_id: str,
        *,
        state: IntentState,
        volumes: Volumes,
        stated: tuple[StatedBand, ...] = (),
    ) -> PlanView:
        """Say that the aircraft is not where its plan said, but perhaps in ``volumes``; at once."""
        ...

    async def end(self, plan_id: str) -> PlanView:
        """Give the airspace back."""
        ...

    async def settled(self, plan_id: str, wait_s: float) -> PlanView:
        """Return the plan once nothing goes on any more, or after ``wait_s``."""
        ...


class Constraints(Protocol):
    """Own no-go areas."""

    async def submit(self, draft: PlanDraft) -> ConstraintView:
        """Keep the no-go area and begin to write it to every register."""
        ...

    async def list(self, *, ended: bool) -> list[ConstraintView]:
        """Return own no-go areas in order of start."""
        ...

    async def get(self, constraint_id: str) -> ConstraintView:
        """Return one.

        Raises:
            NotFound: no no-go area of that id.
        """
        ...

    async def change(self, constraint_id: str, draft: PlanDraft) -> ConstraintView:
        """Put the draft in its place."""
        ...

    async def confirm(self, constraint_id: str) -> ConstraintView:
        """Say that it is still wanted. Raises WrongState where it is being lifted."""
        ...

    async def end(self, constraint_id: str) -> ConstraintView:
        """Lift it."""
        ...

    async def settled(self, constraint_id: str, wait_s: float) -> ConstraintView:
        """Return it once every register holds it, or after ``wait_s``."""
        ...


class Telemetry(Protocol):
    """Where aircraft are that are not where their plans said."""

    async def report(self, plan_id: str, report: Report) -> TelemetryView:
        """Keep a report of an own plan's aircraft, unless a later one is known."""
        ...

    async def own(self, plan_id: str) -> TelemetryView:
        """Return the last report of an own plan.

        Raises:
            NotFound: no living plan of that id.
        """
        ...

    async def of_peer(self, entity: str) -> TelemetryView:
        """Ask the manager of a known off-nominal intent where its aircraft is."""
        ...


class NodeStatus(Protocol):
    """The node at a glance."""

    async def status(self) -> StatusView:
        """Return who we are, what we agreed, and how our peers are."""
        ...

    async def airspace(self) -> list[AirspaceEntry]:
        """Return all foreign intents and no-go areas that we know of, in order of start."""
        ...
