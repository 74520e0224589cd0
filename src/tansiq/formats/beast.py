"""Raw Mode S as receivers send it: Beast frames (port 30005) and AVR lines (port 30002).

Beast: 0x1a, a type, six bytes of a counter, one of signal strength, then 2, 7 or 14 bytes of
message; every 0x1a after the type is written twice. AVR: ``*``, 14 or 28 hexadecimal digits, ``;``;
in its other form ``@`` and twelve digits of a counter in place of the star. The counters run freely
and tell no time.

Source: the Mode-S Beast's data output formats, https://wiki.jetvision.de/wiki/Mode-S_Beast:Data_Output_Formats.
"""

import re
from collections import Counter
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
_AVR: Final = re.compile(
    rb"(?:\*|[@%<][0-9a-fA-F]{12}(?:[0-9a-fA-F]{2})?)([0-9a-fA-F]{14}|[0-9a-fA-F]{28})", re.ASCII
)
_AVR_BYTES_MAX: Final = 100


class BeastFrames:
    """Takes pieces of any size, and gives the messages that are whole with them."""

    def __init__(self) -> None:
        self._rest = b""
        self.refused: Counter[Refusal] = Counter()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages, 7 or 14 bytes each."""
        buffer = self._rest + data
        found: list[bytes] = []
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

    def _frame(self, buffer: bytes, start: int, found: list[bytes]) -> int | None:
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
            found.append(body[_HEAD_BYTES:])
        return start + 2 + need

    def _escaped(self, buffer: bytes, start: int, need: int, found: list[bytes]) -> int | None:
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
            found.append(bytes(body[_HEAD_BYTES:]))
        return at


class AvrFrames:
    """The same for lines of hexadecimal digits."""

    def __init__(self) -> None:
        self._rest = b""
        self.refused: Counter[Refusal] = Counter()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages, 7 or 14 bytes each."""
        *pieces, rest = (self._rest + data).split(b";")
        found = []
        for piece in pieces:
            match = _AVR.fullmatch(piece.strip())
            if match is not None:
                found.append(bytes.fromhex(match[1].decode("ascii")))
            else:
                # Mode A/C replies are four digits; all else is none of it.
                known = re.fullmatch(rb"\*[0-9a-fA-F]{4}", piece.strip())
                self.refused[Refusal.MALFORMED] += known is None
        if len(rest) > _AVR_BYTES_MAX:
            self.refused[Refusal.MALFORMED] += 1
            rest = rest[-_AVR_BYTES_MAX:]
        self._rest = rest
        return found
