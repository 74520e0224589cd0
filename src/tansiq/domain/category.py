"""Categories of aircraft, as far as separation asks for them: size and kind, and nothing else.

What counts is the wake that an aircraft leaves and how well it can get out of the way. The list is
closed, so that both sides of a pair mean the same word; every aircraft is in one of them, the first
that fits. What a flight is for is no category.
"""

from enum import StrEnum
from typing import Final

from tansiq.errors import BadInput


class Category(StrEnum):
    """Size and kind of an aircraft.

    Source: the three aeroplanes are the wake turbulence categories of ICAO Doc 4444, 4.9.1.1, by
    maximum certificated take-off mass.
    """

    DRONE = "drone"
    """Nobody on board, and no heavier than 150 kg; a heavier one is what an aircraft of its size
    is."""
    BALLOON = "balloon"
    """Lighter than air, airships too: goes with the wind, or nearly."""
    GLIDER = "glider"
    """Heavier than air, and no engine that holds its height: paragliders and parachutes too."""
    HELICOPTER = "helicopter"
    """Held up by rotors, of any size: can stop, and blows downwards."""
    LIGHT = "light"
    """Any other up to 7,000 kg."""
    MEDIUM = "medium"
    """Above 7,000 kg and below 136,000 kg."""
    HEAVY = "heavy"
    """136,000 kg and more."""


ACCEPTED: Final = ", ".join(Category)
"""The words, for errors."""


def category_of(word: str, field: str) -> Category:
    """Return the category of that name.

    Raises:
        BadInput: there is none.
    """
    try:
        return Category(word)
    except ValueError as error:
        raise BadInput(
            f"{word[:40]!r} is no category of aircraft; write one of {ACCEPTED}", field=field
        ) from error
