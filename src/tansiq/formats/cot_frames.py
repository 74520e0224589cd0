"""Finds events of Cursor on Target in a stream or a datagram: XML documents, or TAK's protobuf.

A stream has ``<event ...>...</event>`` after ``<event ...>...</event>``, or 0xbf, a length and a
message. Both may come in turn, and after anything that is neither, the next beginning is looked
for. No more is kept than one message may be long.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from tansiq.formats.position_reports import Refusal

_START: Final = b"<event"
_END: Final = b"</event>"
_TAK: Final = 0xBF
_LENGTH_BYTES_MAX: Final = 5
_SKIPPED_MAX: Final = 16
"""A message of up to so many times the limit is skipped by its length; a greater length is none."""
_DECLARATION_BYTES: Final = 200
_SPACE: Final = b" \t\r\n\0"


class FrameKind(Enum):
    XML = auto()
    TAK = auto()


@dataclass(frozen=True, slots=True)
class Frame:
    """One message; of TAK's without its header."""

    kind: FrameKind
    data: bytes


class CotFrames:
    """Takes pieces of any size, and gives the messages that are whole with them."""

    def __init__(self, frame_bytes_max: int) -> None:
        self._frame_bytes_max = frame_bytes_max
        self._buffer = bytearray()
        self._searched = 0
        """How far into the buffer no end of an event is."""
        self._skip = 0
        self._resynced = False
        """Whether the last look gave up a beginning: then there may be another."""
        self._passing = False
        """Whether the rest of what was too large is still passing by: it was counted."""
        self.refused: Counter[Refusal] = Counter()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the messages that are whole with this piece."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip, data = self._skip - skipped, data[skipped:]
        self._buffer += data
        while self._begin():
            found = self._tak() if self._buffer[0] == _TAK else self._xml()
            if found is not None:
                yield found
            elif not self._resynced:
                return

    def _begin(self) -> bool:
        """Cut off what stands before the next beginning; report whether there is one."""
        buffer = self._buffer
        if buffer.startswith((_START, b"\xbf")):
            return True
        starts = [at for at in (buffer.find(_START), buffer.find(_TAK)) if at >= 0]
        if starts:
            self._cut(min(starts), junk=True)
            self._passing = False
            return True
        if len(buffer) > _DECLARATION_BYTES:
            self._cut(len(buffer) - len(_START) + 1, junk=True)
        return False

    def _cut(self, count: int, *, junk: bool = False) -> None:
        if junk:
            left = bytes(self._buffer[:count]).strip(_SPACE)
            if (
                left
                and not self._passing
                and not (left.startswith(b"<?xml") and left.endswith(b"?>"))
            ):
                self.refused[Refusal.MALFORMED] += 1
        del self._buffer[:count]
        self._searched = 0

    def _tak(self) -> Frame | None:
        buffer, limit = self._buffer, self._frame_bytes_max
        self._resynced = False
        length = 0
        for at in range(1, _LENGTH_BYTES_MAX + 1):
            if at >= len(buffer):
                return None
            length |= (buffer[at] & 0x7F) << 7 * (at - 1)
            if buffer[at] < 0x80:
                break
        else:
            length = _SKIPPED_MAX * limit + 1
        head = at + 1
        if length > _SKIPPED_MAX * limit:
            self.refused[Refusal.MALFORMED] += 1
            self._cut(1)
            self._resynced = True
            return None
        if length > limit:
            self.refused[Refusal.TOO_LARGE] += 1
            self._skip = max(0, head + length - len(buffer))
            self._cut(min(head + length, len(buffer)))
            self._resynced = True
            return None
        if len(buffer) < head + length:
            return None
        frame = Frame(FrameKind.TAK, bytes(buffer[head : head + length]))
        self._cut(head + length)
        return frame

    def _xml(self) -> Frame | None:
        buffer = self._buffer
        self._resynced = False
        found = buffer.find(_END, self._searched)
        if found >= 0:
            end = found + len(_END)
            # A torn event before it is not to take this one with it.
            start = buffer.rfind(_START, 0, end)
            if start > 0:
                self._cut(start, junk=True)
                end -= start
            if end <= self._frame_bytes_max:
                frame = Frame(FrameKind.XML, bytes(buffer[:end]))
                self._cut(end)
                return frame
            self.refused[Refusal.TOO_LARGE] += 1
            self._cut(end)
            self._resynced = True
            return None
        self._searched = max(0, len(buffer) - len(_END) + 1)
        if len(buffer) > self._frame_bytes_max:
            self.refused[Refusal.TOO_LARGE] += 1
            last = buffer.rfind(_START)
            self._passing = last <= 0
            self._cut(last if last > 0 else len(buffer))
            self._resynced = True
        return None


def of_datagram(data: bytes) -> Frame | None:
    """Return the message that a datagram is; None where it is none."""
    if data[:1] == b"\xbf" and data[2:3] == b"\xbf":
        if data[1] == 1:
            return Frame(FrameKind.TAK, data[3:])
        data = data[3:] if data[1] == 0 else b""
    document = data.strip(_SPACE)
    return Frame(FrameKind.XML, document) if document.startswith(b"<") else None
