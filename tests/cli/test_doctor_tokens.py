"""``tansiq doctor`` and tokens: issuers' keys and our credentials, asked for as the node does."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.responses import Response
from test_init import Pair

from issuing import KEYS, NOON, PATIENCE_S, SECRET, Issuing, TurnedClock, jwk, key_set
from tansiq.clock import SystemClock
from tansiq.domain.agreement import Register
from tansiq.formats.agreement import read_agreement, render_agreement

SHORT = generate_private_key(65_537, 1_024)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


@contextmanager
def issuing() -> Iterator[Issuing]:
    """Run an issuer, by the machine's clock, in a thread of its own."""
    clock = TurnedClock()
    clock.set_ahead = SystemClock().now() - NOON
    issuer, ready, done = Issuing(clock), Event(), Event()

    async def serve() -> None:
        issuer.gate.set()
        async with issuer.serving():
            ready.set()
            while not done.is_set():
                await asyncio.sleep(0.01)

    thread = Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(PATIENCE_S)
    try:
        yield issuer
    finally:
        done.set()
        thread.join()


def add(pair: Pair, text: str) -> None:
    path = pair.north / "tansiq.toml"
    path.write_text(f"{path.read_text()}\n{text}")


def granted(pair: Pair, issuer: Issuing, *, mode: int = 0o600, hosts: str = "") -> None:
    secret = pair.north / "auth.secret"
    secret.write_text(SECRET)
    secret.chmod(mode)
    add(
        pair,
        f'[[credential]]\n{hosts}token_url = "{issuer.url}/token"\nclient_id = "x"\n'
        'client_secret = "auth.secret"\naudience_parameter = "audience"\n',
    )


def signed(pair: Pair, key: object = KEYS[0], mode: int = 0o600) -> None:
    path = pair.north / "uss.key"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(mode)
    add(pair, '[[credential]]\nsigning_key = "uss.key"\niss = "us"\n')


def pool(pair: Pair) -> None:
    """Make the only register one outside the agreement."""
    path = pair.north / "agreement.toml"
    found = read_agreement(path.read_bytes())
    outside = Register(id="dss", party=None, url="https://dss.example.org", foreign=True)
    changed = replace(found, registers=(outside,))
    path.write_bytes(render_agreement(changed))


def test_a_key_set_is_read(pair: Pair) -> None:
    with issuing() as issuer:
        add(pair, f'[[issuer]]\niss = "{issuer.iss}"\njwks = "{issuer.url}/keys"\n')
        issuer.keys = key_set(jwk(KEYS[0], "a"), jwk(KEYS[1], "b"))
        verdict, found = pair.checks()[f"issuer {issuer.iss}"]
        assert verdict == "OK"
        assert f"{issuer.url}/keys: 2 keys, the shortest of 2048 bits" in found

        issuer.keys = key_set(jwk(SHORT))
        verdict, found = pair.checks()[f"issuer {issuer.iss}"]
        assert verdict == "WARN"
        assert "1 key, the shortest of 1024 bits" in found

        issuer.keys = b"<html>"
        verdict, found = pair.checks()[f"issuer {issuer.iss}"]
        assert verdict == "FAIL"
        assert "not a JSON Web Key Set" in found
    verdict, found = pair.checks()[f"issuer {issuer.iss}"]
    assert verdict == "FAIL"
    assert not list(pair.north.glob("jwks-*")), "the doctor changes nothing"


def test_a_key_set_that_the_node_still_goes_by_is_a_warning(pair: Pair) -> None:
    from tansiq.http.issuers import Issuer
    from tansiq.http.key_sets import KeySets
    from tansiq.settings import Limits, Timers

    with issuing() as issuer:
        url, content = f"{issuer.url}/keys", issuer.keys
    clock = SystemClock()

    async def fetch(_: str, __: int) -> bytes:
        return content

    async def run() -> None:
        kept = Issuer(issuer.iss, url)
        sets = KeySets([kept], fetch, clock, folder=pair.north, limits=Limits(), timers=Timers())
        sets.start()
        while not list(pair.north.glob("jwks-*.json")):
            await asyncio.sleep(0.001)
        await sets.stop()

    asyncio.run(run())
    add(pair, f'[[issuer]]\niss = "{issuer.iss}"\njwks = "{url}"\n')
    verdict, found = pair.checks()[f"issuer {issuer.iss}"]
    assert verdict == "WARN"
    assert "count for 1 d" in found


def test_a_token_is_asked_for_and_not_shown(pair: Pair) -> None:
    with issuing() as issuer:
        granted(pair, issuer, hosts='hosts = ["dss.example.org"]\n')
        verdict, found = pair.checks()["credential dss.example.org"]
        assert (verdict, "a token for north, by 127.0.0.1" in found) == ("OK", True)
        assert issuer.forms[0]["audience"] == "dss.example.org"

        issuer.sub = "x"
        verdict, found = pair.checks()["credential dss.example.org"]
        assert (verdict, "names us 'x'" in found) == ("FAIL", True)

        issuer.token_answer = lambda: Response(SECRET, 500)
        checks = pair.checks()
        assert checks["credential dss.example.org"][0] == "FAIL"
        assert SECRET not in str(checks)
        issuer.sub, issuer.token_answer, issuer.life = "north", None, timedelta(seconds=-1)
        assert "expired already" in pair.checks()["credential dss.example.org"][1]
    verdict, found = pair.checks()["credential dss.example.org"]
    assert (verdict, "no token for dss.example.org" in found) == ("FAIL", True)


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_secret_that_others_may_read_fails(pair: Pair, mode: int) -> None:
    signed(pair, mode=mode)
    verdict, found = pair.checks()["credential for all others, file"]
    assert (verdict, f"mode {mode:o}" in found, "chmod 600" in found) == ("FAIL", True, True)
    (pair.north / "uss.key").chmod(0o600)
    assert "credential for all others, file" not in pair.checks()


def test_a_shared_secret_that_others_may_read_fails(pair: Pair) -> None:
    with issuing() as issuer:
        granted(pair, issuer, mode=0o644)
        checks = pair.checks()
    assert checks["credential for all others, file"][0] == "FAIL"
    assert checks["credential for all others"][0] == "OK"


def test_a_key_of_our_own_is_looked_at(pair: Pair) -> None:
    signed(pair)
    checks = pair.checks()
    assert checks["credential for all others"][0] == "OK"
    assert "signed by us as us" in checks["credential for all others"][1]
    assert checks["credential for all others, key"][0] == "OK"
    signed_short = pair.north / "uss.key"
    signed_short.write_bytes(SHORT.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert pair.checks()["credential for all others, key"][0] == "WARN"
    signed_short.unlink()
    verdict, found = pair.checks()["credential for all others"]
    assert (verdict, "uss.key: cannot be read" in found) == ("FAIL", True)


def test_a_pool_without_a_credential_is_a_warning(pair: Pair) -> None:
    pool(pair)
    checks = pair.checks()
    assert checks["credentials"][0] == "WARN"
    assert "dss.example.org has no credential" in checks["credentials"][1]
    assert checks["suppliers"][0] == "WARN"
    signed(pair)
    checks = pair.checks()
    assert not {"credentials", "suppliers"} & checks.keys()
