"""How the watch is printed: units, signs, countdowns, and nothing that steers a terminal."""

from typing import Any

import pytest

from tansiq.cli import watch_text
from tansiq.services.watch.views import AlarmList, AlarmView, FeedList, PictureView, TrackView


def track(**more: Any) -> TrackView:
    said: dict[str, Any] = {
        "id": "x",
        "address": "icao:a1b2c3",
        "callsign": "HERON1",
        "feed": "roof",
        "time": "2026-11-29T12:00:00Z",
        "age_s": 4.0,
        "staleness": "fresh",
        "lat_deg": 39.0,
        "lng_deg": -121.0,
        "horizontal_error_m": 20.0,
    }
    return TrackView(**said | more)


def alarm(**more: Any) -> AlarmView:
    said: dict[str, Any] = {
        "id": "3f2a91bc00",
        "kind": "conflict-predicted",
        "level": "warning",
        "stage": "raised",
        "flashing": True,
        "one": "a",
        "other": "b",
        "names": ("HERON1", "OSPREY-2"),
        "sentence": "HERON1 and OSPREY-2 will be too close",
        "raised": "2026-11-29T12:00:00.123456Z",
        "changed": "2026-11-29T12:00:00Z",
    }
    return AlarmView(**said | more)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"height_m": 914.4}, "3,000 ft (914 m) W84"),
        ({"height_m": 914.4, "pressure_m": 900.0}, "3,000 ft (914 m) W84"),
        ({"pressure_m": 1_524.0}, "5,000 ft (1,524 m) pressure"),
        ({"height_m": 0.0}, "0 ft (0 m) W84"),
        ({"height_m": 914.4, "on_ground": True}, "on the ground"),
        ({}, "not known"),
    ],
)
def test_a_height_says_what_it_counts_from(known: dict[str, Any], said: str) -> None:
    assert watch_text.height(track(**known)) == said


@pytest.mark.parametrize(
    ("staleness", "said"),
    [
        ("fresh", "4 s"),
        ("ageing", "4 s"),
        ("stale", "4 s STALE"),
        ("dropped", "4 s DROPPED"),
    ],
)
def test_what_is_too_old_to_be_believed_is_marked(staleness: str, said: str) -> None:
    assert watch_text.age(track(staleness=staleness)) == said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"in_s": 59.99}, "T-00:59"),
        ({"in_s": 60.0}, "T-01:00"),
        ({"in_s": 0.0}, "T-00:00"),
        ({"in_s": 125.0}, "T-02:05"),
        ({"in_s": None}, "-"),
        ({"in_s": None, "kind": "separation-lost"}, "now"),
        ({"in_s": 5.0, "stage": "returned"}, "over"),
        ({"in_s": None, "stage": "cleared"}, "over"),
    ],
)
def test_time_is_counted_down_and_never_rounded_up(more: dict[str, Any], said: str) -> None:
    assert watch_text.countdown(alarm(**more)) == said


def test_a_level_is_a_sign_and_a_word_and_of_what_is_over_the_highest() -> None:
    signs = {"warning": "# WARNING", "caution": "^ CAUTION", "advisory": "o ADVISORY"}
    for word, said in signs.items():
        assert watch_text.level(alarm(level=word, worst="warning")) == said
    over = alarm(level="advisory", worst="warning", stage="returned", flashing=False)
    assert watch_text.level(over) == "# WARNING"


def test_who_has_seen_an_alarm_here_and_there_stands_beside_it() -> None:
    seen = alarm(
        stage="acknowledged",
        flashing=False,
        acknowledged="2026-11-29T12:01:00Z",
        acknowledged_by="Nina Hall",
        acknowledged_there=("south",),
    )
    out = watch_text.alarms_text(AlarmList(alarms=(seen, alarm()), nuisances_today=2))
    first, _, second, _, last = out.splitlines()
    assert "acknowledged" in first
    assert "seen here by Nina Hall" in first
    assert "; seen there by south" in first
    assert "FLASHING" in second
    assert "seen" not in second
    assert last == "today: 0 raised, 2 for nothing"
    assert "raised   2026-11-29T12:00:00Z" in watch_text.alarm_text(seen)
    assert watch_text.alarms_text(AlarmList(alarms=())).startswith("no alarms")


def test_ways_out_are_information_only() -> None:
    shown = watch_text.alarm_text(alarm(ways_out=("HERON1 climbs 500 ft",)))
    assert "way out  HERON1 climbs 500 ft" in shown
    assert "no certified detect-and-avoid equipment" in shown
    assert "certified" not in watch_text.alarm_text(alarm())


def test_what_is_wrong_with_the_picture_comes_first() -> None:
    view = PictureView(time="x", replay=True, sentence="feed roof is silent", tracks=(track(),))
    lines = watch_text.tracks_text(view).splitlines()
    assert lines[:2] == ["REPLAY: recorded, not live", "PICTURE: feed roof is silent"]
    assert "no aircraft is heard" in watch_text.tracks_text(PictureView(time="x"))
    assert "docs/feeds.md" in watch_text.feeds_text(FeedList(feeds=()))


def test_what_others_wrote_cannot_steer_the_terminal() -> None:
    sly = "\x1b[2Jclear\u202e"
    for text in (
        watch_text.tracks_text(PictureView(time="x", tracks=(track(callsign=sly),), sentence=sly)),
        watch_text.alarms_text(AlarmList(alarms=(alarm(sentence=sly, acknowledged_by=sly),))),
        watch_text.alarm_text(alarm(sentence=sly, names=(sly,), ways_out=(sly,))),
        watch_text.alarm_change(alarm(sentence=sly)),
    ):
        assert "clear" in text
        assert not set(sly[:1] + sly[-1:]) & set(text)
