"""Desks, leads, timers, escalation, silence, versions: read, written, refused; old files stay."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.domain.agreement import Agreement, Register
from tansiq.domain.desk import ALWAYS, Desk, Hours
from tansiq.domain.intent import PartyID
from tansiq.domain.pact import (
    AgreedTimers,
    Escalation,
    Lead,
    OnSilence,
    Role,
    Rung,
    Silence,
    Standing,
    Way,
)
from tansiq.errors import BadInput, TansiqError
from tansiq.formats.agreement import (
    party_block,
    read_agreement,
    read_party_block,
    render_agreement,
)

OLD = """
name = "Valley"
[[party]]
id = "north"
names = { en = "North Cell", ar = "خلية الشمال" }
public_key = "hexAMPLEhexAMPLEhexAMPLEhexAMPLEhexAMPLEhe4="
url = "http://127.0.0.1:8443"
[[party]]
id = "south"
names = { en = "South Cell" }
public_key = "1111111111111111111111111111111111111111111111111111111111111122"
url = "http://127.0.0.1:8444"
[[party]]
id = "west"
names = { en = "West Cell" }
public_key = "1111111111111111111111111111111111111111111111111111111111111133"
url = "http://127.0.0.1:8445"
[area]
circle = { center = [38.6, -120.3], radius_m = 60000 }
[minima]
horizontal_m = 1000
vertical_m = 150
time_s = 60
[[register]]
id = "north"
party = "north"
[[register]]
id = "south"
party = "south"
[[register]]
id = "pool"
url = "https://dss.example.org"
"""

TOP = """
version = 3
previous = "{previous}"
valid_until = 2026-12-31T23:59:59Z
struck = ["south"]
""".format(previous="ab" * 32)

DESKS = """
[[party.desk]]
id = "ops"
names = { en = "Operations", ar = "العمليات" }
languages = ["ar", "en"]
hours = "0600-1800"
days = ["mon", "tue", "fri"]
deputy = "night"
voice = "+1 555 0100; 123.450 MHz NORTH OPS"
[[party.desk]]
id = "night"
names = { en = "Night watch" }
hours = "1800-0600"
"""

RULES = """
[lead]
general = "30 min"
no_go = "2 h"
plan = "none"
[timers]
arrived = "30 s"
seen = "4 min"
read_back = "8 min"
answered = "20 min"
check_every = "4 h"
check_caution = "3 min"
check_warning = "9 min"
clocks_differ = "0.5 s"
[silence]
plan = "hold"
no_go = "unanswered"
[standing]
confirm_every = "12 h"
expire_after = "1 d"
[[escalation]]
rung = "seen"
after = "4 min"
role = "deputy"
[[escalation]]
rung = "answered"
after = "20 min"
desk = "north/night"
by = "voice"
"""

FULL = TOP + OLD.replace('[[party]]\nid = "south"', DESKS + '[[party]]\nid = "south"') + RULES


def test_an_old_file_keeps_its_meaning() -> None:
    agreement = read_agreement(OLD.encode())
    assert (agreement.version, agreement.previous, agreement.valid_until) == (1, "", None)
    assert agreement.lead == Lead()
    assert agreement.lead.required() == timedelta(0)
    assert agreement.timers == AgreedTimers()
    assert agreement.escalation == ()
    assert agreement.silence.plan is OnSilence.UNANSWERED
    assert agreement.standing == Standing()
    assert agreement.struck == frozenset()
    assert agreement.counting == agreement.parties
    assert agreement.registers == agreement.listed
    assert agreement.valid_at(datetime(2199, 1, 1, tzinfo=UTC))
    north = agreement.parties[0]
    assert north.desks == ()
    assert north.posts == (
        Desk(id="watch", names=north.names, languages=("en", "ar"), hours=ALWAYS),
    )


def test_every_new_key_reaches_the_agreement() -> None:
    agreement = read_agreement(FULL.encode())
    assert (agreement.version, agreement.previous) == (3, "ab" * 32)
    until = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert agreement.valid_until == until
    assert agreement.valid_at(until)
    assert not agreement.valid_at(until + timedelta(microseconds=1))
    assert agreement.struck == {"south"}
    assert [party.id for party in agreement.counting] == ["north", "west"]
    assert [register.id for register in agreement.registers] == ["north", "pool"]
    assert [register.id for register in agreement.listed] == ["north", "south", "pool"]
    assert agreement.parties[0].desks == (
        Desk(
            id="ops",
            names={"en": "Operations", "ar": "العمليات"},
            languages=("ar", "en"),
            hours=Hours(start_min=360, end_min=1080, days=frozenset({0, 1, 4})),
            deputy="night",
            voice="+1 555 0100; 123.450 MHz NORTH OPS",
        ),
        Desk(
            id="night",
            names={"en": "Night watch"},
            languages=("en", "ar"),
            hours=Hours(start_min=1080, end_min=360),
        ),
    )
    minutes = timedelta(minutes=1)
    assert agreement.lead == Lead(general=30 * minutes, plan=0 * minutes, no_go=120 * minutes)
    assert agreement.timers == AgreedTimers(
        arrived=minutes / 2,
        seen=4 * minutes,
        read_back=8 * minutes,
        answered=20 * minutes,
        check_every=240 * minutes,
        check_caution=3 * minutes,
        check_warning=9 * minutes,
        clocks_differ=timedelta(seconds=0.5),
    )
    assert agreement.silence == Silence(plan=OnSilence.HOLD)
    assert agreement.standing == Standing(
        confirm_every=timedelta(hours=12), expire_after=timedelta(days=1)
    )
    assert agreement.escalation == (
        Escalation(rung=Rung.SEEN, after=4 * minutes, role=Role.DEPUTY),
        Escalation(rung=Rung.ANSWERED, after=20 * minutes, desk="north/night", by=Way.VOICE),
    )


@pytest.mark.parametrize("text", [OLD, FULL])
def test_a_written_agreement_reads_back_the_same(text: str) -> None:
    agreement = read_agreement(text.encode())
    content = render_agreement(agreement)
    digest = hashlib.sha256(content).hexdigest()
    assert read_agreement(content) == replace(agreement, digest=digest)


def test_an_entry_travels_with_its_desks() -> None:
    north = read_agreement(FULL.encode()).parties[0]
    assert read_party_block(party_block(north)) == north


def swap(old: str, new: str) -> bytes:
    assert old in FULL, old
    return FULL.replace(old, new, 1).encode()


ESCALATION_2 = 'rung = "answered"\nafter = "20 min"\ndesk = "north/night"'
MISTAKES = [
    ("version = 3", "version = 0", "version", "within 1 to"),
    ("version = 3", "version = 1", "previous", "none before it"),
    ("version = 3", "version = 1000001", "version", "within 1 to"),
    ("version = 3", "version = 1.5", "version", "whole number"),
    ("version = 3", 'version = "3"', "version", "whole number"),
    ('previous = "abab', 'previous = "xbab', "previous", "SHA-256 of version 2"),
    ('previous = "abab', 'previous = "ab', "previous", "64 digits"),
    ("previous =", "#", "previous", "missing"),
    ("2026-12-31T23:59:59Z", "2026-12-31T23:59:59", "valid_until", "14:05:00Z"),
    ("2026-12-31T23:59:59Z", "2026-12-31", "valid_until", "is not a time"),
    ("2026-12-31T23:59:59Z", '"2026-12-31T23:59:59Z"', "valid_until", "without quotes"),
    ("2026-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "valid_until", "1900 to 2200"),
    ('struck = ["south"]', 'struck = ["east"]', "struck[0]", "north, south, west"),
    ('struck = ["south"]', 'struck = ["south", "south"]', "struck[1]", "already"),
    ('struck = ["south"]', 'struck = ["south", "west", "north"]', "struck", "no party"),
    ('struck = ["south"]', 'struck = "south"', "struck", "is not a list"),
    ('id = "ops"', 'id = "Ops"', "party[0].desk[0].id", "a-z"),
    ('id = "night"', 'id = "ops"', "party[0].desk[1].id", "taken"),
    ('en = "Operations"', 'de = "Betrieb"', "party[0].desk[0].names.en", "English"),
    ('["ar", "en"]', '["ar", "arabic"]', "party[0].desk[0].languages[1]", "language code"),
    ('["ar", "en"]', '["ar", "ar"]', "party[0].desk[0].languages[1]", "already"),
    ('"0600-1800"', '"0600-0600"', "party[0].desk[0].hours", "24h"),
    ('"0600-1800"', '"6-18"', "party[0].desk[0].hours", "0600-1800"),
    ('"0600-1800"', '"0600-2401"', "party[0].desk[0].hours", "0600-1800"),
    ('"0600-1800"', '"2400-0600"', "party[0].desk[0].hours", "0600-1800"),
    ('"0600-1800"', '"0660-1800"', "party[0].desk[0].hours", "0600-1800"),
    ('"mon"', '"monday"', "party[0].desk[0].days[0]", "1 to 3"),
    ('"mon"', '"Mon"', "party[0].desk[0].days[0]", "mon, tue"),
    ('deputy = "night"', 'deputy = "day"', "party[0].desk[0].deputy", "ops, night"),
    ('deputy = "night"', 'deputy = "ops"', "party[0].desk[0].deputy", "own deputy"),
    ('voice = "+1', f'voice = "{"1" * 120}', "party[0].desk[0].voice", "1 to 120"),
    ('voice = "', 'phone = "', "party[0].desk[0].phone", "known are"),
    ('general = "30 min"', 'general = "7.001 d"', "lead.general", "at most 7 d"),
    ('general = "30 min"', 'general = "0 s"', "lead.general", "above 0"),
    ('general = "30 min"', "general = 30", "lead.general", "not text"),
    ("no_go = \"2 h\"", 'no-go = "2 h"', "lead.no-go", "no_go"),
    ('seen = "4 min"', 'seen = "29 s"', "timers.seen", "shorter than arrived"),
    ('answered = "20 min"', 'answered = "479 s"', "timers.answered", "shorter than read_back"),
    ('check_warning = "9 min"', 'check_warning = "3 min"', "timers.check_warning", "check_caution"),
    ('clocks_differ = "0.5 s"', 'clocks_differ = "61 min"', "timers.clocks_differ", "1 h"),
    ('plan = "hold"', 'plan = "yes"', "silence.plan", "never a yes"),
    ('plan = "hold"', 'plan = " Consent "', "silence.plan", "never a yes"),
    ('plan = "hold"', 'plan = "approved"', "silence.plan", "never a yes"),
    ('plan = "hold"', "plan = true", "silence.plan", "not text"),
    ('plan = "hold"', 'plan = "wait"', "silence.plan", "unanswered, hold"),
    ('no_go = "unanswered"', 'no_go = "hold"', "silence.no_go", "does not wait"),
    ('no_go = "unanswered"', 'emergency = "accept"', "silence.emergency", "never a yes"),
    ('no_go = "unanswered"', 'emergency = "alarm"', "silence.emergency", "unanswered, hold"),
    ('expire_after = "1 d"', 'expire_after = "11 h"', "standing.expire_after", "confirm_every"),
    ('expire_after = "1 d"', "", "standing.expire_after", "both"),
    ('rung = "seen"', 'rung = "sent"', "escalation[0].rung", "later rung"),
    ('rung = "seen"', 'rung = "heard"', "escalation[0].rung", "read-back"),
    ('after = "4 min"', 'after = "239 s"', "escalation[0].after", "due 4 min"),
    ('after = "4 min"', 'after = "21 min"', "escalation[1].after", "in their order"),
    ('role = "deputy"', 'role = "boss"', "escalation[0].role", "watch, deputy, sender"),
    ('role = "deputy"', "", "escalation[0].role", "either"),
    ("north/night", "south/night", "escalation[1].desk", "north/ops, north/night, south/watch"),
    (ESCALATION_2, ESCALATION_2 + '\nrole = "watch"', "escalation[1].role", "either"),
    ('by = "voice"', 'by = "pigeon"', "escalation[1].by", "node, voice"),
    ("[lead]", "[leads]", "leads", "did you mean lead"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "field", "remedy"), MISTAKES)
def test_each_mistake_is_named_with_its_path_and_remedy(
    old: str, new: str, field: str, remedy: str
) -> None:
    with pytest.raises(BadInput) as caught:
        read_agreement(swap(old, new))
    assert caught.value.field == field, caught.value
    assert remedy in caught.value.message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version = 3", "version = 1000000"),
        ("2026-12-31T23:59:59Z", "2026-12-31T23:59:59+05:30"),
        ('"0600-1800"', '"0600-2400"'),
        ('"0600-1800"', '"1800-0000"'),
        ('"0600-1800"', '"24h"'),
        ('general = "30 min"', 'general = "7 d"'),
        ('seen = "4 min"', 'seen = "30 s"'),
        ('clocks_differ = "0.5 s"', 'clocks_differ = "60 min"'),
        ('expire_after = "1 d"', 'expire_after = "12 h"'),
        ('struck = ["south"]', 'struck = ["south", "west"]'),
    ],
)
def test_bounds_themselves_are_accepted(old: str, new: str) -> None:
    agreement = read_agreement(swap(old, new))
    assert read_agreement(render_agreement(agreement)) == replace(
        agreement, digest=hashlib.sha256(render_agreement(agreement)).hexdigest()
    )


def test_somebody_must_be_left_to_ask() -> None:
    """Every register of a party struck off: refused, though a party would be left."""
    text = OLD.replace('[[register]]\nid = "pool"\nurl = "https://dss.example.org"\n', "")
    with pytest.raises(BadInput, match="no register would be left"):
        read_agreement(('struck = ["north", "south"]\n' + text).encode())


def test_more_than_the_limit_of_desks_and_steps_is_refused() -> None:
    desk = '[[party.desk]]\nid = "d{}"\nnames = {{ en = "D" }}\n'
    step = '[[escalation]]\nrung = "seen"\nafter = "1 h"\nrole = "watch"\n'
    for count, refused in ((16, False), (17, True)):
        text = OLD.replace("[area]", "".join(map(desk.format, range(count))) + "[area]")
        if refused:
            with pytest.raises(BadInput, match="at most 16"):
                read_agreement(text.encode())
        else:
            assert len(read_agreement(text.encode()).parties[2].desks) == 16
    assert len(read_agreement((OLD + step * 32).encode()).escalation) == 32
    with pytest.raises(BadInput, match="at most 32"):
        read_agreement((OLD + step * 33).encode())


@pytest.fixture
def agreement() -> Agreement:
    return read_agreement(FULL.encode())


def test_a_value_that_contradicts_itself_cannot_be_made(agreement: Agreement) -> None:
    north = Register(id="north", party=PartyID("north"), url="http://127.0.0.1:8443")
    for wrong in (
        {"version": 0},
        {"version": 1},
        {"previous": ""},
        {"struck": frozenset({PartyID("east")})},
        {"struck": frozenset({PartyID("north"), PartyID("south"), PartyID("west")})},
        {"struck": frozenset({PartyID("north")})},
        {"struck": frozenset()},
        {"registers": (north,)},
    ):
        with pytest.raises(BadInput):
            replace(agreement, **wrong)


def test_no_mangled_file_gets_past_the_readers_own_errors() -> None:
    """2,000 seeded mutations: each is read, or refused with a field; nothing else is raised."""
    refused = accepted = 0
    for seed in range(2_000):
        random = Random(seed)
        content = bytearray(FULL.encode())
        for _ in range(random.randint(1, 3)):
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


seconds = st.integers(1, 3_600).map(lambda s: timedelta(seconds=s))
leads = st.one_of(st.just(timedelta(0)), seconds)
names = st.fixed_dictionaries(
    {"en": st.sampled_from(["Operations", 'a "b" \\c', "می‌رود"])},
    optional={"ar": st.just("العمليات")},
)
hours = st.builds(
    lambda ends, days: Hours(start_min=ends[0], end_min=ends[1], days=days),
    st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda e: e[0] != e[1]),
    st.frozensets(st.integers(0, 6), min_size=1),
)
desks = st.lists(
    st.builds(
        Desk,
        id=st.sampled_from(["ops", "night", "a.b", "x-1"]),
        names=names,
        languages=st.sampled_from([("en",), ("ar", "en"), ("pt-BR",)]),
        hours=hours,
        voice=st.sampled_from(["", "+1 555 0100", "123.450 MHz"]),
    ),
    unique_by=lambda desk: desk.id,
    max_size=3,
).map(lambda found: tuple(replace(d, deputy=found[i - 1].id) for i, d in enumerate(found) if found))


@given(st.data())
def test_any_rules_that_are_written_read_back_the_same(data: st.DataObject) -> None:
    rising = sorted(data.draw(st.lists(seconds, min_size=4, max_size=4)))
    caution = data.draw(seconds)
    every = data.draw(st.one_of(st.none(), seconds))
    timers = AgreedTimers(
        arrived=rising[0],
        seen=rising[1],
        read_back=rising[2],
        answered=rising[3],
        check_every=data.draw(seconds),
        check_caution=caution,
        check_warning=caution + data.draw(seconds),
        clocks_differ=data.draw(seconds),
    )
    steps = st.builds(
        lambda rung, late, role, by: Escalation(
            rung=rung, after=timers.due(rung) + late, role=role, by=by
        ),
        st.sampled_from([Rung.ARRIVED, Rung.SEEN, Rung.READ_BACK, Rung.ANSWERED]),
        seconds,
        st.sampled_from(Role),
        st.sampled_from(Way),
    )
    old = read_agreement(FULL.encode())
    party = data.draw(desks)
    party = () if len(party) == 1 else party  # Nobody is their own deputy.
    agreement = replace(
        old,
        parties=(replace(old.parties[0], desks=party), *old.parties[1:]),
        valid_until=data.draw(
            st.one_of(st.none(), st.datetimes(datetime(1970, 1, 1), datetime(2199, 1, 1)))  # noqa: DTZ001
        ),
        lead=Lead(
            general=data.draw(leads),
            plan=data.draw(st.one_of(st.none(), leads)),
            no_go=data.draw(st.one_of(st.none(), leads)),
            emergency=data.draw(leads),
        ),
        timers=timers,
        escalation=tuple(sorted(data.draw(st.lists(steps, max_size=4)), key=lambda s: s.after)),
        silence=Silence(plan=data.draw(st.sampled_from(OnSilence))),
        standing=Standing(confirm_every=every, expire_after=every and every + data.draw(seconds)),
    )
    if agreement.valid_until is not None:
        agreement = replace(agreement, valid_until=agreement.valid_until.replace(tzinfo=UTC))
    content = render_agreement(agreement)
    digest = hashlib.sha256(content).hexdigest()
    assert read_agreement(content) == replace(agreement, digest=digest)
