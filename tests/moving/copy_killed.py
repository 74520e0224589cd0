"""``copy_killed.py HOW DATA URL LINES``: a copy killed at each of these lines, and taken up again.

For each line one word: ``same`` where the second run ended well and the database holds what the
file does, ``different`` where it holds something else, or what the second run said. LINES may be
empty: then it prints how many lines of the copy there are.

HOW ``half`` takes none of them up again. The controls commit the mark apart from the rows, or not
at all, and are killed in between.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from stored import emptied, in_database, in_file

from tansiq.clock import SystemClock
from tansiq.errors import TansiqError
from tansiq.moving import copying, source, target
from tansiq.settings import load_settings
from tansiq.storage.postgres import PostgresStore

FILES = ("moving/copying.py", "moving/target.py", "moving/source.py")
AT_BATCH = 9

source.CHUNK_ROWS = target.CHUNK_ROWS = 8  # type: ignore[misc] # Many batches of a small store.
source._BATCH_CHUNKS = 2  # type: ignore[misc]


async def _rows(self: target.Target, batch: source.Batch) -> None:
    await self._connection.copy_records_to_table(
        batch.table.name, records=batch.rows, columns=batch.table.columns
    )


async def _moved(self: target.Target, mark: target.Mark) -> None:
    await self._connection.execute(target._MOVE_MARK, self._step, target._written(mark))
    self._step += 1


async def rows_first(self: target.Target, batch: source.Batch, mark: target.Mark) -> None:
    await _rows(self, batch)
    _maybe_killed(self)
    await _moved(self, mark)


async def mark_first(self: target.Target, batch: source.Batch, mark: target.Mark) -> None:
    await _moved(self, mark)
    _maybe_killed(self)
    await _rows(self, batch)


async def no_mark(self: target.Target, batch: source.Batch, mark: target.Mark) -> None:
    await _rows(self, batch)
    self._step += 1
    _maybe_killed(self)


CONTROLS: dict[str, Callable[..., Any]] = {
    "rows first": rows_first,
    "mark first": mark_first,
    "no mark": no_mark,
}
_killing = [False]


def _maybe_killed(self: target.Target) -> None:
    if _killing[0] and self._step >= AT_BATCH:
        os.kill(os.getpid(), signal.SIGKILL)


def copied(data: Path, url: str) -> None:
    request = copying.Request(settings=load_settings(data), database=url)
    asyncio.run(copying.copy(request, SystemClock(), lambda _: None))


def killed_at(line: int) -> list[int]:
    """Have this process end at that line; return where lines are counted."""
    count = [0]

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.endswith(FILES):
            return None
        if event == "line":
            count[0] += 1
            if count[0] == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    return count


def apart(work: Callable[[], str]) -> str | None:
    """Run in a process of its own; None: it was killed."""
    readable, writable = os.pipe()
    if child := os.fork():
        os.close(writable)
        with os.fdopen(readable, "rb") as pipe:
            said = pipe.read().decode()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return None
        assert os.WEXITSTATUS(status) == 0, said
        return said
    code = 1
    try:
        os.write(writable, work().encode())
        code = 0
    finally:
        os._exit(code)


def first(data: Path, url: str, line: int) -> str:
    count = killed_at(line)
    _killing[0] = True
    copied(data, url)
    sys.settrace(None)
    return str(count[0])


def refused(url: str) -> str:
    """Report whether a node would refuse to serve from it."""

    async def opened() -> str:
        try:
            store = await PostgresStore.open(url)
        except TansiqError as error:
            return error.message
        await store.close()
        return ""

    return asyncio.run(opened())


def again(data: Path, url: str) -> str:
    try:
        copied(data, url)
    except TansiqError as error:
        return error.message
    return "same" if in_file(data) == in_database(url) else "different"


def main(how: str, data: Path, url: str, lines: list[int]) -> None:
    if how in CONTROLS:
        target.Target.put = CONTROLS[how]  # type: ignore[method-assign]
    if not lines and how not in CONTROLS:
        print(apart(lambda: first(data, url, 0)))
        return
    found = []
    for line in lines or [0]:
        emptied(url)
        survived = apart(lambda line=line: first(data, url, line))  # type: ignore[misc]
        assert survived is None, f"line {line} was not reached"
        half = apart(lambda: refused(url)) or ""
        if how == "half":
            found.append(half)
            continue
        found.append([half, apart(lambda: again(data, url))])
    print(json.dumps(found))


if __name__ == "__main__":
    how, data, url, lines = sys.argv[1:]
    main(how, Path(data), url, json.loads(lines))
