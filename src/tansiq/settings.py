"""All limits and all knobs, with their defaults and units.

A limit exists for everything that comes from outside. ``Settings`` is read once from
``tansiq.toml`` in the data folder (written by ``tansiq init``) and passed down as a value.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what others may hand us."""

    body_bytes_max: int = 4_000_000
    """One request body; larger is refused before it is parsed."""
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
    idempotency_keep: timedelta = timedelta(hours=24)


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
    notify_retry_for: timedelta = timedelta(minutes=30)
    """How long a notification is tried again; then its receiver is shown as not reached."""
    token_life: timedelta = timedelta(minutes=30)
    token_life_max: timedelta = timedelta(hours=1)
    clock_leeway_s: float = 5.0
    """Clocks of F3548-21 participants agree within 5 s."""


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
    limits: Limits = field(default_factory=Limits)
    timers: Timers = field(default_factory=Timers)
