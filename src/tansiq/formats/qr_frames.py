"""A file of notes as frames for QR codes: split, told apart, put together again.

    TANSIQ1-FRAME:3/5:UJ5SLFK2DZ3RKTQO:PCNJ3FVLJ7...:7Q2KZ4DA

The third of five frames; the transfer, which is the hash of the whole; its part of the file, which
was compressed; a check over everything before it. Upper case without blanks: that is the small
alphabet of QR codes, and it outlives pasting, wrapping and whatever else is done to text.
``docs/notes.md`` has the format. A damaged frame is noticed and counts as not seen. None of this
proves who wrote it: what is inside is signed. Leaves out how frames are drawn and read by eye.
"""

import base64
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from tansiq.errors import BadInput, TooLarge

PREFIX: Final = "TANSIQ1-FRAME:"
FRAME_CHARS: Final = 300
"""Of a frame that we write: a code of 53 by 53, which telephones read from a screen."""
FRAME_CHARS_MIN: Final = 80
"""Of one that we write, where little room is: below, most of it would be its own head."""
FRAME_CHARS_MAX: Final = 400
"""Of one that we read."""
FRAMES_MAX: Final = 200
"""Of one transfer."""
FILE_BYTES_MAX: Final = 4_000_000
"""Before compression, and so after it: 31,000 bytes could become 32 million."""
LINES_MAX: Final = 20_000
TEXT_BYTES_MAX: Final = 2_000_000
"""All lines together."""
TRANSFERS_MAX: Final = 20
"""Told apart at once."""

_PREFIX: Final = PREFIX.encode()
_ID_BYTES: Final = 10
_CHECK_BYTES: Final = 5
_LEVEL: Final = 9
_FRAME: Final = re.compile(
    rf"({PREFIX}([1-9][0-9]{{0,2}})/([1-9][0-9]{{0,2}}):([A-Z2-7]{{16}}):([A-Z2-7]+):)([A-Z2-7]{{8}})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame whose check is right.

    Raises:
        BadInput: a number that cannot be.
    """

    transfer: str
    index: int
    """From 1."""
    count: int
    chunk: bytes

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise BadInput(f"no frame {self.index} of {self.count} can be", field="frame")
        if self.count > FRAMES_MAX:
            raise TooLarge(f"{self.count} frames; at most {FRAMES_MAX}", field="frame")

    def text(self) -> str:
        """Return what the code says."""
        head = f"{PREFIX}{self.index}/{self.count}:{self.transfer}:{_base32(self.chunk)}:"
        return head + _check(head)


def write_frames(content: bytes, *, chars_max: int = FRAME_CHARS) -> tuple[str, ...]:
    """Return a file as frames of at most so many characters, nearly equal in length.

    How many there are follows from the file and ``chars_max``, and what each holds from their
    number: frames with the same transfer and number are those of one splitting, whenever shown.

    Raises:
        TooLarge: the file, or the number of frames.
    """
    if len(content) > FILE_BYTES_MAX:
        raise TooLarge(f"{len(content)} bytes; at most {FILE_BYTES_MAX}", field="file")
    chars_max = min(max(chars_max, FRAME_CHARS_MIN), FRAME_CHARS_MAX)
    body = zlib.compress(content, _LEVEL)
    transfer = _base32(sha256(body).digest()[:_ID_BYTES])
    count = 1
    while True:
        head = len(f"{PREFIX}{count}/{count}:{transfer}::") + 8
        needed = -(-len(body) // ((chars_max - head) * 5 // 8))
        if needed <= count:
            break
        count = needed
    if count > FRAMES_MAX:
        raise TooLarge(
            f"{len(body)} bytes take {count} frames, at most {FRAMES_MAX} are written; "
            "carry the file, or one note at a time",
            field="file",
        )
    size = -(-len(body) // count)
    count = -(-len(body) // size)
    return tuple(
        Frame(
            transfer=transfer,
            index=i + 1,
            count=count,
            chunk=body[i * size : (i + 1) * size],
        ).text()
        for i in range(count)
    )


def read_frame(text: str) -> Frame:
    """Read one frame, of which the text is no more and no less.

    Raises:
        BadInput: it is none, or a character of it was changed.
        TooLarge: above a limit.
    """
    if len(text) > FRAME_CHARS_MAX:
        raise TooLarge(f"{len(text)} characters; at most {FRAME_CHARS_MAX}", field="frame")
    parts = _FRAME.fullmatch(text)
    if parts is None:
        raise BadInput(f"is not {PREFIX}INDEX/COUNT:TRANSFER:PART:CHECK", field="frame")
    head, index, count, transfer, chunk, check = parts.groups()
    if _check(head) != check:
        raise BadInput("a character was lost or changed on its way", field="frame")
    frame = Frame(transfer=transfer, index=int(index), count=int(count), chunk=_from_base32(chunk))
    if frame.text() != text:  # The last character of a part has a second spelling.
        raise BadInput("is not written in the one way", field="frame")
    return frame


def frames_in(line: bytes) -> list[str]:
    """Return what in a line may be frames: from each prefix to the check, or to the next prefix.

    Blanks are dropped and letters made upper case. What stands around is passed over: an app may
    write when it scanned, and one that writes no line ends puts frames one behind the other.
    """
    folded = b"".join(line.split()).upper()
    texts = [PREFIX + piece.decode("ascii", "replace") for piece in folded.split(_PREFIX)[1:]]
    found = [(_FRAME.match(text), text) for text in texts]
    return [text if parts is None else parts.group() for parts, text in found]


@dataclass(slots=True)
class Transfer:
    """The frames of one file that were seen so far."""

    id: str
    count: int
    chunks: dict[int, bytes] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[int, ...]:
        """Return the frames that were not seen, in order."""
        return tuple(i for i in range(1, self.count + 1) if i not in self.chunks)

    def said(self) -> str:
        """Say how far it is."""
        if not self.missing:
            return f"all {self.count} frames are here"
        word = "frame" if len(self.missing) == 1 else "frames"
        return f"{word} {ranges(self.missing)} of {self.count} missing"

    def content(self) -> bytes:
        """Return the file that the frames are of.

        Raises:
            BadInput: frames are missing, or they are not what their transfer was made of.
            TooLarge: more than a file may have.
        """
        if self.missing:
            raise BadInput(self.said())
        body = b"".join(self.chunks[i] for i in range(1, self.count + 1))
        if _base32(sha256(body).digest()[:_ID_BYTES]) != self.id:
            raise BadInput("are not those that the transfer was made of", field="frames")
        return _expanded(body)


class Gathering:
    """Takes lines in any order, with repeats, and puts together what they hold."""

    def __init__(self) -> None:
        self._transfers: dict[tuple[str, int], Transfer] = {}
        self.lines = 0
        self.bytes = 0
        self.damaged: list[int] = []
        """Numbers of the lines with a frame that is none."""

    @property
    def whole(self) -> list[Transfer]:
        """Return the transfers of which no frame is missing."""
        return [each for each in self._transfers.values() if not each.missing]

    @property
    def begun(self) -> list[Transfer]:
        """Return those of which frames are missing."""
        return [each for each in self._transfers.values() if each.missing]

    @property
    def held(self) -> int:
        """Return how many frames are here, repeats not counted."""
        return sum(len(each.chunks) for each in self._transfers.values())

    def add(self, line: bytes) -> None:
        """Take one line.

        Raises:
            BadInput: two frames say of themselves that they are the same one, and are not.
            TooLarge: above a limit; nothing more is taken.
        """
        self.lines += 1
        self.bytes += len(line)
        if self.lines > LINES_MAX:
            raise TooLarge(f"more than {LINES_MAX} lines", field="frames")
        if self.bytes > TEXT_BYTES_MAX:
            raise TooLarge(f"more than {TEXT_BYTES_MAX} bytes", field="frames")
        for text in frames_in(line):
            try:
                frame = read_frame(text)
            except BadInput:
                if self.damaged[-1:] != [self.lines]:
                    self.damaged.append(self.lines)
            else:
                self._keep(frame)

    def content(self) -> bytes:
        """Return the file of the one transfer that is whole; others that have begun do no harm.

        Raises:
            BadInput: none is whole, and what is missing; or several are.
            TooLarge: more than a file may have.
        """
        whole, begun = self.whole, self.begun
        if len(whole) > 1:
            named = " and ".join(each.id for each in whole)
            raise BadInput(f"frames of {len(whole)} files, {named}: give those of one")
        if whole:
            return whole[0].content()
        if not begun:
            raise BadInput(f"no frame is here; each begins with {PREFIX}")
        if len(begun) == 1:
            return begun[0].content()
        told = "; ".join(f"{each.id}: {each.said()}" for each in begun)
        raise BadInput(f"frames of {len(begun)} files, and none is whole: {told}")

    def _keep(self, frame: Frame) -> None:
        key = (frame.transfer, frame.count)
        transfer = self._transfers.get(key)
        if transfer is None:
            if len(self._transfers) == TRANSFERS_MAX:
                raise TooLarge(f"of more than {TRANSFERS_MAX} files", field="frames")
            transfer = self._transfers[key] = Transfer(frame.transfer, frame.count)
        if transfer.chunks.setdefault(frame.index, frame.chunk) != frame.chunk:
            # Their checks are right: no scanner does that, somebody did.
            raise BadInput(
                f"two that differ are both {frame.index} of {frame.count} of {frame.transfer}",
                field="frames",
            )


def ranges(numbers: Iterable[int]) -> str:
    """Return rising numbers as people write them: ``2, 5-9``."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def _check(head: str) -> str:
    return _base32(sha256(head.encode()).digest()[:_CHECK_BYTES])


def _base32(content: bytes) -> str:
    return base64.b32encode(content).decode().rstrip("=")


def _from_base32(text: str) -> bytes:
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError as error:
        raise BadInput("its part has no such length", field="frame") from error


def _expanded(body: bytes) -> bytes:
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(body, FILE_BYTES_MAX + 1)
    except zlib.error as error:
        raise BadInput("are of something that was not compressed", field="frames") from error
    if len(content) > FILE_BYTES_MAX:
        raise TooLarge(f"more than {FILE_BYTES_MAX} bytes", field="frames")
    if not reader.eof or reader.unused_data:
        raise BadInput("end too early, or go on after their end", field="frames")
    return content
