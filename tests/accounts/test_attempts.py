"""Pauses after wrong passwords: they grow, they end, they are bounded."""

import pytest

from tansiq.clock import SystemClock
from tansiq.errors import TooMany
from tansiq.services.accounts.attempts import Attempts, Pauses
from tansiq.settings import Limits, Timers


class ManualClock(SystemClock):
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.at_s = 1_000.0

    def monotonic_s(self) -> float:
        return self.at_s


def test_the_pause_doubles_up_to_its_longest_and_is_forgotten_in_the_end() -> None:
    clock = ManualClock()
    pauses = Pauses(clock, free=3, first_s=1.0, last_s=10.0)
    seen = []
    for _ in range(9):
        seen.append(pauses.left_s("anna"))
        clock.at_s += pauses.left_s("anna")
        assert pauses.left_s("anna") == 0.0
        pauses.count("anna")
    assert seen == [0, 0, 0, 1, 2, 4, 8, 10, 10]
    assert pauses.left_s("ben") == 0.0
    clock.at_s += 39.9
    pauses.count("anna")
    assert pauses.left_s("anna") == 10.0
    clock.at_s += 40.0
    assert pauses.left_s("anna") == 0.0
    pauses.count("anna")
    assert pauses.left_s("anna") == 0.0


def test_the_edge_of_a_pause() -> None:
    clock = ManualClock()
    attempts = Attempts(clock, Limits(login_tries_name=1), Timers(login_pause_first_s=2.0))
    attempts.begin("anna", "here")
    clock.at_s += 1.999
    with pytest.raises(TooMany) as refused:
        attempts.begin("anna", "here")
    assert refused.value.pause_s == 1
    clock.at_s += 0.001
    attempts.begin("anna", "here")


def test_an_address_waits_for_all_names_and_a_good_password_does_not_help_it() -> None:
    clock = ManualClock()
    attempts = Attempts(clock, Limits(login_tries_address=3), Timers())
    for number in range(3):
        attempts.begin("mallory", "there")
        attempts.succeeded("mallory", "there")
        attempts.begin(f"name{number}", "there")
    with pytest.raises(TooMany):
        attempts.begin("another", "there")
    attempts.begin("another", "here")


def test_a_try_that_was_not_decided_is_taken_back_and_no_other() -> None:
    clock = ManualClock()
    attempts = Attempts(clock, Limits(login_tries_name=2), Timers())
    attempts.begin("anna", "here")
    attempts.begin("anna", "here")
    attempts.undecided("anna", "here")
    attempts.begin("anna", "here")
    with pytest.raises(TooMany):
        attempts.begin("anna", "here")


def test_what_is_remembered_is_bounded() -> None:
    pauses = Pauses(ManualClock(), free=3, first_s=1.0, last_s=10.0)
    for number in range(20_000):
        pauses.count(str(number))
    assert len(pauses._tries) == 10_000
