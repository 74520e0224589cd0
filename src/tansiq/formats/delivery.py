"""A delivery of letters from node to node, and what it is answered with, as JSON."""

from typing import Annotated

import msgspec

from tansiq.formats.letter import Wire

PATH = "/tansiq/v1/letters"


class Delivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Letters of one party to another, oldest first."""

    letters: tuple[Wire, ...]


class Fate(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one letter: a receipt, or why it was not taken."""

    note: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    """Its name, as the receiver counts it."""
    receipt: Wire | None = None
    code: str | None = None
    problem: Annotated[str, msgspec.Meta(max_length=2_000)] | None = None


class Answer(msgspec.Struct, frozen=True):
    """The fates of all letters, in their order."""

    letters: tuple[Fate, ...]
