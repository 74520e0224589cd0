"""The second scenario, once from end to end: three nodes, three languages, and equal folds."""

import re

import pytest
from tests.demo.test_demo import RUN_S_MAX, demo

from tansiq.demo.two_columns import COLUMNS, width

STEPS = (
    "Comm check",
    "The watch is taken",
    "north-cell declares N-101",
    "south-cell declares S-201, which meets N-101",
    "civil gives a notice with less lead",
    "STOP by south-cell",
    "Hand-over at north-cell",
    "south-cell's node is killed",
    "Evidence",
    "Everything that was said",
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("two-cells")
    with demo(folder, "--scenario", "two-cells", "--once", "--data", str(folder / "kept")) as run:
        output, _ = run.communicate(timeout=RUN_S_MAX)
    print(output)
    for party in ("north-cell", "south-cell", "civil"):
        log = (folder / "kept" / party / "serve.log").read_text()
        assert "Traceback" not in log, log
    assert run.returncode == 0
    return output


def test_every_step_came_about_in_order(told: str) -> None:
    found = re.findall(r"^\d+  (.+)$", told, re.MULTILINE)
    assert len(found) == len(STEPS)
    assert all(step.startswith(begin) for step, begin in zip(found, STEPS, strict=True))
    assert "FAILED" not in told
    assert "all as it should be" in told


def test_each_step_is_told_in_the_languages_of_its_two_desks(told: str) -> None:
    steps = re.split(r"^\d+  ", told, flags=re.MULTILINE)[1:]
    pairs = [set(re.findall(r"^    (\w\w) .* \| (\w\w) ", step, re.MULTILINE)) for step in steps]
    assert {("ru", "he"), ("ru", "ar")} <= pairs[0]
    assert ("he", "ru") in pairs[3]
    assert {("ar", "ru"), ("ar", "he")} <= pairs[4]
    assert {("he", "ru"), ("he", "ar")} <= pairs[5]
    assert "СТОП СТОП СТОП" in steps[5]
    assert "עצור עצור עצור" in steps[5]
    assert "توقّفوا توقّفوا توقّفوا" in steps[5]
    assert all(width(line) <= COLUMNS for line in told.splitlines())


def test_a_wrong_read_back_is_refused_by_what_differs(told: str) -> None:
    assert "409 differs from the notice in: lower." in told
    # Then the right one is taken, and only after it "no conflict".
    assert re.search(r"readback, at .*answer/no-conflict, at", told, re.DOTALL)


def test_the_plan_moves_and_both_sign(told: str) -> None:
    assert "checked: S-201 is refused: blocked by N-101 of North Cell" in told
    assert re.search(r"checked: N-101 moved, \S+ to \S+: 3 of 3 registers hold it", told)
    assert re.search(r"notice N-101 .* settled$", told, re.MULTILINE)
    assert "checked: S-201, asked again as it was, is coordinated" in told


def test_a_late_notice_is_marked_at_both_ends_and_counted(told: str) -> None:
    assert told.count("LATE: notice ") == 2
    assert "marked LATE at north-cell as well" in told
    assert "marked LATE at south-cell as well" in told
    assert "late notices: 2 of 9" in told


def test_a_stop_is_shown_at_once_and_cleared(told: str) -> None:
    assert len(re.findall(r"checked: STOP shown at \S+ \d\.\d s after it was said", told)) == 2
    assert len(re.findall(r" stop .* cleared$", told, re.MULTILINE)) == 2


def test_what_waited_arrives_in_order_and_both_ends_have_the_same(told: str) -> None:
    assert "north-cell: 4 of 4 not arrived" in told
    assert "civil: 1 of 1 not arrived" in told
    assert "N-102 went on by itself" in told
    # 16 that the desks began; how plans stand the nodes tell besides, as it falls out.
    (same, all_) = re.findall(r"(\d+) of (\d+) conversations are the same", told)[-1]
    assert same == all_
    assert int(all_) >= 16
    assert "checked: 0 notes not arrived" in told
    assert "DIFFERS" not in told


def test_both_records_are_exported_verified_and_equal(told: str) -> None:
    assert len(re.findall(r"^     VERIFIED$", told, re.MULTILINE)) == 2
    assert "EQUAL: here north-cell, there south-cell" in told
