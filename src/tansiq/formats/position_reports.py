"""What parsers of live positions share: reports and refusals of a piece of input, and odd values.

A position that cannot be is refused whole. Any other value that no aircraft can have is left out of
its report and counted: that somebody is there matters more than how fast the receiver thinks he is.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

from tansiq.domain.track import CALLSIGN_CHARS_MAX, Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput

FOOT_M: Final = 0.3048
KNOT_MPS: Final = 1_852 / 3_600
FOOT_PER_MINUTE_MPS: Final = 0.3048 / 60
NAUTICAL_MILE_M: Final = 1_852.0


class Refusal(StrEnum):
    """Why something that arrived became no report, or a report without one of its values."""

    MALFORMED = "malformed"
    """Not what the format says: torn, garbled, or something else altogether."""
    TOO_LARGE = "too-large"
    """One message above ``limits.position_frame_bytes_max``; what follows it is read again."""
    NO_ADDRESS = "no-address"
    """Nothing says whose it is."""
    NO_POSITION = "no-position"
    """No position yet, or 0, 0, which devices send that have none."""
    BAD_POSITION = "bad-position"
    """A position, or a time, that is not on earth."""
    NO_TIME = "no-time"
    STALE = "stale"
    """So old, or past its end, that its source says so itself."""
    NOT_AIRCRAFT = "not-aircraft"
    """People, vehicles, marks on a map, and what programs say to each other."""
    VALUE_LEFT_OUT = "value-left-out"
    """The report counts; a height or speed in it was impossible and is left out."""
    NEEDS_EXTRA = "needs-extra"
    """A form that needs an optional library, which is not installed."""
    FORGOTTEN = "forgotten"
    """More aircraft than ``limits.position_addresses_max``: what was known of the one heard longest
    ago was given up."""


@dataclass(slots=True)
class Parsed:
    """What came out of a piece of input."""

    reports: list[PositionReport] = field(default_factory=list)
    refused: Counter[Refusal] = field(default_factory=Counter)
    messages: int = 0
    stale_times: list[datetime] = field(default_factory=list)
    """When what its sender no longer stands by was measured: it tells of the sender's clock."""

    def add(
        self, *, address: str, time: datetime, lat_deg: float, lng_deg: float, **values: Any
    ) -> None:
        """Add the report with these values, or the reason why there is none."""
        if lat_deg == 0 == lng_deg:
            self.refused[Refusal.NO_POSITION] += 1
            return
        try:
            position = LatLng(lat_deg, lng_deg)
        except BadInput:
            self.refused[Refusal.BAD_POSITION] += 1
            return
        while True:
            try:
                report = PositionReport(
                    address=Address(address), time=time, position=position, **values
                )
            except BadInput as error:
                # Each round takes one value away, and the three that stay are no values.
                if error.field not in values:
                    self.refused[Refusal.NO_ADDRESS] += 1
                    return
                del values[error.field]
                self.refused[Refusal.VALUE_LEFT_OUT] += 1
            else:
                self.reports.append(report)
                return

    def take(self, other: "Parsed") -> None:
        """Add what another piece gave."""
        self.reports += other.reports
        self.refused.update(other.refused)
        self.messages += other.messages
        self.stale_times += other.stale_times


def icao(hex_digits: str) -> str | None:
    """Return the address for six hexadecimal digits, ``~`` before them meaning that they are not
    ICAO's; None where they are not that."""
    text = hex_digits.strip().lower()
    kind, digits = ("other", text[1:]) if text.startswith("~") else ("icao", text)
    if len(digits) != _ICAO_DIGITS or not _HEX.issuperset(digits):
        return None
    return f"{kind}:{digits}"


_ICAO_DIGITS: Final = 6
_HEX: Final = frozenset("0123456789abcdef")


def named(kind: str, name: str) -> str:
    """Return an address for a name of any length and script; different names stay different."""
    text = quote(name, errors="surrogatepass", safe="!#$&'()*+,/:;=?@[]-._~{}|^`<>\"\\")
    if len(text) <= _NAME_CHARS_MAX:
        return f"{kind}:{text}"
    return f"{kind}:{text[:60]}%{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


_NAME_CHARS_MAX: Final = 100


def shown(callsign: str) -> str:
    """Return a call sign without padding, cut to what a report holds; unprintable ones are none."""
    text = callsign.strip(" \0")[:CALLSIGN_CHARS_MAX]
    return text if text.isprintable() else ""
