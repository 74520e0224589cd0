"""Notes from desk to desk by QR codes alone: two nodes without a link, a screen, a scanner."""

import asyncio
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from tests.races.pair import make_pair, running
from tests.scanner import of_svg, of_terminal, scan

from tansiq.domain.actor import THIS_MACHINE
from tansiq.formats.qr_frames import LINES_MAX, read_frame, write_frames
from tansiq.node import Node
from tansiq.services.line.speaking import Words

pytestmark = pytest.mark.anyio

COMMAND = (sys.executable, "-c", "from tansiq.cli.main import main; main()")
PATIENCE_S = 60.0


@dataclass
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


def environment(data: Path | None) -> dict[str, str]:
    left_out = ("TANSIQ", "COLUMNS", "LINES")
    env = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    return env | ({} if data is None else {"TANSIQ_DATA": str(data)})


async def tansiq(data: Path | None, *words: str, typed: str = "") -> Ran:
    """Run a command with pipes."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *words,
        env=environment(data),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(typed.encode())
    return Ran(process.returncode or 0, out.decode(), err.decode())


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, data: Path | None, *words: str, columns: int = 100, lines: int = 40) -> None:
        self._near, far = pty.openpty()
        self._shown = b""
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._process = subprocess.Popen(
            [*COMMAND, *words],
            env=environment(data),
            stdin=far,
            stdout=far,
            stderr=far,
            start_new_session=True,
        )
        os.close(far)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._near)

    def type(self, text: str) -> None:
        os.write(self._near, text.encode())

    def interrupt(self) -> None:
        """Do what Ctrl-C does where the terminal is the command's own."""
        self._process.send_signal(signal.SIGINT)

    def until(self, wanted: str) -> str:
        """Return what is shown next, up to a text and with it; all that is left, at the end."""
        ends = time.monotonic() + PATIENCE_S
        while wanted.encode() not in self._shown:
            assert time.monotonic() < ends, self._shown.decode(errors="replace")
            if select.select([self._near], [], [], 0.1)[0]:
                try:
                    self._shown += os.read(self._near, 100_000)
                except OSError:  # Its other end is closed.
                    wanted = ""
        before, found, self._shown = self._shown.partition(wanted.encode() or b"\0")
        return (before + found).decode()

    def end(self) -> tuple[int, str]:
        """Wait for the end; return the exit code and what was shown until then."""
        rest = self.until("\0nothing says this")
        return self._process.wait(PATIENCE_S), rest


@asynccontextmanager
async def parted(base: Path) -> AsyncIterator[tuple[Node, Node, Path, Path]]:
    """Two nodes that hear nothing of each other; the first has three notes for the second."""
    async with (
        make_pair(base, Random(1)) as pair,
        running(pair.folders["north"]) as north,
        running(pair.folders["south"]) as south,
    ):
        for proxy in pair.proxies.values():
            proxy.cut = True
        us, them = pair.folders["north"].data, pair.folders["south"].data
        at = datetime.now(UTC) + timedelta(hours=1)
        area = base / "crane.geojson"
        corners = [[-120.3, 38.6], [-120.1, 38.6], [-120.1, 38.7], [-120.3, 38.6]]
        when = {
            "start": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "end": (at + timedelta(minutes=20)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        levels = {"lower": 0, "upper": 400, "units": "ft", "datum": "AMSL"}
        feature = {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [corners]},
            "properties": when | levels,
        }
        area.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
        assert (await tansiq(us, "notice", "area", str(area), "--to", "south")).code == 0
        for gist in ("They hold OSPREY-2 until 1500Z", "A second call"):
            await north.voice.line.talk.call("south", THIS_MACHINE, Words(text=gist))
        yield north, south, us, them


async def known(node: Node) -> int:
    board = node.voice.line.board
    await board.catch_up()
    return len(board.threads)


async def test_from_store_to_store_by_frames_and_the_receipts_back(tmp_path: Path) -> None:
    async with parted(tmp_path) as (north, south, us, them):
        plain, receipts, again = (str(tmp_path / name) for name in ("plain", "back", "again"))
        assert (await tansiq(us, "note", "export", "--to", "south", "--output", plain)).code == 0
        content = Path(plain).read_bytes()
        piped = await tansiq(us, "note", "export", "--to", "south", "--qr")
        assert (piped.code, piped.err) == (0, "3 notes\n")
        lines = piped.out.splitlines()
        assert tuple(lines) == write_frames(content)
        written = tmp_path / "frames"
        said = ("note", "export", "--to", "south", "--frames", "--output", str(written))
        assert (await tansiq(us, *said)).code == 0
        assert written.read_text() == piped.out
        count, mine = len(lines), read_frame(lines[0]).transfer
        assert count >= 5

        # Some scanned twice, two not at all, one badly, one of another sheet.
        first, second = tmp_path / "first", tmp_path / "second"
        other = write_frames(content * 2)[0]
        bad = lines[1][:80] + "7" * 9 + lines[1][89:]
        first.write_text("\r\n".join([lines[3], lines[0], lines[3], bad, other, *lines[5:]]))
        second.write_text(f"Scanned with an app\n{lines[4].lower()}\n{lines[2]}\n{lines[0]}\n")
        some = await tansiq(them, "note", "import", "--frames", str(first))
        assert some.code == 2
        assert "damaged and passed over: frames in lines 4" in some.err
        assert f"frames of 2 files, and none is whole: {mine}: frames 2-3, 5 of" in some.err
        assert await known(south) == 0
        both = ("note", "import", "--frames", str(first), str(second), "--receipts", receipts)
        one = await tansiq(them, *both)
        assert (one.code, await known(south)) == (2, 0)
        assert f"{mine}: frame 2 of {count} missing" in one.err
        second.write_text(second.read_text() + lines[1])
        whole = await tansiq(them, *both)
        assert (whole.code, whole.out) == (0, "3 of 3 notes are here\n")
        assert "passed over: another file" in whole.err
        assert await known(south) == 3

        # Precisely what the file does: the same receipts, to the byte.
        filed = await tansiq(them, "note", "import", plain, "--receipts", again)
        assert filed.out == whole.out
        assert Path(receipts).read_bytes() == Path(again).read_bytes()

        assert len((await north.voice.line.not_arrived()).waiting) == 3
        back = await tansiq(None, "note", "export", "--file", receipts, "--frames")
        home = await tansiq(us, "note", "import", "--frames", "-", typed=back.out)
        assert (home.code, home.out) == (0, "3 of 3 notes are here\n")
        assert not (await north.voice.line.not_arrived()).waiting


async def test_from_screen_to_scanner_to_desk(tmp_path: Path) -> None:
    """What a terminal draws is read by a decoder, and typed into another terminal."""
    async with parted(tmp_path) as (_, south, us, them):
        got = await asyncio.to_thread(scanned, us)
        code, shown = await asyncio.to_thread(typed_in, them, got)
        assert code == 0, shown
        assert "3 of 3 notes are here" in shown
        assert f"frames 1, 3-{len(got)} of {len(got)} missing" in shown
        assert f"frame {len(got)} of {len(got)} missing" in shown
        assert await known(south) == 3


def scanned(data: Path) -> list[str]:
    """Turn through all codes on a screen, the last one first, and read them."""
    found = []
    with Terminal(data, "note", "export", "--to", "south", "--qr") as screen:
        shown = screen.until("end ")
        count = int(re.findall(r"frame 1 of (\d+)   ", shown)[0])
        screen.type("99\n")  # There is none such: the same again.
        assert f"frame 1 of {count}" in screen.until("end ")
        screen.type(f"{count}\n")
        for index in (count, *range(1, count)):
            shown = screen.until("end ")
            assert f"frame {index} of {count}" in shown
            found += scan(of_terminal(shown, around=0))
            screen.type("\n")
        screen.until("end ")
        screen.type("q\n")
        code, rest = screen.end()
        assert (code, rest.rstrip()[-8:]) == (0, "\x1b[?1049l")
    assert len(found) == count
    return found


def typed_in(data: Path, frames: list[str]) -> tuple[int, str]:
    """Scan into a terminal, and stop when nothing more is asked for."""
    with Terminal(data, "note", "import", "--frames", "-") as desk:
        shown = desk.until("Ctrl-D")
        for frame in [*frames[2:], *frames[:2][::-1]]:
            desk.type(f"{frame}\n")
        code, rest = desk.end()
    return code, shown + rest


def test_a_small_window_takes_more_frames_that_turn_by_themselves(tmp_path: Path) -> None:
    receipts = tmp_path / "letters"
    receipts.write_text('{"letters":[{"note":"' + Random(1).randbytes(330).hex() + '"}]}')
    frames = write_frames(receipts.read_bytes(), chars_max=154)
    fewer = len(write_frames(receipts.read_bytes()))
    words = ("note", "export", "--file", str(receipts), "--qr", "--every", "0.6")
    with Terminal(None, *words, columns=80, lines=24) as screen:
        screens = [screen.until("Ctrl-C ends") for _ in range(len(frames) + 2)]
        screen.interrupt()
        code, rest = screen.end()
        assert (code, "\x1b[?1049l" in rest) == (0, True)
    for i, shown in enumerate(screens):
        index = i % len(frames)
        assert f"frame {index + 1} of {len(frames)} ({fewer} in a larger window)" in shown
        assert scan(of_terminal(shown, around=255)) == [frames[index]]
    with Terminal(None, *words, columns=40, lines=12) as narrow:
        code, rest = narrow.end()
    assert code == 2
    assert "too small for a code; at least 37 and 21, or use --qr-html" in rest


async def test_the_page_has_every_frame_and_says_what_they_are(tmp_path: Path) -> None:
    async with parted(tmp_path) as (_, _, us, _):
        page = tmp_path / "sheet.html"
        made = await tansiq(us, "note", "export", "--to", "south", "--qr-html", str(page))
        assert made.code == 0, made.err
        lines = (await tansiq(us, "note", "export", "--to", "south", "--frames")).out.splitlines()
    text = page.read_text(encoding="utf-8")
    assert [scan(of_svg(svg)) for svg in re.findall(r"<svg.*?</svg>", text)] == [[f] for f in lines]
    for index in range(1, len(lines) + 1):
        assert f"<b>frame {index} of {len(lines)}</b>" in text
    assert "tansiq note import --frames FILE" in text
    assert text.count("<td>call</td>") == 2
    assert "What is in them: 3 notes" in text
    assert "<script" not in text
    assert not re.search(r"(src|href)=|url\(|https?:", text)


async def test_what_does_not_go_together_is_told(tmp_path: Path) -> None:
    letters, empty, none = (tmp_path / name for name in ("letters", "empty", "none"))
    letters.write_text('{"letters":[{"note":"x"}]}')
    empty.write_text('{"letters":[]}')
    for words in (
        ("--qr", "--frames"),
        ("--qr", "--qr-html", str(none)),
        ("--frames", "--every", "2"),
        ("--every", "2"),
        ("--qr", "--output", str(none)),
        ("--qr-html", str(none), "--output", str(none)),
        ("--qr", "--every", "0"),
        ("--to", "south", "--frames"),
    ):
        ran = await tansiq(None, "note", "export", "--file", str(letters), *words)
        assert ran.code == 2, words
        assert not none.exists()
    nothing = await tansiq(None, "note", "export", "--file", str(empty), "--frames")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "0 notes\n")
    absent = await tansiq(None, "note", "import", "--frames", str(none))
    assert (absent.code, "cannot be read" in absent.err) == (2, True)
    frames = tmp_path / "frames"
    frames.write_text("\n".join(write_frames(letters.read_bytes())))
    plain = await tansiq(None, "note", "import", str(frames))
    assert (plain.code, "add --frames" in plain.err) == (2, True)
    two = await tansiq(None, "note", "import", str(letters), str(empty))
    assert (two.code, "one file at a time" in two.err) == (2, True)
    frames.write_bytes(b"\n" * (LINES_MAX + 1))
    many = await tansiq(None, "note", "import", "--frames", str(frames))
    assert (many.code, f"more than {LINES_MAX} lines" in many.err) == (2, True)
    junk = "\n".join(write_frames(b"no letters"))
    refused = await tansiq(None, "note", "import", "--frames", "-", typed=junk)
    assert (refused.code, "no file of notes" in refused.err) == (2, True)
