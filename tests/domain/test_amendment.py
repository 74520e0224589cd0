"""Versions of an agreement: who must sign, at each boundary; when one follows another."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.domain.agreement import (
    Agreement,
    Between,
    IfUnreachable,
    Minima,
    Party,
    Register,
)
from tansiq.domain.amendment import (
    Signer,
    Step,
    common_registers,
    judge_version,
    may_plan,
    may_sign,
    registers_to_fill,
    step_of,
)
from tansiq.domain.category import Category
from tansiq.domain.intent import PartyID
from tansiq.domain.pact import AgreedTimers, Lead, OnSilence, Silence, Standing
from tansiq.domain.volume import Circle, LatLng

LETTERS = "abcdefghij"


def party(name: str) -> Party:
    return Party(
        id=PartyID(name),
        names={"en": name},
        public_key=name.encode() * 32,
        url=f"https://{name}.example",
        tls_sha256=bytes(32),
    )


def first(count: int, *, pool: bool = False) -> Agreement:
    parties = tuple(map(party, LETTERS[:count]))
    registers = tuple(Register(id=p.id, party=p.id, url=p.url) for p in parties)
    dss = Register(id="pool", party=None, url="https://dss.example")
    return Agreement(
        name="Valley",
        digest="1" * 64,
        parties=parties,
        registers=(dss,) if pool else registers,
        area=Circle(center=LatLng(0, 0), radius_m=1_000.0),
        area_km2_max=100.0,
        minima=Minima(),
    )


def following(old: Agreement, struck: Iterable[str], **changes: object) -> Agreement:
    off = frozenset(map(PartyID, struck))
    counting = tuple(r for r in old.listed if r.party not in off)
    values: dict[str, object] = {
        "digest": f"{old.version + 1}" * 64,
        "version": old.version + 1,
        "previous": old.digest,
        "struck": off,
        "registers": counting,
        "resting": old.listed if counting != old.listed else (),
        **changes,
    }
    return replace(old, **values)  # type: ignore[arg-type]


def signed(agreement: Agreement, names: Iterable[str]) -> set[Signer]:
    return {Signer(p.id, p.public_key) for p in agreement.parties if p.id in names}


def test_version_1_takes_all_parties() -> None:
    one = first(3)
    assert judge_version(one, None, signed(one, "abc")).in_force
    force = judge_version(one, None, signed(one, "ab"))
    assert (force.step, force.signed, force.needed) == (Step.FIRST, ("a", "b"), 3)
    assert force.reasons == ("not signed by c; all parties sign",)
    stranger = Signer(PartyID("c"), b"x" * 32)
    assert not judge_version(one, None, signed(one, "ab") | {stranger}).in_force


def test_a_later_version_is_not_judged_without_the_one_before() -> None:
    two = following(first(3), "c")
    assert not judge_version(two, None, signed(two, "abc")).in_force


@pytest.mark.parametrize("count", range(2, 10))
def test_a_roll_takes_more_than_half_of_all_parties(count: int) -> None:
    """Exactly half is not enough, half and one is; who is struck off is counted with the rest."""
    one = first(count)
    two = following(one, LETTERS[count - 1])
    assert step_of(two, one) is Step.ROLL
    needed = count // 2 + 1
    for signers in range(count + 1):
        force = judge_version(two, one, signed(one, LETTERS[:signers]))
        assert force.in_force is (signers >= needed), (signers, force)
        assert force.needed == needed
    half = judge_version(two, one, signed(one, LETTERS[: count // 2]))
    assert not half.in_force


def test_two_parties_have_no_majority() -> None:
    one = first(2)
    force = judge_version(following(one, "b"), one, signed(one, "a"))
    assert not force.in_force
    assert "Two parties have no majority" in force.reasons[0]


def test_those_struck_off_stay_in_the_denominator_and_may_sign() -> None:
    one = first(5)
    two = following(one, "de")
    three = following(two, "cde")
    assert judge_version(three, two, signed(two, "abc")).in_force
    # Two of the three that are left are more than half of them, and not of all five.
    assert not judge_version(three, two, signed(two, "ab")).in_force
    back = following(two, "")
    assert judge_version(back, two, signed(two, "ade")).in_force


@given(st.integers(3, 9), st.data())
def test_two_amendments_in_force_share_a_signer(count: int, data: st.DataObject) -> None:
    """Any two majorities meet: without somebody who signs both, a version has one successor."""
    one = first(count)
    names = st.sets(st.sampled_from(LETTERS[:count]))
    ayes, bees = data.draw(names), data.draw(names)
    a, b = following(one, LETTERS[0]), following(one, LETTERS[1])
    both = judge_version(a, one, signed(one, ayes)).in_force and (
        judge_version(b, one, signed(one, bees)).in_force
    )
    assert not both or ayes & bees


CHANGES: dict[str, object] = {
    "name": "Other valley",
    "area": Circle(center=LatLng(0, 0), radius_m=1_000.5),
    "area_km2_max": 101.0,
    "minima": Minima(horizontal_m=0.5),
    "between": (Between(categories=frozenset({Category.DRONE}), minima=Minima()),),
    "equal_priority_blocks": False,
    "level_step_m": 301.0,
    "levels_m": (-1_000.0, 19_999.0),
    "delay_max": timedelta(hours=5),
    "if_unreachable": IfUnreachable.LINE,
    "hold_limit": timedelta(seconds=61),
    "valid_until": datetime(2026, 12, 31, tzinfo=UTC),
    "lead": Lead(general=timedelta(seconds=1)),
    "timers": AgreedTimers(arrived=timedelta(seconds=59)),
    "silence": Silence(plan=OnSilence.HOLD),
    "standing": Standing(confirm_every=timedelta(1), expire_after=timedelta(2)),
    "parties": (*first(5).parties[:4], replace(party("e"), url="https://elsewhere.example")),
    "registers": (
        first(5).registers[1],
        first(5).registers[0],
        *first(5).registers[2:4],
    ),
}


@pytest.mark.parametrize("key", CHANGES)
def test_a_roll_with_any_other_change_takes_everybody(key: str) -> None:
    one = first(5)
    change = {key: CHANGES[key]}
    if key == "registers":
        change["resting"] = (*CHANGES[key], one.registers[4])  # type: ignore[misc]
    two = following(one, "e", **change)
    assert step_of(two, one) is Step.CHANGE
    keys = signed(one, "abcde") | signed(two, "abcde")
    assert judge_version(two, one, keys).in_force
    for missing in "abcde":
        left = {signer for signer in keys if signer.party != missing}
        assert not judge_version(two, one, left).in_force


def test_every_field_of_an_agreement_is_tried_above() -> None:
    tried = {*CHANGES, "digest", "version", "previous", "struck", "resting"}
    tried |= {"minima_table"}  # Follows from two of them.
    assert set(Agreement.__dataclass_fields__) - tried == {"escalation", "formations"}


def test_nobody_is_left_out_or_given_another_key_without_a_word() -> None:
    one = first(3)
    without = following(one, "", parties=one.parties[:2], registers=one.registers[:2])
    assert not judge_version(without, one, signed(one, "ab")).in_force
    assert judge_version(without, one, signed(one, "abc")).in_force
    swapped = replace(one.parties[2], public_key=b"new" * 10 + b"xx")
    other_key = following(one, "", parties=(*one.parties[:2], swapped))
    new_key = Signer(PartyID("c"), swapped.public_key)
    assert not judge_version(other_key, one, signed(one, "ab") | {new_key}).in_force
    assert not judge_version(other_key, one, signed(one, "abc")).in_force
    assert judge_version(other_key, one, signed(one, "abc") | {new_key}).in_force


def test_a_version_comes_next_after_the_very_one_before() -> None:
    one = first(3)
    everybody = signed(one, "abc")
    two = following(one, "c")
    assert judge_version(two, one, everybody).in_force
    assert not judge_version(replace(two, version=3), one, everybody).in_force
    assert not judge_version(replace(two, previous="f" * 64), one, everybody).in_force


def test_the_last_common_register() -> None:
    """Half of the registers may go and come, as long as one stays."""
    one = first(4)
    two = following(one, "cd")
    assert common_registers(two, one) == ("a", "b")
    three = following(two, "ad")  # Now b and c: b is common.
    assert common_registers(three, two) == ("b",)
    assert judge_version(three, two, signed(one, "bcd")).in_force
    away = following(two, "ab")  # Now c and d: none is.
    assert common_registers(away, two) == ()
    force = judge_version(away, two, signed(one, "abcd"))
    assert force.reasons == (
        "no register of the version before counts in this one; keep at least one",
    )


def test_a_common_pool_stays_common() -> None:
    one = first(3, pool=True)
    two = following(one, "ab")
    assert judge_version(two, one, signed(one, "ab")).in_force
    assert common_registers(two, one) == ("pool",)


def test_registers_that_count_anew_are_named() -> None:
    two = following(first(3), "c")
    assert registers_to_fill(following(two, ""), two) == ("c",)
    assert registers_to_fill(two, first(3)) == ()


def test_a_register_that_moved_is_one_to_fill() -> None:
    one = first(2)
    moved = replace(one.registers[1], url="https://new.example")
    two = following(one, "", registers=(one.registers[0], moved))
    assert registers_to_fill(two, one) == ("b",)
    assert step_of(two, one) is Step.CHANGE


def test_who_is_struck_off_may_not_plan_and_neither_may_a_stranger() -> None:
    two = following(first(3), "c")
    assert [may_plan(two, name) for name in "abcx"] == [True, True, False, False]


def test_being_off_gives_nobody_the_say_over_who_is_down() -> None:
    two = following(first(2), "b")
    assert len(two.registers) == 1
    assert two.equals == {"a", "b"}
    assert first(2, pool=True).equals == frozenset()


def test_nobody_signs_two_amendments_of_one_version() -> None:
    one = first(3)
    a = following(one, "c")
    b = following(one, "a", digest="b" * 64)
    ordinary = following(one, "", digest="d" * 64, name="New")
    again = following(one, "", digest="e" * 64, name="Newer")
    assert may_sign(a, one, []) == ""
    assert may_sign(a, one, [(a, Step.ROLL)]) == ""
    assert "both could be in force" in may_sign(b, one, [(a, Step.ROLL)])
    assert "both could be in force" in may_sign(ordinary, one, [(a, Step.ROLL)])
    assert "both could be in force" in may_sign(a, one, [(ordinary, Step.CHANGE)])
    # Of drafts that take everybody, only one gets everybody.
    assert may_sign(again, one, [(ordinary, Step.CHANGE)]) == ""
    assert may_sign(first(2), None, [(one, Step.FIRST)]) == ""


def test_every_majority_of_five_and_no_minority_is_enough() -> None:
    """All 32 sets of signers."""
    one = first(5)
    two = following(one, "e")
    for size in range(6):
        for names in combinations("abcde", size):
            assert judge_version(two, one, signed(one, names)).in_force is (size >= 3)
