"""What a race leaves behind: of two accepted intents that meet, one names the other in its key."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Outcome:
    """What a race leaves behind."""

    accepted: int = 0
    refused: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    pairs: int = 0
    unlinked: int = 0

    def add(self, other: "Outcome") -> None:
        """Count what another race left behind too."""
        self.accepted += other.accepted
        for kind, count in other.refused.items():
            self.refused[kind] += count
        self.pairs += other.pairs
        self.unlinked += other.unlinked

    @property
    def shows_something(self) -> bool:
        """Whether enough met, and raced: a busy machine gets little done in a while."""
        return self.pairs > 20 and self.refused["AirspaceConflict"] > 0

    def __str__(self) -> str:
        return (
            f"{self.accepted} accepted, {dict(self.refused)} refused, {self.pairs} relevant pairs, "
            f"{self.unlinked} not linked"
        )


def meet(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """All of one place are in the same cells: altitude and time decide."""
    return all(a[of][0] <= b[of][1] and b[of][0] <= a[of][1] for of in ("band", "minutes"))


def judged(lines: Iterator[str]) -> Outcome:
    outcome, places = Outcome(), defaultdict[int, list[dict[str, Any]]](list)
    for line in lines:
        row = json.loads(line)
        if "refused" in row:
            outcome.refused[row["refused"]] += 1
        else:
            outcome.accepted += 1
            places[row["place"]].append(row | {"key": set(row["key"])})
    for rows in places.values():
        for i, a in enumerate(rows):
            for b in rows[:i]:
                if meet(a, b):
                    outcome.pairs += 1
                    outcome.unlinked += a["ovn"] not in b["key"] and b["ovn"] not in a["key"]
    return outcome


def until_it_shows(race: Callable[[], Outcome], *, rounds: int) -> Outcome:
    """Race again until enough have met."""
    outcome = Outcome()
    for _ in range(rounds):
        outcome.add(race())
        if outcome.shows_something:
            break
    return outcome
