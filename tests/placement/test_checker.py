"""The planner's real functions, explored exhaustively over model registers.

Method: breadth first over all interleavings of planners, network, users and crashes, within the
budget of each scenario; I1 to I3 in every state, I4 wherever nothing is left to do, and no cycle
that fairness does not leave. ``scenarios.py`` prints states, longest runs and shortest traces.
"""

import pytest
from checker import explore
from placement_model import Scenario
from scenarios import FAILING, PASSING


def named(scenario: Scenario) -> object:
    marks = [pytest.mark.soak] if scenario.soak else []
    return pytest.param(scenario, id=scenario.name, marks=marks)


@pytest.mark.parametrize("scenario", [named(s) for s in PASSING])
def test_no_schedule_breaks_the_planner(scenario: Scenario) -> None:
    result = explore(scenario)
    print(f"{scenario.name}: {result.states:,} states, longest run {result.longest} steps")
    assert not result.failure, "\n".join([result.failure, *result.trace])
    assert result.longest is not None, "a run can go round in a circle"


@pytest.mark.parametrize("scenario", [named(s) for s in FAILING])
def test_a_broken_planner_is_caught(scenario: Scenario) -> None:
    """Each of these leaves out one rule; the checker must find out which harm that does."""
    result = explore(scenario)
    assert result.failure.startswith(scenario.fails), result
    assert result.failure, f"{scenario.name}: not caught in {result.states:,} states"
    print("\n    ".join([f"{scenario.name}: {result.failure}", *result.trace]))


def test_the_model_is_as_large_as_it_was() -> None:
    """A model that lost its steps would pass everything."""
    lossy = next(s for s in PASSING if s.name == "2x1 losses, a copy, a crash")
    assert explore(lossy).states > 6_000
