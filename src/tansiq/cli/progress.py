"""How far long work has come, on a terminal and nowhere else."""

import sys

from tansiq.clock import Clock

_AFTER_S = 2.0
"""Work that is over by then says nothing."""
_EVERY_S = 0.3
_CLEAR = "\r\x1b[K"


class Progress:
    """One line of stderr that is written again and again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shown = sys.stderr.isatty()
        self._due_s = clock.monotonic_s() + _AFTER_S
        self._told = False

    def tell(self, sentence: str) -> None:
        """Show how far it is, if the last time is a while ago."""
        if self._shown and (now_s := self._clock.monotonic_s()) >= self._due_s:
            self._due_s, self._told = now_s + _EVERY_S, True
            print(f"{_CLEAR}{sentence}", end="", file=sys.stderr, flush=True)  # noqa: T201 # A terminal.

    def end(self) -> None:
        """Take the line away."""
        if self._told:
            print(_CLEAR, end="", file=sys.stderr, flush=True)  # noqa: T201 # A terminal.
            self._told = False
