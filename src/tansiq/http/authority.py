"""Who calls, and what they may do: checks the bearer tokens of incoming F3548 requests.

Two kinds of issuer, each with one list of algorithms of its own. A party of the agreement signs for
itself with the Ed25519 key in the agreement; an issuer named in the settings signs RS256 for
suppliers outside it, and never for a party. What the token may be used for is left to the routes.
"""

import base64
import binascii
import hashlib
import json
import warnings
from collections import OrderedDict
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import OKPKey
from starlette.datastructures import Headers

from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement, Party
from tansiq.errors import AgreementMismatch, BadInput, Forbidden, Unauthenticated
from tansiq.http.issuers import Issuer, TrustedKey, trusted
from tansiq.services.parties import party_caller
from tansiq.services.register import Caller
from tansiq.settings import Limits, Settings, is_loopback

_TOKEN_CHARS_MAX: Final = 8_192
_CLAIM_CHARS_MAX: Final = 1_000
_REMEMBERED_MAX: Final = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody whose token was good."""

    id: str
    """The ``sub`` claim, hence ``manager`` of what they write."""
    scopes: frozenset[str]
    party: Party | None
    """Their entry in the agreement; None for somebody outside it."""
    agreement_digest: str | None
    """The agreement that their node holds, by its own word; parties only."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Whose word is taken for what, and how it must be signed."""

    issuer: Issuer
    algorithms: tuple[str, ...]
    party: Party | None


@dataclass(frozen=True, slots=True)
class _Remembered:
    identity: Identity
    source: _Source
    key: TrustedKey
    """What the signature was checked with: once it is withdrawn, the token is nothing."""
    not_before_s: float
    expires_s: float


class Authority:
    """Checks tokens, and remembers good ones until they expire.

    Raises:
        BadInput: our party is not in the agreement, or an issuer has the name of a party.
    """

    def __init__(
        self,
        agreement: Agreement,
        settings: Settings,
        clock: Clock,
        issuers: Sequence[Issuer] = (),
        versions: Container[str] = (),
        reserved: Callable[[], Container[str]] = frozenset,
    ) -> None:
        """``reserved`` says which names no issuer gives to anybody, besides our parties'."""
        self._digest = agreement.digest
        self._reserved = reserved
        self._versions = versions
        self._timers = settings.timers
        self._clock = clock
        self._audiences = _audiences(agreement, settings)
        self._parties = frozenset(party.id for party in agreement.parties)
        # Ed25519 is the name of RFC 9864; EdDSA is what older libraries call the same.
        self._sources: dict[str, _Source] = {
            party.id: _Source(_party_issuer(party), ("Ed25519", "EdDSA"), party)
            for party in agreement.parties
        }
        for issuer in issuers:
            if issuer.iss in self._sources:
                raise BadInput(f"{issuer.iss} is named twice, or a party too", field="issuer.iss")
            self._sources[issuer.iss] = _Source(issuer, ("RS256",), None)
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()

    def caller(self, headers: Headers, needed: Collection[str], *, places: bool = True) -> Identity:
        """Return who sent a request, provided that they hold one of the scopes ``needed``.

        A party whose node has gone over to the next version already, or not yet, reads, tells and
        takes back; what ``places`` needs the same version.

        Raises:
            Unauthenticated: no token, or not a good one.
            Forbidden: the token is good and holds none of the scopes.
            AgreementMismatch: a party whose node holds another agreement than ours.
        """
        identity = self._identity(_bearer(headers))
        digest = identity.agreement_digest
        if identity.party is not None and digest != self._digest:
            self._check_version(digest, places=places)
        if needed and identity.scopes.isdisjoint(needed):
            raise Forbidden(f"the token needs the scope {' or '.join(sorted(needed))}")
        return identity

    def _check_version(self, digest: str | None, *, places: bool) -> None:
        if digest is None or digest not in self._versions:
            raise AgreementMismatch(mismatch_sentence(digest, self._digest))
        if places:
            raise AgreementMismatch(
                f"your node is at another version of the agreement ({digest[:8]!r}) than ours "
                f"({self._digest[:8]!r}): nothing is placed between them; have the one behind go "
                "over (`tansiq agreement adopt`)"
            )

    def _identity(self, token: str) -> Identity:
        now_s = self._clock.now().timestamp()
        name = hashlib.sha256(token.encode()).digest()
        known = self._remembered.get(name)
        if known is None or known.key not in self._keys(known.source):
            self._remembered.pop(name, None)
            known = self._verified(token, now_s)
            self._remembered[name] = known
            if len(self._remembered) > _REMEMBERED_MAX:
                self._remembered.popitem(last=False)
        if known.expires_s <= now_s - self._timers.clock_leeway_s:
            self._remembered.pop(name, None)
            raise Unauthenticated("the token has expired; ask for a new one", field="exp")
        if known.not_before_s > now_s + self._timers.clock_leeway_s:
            self._remembered.pop(name, None)
            raise Unauthenticated("the token is not valid yet; compare clocks", field="nbf")
        if known.identity.party is None:
            self._check_nobodys(known.identity.id)  # One may have joined since.
        return known.identity

    def _verified(self, token: str, now_s: float) -> _Remembered:
        header, claims = _unverified(token)
        iss, sub = _text(claims, "iss"), _text(claims, "sub")
        source = self._sources.get(iss)
        if source is None:
            raise Unauthenticated(f"no issuer {iss[:60]!r} is known here", field="iss")
        key = self._check_signature(token, header, source)
        if source.party is not None and sub != iss:
            raise Unauthenticated("a party signs for itself: sub must be equal to iss", field="sub")
        if source.party is None:
            self._check_nobodys(sub)
        self._check_audience(claims)
        not_before_s, expires_s = self._times(claims, now_s)
        agreement = claims.get("agreement")
        identity = Identity(
            id=sub,
            scopes=frozenset(_text(claims, "scope", default="").split(" ")) - {""},
            party=source.party,
            agreement_digest=agreement if source.party and isinstance(agreement, str) else None,
        )
        return _Remembered(identity, source, key, not_before_s, expires_s)

    def _check_nobodys(self, sub: str) -> None:
        """Refuse the name of who signs for itself, here or elsewhere in the pool.

        Else an issuer could write and end plans in the name of a party.
        """
        if sub in self._parties or sub in self._reserved():
            raise Unauthenticated(f"{sub} is a party and signs with its own key", field="sub")

    def _times(self, claims: Mapping[str, Any], now_s: float) -> tuple[float, float]:
        """Return from when until when a token is good, without the leeway."""
        leeway_s, expires_s = self._timers.clock_leeway_s, _seconds(claims, "exp")
        if expires_s > now_s + self._timers.token_life_max.total_seconds() + leeway_s:
            raise Unauthenticated(
                f"expires more than {self._timers.token_life_max} ahead", field="exp"
            )
        # Two clocks may each be off by the leeway, and only nbf is written with that in mind.
        if "iat" in claims and _seconds(claims, "iat") > now_s + 2 * leeway_s:
            raise Unauthenticated("made in the future; compare clocks", field="iat")
        return _seconds(claims, "nbf") if "nbf" in claims else 0.0, expires_s

    def _keys(self, source: _Source) -> tuple[TrustedKey, ...]:
        clock, keep = self._clock, self._timers.jwks_keep
        return source.issuer.believed(clock.now(), clock.monotonic_s(), keep)

    def _check_signature(
        self, token: str, header: Mapping[str, Any], source: _Source
    ) -> TrustedKey:
        """Return the key that a token was signed with."""
        if header.get("alg") not in source.algorithms:
            wanted = " or ".join(source.algorithms)
            raise Unauthenticated(f"this issuer signs with {wanted}", field="alg")
        kid, keys = header.get("kid"), self._keys(source)
        if kid is not None and not isinstance(kid, str):
            raise Unauthenticated("not text", field="kid")
        if not keys:
            # Why not is for our own people: the sentence names hosts of ours.
            source.issuer.wanted.set()
            raise Unauthenticated(
                f"the keys of issuer {source.issuer.iss[:60]!r} could not be read here, or not for "
                f"more than {self._timers.jwks_keep}; they are asked for again",
                field="iss",
            )
        candidates = [key for key in keys if kid is None or key.kid in (None, kid)]
        if not candidates:
            source.issuer.wanted.set()
            raise Unauthenticated(
                f"no key {kid[:60] if kid else kid!r} of this issuer is known here yet; "
                "its keys are read again, so try again in a minute",
                field="kid",
            )
        for key in candidates:
            if _is_signed(token, key, source.algorithms):
                return key
        raise Unauthenticated("the signature is not good", field="Authorization")

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        given = claims.get("aud")
        names = given if isinstance(given, list) else [given]
        if not any(isinstance(name, str) and name.lower() in self._audiences for name in names):
            accepted = ", ".join(sorted(self._audiences))
            raise Unauthenticated(f"not made out to this node ({accepted})", field="aud")


def register_caller(identity: Identity, agreement: Agreement, limits: Limits) -> Caller:
    """Return what the register needs to know; a party may name areas as large as agreed."""
    if identity.party is not None:
        return party_caller(identity.id, agreement, limits, identity.scopes)
    return Caller(
        id=identity.id,
        scopes=identity.scopes,
        area_km2_max=limits.area_km2_max,
        area_km2_beyond_max=limits.area_km2_beyond_max,
    )


def mismatch_sentence(theirs: str | None, ours: str) -> str:
    """Say that two nodes hold different agreements, so that a desk knows what to compare."""
    if theirs is None:
        return "your token names no agreement; a party's token carries the digest of its file"
    return (
        f"your agreement starts with {theirs[:8]!r}, ours with {ours[:8]!r}; "
        "compare the files (SHA-256) and use the same bytes on both sides"
    )


def _audiences(agreement: Agreement, settings: Settings) -> frozenset[str]:
    own = agreement.party(settings.party)
    if own is None:
        ids = ", ".join(party.id for party in agreement.parties)
        raise BadInput(
            f"{settings.party} is not a party of the agreement; there are {ids}", field="party"
        )
    names = {urlsplit(own.url).hostname or "", *settings.audiences}
    if is_loopback(settings.peer_host):
        names |= {"127.0.0.1", "localhost", settings.peer_host}
    return frozenset(names - {""})


def _party_issuer(party: Party) -> Issuer:
    issuer = Issuer(party.id)
    key = OKPKey.import_key(Ed25519PublicKey.from_public_bytes(party.public_key))
    issuer.keys = (trusted(key),)
    return issuer


def _bearer(headers: Headers) -> str:
    given = headers.getlist("authorization")
    if not given:
        raise Unauthenticated("send a token: Authorization: Bearer ...", field="Authorization")
    scheme, _, token = given[0].partition(" ")
    token = token.strip()
    if len(given) > 1 or scheme.lower() != "bearer" or not token.isascii():
        raise Unauthenticated("send exactly one bearer token", field="Authorization")
    if len(token) > _TOKEN_CHARS_MAX:
        raise Unauthenticated(
            f"the token has more than {_TOKEN_CHARS_MAX} characters", field="Authorization"
        )
    return token


def _unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims, to know whose key to try; nothing of them is believed yet."""
    parts = token.split(".")
    if len(parts) != 3:
        raise Unauthenticated("not a signed JWT (three parts)", field="Authorization")
    return _decoded(parts[0]), _decoded(parts[1])


def _decoded(part: str) -> dict[str, Any]:
    try:
        value = json.loads(
            base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), object_pairs_hook=_once
        )
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Unauthenticated("not a well-formed JWT", field="Authorization") from error
    if not isinstance(value, dict):
        raise Unauthenticated("not a well-formed JWT", field="Authorization")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: two readers could take a different one of them."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _is_signed(token: str, key: TrustedKey, algorithms: tuple[str, ...]) -> bool:
    try:
        with warnings.catch_warnings():
            # "EdDSA is deprecated": to be accepted, not to be told at every request.
            warnings.simplefilter("ignore", SecurityWarning)
            jwt.decode(token, key.key, algorithms=list(algorithms))
    except (JoseError, ValueError):
        return False
    return True


def _text(claims: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = claims.get(name, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise Unauthenticated("missing or not text", field=name)
    if len(value) > _CLAIM_CHARS_MAX or not value.isprintable():
        raise Unauthenticated(
            f"more than {_CLAIM_CHARS_MAX} characters, or control characters", field=name
        )
    return value


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # The upper bound is the year 9999; NaN fails both comparisons.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 2.6e11:
        raise Unauthenticated("missing or not a time in seconds", field=name)
    return float(value)
