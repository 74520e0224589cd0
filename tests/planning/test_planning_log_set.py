"""Log sets of two whole nodes: each side's record holds what the other side's does.

The oracle of what left is what arrived: every call that one manager's record has as sent, the
other's has as received, with the same bodies and the same answer.
"""

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.planning.sky import Side, plan, two, until

from tansiq.clock import SystemClock
from tansiq.f3548.logs import USSLogSet
from tansiq.f3548.wire import ExchangeRecord
from tansiq.services.log_sets import LogSets
from tansiq.settings import EXCHANGES

pytestmark = pytest.mark.anyio


async def log_set(side: Side, peer: str | None = None) -> USSLogSet:
    """Return everything that a node has recorded so far."""
    node = side.up
    sets = LogSets(node.record._store, node.record, SystemClock())
    since, until_now = sets.read_span(None, None)
    pieces = [piece async for piece in sets.write(since, until_now, peer)]
    return msgspec.json.decode(b"".join(pieces), type=USSLogSet)


async def with_entries(side: Side, good: Any) -> USSLogSet:
    """Wait for what is read from the events, a moment after they happened."""
    found: USSLogSet = await until(lambda: log_set(side), good)
    return found


def told(records: tuple[ExchangeRecord, ...], role: str) -> Counter[tuple[object, ...]]:
    """Return exchanges between managers as seen from one side, in a form that compares."""
    return Counter(
        (
            one.method,
            one.url,
            one.request_source,
            one.request_body,
            one.response_code,
            one.response_body,
        )
        for one in records
        if one.recorder_role == role and "/uss/v1/" in one.url
    )


async def _logs(*sides: Side) -> list[USSLogSet]:
    return [await log_set(side) for side in sides]


def _same(logs: list[USSLogSet]) -> bool:
    """Report whether the second received what the first sent, and nothing else."""
    sent, heard = logs
    return told(sent.messages, "Client") == told(heard.messages, "Server")


@pytest.mark.parametrize("tls", [False, True])
async def test_what_one_side_sent_the_other_received(tmp_path: Path, *, tls: bool) -> None:
    async with two(tmp_path, tls=tls) as (north, south):
        for i, side in enumerate((north, south, north)):
            view = await side.declare(plan(-121.0 + 0.2 * i, f"P{i}"))
            assert view.coordinated
        assert (await south.no_go(plan(-120.0, "FIRE"))).status == "everywhere"
        for side, other in ((north, south), (south, north)):
            # Who answers keeps the exchange a moment after the other has its answer.
            _, heard = await until(lambda side=side, other=other: _logs(side, other), _same)
            assert told(heard.messages, "Server")
            theirs_with_us = await log_set(other, peer=side.party.id)
            assert theirs_with_us.messages[: len(heard.messages)] == heard.messages
            assert not (theirs_with_us.operator_associations + theirs_with_us.planning_attempts)
            assert not (await log_set(other, peer="nobody")).messages


async def test_what_got_no_answer_is_recorded_with_the_reason(tmp_path: Path) -> None:
    async with two(tmp_path) as (north, south):
        await south.stop()
        await north.up.plans.submit(plan(callsign="ALONE"))

        def unanswered(found: USSLogSet) -> bool:
            return any(
                "operational_intent_references" in one.url and one.response_code is None
                for one in found.messages
            )

        found = await with_entries(north, unanswered)
        (first, *_) = [one for one in found.messages if one.response_code is None]
        assert first.response_time is None
        assert str(south.port) in str(first.problem)


async def test_refusals_and_displacements_and_who_is_responsible(tmp_path: Path) -> None:
    async with two(tmp_path) as (north, south):
        first = await north.declare(plan(callsign="FIRST"))
        refused = await south.declare(plan(callsign="SECOND"))
        assert refused.reason
        area = await south.no_go(plan(callsign="FIRE"))
        ours = await with_entries(north, lambda found: found.operator_notifications)
        theirs = await with_entries(
            south, lambda found: found.planning_attempts and found.constraint_provider_associations
        )
        (displaced,) = ours.operator_notifications
        assert displaced.notification_triggering_event == "SCD0095"
        assert "FIRE" in str(displaced.notification_details)
        (association,) = ours.operator_associations
        assert association.operational_intent_id == first.intent_id
        assert association.operator_id == "north"
        (told_of,) = theirs.operator_notifications
        assert told_of.notification_triggering_event == "SCD0090"
        (attempt,) = theirs.planning_attempts
        assert attempt.problem == refused.reason
        assert attempt.operational_intent_id == refused.intent_id
        known = {
            south.up.planner.judging.airspace.get(register, first.intent_id)
            for register in ("north", "south")
        }
        assert {one.ovn for one in known if one is not None} <= set(attempt.ovns)
        (provider,) = theirs.constraint_provider_associations
        assert (provider.constraint_id, provider.constraint_provider_id) == (area.id, "south")


async def test_a_restart_repeats_and_loses_nothing(tmp_path: Path) -> None:
    async with two(tmp_path) as (north, south):
        await north.declare(plan(callsign="FIRST"))
        await south.declare(plan(callsign="SECOND"))
        before = await with_entries(south, lambda found: found.planning_attempts)
        await south.restart()
        await south.declare(plan(-120.0, "THIRD"))
        after = await with_entries(south, lambda found: found.operator_associations)
        assert after.messages[: len(before.messages)] == before.messages
        assert len(after.planning_attempts) == len(before.planning_attempts) == 1
        assert len(after.operator_notifications) == 1


async def test_no_usable_token_is_in_the_file(tmp_path: Path) -> None:
    """Method: the exported headers of both sides, and the tokens that were really sent."""
    async with two(tmp_path) as (north, south):
        await north.declare(plan(callsign="FIRST"))
        for side in (north, south):
            records = (await log_set(side)).messages
            assert records
            for one in records:
                (shown,) = [h for h in one.headers or () if h.startswith("Authorization: ")]
                _, claims, signature = shown.removeprefix("Authorization: Bearer ").split(".")
                padded = claims + "=" * (-len(claims) % 4)
                assert json.loads(base64.urlsafe_b64decode(padded))["sub"] == one.request_source
                assert signature == "(signature left out)"


async def test_planning_goes_on_without_the_record(tmp_path: Path) -> None:
    """A record whose disk fails holds up nobody, and says how much it lost."""
    async with two(tmp_path) as (north, south):
        await north.up.record._store.close()  # From now on each of its writes fails.
        assert (await north.declare(plan(callsign="FIRST"))).coordinated
        assert (await south.declare(plan(-120.0, "SECOND"))).coordinated
        assert (north.settings.data / EXCHANGES).exists()
