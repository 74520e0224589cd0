"""Our tokens towards others: whose, for whom, how often asked for, and what is said without one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc import jwt
from joserfc.jwk import OKPKey, RSAKey
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from issuing import KEYS, SECRET, Issuing, TurnedClock, served, settle
from tansiq.domain.agreement import Agreement, Minima, Party, Register
from tansiq.domain.intent import PartyID
from tansiq.domain.volume import Circle, LatLng
from tansiq.errors import BadInput, NeverSent
from tansiq.http.authority import Authority
from tansiq.http.issuers import read_issuer
from tansiq.peers.credentials import Wallet, read_rsa_key, read_secret, wallet
from tansiq.peers.exchange import Exchange
from tansiq.peers.link import Link
from tansiq.peers.register_client import RegisterClient
from tansiq.peers.tokens import Minter
from tansiq.settings import (
    ClientAuth,
    Credential,
    GrantedCredential,
    IssuerFile,
    Limits,
    Settings,
    SignedCredential,
    Timers,
    read_settings,
)

pytestmark = pytest.mark.anyio
STRATEGIC = "utm.strategic_coordination"
NORTH = Ed25519PrivateKey.generate()
TIMERS = Timers(retry_first_s=1.0, token_retry_last=timedelta(seconds=6))
DIGEST = "ab" * 32


def agreement_of(url: str, register: str | None = None) -> Agreement:
    north = Party(
        id=PartyID("north"),
        names={"en": "North"},
        public_key=NORTH.public_key().public_bytes_raw(),
        url=url,
        tls_sha256=b"",
    )
    return Agreement(
        name="Alone",
        digest=DIGEST,
        parties=(north,),
        registers=(Register(id="dss", party=None, url=register or url, foreign=bool(register)),),
        area=Circle(center=LatLng(0, 0), radius_m=1_000),
        area_km2_max=2_500,
        minima=Minima(),
    )


@dataclass
class Asked:
    """A host that keeps what it was asked, and answers what the test says."""

    status: list[int] = field(default_factory=list)
    """One a request, then 200 for ever."""
    requests: list[tuple[str, str, bytes]] = field(default_factory=list)
    """(method, token, body)."""

    def app(self) -> Starlette:
        async def keep(request: Request) -> Response:
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            self.requests.append((request.method, token, await request.body()))
            return Response(b"{}", self.status.pop(0) if self.status else 200)

        return Starlette(routes=[Route("/{path:path}", keep, methods=["GET", "POST", "PUT"])])

    @property
    def tokens(self) -> list[str]:
        return [token for _, token, _ in self.requests]


@dataclass
class Stage:
    """An issuer, a host outside the agreement, and our link to both."""

    issuing: Issuing
    asked: Asked
    host_url: str
    link: Link
    tokens: Wallet

    @property
    def clock(self) -> TurnedClock:
        return self.issuing.clock

    async def token(self, scope: str = STRATEGIC, url: str = "https://dss.example.org/x") -> str:
        return await self.tokens.token(url, scope)


@asynccontextmanager
async def stage(folder: Path, *, own_host: bool = False, **given: Any) -> AsyncIterator[Stage]:
    """Run an issuer and a host; ``given`` changes the credential, None for none at all."""
    clock = TurnedClock()
    issuing, asked = Issuing(clock), Asked()
    secret = folder / "auth.secret"
    secret.write_text(f"{SECRET}\n")
    async with issuing.serving(), served(asked.app()) as port:
        url = f"http://127.0.0.1:{port}"
        agreement = agreement_of(url if own_host else "http://127.0.0.1:1")
        exchange = Exchange(agreement, clock, Limits(), TIMERS)
        credential = GrantedCredential(
            token_url=f"{issuing.url}/token",
            client_id="north:1",
            client_secret=secret,
            audience_parameter="audience",
        )
        credentials: list[Credential] = [replace(credential, **given)]
        minter = Minter(NORTH, "north", DIGEST, clock, timers=TIMERS)
        tokens = wallet(minter, "north", credentials, exchange, clock, TIMERS)
        try:
            yield Stage(issuing, asked, url, Link(exchange, tokens), tokens)
        finally:
            await exchange.close()


@pytest.fixture
async def granted(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as on:
        yield on


def claims_of(token: str, key: Any) -> dict[str, Any]:
    return dict(jwt.decode(token, key, algorithms=["RS256", "Ed25519"]).claims)


def written(folder: Path, key: RSAPrivateKey, name: str = "uss.key") -> Path:
    path = folder / name
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


# ---- from an issuer


@pytest.mark.parametrize("how", list(ClientAuth))
async def test_the_issuer_is_asked_as_its_standard_says(tmp_path: Path, how: ClientAuth) -> None:
    """RFC 6749, 4.4.2 and 2.3.1: a secret with a colon, an ampersand and a percent sign."""
    async with stage(tmp_path, client_auth=how) as on:
        await on.token("a.b c.d")
        names = {
            ClientAuth.BASIC: ("basic_id", "basic_secret"),
            ClientAuth.POST: ("client_id", "client_secret"),
        }[how]
        assert on.issuing.forms == [
            {
                "grant_type": "client_credentials",
                "scope": "a.b c.d",
                "audience": "dss.example.org",
                names[0]: "north:1",
                names[1]: SECRET,
            }
        ]


async def test_without_the_parameter_the_host_is_not_named(tmp_path: Path) -> None:
    async with stage(tmp_path, audience_parameter="") as on:
        await on.token()
        assert "audience" not in on.issuing.forms[0]


async def test_a_token_is_kept_for_four_fifths_of_its_life(granted: Stage) -> None:
    first = await granted.token()
    granted.clock.turn(0.8 * 1_800 - 0.25)
    assert await granted.token(url="http://DSS.example.org:8443/y") == first
    granted.clock.turn(0.25)
    second = await granted.token()
    assert second != first
    assert len(granted.issuing.forms) == 2


async def test_each_host_and_each_scope_has_a_token_of_its_own(granted: Stage) -> None:
    urls = ("https://dss.example.org", "https://uss.example.org")
    made = {await granted.token(scope, url) for url in urls for scope in ("a", "a b")}
    assert len(made) == 4
    assert {(form["audience"], form["scope"]) for form in granted.issuing.forms} == {
        (host, scope) for host in ("dss.example.org", "uss.example.org") for scope in ("a", "a b")
    }


async def test_fifty_at_once_are_one_request(granted: Stage) -> None:
    granted.issuing.gate.clear()
    asking = [asyncio.create_task(granted.token()) for _ in range(50)]
    await settle()
    asking[0].cancel()  # Whoever asked first is gone; the rest is not worse off.
    granted.issuing.gate.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert len(set(found[1:])) == 1
    assert len(granted.issuing.forms) <= 2


async def test_an_issuer_that_fails_is_asked_less_and_less_often(granted: Stage) -> None:
    granted.issuing.token_answer = lambda: Response(status_code=503)
    for pause_s in (1.0, 2.0, 4.0, 6.0, 6.0):
        count = len(granted.issuing.forms) + 1
        found = await asyncio.gather(*[granted.token() for _ in range(9)], return_exceptions=True)
        assert all(isinstance(one, NeverSent) and "503" in one.message for one in found)
        assert len(granted.issuing.forms) == count
        granted.clock.turn(pause_s - 0.25)
        with pytest.raises(NeverSent, match="503"):
            await granted.token()
        assert len(granted.issuing.forms) == count
        granted.clock.turn(0.25)
    granted.issuing.token_answer = None
    await granted.token()


def answered(**body: Any) -> Callable[[], Response]:
    return lambda: Response(msgspec.json.encode(body), media_type="application/json")


BAD_TOKENS: dict[str, tuple[dict[str, Any], str]] = {
    "another name": ({"sub": "north:1"}, "names us 'north:1'"),
    "our name in capitals": ({"sub": "North"}, "names us 'North'"),
    "no name": ({"sub": None}, "not a JWT with sub and exp"),
    "no end": ({"exp": None}, "not a JWT with sub and exp"),
    "an end that is text": ({"exp": "later"}, "not a JWT with sub and exp"),
    "an end that has come": ({"exp": 1_795_435_200 - 1}, "expired already"),
}


@pytest.mark.parametrize(("claims", "why"), BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
async def test_a_token_that_does_not_name_us_is_not_used(
    granted: Stage, claims: dict[str, Any], why: str
) -> None:
    made = granted.issuing.token(**({"sub": "north", "aud": "dss.example.org"} | claims))
    granted.issuing.token_answer = answered(access_token=made, token_type="Bearer")
    with pytest.raises(NeverSent, match=why) as caught:
        await granted.link.call("PUT", f"{granted.host_url}/x", scope=STRATEGIC, body=b"{}")
    assert made not in str(caught.value)
    assert granted.asked.requests == []


BAD_ANSWERS: dict[str, tuple[Callable[[], Response], str]] = {
    "a refusal": (lambda: Response(b'{"error": "invalid_client"}', 401), r"401 \(invalid_client\)"),
    "a refusal of its own": (lambda: Response(b'{"error": "x-y"}', 400), "answered 400$"),
    "a page": (lambda: Response(b"<html>", 200), "something else than a token"),
    "no token": (answered(expires_in=3_600), "something else than a token"),
    "an empty token": (answered(access_token=""), "no bearer token"),
    "an opaque token": (answered(access_token="abc"), "not a JWT"),
    "three parts of nothing": (answered(access_token="a.b.c"), "not a JWT"),
    "not ASCII": (answered(access_token="a.\u00e9\u00e9.c"), "not a JWT"),
    "a token of another kind": (answered(access_token="a.b.c", token_type="mac"), "no bearer"),
    "a long token": (answered(access_token="a" * 8_193), "at most 8192"),
    "a long answer": (lambda: Response(b" " * 65_537), "more than 65536 bytes"),
    "a redirect": (lambda: RedirectResponse("/token"), "answered 307"),
}


@pytest.mark.parametrize(("answer", "why"), BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
async def test_without_a_token_nothing_is_sent_and_the_reason_is_said(
    granted: Stage, answer: Callable[[], Response], why: str
) -> None:
    granted.issuing.token_answer = answer
    with pytest.raises(NeverSent, match=why) as caught:
        await granted.link.call("PUT", f"{granted.host_url}/x", scope=STRATEGIC, body=b"{}")
    assert granted.asked.requests == []
    assert len(granted.issuing.forms) == 1
    assert caught.value.message.startswith("no token for 127.0.0.1: ")


async def test_the_secret_stands_in_no_sentence(granted: Stage) -> None:
    """An issuer may say back what it was sent; we do not say it again."""
    form = granted.issuing.forms

    def echo() -> Response:
        return Response(msgspec.json.encode({"error": SECRET, "error_description": form}), 400)

    granted.issuing.token_answer = echo
    with pytest.raises(NeverSent) as caught:
        await granted.token()
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cr" not in str(error)
        error = error.__cause__ or error.__context__


async def test_an_issuer_that_is_silent_or_away_means_that_nothing_was_sent(tmp_path: Path) -> None:
    async with stage(tmp_path) as on:
        on.issuing.gate.clear()
        asking = asyncio.create_task(on.token())
        while not on.issuing.forms:
            await settle(1)
        on.clock.turn(TIMERS.peer_request_s)
        with pytest.raises(NeverSent, match="did not answer within 5 s"):
            await asking
        on.issuing.gate.set()
    async with stage(tmp_path, token_url="http://127.0.0.1:1/token") as on:
        with pytest.raises(NeverSent, match=r"no token for dss\.example\.org"):
            await on.token()


async def test_a_register_that_cannot_be_asked_has_not_been_asked(granted: Stage) -> None:
    """What the planner makes of it: of a write that never left there is no doubt."""
    granted.issuing.sub = "somebody"
    client = RegisterClient(granted.link, granted.host_url, Limits())
    for call in (
        client.get_intent("2f8343be-6482-4d1b-a474-16847e01af1e"),
        client.delete_intent("2f8343be-6482-4d1b-a474-16847e01af1e", "ovn"),
    ):
        with pytest.raises(NeverSent, match="have the issuer's client named after the party"):
            await call
    assert granted.asked.requests == []


# ---- signed by ourselves


async def test_a_signed_token_is_good_where_our_key_is_trusted(tmp_path: Path) -> None:
    clock, key = TurnedClock(), KEYS[0]
    public = tmp_path / "uss.pem"
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    credential = SignedCredential(signing_key=written(tmp_path, key), iss="https://north.example")
    minter = Minter(NORTH, "north", DIGEST, clock)
    exchange = Exchange(agreement_of("https://n.example.org"), clock, Limits(), Timers())
    tokens = wallet(minter, "north", [credential], exchange, clock, Timers())
    url = "https://SOUTH.example.org:8444/dss/v1/x"
    token = await tokens.token(url, STRATEGIC)

    there = agreement_of("https://south.example.org:8444")
    south = replace(there, parties=(replace(there.parties[0], id=PartyID("south")),))
    settings = Settings(data=tmp_path, party="south", agreement=tmp_path, peer_host="0.0.0.0")
    issuer = read_issuer(IssuerFile(iss="https://north.example", public_key=public))
    authority = Authority(south, settings, clock, [issuer])
    caller = authority.caller(Headers({"Authorization": f"Bearer {token}"}), [STRATEGIC])
    assert (caller.id, caller.party) == ("north", None)

    found = claims_of(token, RSAKey.import_key(key))
    now_s = int(clock.now().timestamp())
    assert {name: found[name] for name in found if name != "jti"} == {
        "iss": "https://north.example",
        "sub": "north",
        "client_id": "north",
        "aud": "south.example.org",
        "scope": STRATEGIC,
        "iat": now_s,
        "nbf": now_s - 5,
        "exp": now_s + 1_800,
    }
    clock.turn(1_440 - 0.25)
    assert await tokens.token(url, STRATEGIC) == token
    clock.turn(0.25)
    assert await tokens.token(url, STRATEGIC) != token


def test_a_signing_key_is_an_rsa_key_in_the_open(tmp_path: Path) -> None:
    key = generate_private_key(65_537, 1_024)
    assert read_rsa_key(written(tmp_path, key)).key_size == 1_024
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
    ed25519 = NORTH.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for content in (None, b"", b"x", locked, ed25519, public):
        path = tmp_path / "bad.key"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(BadInput) as caught:
            read_rsa_key(path)
        assert caught.value.field == str(path)


@pytest.mark.parametrize(
    ("content", "good"),
    [
        (b"word\n", True),
        (b"two words\n", True),
        (b"a" * 4_096, True),
        (b"a" * 4_097, False),
        (b"", False),
        (b" \n", False),
        (b"one\ntwo\n", False),
        (b"\xff\xfe", False),
        (b"a\x00b", False),
    ],
)
def test_a_secret_is_one_line(tmp_path: Path, content: bytes, good: bool) -> None:
    path = tmp_path / "auth.secret"
    path.write_bytes(content)
    if good:
        assert read_secret(path) == content.decode().strip()
        return
    with pytest.raises(BadInput) as caught:
        read_secret(path)
    assert content.decode("latin-1").strip() not in str(caught.value) or not content.strip()


# ---- which goes where


async def test_parties_get_our_own_tokens_and_others_never_do(tmp_path: Path) -> None:
    """On one machine, so that the port alone tells them apart."""
    party_key = OKPKey.import_key(NORTH)
    async with stage(tmp_path) as on:
        await on.link.call("GET", f"{on.host_url}/x", scope=STRATEGIC)
        (outside,) = on.asked.tokens
        assert claims_of(outside, RSAKey.import_key(KEYS[0]))
        own = await on.tokens.token("http://127.0.0.1:1/dss/v1/x", STRATEGIC)
        assert claims_of(own, party_key)["agreement"] == DIGEST
        for near in ("http://127.0.0.1:12/x", "http://127.0.0.1/x", "https://127.0.0.1:1/x"):
            assert await on.tokens.token(near, STRATEGIC) == outside
    async with stage(tmp_path, own_host=True) as on:
        await on.link.call("GET", f"{on.host_url}/x", scope=STRATEGIC)
        assert claims_of(on.asked.tokens[0], party_key)["iss"] == "north"
        assert on.issuing.forms == []


async def test_no_credential_of_ours_is_for_an_unnamed_host(tmp_path: Path) -> None:
    """Then our party's token goes out, which names us, its one host, and nothing secret."""
    async with stage(tmp_path, hosts=("dss.example.org",)) as on:
        await on.token()
        assert len(on.issuing.forms) == 1
        token = await on.token(url="https://uss.example.org/x")
        assert claims_of(token, OKPKey.import_key(NORTH))["aud"] == "uss.example.org"
        assert len(on.issuing.forms) == 1


# ---- a 401


async def test_a_401_is_tried_once_more_with_a_fresh_token(granted: Stage) -> None:
    url = f"{granted.host_url}/x"
    await granted.link.call("POST", url, scope=STRATEGIC, body=b"0")
    granted.clock.turn(30)
    granted.asked.status = [401]
    answer = await granted.link.call("POST", url, scope=STRATEGIC, body=b"1")
    assert answer.status == 200
    assert [body for _, _, body in granted.asked.requests] == [b"0", b"1", b"1"]
    first, again, fresh = granted.asked.tokens
    assert first == again != fresh
    assert len(granted.issuing.forms) == 2


async def test_a_401_twice_is_an_answer(granted: Stage) -> None:
    url = f"{granted.host_url}/x"
    await granted.token(url=url)
    granted.clock.turn(30)
    granted.asked.status = [401] * 9
    for count in (2, 3, 4):  # The fresh one is young: it is not thrown away at each request.
        answer = await granted.link.call("POST", url, scope=STRATEGIC, body=b"")
        assert (answer.status, len(granted.asked.requests)) == (401, count)
    assert len(granted.issuing.forms) == 2


@pytest.mark.parametrize(("age_s", "requests"), [(29.75, 1), (30.0, 2)])
async def test_a_token_younger_than_half_a_minute_is_not_replaced(
    granted: Stage, age_s: float, requests: int
) -> None:
    await granted.token(url=granted.host_url)
    granted.clock.turn(age_s)
    granted.asked.status = [401, 401]
    answer = await granted.link.call("GET", granted.host_url, scope=STRATEGIC)
    assert (answer.status, len(granted.asked.requests)) == (401, requests)


@pytest.mark.parametrize("status", [400, 403, 409, 500])
async def test_no_other_answer_is_tried_again(granted: Stage, status: int) -> None:
    await granted.token(url=granted.host_url)
    granted.clock.turn(60)
    granted.asked.status = [status]
    answer = await granted.link.call("PUT", granted.host_url, scope=STRATEGIC, body=b"")
    assert (answer.status, len(granted.asked.requests)) == (status, 1)


async def test_when_no_fresh_token_can_be_had_the_401_has_done_nothing(granted: Stage) -> None:
    await granted.token(url=granted.host_url)
    granted.clock.turn(60)
    granted.asked.status = [401]
    granted.issuing.token_answer = lambda: Response(status_code=500)
    with pytest.raises(NeverSent, match="answered 500"):
        await granted.link.call("PUT", granted.host_url, scope=STRATEGIC, body=b"")
    assert len(granted.asked.requests) == 1


async def test_a_partys_401_is_tried_once_more_too(tmp_path: Path) -> None:
    async with stage(tmp_path, own_host=True) as on:
        await on.token(url=on.host_url)
        on.clock.turn(60)
        on.asked.status = [401]
        answer = await on.link.call("PUT", on.host_url, scope=STRATEGIC, body=b"")
        first, second = on.asked.tokens
        assert answer.status == 200
        assert first != second


async def test_what_is_open_to_all_goes_without_a_token(granted: Stage) -> None:
    granted.asked.status = [401]
    answer = await granted.link.call("GET", granted.host_url, scope=None)
    assert (answer.status, granted.asked.tokens) == (401, [""])


# ---- settings

HEAD = 'party = "north"\n'
GRANTED = 'token_url = "https://a.example.org/t"\nclient_id = "n"\nclient_secret = "s"\n'
SIGNED = 'signing_key = "k"\niss = "i"\n'


def settings_of(text: str) -> Settings:
    return read_settings(Path("/data"), (HEAD + text).encode())


def test_settings_of_credentials() -> None:
    found = settings_of(
        f'[[credential]]\nhosts = ["DSS.example.org"]\n{GRANTED}client_auth = "post"\n'
        f'audience_parameter = "resource"\n[[credential]]\n{SIGNED}'
    ).credentials
    assert found == (
        GrantedCredential(
            hosts=("dss.example.org",),
            token_url="https://a.example.org/t",
            client_id="n",
            client_secret=Path("/data/s"),
            client_auth=ClientAuth.POST,
            audience_parameter="resource",
        ),
        SignedCredential(signing_key=Path("/data/k"), iss="i"),
    )


def test_settings_of_issuers() -> None:
    found = settings_of(
        '[[issuer]]\niss = "a"\npublic_key = "a.pem"\n'
        '[[issuer]]\niss = "b"\njwks = "https://b.example.org/keys"\n'
        '[[issuer]]\niss = "c"\njwks = "c.json"\n'
    ).issuers
    assert found == (
        IssuerFile(iss="a", public_key=Path("/data/a.pem")),
        IssuerFile(iss="b", jwks="https://b.example.org/keys"),
        IssuerFile(iss="c", jwks=Path("/data/c.json")),
    )


BAD_SETTINGS = {
    "nothing": ("[[credential]]\n", "token_url"),
    "no secret": ('[[credential]]\ntoken_url = "https://a.b"\nclient_id = "n"\n', "client_secret"),
    "no issuer's name": ('[[credential]]\nsigning_key = "k"\n', "iss"),
    "both": (f"[[credential]]\n{GRANTED}{SIGNED}", "token_url"),
    "no hosts": (f"[[credential]]\nhosts = []\n{SIGNED}", "hosts"),
    "a host with its port": (f'[[credential]]\nhosts = ["a:1"]\n{SIGNED}', "hosts"),
    "a URL as host": (f'[[credential]]\nhosts = ["https://a"]\n{SIGNED}', "hosts"),
    "a host twice": (
        f'[[credential]]\nhosts = ["a"]\n{SIGNED}[[credential]]\nhosts = ["b", "A"]\n{SIGNED}',
        "credential[1].hosts",
    ),
    "two for the rest": (f"[[credential]]\n{SIGNED}[[credential]]\n{SIGNED}", "credential[1]"),
    "plain http": (
        f"[[credential]]\n{GRANTED.replace('https', 'http')}",
        "credential[0].token_url",
    ),
    "another scheme": (f"[[credential]]\n{GRANTED.replace('https', 'ftp')}", "token_url"),
    "a name in the URL": (f"[[credential]]\n{GRANTED.replace('//a', '//u@a')}", "token_url"),
    "no host": (f"[[credential]]\n{GRANTED.replace('a.example.org', '')}", "token_url"),
    "an odd port": (f"[[credential]]\n{GRANTED.replace('org', 'org:x')}", "token_url"),
    "another way to show it": (f'[[credential]]\n{GRANTED}client_auth = "jwt"\n', "client_auth"),
    "an issuer without keys": ('[[issuer]]\niss = "a"\n', "issuer[0].public_key"),
    "an issuer with two": ('[[issuer]]\niss="a"\npublic_key="x"\njwks="y"\n', "public_key"),
    "keys over plain http": ('[[issuer]]\niss="a"\njwks="http://a.b/k"\n', "issuer[0].jwks"),
    "keys that go before they come": (
        '[timers]\njwks_keep = "5 min"\njwks_refresh = "6 min"\n',
        "timers.jwks_keep",
    ),
    "keys for ever": ('[timers]\njwks_keep = "8 d"\n', "timers.jwks_keep"),
}


@pytest.mark.parametrize(("text", "where"), BAD_SETTINGS.values(), ids=BAD_SETTINGS.keys())
def test_settings_that_are_refused(text: str, where: str) -> None:
    with pytest.raises(BadInput) as caught:
        settings_of(text)
    assert where in (caught.value.field or "")


def test_plain_http_is_for_this_machine() -> None:
    for host in ("127.0.0.1:5", "localhost", "[::1]:5"):
        text = GRANTED.replace("https://a.example.org", f"http://{host}")
        (found,) = settings_of(f"[[credential]]\n{text}").credentials
        assert isinstance(found, GrantedCredential)
