"""A feed that polls: files and servers that come, go, grow and garble."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.feeds.sources import ShiftedClock, reading, until, until_health

from tansiq.feed_settings import FeedKind
from tansiq.feeds.health import FeedState
from tansiq.settings import Limits, Timers

pytestmark = pytest.mark.anyio
KIND = FeedKind.AIRCRAFT_JSON


def sky(*aircraft: dict[str, Any], at: datetime | None = None) -> bytes:
    moment = (at or datetime.now(UTC)).timestamp()
    return json.dumps({"now": moment, "messages": 7, "aircraft": list(aircraft)}).encode()


def one(**changes: Any) -> dict[str, Any]:
    return {
        "hex": "a1b2c3",
        "lat": 38.0,
        "lon": -122.0,
        "seen_pos": 0.5,
        "alt_baro": 5000,
    } | changes


def put(file: Path, data: bytes) -> None:
    """Replace a file at once, as receivers do."""
    new = file.with_suffix(".new")
    new.write_bytes(data)
    new.replace(file)


async def test_a_file_is_read_again_and_what_was_handed_on_is_not_again(tmp_path: Path) -> None:
    file = tmp_path / "aircraft json"
    put(file, sky(one()))
    url = f"file://{tmp_path}/aircraft%20json"
    async with reading(KIND, url, interval_s=0.01) as (feed, sink):
        await until(lambda: feed.health().duplicates >= 3)
        assert len(sink.reports) == 1
        put(file, sky(one(lat=38.01)))
        await until(lambda: len(sink.reports) == 2)
        assert feed.health().state is FeedState.OK
        file.unlink()
        health = await until_health(feed, lambda h: h.state is FeedState.FAILING)
        assert "cannot be read: No such file" in health.reason
        put(file, b"<html>")
        await until_health(feed, lambda h: "is no aircraft.json" in h.reason)
        put(file, sky(one(lat=38.02)))
        await until(lambda: len(sink.reports) == 3)
        await until_health(feed, lambda h: h.state is FeedState.OK)


@pytest.mark.parametrize("behind_s", [100.0, -100.0])
async def test_a_clock_that_is_off_shows_and_beyond_the_limits_refuses(
    tmp_path: Path, behind_s: float
) -> None:
    file = tmp_path / "a.json"
    clock = ShiftedClock(timedelta(seconds=behind_s))
    async with reading(KIND, f"file://{file}", clock=clock, interval_s=0.01) as (
        feed,
        sink,
    ):
        for n in range(5):
            put(file, sky(one(hex=f"a1b2c{n}", seen_pos=0.0)))
            await until(lambda n=n: feed.health().ahead + feed.health().too_old == n + 1)
        health = feed.health()
    assert not sink.reports
    assert (health.too_old > 0) is (behind_s > 0)
    assert ("ahead of ours" in health.clock) is (behind_s < 0)
    assert health.behind_s == pytest.approx(behind_s, abs=60.0)


@asynccontextmanager
async def web(answer: list[bytes]) -> AsyncIterator[str]:
    """Serve the last of the answers, as it stands, to everybody; none: say nothing."""

    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer[-1])
            if not answer[-1]:
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # Connected, and then stopped.
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/data/aircraft.json"
        assert all(b"Accept-Encoding: identity" in head for head in heads)
    finally:
        server.close()


def http(body: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n\r\n".encode() + body


async def test_a_server_is_polled_and_each_kind_of_failure_is_named() -> None:
    answer = [http(sky(one()))]
    limits = Limits(position_poll_bytes_max=1_000)
    timers = Timers(retry_first_s=0.01, retry_last_s=0.05, position_request_s=0.5)
    async with (
        web(answer) as url,
        reading(KIND, url, limits=limits, timers=timers, interval_s=0.01) as (feed, sink),
    ):
        await until(lambda: len(sink.reports) == 1)
        for bad, said in (
            (http(b"", "404 Not Found"), "answered 404"),
            (http(b"", "302 Found\r\nLocation: http://127.0.0.1:9/"), "answered 302"),
            (http(b"{}", length=50), "payload"),
            (b"SSH-2.0-x\r\n\r\n", "Bad"),
            (b"", "no answer within 0.5 s"),
            (http(b" " * 1_001), "more than 1000 bytes"),
            (http(b'{"now": 12, "aircraft": []}'), "no time in seconds"),
        ):
            answer.append(bad)
            await until_health(feed, lambda h, said=said: said.lower() in h.reason.lower())
            assert feed.health().state is FeedState.FAILING
        answer.append(http(sky(one(lat=38.01)).ljust(1_000)))
        await until(lambda: len(sink.reports) == 2)
        await until_health(feed, lambda h: h.state is FeedState.OK)


async def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """A pipe would keep a thread of ours for ever."""
    os.mkfifo(tmp_path / "pipe")
    async with reading(KIND, f"file://{tmp_path}/pipe", interval_s=0.01) as (feed, _):
        await until_health(feed, lambda h: "is no file" in h.reason)


async def test_a_large_file_is_parsed_beside_the_loop(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    put(file, sky(*(one(hex=f"{n:06x}") for n in range(5_000))))
    async with reading(KIND, f"file://{file}", interval_s=0.01) as (feed, sink):
        await until(lambda: len(sink.reports) == 5_000)
        put(file, sky(*(one(hex=f"{n:06x}") for n in range(20_001))))
        await until_health(feed, lambda h: "at most 20000" in h.reason)
