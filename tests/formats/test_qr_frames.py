"""Frames of QR codes: any order, repeats, loss; every changed character; each limit; a stranger."""

import base64
import re
import tracemalloc
import zlib
from collections.abc import Callable, Iterable
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.errors import BadInput, TooLarge
from tansiq.formats.qr_frames import (
    FILE_BYTES_MAX,
    FRAME_CHARS,
    FRAME_CHARS_MAX,
    FRAME_CHARS_MIN,
    FRAMES_MAX,
    LINES_MAX,
    PREFIX,
    TEXT_BYTES_MAX,
    TRANSFERS_MAX,
    Frame,
    Gathering,
    frames_in,
    ranges,
    read_frame,
    write_frames,
)

NOTES = Path(__file__).parents[2] / "docs" / "notes.md"
NOISE = Random(1).randbytes(1_000)
SAMPLE = write_frames(NOISE)
QR_ALPHABET = set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")


def gathered(lines: Iterable[str]) -> Gathering:
    gathering = Gathering()
    for line in lines:
        gathering.add(line.encode() + b"\n")
    return gathering


def frames_of(body: bytes, pieces: int = 1, transfer: str | None = None) -> list[str]:
    """Frames with right checks of a body that may be anything."""
    if transfer is None:
        transfer = base64.b32encode(sha256(body).digest()[:10]).decode()
    size = -(-len(body) // pieces)
    chunks = [body[i : i + size] for i in range(0, len(body), size)]
    return [
        Frame(transfer=transfer, index=i, count=len(chunks), chunk=chunk).text()
        for i, chunk in enumerate(chunks, start=1)
    ]


# ---- there and back


@given(
    content=st.binary(max_size=3_000),
    chars=st.integers(FRAME_CHARS_MIN, FRAME_CHARS_MAX),
    random=st.randoms(use_true_random=False),
)
def test_any_order_with_repeats_gives_the_file(content: bytes, chars: int, random: Random) -> None:
    frames = write_frames(content, chars_max=chars)
    assert all(len(frame) <= chars for frame in frames)
    assert all(set(frame) < QR_ALPHABET - {" "} for frame in frames)
    lines = [*frames, *random.choices(frames, k=random.randrange(5))]
    random.shuffle(lines)
    found = gathered(lines)
    assert found.content() == content
    assert (found.damaged, found.begun) == ([], [])


@given(size=st.integers(50, 2_000), data=st.data())
def test_what_was_lost_is_named(size: int, data: st.DataObject) -> None:
    frames = write_frames(Random(size).randbytes(size), chars_max=100)
    lost = data.draw(st.sets(st.integers(1, len(frames)), min_size=1, max_size=len(frames) - 1))
    found = gathered(frame for i, frame in enumerate(frames, start=1) if i not in lost)
    assert found.whole == []
    assert found.begun[0].missing == tuple(sorted(lost))
    with pytest.raises(BadInput, match=f"{re.escape(ranges(sorted(lost)))} of {len(frames)} miss"):
        found.content()


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 6, 100, 151, 152, 153, 10_000])
def test_each_frame_is_used_and_they_are_nearly_equal(size: int) -> None:
    frames = write_frames(Random(size).randbytes(size))
    read = [read_frame(frame) for frame in frames]
    assert [frame.index for frame in read] == list(range(1, len(frames) + 1))
    assert {frame.count for frame in read} == {len(frames)}
    assert all(a >= b > 0 for a, b in pairwise(len(frame.chunk) for frame in read))


def test_two_showings_of_one_file_help_each_other() -> None:
    """Frames that were missed in the first are scanned from the second."""
    first, second = write_frames(NOISE), write_frames(bytes(NOISE))
    assert gathered([*first[:3], *second[2:]]).content() == NOISE


def test_ranges_are_written_as_people_do() -> None:
    assert ranges([]) == ""
    assert ranges([2]) == "2"
    assert ranges([2, 5, 6, 7, 9]) == "2, 5-7, 9"


# ---- damage


Reader = Callable[[str], Frame]


def without_check(text: str) -> Frame:
    """A reader that does not look at the check: the control of the tests below."""
    try:
        numbers, transfer, chunk, _ = text.removeprefix(PREFIX).split(":")
        index, count = map(int, numbers.split("/"))
        part = base64.b32decode(chunk + "=" * (-len(chunk) % 8))
    except ValueError as error:
        raise BadInput("no frame") from error
    return Frame(transfer=transfer, index=index, count=count, chunk=part)


def without_its_numbers(text: str) -> Frame:
    """One whose check covers the part alone."""
    frame = without_check(text)
    if frame.chunk != read_frame(SAMPLE[1]).chunk:
        raise BadInput("changed")
    return frame


def unnoticed(read: Reader, lines: Iterable[str]) -> list[str]:
    """Return the lines of which something else is taken than the sample, or no less."""
    sample, found = read_frame(SAMPLE[1]), []
    for line in lines:
        taken = []
        for text in frames_in(line.encode()):
            try:
                taken.append(read(text))
            except BadInput:
                continue
        if taken not in ([], [sample]):
            found.append(line)
    return found


def changed(sample: str) -> list[str]:
    """Every printable character in every place."""
    return [
        sample[:i] + chr(other) + sample[i + 1 :]
        for i, char in enumerate(sample)
        for other in range(33, 127)
        if chr(other).upper() != char
    ]


def miscopied(sample: str) -> list[str]:
    """A character lost, doubled or put in; two swapped; a piece lost at the end."""
    places = range(len(sample))
    return [
        *(sample[:i] + sample[i + 1 :] for i in places),
        *(sample[:i] + char + sample[i:] for i in places for char in "A7:/1"),
        *(sample[:i] + sample[i : i + 2][::-1] + sample[i + 2 :] for i in places),
        *(sample[:i] for i in places),
    ]


def test_a_changed_character_is_noticed_wherever_it_stands() -> None:
    lines = changed(SAMPLE[1])
    assert len(lines) > 25_000
    assert unnoticed(read_frame, lines) == []
    for line in lines:
        assert not gathered([line]).whole
        assert not gathered([line]).begun
    assert unnoticed(read_frame, miscopied(SAMPLE[1])) == []


def test_these_tests_catch_a_reader_that_does_not_check() -> None:
    in_part = unnoticed(without_check, changed(SAMPLE[1]))
    assert len(in_part) > 200 * 31  # Nearly all that leave it base32.
    in_head = unnoticed(without_its_numbers, changed(SAMPLE[1]))
    assert len(in_head) > 16 * 31
    assert unnoticed(without_check, miscopied(SAMPLE[1]))


def test_a_damaged_frame_counts_as_not_seen_and_its_line_is_told() -> None:
    broken = SAMPLE[1][:100] + ("B" if SAMPLE[1][100] == "A" else "A") + SAMPLE[1][101:]
    found = gathered(["", SAMPLE[0], broken, *SAMPLE[2:]])
    assert found.damaged == [3]
    with pytest.raises(BadInput, match=f"^frame 2 of {len(SAMPLE)} missing$"):
        found.content()
    found.add(SAMPLE[1].encode())
    assert found.content() == NOISE


@pytest.mark.parametrize(
    "numbers",
    ["0/7", "8/7", "01/7", "1/07", "1/0", "1/201", "1/1000", "1", "1/7/7", "-1/7", "+1/7"],
)
def test_numbers_that_cannot_be(numbers: str) -> None:
    head = f"{PREFIX}{numbers}:{'A' * 16}:AA:"
    check = base64.b32encode(sha256(head.encode()).digest()[:5]).decode()
    with pytest.raises(BadInput):
        read_frame(head + check)


@pytest.mark.parametrize("chunk", ["", "A", "AAA", "AAAAAA", "AB", "AAAAAAB=", "AA======", "A1"])
def test_parts_that_are_not_written_in_the_one_way(chunk: str) -> None:
    head = f"{PREFIX}1/1:{'A' * 16}:{chunk}:"
    check = base64.b32encode(sha256(head.encode()).digest()[:5]).decode()
    with pytest.raises(BadInput):
        read_frame(head + check)


# ---- what scanners and people do to texts


@pytest.mark.parametrize(
    "made",
    [
        "\r\n".join,
        lambda frames: "\ufeff" + "\n".join(frames),
        "".join,
        " ".join,
        lambda frames: "\n".join(frames).lower(),
        lambda frames: "\n".join(f"  {frame[:50]} {frame[50:]}\t" for frame in frames),
        lambda frames: "\n".join(f'"2026-11-29 06:20:11","QR_CODE","{f}","x"' for f in frames),
        lambda frames: "\n".join(f"QR-Code:{frame}" for frame in frames),
        lambda frames: "Scanned:\n\n" + "\n\n".join(f"{f} 2026-11-29" for f in frames),
    ],
)
def test_what_stands_around_a_frame_is_no_concern(made: Callable[[list[str]], str]) -> None:
    assert gathered(made(list(SAMPLE)).split("\n")).content() == NOISE


@given(st.binary(max_size=500))
def test_no_line_is_too_strange_to_be_passed_over(line: bytes) -> None:
    found = Gathering()
    found.add(line)
    found.add(PREFIX.encode() + line)
    assert (found.whole, found.begun) == ([], [])


# ---- more than one file, and such as are none


def test_frames_of_another_file_do_no_harm_and_are_told() -> None:
    other = write_frames(NOISE[::-1])
    found = gathered([other[0], *SAMPLE, other[2]])
    assert found.content() == NOISE
    assert [each.missing for each in found.begun] == [(2, *range(4, len(other) + 1))]
    both = gathered([*other, *SAMPLE])
    with pytest.raises(BadInput, match="frames of 2 files"):
        both.content()
    with pytest.raises(BadInput, match="none is whole"):
        gathered([other[0], SAMPLE[0]]).content()
    with pytest.raises(BadInput, match="no frame is here"):
        gathered(["hello"]).content()


def test_the_same_file_split_otherwise_is_told_apart() -> None:
    small = write_frames(NOISE, chars_max=100)
    with pytest.raises(BadInput, match="none is whole"):
        gathered([*small[:-1], *SAMPLE[:-1]]).content()
    assert gathered([*small[:-1], *SAMPLE]).content() == NOISE


def test_two_frames_in_one_place_are_refused_at_once() -> None:
    true = read_frame(SAMPLE[1])
    forged = Frame(transfer=true.transfer, index=2, count=true.count, chunk=b"forged").text()
    with pytest.raises(BadInput, match="two that differ are both 2 of"):
        gathered([SAMPLE[1], forged])
    with pytest.raises(BadInput, match="not those that the transfer was made of"):
        gathered([SAMPLE[0], forged, *SAMPLE[2:]]).content()


@pytest.mark.parametrize(
    "body",
    [b"not compressed", zlib.compress(NOISE)[:-1], zlib.compress(NOISE) + b"x", b"\x78", b"\x00"],
)
def test_a_body_that_is_no_compressed_file_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput):
        gathered(frames_of(body, 8)).content()


# ---- limits, each touched and missed by one


def test_characters_of_a_frame() -> None:
    for size, chars in ((222, FRAME_CHARS_MAX), (223, FRAME_CHARS_MAX + 1)):
        (text,) = frames_of(bytes(size))
        assert len(text) == chars
        if chars <= FRAME_CHARS_MAX:
            assert read_frame(text).chunk == bytes(size)
        else:
            with pytest.raises(TooLarge):
                read_frame(text)
            assert gathered([text]).damaged == [1]
    assert max(map(len, write_frames(NOISE, chars_max=10**9))) <= FRAME_CHARS_MAX
    assert max(map(len, write_frames(NOISE, chars_max=0))) <= FRAME_CHARS_MIN
    assert max(map(len, write_frames(NOISE))) <= FRAME_CHARS


def test_frames_are_counted_from_one() -> None:
    for index, count in ((0, 0), (0, 1), (2, 1)):
        with pytest.raises(BadInput, match="no frame"):
            Frame(transfer="A" * 16, index=index, count=count, chunk=b"x")


def test_frames_of_a_transfer() -> None:
    assert Frame(transfer="A" * 16, index=FRAMES_MAX, count=FRAMES_MAX, chunk=b"x")
    with pytest.raises(TooLarge):
        Frame(transfer="A" * 16, index=1, count=FRAMES_MAX + 1, chunk=b"x")
    noise = Random(2)
    body_most = FRAMES_MAX * 157  # What 300 characters have room for beside a head of 48.
    over = len(zlib.compress(noise.randbytes(31_000), 9)) - 31_000
    most = body_most - over
    content = Random(2).randbytes(most)
    frames = write_frames(content, chars_max=FRAME_CHARS)
    assert len(frames) == FRAMES_MAX
    assert gathered(frames).content() == content
    with pytest.raises(TooLarge, match=f"take {FRAMES_MAX + 1} frames"):
        write_frames(content + b"x", chars_max=FRAME_CHARS)


def test_bytes_of_a_file() -> None:
    content = bytes(FILE_BYTES_MAX)
    assert gathered(write_frames(content)).content() == content
    with pytest.raises(TooLarge):
        write_frames(content + b"\0")
    with pytest.raises(TooLarge):
        gathered(frames_of(zlib.compress(bytes(FILE_BYTES_MAX + 1), 9), 200)).content()


def test_what_would_expand_beyond_all_bounds_is_not_expanded() -> None:
    bomb = gathered(frames_of(zlib.compress(bytes(28_000_000), 9), FRAMES_MAX))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            bomb.content()
        assert tracemalloc.get_traced_memory()[1] < 3 * FILE_BYTES_MAX
    finally:
        tracemalloc.stop()


def test_lines_and_all_their_bytes() -> None:
    found = gathered([""] * (LINES_MAX - 1))
    found.add(SAMPLE[0].encode())
    with pytest.raises(TooLarge, match="lines"):
        found.add(b"\n")
    long = Gathering()
    long.add(b" " * (TEXT_BYTES_MAX - len(SAMPLE[0])))
    long.add(SAMPLE[0].encode())
    assert long.held == 1
    with pytest.raises(TooLarge, match="bytes"):
        long.add(b"\n")


def test_files_told_apart_at_once() -> None:
    many = [write_frames(NOISE[i:])[0] for i in range(TRANSFERS_MAX + 1)]
    found = gathered(many[:-1])
    assert len(found.begun) == TRANSFERS_MAX
    with pytest.raises(TooLarge, match="files"):
        found.add(many[-1].encode())


# ---- the reference


def stranger(lines: Iterable[str]) -> bytes:
    """Read good frames as the reference says, with nothing of ours."""
    chunks: dict[int, bytes] = {}
    for line in lines:
        start, numbers, transfer, chunk, check = line.split(":")
        assert start == "TANSIQ1-FRAME"
        head = line[: -len(check)]
        assert base64.b32encode(sha256(head.encode()).digest())[:8].decode() == check
        index, count = map(int, numbers.split("/"))
        chunks[index] = base64.b32decode(chunk + "=" * (-len(chunk) % 8))
    body = b"".join(chunks[i] for i in range(1, count + 1))
    assert base64.b32encode(sha256(body).digest())[:16].decode() == transfer
    return zlib.decompress(body)


def test_a_stranger_reads_them() -> None:
    assert stranger(SAMPLE) == NOISE


def test_the_example_of_the_reference_is_one() -> None:
    example = re.findall(rf"^{PREFIX}[0-9].*$", NOTES.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(example) == 2
    assert gathered(example).content() == stranger(example) == b'{"letters":[]}\n'


@pytest.mark.parametrize(
    "limit", [FRAMES_MAX, FRAME_CHARS_MAX, FILE_BYTES_MAX, LINES_MAX, TEXT_BYTES_MAX, TRANSFERS_MAX]
)
def test_the_reference_names_the_limits(limit: int) -> None:
    section = NOTES.read_text(encoding="utf-8").split("\n## Frames\n")[1].split("\n## ")[0]
    assert f"{limit:,}" in section
