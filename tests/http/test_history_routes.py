"""The history over HTTP: what is answered, what is refused and why, and how it travels."""

import gzip
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.asgi import Answer, ask
from tests.http.own_watch import track
from tests.http.own_world import NOON, PORT, TOKEN, World, plan_bytes, world

from tansiq.domain.time import zulu
from tansiq.errors import BadInput
from tansiq.services.watch.history_views import HistoryMoment, HistoryPage
from tansiq.services.watch.past import SLICES_MAX
from tansiq.services.watch.views import TrackView
from tansiq.settings import read_settings

pytestmark = pytest.mark.anyio

MACHINE = [("Host", f"127.0.0.1:{PORT}"), ("Authorization", f"Bearer {TOKEN}")]
WHOLE = "from=2026-11-23T11:00:00Z&to=2026-11-23T13:00:00Z"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "node.db") as built:
        yield built


async def get(node: World, path: str, *headers: tuple[str, str], query: str = "") -> Answer:
    return await ask(node.app, f"/api/v1/{path}", headers=[*MACHINE, *headers], query=query)


async def keep(node: World, slices: int) -> None:
    """Keep slices from noon on, ten seconds apart."""
    for _ in range(slices):
        await node.history.record()
        node.clock.later += timedelta(seconds=10)


def time_of(s: float) -> str:
    return zulu(NOON + timedelta(seconds=s))


# ---- what is answered


async def test_how_much_there_is(node: World) -> None:
    await keep(node, 3)
    node.clock.later += timedelta(minutes=5)
    await node.history.record()
    answer = (await get(node, "history")).json
    assert answer.pop("bytes") > 500
    assert answer == {
        "from": time_of(0),
        "to": time_of(330),
        "step_s": 10.0,
        "slices": 4,
        "gaps": [{"from": time_of(20), "to": time_of(330)}],
        "sentence": "",
    }


async def test_nothing_is_said_to_be_nothing(node: World) -> None:
    answer = (await get(node, "history")).json
    assert (answer["from"], answer["to"], answer["slices"], answer["gaps"]) == (None, None, 0, [])
    assert answer["sentence"] == "nothing is kept yet"
    assert (await get(node, "history/slices", query=WHOLE)).json == {
        "slices": [],
        "areas": [],
        "next": None,
    }


async def test_a_moment_has_tracks_alarms_rings_and_areas(node: World) -> None:
    made = await node.client.post("/api/v1/plans", content=plan_bytes(callsign="HERON-1"))
    await keep(node, 2)
    answer = await get(node, "history/at", query=f"time={time_of(14.5)}")
    assert answer.status == 200
    found = msgspec.json.decode(answer.body, type=HistoryMoment, strict=True)
    assert (found.age_s, found.slice.time) == (4.5, time_of(10))
    shown = node.watched.view()
    assert found.slice.tracks[0].callsign == shown.tracks[0].callsign == "HERON-1"
    assert (found.slice.alarms[0].kind, found.slice.rings[0].name) == ("conflict", "Tower")
    areas = {area.id: area for area in found.areas}
    assert areas[made.json()["id"]].status == "coordinated"
    assert {area.kind for area in found.areas} == {"plan", "intent"}


async def test_each_track_has_the_members_of_the_live_picture(node: World) -> None:
    await keep(node, 1)
    live = (await get(node, "picture")).json
    then = (await get(node, "history/at", query=f"time={time_of(0)}")).json["slice"]
    assert set(then["tracks"][0]) == set(TrackView.__struct_fields__)
    assert set(then) - {"number", "picture_time"} <= set(live)


async def test_volumes_may_be_left_out(node: World) -> None:
    await node.client.post("/api/v1/plans", content=plan_bytes())
    await keep(node, 1)
    whole = (await get(node, "history/at", query=f"time={time_of(0)}")).json
    short = (await get(node, "history/at", query=f"time={time_of(0)}&volumes=false")).json
    assert [area["volumes"] for area in whole["areas"]] != [[], []]
    assert [area["volumes"] for area in short["areas"]] == [[], []]
    for area in whole["areas"]:
        area["volumes"] = []
    assert short == whole
    page = (await get(node, "history/slices", query=f"{WHOLE}&volumes=false")).json
    assert page["areas"] == whole["areas"]


async def test_slices_come_in_order_with_where_to_go_on(node: World) -> None:
    await keep(node, SLICES_MAX + 1)
    answer = await get(node, "history/slices", query=WHOLE)
    page = msgspec.json.decode(answer.body, type=HistoryPage)
    assert [s.number for s in page.slices] == list(range(1, SLICES_MAX + 1))
    rest = await get(node, "history/slices", query=f"from={page.next}&to={time_of(3_600)}")
    assert [s["number"] for s in rest.json["slices"]] == [SLICES_MAX + 1]


async def test_every_so_many_seconds(node: World) -> None:
    await keep(node, 10)
    query = f"from={time_of(0)}&to={time_of(90)}&every_s=30"
    page = (await get(node, "history/slices", query=query)).json
    assert [s["time"] for s in page["slices"]] == [time_of(s) for s in (0, 30, 60, 90)]


async def test_gzip_is_for_who_takes_it_and_is_the_same(node: World) -> None:
    node.watched.shown = {"tracks": tuple(track(time_of(0)) for _ in range(100))}
    await keep(node, 5)
    plain = await get(node, "history/slices", query=WHOLE)
    small = await get(node, "history/slices", ("Accept-Encoding", "gzip"), query=WHOLE)
    none = await get(node, "history/slices", ("Accept-Encoding", "gzip;q=0"), query=WHOLE)
    assert gzip.decompress(small.body) == plain.body == none.body
    assert len(small.body) < len(plain.body) / 10
    assert small.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Accept-Encoding"
    assert plain.headers["cache-control"] == "no-store"


async def test_times_of_any_zone_and_any_precision_are_understood(node: World) -> None:
    await keep(node, 1)
    for text in ("2026-11-23T14:00:00.0000000001%2B02:00", "2026-11-23t12:00:01z"):
        assert (await get(node, "history/at", query=f"time={text}")).status == 200


# ---- what is refused


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("history/at", "", "time"),
        ("history/at", "time=noon", "time"),
        ("history/at", "time=2026-11-23T12:00:00", "time"),
        ("history/slices", "", "from"),
        ("history/slices", "from=2026-11-23T12:00:00Z", "to"),
        ("history/slices", "to=2026-11-23T12:00:00Z", "from"),
        ("history/slices", "from=x&to=2026-11-23T12:00:00Z", "from"),
        ("history/slices", "from=2026-11-23T12:00:00Z&to=x", "to"),
        ("history/slices", "from=2026-11-23T12:00:01Z&to=2026-11-23T12:00:00Z", "from"),
        ("history/slices", f"{WHOLE}&every_s=0.999", "every_s"),
        ("history/slices", f"{WHOLE}&every_s=86400.5", "every_s"),
        ("history/slices", f"{WHOLE}&every_s=nan", "every_s"),
        ("history/slices", f"{WHOLE}&step=1", "step"),
        ("history", "from=2026-11-23T12:00:00Z", "from"),
    ],
)
async def test_a_wrong_question_names_its_field(
    node: World, path: str, query: str, field: str
) -> None:
    answer = await get(node, path, query=query)
    assert (answer.status, answer.json["field"]) == (400, field)


@pytest.mark.parametrize("every_s", ["1", "86400"])
async def test_the_ends_of_every_s_are_taken(node: World, every_s: str) -> None:
    assert (await get(node, "history/slices", query=f"{WHOLE}&every_s={every_s}")).status == 200


async def test_a_time_of_which_nothing_is_kept_is_not_found(node: World) -> None:
    await keep(node, 1)
    node.clock.later += timedelta(hours=1)
    answer = await get(node, "history/at", query=f"time={time_of(1_800)}")
    assert (answer.status, answer.json["code"], answer.json["field"]) == (404, "not-found", "time")


async def test_a_file_that_cannot_be_read_is_503_and_the_summary_says_why(node: World) -> None:
    await node.history.stop()
    for path, query in (("history/at", f"time={time_of(0)}"), ("history/slices", WHOLE)):
        assert (await get(node, path, query=query)).status == 503
    answer = await get(node, "history")
    assert answer.status == 200
    assert answer.json["sentence"] == "the history cannot be read: the store is closed"


# ---- settings


def read(table: str) -> Any:
    return read_settings(Path("/data"), b'party = "north"\n' + table.encode())


def test_settings_are_taken_up_to_their_ends() -> None:
    assert read("").watch.history_step_s == 10.0
    assert read("[watch]\nhistory_step_s = 1\n").watch.history_step_s == 1.0
    assert read("[watch]\nhistory_step_s = 600\n").watch.history_step_s == 600.0
    limits = read('[limits]\nhistory_keep = "2 d"\nhistory_bytes_max = 1000\n').limits
    assert (limits.history_keep, limits.history_bytes_max) == (timedelta(days=2), 1_000)


@pytest.mark.parametrize("step", ["0.99", "600.1", '"10 s"'])
def test_a_step_beyond_its_ends_names_its_key(step: str) -> None:
    with pytest.raises(BadInput) as told:
        read(f"[watch]\nhistory_step_s = {step}\n")
    assert told.value.field == "watch.history_step_s"
