"""Minima by category in the agreement's file: read, written, said in words, and every mistake."""

from datetime import timedelta

import pytest
from tests.formats.test_agreement_rules import OLD

from tansiq.domain.agreement import Minima
from tansiq.domain.amendment import Step, step_of
from tansiq.domain.category import Category
from tansiq.errors import BadInput
from tansiq.formats.agreement import read_agreement, render_agreement
from tansiq.formats.agreement_words import differences, rules_in_words

DRONES = (
    '[[minima.between]]\ncategories = ["drone"]\nhorizontal_m = 100\nvertical_m = 30\ntime_s = 10\n'
)
WAKE = '[[minima.between]]\ncategories = ["light", "heavy"]\nhorizontal_m = 9000\n'
USUAL = "time_s = 60\n"
ACCEPTED = "drone, balloon, glider, helicopter, light, medium, heavy"


def file(*entries: str) -> bytes:
    assert OLD.count(USUAL) == 1
    return OLD.replace(USUAL, USUAL + "".join(entries)).encode()


def test_entries_are_read_and_what_they_leave_out_is_the_usual() -> None:
    agreement = read_agreement(file(DRONES, WAKE))
    usual, table = agreement.minima, agreement.minima_table
    assert read_agreement(OLD.encode()).between == ()
    drone, light, heavy = Category.DRONE, Category.LIGHT, Category.HEAVY
    assert table.between(drone, drone) == Minima(
        horizontal_m=100.0, vertical_m=30.0, time=timedelta(seconds=10)
    )
    wake = Minima(horizontal_m=9_000.0, vertical_m=usual.vertical_m, time=usual.time)
    assert table.between(heavy, light) == table.between(light, heavy) == wake
    assert table.between(heavy, heavy) == table.between(drone, light) == usual


def test_zero_is_a_figure_and_not_what_is_left_out() -> None:
    agreement = read_agreement(file('[[minima.between]]\ncategories = ["glider"]\ntime_s = 0\n'))
    (entry,) = agreement.between
    assert entry.minima.time == timedelta(0)
    assert entry.minima.horizontal_m == agreement.minima.horizontal_m


def test_the_same_name_twice_is_among_themselves_and_order_says_nothing() -> None:
    twice = DRONES.replace('["drone"]', '["drone", "drone"]')
    turned = WAKE.replace('"light", "heavy"', '"heavy", "light"')
    one, other = read_agreement(file(DRONES, WAKE)), read_agreement(file(turned, twice))
    assert one.between == other.between
    assert one.minima_table == other.minima_table
    assert one.digest != other.digest


def test_a_written_agreement_reads_back_the_same() -> None:
    agreement = read_agreement(file(WAKE, DRONES))
    again = read_agreement(render_agreement(agreement))
    assert (again.minima, again.between) == (agreement.minima, agreement.between)
    assert b'categories = ["drone"]\n' in render_agreement(agreement)


def test_every_pair_can_have_an_entry() -> None:
    listed = list(Category)
    entries = [
        f'[[minima.between]]\ncategories = ["{a}", "{b}"]\ntime_s = 1{i}{j}\n'
        for i, a in enumerate(listed)
        for j, b in enumerate(listed)
        if i <= j
    ]
    assert len(read_agreement(file(*entries)).between) == len(entries) == 28
    with pytest.raises(BadInput, match="at most 28"):
        read_agreement(file(*entries, DRONES))


@pytest.mark.parametrize(
    ("entry", "field", "remedy"),
    [
        (DRONES.replace("drone", "tanker"), "minima.between[1].categories[0]", ACCEPTED),
        (DRONES.replace("drone", "Drone"), "minima.between[1].categories[0]", ACCEPTED),
        (WAKE.replace("heavy", "military"), "minima.between[1].categories[1]", ACCEPTED),
        (DRONES.replace('["drone"]', '"drone"'), "minima.between[1].categories", "a list"),
        (DRONES.replace('["drone"]', "[]"), "minima.between[1].categories", ACCEPTED),
        (DRONES.replace('["drone"]', "[1]"), "minima.between[1].categories[0]", "text"),
        (
            DRONES.replace('["drone"]', '["drone", "light", "heavy"]'),
            "minima.between[1].categories",
            "at most 2",
        ),
        (
            DRONES.replace('categories = ["drone"]\n', ""),
            "minima.between[1].categories",
            ACCEPTED,
        ),
        (
            WAKE.replace('"light", "heavy"', '"glider", "balloon"'),
            "minima.between[1].categories",
            "earlier entry",
        ),
        (WAKE.replace("horizontal_m = 9000\n", ""), "minima.between[1].horizontal_m", "time_s"),
        (WAKE.replace("9000", "200000.1"), "minima.between[1].horizontal_m", "200000"),
        (WAKE.replace("9000", "-0.1"), "minima.between[1].horizontal_m", "0 to"),
        (WAKE.replace("9000", "nan"), "minima.between[1].horizontal_m", "0 to"),
        (DRONES.replace("vertical_m", "vertical"), "minima.between[1].vertical", "vertical_m"),
        (DRONES + 'purpose = "x"\n', "minima.between[1].purpose", "known are"),
    ],
)
def test_each_mistake_is_named_with_its_path_and_remedy(
    entry: str, field: str, remedy: str
) -> None:
    good = '[[minima.between]]\ncategories = ["balloon", "glider"]\ntime_s = 30\n'
    read_agreement(file(good))
    with pytest.raises(BadInput) as caught:
        read_agreement(file(good, entry))
    assert caught.value.field == field, caught.value
    assert remedy in caught.value.message


def test_between_alone_is_no_minima() -> None:
    with pytest.raises(BadInput) as caught:
        read_agreement(file(DRONES).replace(b"\nhorizontal_m = 1000", b"", 1))
    assert caught.value.field == "minima.horizontal_m"


def test_it_is_said_in_words_and_so_is_what_a_version_changes() -> None:
    old, new = read_agreement(file(DRONES)), read_agreement(file(DRONES.replace("30", "40"), WAKE))
    said = dict(rules_in_words(new))
    assert said["minima between drone and drone"] == "100 m, 40 m and 10 s"
    assert said["minima between light and heavy"] == "9000 m, 150 m and 60 s"
    assert said["minima, category not known"].endswith("of all 9000 m, 150 m and 60 s")
    changed = {each.about: (each.was, each.now) for each in differences(old, new)}
    assert changed == {
        "minima between drone and drone": ("100 m, 30 m and 10 s", "100 m, 40 m and 10 s"),
        "minima between light and heavy": ("", "9000 m, 150 m and 60 s"),
        "minima, category not known": (
            "the largest that apply; of all 1000 m, 150 m and 60 s",
            "the largest that apply; of all 9000 m, 150 m and 60 s",
        ),
    }
    plain = read_agreement(OLD.encode())
    assert "minima, category not known" not in dict(rules_in_words(plain))
    assert step_of(new, old) is Step.CHANGE
