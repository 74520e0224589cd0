"""What nobody can tell is no end of an alarm: silence, a restart, a crowd, two of one address."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from air import HERE, Air, Flying, agreement, air, block

from tansiq.domain.alarm import Stage
from tansiq.domain.alarm_key import AlarmKind, Level, key, subject_of
from tansiq.domain.conformance import Holds
from tansiq.domain.ellipsoid import destination
from tansiq.domain.track import Address
from tansiq.services.watch import alarms, separation
from tansiq.services.watch.expected import BEHIND
from tansiq.services.watch.kept import Cause
from tansiq.services.watch.straying import Straying

pytestmark = pytest.mark.anyio


def pair(number: int, at_m: float) -> list[Flying]:
    """Two that hover 100 m from each other."""
    place = destination(HERE, 0.0, at_m)
    return [
        Flying(address=f"icao:{number:06x}", at=place),
        Flying(address=f"icao:{number + 1:06x}", at=destination(place, 90.0, 100.0)),
    ]


def stage(sky: Air, kind: AlarmKind) -> Stage:
    found = sky.alarm(kind)
    assert found is not None
    return found.stage


def sentence(sky: Air, kind: AlarmKind) -> str:
    (kept,) = [k for k in sky.watch.parts.alarms.in_sight() if k.alarm.key.kind is kind]
    return kept.sentence


async def test_who_was_outside_and_falls_silent_may_still_be(sky: Air) -> None:
    plan = sky.put(1, block())
    sky.flying = [Flying(address=f"intent:{plan.id}", at=destination(HERE, 90.0, 9_000.0))]
    await sky.run(3)
    assert stage(sky, AlarmKind.LEFT_VOLUME) is Stage.RAISED
    sky.flying = []
    await sky.run(120)
    assert stage(sky, AlarmKind.LEFT_VOLUME) is Stage.RAISED
    said = sentence(sky, AlarmKind.LEFT_VOLUME)
    assert said.endswith("not heard any more, it may still be so")
    assert said.count("not heard any more") == 1
    sky.flying = [Flying(address=f"intent:{plan.id}")]
    await sky.run(90)
    assert stage(sky, AlarmKind.LEFT_VOLUME) is Stage.RETURNED


async def test_one_without_a_plan_is_over_once_its_track_is_dropped(sky: Air) -> None:
    sky.flying = [Flying(address="icao:a1b2c3")]
    await sky.run(2)
    sky.flying = []
    await sky.run(50)
    assert stage(sky, AlarmKind.NO_PLAN) is Stage.RAISED
    await sky.run(40)
    assert stage(sky, AlarmKind.NO_PLAN) is Stage.RETURNED


async def test_a_crowd_does_not_clear_those_that_were_too_close(
    sky: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    sky.flying = pair(1, 0.0)
    await sky.run(2)
    monkeypatch.setattr(separation, "CAUSES_MAX", 1)
    sky.flying[1].at = destination(HERE, 90.0, 40_000.0)
    sky.flying += pair(11, 30_000.0) + pair(21, 60_000.0)
    # It cannot be that far so soon: two say its address until they have agreed for a while.
    await sky.run(30)
    about = key(
        AlarmKind.SEPARATION_LOST, *(subject_of(Address(a.address)) for a in sky.flying[:2])
    )
    first = sky.watch.parts.alarms.of(about)
    assert first is not None
    assert first.alarm.stage is Stage.RAISED
    assert "too many are near to tell" in first.sentence
    monkeypatch.setattr(separation, "CAUSES_MAX", 2_000)
    await sky.run(20)
    first = sky.watch.parts.alarms.of(about)
    assert first is not None
    assert first.alarm.stage is Stage.RETURNED


async def test_who_was_lost_before_a_restart_is_lost_until_heard_or_on_the_ground(
    tmp_path: Path,
) -> None:
    async with air(tmp_path) as sky:
        plan = sky.put(1, block(seconds=(-600.0, 1_200.0)))
        sky.flying = [Flying(address=f"intent:{plan.id}")]
        await sky.run(3)
        sky.flying = []
        await sky.run(30)
        assert sky.kinds() == {"track-lost"}
    async with air(tmp_path) as sky:
        sky.put(1, block(seconds=(-600.0, 1_200.0)))
        await sky.run(200)
        assert stage(sky, AlarmKind.TRACK_LOST) is Stage.RAISED
        assert "lost before this node was started" in sentence(sky, AlarmKind.TRACK_LOST)
        landed = Flying(address=f"intent:{plan.id}")
        landed.more["on_ground"] = True
        sky.flying = [landed]
        await sky.run(15)
        assert stage(sky, AlarmKind.TRACK_LOST) is Stage.RETURNED


async def test_it_is_not_looked_for_beyond_half_an_hour_after_its_end(tmp_path: Path) -> None:
    async with air(tmp_path) as sky:
        plan = sky.put(1, block())
        sky.flying = [Flying(address=f"intent:{plan.id}")]
        await sky.run(3)
        sky.flying = []
        await sky.run(30)
    async with air(tmp_path) as sky:
        plan = sky.put(1, block())
        sky.clock.time = plan.time.end + BEHIND - timedelta(seconds=1)
        await sky.watch.parts.alarms.start(sky.clock.now())
        await sky.run(1)
        assert stage(sky, AlarmKind.TRACK_LOST) is Stage.RAISED
        await sky.run(80)
        assert stage(sky, AlarmKind.TRACK_LOST) is Stage.RETURNED


async def test_what_was_open_stands_for_a_minute_after_a_start(tmp_path: Path) -> None:
    async with air(tmp_path) as sky:
        sky.flying = pair(1, 0.0)
        await sky.run(2)
    async with air(tmp_path) as sky:
        await sky.run(60)
        assert stage(sky, AlarmKind.SEPARATION_LOST) is Stage.RAISED
        await sky.run(20)
        assert stage(sky, AlarmKind.SEPARATION_LOST) is Stage.RETURNED


async def test_an_accepted_plan_that_was_flown_is_lost_too(sky: Air) -> None:
    plan = sky.put(1, block(), state="Accepted")
    sky.flying = [Flying(address=f"intent:{plan.id}")]
    await sky.run(3)
    sky.flying = []
    await sky.run(30)
    assert "track-lost" in sky.kinds()


async def test_an_accepted_plan_that_was_not_flown_is_not(sky: Air) -> None:
    plan = sky.put(1, block(), state="Accepted")
    on_ground = Flying(address=f"intent:{plan.id}")
    on_ground.more["on_ground"] = True
    sky.flying = [on_ground]
    await sky.run(3)
    sky.flying = []
    await sky.run(30)
    assert "track-lost" not in sky.kinds()


async def test_an_address_that_two_places_say_is_where_nobody_knows(sky: Air) -> None:
    plan = sky.put(1, block(radius_m=20_000.0))
    sky.flying = [
        Flying(address=f"intent:{plan.id}"),
        Flying(address=f"intent:{plan.id}", at=destination(HERE, 90.0, 15_000.0)),
    ]
    for _ in range(6):
        await sky.run(1)
        sky.flying.reverse()
    (track,) = sky.picture.view().tracks
    assert track.conformance == "unknown"
    assert "two places say its address" in track.sentence
    assert "track-lost" in sky.kinds()


async def test_a_feed_whose_clock_is_ahead_does_not_hold_an_aircraft_where_it_was(sky: Air) -> None:
    """What it says again and again, frozen, is not newer than what others hear now."""
    plan = sky.put(1, block(radius_m=20_000.0))
    moving = Flying(address=f"intent:{plan.id}", speed_mps=100.0, track_deg=90.0)
    frozen = moving.report(sky.clock.time)
    for _ in range(40):
        sky.clock.time += timedelta(seconds=1)
        now = sky.clock.time
        ahead = replace(frozen, time=now + timedelta(seconds=4))
        sky.watch.hear("frozen", [ahead])
        sky.watch.hear("true", [moving.report(now)])
        await sky.watch.tick(now)
    (track,) = sky.picture.view().tracks
    away = abs(track.lng_deg - HERE.lng_deg)
    assert away > 0.03 or track.conformance == "unknown", track


async def test_one_id_that_is_a_plan_and_an_area_hides_nothing(sky: Air) -> None:
    plan = sky.put(1, block())
    sky.no_go(1, block(), register="south")
    sky.no_go(2, block(), register="south")
    sky.flying = [Flying(address=f"intent:{plan.id}")]
    await sky.run(2)
    assert "NOT LOOKED AT" not in sky.picture.view().sentence
    assert "no-go-entered" in sky.kinds()


async def test_warnings_find_room_where_lesser_alarms_have_filled_it(
    sky: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "OPEN_MAX", 2)
    monkeypatch.setattr(alarms, "WARNINGS_MORE", 1)
    found = [_cause(number, Level.ADVISORY) for number in range(3)]
    await sky.watch.parts.alarms.step(found, sky.clock.now())
    assert (len(sky.watch.parts.alarms.in_sight()), sky.watch.parts.alarms.left_out) == (2, 1)
    found += [_cause(10, Level.WARNING), _cause(11, Level.WARNING)]
    await sky.watch.parts.alarms.step(found, sky.clock.now())
    levels = [kept.alarm.level for kept in sky.watch.parts.alarms.in_sight()]
    assert levels.count(Level.WARNING) == 1
    assert sky.watch.parts.alarms.left_out == 2


async def test_of_those_that_are_over_the_oldest_go_first(
    sky: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "RETURNED_MAX", 2)
    kept = sky.watch.parts.alarms
    await kept.start(sky.clock.now() - timedelta(hours=1))
    for number in range(4):
        await kept.step([_cause(number, Level.CAUTION)], sky.clock.now())
        for _ in range(20):
            sky.clock.time += timedelta(seconds=1)
            await kept.step([], sky.clock.now())
    over = {each.alarm.key for each in kept.in_sight()}
    assert over == {_cause(number, Level.CAUTION).key for number in (2, 3)}
    past = await kept.history(10)
    assert {each.alarm.key for each in past} == {
        _cause(number, Level.CAUTION).key for number in (0, 1)
    }


async def test_an_alarm_that_is_raised_again_leaves_the_one_before_in_the_history(
    tmp_path: Path,
) -> None:
    async with air(tmp_path) as sky:
        kept = sky.watch.parts.alarms
        await kept.start(sky.clock.now() - timedelta(hours=1))
        await kept.step([_cause(0, Level.CAUTION)], sky.clock.now())
        (first,) = kept.in_sight()
        for _ in range(20):
            sky.clock.time += timedelta(seconds=1)
            await kept.step([], sky.clock.now())
        await kept.step([_cause(0, Level.WARNING)], sky.clock.now())
        (second,) = kept.in_sight()
        assert second.id != first.id
        assert [each.id for each in await kept.history(10)] == [first.id]
    async with air(tmp_path) as sky:
        assert [each.id for each in sky.watch.parts.alarms.in_sight()] == [second.id]


def _cause(number: int, level: Level) -> Cause:
    about = subject_of(Address(f"icao:{number:06x}"))
    return Cause(key=key(AlarmKind.NO_PLAN, about), level=level, sentence="it flies")


class Plans:
    """Keeps what would be said of a plan."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    async def off_nominal(self, _: str, *, state: Any, volumes: Sequence[Any]) -> None:
        self.said.append(volumes)


async def test_where_one_that_is_lost_may_be_goes_on_and_grows(sky: Air) -> None:
    plans = Plans()
    book = cast(Any, SimpleNamespace(by_intent=lambda intent: SimpleNamespace(id=intent)))
    sky.watch.parts.straying = Straying(cast(Any, plans), book, agreement(), Holds(out_s=2.0))
    plan = sky.put(1, block(seconds=(-600.0, 3_000.0)), own=True, manager="north")
    sky.flying = [
        Flying(address=f"intent:{plan.id}", at=destination(HERE, 90.0, 9_000.0), speed_mps=20.0)
    ]
    await sky.run(5)
    assert plans.said
    _nonconforming(sky, plans)
    sky.flying = []
    before = len(plans.said)
    for _ in range(10):
        sky.clock.time += timedelta(seconds=59)
        await sky.run(1)
        _nonconforming(sky, plans)
    assert len(plans.said) >= before + 2
    last = plans.said[-1]
    assert max(each.time.end for each in last) > sky.clock.time + timedelta(minutes=1)
    assert last[0].volume.outline.radius_m > plans.said[0][0].volume.outline.radius_m


async def test_one_that_has_landed_and_is_switched_off_is_nowhere_else(sky: Air) -> None:
    plans = Plans()
    book = cast(Any, SimpleNamespace(by_intent=lambda intent: SimpleNamespace(id=intent)))
    sky.watch.parts.straying = Straying(cast(Any, plans), book, agreement(), Holds(out_s=2.0))
    plan = sky.put(1, block(seconds=(-600.0, 3_000.0)), own=True, manager="north")
    one = Flying(address=f"intent:{plan.id}", at=destination(HERE, 90.0, 9_000.0))
    sky.flying = [one]
    await sky.run(5)
    assert len(plans.said) == 1
    _nonconforming(sky, plans)
    one.more["on_ground"] = True
    await sky.run(2)
    sky.flying = []
    sky.clock.time = max(each.time.end for each in plans.said[-1]) - timedelta(seconds=70)
    one.since = sky.clock.time
    sky.watch.hear("test", [one.report(sky.clock.time)])
    await sky.run(90)
    assert len(plans.said) == 1


def _nonconforming(sky: Air, plans: Plans) -> None:
    nominal = block(seconds=(-600.0, 3_000.0))
    volumes = (*nominal, *plans.said[-1])
    sky.put(
        1, volumes, own=True, manager="north", state="Nonconforming", nominal_count=len(nominal)
    )
