"""Never both, never stuck: the planner's real functions in a simulated world, from seeds.

Method: each seed draws 2, 3 or 6 parties, up to 12 plans on six sites, users who change, activate
and end them, and a world that loses, repeats and delays messages, cuts links and crashes nodes.
I1 to I3 are checked at every write and every change of belief, I4 after the faults have stopped.
A failure names its seed; ``.venv/bin/python tests/placement/world.py SEED`` replays it.
"""

import msgspec
import pytest
from world import World
from world_parts import BROKEN, Claim, Own, Violation

from tansiq.domain import placement_steps as steps
from tansiq.domain.placement import Phase, Placement

CHUNK = 50


def run_chunk(chunk: int) -> set[Phase]:
    reached: set[Phase] = set()
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        world = World(seed)
        try:
            world.run()
        except Violation as violation:
            pytest.fail(
                f"seed {seed}: {violation}\n"
                f"replay: .venv/bin/python tests/placement/world.py {seed}"
            )
        reached |= world.reached
    print(f"seeds {chunk * CHUNK} to {(chunk + 1) * CHUNK - 1}: nothing broken")
    return reached


@pytest.mark.parametrize("chunk", range(8))
def test_never_both_never_stuck(chunk: int) -> None:
    """Also: the sample is not idle, it visits every phase of the table."""
    assert run_chunk(chunk) >= set(Phase)


@pytest.mark.soak
@pytest.mark.parametrize("chunk", range(8, 200))
def test_never_both_never_stuck_at_length(chunk: int) -> None:
    """Together with the sample: 10,000 runs."""
    run_chunk(chunk)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_planner_is_caught(name: str) -> None:
    """Each control must break an invariant within 400 runs; most do so within 50."""
    for seed in range(400):
        try:
            World(seed, BROKEN[name]).run()
        except Violation as violation:
            print(f"{name}: seed {seed}: {violation}")
            return
    pytest.fail(f"{name} broke nothing in 400 runs")


class Storing(World):
    """Writes every placement down and reads it back before going on."""

    stored = 0

    def store(self, own: Own, step: steps.Step[Claim], key: frozenset[str] = frozenset()) -> None:
        # As services/planning/book.py keeps them.
        text = msgspec.json.encode(step.placement)
        assert msgspec.json.decode(text, type=Placement[Claim]) == step.placement
        self.stored += 1
        super().store(own, step, key)


def test_placements_are_stored_without_loss() -> None:
    """Every placement of 30 runs, through JSON and back."""
    stored = 0
    for seed in range(30):
        world = Storing(seed)
        world.run()
        stored += world.stored
    assert stored > 1000, "too few placements to mean anything"
