"""Tokens that we show to others: signed with the party's own key, so that no issuer is shared.

What is checked in others' tokens is decided in ``http/authority.py``.
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


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str
    until_s: float
    made: datetime
    until: datetime


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
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    def token(self, host: str, scope: str) -> str:
        """Return a token for one host, without port, and one or more scopes parted by spaces."""
        host = host.lower()
        kept = self._kept.get((host, scope))
        if kept is None or self._is_stale(kept):
            kept = self._mint(host, scope)
            self._kept.pop((host, scope), None)
            self._kept[host, scope] = kept
            if len(self._kept) > _KEPT_MAX:
                self._kept.popitem(last=False)
        return kept.token

    def _is_stale(self, kept: _Kept) -> bool:
        """Report whether to make another; on both clocks, because the monotonic one stands still
        while a machine sleeps, and the other one may be set.
        """
        timely = kept.made <= self._clock.now() < kept.until
        return not timely or kept.until_s <= self._clock.monotonic_s()

    def _mint(self, host: str, scope: str) -> _Kept:
        now, life = self._clock.now(), self._timers.token_life
        # Two clocks may each be off by the leeway, and the receiver allows it only once.
        not_before = now - timedelta(seconds=self._timers.clock_leeway_s)
        claims = {
            "iss": self._party,
            "sub": self._party,
            "aud": host,
            "scope": scope,
            "iat": int(now.timestamp()),
            "nbf": int(not_before.timestamp()),
            "exp": int((now + life).timestamp()),
            "jti": self._new_id(),
            "agreement": self._agreement_digest,
        }
        token = jwt.encode({"alg": ALGORITHM}, claims, self._key, algorithms=[ALGORITHM])
        reused = life * _REUSED_FOR
        until_s = self._clock.monotonic_s() + reused.total_seconds()
        return _Kept(token, until_s, now, now + reused)
