"""Who we are to whom: which token goes with a request to which host.

A party of the agreement gets a token of our party's key. Hosts outside it do not know that key:
for them the settings name a credential, a key that they trust (``Signed``) or an issuer that they
trust (``Granted``). Whatever its source, a token names us as our party: a register writes its
``sub`` beside what we place, and compares it for ever after.
"""

import asyncio
import base64
import binascii
import secrets
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import RSAKey

from tansiq.clock import Clock
from tansiq.domain.agreement import Party
from tansiq.errors import BadInput, NeverSent, PeerError
from tansiq.peers.exchange import Answer, Exchange
from tansiq.peers.tokens import Minter, Shelf, lifetime
from tansiq.settings import (
    ClientAuth,
    Credential,
    GrantedCredential,
    SignedCredential,
    Timers,
)

RSA_BITS_MIN: Final = 1_024
"""The conformance suite's well-known key has no more; ``tansiq doctor`` warns below 2048."""
_SECRET_CHARS_MAX: Final = 4_096
_ANSWER_BYTES_MAX: Final = 65_536
_TOKEN_CHARS_MAX: Final = 8_192
_FLIGHTS_MAX: Final = 1_024
_OAUTH_ERRORS: Final = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
)
"""RFC 6749, 5.2, and RFC 8707. Anything else that an issuer says is not repeated: it could hold
the secret that we have just sent it."""


class Source(Protocol):
    """One way to a token."""

    async def token(self, host: str, scope: str) -> str:
        """Return a token for a host, without port, in lower case.

        Raises:
            NeverSent: there is none; so nothing that needs it has left us.
        """
        ...

    def refused(self, host: str, scope: str, token: str) -> bool:
        """Note a refusal; report whether another token may do better."""
        ...


class Own:
    """Tokens of our party's key, for parties."""

    def __init__(self, minter: Minter) -> None:
        self._minter = minter

    async def token(self, host: str, scope: str) -> str:
        return self._minter.token(host, scope)

    def refused(self, host: str, scope: str, token: str) -> bool:
        return self._minter.shelf.drop(host, scope, token)


class Signed:
    """Tokens that we sign as an issuer whose public key the others have been given."""

    def __init__(
        self,
        key: RSAPrivateKey,
        iss: str,
        party: str,
        clock: Clock,
        timers: Timers,
        *,
        new_id: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # Short keys are the doctor's subject.
            self._key = RSAKey.import_key(key)
        self._iss = iss
        self._party = party
        self._clock = clock
        self._timers = timers
        self._new_id = new_id
        self._shelf = Shelf(clock)

    async def token(self, host: str, scope: str) -> str:
        token = self._shelf.get(host, scope)
        if token is None:
            token = self._sign(host, scope)
            self._shelf.put(host, scope, token, self._timers.token_life)
        return token

    def refused(self, host: str, scope: str, token: str) -> bool:
        return self._shelf.drop(host, scope, token)

    def _sign(self, host: str, scope: str) -> str:
        claims = {
            "iss": self._iss,
            "sub": self._party,
            "client_id": self._party,
            "aud": host,
            "scope": scope,
            **lifetime(self._clock.now(), self._timers),
            "jti": self._new_id(),
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)
            return jwt.encode({"alg": "RS256"}, claims, self._key, algorithms=["RS256"])


@dataclass(slots=True)
class _Flight:
    """One host and scope at the issuer: who asks, and how it went wrong."""

    turn: asyncio.Lock
    failures: int = 0
    again_s: float = 0.0
    """Monotonic: not asked before."""
    problem: str = ""


class Granted:
    """Tokens of an OAuth2 issuer, by the client credentials grant (RFC 6749, 4.4)."""

    def __init__(
        self,
        credential: GrantedCredential,
        secret: str,
        party: str,
        exchange: Exchange,
        clock: Clock,
        timers: Timers,
    ) -> None:
        self._credential = credential
        self._secret = secret
        self._party = party
        self._exchange = exchange
        self._clock = clock
        self._timers = timers
        self._shelf = Shelf(clock)
        self._flights: OrderedDict[tuple[str, str], _Flight] = OrderedDict()

    async def token(self, host: str, scope: str) -> str:
        kept = self._shelf.get(host, scope)
        if kept is not None:
            return kept
        flight = self._flight(host, scope)
        async with flight.turn:
            kept = self._shelf.get(host, scope)
            if kept is not None:  # Whoever had the turn before has fetched it.
                return kept
            if self._clock.monotonic_s() < flight.again_s:
                raise NeverSent(flight.problem)
            try:
                token, life = await self._fetched(host, scope)
            except PeerError as error:
                first_s, last = self._timers.retry_first_s, self._timers.token_retry_last
                pause_s = min(first_s * 2.0 ** min(flight.failures, 30), last.total_seconds())
                flight.failures += 1
                flight.again_s = self._clock.monotonic_s() + pause_s
                # The sentence alone: nothing that the issuer was sent is in it.
                flight.problem = f"no token for {host}: {error.message}"
                raise NeverSent(flight.problem) from error
            flight.failures, flight.again_s = 0, 0.0
            self._shelf.put(host, scope, token, life)
            return token

    def refused(self, host: str, scope: str, token: str) -> bool:
        return self._shelf.drop(host, scope, token)

    def _flight(self, host: str, scope: str) -> _Flight:
        flight = self._flights.pop((host, scope), None) or _Flight(asyncio.Lock())
        self._flights[host, scope] = flight
        if len(self._flights) > _FLIGHTS_MAX:
            self._flights.popitem(last=False)
        return flight

    async def _fetched(self, host: str, scope: str) -> tuple[str, timedelta]:
        """Ask the issuer; return a token and how long it is good from now."""
        given = self._credential
        form = {"grant_type": "client_credentials", "scope": scope}
        headers = {"Accept": "application/json"}
        if given.audience_parameter:
            form[given.audience_parameter] = host
        if given.client_auth is ClientAuth.POST:
            form |= {"client_id": given.client_id, "client_secret": self._secret}
        else:
            # Encoded twice, as RFC 6749 (2.3.1) has it: a colon in the name would part it wrongly.
            pair = f"{quote_plus(given.client_id)}:{quote_plus(self._secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = await self._exchange.send(
            "POST",
            given.token_url,
            headers=headers,
            body=urlencode(form).encode(),
            bytes_max=_ANSWER_BYTES_MAX,
            chosen=True,
        )
        token = _granted(answer, urlsplit(given.token_url).netloc)
        return token, self._life(token)

    def _life(self, token: str) -> timedelta:
        """Return how long a token is good; check that it names us."""
        claims = _claims(token)
        if claims.sub != self._party:
            raise NeverSent(
                f"the issuer names us {claims.sub[:60]!r} (sub), and the agreement names us "
                f"{self._party!r}: registers would not know our plans again; "
                "have the issuer's client named after the party"
            )
        left_s = claims.exp - self._clock.now().timestamp()
        if not left_s > 0:  # NaN is not.
            raise NeverSent("the issuer's token has expired already; compare clocks")
        # No more than the longest that others accept; what is longer is theirs to refuse.
        return min(timedelta(seconds=min(left_s, 86_400)), self._timers.token_life_max)


class Wallet:
    """Picks the source of a token by the URL that a request goes to; satisfies ``link.Tokens``."""

    def __init__(
        self,
        own: Source,
        outside: Sequence[tuple[Credential, Source]],
        party_at: Callable[[str], Party | None],
    ) -> None:
        self._own = own
        self._party_at = party_at
        self._by_host = {
            host: source for credential, source in outside for host in credential.hosts
        }
        self._rest = next((source for credential, source in outside if not credential.hosts), None)

    async def token(self, url: str, scope: str) -> str:
        host = _host(url)
        return await self._source(url, host).token(host, scope)

    def refused(self, url: str, scope: str, token: str) -> bool:
        host = _host(url)
        return self._source(url, host).refused(host, scope, token)

    def _source(self, url: str, host: str) -> Source:
        # By the URL, not by the host alone: another service on a party's machine is not the party.
        if self._party_at(url) is not None:
            return self._own
        # With no credential our party's token goes out, and is refused with a 401 that is shown.
        return self._by_host.get(host) or self._rest or self._own


def wallet(
    minter: Minter,
    party: str,
    credentials: Sequence[Credential],
    exchange: Exchange,
    clock: Clock,
    timers: Timers,
) -> Wallet:
    """Read the credentials' files and join them to the party's own key.

    Raises:
        BadInput: a file cannot be read or does not hold what it should.
    """
    outside = [
        (credential, open_source(credential, party, exchange, clock, timers))
        for credential in credentials
    ]
    return Wallet(Own(minter), outside, exchange.party_at)


def open_source(
    credential: Credential, party: str, exchange: Exchange, clock: Clock, timers: Timers
) -> Source:
    """Read one credential's file.

    Raises:
        BadInput: it cannot be read or does not hold what it should.
    """
    if isinstance(credential, SignedCredential):
        return Signed(read_rsa_key(credential.signing_key), credential.iss, party, clock, timers)
    secret = read_secret(credential.client_secret)
    return Granted(credential, secret, party, exchange, clock, timers)


def read_rsa_key(path: Path) -> RSAPrivateKey:
    """Read a private key that signs our tokens.

    Raises:
        BadInput: no such file, or not an RSA private key in PEM, unencrypted.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", field=str(path)) from error
    except (TypeError, ValueError) as error:
        raise BadInput("not an unencrypted private key in PEM", field=str(path)) from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < RSA_BITS_MIN:
        raise BadInput(f"not an RSA key of {RSA_BITS_MIN} bits or more", field=str(path))
    return key


def read_secret(path: Path) -> str:
    """Read the secret that an issuer knows us by.

    Raises:
        BadInput: no such file, or it does not hold one line of text.
    """
    try:
        secret = path.read_text("utf-8").strip()
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", field=str(path)) from error
    except UnicodeDecodeError:
        secret = ""
    if not secret.isprintable() or not 0 < len(secret) <= _SECRET_CHARS_MAX:
        # Without the cause: a decoding error holds the bytes.
        raise BadInput(
            f"not one line of 1 to {_SECRET_CHARS_MAX} characters", field=str(path)
        ) from None
    return secret


class _TokenAnswer(msgspec.Struct, frozen=True):
    """RFC 6749, 5.1; the life is the token's own ``exp``, which receivers go by."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - a kind of token


class _TokenError(msgspec.Struct, frozen=True):
    error: str


class _Claims(msgspec.Struct, frozen=True):
    sub: str
    exp: float


def _granted(answer: Answer, issuer: str) -> str:
    """Return the token of an issuer's answer."""
    if answer.status != 200:
        try:
            code = msgspec.json.decode(answer.body, type=_TokenError).error
        except msgspec.DecodeError:
            code = ""
        shown = f" ({code})" if code in _OAUTH_ERRORS else ""
        raise NeverSent(f"the issuer {issuer} answered {answer.status}{shown}")
    try:
        found = msgspec.json.decode(answer.body, type=_TokenAnswer)
    except msgspec.DecodeError:
        # Without the cause, here and below: it can quote a token.
        raise NeverSent(f"the issuer {issuer} answered something else than a token") from None
    token = found.access_token
    if found.token_type.lower() != "bearer" or not 0 < len(token) <= _TOKEN_CHARS_MAX:
        raise NeverSent(f"the issuer {issuer} gave no bearer token of at most {_TOKEN_CHARS_MAX}")
    return token


def _claims(token: str) -> _Claims:
    parts = token.split(".")
    try:
        if len(parts) == 3 and all(part.isascii() for part in parts):
            body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
            return msgspec.json.decode(body, type=_Claims)
    except (binascii.Error, ValueError):  # A decoding error of msgspec is a ValueError.
        pass
    raise NeverSent("the issuer's token is not a JWT with sub and exp, as F3548-21 has it")


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:  # Others choose the URLs; that this one is none is found when it is asked.
        return ""
