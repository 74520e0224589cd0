"""A slice read back is the picture that was shown, to within what is stated."""

import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.http.own_watch import alarm, track

from tansiq.domain.time import micros, parse_rfc3339, zulu
from tansiq.services.watch.history_views import SliceView
from tansiq.services.watch.slices import (
    UNREADABLE,
    Names,
    new_names,
    packed,
    packed_names,
    unpacked,
    unpacked_names,
)
from tansiq.services.watch.views import AlarmView, PictureView, RingView, TrackView

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
PLACE_DEG = 0.5e-6 + 1e-12
"""Half of the last digit that is kept."""
TIME = timedelta(milliseconds=50)

words = st.text(max_size=12)
tenths = st.integers(-30_000, 300_000).map(lambda n: n / 10)
shown_at = st.integers(0, 10**13).map(lambda n: NOON + timedelta(microseconds=n))
finite = st.floats(allow_nan=False, allow_infinity=False)

alarms = st.builds(
    AlarmView,
    facts=st.dictionaries(words, words | finite, max_size=2),
    in_s=st.none() | finite,
    lat_deg=st.none() | finite,
    lng_deg=st.none() | finite,
)

rings = st.builds(RingView, lat_deg=finite, lng_deg=finite, radius_m=finite)


@st.composite
def tracks(draw: st.DrawFn) -> TrackView:
    made: dict[str, Any] = {
        "id": draw(words),
        "address": draw(words),
        "callsign": draw(words),
        "feed": draw(words),
        "time": zulu(draw(shown_at)),
        "age_s": abs(draw(tenths)),
        "staleness": draw(st.sampled_from(["fresh", "ageing", "stale"])),
        "lat_deg": round(draw(st.floats(-90, 90)), 7),
        "lng_deg": round(draw(st.floats(-180, 180)), 7),
        "horizontal_error_m": abs(draw(tenths)),
        "height_m": draw(st.none() | tenths),
        "height_error_m": abs(draw(tenths)),
        "pressure_m": draw(st.none() | tenths),
        "speed_mps": draw(st.none() | tenths),
        "track_deg": draw(st.none() | st.integers(0, 3_599).map(lambda n: n / 10)),
        "climb_mps": draw(st.none() | tenths),
        "on_ground": draw(st.booleans()),
        "plan": draw(words),
        "plan_name": draw(words),
        "party": draw(words),
        "may_be": tuple(draw(st.lists(words, max_size=2))),
        "conformance": draw(st.sampled_from(["inside", "left", "unplanned"])),
        "sentence": draw(words),
        "code": draw(words),
        "also": tuple(draw(st.lists(words, max_size=1))),
        "facts": draw(st.dictionaries(words, words | finite, max_size=2)),
        "level": draw(st.sampled_from(["", "caution", "warning"])),
    }
    # One that has come to be since is to be kept as well.
    assert set(made) == set(TrackView.__struct_fields__)
    return TrackView(**made)


@st.composite
def pictures(draw: st.DrawFn) -> PictureView:
    seen = draw(st.lists(tracks(), max_size=4))
    return PictureView(
        time=zulu(draw(shown_at)),
        sentence=draw(words),
        tracks=tuple(seen),
        alarms=tuple(draw(st.lists(alarms, max_size=2))),
        rings=tuple(
            draw(
                st.lists(
                    st.builds(RingView, lat_deg=finite, lng_deg=finite, radius_m=finite), max_size=2
                )
            )
        ),
    )


def as_kept(view: PictureView, shown: datetime, known: Names) -> SliceView:
    """Return a picture that has been stored and read, after others of its block."""
    new = new_names(view, known)
    document = packed(view, shown, known, new)
    parts = [packed_names(known), packed_names(new)]
    return unpacked(7, micros(shown), document, unpacked_names(part for part in parts if part))


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(view=pictures(), shown=shown_at, before=pictures())
def test_what_is_read_is_what_was_shown(
    view: PictureView, shown: datetime, before: PictureView
) -> None:
    read = as_kept(view, shown, new_names(before, {}))
    assert (read.number, read.time, read.picture_time) == (7, zulu(shown), view.time)
    assert (read.sentence, read.rings) == (view.sentence, view.rings)
    assert msgspec.to_builtins(read.alarms) == msgspec.to_builtins(view.alarms)
    assert len(read.tracks) == len(view.tracks)
    for told, seen in zip(read.tracks, view.tracks, strict=True):
        assert abs(told.lat_deg - seen.lat_deg) <= PLACE_DEG
        assert abs(told.lng_deg - seen.lng_deg) <= PLACE_DEG
        assert abs(parse_rfc3339(told.time, "t") - parse_rfc3339(seen.time, "t")) <= TIME
        rounded = {"lat_deg": told.lat_deg, "lng_deg": told.lng_deg, "time": told.time}
        # All other members, those of a later version included.
        assert told == msgspec.structs.replace(seen, **rounded)


def test_places_are_kept_to_a_millionth_of_a_degree() -> None:
    """Just half of it moves to the even one, and anything above to the next."""
    for lat_deg, kept in ((50.0000004, 50.0), (50.0000006, 50.000001), (-0.0000006, -0.000001)):
        view = PictureView(time=zulu(NOON), tracks=(track(zulu(NOON), lat_deg=lat_deg),))
        assert as_kept(view, NOON, {}).tracks[0].lat_deg == kept


def test_the_same_aircraft_takes_one_place_in_its_block() -> None:
    first = PictureView(time=zulu(NOON), tracks=(track(zulu(NOON)), track(zulu(NOON))))
    names = new_names(first, {})
    assert list(names.values()) == [0]
    moved = PictureView(time=zulu(NOON), tracks=(track(zulu(NOON), lat_deg=1.0),))
    assert new_names(moved, names) == {}
    bound = PictureView(time=zulu(NOON), tracks=(track(zulu(NOON), plan="p"),))
    assert list(new_names(bound, names).values()) == [1]


def _kept() -> tuple[bytes, list[Any]]:
    view = PictureView(time=zulu(NOON), tracks=(track(zulu(NOON)),), alarms=(alarm(zulu(NOON)),))
    names = new_names(view, {})
    return packed(view, NOON, names), unpacked_names([packed_names(names)])


def test_bytes_that_are_damaged_anywhere_are_told_by_one_of_the_named_errors() -> None:
    document, names = _kept()
    for place in range(0, len(document), 7):
        damaged = bytearray(document)
        damaged[place] ^= 0x55
        with pytest.raises(UNREADABLE):
            unpacked(1, micros(NOON), bytes(damaged), names)
    with pytest.raises(UNREADABLE):
        unpacked(1, micros(NOON), document, [])


@pytest.mark.parametrize(
    "change",
    [
        lambda kept: kept["tracks"].pop("lat"),
        lambda kept: kept["tracks"]["lng"].clear(),
        lambda kept: kept["tracks"]["before"].__setitem__(0, 10**18),
        lambda kept: kept.__setitem__("looked", 10**18),
        lambda kept: kept.pop("alarms"),
    ],
)
def test_a_slice_of_another_form_is_told_too(change: Any) -> None:
    document, names = _kept()
    kept = msgspec.json.decode(zlib.decompress(document))
    change(kept)
    with pytest.raises(UNREADABLE):
        unpacked(1, micros(NOON), zlib.compress(msgspec.json.encode(kept)), names)
