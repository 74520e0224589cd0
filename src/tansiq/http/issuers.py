"""The issuers outside the agreement whose word is taken, and the keys that they sign with.

A key stands in a PEM file and is what it is, or in a key set (JWKS) that the issuer changes when it
likes: then a reading counts for ``timers.jwks_keep``. Who reads it when, ``key_sets`` decides.
"""

import asyncio
import base64
import binascii
import warnings
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey, RSAKey

from tansiq.domain.time import zulu
from tansiq.errors import BadInput, TooLarge
from tansiq.services.views import IssuerView
from tansiq.settings import IssuerFile, Limits

RSA_BITS_MIN: Final = 1_024
"""The conformance suite's well-known key has no more; ``tansiq doctor`` warns below 2048."""
_RSA_BITS_MAX: Final = 8_192
"""Checking a signature takes longer the longer the key is, and anybody may send tokens."""
_EXPONENT_BITS_MAX: Final = 32
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key that signatures are checked with; equal to another reading of itself."""

    key: OKPKey | RSAKey = field(compare=False)
    kid: str | None
    thumbprint: str
    bits: int


def trusted(key: OKPKey | RSAKey, *, kid: str | None = None, bits: int = 0) -> TrustedKey:
    """Return a key with what it is recognised by (RFC 7638)."""
    return TrustedKey(key, kid, key.thumbprint(), bits)


class Issuer:
    """One issuer and the keys that it is believed by just now."""

    def __init__(self, iss: str, jwks: str | Path | None = None) -> None:
        self.iss = iss
        self.jwks = jwks
        """Where its key set is; None where its key stands in a PEM file."""
        self.keys: tuple[TrustedKey, ...] = ()
        self.read_at: datetime | None = None
        """When the key set was read last."""
        self.problem: str | None = None
        """Why the latest reading failed; for our own people."""
        self.wanted = asyncio.Event()
        """Set when a token names a key that is not there."""
        self._read_s = 0.0

    def take(self, keys: tuple[TrustedKey, ...], read_at: datetime, read_s: float) -> None:
        """Believe these keys and no others."""
        self.keys, self.read_at, self._read_s, self.problem = keys, read_at, read_s, None

    def believed(self, now: datetime, now_s: float, keep: timedelta) -> tuple[TrustedKey, ...]:
        """Return the keys that count; none when they were read too long ago.

        By both clocks, because the monotonic one stands still while a machine sleeps, and the
        other one may be set.
        """
        if self.jwks is None:
            return self.keys
        if self.read_at is None or now - self.read_at > keep:
            return ()
        return self.keys if now_s - self._read_s <= keep.total_seconds() else ()

    @property
    def bits(self) -> int:
        """The length of its shortest key; 0 while there is none."""
        return min((key.bits for key in self.keys), default=0)

    def view(self, now: datetime, now_s: float, keep: timedelta) -> IssuerView:
        """Return what people see of it."""
        age_s = None if self.read_at is None else max(0.0, (now - self.read_at).total_seconds())
        return IssuerView(
            iss=self.iss,
            source="PEM file" if self.jwks is None else str(self.jwks),
            keys=len(self.believed(now, now_s, keep)),
            read_at=None if self.read_at is None else zulu(self.read_at),
            age_s=age_s,
            problem=self.problem,
        )


def read_issuer(file: IssuerFile) -> Issuer:
    """Read an issuer's public key; a key set is left for later, as its issuer may be away.

    Raises:
        BadInput: no such PEM file, or it does not hold an RSA public key.
    """
    issuer = Issuer(file.iss, file.jwks)
    if file.public_key is None:
        return issuer
    where = str(file.public_key)
    try:
        key = load_pem_public_key(file.public_key.read_bytes())
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", field=where) from error
    except ValueError as error:
        raise BadInput("not a public key in PEM", field=where) from error
    if not isinstance(key, RSAPublicKey):
        raise BadInput(f"not an RSA key of {RSA_BITS_MIN} bits or more", field=where)
    issuer.keys = (_rsa(key, None, where),)
    return issuer


class _Jwk(msgspec.Struct, frozen=True):
    """What of a key in a set is looked at (RFC 7517, RFC 7518)."""

    kty: str
    use: str | None = None
    key_ops: tuple[str, ...] | None = None
    alg: str | None = None
    kid: str | None = None
    n: str = ""
    e: str = ""


class _Jwks(msgspec.Struct, frozen=True):
    keys: tuple[msgspec.Raw, ...]


def read_key_set(content: bytes, limits: Limits) -> tuple[TrustedKey, ...]:
    """Return the keys of a key set that RS256 signatures may be checked with.

    Keys of other kinds and uses are passed over. A set without any is no set: an issuer that has
    lost all its keys is more likely to have made a mistake.

    Raises:
        BadInput: it is not a key set, or one of its RSA keys is not good.
        TooLarge: more bytes or keys than the limits allow.
    """
    if len(content) > limits.jwks_bytes_max:
        raise TooLarge(f"more than {limits.jwks_bytes_max} bytes", field="jwks")
    try:
        raw = msgspec.json.decode(content, type=_Jwks).keys
        members = [msgspec.json.decode(one, type=dict[str, msgspec.Raw]) for one in raw]
        found = [msgspec.json.decode(one, type=_Jwk) for one in raw]
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not a JSON Web Key Set: {error}", field="jwks") from error
    if len(found) > limits.jwks_keys_max:
        raise TooLarge(f"{len(found)} keys; at most {limits.jwks_keys_max}", field="keys")
    keys = []
    for i, (jwk, names) in enumerate(zip(found, members, strict=True)):
        if not _PRIVATE.isdisjoint(names):
            raise BadInput("a secret key: whoever reads it can sign", field=f"keys[{i}]")
        if _for_rs256(jwk):
            keys.append(_from_jwk(jwk, f"keys[{i}]"))
    if not keys:
        raise BadInput("no RSA key for signatures by RS256", field="keys")
    return tuple(keys)


def _for_rs256(jwk: _Jwk) -> bool:
    return (
        jwk.kty == "RSA"
        and jwk.use in (None, "sig")
        and (jwk.key_ops is None or "verify" in jwk.key_ops)
        and jwk.alg in (None, "RS256")
    )


def _from_jwk(jwk: _Jwk, where: str) -> TrustedKey:
    n, e = _number(jwk.n, f"{where}.n"), _number(jwk.e, f"{where}.e")
    # Looked at before anything computes with them.
    if not RSA_BITS_MIN <= n.bit_length() <= _RSA_BITS_MAX:
        raise BadInput(_bits_sentence(n.bit_length()), field=f"{where}.n")
    if not 3 <= e < 2**_EXPONENT_BITS_MAX or e % 2 == 0:
        raise BadInput("not an odd number from 3 to 2^32", field=f"{where}.e")
    try:
        key = RSAPublicNumbers(e, n).public_key()
    except ValueError as error:
        raise BadInput(f"not an RSA key: {error}", field=where) from error
    return _rsa(key, jwk.kid, where)


def _rsa(key: RSAPublicKey, kid: str | None, where: str) -> TrustedKey:
    if not RSA_BITS_MIN <= key.key_size <= _RSA_BITS_MAX:
        raise BadInput(_bits_sentence(key.key_size), field=where)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # Short keys are the doctor's subject.
        return trusted(RSAKey.import_key(key), kid=kid, bits=key.key_size)


def _bits_sentence(bits: int) -> str:
    return f"an RSA key of {bits} bits, not of {RSA_BITS_MIN} bits or more, up to {_RSA_BITS_MAX}"


def _number(text: str, where: str) -> int:
    try:
        return int.from_bytes(
            base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        )
    except (binascii.Error, ValueError) as error:
        raise BadInput("not a number in base64url", field=where) from error
