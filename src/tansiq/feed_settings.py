"""Where live positions come from: the ``[[feed]]`` tables of ``tansiq.toml``, and their limits.

Receivers speak plain text on the local network and prove nothing: that is for whoever sets one up
to judge, and no reason to refuse it. What the positions mean is ``formats``' business.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TypedDict
from urllib.parse import SplitResult, urlsplit

from tansiq.strict_toml import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLimits:
    """Bounds on what one feed of positions may hand us; part of ``settings.Limits``."""

    position_age_max: timedelta = timedelta(seconds=60)
    """A position measured longer ago, by our clock, is refused and counted."""
    position_ahead_max: timedelta = timedelta(seconds=5)
    """The same for one that is ahead of our clock. F3548-21's clocks agree within 5 s."""
    position_rate_max: float = 5_000.0
    """Positions a second of one feed; ten seconds' worth may come at once, the rest is dropped."""
    position_queue_max: int = 10_000
    """Datagrams of one feed that wait to be read; the oldest are dropped."""
    position_addresses_max: int = 20_000
    """Aircraft that one feed remembers, or shows in one file."""
    position_poll_bytes_max: int = 32_000_000
    """One file or answer."""
    position_frame_bytes_max: int = 64_000
    """One message of a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTimers:
    """How long feeds of positions are waited for; part of ``settings.Timers``."""

    position_request_s: float = 5.0
    """One poll, or one attempt to connect."""
    position_silent: timedelta = timedelta(seconds=30)
    """A feed that gives no position for so long is shown as silent."""


class FeedKind(StrEnum):
    """What a source of positions speaks."""

    AIRCRAFT_JSON = "aircraft-json"
    """readsb, tar1090, dump1090: the file, or the same over HTTP."""
    SBS = "sbs"
    """BaseStation lines, port 30003."""
    BEAST = "beast"
    """Raw Mode S in Beast frames, port 30005."""
    AVR = "avr"
    """Raw Mode S in hexadecimal lines, port 30002."""
    COT = "cot"
    """Cursor on Target, as XML or as TAK's protobuf."""
    POSITIONS = "positions"
    """What ``POST /api/v1/positions`` takes, in a file or over HTTP."""


TAKEN: Final = frozenset({"f3548", "own", "api"})
"""Names of what is no ``[[feed]]``: peers' telemetry, our own reports, what is sent to the API."""
_POLLED: Final = ("file", "http", "https")
SCHEMES: Final = {
    FeedKind.AIRCRAFT_JSON: _POLLED,
    FeedKind.POSITIONS: _POLLED,
    FeedKind.SBS: ("tcp",),
    FeedKind.BEAST: ("tcp",),
    FeedKind.AVR: ("tcp",),
    FeedKind.COT: ("tcp", "tls", "udp"),
}
DATUMS: Final = {
    FeedKind.SBS: ("FL", "W84", "AMSL"),
    FeedKind.COT: ("W84", "AMSL"),
}
"""What heights of a kind may count from, the default first; other kinds say it themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSource:
    """One ``[[feed]]``."""

    name: str
    kind: FeedKind
    url: str
    interval_s: float = 1.0
    """Pause between two polls."""
    datum: str = ""
    """What its heights count from; empty where the format says it."""
    interface: str = ""
    """Our address on the network whose multicast is joined; empty: the machine chooses."""
    authority: Path | None = None
    """PEM file of the certificates that the other side's may come from; None: the machine's."""
    certificate: Path | None = None
    """PEM file of ours, with its key in it or in ``key``; None: we show none."""
    key: Path | None = None
    server_name: str = ""
    """The name in the other side's certificate, where it is not the host of the URL."""

    @property
    def polled(self) -> bool:
        """Whether it is asked again and again, and not sent to us."""
        return SCHEMES[self.kind] == _POLLED

    @property
    def parts(self) -> SplitResult:
        return urlsplit(self.url)


def read_feeds(data: Path, top: Table) -> tuple[FeedSource, ...]:
    """Read the feeds of the settings; relative paths start from the data folder.

    Raises:
        BadInput: a key is wrong; the field is its path in the file.
    """
    entries = top.tables("feed", _KEYS, count_max=32)
    found = tuple(_feed(data, entry) for entry in entries)
    names: set[str] = set()
    for entry, feed in zip(entries, found, strict=True):
        if feed.name in names:
            raise entry.wrong("name", f"{feed.name} is the name of another feed; choose another")
        names.add(feed.name)
    return found


def _feed(data: Path, entry: Table) -> FeedSource:
    name = entry.text("name", chars_max=40)
    if name in TAKEN:
        raise entry.wrong("name", f"{name} is what the node itself calls a source; choose another")
    written = entry.text("kind")
    if written not in list(FeedKind):
        raise entry.wrong("kind", f"{written[:40]!r} is none of {', '.join(FeedKind)}")
    kind = FeedKind(written)
    url = _url(entry, kind)
    if "interval_s" in entry and SCHEMES[kind] != _POLLED:
        raise entry.wrong("interval_s", f"{kind} is sent to us and not polled; leave it out")
    return FeedSource(
        name=name,
        kind=kind,
        url=url,
        interval_s=entry.number("interval_s", low=0.1, high=3_600.0, default=1.0),
        datum=_datum(entry, kind),
        interface=_interface(entry, urlsplit(url)),
        **_tls(data, entry, urlsplit(url)),
    )


def _url(entry: Table, kind: FeedKind) -> str:
    url = entry.text("url")
    shown = " or ".join(f"{scheme}:" for scheme in SCHEMES[kind])
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise entry.wrong("url", f"{url[:60]!r} is no URL: {error}") from error
    if parts.scheme not in SCHEMES[kind]:
        raise entry.wrong("url", f"{kind} comes by {shown} and not by {url[:60]!r}")
    if parts.username is not None or parts.fragment:
        raise entry.wrong("url", "write it without a user and without #")
    if parts.scheme == "file":
        if parts.netloc or not parts.path.startswith("/"):
            raise entry.wrong("url", "write the whole path, such as file:///run/readsb/a.json")
    elif not parts.hostname or port == 0:
        raise entry.wrong("url", f"no host in {url[:60]!r}")
    elif parts.scheme in ("tcp", "tls", "udp") and (port is None or parts.path or parts.query):
        raise entry.wrong("url", f"write {parts.scheme}://HOST:PORT and nothing behind it")
    elif parts.scheme == "udp" and not is_address(parts.hostname):
        raise entry.wrong(
            "url", "write the address to listen at: 0.0.0.0 for all, or a multicast group"
        )
    return url


def _datum(entry: Table, kind: FeedKind) -> str:
    choices = DATUMS.get(kind)
    if choices is None:
        if "datum" in entry:
            raise entry.wrong("datum", f"{kind} says itself what heights count from; leave it out")
        return ""
    datum = entry.text("datum", default=choices[0])
    if datum not in choices:
        raise entry.wrong("datum", f"{datum[:20]!r} is none of {', '.join(choices)}")
    return datum


def _interface(entry: Table, parts: SplitResult) -> str:
    if "interface" not in entry:
        return ""
    address = entry.text("interface", chars_max=45)
    if parts.scheme != "udp" or not ip_address(parts.hostname or "").is_multicast:
        raise entry.wrong("interface", "is for a multicast group; leave it out")
    if not is_address(address):
        raise entry.wrong("interface", "write an address of this machine, such as 192.168.1.5")
    return address


class _Tls(TypedDict, total=False):
    authority: Path
    certificate: Path
    key: Path
    server_name: str


def _tls(data: Path, entry: Table, parts: SplitResult) -> _Tls:
    given = [key for key in _TLS_KEYS if key in entry]
    if given and parts.scheme != "tls":
        raise entry.wrong(given[0], "is for tls:; leave it out")
    if "key" in entry and "certificate" not in entry:
        raise entry.wrong("key", "not without certificate; give both")
    found: _Tls = {}
    if "authority" in entry:
        found["authority"] = data / entry.text("authority")
    if "certificate" in entry:
        found["certificate"] = data / entry.text("certificate")
    if "key" in entry:
        found["key"] = data / entry.text("key")
    if "server_name" in entry:
        found["server_name"] = entry.text("server_name", chars_max=253)
    return found


def is_address(host: str) -> bool:
    """Report whether this is a numeric IPv4 address."""
    try:
        return ip_address(host).version == 4
    except ValueError:
        return False


_TLS_KEYS: Final = ("authority", "certificate", "key", "server_name")
_KEYS: Final = ("name", "kind", "url", "interval_s", "datum", "interface", *_TLS_KEYS)
