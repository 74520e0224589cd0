"""What reads each kind of feed."""

from collections.abc import Callable

from tansiq.domain.draft import Datum
from tansiq.feed_settings import FeedSource
from tansiq.feeds.streams import StreamParser
from tansiq.formats import aircraft_json
from tansiq.formats.position_reports import Parsed
from tansiq.formats.sbs import SbsParser
from tansiq.settings import Limits


def document_parser(source: FeedSource, limits: Limits) -> Callable[[bytes], Parsed]:
    """Return what reads one file or answer of a polled feed."""
    return lambda data: aircraft_json.parse(
        data,
        age_s_max=limits.position_age_max.total_seconds(),
        aircraft_max=limits.position_addresses_max,
    )


def stream_parser(source: FeedSource, limits: Limits) -> StreamParser:
    """Return a new reader of one connection."""
    return SbsParser(addresses_max=limits.position_addresses_max, datum=Datum(source.datum))
