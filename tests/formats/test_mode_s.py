"""Raw Mode S: framing, pairs, and positions against the formula written out once more."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import acos, cos, floor, pi

import pytest
import rs1090

from tansiq.formats.beast import AvrFrames, BeastFrames, RawMessage, TickDating
from tansiq.formats.mode_s import GROUND_S, KEPT_S, NEAR_S, PAIR_S, ModeSDecoder, RawParser
from tansiq.formats.position_reports import Parsed, Refusal

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
ODD = "8d393322585797d74473f18b349f"
EVEN = "8d3933225857a0614676fec7e366"
VELOCITY = "8d3933229914a182408c8a8bf9bb"
CALLSIGN = "8f393322200464b3d1a1e03df1bf"
SURFACE = "8f393322384a02aea63afc43dcba"
STEP = timedelta(microseconds=1)


def beast(frame: str, counter: bytes = b"\x00\x1a\x00\x00\x1a\x1a", signal: int = 0x1A) -> bytes:
    message = bytes.fromhex(frame)
    kind = b"3" if len(message) == 14 else b"2"
    body = counter + bytes([signal]) + message
    return b"\x1a" + kind + body.replace(b"\x1a", b"\x1a\x1a")


def avr(frame: str) -> bytes:
    return f"*{frame};\r\n".encode()


def read(decoder: ModeSDecoder, now: datetime, *frames: str) -> Parsed:
    return decoder.read([(bytes.fromhex(frame), now) for frame in frames])


def decoder(addresses_max: int = 10) -> ModeSDecoder:
    return ModeSDecoder(addresses_max=addresses_max)


def raw(frames: BeastFrames | AvrFrames) -> RawParser:
    return RawParser(frames, addresses_max=10, monotonic_s=lambda: 0.0)


def test_two_halves_are_a_position_with_what_else_was_said() -> None:
    parsed = read(decoder(), NOON, CALLSIGN, VELOCITY, ODD, EVEN)
    (report,) = parsed.reports
    assert report.address == "icao:393322"
    assert report.position.lat_deg == pytest.approx(48.5699615, abs=1e-6)
    assert report.position.lng_deg == pytest.approx(2.1452919, abs=1e-6)
    assert report.callsign == "AFR34ZG"
    assert report.pressure_m == pytest.approx(16_450 * 0.3048)
    assert report.geometric_m == pytest.approx((16_450 - 225) * 0.3048)
    assert report.speed_mps == pytest.approx(160.9006 * 1_852 / 3_600, abs=1e-3)
    assert report.track_deg == pytest.approx(263.935, abs=1e-3)
    assert report.climb_mps == pytest.approx(2_176 * 0.3048 / 60)
    assert report.horizontal_error_m == pytest.approx(185.2)
    assert parsed.messages == 4
    assert parsed.refused == {Refusal.NO_POSITION: 1}


def test_a_pair_at_its_bound_and_what_is_kept_beside_it() -> None:
    pair, kept = timedelta(seconds=PAIR_S), timedelta(seconds=KEPT_S)
    late = decoder()
    read(late, NOON, VELOCITY, ODD)
    (report,) = read(late, NOON + pair, EVEN).reports
    assert report.speed_mps is not None
    (report,) = read(late, NOON + kept + STEP, ODD).reports
    assert (report.speed_mps, report.geometric_m) == (None, None)
    too_late = decoder()
    read(too_late, NOON, ODD)
    assert read(too_late, NOON + pair + STEP, EVEN).reports == []


def test_one_half_does_near_a_position_that_is_known() -> None:
    near = timedelta(seconds=NEAR_S)
    for later, counts in ((near, True), (near + STEP, False)):
        one = decoder()
        (known,) = read(one, NOON, ODD, EVEN).reports
        again = read(one, NOON + later, EVEN).reports
        assert len(again) == counts
        if counts:
            assert again[0].position == known.position


def test_halves_on_two_sides_of_a_border_between_zones_make_no_position() -> None:
    """Recorded near 48.16 N, where the number of zones changes from 39 to 40."""
    before, even, odd = (
        "8d3933226071001bc275a7e986f1",
        "8d3933226071101b6e75a4d0498b",
        "8d393322607117924a75a3dee64d",
    )
    assert read(decoder(), NOON, before, even, odd).reports == []
    one = decoder()
    read(one, NOON, "8d393322606ff792ec72a4940709", before)
    (report,) = read(one, NOON, odd).reports
    assert report.position.lat_deg == pytest.approx(48.159826, abs=1e-5)


def test_a_position_on_the_ground_needs_one_in_the_air() -> None:
    ground = timedelta(seconds=GROUND_S)
    for later, counts in ((ground, True), (ground + STEP, False)):
        one = decoder()
        assert read(one, NOON, SURFACE).reports == []
        read(one, NOON, ODD, EVEN)
        parsed = read(one, NOON + later, SURFACE)
        assert len(parsed.reports) == counts
        if counts:
            (report,) = parsed.reports
            assert report.on_ground
            assert report.position.lat_deg == pytest.approx(49.005833, abs=1e-5)
            assert report.position.lng_deg == pytest.approx(2.573547, abs=1e-5)


def crc(message: bytes) -> bytes:
    """Return the parity of Mode S, bit by bit (generator 0xFFF409)."""
    register = 0
    for byte in message:
        register ^= byte << 16
        for _ in range(8):
            register = (register << 1) ^ (0x1FFF409 if register & 0x800000 else 0)
    return (register & 0xFFFFFF).to_bytes(3, "big")


def relayed(frame: str, control: int, imf: int | None = None) -> str:
    """Return a frame as format 18, by its control field and the bit that says whose address."""
    message = bytearray(bytes.fromhex(frame)[:11])
    message[0] = 18 << 3 | control
    if imf is not None:
        message[4] = message[4] & 0xFE | imf
    return (bytes(message) + crc(bytes(message))).hex()


def test_the_parity_is_what_the_standard_says() -> None:
    assert crc(bytes.fromhex(EVEN)[:11]).hex() == EVEN[-6:]


@pytest.mark.parametrize(
    ("control", "imf", "address"),
    [
        (0, 0, "icao:393322"),
        (1, 0, "other:393322"),
        (2, 0, "icao:393322"),
        (2, 1, "other:393322"),
        (3, 0, None),
        (4, 0, None),
        (5, 0, "other:393322"),
        (6, 0, "icao:393322"),
        (6, 1, "other:393322"),
        (7, 0, None),
    ],
)
def test_whose_a_relayed_position_is(control: int, imf: int, address: str | None) -> None:
    frames = [relayed(frame, control, imf) for frame in (ODD, EVEN)]
    parsed = read(decoder(), NOON, *frames)
    assert [report.address for report in parsed.reports] == ([address] if address else [])


def test_a_bit_that_flipped_is_noticed() -> None:
    for bit in range(112):
        flipped = (int(EVEN, 16) ^ 1 << bit).to_bytes(14, "big").hex()
        parsed = read(decoder(), NOON, ODD, flipped)
        assert parsed.reports == [], bit


@pytest.mark.parametrize("size", [1, 2, 5, 33, 10_000])
@pytest.mark.parametrize("form", ["beast", "avr"])
def test_the_pieces_in_which_it_arrives_do_not_matter(size: int, form: str) -> None:
    write, frames = (beast, BeastFrames()) if form == "beast" else (avr, AvrFrames())
    data = b"".join(write(f) for f in (CALLSIGN, "5d398" + "1e46dc8eb", ODD, EVEN) * 3)
    parser, parsed = raw(frames), Parsed()
    for start in range(0, len(data), size):
        parsed.take(parser.feed(data[start : start + size], NOON))
    assert len(parsed.reports) == 5
    assert parsed.messages == 12
    assert parsed.refused == {Refusal.NO_POSITION: 1}


@pytest.mark.parametrize(
    "junk",
    [b"\x00\x01", b"\x1a", b"\x1a\x1a", b"\x1a9", beast(EVEN)[:-1], beast(EVEN)[:9], b"GET /\r\n"],
)
def test_beast_finds_its_feet_again(junk: bytes) -> None:
    found, frames = [], BeastFrames()
    for byte in beast(ODD) + junk + beast(EVEN) + beast(ODD) + beast(EVEN):
        found += frames.feed(bytes([byte]))
    assert found[0].data.hex() == ODD
    assert [message.data.hex() for message in found[-2:]] == [ODD, EVEN]
    assert frames.refused.keys() == {Refusal.MALFORMED}


def test_other_frames_of_beast_are_passed_over() -> None:
    state = b"\x1a4" + bytes(21)
    mode_a = b"\x1a1" + bytes(9)
    frames = BeastFrames()
    (message,) = frames.feed(state + mode_a + beast(EVEN) + state)
    assert message == RawMessage(bytes.fromhex(EVEN), 0x001A00001A1A)
    assert not +frames.refused


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        (f"*{EVEN};", True),
        (f"@0000A1B2C3D4{EVEN.upper()};", True),
        (f"\r\n *{EVEN} ;", True),
        ("*5d3981e46dc8eb;", True),
        ("*0123;", None),
        (f"*{EVEN[:-1]};", False),
        (f"*{EVEN}0;", False),
        (f"*{EVEN[:-1]}x;", False),
        ("*" + "１" * 14 + ";", False),
        (";", False),
        ("*" + "0" * 200 + ";", False),
    ],
)
def test_avr_lines(line: str, *, counts: bool | None) -> None:
    frames = AvrFrames()
    assert len(frames.feed(line.encode())) == bool(counts)
    assert bool(+frames.refused) is (counts is False)


def test_what_is_kept_is_bounded() -> None:
    for frames, piece in ((AvrFrames(), b"*" * 77), (BeastFrames(), b"\x1a3\x1a\x1a")):
        for _ in range(2_000):
            frames.feed(piece)
            assert len(frames._rest) <= 200
    one = decoder(addresses_max=3)
    for number in range(100):
        message = bytes([0x8D]) + number.to_bytes(3, "big") + bytes.fromhex(EVEN)[4:11]
        read(one, NOON, (message + crc(message)).hex())
    assert len(one._heard) == 3


def heard(*seconds: float | None) -> list[RawMessage]:
    """Return messages by what the counter of their receiver showed, which began at an hour."""
    return [RawMessage(b"", None if s is None else int((3_600 + s) * 12e6)) for s in seconds]


def after(*seconds: float) -> list[datetime]:
    return [NOON + timedelta(seconds=s) for s in seconds]


def test_what_comes_in_one_piece_was_heard_one_after_the_other() -> None:
    assert TickDating().times(heard(0, 0.25, None, 0.5), NOON, 5.0) == after(-0.5, -0.25, 0, 0)


def test_what_was_held_up_is_old() -> None:
    """A minute without a byte, and then all of it."""
    dating = TickDating()
    for second in range(10):
        now = NOON + timedelta(seconds=second)
        assert dating.times(heard(second), now, second) == after(second)
    late = NOON + timedelta(seconds=70)
    for second in range(10, 70):
        (time,) = dating.times(heard(second), late, 70.0)
        # The least delay may have grown by a hundredth of the minute.
        assert timedelta(0) <= time - after(second)[0] <= timedelta(seconds=0.61)
    assert dating.times(heard(70), late, 70.0) == after(70)


def test_a_clock_of_ours_that_is_set_holds_nothing_up() -> None:
    dating, hour = TickDating(), timedelta(hours=1)
    dating.times(heard(0), NOON, 0.0)
    assert dating.times(heard(1), NOON + hour, 1.0) == [NOON + hour]
    assert dating.times(heard(2), NOON - hour, 2.0) == [NOON - hour]


def test_a_counter_that_loses_a_hundredth_is_still_followed() -> None:
    dating = TickDating()
    for second in range(0, 36_000, 60):
        now = NOON + timedelta(seconds=second)
        (time,) = dating.times(heard(second * 0.9901), now, second)
        assert now - time < timedelta(seconds=0.001)


def test_a_counter_that_goes_backwards_is_believed_no_more() -> None:
    for back, believed in ((1.0, True), (1.0 + 1 / 12e6, False)):
        dating = TickDating()
        dating.times(heard(10), NOON, 0.0)
        dating.times(heard(10 - back), NOON, 0.0)
        late = NOON + timedelta(seconds=30)
        (time,) = dating.times(heard(10 + back), late, 30.0)
        assert (time < late) is believed


def test_a_counter_that_runs_fast_tells_the_arrival() -> None:
    """Some receivers write seconds and nanoseconds of the day there."""
    dating = TickDating()
    for second in range(100):
        now = NOON + timedelta(seconds=second)
        message = RawMessage(b"", (40_000 + second) << 30)
        assert dating.times([message], now, second) == [now]


def test_positions_computed_from_several_receivers_have_no_counter() -> None:
    (message,) = BeastFrames().feed(beast(EVEN, b"\xff\x00MLAT"))
    assert message.ticks is None
    (message,) = AvrFrames().feed(f"@FF004D4C4154{EVEN};".encode())
    assert message.ticks is None


def test_positions_in_one_piece_are_apart_by_the_counter() -> None:
    data = b"".join(
        beast(frame, int((3_600 + n / 2) * 12e6).to_bytes(6, "big"))
        for n, frame in enumerate((ODD, EVEN, ODD, EVEN))
    )
    parsed = raw(BeastFrames()).feed(data, NOON)
    assert [report.time for report in parsed.reports] == after(-1, -0.5, 0)


def zones(lat_deg: float) -> int:
    """Return the number of longitude zones of a latitude (NL of the standard)."""
    if abs(lat_deg) >= 87:
        return 2 if abs(lat_deg) == 87 else 1
    a = 1 - cos(pi / 30)
    return floor(2 * pi / acos(1 - a / cos(pi / 180 * abs(lat_deg)) ** 2)) if lat_deg else 59


def formula(even: tuple[int, int], odd: tuple[int, int], *, last_even: bool) -> tuple[float, float]:
    """Return the position of a pair, by the formulas of DO-260B, appendix A."""
    y = [even[0] / 131_072, odd[0] / 131_072]
    x = [even[1] / 131_072, odd[1] / 131_072]
    j = floor(59 * y[0] - 60 * y[1] + 0.5)
    lats = [(360 / (60 - i)) * (j % (60 - i) + y[i]) for i in (0, 1)]
    lats = [lat - 360 if lat >= 270 else lat for lat in lats]
    assert zones(lats[0]) == zones(lats[1])
    i = 0 if last_even else 1
    nl = zones(lats[i])
    n = max(nl - i, 1)
    m = floor(x[0] * (nl - 1) - x[1] * nl + 0.5)
    lng = (360 / n) * (m % n + x[i])
    return lats[i], lng - 360 if lng >= 180 else lng


def halves(*frames: str) -> Iterator[tuple[int, int]]:
    for frame in frames:
        found = rs1090.decode(frame)
        yield found["lat_cpr"], found["lon_cpr"]


@pytest.mark.parametrize("last_even", [True, False])
def test_a_position_by_the_formula(last_even: bool) -> None:
    even, odd = halves(EVEN, ODD)
    frames = (ODD, EVEN) if last_even else (EVEN, ODD)
    (report,) = read(decoder(), NOON, *frames).reports
    wanted = formula(even, odd, last_even=last_even)
    assert (report.position.lat_deg, report.position.lng_deg) == pytest.approx(wanted, abs=1e-9)
