"""Nothing that a receiver, or somebody in its place, sends makes a reader fail, grow or go deaf.

Method: ``fuzzing.assail``, from seeds; a sample runs always, ten minutes of each reader in soak.
The controls are readers with one fault each, of the kinds that were tempting to write: the same
eyes must find every one.
"""

import time
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from tests.feeds.fuzzing import (
    ADDRESSES_MAX,
    FRAME_BYTES_MAX,
    SUBJECTS,
    Found,
    Reader,
    Subject,
    _stream,
    assail,
)
from tests.feeds.sources import reading, receiver, until

from tansiq.feed_settings import DATUMS, FeedKind
from tansiq.formats import cot_frames
from tansiq.formats.beast import BeastFrames
from tansiq.formats.cot import CotParser
from tansiq.formats.mode_s import RawParser
from tansiq.formats.position_reports import Parsed
from tansiq.formats.sbs import SbsParser
from tansiq.settings import Limits

SEED = 20_261_129
SAMPLE, ROUNDS = 1_000, 3
SOAK_S = 600.0


def named(name: str) -> Subject:
    return next(subject for subject in SUBJECTS if subject.name == name)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_a_sample_of_what_means_harm(subject: Subject) -> None:
    counts = Counter[str]()
    for seed in range(SEED, SEED + ROUNDS):
        print(f"seed {seed}")
        counts.update(assail(subject, Random(seed), SAMPLE))
    assert counts["reports"] > SAMPLE / 10, "the good ones are read"
    assert sum(counts.values()) - counts["reports"] > SAMPLE / 10, "and much is refused"


@pytest.mark.soak
@pytest.mark.timeout(SOAK_S + 300)
@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_ten_minutes_of_what_means_harm(subject: Subject) -> None:
    began_s, seed = time.monotonic(), SEED + 1_000
    while time.monotonic() - began_s < SOAK_S:
        print(f"seed {seed}")
        assail(subject, Random(seed), 5_000)
        seed += 1


# Controls


class StrictText(SbsParser):
    """Believes that lines are ASCII."""

    def _line(self, line: bytes, now: datetime, parsed: Parsed) -> None:
        line.decode("ascii")
        super()._line(line, now, parsed)


class BelievesNumbers(SbsParser):
    """Believes that a message has the fields that it should."""

    def _line(self, line: bytes, now: datetime, parsed: Parsed) -> None:
        line.decode("ascii", "replace").split(",")[21]
        super()._line(line, now, parsed)


class KeepsAll(SbsParser):
    """Forgets no aircraft, and no line that does not end."""

    def __init__(self) -> None:
        super().__init__(addresses_max=10**9, line_bytes_max=10**9)


class BelievesLengths(cot_frames.CotFrames):
    """Waits for however much a header announces."""

    def __init__(self) -> None:
        super().__init__(10**9)


class GoesDeaf(BeastFrames):
    """Does not look for the next frame after a type that it does not know."""

    def _frame(self, buffer: bytes, start: int, found: list[bytes]) -> int | None:
        if len(buffer) > start + 1 and buffer[start + 1] not in b"12345":
            return None
        return super()._frame(buffer, start, found)


def believing_lengths() -> CotParser:
    parser = CotParser(frame_bytes_max=FRAME_BYTES_MAX)
    parser._frames = BelievesLengths()
    return parser


def raising(give: Any) -> Reader:
    def feed(data: bytes, now: datetime) -> Parsed:
        if b"\xbf\xff\xff" in data:
            raise IndexError("as takproto does")
        return give(data, now)

    return Reader(feed, ())


BROKEN = {
    "strict text": ("sbs", _stream(lambda: StrictText(addresses_max=ADDRESSES_MAX)), "Unicode"),
    "fields": ("sbs", _stream(lambda: BelievesNumbers(addresses_max=ADDRESSES_MAX)), "IndexError"),
    "keeps all": ("sbs", _stream(KeepsAll), "keeps|good"),
    "lengths": ("cot and tak", _stream(believing_lengths), "keeps|good"),
    "deaf": (
        "beast",
        _stream(lambda: RawParser(GoesDeaf(), addresses_max=20, monotonic_s=time.monotonic)),
        "keeps|good",
    ),
    "library": (
        "datagrams",
        lambda: raising(CotParser(frame_bytes_max=FRAME_BYTES_MAX).datagram),
        "IndexError",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_reader_with_a_fault_is_found(fault: str) -> None:
    name, make, said = BROKEN[fault]
    broken = replace(named(name), make=make)
    with pytest.raises(Found, match=said):
        assail(broken, Random(SEED), 5 * SAMPLE)


# Through a socket


SPOKEN = {"sbs": FeedKind.SBS, "cot and tak": FeedKind.COT, "beast": FeedKind.BEAST}


@pytest.mark.anyio
@pytest.mark.parametrize("name", SPOKEN)
async def test_a_feed_outlives_what_means_harm(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The same bytes over TCP: no error of ours, and what is good afterwards is handed on."""
    subject, random, kind = named(name), Random(SEED), SPOKEN[name]
    limits = Limits(
        position_frame_bytes_max=FRAME_BYTES_MAX,
        position_addresses_max=ADDRESSES_MAX,
        position_age_max=timedelta(days=3_650),
        position_ahead_max=timedelta(days=3_650),
    )
    datum = DATUMS.get(kind, ("",))[0]
    async with (
        receiver() as server,
        reading(kind, server.url, limits=limits, datum=datum) as (feed, sink),
    ):
        await until(lambda: bool(server.writers))
        for _ in range(300):
            await server.send(subject.spoilt(random))
        await until(lambda: feed.health().messages > 100)
        before = len(sink.reports)
        for _ in range(400):
            await server.send(subject.good(random))
        await until(lambda: len(sink.reports) > before)
        assert server.connections == 1
    assert not caplog.records
