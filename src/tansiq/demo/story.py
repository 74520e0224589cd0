"""Each party's desk declares its plans in order of time and decides what to do with a refusal.

Everything goes through the own HTTP API, as it would from anybody's program: nothing here knows how
a node judges. The policy of the desks is ``choose``.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import aiohttp
import msgspec

from tansiq.clock import Clock
from tansiq.demo.scenario import Sortie
from tansiq.domain.volume import Volumes
from tansiq.services.views import Alternative, PlanView, Status

DELAY_S_MAX = 30 * 60
LEVEL_M_MAX = 600.0
ASKS_MAX = 4
"""The first ask and three more."""
AT_ONCE = 4
"""Plans that one party has in the air between declared and answered."""
WAIT_S = 10.0
"""How long the node may take to settle before it answers; then we ask again."""
PATIENCE_S = 120.0
"""A plan that is neither coordinated nor refused by then is a failure of the demo."""

_SETTLED = {Status.COORDINATED, Status.REFUSED, Status.DISPLACED, Status.ENDED}


class DeskError(Exception):
    """A node did not answer its own desk as it should; the sentence says how."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal: why, what was offered, and which offer the desk took, if any."""

    reason: str
    offered: tuple[Alternative, ...]
    taken: Alternative | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one declared plan."""

    sortie: Sortie
    plan: PlanView
    refusals: tuple[Refusal, ...] = ()
    delay_s: int = 0
    """How much later than declared, after the alternatives taken."""
    up_m: float = 0.0

    @property
    def coordinated(self) -> bool:
        return self.plan.status is Status.COORDINATED

    @property
    def volumes(self) -> Volumes:
        """Where the plan should stand: as declared, moved as the alternatives taken say."""
        by = timedelta(seconds=self.delay_s)
        return tuple(v.shifted(by=by, up_m=self.up_m) for v in self.sortie.draft.volumes)

    @property
    def final(self) -> bool:
        """Nothing more will be asked for this plan."""
        return self.coordinated or bool(self.refusals and self.refusals[-1].taken is None)

    @property
    def moved(self) -> bool:
        return bool(self.delay_s or self.up_m)


def choose(offered: Sequence[Alternative], *, delay_s: int, up_m: float) -> Alternative | None:
    """Return the smaller change that a desk accepts, or None to give the plan up.

    Bounds are totals, those taken before included. Delay and level are compared as shares of their
    bounds: ten minutes weigh as much as 200 m. On a tie the first offer wins.
    """

    def share(change: Alternative) -> float:
        delay = (delay_s + change.delay_s) / DELAY_S_MAX
        return max(delay, (up_m + change.up_m) / LEVEL_M_MAX)

    # Never lower: what is under these flights is not known here.
    # The tracks flown again are moved in time and level; nobody takes off before it was declared.
    accepted = [
        c
        for c in offered
        if up_m + c.up_m >= 0.0
        and delay_s + c.delay_s >= 0
        and not (c.north_m or c.east_m)
        and share(c) <= 1.0
    ]
    return min(accepted, key=share, default=None)


@dataclass(frozen=True, slots=True)
class Desk:
    """One party's side of the own API of its node."""

    party: str
    url: str
    token: str
    clock: Clock
    session: aiohttp.ClientSession

    async def _call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self.session.request(
                method, f"{self.url}/api/v1{path}", data=body, headers=headers
            ) as response:
                content = await response.read()
        except aiohttp.ClientError as error:
            raise DeskError(f"{self.party}: {method} {path}: {error}") from error
        if response.status >= 400:
            text = content[:500].decode(errors="replace")
            raise DeskError(f"{self.party}: {method} {path}: {response.status} {text}")
        return content

    async def submit(self, body: bytes) -> PlanView:
        """Declare a plan and return it settled."""
        content = await self._call("POST", f"/plans?wait_s={WAIT_S:g}", body)
        return await self._settled(_plan(content))

    async def shift(self, plan: PlanView, change: Alternative) -> PlanView:
        """Ask again, moved as the alternative says."""
        body = msgspec.json.encode({"delay_s": change.delay_s, "up_m": change.up_m})
        content = await self._call("POST", f"/plans/{plan.id}/shift?wait_s={WAIT_S:g}", body)
        return await self._settled(_plan(content))

    async def submit_no_go(self, body: bytes) -> None:
        """Put up a no-go area and wait until every register holds it."""
        content = await self._call("POST", "/constraints", body)
        place: dict[str, str] = msgspec.json.decode(content)
        started = self.clock.monotonic_s()
        while place["status"] != "everywhere":
            self._check_patience(started, "the no-go area")
            await self.clock.sleep(0.1)
            content = await self._call("GET", f"/constraints/{place['id']}")
            place = msgspec.json.decode(content)

    async def plans(self) -> list[PlanView]:
        """Return all plans of this node that have not ended, once nothing goes on any more."""
        started_s = self.clock.monotonic_s()
        while True:
            content = await self._call("GET", "/plans")
            found = msgspec.json.decode(content, type=dict[str, list[PlanView]])["plans"]
            if all(plan.status in _SETTLED for plan in found):
                return found
            self._check_patience(started_s, "the list of plans")
            await self.clock.sleep(0.1)

    async def _settled(self, plan: PlanView) -> PlanView:
        started = self.clock.monotonic_s()
        while plan.status not in _SETTLED:
            self._check_patience(started, f"plan {plan.callsign} ({plan.status})")
            await self.clock.sleep(0.05)
            plan = _plan(await self._call("GET", f"/plans/{plan.id}"))
        return plan

    def _check_patience(self, started_s: float, what: str) -> None:
        if self.clock.monotonic_s() - started_s > PATIENCE_S:
            raise DeskError(f"{self.party}: {what} did not settle within {PATIENCE_S:.0f} s")


async def declare(desk: Desk, sortie: Sortie, tell: Callable[[Outcome], None]) -> Outcome:
    """Declare one plan, take alternatives as ``choose`` says, and tell each answer."""
    outcome = Outcome(sortie=sortie, plan=await desk.submit(sortie.body))
    while not outcome.coordinated:
        plan, taken = outcome.plan, None
        if len(outcome.refusals) + 1 < ASKS_MAX:
            taken = choose(plan.alternatives, delay_s=outcome.delay_s, up_m=outcome.up_m)
        refusal = Refusal(plan.reason or str(plan.status), plan.alternatives, taken)
        outcome = replace(outcome, refusals=(*outcome.refusals, refusal))
        tell(outcome)
        if taken is None:
            return outcome
        outcome = replace(
            outcome,
            plan=await desk.shift(plan, taken),
            delay_s=outcome.delay_s + taken.delay_s,
            up_m=outcome.up_m + taken.up_m,
        )
    tell(outcome)
    return outcome


async def declare_all(
    desk: Desk, sorties: Sequence[Sortie], tell: Callable[[Outcome], None]
) -> list[Outcome]:
    """Declare one party's plans in the order given, a few of them at once."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(sortie: Sortie) -> Outcome:
        try:
            return await declare(desk, sortie, tell)
        finally:
            free.release()

    tasks = []
    async with asyncio.TaskGroup() as group:
        for sortie in sorties:
            await free.acquire()
            tasks.append(group.create_task(one(sortie)))
    return [task.result() for task in tasks]


def _plan(content: bytes) -> PlanView:
    return msgspec.json.decode(content, type=PlanView)
