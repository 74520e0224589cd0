"""Tokens that we show to parties: signed with the party's own key, so that no issuer is shared.

What is checked in others' tokens is decided in ``http/authority.py``, what we show to hosts outside
the agreement in ``credentials``.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import OKPKey

from tansiq.clock import Clock
from tansiq.settings import Timers

ALGORITHM: Final = "Ed25519"
_KEPT_MAX: Final = 1_024
"""Hosts come from foreign suppliers too, and are not ours to count."""
_REUSED_FOR: Final = 0.8
"""Share of a token's life after which a new one is made: it must outlast the request."""
_TRIED_FOR_S: Final = 30.0
"""A token that is refused when younger is not replaced."""


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str
    made_s: float
    until_s: float
    made: datetime
    until: datetime


class Shelf:
    """Tokens by host and scope, each kept for most of its life; the oldest go when it is full."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, host: str, scope: str) -> str | None:
        """Return a token that will be good for some time yet."""
        kept = self._kept.get((host, scope))
        return None if kept is None or self._is_stale(kept) else kept.token

    def put(self, host: str, scope: str, token: str, life: timedelta) -> None:
        """Keep a token that is good from now on for so long."""
        now, now_s, reused = self._clock.now(), self._clock.monotonic_s(), life * _REUSED_FOR
        self._kept.pop((host, scope), None)
        self._kept[host, scope] = _Kept(
            token, now_s, now_s + reused.total_seconds(), now, now + reused
        )
        if len(self._kept) > _KEPT_MAX:
            self._kept.popitem(last=False)

    def drop(self, host: str, scope: str, token: str) -> bool:
        """Forget a token that was refused; report whether a new one may do better.

        One that was refused as soon as it was made is kept: the next would be refused as well, and
        whoever makes them would be asked at each request.
        """
        kept = self._kept.get((host, scope))
        if kept is None or kept.token != token:
            return True  # Somebody else has seen to it.
        if self._clock.monotonic_s() < kept.made_s + _TRIED_FOR_S:
            return False
        del self._kept[host, scope]
        return True

    def _is_stale(self, kept: _Kept) -> bool:
        """Report whether to make another; on both clocks, because the monotonic one stands still
        while a machine sleeps, and the other one may be set.
        """
        timely = kept.made <= self._clock.now() < kept.until
        return not timely or kept.until_s <= self._clock.monotonic_s()


class Minter:
    """Makes the bearer tokens of one party, and reuses each for most of its life.

    A token names the one host it is for, so its receiver cannot show it to anybody else, and the
    agreement that we hold, so a peer with another notices before anything is decided.
    """

    def __init__(
        self,
        signing_key: Ed25519PrivateKey,
        party: str,
        agreement_digest: str,
        clock: Clock,
        *,
        timers: Timers | None = None,
        new_id: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._key = OKPKey.import_key(signing_key)
        self._party = party
        self._agreement_digest = agreement_digest
        self._clock = clock
        self._timers = timers or Timers()
        self._new_id = new_id
        self.shelf = Shelf(clock)

    def token(self, host: str, scope: str) -> str:
        """Return a token for one host, without port, and one or more scopes parted by spaces."""
        host = host.lower()
        token = self.shelf.get(host, scope)
        if token is None:
            token = self._mint(host, scope)
            self.shelf.put(host, scope, token, self._timers.token_life)
        return token

    def _mint(self, host: str, scope: str) -> str:
        claims = {
            "iss": self._party,
            "sub": self._party,
            "aud": host,
            "scope": scope,
            **lifetime(self._clock.now(), self._timers),
            "jti": self._new_id(),
            "agreement": self._agreement_digest,
        }
        return jwt.encode({"alg": ALGORITHM}, claims, self._key, algorithms=[ALGORITHM])


def lifetime(now: datetime, timers: Timers) -> dict[str, int]:
    """Return the claims that say from when until when a token of ours is good."""
    # Two clocks may each be off by the leeway, and the receiver allows it only once.
    not_before = now - timedelta(seconds=timers.clock_leeway_s)
    return {
        "iat": int(now.timestamp()),
        "nbf": int(not_before.timestamp()),
        "exp": int((now + timers.token_life).timestamp()),
    }
