"""What people ask of the watch by name: alarms by ids that change, plans, untried feeds."""

from datetime import timedelta
from typing import Any, cast

import pytest
from air import HERE, Air, Flying, block

from tansiq.domain.actor import Actor, Role
from tansiq.domain.alarm_key import AlarmKind, Level, key, subject_of
from tansiq.domain.note import NoteID
from tansiq.domain.track import Address
from tansiq.errors import NotFound
from tansiq.feeds.feed import Feeds
from tansiq.feeds.health import NOT_YET, FeedHealth, FeedState
from tansiq.services.watch.alarms import Alarms
from tansiq.services.watch.desk import Freed, WatchDesk, Whose
from tansiq.services.watch.kept import Cause
from tansiq.services.watch.telemetry import PeerPositions
from tansiq.watching import FeedDesk

pytestmark = pytest.mark.anyio
ANNA = Actor(name="anna", display_name="Anna", initials="AN", role=Role.WATCH)
CALLED = Address("icao:a1b2c3")


def desk(sky: Air) -> WatchDesk:
    return WatchDesk(sky.watch, sky.picture, sky.clock, cast(Any, None))


async def test_an_alarm_is_found_by_every_id_that_it_was_shown_under(sky: Air) -> None:
    """Two parties are told, one after the other; the smaller of the notes becomes its name."""
    alarms, now = sky.watch.parts.alarms, sky.clock.now()
    about = key(AlarmKind.SEPARATION_LOST, subject_of(Address("own:a")), subject_of(CALLED))
    cause = Cause(key=about, level=Level.CAUTION, sentence="too close")
    (kept,) = await alarms.step([cause], now)
    names = [kept.id]
    for note in ("b" * 64, "a" * 64):
        joined = await alarms.join(about, NoteID(note), cause, now)
        assert joined is not None
        names.append(joined.name)
    assert names == [kept.id, "b" * 64, "a" * 64]
    for over in (False, True):
        if over:
            await alarms.acknowledge("b" * 64, "Anna", now)
            await alarms.step([], now + timedelta(minutes=5))
            assert alarms.in_sight() == []
        for name in names:
            assert (await alarms.get(name)).id == kept.id
            assert (await alarms.get(name[:6])).id == kept.id
            with pytest.raises(NotFound):
                await alarms.get(name[:5])


async def test_that_a_party_was_told_is_on_disk_and_no_event(sky: Air) -> None:
    alarms, now = sky.watch.parts.alarms, sky.clock.now()
    about = key(AlarmKind.EARLY, subject_of(CALLED))
    await alarms.step([Cause(key=about, level=Level.CAUTION, sentence="early")], now)
    before = await sky.events.bounds()
    await alarms.note_told(about, "south", Level.CAUTION, now)
    assert await sky.events.bounds() == before
    again = Alarms(sky.events, new_id=sky.site.new_id)
    await again.start(sky.clock.time)
    kept = again.of(about)
    assert kept is not None
    assert kept.told == {"south": int(Level.CAUTION)}


async def test_what_two_alarms_begin_with_names_neither(sky: Air) -> None:
    alarms, now = sky.watch.parts.alarms, sky.clock.now()
    for number, note in enumerate(("c" * 63 + "1", "c" * 63 + "2")):
        about = key(AlarmKind.EARLY, subject_of(Address(f"own:{number}")))
        cause = Cause(key=about, level=Level.CAUTION, sentence="early")
        await alarms.join(about, NoteID(note), cause, now)
    with pytest.raises(NotFound, match="several alarms begin so"):
        await alarms.get("c" * 63)
    assert (await alarms.get("c" * 63 + "2")).name == "c" * 63 + "2"


async def test_what_a_person_says_of_an_aircraft_is_shown_at_once(sky: Air) -> None:
    """The picture is made once a look; a person who asks for a change does not wait for it."""
    plan = sky.put(1, block(), callsign="OSPREY-2")
    sky.flying.append(Flying(address=CALLED, callsign="OSPREY 2", speed_mps=20.0))
    await sky.run(2)
    asked = desk(sky)
    (track,) = asked.view().tracks
    assert (track.plan, track.may_be) == ("", (plan.id,))
    # However it is spaced, as the suggestion itself is found.
    (track,) = (await asked.bind(Whose(address=CALLED, plan="osprey 2"), ANNA)).tracks
    assert (track.plan, track.plan_name, track.may_be) == (plan.id, "OSPREY-2", ())
    (track,) = (await asked.bind(Whose(address=CALLED, plan=plan.id[:8]), ANNA)).tracks
    assert track.plan == plan.id
    (track,) = (await asked.bind(Whose(address=CALLED), ANNA)).tracks
    assert (track.plan, track.may_be) == ("", ())
    (track,) = (await asked.free(Freed(address=CALLED))).tracks
    assert (track.plan, track.may_be) == ("", (plan.id,))


async def test_a_call_sign_far_from_its_plan_suggests_nothing(sky: Air) -> None:
    sky.put(1, block(HERE), callsign="OSPREY-2")
    sky.flying.append(Flying(address=CALLED, at=HERE, callsign="OSPREY-3"))
    await sky.run(2)
    (track,) = desk(sky).view().tracks
    assert track.may_be == ()


@pytest.mark.parametrize(
    ("state", "reason", "told"),
    [
        (FeedState.FAILING, NOT_YET, False),
        (FeedState.FAILING, "connection refused", True),
        (FeedState.SILENT, "no position for 31 s", True),
        (FeedState.STOPPED, "stopped", False),
        (FeedState.OK, "", False),
    ],
)
async def test_a_feed_that_nobody_has_tried_yet_is_not_lost(
    sky: Air, state: FeedState, reason: str, *, told: bool
) -> None:
    class Feed:
        def health(self) -> list[FeedHealth]:
            return [
                FeedHealth(name="roof", kind="sbs", url="", state=state, reason=reason, refused={})
            ]

    nobody = cast(PeerPositions, None)  # Of peers no feed is lost: they are asked while it matters.
    causes = list(FeedDesk(cast(Feeds, Feed()), nobody).causes(sky.clock.now()))
    assert [each.key.kind for each in causes] == [AlarmKind.FEED_LOST] * told
