"""Twelve suppliers plan at once in one small area, over HTTP; what was accepted is judged without
clocks.

The only order that is used is that of this process's own events: a write that was answered before
another was sent came first. Two versions surely stood together if each was acknowledged before the
writes that ended them were sent. What touches what is decided by PROJ and shapely from the volumes
as they were sent, drawn a little too small, so that a pair is counted only if it surely meets.
"""

import asyncio
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bench._node import (
    INTENTS,
    SUBSCRIPTIONS,
    Client,
    RegisterNode,
    intent,
    subscription,
    uuid4,
    volume,
)
from pyproj import Proj
from shapely.geometry import Point, Polygon
from shapely.geometry.base import BaseGeometry

CLIENTS = 12
CENTRE = (40.0, -105.0)
HALF_DEG = 0.012
"""About 1.3 km: a handful of level-13 cells."""
OWNED_MAX = 6
SHRINK_M = 0.5
_plane = Proj(proj="aeqd", lat_0=CENTRE[0], lon_0=CENTRE[1], ellps="WGS84")


@dataclass(frozen=True, slots=True)
class Shape:
    """One volume as it was sent, and as the judge sees it."""

    sent: dict[str, object]
    outline: BaseGeometry
    low_m: float
    high_m: float
    start: datetime
    end: datetime

    def meets(self, other: "Shape") -> bool:
        """Report whether the two surely share a point; bounds are closed."""
        return (
            self.low_m <= other.high_m
            and other.low_m <= self.high_m
            and self.start <= other.end
            and other.start <= self.end
            and self.outline.intersects(other.outline)
        )


def meet(a: Iterable[Shape], b: Sequence[Shape]) -> bool:
    """Report whether any two of them meet."""
    return any(one.meets(other) for one in a for other in b)


def draw_shape(rng: Random, start: datetime, *, wide: bool = False) -> Shape:
    """Draw a circle, or a box with four vertices, somewhere in the area."""
    lat = CENTRE[0] + rng.uniform(-HALF_DEG, HALF_DEG)
    lng = CENTRE[1] + rng.uniform(-HALF_DEG, HALF_DEG)
    radius_m = rng.uniform(400, 1_500) if wide else rng.uniform(20, 500)
    low_m = rng.randrange(0, 400)
    high_m = low_m + rng.randrange(0, 200)
    begins = start + timedelta(minutes=rng.randrange(0, 120))
    minutes = rng.randrange(1, 60)
    sent = volume(
        lat,
        lng,
        radius_m=radius_m,
        low_m=low_m,
        high_m=high_m,
        start=begins,
        minutes=minutes,
    )
    outline = Point(_plane(lng, lat)).buffer(radius_m - SHRINK_M, quad_segs=32)
    if rng.random() < 0.3:
        north = math.degrees(radius_m / 6_371_000)
        east = north / math.cos(math.radians(lat))
        corners = [(lat - north, lng - east), (lat - north, lng + east)]
        corners += [(lat + north, lng + east), (lat + north, lng - east)]
        space = sent["volume"]
        assert isinstance(space, dict)
        del space["outline_circle"]
        vertices = [{"lat": a, "lng": b} for a, b in corners]
        space["outline_polygon"] = {"vertices": vertices}
        box = Polygon([_plane(b, a) for a, b in corners])
        outline = box.buffer(-SHRINK_M)
    return Shape(sent, outline, low_m, high_m, begins, begins + timedelta(minutes=minutes))


# ---- the journal


@dataclass(slots=True, kw_only=True)
class Accepted:
    """One accepted write of an intent, in this process's own order of events."""

    entity: str
    ovn: str
    version: int
    shapes: tuple[Shape, ...]
    """Empty for a deletion."""
    before: tuple[Shape, ...]
    """The volumes that it replaced or ended."""
    key: frozenset[str]
    told: Mapping[str, tuple[int, str]]
    """Notification index and URL, by subscription."""
    sent: int
    answered: float
    ended: float = math.inf
    """When the write that ended this version was sent."""
    implicit: str | None = None


@dataclass(slots=True, kw_only=True)
class Interest:
    """One subscription."""

    name: str
    url: str
    shape: Shape
    answered: int
    ended: float = math.inf


@dataclass(slots=True)
class Journal:
    """What all clients did and were told."""

    accepted: list[Accepted] = field(default_factory=list)
    interests: list[Interest] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    final: dict[str, int] = field(default_factory=dict)
    """Notification index of each surviving subscription, read at the end."""


@dataclass(slots=True)
class Rivals:
    """The clients, and what they tell each other of their intents."""

    node: RegisterNode
    seed: int
    journal: Journal = field(default_factory=Journal)
    book: dict[str, Accepted] = field(default_factory=dict)
    """The latest acknowledged version by intent: what its manager would answer."""
    _ticks: "itertools.count[int]" = field(default_factory=itertools.count)

    async def run(self, acts: int) -> Journal:
        """Let all plan until so much is done, then read what stands."""
        left = itertools.repeat(None, acts)
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(self._client(number, left))
        client = self._open(0)
        for entity, known in self.book.items():
            status, answer = await client.ask_json("GET", f"{INTENTS}/{entity}")
            found = answer.get("operational_intent_reference", {}).get("version")
            if status != 200 or found != known.version:
                self.journal.wrong.append(f"{entity} is {status}, version {found}: {known}")
        client.close()
        return self.journal

    def _open(self, number: int) -> Client:
        return Client(self.node.peer_port, f"uss{number}", self.node.token(f"uss{number}"))

    async def _client(self, number: int, left: Iterator[None]) -> None:
        rng = Random(f"{self.seed} {number}")
        one = _Rival(self, self._open(number), rng)
        for _ in left:
            await one.act()
        await one.read_indices()
        one.client.close()

    def tick(self) -> int:
        return next(self._ticks)


class _Rival:
    """One supplier: one thing at a time."""

    def __init__(self, all_of_them: Rivals, client: Client, rng: Random) -> None:
        self.client = client
        self._all = all_of_them
        self._journal = all_of_them.journal
        self._rng = rng
        self._mine: list[str] = []
        self._interests: list[tuple[Interest, str]] = []
        self._start = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        self._url = f"https://{client.uss}.example/uss"

    async def act(self) -> None:
        choice = self._rng.random()
        if choice < 0.06:
            await self._subscribe()
        elif choice < 0.10 and self._interests:
            await self._unsubscribe()
        elif self._mine and (choice < 0.25 or len(self._mine) > OWNED_MAX):
            await self._delete(self._rng.choice(self._mine))
        elif self._mine and choice < 0.6:
            await self._put(self._rng.choice(self._mine))
        else:
            await self._put(None)

    # Intents

    async def _put(self, entity: str | None) -> None:
        """Create, or move, with a key of what can be known; tries again what is refused."""
        old = self._all.book[entity] if entity else None
        keep = old is not None and self._rng.random() < 0.3
        shapes = old.shapes if old and keep else self._shapes()
        name = entity or uuid4(self._rng.getrandbits(128))
        implicit = self._rng.random() < 0.3
        named = await self._search(shapes)
        for _ in range(4):
            key = {self._all.book[one].ovn for one in named if one in self._all.book}
            if key and self._rng.random() < 0.05:
                key.discard(self._rng.choice(sorted(key)))
            body = intent([one.sent for one in shapes], key=sorted(key), url=self._url)
            if implicit:
                body["new_subscription"] = {"uss_base_url": self._url}
            sent = self._all.tick()
            path = f"{INTENTS}/{name}" + (f"/{old.ovn}" if old else "")
            status, answer = await self.client.ask_json("PUT", path, body)
            if status != 409:
                break
            missing = {one["id"] for one in answer.get("missing_operational_intents", ())}
            self._journal.answers["refused"] += 1
            if not missing:
                self._journal.wrong.append(f"a refusal that names nothing: {answer}")
            named |= missing
        else:
            return
        if status != (200 if old else 201):
            self._journal.wrong.append(f"PUT of {name} is {status}: {answer}")
            return
        self._accept(answer, shapes, old, frozenset(key), sent, implicit=implicit)
        if old is None:
            self._mine.append(name)

    def _accept(
        self,
        answer: dict[str, Any],
        shapes: tuple[Shape, ...],
        old: Accepted | None,
        key: frozenset[str],
        sent: int,
        *,
        implicit: bool = False,
        deleted: bool = False,
    ) -> None:
        reference = answer["operational_intent_reference"]
        entity = reference["id"]
        if old is not None:
            old.ended = sent
        version = reference["version"]
        if not deleted and version != (old.version + 1 if old else 1):
            self._journal.wrong.append(f"{entity}: version {version} after {old}")
        new = Accepted(
            entity=entity,
            ovn=reference["ovn"],
            version=version,
            shapes=shapes,
            before=old.shapes if old else (),
            key=key,
            told=_told(answer),
            sent=sent,
            answered=self._all.tick(),
            implicit=reference["subscription_id"] if implicit else None,
        )
        self._journal.accepted.append(new)
        self._journal.answers["deleted" if deleted else "updated" if old else "created"] += 1
        if deleted:
            new.ended = new.answered
            del self._all.book[entity]
        else:
            self._all.book[entity] = new

    async def _delete(self, entity: str) -> None:
        old, sent = self._all.book[entity], self._all.tick()
        status, answer = await self.client.ask_json("DELETE", f"{INTENTS}/{entity}/{old.ovn}")
        if status != 200:
            self._journal.wrong.append(f"DELETE of {entity} is {status}: {answer}")
            return
        self._mine.remove(entity)
        self._accept(answer, (), old, frozenset(), sent, deleted=True)

    def _shapes(self) -> tuple[Shape, ...]:
        count = self._rng.choice((1, 1, 2, 3))
        return tuple(draw_shape(self._rng, self._start) for _ in range(count))

    async def _search(self, shapes: Sequence[Shape]) -> set[str]:
        found: set[str] = set()
        for one in shapes:
            status, answer = await self.client.ask_json(
                "POST", f"{INTENTS}/query", {"area_of_interest": one.sent}
            )
            assert status == 200, answer
            found |= {each["id"] for each in answer["operational_intent_references"]}
        return found

    # Subscriptions

    async def _subscribe(self) -> None:
        if len(self._interests) > 2:
            return
        shape = draw_shape(self._rng, self._start, wide=True)
        name = uuid4(self._rng.getrandbits(128))
        body = subscription(shape.sent, self._url)
        status, answer = await self.client.ask_json("PUT", f"{SUBSCRIPTIONS}/{name}", body)
        assert status == 200, answer
        new = Interest(name=name, url=self._url, shape=shape, answered=self._all.tick())
        self._journal.interests.append(new)
        self._interests.append((new, answer["subscription"]["version"]))
        self._journal.answers["subscribed"] += 1

    async def _unsubscribe(self) -> None:
        interest, version = self._interests.pop(self._rng.randrange(len(self._interests)))
        interest.ended = self._all.tick()
        path = f"{SUBSCRIPTIONS}/{interest.name}/{version}"
        status, answer = await self.client.ask_json("DELETE", path)
        assert status == 200, answer

    async def read_indices(self) -> None:
        """Read the counters of what is still subscribed; others may be at work yet."""
        for interest, _ in self._interests:
            status, answer = await self.client.ask_json("GET", f"{SUBSCRIPTIONS}/{interest.name}")
            assert status == 200, answer
            self._journal.final[interest.name] = answer["subscription"]["notification_index"]


def _told(answer: dict[str, Any]) -> dict[str, tuple[int, str]]:
    return {
        state["subscription_id"]: (state["notification_index"], one["uss_base_url"])
        for one in answer["subscribers"]
        for state in one["subscriptions"]
    }


# ---- the judge


@dataclass(slots=True)
class Verdict:
    """What the journal shows; each list must be empty."""

    pairs: int = 0
    unlinked: list[tuple[Accepted, Accepted]] = field(default_factory=list)
    notices: int = 0
    missed: list[tuple[Accepted, str]] = field(default_factory=list)
    repeated: list[tuple[str, int]] = field(default_factory=list)
    """Notification indices that were given twice, or left out."""
    backwards: list[tuple[str, int, int]] = field(default_factory=list)
    """Indices that fell from one write to one that surely came later."""

    @property
    def good(self) -> bool:
        return not (self.unlinked or self.missed or self.repeated or self.backwards)

    def __str__(self) -> str:
        return (
            f"{self.pairs} conflicting pairs, {len(self.unlinked)} not linked; {self.notices} "
            f"notifications due, {len(self.missed)} missed; {len(self.repeated)} indices repeated "
            f"or left out, {len(self.backwards)} backwards"
        )


def judge(journal: Journal) -> Verdict:
    """Hold the journal against what a register owes."""
    verdict = Verdict()
    _judge_keys(journal, verdict)
    _judge_notices(journal, verdict)
    _judge_indices(journal, verdict)
    return verdict


def _judge_keys(journal: Journal, verdict: Verdict) -> None:
    """Of two versions that conflict and surely stood together, one knew the other."""
    standing: list[Accepted] = []
    for new in sorted(journal.accepted, key=lambda one: one.answered):
        standing = [one for one in standing if one.ended > new.answered]
        for old in standing:
            if old.entity != new.entity and meet(old.shapes, new.shapes):
                verdict.pairs += 1
                if old.ovn not in new.key and new.ovn not in old.key:
                    verdict.unlinked.append((old, new))
        if new.shapes:
            standing.append(new)


def _judge_notices(journal: Journal, verdict: Verdict) -> None:
    """Whoever had subscribed before a write was sent, and not ended it, is named in its answer."""
    interests = [(one.name, one.url, (one.shape,), one) for one in journal.interests]
    hidden = [
        (one.implicit, "", one.shapes, one) for one in journal.accepted if one.implicit is not None
    ]
    due = sorted(interests + hidden, key=lambda one: one[3].answered)
    for write in journal.accepted:
        touched = write.shapes + write.before
        for name, url, shapes, life in due:
            if life.answered >= write.sent:
                break
            # The write's own predecessor takes its subscription along.
            if life.ended <= write.answered or not meet(shapes, touched):
                continue
            verdict.notices += 1
            told = write.told.get(str(name))
            if told is None or (url and told[1] != url):
                verdict.missed.append((write, str(name)))


def _judge_indices(journal: Journal, verdict: Verdict) -> None:
    """Indices count each write once, in an order that agrees with what surely came first."""
    given: dict[str, list[tuple[int, Accepted]]] = {}
    for write in journal.accepted:
        for name, (index, _) in write.told.items():
            given.setdefault(name, []).append((index, write))
    for name, counted in given.items():
        counted.sort(key=lambda one: one[0])
        first = counted[0][0]
        for expected, (index, _) in enumerate(counted, start=first):
            if index != expected:
                verdict.repeated.append((name, index))
                break
        latest_sent = -1
        for index, write in counted:
            # A later index answered before an earlier one was even sent: time went backwards.
            if write.answered < latest_sent:
                verdict.backwards.append((name, index, latest_sent))
            latest_sent = max(latest_sent, write.sent)
    for name, index in journal.final.items():
        last = max((one[0] for one in given.get(name, ())), default=0)
        if index > last:
            verdict.repeated.append((name, index))
