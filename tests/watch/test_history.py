"""The history of the picture: what is kept, what is said where nothing is, and what it survives."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from tests.http.own_watch import alarm, track
from tests.storage.faulty_disk import faulty_disk
from tests.watch.history_world import STEP_S, Node, open_store, time_of
from tests.watch.picture_world import (
    NOON,
    Scene,
    entry,
    no_go,
    plan,
    raw,
    settle,
    volume,
)

from tansiq.domain.time import zulu
from tansiq.errors import BadInput, NotFound, StoreError
from tansiq.services.views import Status
from tansiq.services.watch import history as recording
from tansiq.services.watch import past as reading
from tansiq.services.watch.past import BYTES_MAX, REACH_AHEAD_STEPS, REACH_STEPS, SLICES_MAX
from tansiq.storage.history import Unopened

pytestmark = pytest.mark.anyio

TICK = timedelta(microseconds=1)
PATIENCE_S = 30.0


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    made = Node(open_store(tmp_path))
    yield made
    await made.recorder.stop()


# ---- what was shown


async def test_the_picture_of_then_is_shown_and_not_the_one_of_now(node: Node) -> None:
    node.scene.shown = {"tracks": (track(zulu(NOON)),), "alarms": (alarm(zulu(NOON)),)}
    await node.keep()
    node.scene.shown = {"tracks": (track(zulu(NOON), lat_deg=51.0),), "sentence": "feed lost"}
    await node.keep()
    then, now = await node.at(10), await node.at(20)
    assert [t.lat_deg for t in then.slice.tracks + now.slice.tracks] == [50.0, 51.0]
    assert [len(each.slice.alarms) for each in (then, now)] == [1, 0]
    assert [each.slice.sentence for each in (then, now)] == ["", "feed lost"]
    assert (then.slice.time, then.age_s) == (time_of(10), 0.0)


async def test_between_two_slices_the_earlier_counts_and_says_how_old_it_is(node: Node) -> None:
    await node.keep(2)
    found = await node.at(19.75)
    assert (found.slice.time, found.age_s) == (time_of(10), 9.75)


async def test_ten_steps_reach_and_a_microsecond_more_does_not(node: Node) -> None:
    await node.keep()
    node.clock.s += 3_600
    last = NOON + timedelta(seconds=STEP_S * (1 + REACH_STEPS))
    assert await node.past.at(last)
    with pytest.raises(NotFound) as told:
        await node.past.at(last + TICK)
    assert told.value.field == "time"
    with pytest.raises(NotFound):
        await node.past.at(NOON)


async def test_what_is_to_come_has_no_picture(node: Node) -> None:
    """Some seconds may be the asker's clock; more is not."""
    await node.keep()
    last = NOON + timedelta(seconds=STEP_S * (1 + REACH_AHEAD_STEPS))
    assert await node.past.at(last)
    with pytest.raises(NotFound):
        await node.past.at(last + TICK)
    node.clock.s += STEP_S * REACH_AHEAD_STEPS + 2e-6
    assert await node.past.at(last + TICK)


# ---- areas


async def test_areas_are_shown_as_they_were(node: Node) -> None:
    node.scene.own = [plan(status=Status.WAITING, coordinated=False)]
    node.scene.others = [entry()]
    await node.keep()
    node.scene.own = [plan()]
    node.scene.areas = [no_go()]
    await node.keep()
    node.scene.own, node.scene.others = [], []
    await node.keep()
    seen = [
        {(area.kind, area.name): (area.status, area.first, area.last) for area in moment.areas}
        for moment in [await node.at(s) for s in (10, 20, 30)]
    ]
    own, other, closed = ("plan", "HERON-1"), ("intent", "HK-12"), ("constraint", "Fire 7")
    assert seen == [
        {own: ("waiting", 1, 1), other: ("", 1, 2)},
        {own: ("coordinated", 2, 2), other: ("", 1, 2), closed: ("everywhere", 2, None)},
        {closed: ("everywhere", 2, None)},
    ]
    area = (await node.at(20)).areas[0]
    assert (area.since, area.until) == (time_of(10), time_of(30))
    assert msgspec.json.decode(area.volumes) == msgspec.json.decode(raw(volume()))


async def test_volumes_are_kept_once_however_many_slices_have_them(node: Node) -> None:
    node.scene.own = [plan()]
    await node.keep()
    first = (await node.past.view()).bytes
    await node.keep(20)
    view = await node.past.view()
    page = await node.page(0, 1_000)
    assert (len(page.slices), len(page.areas)) == (21, 1)
    assert view.bytes - first < 20 * 300  # An empty slice takes some 200 bytes.


async def test_ours_and_theirs_may_have_the_same_id(node: Node) -> None:
    node.scene.areas = [no_go(id="c1", name="ours")]
    node.scene.others = [entry(id="c1", name="theirs", kind="constraint")]
    await node.keep(2)
    assert [(a.name, a.own, a.first) for a in (await node.at(20)).areas] == [
        ("ours", True, 1),
        ("theirs", False, 1),
    ]


async def test_what_a_desk_is_told_besides_makes_no_version(node: Node) -> None:
    node.scene.own = [plan(not_reached=("south",), updated=time_of(1))]
    await node.keep()
    node.scene.own = [plan(updated=time_of(12))]
    await node.keep()
    assert [area.first for area in (await node.at(20)).areas] == [1]


# ---- many slices


async def test_slices_go_on_where_an_answer_ends(node: Node) -> None:
    await node.keep(SLICES_MAX + 1)
    page = await node.page(0, 10**6)
    assert [s.number for s in page.slices] == list(range(1, SLICES_MAX + 1))
    assert page.next == time_of(STEP_S * (SLICES_MAX + 1))
    rest = await node.page(STEP_S * (SLICES_MAX + 1), 10**6)
    assert ([s.number for s in rest.slices], rest.next) == ([SLICES_MAX + 1], None)


async def test_just_as_many_as_fit_are_all(node: Node) -> None:
    await node.keep(SLICES_MAX)
    page = await node.page(0, 10**6)
    assert (len(page.slices), page.next) == (SLICES_MAX, None)


async def test_both_ends_of_the_span_count(node: Node) -> None:
    await node.keep(4)
    assert [s.number for s in (await node.page(20, 30)).slices] == [2, 3]
    tick = 1e-6
    assert [s.number for s in (await node.page(20 + tick, 30 - tick)).slices] == []
    with pytest.raises(BadInput) as told:
        await node.page(30, 20)
    assert told.value.field == "from"


async def test_slices_may_be_thinned_and_go_on_in_the_same_turns(node: Node) -> None:
    await node.keep(2 * SLICES_MAX + 10)
    numbers, since, pages = [], 0.0, 0
    while True:
        page = await node.page(since, 10**6, every_s=20.0)
        numbers += [s.number for s in page.slices]
        pages += 1
        if page.next is None:
            break
        since = (msgspec.convert(page.next, type=type(NOON)) - NOON).total_seconds()
    assert pages == 2
    assert numbers == [1, *range(2, 2 * SLICES_MAX + 11, 2)]


async def test_an_answer_is_of_bounded_size_and_has_one_slice_at_least(node: Node) -> None:
    long = "x" * (BYTES_MAX // 3)
    node.scene.shown = {"sentence": long}
    await node.keep(4)
    page = await node.page(0, 1_000)
    assert (len(page.slices), page.next) == (2, time_of(30))
    node.scene.shown = {"sentence": long * 4}
    await node.keep(2)
    page = await node.page(50, 1_000)
    assert (len(page.slices), page.next) == (1, time_of(60))


async def test_areas_count_as_well_and_come_with_the_slices_that_have_them(node: Node) -> None:
    big = msgspec.Raw(msgspec.json.encode(["y" * (BYTES_MAX // 2)]))
    await node.keep()
    for name in ("one", "two", "three"):
        node.scene.own = [plan(callsign=name, volumes=big)]
        await node.keep()
    page = await node.page(0, 1_000)
    assert [area.name for area in page.areas] == ["one"]
    assert (len(page.slices), page.next) == (2, time_of(30))


async def test_any_page_has_what_was_shown(node: Node) -> None:
    """Method: 60 slices of a sky that changes, of several blocks; each beside what was shown."""
    recording_block = recording.BLOCK
    shown: dict[int, tuple[list[str], set[str]]] = {}
    for number in range(1, 61):
        node.scene.shown = {
            "tracks": tuple(
                track(time_of(0), callsign=f"H{i}") for i in range(number % 4, 3 + number % 3)
            )
        }
        node.scene.own = [plan(id=f"p{i}", callsign=f"P{i}") for i in range(number // 7 % 3)]
        if number % 25 == 0:  # As after an hour.
            assert node.recorder._kept is not None
            node.recorder._kept.in_block = recording_block
        await node.keep()
        shown[number] = (
            [t.callsign for t in node.scene.view().tracks],
            {p.callsign for p in node.scene.own},
        )
    page = await node.page(0, 10**6)
    assert len(page.slices) == 60
    for each in page.slices:
        held = {
            area.name
            for area in page.areas
            if area.first <= each.number and (area.last is None or each.number <= area.last)
        }
        assert ([t.callsign for t in each.tracks], held) == shown[each.number]


# ---- holes


async def test_a_node_that_was_off_leaves_a_hole_and_goes_on(tmp_path: Path) -> None:
    scene = Scene(own=[plan()], shown={"tracks": (track(zulu(NOON)),)})
    before = Node(open_store(tmp_path), scene)
    await before.keep(3)
    await before.recorder.stop()
    scene.clock.s += 600
    scene.own = []
    after = Node(open_store(tmp_path), scene)
    await after.keep(2)
    view = await after.past.view()
    assert [(gap.since, gap.until) for gap in view.gaps] == [(time_of(30), time_of(640))]
    assert (view.since, view.until, view.slices) == (time_of(10), time_of(650), 5)
    with pytest.raises(NotFound):
        await after.at(300)
    assert [len((await after.at(s)).areas) for s in (30, 640)] == [1, 0]
    assert [len((await after.at(s)).slice.tracks) for s in (30, 640)] == [1, 1]
    assert [s.number for s in (await after.page(0, 1_000)).slices] == [1, 2, 3, 4, 5]
    await after.recorder.stop()


@pytest.mark.parametrize(("late_s", "gaps"), [(15.0, 0), (15.000001, 1)])
async def test_the_hole_that_goes_on_is_told_too(node: Node, late_s: float, gaps: int) -> None:
    await node.keep()
    node.clock.s += late_s
    view = await node.past.view()
    assert len(view.gaps) == gaps
    if gaps:
        assert (view.gaps[0].since, view.gaps[0].until) == (time_of(10), time_of(10 + late_s))


async def test_of_too_many_holes_the_newest_are_listed_and_it_is_said(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "GAPS_MAX", 3)
    await node.keep(4, every_s=100)
    view = await node.past.view()
    assert ([gap.since for gap in view.gaps], view.sentence) == (
        [time_of(s) for s in (100, 200, 300)],
        "",
    )
    await node.keep(1, every_s=100)
    view = await node.past.view()
    assert ([gap.since for gap in view.gaps], view.sentence) == (
        [time_of(s) for s in (200, 300, 400)],
        "1 earlier gaps are not listed",
    )


async def test_an_old_newest_slice_is_said(node: Node) -> None:
    assert (await node.past.view()).sentence == "nothing is kept yet"
    await node.keep()
    node.clock.s += 20
    assert (await node.past.view()).sentence == ""
    node.clock.s += 1
    assert (await node.past.view()).sentence == "the newest slice is 21 s old"


async def test_a_clock_that_is_set_back_loses_nothing(node: Node) -> None:
    node.scene.own = [plan()]
    await node.keep(3)
    node.clock.s -= 100
    node.scene.own = []
    await node.keep()
    view = await node.past.view()
    assert view.slices == 4
    assert [s.number for s in (await node.page(-200, 100)).slices] == [4, 1, 2, 3]
    assert [len((await node.at(s)).areas) for s in (-60, 10)] == [0, 1]
    node.clock.s -= 10
    assert "the clock was set back" in (await node.past.view()).sentence


# ---- limits


async def test_what_does_not_fit_is_dropped_and_said(tmp_path: Path) -> None:
    node = Node(open_store(tmp_path), history_bytes_max=2_000)
    await node.keep(40)
    view = await node.past.view()
    assert view.bytes <= 2_000
    assert 1 < view.slices < 40
    assert "more does not fit into limits.history_bytes_max, 2,000 bytes" in view.sentence
    await node.recorder.stop()


@pytest.mark.parametrize(("names", "blocks"), [(2, 1), (3, 2)])
async def test_a_list_of_names_that_is_too_long_is_begun_anew(
    node: Node, monkeypatch: pytest.MonkeyPatch, names: int, blocks: int
) -> None:
    monkeypatch.setattr(recording, "NAMES_MAX", 2)
    seen = tuple(track(zulu(NOON), callsign=f"H{number}") for number in range(names))
    node.scene.shown = {"tracks": seen}
    await node.keep(2)
    assert node.recorder._kept is not None
    assert node.recorder._kept.block == blocks
    page = await node.page(0, 100)
    assert [[t.callsign for t in each.tracks] for each in page.slices] == [
        [t.callsign for t in seen]
    ] * 2


async def test_a_slice_of_just_the_age_is_kept_and_an_older_one_is_not(tmp_path: Path) -> None:
    node = Node(open_store(tmp_path), history_keep=timedelta(seconds=50))
    await node.keep(6)
    assert (await node.past.view()).since == time_of(10)
    await node.keep()
    assert (await node.past.view()).since == time_of(20)
    await node.recorder.stop()


# ---- what it survives


async def test_a_full_disk_is_told_and_it_goes_on_by_itself(tmp_path: Path) -> None:
    with faulty_disk("history-full") as disk:
        node = Node(open_store(tmp_path, disk.vfs_name))
        node.scene.own = [plan()]
        await node.keep()
        disk.full = True
        for _ in range(3):
            node.clock.s += STEP_S
            await node.recorder.record()
        node.scene.own = [plan(callsign="OTHER")]
        view = await node.past.view()
        assert view.sentence.startswith(
            f"the history is not kept since {time_of(20)}: history.db cannot be written (FullError"
        )
        assert [(gap.since, gap.until) for gap in view.gaps] == [(time_of(10), time_of(40))]
        assert (await node.at(10)).slice.number == 1  # What is there can be read.
        disk.full = False
        await node.keep()
        view = await node.past.view()
        assert (view.sentence, view.slices) == ("", 2)
        assert [(gap.since, gap.until) for gap in view.gaps] == [(time_of(10), time_of(50))]
        assert [area.name for area in (await node.at(50)).areas] == ["OTHER"]
        assert [area.name for area in (await node.at(10)).areas] == ["HERON-1"]
        await node.recorder.stop()


async def test_a_file_that_cannot_be_opened_is_said_at_every_question() -> None:
    node = Node(Unopened("history.db: NotADBError: file is not a database"))
    await node.recorder.record()
    view = await node.past.view()
    assert view.sentence.endswith("history.db: NotADBError: file is not a database")
    assert (view.since, view.slices, view.gaps) == (None, 0, ())
    with pytest.raises(StoreError):
        await node.at(0)
    await node.recorder.stop()


async def test_a_failure_that_nobody_foresaw_ends_one_slice_only(node: Node) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    healthy = node.scene.view
    node.scene.view = fail  # type: ignore[method-assign, assignment]
    node.recorder.start()
    await until(lambda: node.recorder.failing != "")
    assert "ZeroDivisionError, see the log" in (await node.past.view()).sentence
    node.scene.view = healthy  # type: ignore[method-assign]
    await node.clock.move(STEP_S)
    await until(lambda: node.recorder.failing == "")
    assert (await node.past.view()).slices == 1


async def test_a_slice_is_kept_each_step_by_itself(node: Node) -> None:
    node.recorder.start()
    for number in range(1, 4):
        await until(lambda number=number: _number(node) == number)
        await settle()
        await node.clock.move(STEP_S - 1e-6)
        assert _number(node) == number
        await node.clock.move(1e-6)
    await until(lambda: _number(node) == 4)
    page = await node.page(-1, 100)
    assert [s.time for s in page.slices] == [time_of(s) for s in (0, 10, 20, 30)]


async def test_what_cannot_be_read_is_said_and_the_rest_is_shown(
    tmp_path: Path, node: Node
) -> None:
    node.scene.own = [plan()]
    node.scene.shown = {"tracks": (track(zulu(NOON)),)}
    await node.keep(3)
    other = apsw.Connection(str(tmp_path / "history.db"))
    other.execute("UPDATE slice SET document = x'00' WHERE number = 2")
    other.execute("UPDATE area SET document = x'00'")
    other.close()
    page = await node.page(0, 100)
    assert [len(s.tracks) for s in page.slices] == [1, 0, 1]
    assert page.slices[1].sentence.startswith("WHAT WAS SHOWN CANNOT BE READ")
    (area,) = page.areas
    assert area.sentence.startswith("WHAT WAS SHOWN CANNOT BE READ")
    assert (area.id, bytes(area.volumes)) == (plan().id, b"[]")


def _number(node: Node) -> int:
    kept = node.recorder._kept
    return 0 if kept is None else kept.number


async def until(true: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0.005)
