"""Fairness between parties, of an arrangement of their plans: figures, and what they leave out.

They count how long plans wait, not what a wait costs whom: nobody here knows what a flight is for.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What an arrangement asks of one party."""

    party: str
    plans: int
    moved: int
    """Plans that start at another time than declared."""
    unplaced: int
    """Plans for which there was no place."""
    mean_s: float
    """Over all its plans; one without a place counts as the longest shift that was allowed."""
    largest_s: float
    """Of those placed."""

    @property
    def moved_share(self) -> float:
        """The share of its plans that moved."""
        return self.moved / self.plans


def spread_s(shares: Sequence[Share]) -> float:
    """Return the largest difference between the mean delays of two parties; 0 is fairest."""
    means_s = [share.mean_s for share in shares]
    return max(means_s, default=0.0) - min(means_s, default=0.0)


def jain(shares: Sequence[Share]) -> float:
    """Return Jain's index of the mean delays: 1 if all are equal, 1 / n if one bears everything.

    Source: Jain, Chiu, Hawe, *A Quantitative Measure of Fairness and Discrimination*, 1984.
    """
    squares = sum(share.mean_s**2 for share in shares)
    if squares == 0.0:
        return 1.0
    return sum(share.mean_s for share in shares) ** 2 / (len(shares) * squares)
