"""Key sets of issuers: what is taken from them, how long it counts, and what a fault changes."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, RSAKey
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response

from issuing import KEYS, Issuing, TurnedClock, jwk, key_set, settle, soon
from tansiq.domain.agreement import Agreement, Minima, Party, Register
from tansiq.domain.intent import PartyID
from tansiq.domain.volume import Circle, LatLng
from tansiq.errors import BadInput, TooLarge, Unauthenticated
from tansiq.http.authority import Authority
from tansiq.http.issuers import Issuer, read_issuer, read_key_set
from tansiq.http.key_sets import BETWEEN_S, KeySets
from tansiq.peers.exchange import Exchange
from tansiq.settings import IssuerFile, Limits, Settings, Timers

pytestmark = pytest.mark.anyio
TIMERS, LIMITS = Timers(), Limits(jwks_bytes_max=20_000, jwks_keys_max=4)
REFRESH_S, KEEP_S = 900.0, 86_400.0
SOUTH = Party(
    id=PartyID("south"),
    names={"en": "South"},
    public_key=b"\x58" + b"\x66" * 31,
    url="https://south.example.org:8443",
    tls_sha256=bytes(32),
)
AGREEMENT = Agreement(
    name="Alone",
    digest="ab" * 32,
    parties=(SOUTH,),
    registers=(Register(id="south", party=SOUTH.id, url=SOUTH.url),),
    area=Circle(center=LatLng(0, 0), radius_m=1_000),
    area_km2_max=2_500,
    minima=Minima(),
)


class WatchedKeySets(KeySets):
    """Says when it waits for its next reading; everything else is as it is."""

    waits = False

    async def _pause(self, issuer: Issuer, pause_s: float, began_s: float) -> None:
        self.waits = True
        await super()._pause(issuer, pause_s, began_s)
        self.waits = False


@dataclass
class Stage:
    """South's authority, its key sets, and the issuer that they are read from."""

    clock: TurnedClock
    issuing: Issuing
    sets: WatchedKeySets
    authority: Authority
    exchange: Exchange

    @property
    def issuer(self) -> Issuer:
        return self.sets.issuers[0]

    def takes(self, token: str) -> bool:
        try:
            self.authority.caller(Headers({"Authorization": f"Bearer {token}"}), [])
        except Unauthenticated:
            return False
        return True

    def why_not(self, token: str) -> str:
        with pytest.raises(Unauthenticated) as caught:
            self.authority.caller(Headers({"Authorization": f"Bearer {token}"}), [])
        return caught.value.message

    async def turned(self, seconds: float) -> None:
        """Let time pass, and whatever was due be done."""
        await soon(lambda: self.sets.waits)
        await settle(5)  # Until the wait is the clock's.
        self.clock.turn(seconds)
        await settle(5)
        await soon(lambda: self.sets.waits)


@asynccontextmanager
async def stage(
    folder: Path,
    issuing: Issuing | None = None,
    source: str | Path | None = None,
    *,
    start: bool = True,
) -> AsyncIterator[Stage]:
    """Wire what a node wires; the issuer's server is the test's to run."""
    issuing = issuing or Issuing(TurnedClock())
    clock = issuing.clock
    settings = Settings(data=folder, party="south", agreement=folder, peer_host="0.0.0.0")
    exchange = Exchange(AGREEMENT, clock, LIMITS, TIMERS)
    file = IssuerFile(iss=issuing.iss, jwks=source or f"{issuing.url}/keys")
    sets = WatchedKeySets(
        [read_issuer(file)],
        exchange.document,
        clock,
        folder=folder,
        limits=LIMITS,
        timers=TIMERS,
    )
    authority = Authority(AGREEMENT, settings, clock, sets.issuers)
    if start:
        sets.start()
    try:
        yield Stage(clock, issuing, sets, authority, exchange)
    finally:
        await sets.stop()
        await exchange.close()


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Stage]:
    """A running issuer whose keys have been read once."""
    issuing = Issuing(TurnedClock())
    async with issuing.serving(), stage(tmp_path, issuing) as on:
        await soon(lambda: on.issuer.read_at is not None)
        yield on


async def test_a_key_of_the_set_is_believed_with_its_kid_or_without(live: Stage) -> None:
    assert live.takes(live.issuing.token())
    assert live.takes(live.issuing.token(kid=None))
    assert "'b'" in live.why_not(live.issuing.token(kid="b"))
    assert "signature" in live.why_not(live.issuing.token(KEYS[1]))
    view = live.sets.views()[0]
    assert (view.keys, view.age_s, view.problem) == (1, 0.0, None)


async def test_a_kid_is_for_its_key_alone_and_keys_without_one_are_for_any(live: Stage) -> None:
    live.issuing.keys = key_set(jwk(KEYS[0], "a"), jwk(KEYS[1], "b"), jwk(KEYS[2]))
    await live.turned(REFRESH_S)
    for key, kid, good in (
        (0, "a", True),
        (0, "b", False),
        (1, "b", True),
        (2, "anything", True),
        (2, None, True),
        (1, None, True),
    ):
        assert live.takes(live.issuing.token(KEYS[key], kid)) == good, (key, kid)


async def test_a_withdrawn_key_ends_the_tokens_that_are_remembered(live: Stage) -> None:
    token, other = live.issuing.token(), live.issuing.token(KEYS[1], "b", exp=None)
    assert live.takes(token)
    live.issuing.keys = key_set(jwk(KEYS[1], "b"))
    await live.turned(REFRESH_S - 0.25)
    assert live.takes(token), "it was read again too early"
    await live.turned(0.25)
    assert "'a'" in live.why_not(token)
    assert "time in seconds" in live.why_not(other)  # A good key does not make it good.
    assert live.takes(live.issuing.token(KEYS[1], "b"))


async def test_a_key_that_gets_another_kid_is_another_key(live: Stage) -> None:
    token = live.issuing.token()
    assert live.takes(token)
    live.issuing.keys = key_set(jwk(KEYS[0], "z"))
    await live.turned(REFRESH_S)
    assert not live.takes(token)
    assert live.takes(live.issuing.token(kid="z"))


async def test_the_same_keys_read_again_forget_nothing(live: Stage) -> None:
    token = live.issuing.token(exp=int(live.clock.now().timestamp()) + 3_600)
    assert live.takes(token)
    remembered = dict(live.authority._remembered)
    await live.turned(REFRESH_S)
    assert live.issuing.keys_asked == 2
    assert live.takes(token)
    assert live.authority._remembered == remembered


async def test_an_unknown_kid_brings_the_reading_forward_once_a_minute(live: Stage) -> None:
    live.issuing.keys = key_set(jwk(KEYS[0], "a"), jwk(KEYS[1], "b"))
    fresh = live.issuing.token(KEYS[1], "b")
    for n in range(1_000):
        assert not live.takes(live.issuing.token(kid="b", jti=str(n)) if n < 20 else fresh)
    await live.turned(BETWEEN_S - 0.25)
    assert live.issuing.keys_asked == 1
    assert not live.takes(fresh)
    await live.turned(0.25)
    assert live.issuing.keys_asked == 2
    assert live.takes(fresh)

    # Later it is at once.
    live.issuing.keys = key_set(jwk(KEYS[2], "c"))
    await live.turned(BETWEEN_S)
    assert live.issuing.keys_asked == 2
    assert not live.takes(live.issuing.token(KEYS[2], "c"))
    await live.turned(0)
    assert live.issuing.keys_asked == 3
    assert live.takes(live.issuing.token(KEYS[2], "c"))


async def test_tokens_of_others_bring_nothing_forward(live: Stage) -> None:
    """A wrong signature, audience or issuer is no sign that a key is missing."""
    for token in (
        live.issuing.token(KEYS[1]),
        live.issuing.token(aud="x"),
        live.issuing.token(iss="x", kid="z"),
        live.issuing.token(KEYS[1], kid=None),
    ):
        assert not live.takes(token)
    await live.turned(REFRESH_S - 1)
    assert live.issuing.keys_asked == 1


@pytest.mark.parametrize("asleep", [False, True], ids=["monotonic", "wall"])
async def test_keys_count_for_a_day_when_their_issuer_is_away(live: Stage, asleep: bool) -> None:
    """On both clocks: of a machine that slept, only the wall clock went on."""
    live.issuing.keys_answer = lambda: Response(status_code=500)
    if asleep:
        live.clock.set_ahead = timedelta(seconds=KEEP_S)
    else:
        # The wall clock is set back meanwhile, so that it alone would keep them for ever.
        live.clock.set_ahead = -timedelta(days=2)
        await live.turned(KEEP_S)
    assert live.takes(live.issuing.token())
    if asleep:
        live.clock.set_ahead += timedelta(microseconds=1)
    else:
        await live.turned(0.25)
        assert "500" in (live.sets.views()[0].problem or "")
    assert "could not be read" in live.why_not(live.issuing.token())
    assert live.sets.views()[0].keys == 0

    # And again, as soon as there are keys again.
    live.issuing.keys_answer = None
    live.clock.set_ahead = timedelta(0)
    await live.turned(REFRESH_S)
    assert live.takes(live.issuing.token())
    assert live.sets.views()[0].problem is None


async def test_a_remembered_token_ends_with_the_day_too(live: Stage) -> None:
    live.issuing.keys_answer = lambda: Response(status_code=500)
    await live.turned(KEEP_S - 60)
    token = live.issuing.token()
    assert live.takes(token)
    await live.turned(60)
    assert live.takes(token)
    await live.turned(0.25)
    assert "could not be read" in live.why_not(token)


async def test_a_node_starts_without_its_issuer_and_takes_its_word_when_it_comes(
    tmp_path: Path,
) -> None:
    issuing = Issuing(TurnedClock())
    async with issuing.serving():
        pass  # Its port is known, and nobody listens there.
    async with stage(tmp_path, issuing) as on:
        await soon(lambda: on.issuer.problem is not None)
        said = on.why_not(issuing.token())
        assert "could not be read" in said
        assert "127.0.0.1" not in said, "what our machines are called is nobody's business"
        async with issuing.serving():
            await on.turned(BETWEEN_S)
            await soon(lambda: on.issuer.problem is None)
            assert on.takes(issuing.token())


async def test_a_restart_goes_on_with_the_last_good_reading_as_old_as_it_is(tmp_path: Path) -> None:
    issuing = Issuing(TurnedClock())
    async with issuing.serving(), stage(tmp_path, issuing) as on:
        await soon(lambda: on.issuer.read_at is not None)
        await soon(lambda: any(tmp_path.glob("jwks-*.json")))
    issuing.clock.turn(KEEP_S)
    async with stage(tmp_path, issuing, start=False) as on:
        assert on.takes(issuing.token())
        assert on.sets.views()[0].age_s == KEEP_S
    async with stage(tmp_path, issuing, "http://127.0.0.1:1/other", start=False) as on:
        assert not on.takes(issuing.token()), "another source is another set"
    issuing.clock.turn(0.25)
    async with stage(tmp_path, issuing, start=False) as on:
        assert not on.takes(issuing.token())
    issuing.clock.turn(-KEEP_S - 0.5)  # Read in the future, by the clock of today.
    async with stage(tmp_path, issuing, start=False) as on:
        assert not on.takes(issuing.token())


async def test_what_was_kept_half_written_is_nothing(tmp_path: Path) -> None:
    issuing = Issuing(TurnedClock())
    async with issuing.serving(), stage(tmp_path, issuing):
        await soon(lambda: any(tmp_path.glob("jwks-*.json")))
    (kept,) = tmp_path.glob("jwks-*.json")
    whole = kept.read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        kept.write_bytes(whole[:length])
        async with stage(tmp_path, issuing, start=False) as on:
            assert on.issuer.keys == (), length
    kept.write_bytes(whole)
    async with stage(tmp_path, issuing, start=False) as on:
        assert on.takes(issuing.token())


async def test_a_key_set_may_stand_in_a_file(tmp_path: Path) -> None:
    path, issuing = tmp_path / "keys.json", Issuing(TurnedClock())
    path.write_bytes(issuing.keys)
    async with stage(tmp_path, issuing, path) as on:
        await soon(lambda: on.issuer.read_at is not None)
        assert on.takes(issuing.token())
        path.write_bytes(key_set(jwk(KEYS[1], "b")))
        await on.turned(REFRESH_S)
        await soon(lambda: on.takes(issuing.token(KEYS[1], "b")))
        assert not on.takes(issuing.token())
        path.unlink()
        await on.turned(REFRESH_S)
        await soon(lambda: "cannot be read" in (on.issuer.problem or ""))
        assert on.takes(issuing.token(KEYS[1], "b"))


EC = ECKey.import_key(ec_key(SECP256R1())).as_dict(private=False)
SECRET = RSAKey.import_key(KEYS[1]).as_dict(private=True)


def number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(-(-value.bit_length() // 8))).decode()


def short_key(bits: int) -> dict[str, str]:
    n = generate_private_key(65_537, 1_024).public_key().public_numbers().n
    return {"kty": "RSA", "n": number(n >> (1_024 - bits) | 1), "e": "AQAB"}


GOOD_N = jwk(KEYS[0])["n"]
BAD_SETS: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "not JSON": lambda: b"<html>",
    "a list": lambda: b"[]",
    "no keys": lambda: b"{}",
    "keys as a table": lambda: b'{"keys": {}}',
    "an empty set": key_set,
    "a key that is a number": lambda: b'{"keys": [7]}',
    "a key without a kind": lambda: b'{"keys": [{}]}',
    "a kid that is a number": lambda: key_set(jwk(KEYS[0]) | {"kid": 7}),
    "only other kinds": lambda: key_set(EC),
    "only for encryption": lambda: key_set(jwk(KEYS[0], use="enc")),
    "only another algorithm": lambda: key_set(jwk(KEYS[0], alg="PS256")),
    "only operations that are not ours": lambda: key_set(jwk(KEYS[0], key_ops=["encrypt"])),
    "a private key": lambda: key_set(jwk(KEYS[0]), SECRET),
    "a secret": lambda: key_set(jwk(KEYS[0]), {"kty": "oct", "k": "AAAA"}),
    "five keys": lambda: key_set(*[jwk(KEYS[0])] * 5),
    "more bytes than the limit": lambda: key_set(jwk(KEYS[0], x="y" * 20_000)),
    "no modulus": lambda: key_set({"kty": "RSA", "e": "AQAB"}),
    "a modulus in another alphabet": lambda: key_set(jwk(KEYS[0]) | {"n": "+/" + GOOD_N[2:] + "$"}),
    "1,023 bits": lambda: key_set(short_key(1_023)),
    "8,193 bits": lambda: key_set({"kty": "RSA", "n": number(2**8_192 + 1), "e": "AQAB"}),
    "exponent 1": lambda: key_set(jwk(KEYS[0]) | {"e": "AQ"}),
    "an even exponent": lambda: key_set(jwk(KEYS[0]) | {"e": number(65_536)}),
    "exponent 2^32 + 1": lambda: key_set(jwk(KEYS[0]) | {"e": number(2**32 + 1)}),
    "one good key and one bad": lambda: key_set(jwk(KEYS[0]), {"kty": "RSA", "n": "", "e": ""}),
    "nested 100,000 deep": lambda: b'{"keys": [' + b"[" * 9_000 + b"]" * 9_000 + b"]}",
}


@pytest.mark.parametrize("make", BAD_SETS.values(), ids=BAD_SETS.keys())
def test_what_is_no_good_key_set_is_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(BadInput) as caught:
        read_key_set(make(), LIMITS)
    assert caught.value.field


def test_limits_of_a_key_set_are_reached_and_passed_by_one() -> None:
    assert len(read_key_set(key_set(*[jwk(KEYS[0])] * 4), LIMITS)) == 4
    content = key_set(jwk(KEYS[0]))
    padded = content + b" " * (LIMITS.jwks_bytes_max - len(content))
    assert len(read_key_set(padded, LIMITS)) == 1
    with pytest.raises(TooLarge):
        read_key_set(padded + b" ", LIMITS)
    (least,) = read_key_set(key_set(short_key(1_024)), LIMITS)
    assert least.bits == 1_024
    assert read_key_set(key_set(jwk(KEYS[0]) | {"e": "Aw"}), LIMITS)


def test_keys_of_other_kinds_and_uses_are_passed_over() -> None:
    good = jwk(KEYS[0], "a", use="sig", alg="RS256", key_ops=["verify"], x5t="x", more={"a": [1]})
    found = read_key_set(
        key_set(EC, jwk(KEYS[1], use="enc"), good, {"kty": "new kind", "parameters": 7}), LIMITS
    )
    assert [(key.kid, key.bits) for key in found] == [("a", 2_048)]
    again = read_key_set(key_set(jwk(KEYS[0], "a")), LIMITS)
    assert found == again


def test_no_mangled_key_set_breaks_its_reader() -> None:
    """2,000 seeded mutations of a good set: a set or a sentence, nothing else."""
    good = key_set(jwk(KEYS[0], "a", use="sig"), EC)
    for seed in range(2_000):
        random, content = Random(seed), bytearray(good)
        for _ in range(random.randint(1, 4)):
            content[random.randrange(len(content))] = random.choice(b'"{}[],:0aZ\\\xff\x00')
        try:
            keys = read_key_set(bytes(content), LIMITS)
        except BadInput:
            continue
        assert all(1_024 <= key.bits <= 8_192 for key in keys), f"seed {seed}"


ANSWERS: dict[str, tuple[Callable[[], Response], str]] = {
    "an error": (lambda: Response(b"{}", 500), "500"),
    "a redirect": (lambda: RedirectResponse("/keys?again"), "307"),
    "no content": (lambda: Response(status_code=204), "204"),
    "too much": (lambda: Response(b" " * 20_001), "20000 bytes"),
    "nonsense": (lambda: Response(b"x"), "JSON Web Key Set"),
    "an empty set": (lambda: Response(key_set()), "no RSA key"),
}


@pytest.mark.parametrize(("answer", "reason"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_a_bad_answer_changes_nothing(
    live: Stage, answer: Callable[[], Response], reason: str
) -> None:
    token, keys = (
        live.issuing.token(exp=int(live.clock.now().timestamp()) + 3_600),
        live.issuer.keys,
    )
    assert live.takes(token)
    live.issuing.keys_answer = answer
    await live.turned(REFRESH_S)
    assert reason in (live.sets.views()[0].problem or "")
    assert live.issuer.keys is keys
    assert live.takes(token)
    assert live.takes(live.issuing.token())


async def test_an_issuer_that_says_nothing_is_given_up_in_time(tmp_path: Path) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    silent = await asyncio.start_server(listen, "127.0.0.1", 0)
    try:
        issuing = Issuing(TurnedClock(), port=silent.sockets[0].getsockname()[1])
        async with stage(tmp_path, issuing) as on:
            await asked.wait()
            on.clock.turn(TIMERS.peer_request_s - 0.25)
            await settle()
            assert on.issuer.problem is None
            on.clock.turn(0.25)
            await soon(lambda: "did not answer within 5 s" in (on.issuer.problem or ""))
            await gone.wait()
    finally:
        silent.close()


async def test_readings_after_a_failure_come_seldomer_and_seldomer(live: Stage) -> None:
    live.issuing.keys_answer = lambda: Response(status_code=500)
    await live.turned(REFRESH_S)
    asked = live.issuing.keys_asked
    for pause_s in (1.0, 2.0, 4.0, 8.0):
        await live.turned(pause_s - 0.25)
        assert live.issuing.keys_asked == asked
        await live.turned(0.25)
        asked += 1
        assert live.issuing.keys_asked == asked
    for _ in range(20):
        await live.turned(REFRESH_S)
    assert live.issuing.keys_asked == asked + 20


def test_an_rsa_pem_of_any_size_within_the_bounds_is_its_own_issuer(tmp_path: Path) -> None:
    path = tmp_path / "long.pem"
    long = RSAPublicNumbers(65_537, 2**8_192 + 1).public_key()
    path.write_bytes(long.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(BadInput, match="8193 bits"):
        read_issuer(IssuerFile(iss="pool", public_key=path))


def test_what_people_see_can_be_written_out() -> None:
    view = Issuer("x", "https://a.example.org/keys").view(TurnedClock().now(), 0.0, timedelta(1))
    assert msgspec.json.decode(msgspec.json.encode(view)) == {
        "iss": "x",
        "source": "https://a.example.org/keys",
        "keys": 0,
        "read_at": None,
        "age_s": None,
        "problem": None,
    }
