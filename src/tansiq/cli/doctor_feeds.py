"""What ``tansiq doctor`` says of feeds of positions and of the port for TAK clients."""

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from tansiq.cli.checks import Check, Checks, Verdict
from tansiq.clock import Clock
from tansiq.errors import BadInput
from tansiq.feed_settings import FeedKind, FeedSource
from tansiq.feeds.streams import secured
from tansiq.formats.mode_s import ModeSDecoder
from tansiq.http import cot_stream
from tansiq.settings import Settings

_ANSWER_S: Final = 2.0
_OLD_S: Final = 60.0
_PORTS: Final = {"http": 80, "https": 443}
_RAW: Final = (FeedKind.BEAST, FeedKind.AVR)


def feeds(settings: Settings, clock: Clock) -> Checks:
    """Look whether each feed has what it needs, and whether its source is there."""
    now = clock.now()
    with ThreadPoolExecutor() as pool:  # Else each that does not answer is waited for.
        yield from pool.map(lambda source: _feed(source, now), settings.feeds)
    if settings.cot is not None and settings.cot.tls:
        try:
            cot_stream.secured(settings.cot, settings.data)
        except BadInput as error:
            yield Check("cot", Verdict.FAIL, str(error), "see docs/picture.md")
        else:
            yield Check("cot", Verdict.OK, f"port {settings.cot.port}, with TLS")


def _feed(source: FeedSource, now: datetime) -> Check:
    name = f"feed {source.name}"
    try:
        secured(source)
        if source.kind in _RAW:
            ModeSDecoder(addresses_max=1)
    except (OSError, BadInput) as error:
        return Check(name, Verdict.FAIL, str(error), "see docs/feeds.md")
    scheme = source.parts.scheme
    if scheme == "file":
        return _file(name, Path(unquote(source.parts.path)), now)
    if scheme == "udp":
        return Check(name, Verdict.OK, f"{source.url}: it is sent to us, nobody can be asked")
    host, port = source.parts.hostname or "", source.parts.port or _PORTS.get(scheme, 0)
    try:
        with socket.create_connection((host, port), timeout=_ANSWER_S):
            return Check(name, Verdict.OK, f"{host}:{port} takes a connection")
    except OSError as error:
        said = error.strerror or str(error)
        return Check(name, Verdict.WARN, f"{host}:{port}: {said}", "is the receiver on?")


def _file(name: str, path: Path, now: datetime) -> Check:
    try:
        age_s = now.timestamp() - path.stat().st_mtime
        path.open("rb").close()
    except OSError as error:
        said = f"{path}: {error.strerror}"
        return Check(name, Verdict.WARN, said, "does the receiver write it, and may we read it?")
    if age_s > _OLD_S:
        return Check(name, Verdict.WARN, f"{path} is {age_s:,.0f} s old", "is the receiver on?")
    return Check(name, Verdict.OK, f"{path}, written {max(0.0, age_s):.0f} s ago")
