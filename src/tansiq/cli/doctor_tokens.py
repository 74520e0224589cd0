"""What ``tansiq doctor`` looks at of tokens: issuers whose word we take, our own credentials, and
whether registers outside the agreement take them.

Issuers are asked as the node asks them: for their key sets, and for one token of ours each. A
register is asked what it says of our availability. Neither a secret nor a token is shown.
"""

import asyncio
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tansiq.cli.checks import Check, Checks, Verdict
from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement, Register
from tansiq.errors import BadInput, NeverSent, PeerError
from tansiq.http.issuers import Issuer, read_issuer
from tansiq.http.key_sets import KeySets
from tansiq.peers.credentials import open_source, read_rsa_key, wallet
from tansiq.peers.exchange import Exchange
from tansiq.peers.identity import load_signing_key
from tansiq.peers.link import Link
from tansiq.peers.register_client import message_of
from tansiq.peers.tokens import Minter
from tansiq.settings import Credential, Settings, SignedCredential
from tansiq.strict_toml import spell

_RSA_BITS_GOOD: Final = 2_048
_SCOPE: Final = "utm.strategic_coordination"
_KEYS_REMEDY: Final = "is its URL right, and does it answer here? Its tokens need its keys"


def issuers(settings: Settings, agreement: Agreement | None, clock: Clock) -> Checks:
    """Look whether we have the keys of those whose tokens we take."""
    for file in settings.issuers:
        name = f"issuer {file.iss}"
        try:
            issuer = read_issuer(file)
        except BadInput as error:
            yield Check(name, Verdict.FAIL, str(error), "give the PEM file of its RSA public key")
            continue
        if issuer.jwks is None:
            yield _of_length(name, f"RSA key of {issuer.bits} bits", issuer.bits)
        elif agreement is not None:
            yield asyncio.run(_key_set(name, issuer, issuer.jwks, settings, agreement, clock))


def credentials(settings: Settings, agreement: Agreement, clock: Clock) -> Checks:
    """Look whether hosts outside the agreement would get tokens of ours that they may take."""
    outside = [entry for entry in agreement.registers if entry.party is None]
    hosts = [urlsplit(entry.url).hostname or "" for entry in outside]
    for i, credential in enumerate(settings.credentials):
        name = f"credential {', '.join(credential.hosts) or 'for all others'}"
        yield from _secret(name, credential)
        # A host that it is for, if there is one that we know of.
        host = next(iter((*credential.hosts, *hosts)), "") or f"credential{i}.invalid"
        yield asyncio.run(_token(name, credential, host, settings, agreement, clock))
    named = {host for credential in settings.credentials for host in credential.hosts}
    if any(not credential.hosts for credential in settings.credentials):
        return
    for entry, host in zip(outside, hosts, strict=True):
        if host not in named:
            finding = f"register {entry.id} is outside the agreement, and {host} has no credential"
            remedy = "it will refuse us (401) unless it trusts our party's key; add [[credential]]"
            yield Check("credentials", Verdict.WARN, finding, remedy)
    if any(entry.foreign for entry in agreement.registers):
        finding = "suppliers outside the agreement plan here, and not all hosts have a credential"
        remedy = "details of others will be refused us; add a [[credential]] without hosts"
        yield Check("suppliers", Verdict.WARN, finding, remedy)


def _of_length(name: str, finding: str, bits: int) -> Check:
    if bits < _RSA_BITS_GOOD:
        remedy = f"for tests only; ask for one of {_RSA_BITS_GOOD} bits"
        return Check(name, Verdict.WARN, finding, remedy)
    return Check(name, Verdict.OK, finding)


async def _key_set(
    name: str,
    issuer: Issuer,
    jwks: str | Path,
    settings: Settings,
    agreement: Agreement,
    clock: Clock,
) -> Check:
    limits, timers = settings.limits, settings.timers
    exchange = Exchange(agreement, clock, limits, timers)
    sets = KeySets(
        [issuer], exchange.document, clock, folder=settings.data, limits=limits, timers=timers
    )
    try:
        good = await sets.read(issuer, jwks) is not None
    finally:
        await exchange.close()
    (view,) = sets.views()
    if good:
        keys = "1 key" if view.keys == 1 else f"{view.keys} keys"
        return _of_length(name, f"{jwks}: {keys}, the shortest of {issuer.bits} bits", issuer.bits)
    if view.keys:
        left = f"; those of {view.read_at} count for {spell(timers.jwks_keep)}"
        return Check(name, Verdict.WARN, f"{view.problem}{left}", _KEYS_REMEDY)
    return Check(name, Verdict.FAIL, view.problem or "", _KEYS_REMEDY)


def _secret(name: str, credential: Credential) -> Checks:
    """Look whether nobody else can use it, and whether it is long enough."""
    if isinstance(credential, SignedCredential):
        path = credential.signing_key
    else:
        path = credential.client_secret
    if path.is_file() and (mode := path.stat().st_mode & 0o777) & 0o077:
        finding = f"others may read {path} (mode {mode:o})"
        remedy = f"chmod 600 {path}; ask who could read it"
        yield Check(f"{name}, file", Verdict.FAIL, finding, remedy)
    if isinstance(credential, SignedCredential):
        try:
            bits = read_rsa_key(credential.signing_key).key_size
        except BadInput:
            return  # Said when a token is asked for.
        yield _of_length(f"{name}, key", f"RSA key of {bits} bits", bits)


async def _token(
    name: str,
    credential: Credential,
    host: str,
    settings: Settings,
    agreement: Agreement,
    clock: Clock,
) -> Check:
    exchange = Exchange(agreement, clock, settings.limits, settings.timers)
    try:
        source = open_source(credential, settings.party, exchange, clock, settings.timers)
        await source.token(host, _SCOPE)
    except BadInput as error:
        return Check(name, Verdict.FAIL, str(error), "see docs/configuration.md, Our tokens")
    except NeverSent as error:
        remedy = "ask whoever runs the issuer; until then nothing is sent to these hosts"
        return Check(name, Verdict.FAIL, error.message, remedy)
    finally:
        await exchange.close()
    from_whom = (
        f"signed by us as {credential.iss}"
        if isinstance(credential, SignedCredential)
        else f"by {urlsplit(credential.token_url).netloc}"
    )
    return Check(name, Verdict.OK, f"a token for {settings.party}, {from_whom}")


def registers(settings: Settings, agreement: Agreement, clock: Clock) -> Checks:
    """Look whether each register outside the agreement answers, and takes our token."""
    for register in agreement.registers:
        if register.party is None:
            yield asyncio.run(_register(register, settings, agreement, clock))


async def _register(
    register: Register, settings: Settings, agreement: Agreement, clock: Clock
) -> Check:
    name, party, timers = f"register {register.id}", settings.party, settings.timers
    exchange = Exchange(agreement, clock, settings.limits, timers)
    try:
        minter = Minter(load_signing_key(settings.data), party, agreement.digest, clock)
        tokens = wallet(minter, party, settings.credentials, exchange, clock, timers)
        url = f"{register.url}/dss/v1/uss_availability/{party}"
        answer = await Link(exchange, tokens).call("GET", url, scope=_SCOPE)
    except BadInput as error:
        return Check(name, Verdict.FAIL, str(error), "see docs/configuration.md, Our tokens")
    except PeerError as error:
        remedy = "plans stay uncoordinated until it answers; ask those who run it"
        return Check(name, Verdict.WARN, f"{register.url}: {error.message}", remedy)
    finally:
        await exchange.close()
    if answer.status == 200:
        return Check(name, Verdict.OK, f"{register.url} takes our token")
    finding = f"{register.url} answered {answer.status}: {message_of(answer)}"
    remedy = "is its URL right, and does it know the issuer of our tokens, and us as it should?"
    return Check(name, Verdict.FAIL, finding, remedy)
