"""The agreement file: what it says is what the node holds; each mistake gets path and remedy."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tansiq.domain.agreement import Formation, IfUnreachable, Minima, Party, Register
from tansiq.domain.intent import PartyID
from tansiq.domain.volume import Circle, LatLng, Polygon
from tansiq.errors import BadInput, TansiqError, TooLarge
from tansiq.formats.agreement import agreement_toml, read_agreement, render_agreement

NORTH_KEY = "hexAMPLEhexAMPLEhexAMPLEhexAMPLEhexAMPLEhe4="
SOUTH_KEY = "11" * 31 + "22"
GOOD = f"""
name = "Valley 2026"

[[party]]
id = "north"
names = {{ en = "North Cell", ar = "خلية الشمال", fa = "می‌رود" }}
public_key = "{NORTH_KEY}"
url = "https://NORTH.example.org:8443/"
tls_sha256 = "{":".join(["Ab"] * 32)}"

[[party]]
id = "south"
names = {{ en = "South Cell" }}
public_key = "{SOUTH_KEY}"
url = "http://127.0.0.1:8444"

[area]
polygon = [[10, 20], [10.5, 20], [10.5, 21.25]]
area_km2_max = 20000

[minima]
horizontal_m = 1852
vertical_m = 150.5
time_s = 60

[priority]
equal_blocks = false

[levels]
step_m = 100
lowest_m = 0
highest_m = 6000

[delay]
longest = "90 min"

[unreachable]
then = "line"
hold = "45 s"

[[register]]
id = "gate"
party = "south"

[[register]]
id = "pool"
url = "https://dss.example.org"
foreign = true

[[formation]]
name = "LEAD-TANKER"
callsigns = ["TANKER-1", "LEAD-1"]
"""


def test_every_key_of_the_file_reaches_the_agreement() -> None:
    agreement = read_agreement(GOOD.encode())
    assert agreement.name == "Valley 2026"
    assert agreement.digest == hashlib.sha256(GOOD.encode()).hexdigest()
    north, south = agreement.parties
    assert (north.id, north.url) == ("north", "https://north.example.org:8443")
    assert north.names == {"en": "North Cell", "ar": "خلية الشمال", "fa": "می‌رود"}
    assert len(north.public_key) == 32
    assert north.tls_sha256 == b"\xab" * 32
    assert south.public_key == b"\x11" * 31 + b"\x22"
    assert (south.url, south.tls_sha256) == ("http://127.0.0.1:8444", b"")
    assert agreement.area == Polygon(
        vertices=(LatLng(10.0, 20.0), LatLng(10.5, 20.0), LatLng(10.5, 21.25))
    )
    assert agreement.area_km2_max == 20_000.0
    assert agreement.minima == Minima(
        horizontal_m=1852.0, vertical_m=150.5, time=timedelta(seconds=60)
    )
    assert not agreement.equal_priority_blocks
    assert (agreement.level_step_m, agreement.levels_m) == (100.0, (0.0, 6_000.0))
    assert agreement.delay_max == timedelta(minutes=90)
    assert agreement.if_unreachable is IfUnreachable.LINE
    assert agreement.hold_limit == timedelta(seconds=45)
    assert agreement.registers == (
        Register(id="gate", party=PartyID("south"), url="http://127.0.0.1:8444"),
        Register(id="pool", party=None, url="https://dss.example.org", foreign=True),
    )
    assert agreement.formations == (
        Formation(name="LEAD-TANKER", callsigns=frozenset({"TANKER-1", "LEAD-1"})),
    )


def test_one_changed_byte_makes_another_agreement() -> None:
    unix, windows = GOOD.encode(), GOOD.replace("\n", "\r\n").encode()
    a, b = read_agreement(unix), read_agreement(windows)
    assert a.digest != b.digest
    assert replace(a, digest="") == replace(b, digest="")


def test_a_written_agreement_reads_back_the_same() -> None:
    """100 seeded agreements, written and read: equal in every value."""
    for seed in range(100):
        random = Random(seed)
        agreement = replace(
            read_agreement(GOOD.encode()),
            name=random.choice(['a "quoted" name', "back\\slash", "تنسيق"]),
            area=Circle(
                center=LatLng(random.uniform(-90, 90), random.uniform(-180, 180)),
                radius_m=random.uniform(1, 1e6),
            ),
            area_km2_max=random.uniform(1, 1e8),
            delay_max=timedelta(seconds=random.randint(1, 600_000)),
            hold_limit=timedelta(milliseconds=random.randint(1, 3_600_000)),
        )
        content = render_agreement(agreement)
        digest = hashlib.sha256(content).hexdigest()
        assert read_agreement(content) == replace(agreement, digest=digest), f"seed {seed}"


def test_an_agreement_made_for_two_parties_has_both_registers_in_their_order() -> None:
    parties = [
        Party(
            id=PartyID(name),
            names={"en": name.title()},
            public_key=bytes([n]) * 32,
            url=f"https://127.0.0.1:{8443 + n}",
            tls_sha256=bytes([n]) * 32,
        )
        for n, name in enumerate(["north", "south"], start=2)
    ]
    area = Polygon(vertices=(LatLng(0, 0), LatLng(0, 1), LatLng(1, 1)))
    minima = Minima(horizontal_m=1852, vertical_m=150, time=timedelta(seconds=60))
    agreement = read_agreement(
        agreement_toml(name="Demo", parties=parties, area=area, minima=minima)
    )
    assert agreement.parties == tuple(parties)
    assert [(r.id, r.party, r.url) for r in agreement.registers] == [
        (p.id, p.id, p.url) for p in parties
    ]
    assert (agreement.area, agreement.minima) == (area, minima)


def test_the_documented_example_is_an_agreement() -> None:
    text = (Path(__file__).parents[1] / "docs" / "agreement.md").read_text()
    example = text.split("```toml\n")[1].split("```")[0]
    agreement = read_agreement(example.encode())
    assert [register.party for register in agreement.registers] == ["north", "south"]
    read_agreement(example.replace("polygon =", "# ").replace("# circle", "circle").encode())
    read_agreement(re.sub(r"^# (\[\[register|id|url|foreign)", r"\1", example, flags=re.M).encode())


def swap(old: str, new: str, count: int = 1) -> Callable[[], bytes]:
    """Return a maker of the good file with one thing wrong."""
    assert old in GOOD, old
    return lambda: GOOD.replace(old, new, count).encode()


MISTAKES = [
    (swap('id = "north"', 'idd = "north"'), "party[0].idd", "did you mean id"),
    (swap("name = ", "purpose = "), "purpose", "known are"),
    (swap('name = "Valley 2026"', "name = 7"), "name", "is not text"),
    (swap('name = "Valley 2026"', ""), "name", "missing"),
    (swap('name = "Valley 2026"', 'name = "a\\u202Eb"'), "name", "printable"),
    (swap('"north"', '"North"'), "party[0].id", "a-z"),
    (swap('"south"', '"north"'), "party[1].id", "taken"),
    (swap('en = "South Cell"', 'fr = "Sud"'), "party[1].names.en", "English"),
    (swap('ar = "', 'arabic = "'), "party[0].names.arabic", "language code"),
    (swap('names = { en = "South Cell" }', 'names = "S"'), "party[1].names", "is not a table"),
    (swap(SOUTH_KEY, SOUTH_KEY[:-2]), "party[1].public_key", "32 bytes"),
    (swap(SOUTH_KEY, NORTH_KEY), "party[1].public_key", "party north has the same"),
    (swap(SOUTH_KEY, "00" * 32), "party[1].public_key", "weak"),
    (swap("http://127.0.0.1:8444", "http://10.0.0.1"), "party[1].url", "use https"),
    (swap("http://127.0.0.1:8444", "ftp://127.0.0.1"), "party[1].url", "such as https"),
    (swap("http://127.0.0.1:8444", "http://127.0.0.1:99999"), "party[1].url", "not a URL"),
    (swap("http://127.0.0.1:8444", "http://u:p@127.0.0.1"), "party[1].url", "host, port and path"),
    (swap("http://127.0.0.1:8444", "http://127.0.0.1/?a"), "party[1].url", "host, port and path"),
    (swap("http:", "https:"), "party[1].tls_sha256", "missing"),
    (swap(":Ab", ""), "party[0].tls_sha256", "64 hexadecimal digits"),
    (
        swap('4"\n\n[area]', f'4"\ntls_sha256 = "{"ab" * 32}"\n[area]'),
        "party[1].tls_sha256",
        "plain http",
    ),
    (swap("[10, 20]", "[20, 120, 1]"), "area.polygon[0]", "[latitude, longitude]"),
    (swap("[10, 20]", "[120, 20]"), "area.polygon[0].lat", "swapped"),
    (swap("[10, 20]", "[nan, 20]"), "area.polygon[0].lat", "nan"),
    (swap("[10, 20], [10.5, 20],", "[10, 20],"), "area.polygon.vertices", "3 to"),
    (
        swap("[10, 20], [10.5, 20], [10.5, 21.25]", "[10, 20], [11, 21], [11, 20], [10, 21]"),
        "area.polygon.vertices",
        "cross",
    ),
    (swap("polygon =", "polygons ="), "area.polygons", "did you mean polygon"),
    (
        swap("area_km2_max", "circle = { center = [1, 2], radius_m = 5 }\narea_km2_max"),
        "area.polygon",
        "either",
    ),
    (swap("area_km2_max = 20000", "area_km2_max = inf"), "area.area_km2_max", "inf"),
    (swap("time_s = 60", ""), "minima.time_s", "missing"),
    (swap("time_s = 60", "time_s = 86400.001"), "minima.time_s", "86400"),
    (swap("time_s = 60", "time_s = true"), "minima.time_s", "True is not a number"),
    (swap("vertical_m = 150.5", "vertical_m = -0.001"), "minima.vertical_m", "-0.001"),
    (swap("equal_blocks = false", "equal_blocks = 0"), "priority.equal_blocks", "true or false"),
    (swap("lowest_m = 0", "lowest_m = 6000.001"), "levels.lowest_m", "swap them"),
    (swap("step_m = 100", "step_m = 0.99"), "levels.step_m", "0.99"),
    (swap('"90 min"', '"90"'), "delay.longest", "30 min"),
    (swap('"90 min"', '"7.001 d"'), "delay.longest", "at most 7 d"),
    (swap('"45 s"', '"0 s"'), "unreachable.hold", "above 0"),
    (swap('"line"', '"go"'), "unreachable.then", "wait, line"),
    (swap('party = "south"', 'party = "west"'), "register[0].party", "north, south"),
    (swap('party = "south"', ""), "register[0].url", "missing"),
    (swap('id = "pool"', 'id = "gate"'), "register[1].id", "taken"),
    (swap('url = "https://dss.example.org"', 'party = "south"'), "register[1].url", "once"),
    (swap("foreign = true", 'foreign = "yes"'), "register[1].foreign", "true or false"),
    (swap('["TANKER-1", "LEAD-1"]', '["LEAD-1", "LEAD-1"]'), "formation[0].callsigns", "two"),
    (swap('["TANKER-1", "LEAD-1"]', '["LEAD-1", 7]'), "formation[0].callsigns[1]", "text"),
    (swap("[[formation]]", "[formation]"), "formation", "is not a list"),
    (lambda: GOOD.encode("utf-16"), "agreement", "UTF-8"),
    (lambda: b"\xef\xbb\xbf" + GOOD.encode(), "agreement", "byte order mark"),
    (lambda: GOOD.encode()[:-3], "agreement", "not TOML"),
    (lambda: b"name = " + b"[" * 20_000, "agreement", "deep"),
    (lambda: b"name = " + b"9" * 6_000, "agreement", "not TOML"),
    (lambda: b"party = []\nname = 0x" + b"f" * 6_000, "name", "not text"),
    (lambda: b"#" * 1_000_001, "agreement", "at most 1000000"),
    (lambda: b"", "name", "missing"),
    (lambda: b"name = 'x'", "party", "name at least one"),
]


@pytest.mark.parametrize(("make", "field", "remedy"), MISTAKES)
def test_each_mistake_is_named_with_its_path_and_remedy(
    make: Callable[[], bytes], field: str, remedy: str
) -> None:
    with pytest.raises(BadInput) as caught:
        read_agreement(make())
    assert caught.value.field == field, caught.value
    assert remedy in caught.value.message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("time_s = 60", "time_s = 86400"),
        ("vertical_m = 150.5", "vertical_m = 0"),
        ("lowest_m = 0", "lowest_m = 6000"),
        ("step_m = 100", "step_m = 1"),
        ('"90 min"', '"7 d"'),
        ('"45 s"', '"0.001 s"'),
        ('"45 s"', '"1h"'),
        (
            "polygon = [[10, 20], [10.5, 20], [10.5, 21.25]]",
            "circle = { center = [90, -180], radius_m = 1 }",
        ),
    ],
)
def test_bounds_themselves_are_accepted(old: str, new: str) -> None:
    read_agreement(swap(old, new)())


def test_a_file_of_exactly_the_limit_is_read() -> None:
    content = GOOD.encode()
    read_agreement(content + b"#" * (1_000_000 - len(content)))
    with pytest.raises(TooLarge):
        read_agreement(content + b"#" * (1_000_001 - len(content)))


def test_the_weak_points_are_exactly_those_of_order_dividing_eight() -> None:
    """The table of weak keys against the curve's own arithmetic."""
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p

    def times_eight_is_neutral(y: int) -> bool:
        x2 = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
        x = pow(x2, (p + 3) // 8, p)
        if x * x % p != x2:
            x = x * pow(2, (p - 1) // 4, p) % p
        if x * x % p != x2:
            return False  # Not on the curve: no key at all.
        for _ in range(3):
            t = d * x * x * y * y % p
            x, y = 2 * x * y * pow(1 + t, -1, p) % p, (y * y + x * x) * pow(1 - t, -1, p) % p
        return (x, y) == (0, 1)

    from tansiq.formats.agreement import _WEAK_Y, _is_weak

    assert all(times_eight_is_neutral(y) for y in _WEAK_Y)
    # Orders 1, 2, 4, 8 have 1, 1, 2 and 4 points: y = 1, y = -1, y = 0 twice, two y twice each.
    assert len(_WEAK_Y) == 5
    for y in _WEAK_Y:
        for sign in (0, 1 << 255):
            assert _is_weak((y | sign).to_bytes(32, "little"))
    assert _is_weak(p.to_bytes(32, "little"))  # 0, written otherwise.
    assert not _is_weak((2).to_bytes(32, "little"))
    Ed25519PublicKey.from_public_bytes(bytes(32))  # The library itself lets a weak one pass.


def test_no_mangled_file_gets_past_the_readers_own_errors() -> None:
    """2,000 seeded mutations: each is read, or refused with a field; nothing else is raised."""
    refused = accepted = 0
    for seed in range(2_000):
        random = Random(seed)
        content = bytearray(GOOD.encode())
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(content))
            content[at : at + random.randint(0, 3)] = random.randbytes(random.randint(0, 2))
        try:
            read_agreement(bytes(content))
        except TansiqError as error:
            refused += bool(error.field)
            continue
        accepted += 1
    print(f"{refused} refused, {accepted} read of 2000")
    assert refused + accepted == 2_000
    assert refused > 1_000
