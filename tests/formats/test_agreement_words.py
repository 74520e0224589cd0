"""An agreement in words: nothing of the file is left out, and no difference goes unsaid."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.formats.test_agreement_rules import FULL

from tansiq.domain.agreement import Agreement, Between, Formation, IfUnreachable, Minima
from tansiq.domain.category import Category
from tansiq.domain.desk import Desk, Hours
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
from tansiq.domain.volume import Circle, LatLng, Polygon
from tansiq.formats.agreement import read_agreement
from tansiq.formats.agreement_words import (
    columns,
    differences,
    rules_in_words,
)

AGREEMENT = read_agreement(FULL.encode())
MIN = timedelta(minutes=1)
NORTH, SOUTH, WEST = AGREEMENT.parties
OPS, NIGHT = NORTH.desks
DRONES = Between(categories=frozenset({Category.DRONE}), minima=AGREEMENT.minima)


def party(**changes: object) -> Agreement:
    return replace(AGREEMENT, parties=(replace(NORTH, **changes), SOUTH, WEST))  # type: ignore[arg-type]


def desk(**changes: object) -> Agreement:
    return party(desks=(replace(OPS, **changes), NIGHT))  # type: ignore[arg-type]


def step(**changes: object) -> Agreement:
    first, second = AGREEMENT.escalation
    return replace(AGREEMENT, escalation=(first, replace(second, **changes)))  # type: ignore[arg-type]


def register(**changes: object) -> Agreement:
    registers = (*AGREEMENT.registers[:-1], replace(AGREEMENT.registers[-1], **changes))  # type: ignore[arg-type]
    listed = (*AGREEMENT.listed[:-1], registers[-1])
    return replace(AGREEMENT, registers=registers, resting=listed)


def hours(**changes: object) -> Agreement:
    return desk(hours=replace(OPS.hours, **changes))


CHANGED = {
    "name": replace(AGREEMENT, name="Vale"),
    "party id": replace(AGREEMENT, parties=(NORTH, SOUTH, replace(WEST, id=PartyID("east")))),
    "party order": replace(AGREEMENT, parties=(SOUTH, NORTH, WEST)),
    "party name": party(names={"en": "North", "ar": NORTH.names["ar"]}),
    "party key": party(public_key=b"k" * 32),
    "party url": party(url="http://127.0.0.1:1"),
    "party certificate": party(tls_sha256=b"t" * 32),
    "no desks": party(desks=()),
    "desk order": party(desks=(NIGHT, OPS)),
    "desk name": desk(names={"en": "Ops"}),
    "desk languages": desk(languages=("en", "ar")),
    "desk hours": hours(end_min=1081),
    "desk days": hours(days=frozenset({0, 1})),
    "desk deputy": desk(deputy=""),
    "desk voice": desk(voice=""),
    "struck": replace(
        AGREEMENT,
        struck=frozenset({PartyID("south"), PartyID("west")}),
    ),
    "register id": register(id="dss"),
    "register url": register(url="https://other.example"),
    "register foreign": register(foreign=True),
    "register order": replace(
        AGREEMENT,
        registers=AGREEMENT.registers[::-1],
        resting=AGREEMENT.listed[::-1],
    ),
    "area circle": replace(
        AGREEMENT, area=Circle(center=LatLng(38.6, -120.3000001), radius_m=60_000.0)
    ),
    "area radius": replace(AGREEMENT, area=Circle(center=LatLng(38.6, -120.3), radius_m=60_000.1)),
    "area polygon": replace(
        AGREEMENT, area=Polygon(vertices=(LatLng(0, 0), LatLng(0, 1), LatLng(1, 1)))
    ),
    "area_km2_max": replace(AGREEMENT, area_km2_max=2_500.5),
    "horizontal": replace(AGREEMENT, minima=replace(AGREEMENT.minima, horizontal_m=1_000.001)),
    "vertical": replace(AGREEMENT, minima=replace(AGREEMENT.minima, vertical_m=150.001)),
    "time": replace(AGREEMENT, minima=replace(AGREEMENT.minima, time=timedelta(seconds=60.001))),
    "between": replace(AGREEMENT, between=(DRONES,)),
    "equal priority": replace(AGREEMENT, equal_priority_blocks=False),
    "level step": replace(AGREEMENT, level_step_m=300.5),
    "levels low": replace(AGREEMENT, levels_m=(-999.5, 20_000.0)),
    "levels high": replace(AGREEMENT, levels_m=(-1_000.0, 19_999.5)),
    "delay": replace(AGREEMENT, delay_max=timedelta(hours=6, seconds=1)),
    "unreachable": replace(AGREEMENT, if_unreachable=IfUnreachable.LINE),
    "hold": replace(AGREEMENT, hold_limit=timedelta(seconds=60.5)),
    "formation": replace(
        AGREEMENT, formations=(Formation(name="A", callsigns=frozenset({"A-1", "A-2"})),)
    ),
    "valid until": replace(AGREEMENT, valid_until=datetime(2027, 1, 1, tzinfo=UTC)),
    "for ever": replace(AGREEMENT, valid_until=None),
    "lead": replace(AGREEMENT, lead=replace(AGREEMENT.lead, general=MIN)),
    "lead of a plan": replace(AGREEMENT, lead=replace(AGREEMENT.lead, plan=MIN)),
    "lead of a plan as others": replace(AGREEMENT, lead=replace(AGREEMENT.lead, plan=None)),
    "lead of an area": replace(AGREEMENT, lead=replace(AGREEMENT.lead, no_go=MIN)),
    "lead in an emergency": replace(AGREEMENT, lead=replace(AGREEMENT.lead, emergency=MIN)),
    **{
        f"timer {name}": replace(
            AGREEMENT,
            timers=replace(
                AGREEMENT.timers,
                **{name: getattr(AGREEMENT.timers, name) + timedelta(seconds=1)},
            ),
        )
        for name in AgreedTimers.__dataclass_fields__
    },
    "no escalation": replace(AGREEMENT, escalation=()),
    "rung": step(rung=Rung.READ_BACK),
    "after": step(after=21 * MIN),
    "role": step(role=Role.WATCH, desk=""),
    "desk": step(desk="south/watch"),
    "way": step(by=Way.NODE),
    "silence": replace(AGREEMENT, silence=Silence(plan=OnSilence.UNANSWERED)),
    "standing": replace(
        AGREEMENT, standing=Standing(confirm_every=12 * 60 * MIN, expire_after=1441 * MIN)
    ),
    "no standing": replace(AGREEMENT, standing=Standing()),
}


@pytest.mark.parametrize("what", CHANGED)
def test_no_difference_goes_unsaid(what: str) -> None:
    changed = CHANGED[what]
    assert changed != AGREEMENT
    found = differences(AGREEMENT, changed)
    assert found
    assert all(each.was != each.now for each in found)
    back = differences(changed, AGREEMENT)
    assert {(d.about, d.now, d.was) for d in back} == {(d.about, d.was, d.now) for d in found}


def test_every_value_is_tried_above() -> None:
    """A new field of the agreement needs words, and a case here."""
    covered = {
        Agreement: 26,
        Between: 2,
        type(NORTH): 6,
        Desk: 6,
        Hours: 3,
        Minima: 3,
        Lead: 4,
        Escalation: 5,
    }
    for kind, count in covered.items():
        assert len(kind.__dataclass_fields__) == count, kind


def test_the_same_rules_have_no_difference() -> None:
    other = replace(AGREEMENT, digest="f" * 64, version=9, previous="e" * 64)
    assert differences(AGREEMENT, other) == ()


def test_each_rule_has_a_heading_of_its_own() -> None:
    for agreement in (AGREEMENT, *CHANGED.values()):
        headings = [rule.about for rule in rules_in_words(agreement)]
        assert len(set(headings)) == len(headings)


def test_the_words_are_plain() -> None:
    said = dict(rules_in_words(AGREEMENT))
    assert said["desk north/ops"] == (
        "Operations (en), العمليات (ar); speaks ar, en; 0600-1800 UTC mon, tue, fri; then night; "
        "by voice +1 555 0100; 123.450 MHz NORTH OPS"
    )
    assert said["desk north/night"].endswith("1800-0600 UTC every day")
    assert said["struck off"] == "south: may not plan, known plans go on blocking"
    assert said["register south"].endswith("not asked while struck off")
    assert said["escalation 2"] == (
        "not answered 20 min after sending: north/night is called by voice"
    )
    assert said["silence"] == "never a yes; the plan is not activated before an answer"
    lines = columns(rules_in_words(AGREEMENT))
    assert len({line.index(said["name"]) for line in lines[:1]}) == 1
