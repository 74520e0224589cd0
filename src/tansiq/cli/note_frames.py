"""Notes as QR frames: shown one after the other in a terminal, gathered from what was scanned."""

import asyncio
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import cycle
from pathlib import Path
from typing import IO

import click

from tansiq.errors import BadInput
from tansiq.formats import qr_drawing
from tansiq.formats.qr_frames import (
    FRAME_CHARS,
    TEXT_BYTES_MAX,
    Gathering,
    read_frame,
    write_frames,
)

_LINES_BESIDE = 2
"""Above the code which frame it is, below it what can be typed."""
_SCREEN = "\x1b[?1049h"
_BACK = "\x1b[?1049l"
_CLEAR = "\x1b[H\x1b[2J"
_NO_CURSOR = "\x1b[?25l"
_CURSOR = "\x1b[?25h"


def show(content: bytes, *, every_s: float | None) -> None:
    """Show a file as codes, as large as the window allows, until the reader ends it.

    The window is as before afterwards: nothing of the notes stays in it.

    Raises:
        BadInput: the window is too small.
        TooLarge: the file takes too many frames.
    """
    columns, lines = shutil.get_terminal_size()
    chars = qr_drawing.room(columns, lines - _LINES_BESIDE)
    if not chars:
        wide = qr_drawing.columns_of(min(qr_drawing.ROOM))
        raise BadInput(
            f"a window of {columns} columns and {lines} lines is too small for a code; at least "
            f"{wide} and {-(-wide // 2) + _LINES_BESIDE}, or use --qr-html"
        )
    frames = write_frames(content, chars_max=chars)
    least = len(write_frames(content)) if chars < FRAME_CHARS else len(frames)
    hint = f" ({least} in a larger window)" if least < len(frames) else ""
    said = f" of {len(frames)}{hint}   {read_frame(frames[0]).transfer}"

    def draw(index: int, below: str) -> None:
        above = f"frame {index}{said}"[:columns]
        code = qr_drawing.terminal(frames[index - 1])
        click.echo(f"{_CLEAR}{above}\n{code}{below[: columns - 1]}", nl=False, color=True)

    click.echo(_SCREEN, nl=False, color=True)
    try:
        if every_s is None:
            _turned(len(frames), draw)
        else:
            click.echo(_NO_CURSOR, nl=False, color=True)
            asyncio.run(_cycled(len(frames), draw, every_s))
    except (KeyboardInterrupt, EOFError):
        pass  # How people end it.
    finally:
        click.echo(_CURSOR + _BACK, nl=False, color=True)


def gathered(names: Sequence[str]) -> bytes:
    """Return the file whose frames are in the lines of these files, ``-`` being standard input.

    Standard input is read until the first file is whole, so that a scanner which never ends, or a
    person who pastes, can be at its other end.

    Raises:
        BadInput: a file cannot be read; frames are missing, or of more than one file.
        TooLarge: above a limit.
    """
    gathering = Gathering()
    try:
        for name in names:
            with _opened(name) as file:
                _gather(gathering, _lines(file, gathering), live=name == "-")
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", field=name) from error
    if gathering.damaged:
        lines = ", ".join(map(str, gathering.damaged[:_NAMED_MOST]))
        more = ", ..." if len(gathering.damaged) > _NAMED_MOST else ""
        click.echo(f"damaged and passed over: frames in lines {lines}{more}", err=True)
    content = gathering.content()
    for other in gathering.begun:
        click.echo(f"passed over: another file, {other.id}, {other.said()}", err=True)
    return content


_NAMED_MOST = 10


def _gather(gathering: Gathering, lines: Iterator[bytes], *, live: bool) -> None:
    telling = live and sys.stderr.isatty()
    if live and sys.stdin.isatty():
        click.echo("Scan or paste frames, one a line, in any order. Ctrl-D ends.", err=True)
    for line in lines:
        before = gathering.held, len(gathering.damaged)
        gathering.add(line)
        if live and gathering.whole:
            return
        if telling and before != (gathering.held, len(gathering.damaged)):
            damaged = gathering.damaged[-1:] == [gathering.lines]
            told = "damaged: scan it again; " if damaged else ""
            told += "; ".join(each.said() for each in gathering.begun)
            click.echo(told, err=True)


def _lines(file: IO[bytes], gathering: Gathering) -> Iterator[bytes]:
    # One byte more than may come: enough to be refused.
    while line := file.readline(TEXT_BYTES_MAX - gathering.bytes + 1):
        yield line


def _opened(name: str) -> AbstractContextManager[IO[bytes]]:
    return nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb")


def _turned(count: int, draw: Callable[[int, str], None]) -> None:
    """Show frames as the reader turns to them."""
    at = 1
    while True:
        following = at % count + 1
        draw(at, f"ENTER: {following}   NUMBER ENTER: that one   q ENTER: end ")
        typed = input().strip()
        if typed.lower() in ("q", "quit"):
            return
        if not typed:
            at = following
        elif typed.isascii() and typed.isdigit() and 1 <= int(typed[:4]) <= count:
            at = int(typed)


async def _cycled(count: int, draw: Callable[[int, str], None], every_s: float) -> None:
    from tansiq.clock import SystemClock

    clock = SystemClock()
    for index in cycle(range(1, count + 1)):
        draw(index, "Ctrl-C ends")
        await clock.sleep(every_s)
