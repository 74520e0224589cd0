"""Raw Mode S as receivers send it: Beast frames (port 30005) and AVR lines (port 30002).

Beast: 0x1a, a type, six bytes of a counter, one of signal strength, then 2, 7 or 14 bytes of
message; every 0x1a after the type is written twice. AVR: ``*``, 14 or 28 hexadecimal digits, ``;``;
in its other form ``@`` and twelve digits of a counter in place of the star.

The counter runs freely at 12 MHz. It tells no time, but how much of it passed: ``TickDating`` dates
what was held up on the way, and what came in one piece.

Source: the Mode-S Beast's data output formats, https://wiki.jetvision.de/wiki/Mode-S_Beast:Data_Output_Formats.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from tansiq.formats.position_reports import Refusal

_ESCAPE: Final = 0x1A
_BODY_BYTES: Final = {
    ord("1"): 7 + 2,
    ord("2"): 7 + 7,
    ord("3"): 7 + 14,
    ord("4"): 7 + 14,
    ord("5"): 7 + 14,
}
"""After the type, by type; 4 and 5 are the receiver's own state."""
_MESSAGES: Final = frozenset(b"23")
_HEAD_BYTES: Final = 7
_TICKS_HZ: Final = 12e6
_MLAT: Final = 0xFF004D4C4154
"""In place of a counter: the position was computed from several receivers."""
_BACKWARDS_S: Final = 1.0
_CREEP: Final = 0.01
_AVR: Final = re.compile(
    rb"(?:\*|[@%<]([0-9a-fA-F]{12})(?:[0-9a-fA-F]{2})?)([0-9a-fA-F]{14}|[0-9a-fA-F]{28})", re.ASCII
)
_AVR_BYTES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One message, and the counter when its receiver heard it; None where that is not said."""

    data: bytes
    ticks: int | None = None


class TickDating:
    """Dates messages by the counter of the receiver that heard them.

    The least delay that was seen is taken for none. What a message took longer than that, because
    the network stood still or because it came in one piece with later ones, is how long before its
    arrival it was heard. Without this an aircraft would be where it was a minute ago.

    Two receivers in one stream, or one that was started anew, have counters that go backwards: from
    then on the time is that of arrival. So it is with counters that run faster than 12 MHz.
    """

    def __init__(self) -> None:
        self._usable = True
        self._last_s = 0.0
        self._arrived_s = 0.0
        self._least_s: float | None = None
        """Arrival less counter, of the least delay."""

    def times(
        self, messages: Sequence[RawMessage], now: datetime, arrived_s: float
    ) -> list[datetime]:
        """Return when each was heard, of messages that arrived together at ``now``.

        ``arrived_s`` is the same by a clock that nobody sets.
        """
        counted = [message.ticks / _TICKS_HZ for message in messages if message.ticks is not None]
        if not self._usable or not counted:
            return [now] * len(messages)
        if any(
            after < before - _BACKWARDS_S for before, after in pairwise((self._last_s, *counted))
        ):
            self._usable = False
            return [now] * len(messages)
        least_s = arrived_s - max(counted)
        if self._least_s is not None:
            # Crystals differ, and receivers lose samples: the least delay may grow by so much.
            least_s = min(least_s, self._least_s + _CREEP * (arrived_s - self._arrived_s))
        self._last_s, self._arrived_s, self._least_s = counted[-1], arrived_s, least_s
        return [
            now
            if message.ticks is None
            else now - timedelta(seconds=arrived_s - message.ticks / _TICKS_HZ - least_s)
            for message in messages
        ]


class BeastFrames:
    """Takes pieces of any size, and gives the messages that are whole with them."""

    def __init__(self) -> None:
        self._rest = b""
        self.refused: Counter[Refusal] = Counter()

    def feed(self, data: bytes) -> list[RawMessage]:
        """Return the messages, 7 or 14 bytes each."""
        buffer = self._rest + data
        found: list[RawMessage] = []
        at = 0
        while True:
            start = buffer.find(_ESCAPE, at)
            if start < 0:
                self._junk(len(buffer) - at)
                self._rest = b""
                return found
            self._junk(start - at)
            whole = self._frame(buffer, start, found)
            if whole is None:
                # At most a frame with every byte written twice.
                self._rest = buffer[start:]
                return found
            at = whole

    def _junk(self, count: int) -> None:
        self.refused[Refusal.MALFORMED] += bool(count)

    def _frame(self, buffer: bytes, start: int, found: list[RawMessage]) -> int | None:
        """Read the frame that begins here; return where to go on, None where it is not whole."""
        if start + 1 >= len(buffer):
            return None
        kind = buffer[start + 1]
        need = _BODY_BYTES.get(kind)
        if need is None:
            self.refused[Refusal.MALFORMED] += 1
            return start + 1 + (kind == _ESCAPE)
        body = buffer[start + 2 : start + 2 + need]
        if _ESCAPE in body:
            return self._escaped(buffer, start, need, found)
        if len(body) < need:
            return None
        if kind in _MESSAGES:
            found.append(_message(body))
        return start + 2 + need

    def _escaped(self, buffer: bytes, start: int, need: int, found: list[RawMessage]) -> int | None:
        """Do the same for a frame in which something is written twice, or another begins."""
        at, body = start + 2, bytearray()
        while len(body) < need:
            pair = buffer[at : at + 2]
            if not pair or pair == b"\x1a":
                return None
            if pair[0] == _ESCAPE and pair[1] != _ESCAPE:
                self.refused[Refusal.MALFORMED] += 1
                return at
            body.append(pair[0])
            at += 2 if pair[0] == _ESCAPE else 1
        if buffer[start + 1] in _MESSAGES:
            found.append(_message(bytes(body)))
        return at


def _message(body: bytes) -> RawMessage:
    return RawMessage(body[_HEAD_BYTES:], _ticks(int.from_bytes(body[:6], "big")))


def _ticks(counter: int) -> int | None:
    return counter if counter > 0 and counter != _MLAT else None


class AvrFrames:
    """The same for lines of hexadecimal digits."""

    def __init__(self) -> None:
        self._rest = b""
        self.refused: Counter[Refusal] = Counter()

    def feed(self, data: bytes) -> list[RawMessage]:
        """Return the messages, 7 or 14 bytes each."""
        *pieces, rest = (self._rest + data).split(b";")
        found: list[RawMessage] = []
        for piece in pieces:
            match = _AVR.fullmatch(piece.strip())
            if match is not None:
                ticks = None if match[1] is None else _ticks(int(match[1], 16))
                found.append(RawMessage(bytes.fromhex(match[2].decode("ascii")), ticks))
            else:
                # Mode A/C replies are four digits; all else is none of it.
                known = re.fullmatch(rb"\*[0-9a-fA-F]{4}", piece.strip())
                self.refused[Refusal.MALFORMED] += known is None
        if len(rest) > _AVR_BYTES_MAX:
            self.refused[Refusal.MALFORMED] += 1
            rest = rest[-_AVR_BYTES_MAX:]
        self._rest = rest
        return found
