"""A load of plans on the operator's own node: declared at a steady rate, measured, ended again.

Leaves out loading a register by itself: what a party notices is the whole way of a plan.
"""

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from tansiq.cli.client import Node, Reply
from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement
from tansiq.domain.time import zulu
from tansiq.domain.volume import Circle
from tansiq.errors import BadInput, TansiqError
from tansiq.formats.agreement import load_agreement
from tansiq.services.views import Plans, PlanView
from tansiq.settings import Settings, load_settings

MARK: Final = "BENCH-"
"""How what it makes is called; people see at once what it is, and a later run finds it."""
_FLIGHT_S: Final = 60.0
_SPARE_S: Final = 30.0
_WAIT_S: Final = 20.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be done."""

    data: Path
    rate: float
    seconds: float
    clients: int
    rivals: int
    at: str | None
    days_ahead: float
    only_clean: bool
    everything_is_mine: bool


@dataclass(slots=True, kw_only=True)
class Measured:
    """What came of it."""

    rate: float
    seconds: float = 0.0
    took_s: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    unsent: int = 0
    ended: int = 0
    left: int = 0

    @property
    def declared(self) -> int:
        return self.outcomes.total()

    @property
    def per_s(self) -> float:
        return len(self.took_s) / self.seconds if self.seconds else 0.0

    @property
    def percentiles_ms(self) -> tuple[float, float, float]:
        """Return p50, p95 and p99; zero where nothing was settled."""
        ordered = sorted(self.took_s) or [0.0]
        last = len(ordered) - 1
        low, high, most = (ordered[min(last, int(len(ordered) * p))] for p in (0.5, 0.95, 0.99))
        return low * 1e3, high * 1e3, most * 1e3

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON shows it."""
        p50, p95, p99 = self.percentiles_ms
        return {
            "rate_asked_for": self.rate,
            "seconds": round(self.seconds, 3),
            "plans_per_s": round(self.per_s, 3),
            "settled_ms": {"p50": round(p50, 1), "p95": round(p95, 1), "p99": round(p99, 1)},
            "outcomes": dict(sorted(self.outcomes.items())),
            "unsent": self.unsent,
            "ended": self.ended,
            "left": self.left,
        }


async def run(request: Request, clock: Clock, tell: Tell) -> Measured:
    """Do it.

    Raises:
        BadInput: other parties would be loaded, or plans would lie beyond what may be planned.
        PeerUnreachable: the node does not answer.
    """
    settings = load_settings(request.data)
    agreement = load_agreement(settings.agreement)
    if not request.everything_is_mine:
        _check_own(settings, agreement)
    node, found = Node(request.data), Measured(rate=request.rate)
    await _clean(node, found, tell)
    if request.only_clean:
        return found
    load = _Load(request, settings, agreement, node, clock, found)
    try:
        await load.run(tell)
    finally:
        found.ended = found.left = 0
        await _clean(node, found, tell)
    return found


def _check_own(settings: Settings, agreement: Agreement) -> None:
    others = [entry for entry in agreement.registers if entry.party != settings.party]
    if others:
        names = ", ".join(f"{entry.url} of {entry.party or 'a pool'}" for entry in others)
        raise BadInput(
            f"every plan would also load {names}. Where these are yours too, as in a trial, say "
            "--yes-this-is-mine; to a live agreement never do it",
            field="registers",
        )


class _Load:
    """One run."""

    def __init__(
        self,
        request: Request,
        settings: Settings,
        agreement: Agreement,
        node: Node,
        clock: Clock,
        found: Measured,
    ) -> None:
        self._request = request
        self._node = node
        self._clock = clock
        self._found = found
        self._name = f"{MARK}{secrets.token_hex(3).upper()}"
        self._place = _place(request.at, agreement)
        self._first = clock.now() + timedelta(days=request.days_ahead)
        self._slot = timedelta(seconds=_FLIGHT_S + _SPARE_S) + agreement.minima.time
        count = int(request.rate * request.seconds)
        last = timedelta(days=request.days_ahead) + count * self._slot
        if last > settings.limits.plan_ahead_max:
            raise BadInput(
                f"{count:,} plans one after the other end {last.days} days ahead, and "
                f"{settings.limits.plan_ahead_max.days} is what may be planned; ask for fewer, or "
                "fewer --days-ahead",
                field="rate",
            )
        self._count = count

    async def run(self, tell: Tell) -> None:
        found, turns = self._found, asyncio.Semaphore(self._request.clients)
        began_s = self._clock.monotonic_s()
        end_s = began_s + self._request.seconds
        async with asyncio.TaskGroup() as group:
            for number in range(self._count):
                due_s = began_s + number / self._request.rate
                await self._clock.sleep(max(0.0, due_s - self._clock.monotonic_s()))
                await turns.acquire()
                if self._clock.monotonic_s() >= end_s:
                    turns.release()
                    found.unsent = self._count - number
                    break
                group.create_task(self._one(number, due_s, turns))
                tell(f"{number + 1:,} of {self._count:,} plans declared")
        found.seconds = self._clock.monotonic_s() - began_s

    async def _one(self, number: int, due_s: float, turns: asyncio.Semaphore) -> None:
        try:
            body = self._plan(number)
            reply = await asyncio.to_thread(
                self._node.ask, "POST", "/plans", body=body, wait_s=_WAIT_S
            )
            view = reply.read(PlanView)
        except TansiqError as error:
            self._found.outcomes[f"error {error.code}"] += 1
        else:
            self._found.outcomes[str(view.status)] += 1
            if view.settled:
                self._found.took_s.append(self._clock.monotonic_s() - due_s)
        finally:
            turns.release()

    def _plan(self, number: int) -> bytes:
        rival = number and number * self._request.rivals % 100 < self._request.rivals
        start = self._first + (number - 1 if rival else number) * self._slot
        return _feature(f"{self._name}-{number}", self._place, start)


def _feature(name: str, place: tuple[float, float], start: datetime) -> bytes:
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [place[1], place[0]]},
        "properties": {
            "callsign": name,
            "radius_m": 100,
            "start": zulu(start),
            "end": zulu(start + timedelta(seconds=_FLIGHT_S)),
            "lower": 500,
            "upper": 550,
            "units": "M",
            "datum": "W84",
        },
    }
    return json.dumps(feature).encode()


def _place(at: str | None, agreement: Agreement) -> tuple[float, float]:
    if at is not None:
        try:
            lat, lng = (float(part) for part in at.split(","))
        except ValueError:
            raise BadInput(f"{at!r}: write LAT,LNG, such as 33.1,35.8", field="at") from None
        return lat, lng
    area = agreement.area
    if isinstance(area, Circle):
        return area.center.lat_deg, area.center.lng_deg
    corners = area.vertices
    count = len(corners)
    return sum(c.lat_deg for c in corners) / count, sum(c.lng_deg for c in corners) / count


async def _clean(node: Node, found: Measured, tell: Tell) -> None:
    """End every plan that a run has made, this one or an earlier one."""
    ours = [plan for plan in await _plans(node) if plan.callsign.startswith(MARK)]
    for plan in ours:
        tell(f"ending {plan.callsign}")
        try:
            await asyncio.to_thread(_end, node, plan.id)
            found.ended += 1
        except TansiqError:
            found.left += 1


async def _plans(node: Node) -> list[PlanView]:
    reply = await asyncio.to_thread(node.ask, "GET", "/plans")
    return reply.read(Plans).plans


def _end(node: Node, plan_id: str) -> Reply:
    return node.ask("DELETE", f"/plans/{plan_id}", wait_s=_WAIT_S)
