"""One effect for one Idempotency-Key: repeats, races, other bodies, crashes and age."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.http.own_world import AREA, NO_ID, World, plan_bytes, world

from tansiq.errors import StoreError
from tansiq.services.views import PlanView
from tansiq.settings import Limits

pytestmark = pytest.mark.anyio

KEY = {"Idempotency-Key": "0f9c"}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "node.db") as built:
        yield built


@pytest.mark.parametrize("path", ["/api/v1/plans", "/api/v1/constraints"])
async def test_the_same_request_has_one_effect_and_one_answer(node: World, path: str) -> None:
    body = plan_bytes(**AREA) if path.endswith("constraints") else plan_bytes()
    first = await node.client.post(path, content=body, headers=KEY)
    again = await node.client.post(path, content=body, headers=KEY)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["Location"] == again.headers["Location"]
    assert node.sky.effects == 1
    without = await node.client.post(path, content=body)
    assert without.json()["id"] != first.json()["id"]


async def test_one_byte_of_difference_is_another_request(node: World) -> None:
    body = plan_bytes()
    await node.client.post("/api/v1/plans", content=body, headers=KEY)
    for path, other in [
        ("/api/v1/plans", body + b" "),
        ("/api/v1/plans?wait_s=0", body),
        ("/api/v1/constraints", plan_bytes(**AREA)),
    ]:
        reply = await node.client.post(path, content=other, headers=KEY)
        assert (reply.status_code, reply.json()["code"]) == (422, "idempotency-key-reused")
        assert reply.json()["field"] == "Idempotency-Key"
    assert node.sky.effects == 1


async def test_concurrent_duplicates_have_one_effect(node: World) -> None:
    replies = await asyncio.gather(
        *(node.client.post("/api/v1/plans", content=plan_bytes(), headers=KEY) for _ in range(20))
    )
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    assert node.sky.effects == 1


async def test_a_definite_no_is_repeated_too(node: World) -> None:
    await node.client.post("/api/v1/plans", content=plan_bytes())
    refused = (await node.client.post("/api/v1/plans", content=plan_bytes())).json()
    path = f"/api/v1/plans/{refused['id']}/activate"
    first = await node.client.post(path, headers=KEY)
    assert first.status_code == 409
    await node.client.post(f"/api/v1/plans/{refused['id']}/shift", json={"up_m": 600})
    again = await node.client.post(path, headers=KEY)
    assert (again.status_code, again.content) == (409, first.content)
    assert again.headers["content-type"] == "application/problem+json"
    assert (await node.client.post(path)).status_code == 200


async def test_a_relative_move_is_made_once(node: World) -> None:
    plan = (await node.client.post("/api/v1/plans", content=plan_bytes())).json()
    path = f"/api/v1/plans/{plan['id']}/shift"
    first = await node.client.post(path, json={"delay_s": 60}, headers=KEY)
    again = await node.client.post(path, json={"delay_s": 60}, headers=KEY)
    assert first.content == again.content
    now = (await node.client.get(f"/api/v1/plans/{plan['id']}")).json()
    assert now["time_start"] == "2026-11-23T13:01:00Z"


async def test_a_key_is_kept_for_a_day_and_no_longer(node: World) -> None:
    await node.client.post("/api/v1/plans", content=plan_bytes(2_000), headers=KEY)
    node.clock.later = timedelta(hours=24)
    await node.client.post("/api/v1/plans", content=plan_bytes(2_000), headers=KEY)
    assert node.sky.effects == 1
    node.clock.later += timedelta(microseconds=1)
    other = await node.client.post("/api/v1/plans", content=plan_bytes(3_000), headers=KEY)
    assert other.status_code == 201
    assert node.sky.effects == 2


async def test_the_newest_keys_are_kept(tmp_path: Path) -> None:
    async with world(tmp_path / "node.db", limits=Limits(idempotency_max=3)) as node:
        for number in range(5):
            node.clock.later = timedelta(seconds=number)
            key = {"Idempotency-Key": str(number)}
            await node.client.post("/api/v1/plans", content=plan_bytes(), headers=key)
        kept = await node.store.read(lambda tx: tx.fetch("SELECT key FROM idempotency"))
        assert sorted(row[0] for row in kept) == ["2", "3", "4"]


class Crash(BaseException):
    """The process dies here."""


async def crash(
    node: World, send: Callable[[], Awaitable[object]], name: str, *, after: bool
) -> None:
    """Send a request whose node dies before or after its effect, before its answer is kept."""
    real = getattr(node.sky, name)

    async def dies(*args: object, **options: object) -> PlanView:
        if after:
            await real(*args, **options)
        raise Crash

    setattr(node.sky, name, dies)
    with pytest.raises(Crash):
        await send()
    setattr(node.sky, name, real)


@pytest.mark.parametrize("after", [True, False])
async def test_a_create_survives_a_crash_on_either_side_of_its_effect(
    node: World, *, after: bool
) -> None:
    def send() -> Awaitable[object]:
        return node.client.post("/api/v1/plans", content=plan_bytes(), headers=KEY)

    await crash(node, send, "submit", after=after)
    assert node.sky.effects == int(after)
    first = await node.client.post("/api/v1/plans", content=plan_bytes(), headers=KEY)
    again = await node.client.post("/api/v1/plans", content=plan_bytes(), headers=KEY)
    assert first.status_code == 201
    assert first.content == again.content
    assert node.sky.effects == 1
    assert list(node.sky.kept) == [first.json()["id"]]


@pytest.mark.parametrize("after", [True, False])
async def test_a_create_under_an_id_of_the_callers_says_when_it_cannot_know(
    node: World, *, after: bool
) -> None:
    body = plan_bytes(id=NO_ID)
    await crash(
        node,
        lambda: node.client.post("/api/v1/plans", content=body, headers=KEY),
        "submit",
        after=after,
    )
    reply = await node.client.post("/api/v1/plans", content=body, headers=KEY)
    assert reply.status_code == (409 if after else 201)
    assert node.sky.effects == 1


@pytest.mark.parametrize("after", [True, False])
async def test_a_relative_move_is_never_made_twice_over_a_crash(
    node: World, *, after: bool
) -> None:
    plan = (await node.client.post("/api/v1/plans", content=plan_bytes())).json()
    path = f"/api/v1/plans/{plan['id']}/shift"

    def send() -> Awaitable[object]:
        return node.client.post(path, json={"delay_s": 60}, headers=KEY)

    await crash(node, send, "shift", after=after)
    for _ in range(2):
        reply = await node.client.post(path, json={"delay_s": 60}, headers=KEY)
        assert (reply.status_code, reply.json()["code"]) == (409, "in-doubt")
    now = (await node.client.get(f"/api/v1/plans/{plan['id']}")).json()
    assert now["time_start"] == f"2026-11-23T13:0{int(after)}:00Z"


@pytest.mark.parametrize("after", [True, False])
async def test_a_change_and_an_activation_are_repeated_after_a_crash(
    node: World, *, after: bool
) -> None:
    plan = (await node.client.post("/api/v1/plans", content=plan_bytes())).json()
    where = f"/api/v1/plans/{plan['id']}"

    def change() -> Awaitable[object]:
        return node.client.put(where, content=plan_bytes(90), headers=KEY)

    await crash(node, change, "change", after=after)
    changed = await node.client.put(where, content=plan_bytes(90), headers=KEY)
    assert changed.json()["time_start"] == "2026-11-23T13:30:00Z"

    other = {"Idempotency-Key": "other"}
    await crash(
        node,
        lambda: node.client.post(f"{where}/activate", headers=other),
        "activate",
        after=after,
    )
    activated = await node.client.post(f"{where}/activate", headers=other)
    assert (activated.status_code, activated.json()["state"]) == (200, "Activated")


async def test_a_store_that_fails_frees_the_key(node: World) -> None:
    real = node.sky.submit

    async def fails(_: object) -> PlanView:
        raise StoreError("the disk is full")

    node.sky.submit = fails  # type: ignore[method-assign, assignment]
    reply = await node.client.post("/api/v1/plans", content=plan_bytes(), headers=KEY)
    assert reply.status_code == 503
    node.sky.submit = real  # type: ignore[method-assign]
    reply = await node.client.post("/api/v1/plans", content=plan_bytes(90), headers=KEY)
    assert reply.status_code == 201
