"""What reads each kind of feed."""

from collections.abc import Callable

from tansiq.clock import Clock
from tansiq.domain.draft import Datum
from tansiq.feed_settings import FeedKind, FeedSource
from tansiq.feeds.streams import StreamParser
from tansiq.formats import aircraft_json, positions_json
from tansiq.formats.beast import AvrFrames, BeastFrames
from tansiq.formats.cot import CotParser
from tansiq.formats.mode_s import RawParser
from tansiq.formats.position_reports import Parsed
from tansiq.formats.sbs import SbsParser
from tansiq.settings import Limits


def document_parser(source: FeedSource, limits: Limits) -> Callable[[bytes], Parsed]:
    """Return what reads one file or answer of a polled feed."""
    if source.kind is FeedKind.POSITIONS:
        return lambda data: positions_json.parse(data, count_max=limits.position_addresses_max)
    return lambda data: aircraft_json.parse(
        data,
        age_s_max=limits.position_age_max.total_seconds(),
        aircraft_max=limits.position_addresses_max,
    )


def stream_parser(source: FeedSource, limits: Limits, clock: Clock) -> StreamParser:
    """Return a new reader of one connection.

    Raises:
        BadInput: a library for it is not installed.
    """
    addresses_max = limits.position_addresses_max
    if source.kind in (FeedKind.BEAST, FeedKind.AVR):
        frames = BeastFrames() if source.kind is FeedKind.BEAST else AvrFrames()
        return RawParser(frames, addresses_max=addresses_max, monotonic_s=clock.monotonic_s)
    if source.kind is FeedKind.COT:
        return cot_parser(source, limits)
    return SbsParser(addresses_max=addresses_max, datum=Datum(source.datum))


def cot_parser(source: FeedSource, limits: Limits) -> CotParser:
    """Return a new reader of events, from a stream or in datagrams."""
    return CotParser(datum=Datum(source.datum), frame_bytes_max=limits.position_frame_bytes_max)
