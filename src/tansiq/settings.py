"""All limits and all knobs, with their defaults and units.

A limit exists for everything that comes from outside. ``Settings`` is read once from
``tansiq.toml`` in the data folder (written by ``tansiq init``) and passed down as a value.
Every setting is described in ``docs/configuration.md``.
"""

from dataclasses import dataclass, field, fields
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, TypeVar

from tansiq.errors import BadInput
from tansiq.strict_toml import Table, read_toml

FILE: Final = "tansiq.toml"
STORE: Final = "tansiq.db"
OWN_TOKEN: Final = "own.token"  # noqa: S105 - the name of the file


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what others may hand us."""

    body_bytes_max: int = 4_000_000
    """One request body; larger is refused before it is parsed."""
    file_bytes_max: int = 16_000_000
    """One plan, airspace or track file; 1,000 intents of 8 volumes take about 5 MB."""
    json_depth_max: int = 64
    volumes_max: int = 1_000
    """Volumes of one entity."""
    vertices_max: int = 10_000
    """Vertices of one entity, all volumes together (F3548-21)."""
    key_max: int = 50_000
    """OVNs in one key."""
    area_km2_max: float = 2_500.0
    """One volume or query of somebody outside the agreement."""
    area_km2_beyond_max: float = 400.0
    """The same, for what spans longer than a day."""
    plan_ahead_max: timedelta = timedelta(days=30)
    """F3548-21 plan horizon for operational intents."""
    constraint_ahead_max: timedelta = timedelta(days=56)
    subscription_max: timedelta = timedelta(hours=24)
    subscription_skew: timedelta = timedelta(minutes=5)
    url_chars_max: int = 500
    name_chars_max: int = 60
    """Call signs and names."""
    peer_answer_bytes_max: int = 32_000_000
    connections_max: int = 256
    feed_clients_max: int = 100
    header_bytes_max: int = 16_384
    """All headers of one request to the own API."""
    query_chars_max: int = 2_000
    idempotency_keep: timedelta = timedelta(hours=24)
    idempotency_max: int = 10_000
    """Answers kept; the oldest go first when there are more."""
    events_keep: timedelta = timedelta(days=7)
    events_max: int = 50_000
    """Events that a reader of the feed can resume from; the oldest go first."""
    event_bytes_max: int = 64_000
    """A larger subject is not repeated in its event; the reader fetches it by its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """How long we wait, seconds, and for what."""

    peer_request_s: float = 5.0
    retry_first_s: float = 0.25
    """First pause before a failed step is tried again; doubles up to ``retry_last_s``."""
    retry_last_s: float = 10.0
    waiting_poll_s: float = 1.0
    """How often a waiting plan looks whether its blocker has gone."""
    sweep_s: float = 60.0
    """How often the agreement's area is searched for strays of ours, and held entries audited."""
    past_kept: timedelta = timedelta(hours=24)
    """How long after its end a plan or no-go area is ended by the node itself."""
    notify_retry_for: timedelta = timedelta(minutes=30)
    """How long a notification is tried again; then its receiver is shown as not reached."""
    token_life: timedelta = timedelta(minutes=30)
    token_life_max: timedelta = timedelta(hours=1)
    clock_leeway_s: float = 5.0
    """Clocks of F3548-21 participants agree within 5 s."""
    feed_heartbeat_s: float = 15.0
    """Pause after which an idle event feed shows that it is alive."""
    feed_stall_s: float = 30.0
    """A reader of the feed who takes nothing for so long is cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerFile:
    """A token issuer outside the agreement whose RS256 tokens our peer listener accepts."""

    iss: str
    """The ``iss`` claim of its tokens."""
    public_key: Path
    """PEM file of its RSA public key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One node's configuration."""

    data: Path
    """Folder of the store, keys and own token."""
    party: str
    """Our id in the agreement."""
    agreement: Path
    own_port: int = 8080
    """Own API, loopback only."""
    peer_host: str = "127.0.0.1"
    peer_port: int = 8443
    """Peer-facing listener: F3548 register and USS."""
    peer_tls: bool = True
    """Plain http is refused except on loopback."""
    audiences: tuple[str, ...] = ()
    """Host names that tokens may be made out to, besides the host of our URL in the agreement."""
    issuers: tuple[IssuerFile, ...] = ()
    limits: Limits = field(default_factory=Limits)
    timers: Timers = field(default_factory=Timers)


def is_loopback(host: str) -> bool:
    """Report whether a host name or address means this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def load_settings(data: Path) -> Settings:
    """Read ``tansiq.toml`` of a data folder; relative paths in it start from that folder.

    Raises:
        BadInput: no such file, or something in it is wrong; the field is its path in the file.
    """
    file = data / FILE
    try:
        content = file.read_bytes()
    except OSError as error:
        remedy = f"is this a data folder? `tansiq init --data {data}` makes one"
        raise BadInput(f"cannot be read ({error.strerror}); {remedy}", field=str(file)) from error
    return read_settings(data, content)


def read_settings(data: Path, content: bytes) -> Settings:
    """Read settings from the bytes of their file, for a data folder.

    Raises:
        BadInput: as in ``load_settings``.
    """
    return _settings(data, read_toml(content, _KEYS, name=str(data / FILE)))


def load_own_token(data: Path) -> str:
    """Read the bearer token of a node's own API from its data folder.

    Raises:
        BadInput: no such file, not ours to read, or it does not hold a token.
    """
    file = data / OWN_TOKEN
    try:
        token = file.read_text("ascii").strip()
    except OSError as error:
        remedy = "run as the user that runs the node, on its machine"
        raise BadInput(f"cannot be read ({error.strerror}); {remedy}", field=str(file)) from error
    except UnicodeDecodeError as error:
        raise BadInput("holds something else than a token", field=str(file)) from error
    if len(token) < _OWN_TOKEN_CHARS_MIN or not token.isprintable():
        raise BadInput(
            f"not {_OWN_TOKEN_CHARS_MIN} or more characters on one line", field=str(file)
        )
    return token


def _settings(data: Path, top: Table) -> Settings:
    host = top.text("peer_host", default="127.0.0.1", chars_max=253)
    tls = top.flag("peer_tls", default=True)
    if not tls and not is_loopback(host):
        raise top.wrong("peer_tls", f"plain http is for this machine only, and {host} is not")
    own_port = top.whole("own_port", default=8080, low=1, high=65_535)
    peer_port = top.whole("peer_port", default=8443, low=1, high=65_535)
    if own_port == peer_port:
        raise top.wrong("peer_port", f"{peer_port} is own_port too; choose another")
    timers = _overridden(Timers(), top, "timers")
    if timers.token_life > timers.token_life_max:
        raise top.wrong("timers.token_life", "longer than token_life_max: no peer would take it")
    return Settings(
        data=data,
        party=top.text("party", chars_max=60),
        agreement=data / top.text("agreement", default="agreement.toml"),
        own_port=own_port,
        peer_host=host,
        peer_port=peer_port,
        peer_tls=tls,
        audiences=tuple(
            name.lower() for name in top.texts("audiences", count_max=32, chars_max=253)
        ),
        issuers=tuple(
            IssuerFile(iss=entry.text("iss"), public_key=data / entry.text("public_key"))
            for entry in top.tables("issuer", ("iss", "public_key"), count_max=32)
        ),
        limits=_overridden(Limits(), top, "limits"),
        timers=timers,
    )


_KEYS: Final = (
    "party",
    "agreement",
    "own_port",
    "peer_host",
    "peer_port",
    "peer_tls",
    "audiences",
    "issuer",
    "limits",
    "timers",
)
_CEILING: Final[dict[str, float]] = {
    # Python's own recursion ends not far above this.
    "json_depth_max": 200,
    # F3548-21: a token is good for an hour at most.
    "token_life_max": 3_600,
}
_OWN_TOKEN_CHARS_MIN: Final = 32
_NUMBER_MAX: Final = 1_000_000_000
_SECONDS_MAX: Final = 86_400
_DURATION_MAX: Final = timedelta(days=365)

Knobs = TypeVar("Knobs", Limits, Timers)


def _overridden(defaults: Knobs, top: Table, name: str) -> Knobs:
    """Return the defaults with what the file's table says otherwise, by the type of each."""
    table = top.table(name, [knob.name for knob in fields(defaults)], required=False)
    values: dict[str, Any] = {}
    for knob in fields(defaults):
        default, ceiling = getattr(defaults, knob.name), _CEILING.get(knob.name)
        if knob.name not in table:
            values[knob.name] = default
        elif isinstance(default, timedelta):
            high = timedelta(seconds=ceiling) if ceiling else _DURATION_MAX
            values[knob.name] = table.duration(knob.name, high=high)
        elif isinstance(default, int):
            values[knob.name] = table.whole(knob.name, low=1, high=int(ceiling or _NUMBER_MAX))
        else:
            high_number = _SECONDS_MAX if knob.name.endswith("_s") else _NUMBER_MAX
            values[knob.name] = table.number(knob.name, low=0.001, high=ceiling or high_number)
    return type(defaults)(**values)
