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
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import OKPKey, RSAKey
from starlette.datastructures import Headers

from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement, Party
from tansiq.errors import AgreementMismatch, BadInput, Forbidden, Unauthenticated
from tansiq.services.parties import party_caller
from tansiq.services.register import Caller
from tansiq.settings import IssuerFile, Limits, Settings, is_loopback

_TOKEN_CHARS_MAX: Final = 8_192
_CLAIM_CHARS_MAX: Final = 1_000
_REMEMBERED_MAX: Final = 4_096
_RSA_BITS_MIN: Final = 1_024
"""The conformance suite's well-known key has no more; ``tansiq doctor`` warns below 2048."""


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
class Issuer:
    """A token issuer outside the agreement."""

    iss: str
    key: RSAKey
    bits: int


def read_issuer(file: IssuerFile) -> Issuer:
    """Read an issuer's public key.

    Raises:
        BadInput: no such file, or it does not hold an RSA public key.
    """
    if file.public_key is None:
        raise BadInput("key sets are not read yet; give public_key", field="issuer.jwks")
    where = str(file.public_key)
    try:
        key = load_pem_public_key(file.public_key.read_bytes())
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", field=where) from error
    except ValueError as error:
        raise BadInput("not a public key in PEM", field=where) from error
    if not isinstance(key, RSAPublicKey) or key.key_size < _RSA_BITS_MIN:
        raise BadInput(f"not an RSA key of {_RSA_BITS_MIN} bits or more", field=where)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # Short keys are the doctor's subject.
        return Issuer(file.iss, RSAKey.import_key(key), key.key_size)


@dataclass(frozen=True, slots=True)
class _Source:
    """Whose word is taken for what, and how it must be signed."""

    key: OKPKey | RSAKey
    algorithms: tuple[str, ...]
    party: Party | None


@dataclass(frozen=True, slots=True)
class _Remembered:
    identity: Identity
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
    ) -> None:
        self._digest = agreement.digest
        self._timers = settings.timers
        self._clock = clock
        self._audiences = _audiences(agreement, settings)
        self._parties = frozenset(party.id for party in agreement.parties)
        # Ed25519 is the name of RFC 9864; EdDSA is what older libraries call the same.
        self._sources: dict[str, _Source] = {
            party.id: _Source(_party_key(party), ("Ed25519", "EdDSA"), party)
            for party in agreement.parties
        }
        for issuer in issuers:
            if issuer.iss in self._sources:
                raise BadInput(f"{issuer.iss} is named twice, or a party too", field="issuer.iss")
            self._sources[issuer.iss] = _Source(issuer.key, ("RS256",), None)
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()

    def caller(self, headers: Headers, needed: Collection[str]) -> Identity:
        """Return who sent a request, provided that they hold one of the scopes ``needed``.

        Raises:
            Unauthenticated: no token, or not a good one.
            Forbidden: the token is good and holds none of the scopes.
            AgreementMismatch: a party whose node holds another agreement than ours.
        """
        identity = self._identity(_bearer(headers))
        if identity.party is not None and identity.agreement_digest != self._digest:
            raise AgreementMismatch(mismatch_sentence(identity.agreement_digest, self._digest))
        if needed and identity.scopes.isdisjoint(needed):
            raise Forbidden(f"the token needs the scope {' or '.join(sorted(needed))}")
        return identity

    def _identity(self, token: str) -> Identity:
        now_s = self._clock.now().timestamp()
        name = hashlib.sha256(token.encode()).digest()
        known = self._remembered.get(name)
        if known is None:
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
        return known.identity

    def _verified(self, token: str, now_s: float) -> _Remembered:
        algorithm, claims = _unverified(token)
        iss, sub = _text(claims, "iss"), _text(claims, "sub")
        source = self._sources.get(iss)
        if source is None:
            raise Unauthenticated(f"no issuer {iss[:60]!r} is known here", field="iss")
        _check_signature(token, algorithm, source)
        if source.party is not None and sub != iss:
            raise Unauthenticated("a party signs for itself: sub must be equal to iss", field="sub")
        if source.party is None and sub in self._parties:
            # Else an issuer could write and end plans in the name of a party.
            raise Unauthenticated(f"{sub} is a party and signs with its own key", field="sub")
        self._check_audience(claims)
        expires_s = _seconds(claims, "exp")
        life_max_s = self._timers.token_life_max.total_seconds() + self._timers.clock_leeway_s
        if expires_s > now_s + life_max_s:
            raise Unauthenticated(
                f"expires more than {self._timers.token_life_max} ahead", field="exp"
            )
        agreement = claims.get("agreement")
        identity = Identity(
            id=sub,
            scopes=frozenset(_text(claims, "scope", default="").split(" ")) - {""},
            party=source.party,
            agreement_digest=agreement if source.party and isinstance(agreement, str) else None,
        )
        not_before_s = _seconds(claims, "nbf") if "nbf" in claims else 0.0
        return _Remembered(identity, not_before_s, expires_s)

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


def _party_key(party: Party) -> OKPKey:
    return OKPKey.import_key(Ed25519PublicKey.from_public_bytes(party.public_key))


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


def _unverified(token: str) -> tuple[object, dict[str, Any]]:
    """Return algorithm and claims, to know whose key to try; nothing of them is believed yet."""
    parts = token.split(".")
    if len(parts) != 3:
        raise Unauthenticated("not a signed JWT (three parts)", field="Authorization")
    return _decoded(parts[0]).get("alg"), _decoded(parts[1])


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


def _check_signature(token: str, algorithm: object, source: _Source) -> None:
    wanted = " or ".join(source.algorithms)
    if algorithm not in source.algorithms:
        raise Unauthenticated(f"this issuer signs with {wanted}", field="alg")
    try:
        with warnings.catch_warnings():
            # "EdDSA is deprecated": to be accepted, not to be told at every request.
            warnings.simplefilter("ignore", SecurityWarning)
            jwt.decode(token, source.key, algorithms=list(source.algorithms))
    except (JoseError, ValueError) as error:
        raise Unauthenticated("the signature is not good", field="Authorization") from error


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
