"""All limits and all knobs, with their defaults and units.

A limit exists for everything that comes from outside. ``Settings`` is read once from
``tansiq.toml`` in the data folder (written by ``tansiq init``) and passed down as a value.
Every setting is described in ``docs/configuration.md``.
"""

from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from tansiq.console_settings import ConsoleSettings, read_console
from tansiq.cot_settings import CotSettings, read_cot
from tansiq.errors import BadInput
from tansiq.feed_settings import FeedLimits, FeedSource, FeedTimers, read_feeds
from tansiq.hook_settings import Hook, read_hooks
from tansiq.logs import LogFormat, LogLevel
from tansiq.loopback import is_loopback as is_loopback
from tansiq.strict_toml import Table, read_toml
from tansiq.token_settings import ClientAuth as ClientAuth
from tansiq.token_settings import Credential as Credential
from tansiq.token_settings import GrantedCredential as GrantedCredential
from tansiq.token_settings import IssuerFile as IssuerFile
from tansiq.token_settings import SignedCredential as SignedCredential
from tansiq.token_settings import read_credentials, read_issuer_file
from tansiq.watch_settings import WatchSettings, read_watch

FILE: Final = "tansiq.toml"
STORE: Final = "tansiq.db"
WORKERS_MAX: Final = 64
EXCHANGES: Final = "exchanges.db"
HISTORY: Final = "history.db"
Choice = TypeVar("Choice", LogFormat, LogLevel)
OWN_TOKEN: Final = "own.token"  # noqa: S105 - the name of the file


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(FeedLimits):
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
    telemetry_age_max: timedelta = timedelta(hours=1)
    """F3548-21 plan horizon for operational intents."""
    constraint_ahead_max: timedelta = timedelta(days=56)
    subscription_max: timedelta = timedelta(hours=24)
    subscription_skew: timedelta = timedelta(minutes=5)
    url_chars_max: int = 500
    name_chars_max: int = 60
    """Call signs and names."""
    peer_answer_bytes_max: int = 32_000_000
    connections_max: int = 256
    jwks_bytes_max: int = 262_144
    """One key set of an issuer."""
    jwks_keys_max: int = 32
    feed_clients_max: int = 100
    tracks_max: int = 20_000
    """Aircraft that are followed at once; more are refused, and the picture says so."""
    watch_clients_max: int = 200
    """Readers of the watch's stream at once."""
    picture_tracks_max: int = 2_000
    """Aircraft in the picture for other programs; those with alarms come first."""
    picture_points_max: int = 20_000
    """Corners of all volumes in that picture; no-go areas come first, then what begins first."""
    intents_per_manager_max: int = 1_000_000
    """References that one manager may hold in our register; our own party has no limit."""
    constraints_per_manager_max: int = 100_000
    subscriptions_per_manager_max: int = 100_000
    """Those made by themselves; implicit ones go with their intents."""
    requests_per_s: float = 2_000.0
    """Of one caller of the peer listener, all routes together."""
    expired_keep: timedelta = timedelta(days=2)
    """How long the register keeps what has ended: longer than its managers need to end it."""
    hearsay_max: int = 1_000
    """Entities that one manager has told us of and no register has shown; the oldest go first."""
    hearsay_bytes_max: int = 32_000_000
    """The same, all their messages together."""
    header_bytes_max: int = 16_384
    """All headers of one request to the own API."""
    query_chars_max: int = 2_000
    idempotency_keep: timedelta = timedelta(hours=24)
    idempotency_max: int = 10_000
    """Answers kept; the oldest go first when there are more."""
    events_keep: timedelta = timedelta(days=7)
    events_max: int = 50_000
    """Events that a reader of the feed can resume from; the oldest go first."""
    reports_keep: timedelta = timedelta(days=45)
    reports_max: int = 1_000
    """Reports of trouble that others filed; the oldest go first, and no reporter has more than a
    fifth of them."""
    accounts_max: int = 200
    sessions_per_account_max: int = 10
    """Of one account; the oldest ends when there are more."""
    feed_tokens_max: int = 50
    logins_at_once: int = 2
    """Passwords that are hashed at the same time, 64 MiB each."""
    logins_waiting: int = 16
    """Further ones that wait for it; more are answered 503."""
    login_tries_name: int = 5
    """Wrong passwords for one account name before the first pause."""
    login_tries_address: int = 30
    """The same from one address, whatever the names."""
    exchanges_keep: timedelta = timedelta(days=45)
    """The record of what passed between us and other nodes, for log sets."""
    exchanges_max: int = 1_000_000
    exchanges_bytes_max: int = 1_000_000_000
    """All of them, compressed; the oldest go first."""
    exchange_body_bytes_max: int = 64_000
    """A longer body is cut in the record, which says so."""
    history_keep: timedelta = timedelta(hours=24)
    """The history of the live picture."""
    history_bytes_max: int = 500_000_000
    """All of it, compressed; the oldest goes first."""
    joins_per_s: float = 1.0
    """Replies to invitations of ours, from everybody together."""
    join_tries_max: int = 100
    """Wrong ones, since an invitation was last opened or answered; then none is taken."""
    letters_max: int = 64
    """Notes in one delivery to another node, or from it."""
    event_bytes_max: int = 64_000
    """A larger subject is not repeated in its event; the reader fetches it by its id."""
    hook_waiting_max: int = 100
    """Events that wait for one program; the oldest are left out when there are more."""
    hook_output_bytes_max: int = 1_000_000
    """What a program may print before it is ended."""
    record_entry_bytes_max: int = 65_535
    """One entry of the record, hence one note."""
    record_page_max: int = 1_000
    """Entries of the record in one answer."""
    record_evidence_max: int = 100
    """Pairs of checkpoints kept against one log, of each kind; the first ones stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers(FeedTimers):
    """How long we wait, seconds, and for what."""

    peer_request_s: float = 5.0
    request_s: float = 10.0
    """One request of another node; then it is answered 503, and has changed nothing."""
    retry_first_s: float = 0.25
    """First pause before a failed step is tried again; doubles up to ``retry_last_s``."""
    retry_last_s: float = 10.0
    waiting_poll_s: float = 1.0
    """How often a waiting plan looks whether its blocker has gone."""
    clean_s: float = 600.0
    """Pause between two clean-ups of what has ended in the register."""
    heartbeat_s: float = 60.0
    """How often our register shows the pool that it is alive, by a write of its own."""
    desk_s: float = 5.0
    """How long the worker that holds the desk may be silent until another takes it."""
    sweep_s: float = 60.0
    """How often the agreement's area is searched for strays of ours, and held entries audited."""
    past_kept: timedelta = timedelta(hours=24)
    """How long after its end a plan or no-go area is ended by the node itself."""
    notify_retry_for: timedelta = timedelta(minutes=30)
    """How long a notification is tried again; then its receiver is shown as not reached."""
    token_life: timedelta = timedelta(minutes=30)
    token_life_max: timedelta = timedelta(hours=1)
    token_retry_last: timedelta = timedelta(minutes=1)
    """Longest pause before an issuer that gave us no token is asked again."""
    jwks_refresh: timedelta = timedelta(minutes=15)
    """How often issuers' keys are read again."""
    jwks_keep: timedelta = timedelta(hours=24)
    """How long issuers' keys count when they cannot be read again."""
    clock_leeway_s: float = 5.0
    """Clocks of F3548-21 participants agree within 5 s."""
    session_idle: timedelta = timedelta(hours=2)
    """A session that is not used for so long has ended; a feed that is read is use."""
    session_life: timedelta = timedelta(hours=16)
    """The longest that a session lasts, used or not: a watch and its handover."""
    first_link_life: timedelta = timedelta(hours=24)
    """How long the first admin account can be made with the link that ``serve`` prints."""
    login_pause_first_s: float = 1.0
    """First pause after too many wrong passwords; doubles with each further one."""
    login_pause_last_s: float = 300.0
    """Longest such pause of an account name."""
    login_pause_address_s: float = 10.0
    """Longest such pause of an address: people share it."""
    hook_run_s: float = 30.0
    """How long a program that is started on an event may run."""
    hook_fresh: timedelta = timedelta(minutes=15)
    """An event that is older when its turn comes starts no program any more."""
    feed_heartbeat_s: float = 15.0
    """Pause after which an idle event feed shows that it is alive."""
    feed_stall_s: float = 30.0
    """A reader of the feed who takes nothing for so long is cut off."""
    picture_s: float = 1.0
    """Shortest pause between two pictures, whoever asks."""
    picture_link_s: float = 10.0
    """How often a map that follows our KML link reads the picture again."""
    picture_ahead: timedelta = timedelta(minutes=15)
    """How long before they begin TAK clients are shown plans and no-go areas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One node's configuration."""

    data: Path
    """Folder of the store, keys and own token."""
    party: str
    """Our id in the agreement."""
    agreement: Path
    database: str | None = None
    """URL of the PostgreSQL database that holds the store; None: a file in the data folder."""
    register_only: bool = False
    """No desk: the register by itself, one instance of the pool that the database is."""
    workers: int = 0
    """Processes that serve this node together over the database; 0: one, and no others beside."""
    desk_host: str = "127.0.0.1"
    """Where the worker that holds the desk listens for the others; elsewhere than here, by TLS."""
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
    credentials: tuple[Credential, ...] = ()
    """Our tokens towards hosts outside the agreement; at most one is without ``hosts``."""
    test_interface: str | None = None
    """URL of the register that test drivers may use us on; None: nobody may."""
    feeds: tuple[FeedSource, ...] = ()
    watch: WatchSettings = field(default_factory=WatchSettings)
    hooks: tuple[Hook, ...] = ()
    clock_error_s: float | None = None
    """Bound on the error of our clock where nothing that disciplines it says one."""
    cot: CotSettings | None = None
    """Where TAK clients connect; None: nowhere."""
    console: ConsoleSettings | None = None
    """Where people on other machines reach the console; None: nowhere."""
    log_format: LogFormat = LogFormat.TEXT
    log_level: LogLevel = LogLevel.WARNING
    limits: Limits = field(default_factory=Limits)
    timers: Timers = field(default_factory=Timers)


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
    taken = (own_port, peer_port)
    cot = read_cot(top, data, taken=taken)
    timers = _overridden(Timers(), top, "timers")
    if timers.token_life > timers.token_life_max:
        raise top.wrong("timers.token_life", "longer than token_life_max: no peer would take it")
    if timers.jwks_keep < timers.jwks_refresh:
        raise top.wrong("timers.jwks_keep", "shorter than jwks_refresh: keys would come and go")
    if timers.session_idle > timers.session_life:
        raise top.wrong("timers.session_idle", "longer than session_life: it would mean nothing")
    return Settings(
        data=data,
        party=top.text("party", chars_max=60),
        agreement=data / top.text("agreement", default="agreement.toml"),
        database=_database(top),
        register_only=top.flag("register_only", default=False),
        workers=top.whole("workers", default=0, low=0, high=WORKERS_MAX),
        desk_host=_desk_host(top),
        own_port=own_port,
        peer_host=host,
        peer_port=peer_port,
        peer_tls=tls,
        audiences=tuple(
            name.lower() for name in top.texts("audiences", count_max=32, chars_max=253)
        ),
        issuers=tuple(
            read_issuer_file(data, entry)
            for entry in top.tables("issuer", ("iss", "public_key", "jwks"), count_max=32)
        ),
        credentials=read_credentials(data, top),
        test_interface=_test_interface(top),
        feeds=read_feeds(data, top),
        watch=read_watch(top),
        hooks=read_hooks(data, top),
        clock_error_s=(
            top.number("clock_error_s", low=0.0, high=999_999.0) if "clock_error_s" in top else None
        ),
        cot=cot,
        console=read_console(top, data, taken=taken + ((cot.port,) if cot else ())),
        log_format=_one_of(top, "log_format", LogFormat.TEXT),
        log_level=_one_of(top, "log_level", LogLevel.WARNING),
        limits=_overridden(Limits(), top, "limits"),
        timers=timers,
    )


def _one_of(top: Table, key: str, default: Choice) -> Choice:
    """Return which of a few words a key is."""
    known: tuple[Choice, ...] = tuple(type(default))
    written = top.text(key, default=default.value, chars_max=40)
    for each in known:
        if each.value == written:
            return each
    words = ", ".join(each.value for each in known)
    raise top.wrong(key, f"{written!r} is not known; write one of {words}")


def check_database(url: str) -> str:
    """Return the URL of a database, if it is one that a node can use.

    Raises:
        BadInput: it is not.
    """
    if not url.startswith(("postgresql://", "postgres://")) or not url.isprintable():
        raise BadInput(
            "write the URL of a PostgreSQL database, such as postgresql://tansiq@db1.example/north",
            field="database",
        )
    return url


def _desk_host(top: Table) -> str:
    host = top.text("desk_host", default="127.0.0.1", chars_max=253)
    if host in ("0.0.0.0", "::"):  # noqa: S104 - refused
        raise top.wrong("desk_host", "the other workers are told it: name one address of this host")
    return host


def _database(top: Table) -> str | None:
    return check_database(top.text("database", chars_max=1_000)) if "database" in top else None


def _test_interface(top: Table) -> str | None:
    table = top.table("test_interface", ("register",), required=False)
    return table.text("register").rstrip("/") if "test_interface" in top else None


_KEYS: Final = (
    "party",
    "agreement",
    "database",
    "register_only",
    "workers",
    "desk_host",
    "own_port",
    "peer_host",
    "peer_port",
    "peer_tls",
    "audiences",
    "issuer",
    "credential",
    "test_interface",
    "feed",
    "console",
    "watch",
    "hook",
    "clock_error_s",
    "cot",
    "log_format",
    "log_level",
    "limits",
    "timers",
)
_CEILING: Final[dict[str, float]] = {
    # Log clients count an entry's bytes in two (c2sp.org/tlog-tiles).
    "record_entry_bytes_max": 65_535,
    # Python's own recursion ends not far above this.
    "json_depth_max": 200,
    # F3548-21: a token is good for an hour at most.
    "token_life_max": 3_600,
    # So long does a withdrawn key count at worst, when its issuer cannot be asked.
    "jwks_keep": 7 * 86_400,
    "jwks_refresh": 86_400,
    # 64 MiB and four threads each.
    "logins_at_once": 16,
    "logins_waiting": 1_000,
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
