"""Messages and domain values: nothing is lost on the way, and errors name the path."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from register_world import NOON, URL

from tansiq.domain.intent import IntentState
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import (
    AltitudeBand,
    Circle,
    LatLng,
    Polygon,
    Volume3D,
    Volume4D,
)
from tansiq.errors import BadInput, TooLarge
from tansiq.f3548 import codec, wire
from tansiq.f3548.convert import (
    base_url,
    constraint_to_domain,
    constraint_volumes,
    entity_id,
    intent_to_domain,
    moment,
    to_domain,
    to_time,
    to_wire,
    volumes_to_domain,
    volumes_to_wire,
)

ID = "2f8343be-6482-4d1b-a474-16847e01af1e"
LIMITS = {"bytes_max": 100_000}

points = st.builds(
    LatLng, st.floats(-90, 90, allow_nan=False), st.floats(-180, 180, allow_nan=False)
)
outlines = st.one_of(
    st.builds(Circle, center=points, radius_m=st.floats(0.001, 1_000_000)),
    st.lists(points, min_size=3, max_size=8, unique=True).map(
        lambda found: Polygon(vertices=tuple(found))
    ),
)
bands = st.tuples(st.floats(-8_000, 100_000), st.floats(-8_000, 100_000)).map(
    lambda pair: AltitudeBand(lower_m=min(pair), upper_m=max(pair))
)
moments = st.datetimes(datetime(1901, 1, 1), datetime(2199, 1, 1)).map(  # noqa: DTZ001
    lambda value: value.replace(tzinfo=UTC)
)
spans = st.tuples(moments, moments).map(lambda pair: TimeSpan(start=min(pair), end=max(pair)))
volumes = st.builds(
    Volume4D, volume=st.builds(Volume3D, outline=outlines, altitude=bands), time=spans
)


@given(volumes)
@settings(max_examples=200, derandomize=True, deadline=None)
def test_a_volume_survives_the_wire_to_the_bit(volume: Volume4D) -> None:
    read = codec.decode(codec.encode(to_wire(volume)), wire.Volume4D, **LIMITS)
    assert to_domain(read, "volume") == volume


def some_volume() -> Volume4D:
    return Volume4D(
        volume=Volume3D(
            outline=Circle(center=LatLng(40, -105), radius_m=300),
            altitude=AltitudeBand(lower_m=0, upper_m=100),
        ),
        time=TimeSpan(start=NOON, end=NOON),
    )


def some_intent(**details: object) -> wire.OperationalIntent:
    reference = wire.OperationalIntentReference(
        id=ID,
        manager="north",
        uss_availability=wire.UssAvailabilityState.UNKNOWN,
        version=1,
        state=IntentState.ACCEPTED,
        time_start=to_time(NOON),
        time_end=to_time(NOON),
        uss_base_url=URL,
        subscription_id=wire.NO_SUBSCRIPTION,
    )
    found = {"volumes": volumes_to_wire((some_volume(),))} | details
    return wire.OperationalIntent(
        reference=reference, details=msgspec.convert(found, wire.OperationalIntentDetails)
    )


def test_details_carry_what_agreement_peers_tell_each_other() -> None:
    told = {"callsign": "OSPREY-2", "formation": "lead"}
    read = intent_to_domain(some_intent(priority=3, tansiq=told), "operational_intent")
    assert (read.callsign, read.formation, read.priority) == ("OSPREY-2", "lead", 3)
    assert (read.id, read.manager, read.volumes) == (ID, "north", (some_volume(),))


def test_details_without_our_extra_have_none_when_written() -> None:
    body = codec.encode(some_intent())
    assert b"tansiq" not in body
    assert b"null" not in body
    read = intent_to_domain(some_intent(), "operational_intent")
    assert (read.callsign, read.formation, read.priority) == ("", "", 0)


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"volumes": ()}, "operational_intent.volumes"),
        ({"off_nominal_volumes": volumes_to_wire((some_volume(),))}, "off_nominal_volumes"),
        ({"priority": 10**9}, "details.priority"),
        ({"tansiq": {"callsign": "x" * 61}}, "details.tansiq.callsign"),
        ({"tansiq": {"formation": "a\nb"}}, "details.tansiq.formation"),
        ({"volumes": ({"volume": {}},)}, "details.volumes[0].volume"),
    ],
)
def test_bad_details_are_named(details: dict[str, object], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        intent_to_domain(some_intent(**details), "operational_intent")
    assert field in str(caught.value)


def test_constraints_fill_open_altitudes() -> None:
    volume = msgspec.structs.replace(
        to_wire(some_volume()).volume, altitude_lower=None, altitude_upper=None
    )
    read = constraint_volumes(
        [msgspec.structs.replace(to_wire(some_volume()), volume=volume)], "volumes"
    )
    assert (read[0].altitude.lower_m, read[0].altitude.upper_m) == (-8_000, 100_000)
    reference = wire.ConstraintReference(
        id=ID,
        manager="south",
        uss_availability=wire.UssAvailabilityState.UNKNOWN,
        version=1,
        time_start=to_time(NOON),
        time_end=to_time(NOON),
        uss_base_url=URL,
    )
    details = wire.ConstraintDetails(volumes=volumes_to_wire((some_volume(),)))
    whole = constraint_to_domain(
        wire.Constraint(reference=reference, details=details), "constraint"
    )
    assert whole.volumes == (some_volume(),)


def test_a_single_altitude_is_checked_too() -> None:
    volume = msgspec.structs.replace(
        to_wire(some_volume()).volume,
        altitude_lower=None,
        altitude_upper=wire.Altitude(value=1e6, reference="W84", units="M"),
    )
    with pytest.raises(BadInput, match=r"volume\.altitude_upper"):
        to_domain(msgspec.structs.replace(to_wire(some_volume()), volume=volume), "volume")


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-11-23T12:00:00Z", 0, 0),
        ("2026-11-23T12:00:00.5Z", 500_000, 500_000),
        ("2026-11-23T12:00:00.000001Z", 1, 1),
        ("2026-11-23T12:00:00.0000010Z", 1, 1),
        ("2026-11-23T12:00:00.000000001Z", 0, 1),
        ("2026-11-23t12:00:00.999999999z", 999_999, 1_000_000),
    ],
)
def test_times_round_outwards(text: str, start: int, end: int) -> None:
    time = wire.Time(value=text, format="RFC3339")
    for round_up, micros in ((False, start), (True, end)):
        found = moment(time, "time", round_up=round_up) - NOON
        assert found.total_seconds() * 1e6 == pytest.approx(micros)


def test_ids_are_canonical() -> None:
    assert entity_id(ID.upper(), "id") == ID
    for bad in ("", ID + "\n", ID.replace("-4", "-1", 1), ID.replace("-", ""), "{" + ID + "}"):
        with pytest.raises(BadInput):
            entity_id(bad, "id")


@pytest.mark.parametrize(
    "good", ["https://a.example", "http://127.0.0.1:8080/at/x", "https://[::1]:8443/uss"]
)
def test_good_base_urls(good: str) -> None:
    assert base_url(good, "url") == good


@pytest.mark.parametrize("url", ["https://a.example?x=1", "https://a.example/at/x?y=/&z=//"])
def test_a_base_url_has_a_query_only_where_that_is_allowed(url: str) -> None:
    assert base_url(url, "url", query=True) == url
    with pytest.raises(BadInput, match="no base URL"):
        base_url(url, "url")
    for bad in (url.replace("?", "/?"), url + "#end", url.replace("https", "file")):
        with pytest.raises(BadInput):
            base_url(bad, "url", query=True)


def test_limits_touch_and_miss() -> None:
    volumes = [to_wire(some_volume())] * 3
    assert len(volumes_to_domain(volumes, "volumes", volumes_max=3)) == 3
    with pytest.raises(TooLarge, match="at most 2"):
        volumes_to_domain(volumes, "volumes", volumes_max=2)
    body = b'{"message":"x"}'
    assert codec.decode(body, wire.ErrorResponse, bytes_max=len(body)).message == "x"
    with pytest.raises(TooLarge, match="body"):
        codec.decode(body, wire.ErrorResponse, bytes_max=len(body) - 1)
    nested = b'{"message":"[[[[{","x":[[[]]]}'
    assert codec.decode(nested, wire.ErrorResponse, bytes_max=99, depth_max=4).message
    with pytest.raises(TooLarge, match="nested deeper than the 3 levels"):
        codec.decode(nested, wire.ErrorResponse, bytes_max=99, depth_max=3)
