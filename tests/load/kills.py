"""``kill -9`` amid sixteen writers over HTTP, again and again on the same data folder.

Each writer keeps a model of what it was told. After each kill the node comes up again and every
entity is held against its model: what was acknowledged stands exactly so, what was refused does
not, and the one request of each writer that was not answered was carried out completely or not at
all. Each writer moves among places of its own, so that an intent that is half moved shows.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bench._node import (
    INTENTS,
    SUBSCRIPTIONS,
    Client,
    Gone,
    RegisterNode,
    intent,
    uuid4,
    volume,
)

WRITERS = 16
PLACES = 8
"""Of each writer; far enough apart that no two share a cell."""
APART_DEG = 0.04
SOUTH_WEST = (39.0, -105.0)
RADIUS_M = 300.0
OWNED_MAX = 5
ACKNOWLEDGED_MIN = 20
"""More than so many a round, on average, before the next kill: else there is little to lose."""
REFUSED_MIN = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """One version as its manager knows it."""

    version: int
    place: int
    url: str
    ovn: str | None
    """None: asked for, and the answer never came."""
    implicit: bool


@dataclass(slots=True)
class Entity:
    """What is known of one intent: None stands for "not there"."""

    now: Standing | None
    asked: Standing | None = None
    in_flight: bool = False
    """``asked`` was sent and not answered: either of the two may stand."""


@dataclass(slots=True)
class Tally:
    """What all rounds together showed."""

    rounds: int = 0
    acknowledged: int = 0
    refused: int = 0
    unanswered: int = 0
    carried_out: int = 0
    """Of the unanswered: those that stand."""
    start_s: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def tells_enough(self) -> bool:
        """Whether the round that is under way may end."""
        rounds = self.rounds + 1
        return self.acknowledged > ACKNOWLEDGED_MIN * rounds and self.refused > REFUSED_MIN * rounds

    def __str__(self) -> str:
        return (
            f"{self.rounds} kills: {self.acknowledged} acknowledged, {self.refused} refused, "
            f"{self.unanswered} unanswered, of which {self.carried_out} stand; "
            f"{len(self.wrong)} wrong"
        )


class Writer:
    """One supplier; one request at a time."""

    def __init__(self, number: int, seed: int, tally: Tally) -> None:
        self.uss = f"uss{number}"
        self.entities: dict[str, Entity] = {}
        self.never: set[str] = set()
        """Refused for certain, or never to be accepted: must not stand."""
        self._number = number
        self._rng = Random(f"{seed} {number}")
        self._tally = tally
        self._serial = 0
        self._start = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=6)

    def volume(self, place: int) -> dict[str, object]:
        lat = SOUTH_WEST[0] + APART_DEG * self._number
        lng = SOUTH_WEST[1] + APART_DEG * place
        return volume(lat, lng, radius_m=RADIUS_M, start=self._start, minutes=60)

    async def run(self, client: Client) -> None:
        """Write until the node is gone."""
        try:
            while True:
                await self._act(client)
        except Gone:
            pass

    async def _act(self, client: Client) -> None:
        mine = [name for name, entity in self.entities.items() if entity.now is not None]
        taken = {self.entities[name].now.place for name in mine}  # type: ignore[union-attr]
        free = [place for place in range(PLACES) if place not in taken]
        choice = self._rng.random()
        if mine and choice < 0.15:
            await self._refused(client, self._rng.choice(mine), free)
        elif mine and (choice < 0.35 or len(mine) > OWNED_MAX):
            await self._delete(client, self._rng.choice(mine))
        elif mine and choice < 0.65:
            await self._put(client, self._rng.choice(mine), self._rng.choice(free))
        else:
            name = uuid4(self._rng.getrandbits(128))
            self.entities[name] = Entity(now=None)
            await self._put(client, name, self._rng.choice(free))

    async def _put(self, client: Client, name: str, place: int) -> None:
        entity = self.entities[name]
        self._serial += 1
        asked = Standing(
            version=entity.now.version + 1 if entity.now else 1,
            place=place,
            url=f"https://{self.uss}.example/{self._serial}",
            ovn=None,
            implicit=self._rng.random() < 0.5,
        )
        body = intent([self.volume(place)], implicit=asked.implicit, url=asked.url)
        path = f"{INTENTS}/{name}" + (f"/{entity.now.ovn}" if entity.now else "")
        entity.asked, entity.in_flight = asked, True
        status, answer = await client.ask_json("PUT", path, body)
        if status not in (200, 201):
            self._tally.wrong.append(f"PUT of {name}: {status} {answer}")
            entity.in_flight = False
            return
        reference = answer["operational_intent_reference"]
        entity.now = Standing(
            version=reference["version"],
            place=place,
            url=asked.url,
            ovn=reference["ovn"],
            implicit=asked.implicit,
        )
        entity.in_flight = False
        self._tally.acknowledged += 1

    async def _delete(self, client: Client, name: str) -> None:
        entity = self.entities[name]
        assert entity.now is not None
        entity.asked, entity.in_flight = None, True
        status, answer = await client.ask_json("DELETE", f"{INTENTS}/{name}/{entity.now.ovn}")
        if status != 200:
            self._tally.wrong.append(f"DELETE of {name}: {status} {answer}")
            return
        entity.now, entity.in_flight = None, False
        self._tally.acknowledged += 1

    async def _refused(self, client: Client, name: str, free: list[int]) -> None:
        """Ask for what must be refused: without the key, or over a version that is none."""
        standing = self.entities[name].now
        assert standing is not None
        if self._rng.random() < 0.5:
            new = uuid4(self._rng.getrandbits(128))
            self.never.add(new)
            path, place = f"{INTENTS}/{new}", standing.place
        else:
            path, place = f"{INTENTS}/{name}/{standing.ovn}x", self._rng.choice(free)
        body = intent([self.volume(place)], implicit=True, url="https://refused.example/x")
        status, answer = await client.ask_json("PUT", path, body)
        if status != 409:
            self._tally.wrong.append(f"should be refused: {status} {answer}")
        self._tally.refused += 1

    # After a kill

    async def verify(self, client: Client) -> None:
        """Hold every entity against its model, and take over what was found."""
        for name in self.never:
            status, _ = await client.ask_json("GET", f"{INTENTS}/{name}")
            self._check(status == 404, f"{name} was refused and is {status}")
        subscriptions = set()
        for name, entity in self.entities.items():
            status, answer = await client.ask_json("GET", f"{INTENTS}/{name}")
            reference = answer["operational_intent_reference"] if status == 200 else None
            entity.now = self._settled(name, entity, reference)
            if entity.now is not None and entity.now.implicit and reference is not None:
                subscriptions.add(reference["subscription_id"])
        await self._verify_places(client)
        await self._verify_subscriptions(client, subscriptions)
        self.entities = {n: e for n, e in self.entities.items() if e.now is not None}

    def _settled(
        self, name: str, entity: Entity, reference: dict[str, Any] | None
    ) -> Standing | None:
        """Return what stands, which must be one of what may stand."""
        may = [entity.now, entity.asked] if entity.in_flight else [entity.now]
        self._tally.unanswered += entity.in_flight
        for number, standing in enumerate(may):
            if _is(standing, reference):
                self._tally.carried_out += number
                entity.in_flight = False
                if standing is None or reference is None:
                    return None
                return Standing(
                    version=standing.version,
                    place=standing.place,
                    url=standing.url,
                    ovn=reference["ovn"],
                    implicit=standing.implicit,
                )
        self._tally.wrong.append(f"{name}: {reference}, where only {may} may stand")
        entity.in_flight = False
        return None

    async def _verify_places(self, client: Client) -> None:
        """Search each place: the index must agree with the rows, and hold nothing besides."""
        for place in range(PLACES):
            status, answer = await client.ask_json(
                "POST", f"{INTENTS}/query", {"area_of_interest": self.volume(place)}
            )
            found = {one["id"] for one in answer["operational_intent_references"]}
            known = {
                n for n, e in self.entities.items() if e.now is not None and e.now.place == place
            }
            self._check(
                status == 200 and found == known,
                f"{self.uss}'s place {place} holds {found}, where {known} stands",
            )

    async def _verify_subscriptions(self, client: Client, expected: set[str]) -> None:
        """Each implicit subscription stands with its intent and goes with it."""
        found = set()
        for place in range(PLACES):
            _, answer = await client.ask_json(
                "POST", f"{SUBSCRIPTIONS}/query", {"area_of_interest": self.volume(place)}
            )
            found |= {one["id"] for one in answer["subscriptions"]}
        self._check(found == expected, f"{self.uss} has subscriptions {found}, due are {expected}")

    def _check(self, good: bool, sentence: str) -> None:
        if not good:
            self._tally.wrong.append(sentence)


def _is(standing: Standing | None, reference: dict[str, Any] | None) -> bool:
    if standing is None or reference is None:
        return standing is None and reference is None
    return (
        reference["version"] == standing.version
        and reference["uss_base_url"] == standing.url
        and (standing.ovn is None or reference["ovn"] == standing.ovn)
    )


async def kill_rounds(node: RegisterNode, rounds: int, seed: int) -> Tally:
    """Start, write, kill and verify so often; the node is left dead."""
    rng, tally = Random(seed), Tally()
    writers = [Writer(number, seed, tally) for number in range(WRITERS)]
    tally.start_s.append(await asyncio.to_thread(node.start))
    for _ in range(rounds):
        clients = [Client(node.peer_port, one.uss, node.token(one.uss)) for one in writers]
        working = [
            asyncio.create_task(one.run(client))
            for one, client in zip(writers, clients, strict=True)
        ]
        await asyncio.sleep(rng.uniform(0.05, 0.8))
        while not tally.tells_enough and not all(task.done() for task in working):
            await asyncio.sleep(0.01)  # A busy machine gets less done in the same time.
        await asyncio.to_thread(node.kill)
        await asyncio.gather(*working)
        tally.start_s.append(await asyncio.to_thread(node.start))
        for one, client in zip(writers, clients, strict=True):
            await one.verify(client)
            client.close()
        tally.rounds += 1
        if tally.wrong:
            break
    await asyncio.to_thread(node.kill)
    return tally
