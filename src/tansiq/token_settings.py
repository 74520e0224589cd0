"""Tokens, theirs and ours: the ``[[issuer]]`` and ``[[credential]]`` tables of ``tansiq.toml``."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tansiq.loopback import is_loopback
from tansiq.strict_toml import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerFile:
    """A token issuer outside the agreement whose RS256 tokens our peer listener accepts.

    Exactly one of ``public_key`` and ``jwks`` is given.
    """

    iss: str
    """The ``iss`` claim of its tokens."""
    public_key: Path | None = None
    """PEM file of its RSA public key."""
    jwks: str | Path | None = None
    """URL or file of its JSON Web Key Set, read again every ``timers.jwks_refresh``."""


class ClientAuth(StrEnum):
    """How a client shows its secret to a token endpoint (RFC 6749, 2.3.1)."""

    BASIC = "basic"
    POST = "post"


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedCredential:
    """Tokens for hosts outside the agreement, from an OAuth2 issuer (client credentials grant)."""

    hosts: tuple[str, ...] = ()
    """The hosts that they are for, in lower case; empty: all others outside the agreement."""
    token_url: str
    client_id: str
    client_secret: Path
    """File that holds the secret alone, on one line."""
    client_auth: ClientAuth = ClientAuth.BASIC
    audience_parameter: str = ""
    """Name of the parameter that tells the issuer which host a token is for; empty: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCredential:
    """Tokens for hosts outside the agreement, signed by ourselves with RS256."""

    hosts: tuple[str, ...] = ()
    """As in ``GrantedCredential``."""
    signing_key: Path
    """PEM file of an RSA private key, whose public half the others have."""
    iss: str
    """The issuer's name that the others have the key under."""


Credential = GrantedCredential | SignedCredential


def read_issuer_file(data: Path, entry: Table) -> IssuerFile:
    iss = entry.text("iss")
    if "public_key" not in entry and "jwks" not in entry:
        raise entry.wrong("public_key", "missing; give public_key (a PEM file) or jwks")
    if "public_key" in entry and "jwks" in entry:
        raise entry.wrong("public_key", "not together with jwks; give one of the two")
    if "public_key" in entry:
        return IssuerFile(iss=iss, public_key=data / entry.text("public_key"))
    jwks = entry.text("jwks")
    return IssuerFile(iss=iss, jwks=read_url(entry, "jwks") if "://" in jwks else data / jwks)


def read_url(entry: Table, key: str) -> str:
    """Read a URL that we may send requests to, or read keys from."""
    url = entry.text(key)
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.username is not None or parts.fragment:
        raise entry.wrong(key, 'write a URL such as "https://auth.example.org/path"')
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise entry.wrong(key, "plain http is for this machine only; use https")
    return url


def read_credentials(data: Path, top: Table) -> tuple[Credential, ...]:
    entries = top.tables("credential", _CREDENTIAL_KEYS, count_max=32)
    found = tuple(_credential(data, entry) for entry in entries)
    named: set[str] = set()
    for entry, credential in zip(entries, found, strict=True):
        for host in credential.hosts or ("",):
            if host in named:
                what = f"{host} has a credential already" if host else "another one has none either"
                raise entry.wrong("hosts", f"{what}; name each host once")
            named.add(host)
    return found


def _credential(data: Path, entry: Table) -> Credential:
    hosts = tuple(host.lower() for host in entry.texts("hosts", count_max=64, chars_max=253))
    if any(set(host) & set(":/@ ") for host in hosts):
        raise entry.wrong("hosts", "write host names alone, without scheme, port or path")
    if "hosts" in entry and not hosts:
        raise entry.wrong("hosts", "empty; leave it out to mean all hosts outside the agreement")
    signed = [key for key in ("signing_key", "iss") if key in entry]
    granted = [key for key in _CREDENTIAL_KEYS if key not in ("hosts", "signing_key", "iss")]
    granted = [key for key in granted if key in entry]
    if signed and granted:
        raise entry.wrong(granted[0], f"not together with {signed[0]}; see docs/configuration.md")
    if signed:
        return SignedCredential(
            hosts=hosts, signing_key=data / entry.text("signing_key"), iss=entry.text("iss")
        )
    auth = entry.text("client_auth", default=ClientAuth.BASIC)
    if auth not in list(ClientAuth):
        raise entry.wrong("client_auth", f'write "{ClientAuth.BASIC}" or "{ClientAuth.POST}"')
    parameter = entry.text("audience_parameter") if "audience_parameter" in entry else ""
    return GrantedCredential(
        hosts=hosts,
        token_url=read_url(entry, "token_url"),
        client_id=entry.text("client_id"),
        client_secret=data / entry.text("client_secret"),
        client_auth=ClientAuth(auth),
        audience_parameter=parameter,
    )


_CREDENTIAL_KEYS: Final = (
    "hosts",
    "token_url",
    "client_id",
    "client_secret",
    "client_auth",
    "audience_parameter",
    "signing_key",
    "iss",
)
