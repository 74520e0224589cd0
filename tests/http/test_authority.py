"""Tokens: whose word is taken, for what, for how long; each way of being wrong is refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicNumbers,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey, RSAKey
from starlette.datastructures import Headers

from tansiq.domain.agreement import Agreement, Minima, Party, Register
from tansiq.domain.geodesy import area_km2
from tansiq.domain.intent import PartyID
from tansiq.domain.volume import Circle, LatLng
from tansiq.errors import AgreementMismatch, BadInput, Forbidden, TansiqError, Unauthenticated
from tansiq.http.authority import (
    Authority,
    Identity,
    register_caller,
)
from tansiq.http.issuers import read_issuer
from tansiq.peers.tokens import Minter
from tansiq.services.parties import search_km2_max
from tansiq.services.planning.versions import Versions
from tansiq.services.register import CONSTRAINT_MANAGEMENT, STRATEGIC_COORDINATION, Caller
from tansiq.settings import IssuerFile, Limits, Settings, Timers

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NORTH, SOUTH, STRANGER = (Ed25519PrivateKey.generate() for _ in range(3))
ISSUER = generate_private_key(65537, 2048)
DIGEST, OTHER_DIGEST = "ab" * 32, "cd" * 32


class SteppedClock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.passed = timedelta(0)

    def now(self) -> datetime:
        return NOON + self.passed

    def monotonic_s(self) -> float:
        return self.passed.total_seconds()

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError

    async def limit(self, awaitable: Any, seconds: float) -> Any:
        raise NotImplementedError


def party(name: str, key: Ed25519PrivateKey, port: int) -> Party:
    return Party(
        id=PartyID(name),
        names={"en": name},
        public_key=key.public_key().public_bytes_raw(),
        url=f"https://{name}.example.org:{port}",
        tls_sha256=bytes(32),
    )


AGREEMENT = Agreement(
    name="Valley",
    digest=DIGEST,
    parties=(party("north", NORTH, 8443), party("south", SOUTH, 8444)),
    registers=(Register(id="north", party=PartyID("north"), url="https://north.example.org:8443"),),
    area=Circle(center=LatLng(0, 0), radius_m=1_000),
    area_km2_max=2_500,
    minima=Minima(),
)
SETTINGS = Settings(
    data=Path(), party="south", agreement=Path(), peer_host="0.0.0.0", audiences=("alias",)
)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    path = tmp_path / "issuer.pem"
    path.write_bytes(
        ISSUER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return path


@pytest.fixture
def authority(clock: SteppedClock, pem: Path) -> Authority:
    """The authority of South, which also takes an outside issuer's word."""
    issuer = read_issuer(IssuerFile(iss="pool", public_key=pem))
    return Authority(AGREEMENT, SETTINGS, clock, [issuer])


def headers(token: str) -> Headers:
    return Headers({"Authorization": f"Bearer {token}"})


def claims(**changed: Any) -> dict[str, Any]:
    """Return the claims of a good token of North for South, some changed or (None) left out."""
    now = int(NOON.timestamp())
    good = {
        "iss": "north",
        "sub": "north",
        "aud": "south.example.org",
        "scope": STRATEGIC_COORDINATION,
        "iat": now,
        "nbf": now,
        "exp": now + 1_800,
        "jti": "1",
        "agreement": DIGEST,
    } | changed
    return {name: value for name, value in good.items() if value is not None}


def by_party(key: Ed25519PrivateKey = NORTH, alg: str = "Ed25519", **changed: Any) -> str:
    return jwt.encode({"alg": alg}, claims(**changed), OKPKey.import_key(key), algorithms=[alg])


def by_issuer(key: RSAPrivateKey = ISSUER, alg: str = "RS256", **changed: Any) -> str:
    body = claims(**({"iss": "pool", "sub": "uss9", "agreement": None} | changed))
    return jwt.encode({"alg": alg}, body, RSAKey.import_key(key), algorithms=[alg])


def raw(header: str, body: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """Return a token whose header is text of our own, signed all the same."""

    def encoded(part: bytes) -> str:
        return base64.urlsafe_b64encode(part).rstrip(b"=").decode()

    signed = f"{encoded(header.encode())}.{encoded(json.dumps(body).encode())}"
    return f"{signed}.{encoded(sign(signed.encode()))}"


def by_header(**header: Any) -> str:
    return raw(json.dumps({"alg": "Ed25519"} | header), claims(), NORTH.sign)


def by_hmac(secret: bytes, **changed: Any) -> str:
    def sign(content: bytes) -> bytes:
        return hmac.digest(secret, content, hashlib.sha256)

    return raw('{"alg":"HS256"}', claims(**changed), sign)


def test_a_partys_own_token_names_it(authority: Authority) -> None:
    caller = authority.caller(headers(by_party()), [STRATEGIC_COORDINATION])
    assert caller == Identity(
        id="north",
        scopes=frozenset({STRATEGIC_COORDINATION}),
        party=AGREEMENT.parties[0],
        agreement_digest=DIGEST,
    )


def test_a_partys_token_may_name_its_key(authority: Authority) -> None:
    """There is one key a party, whatever it is called."""
    assert authority.caller(headers(by_header(kid="any")), []).id == "north"


def test_the_older_name_of_the_algorithm_is_taken(authority: Authority) -> None:
    with pytest.warns(SecurityWarning):
        token = by_party(alg="EdDSA")
    assert authority.caller(headers(token), [STRATEGIC_COORDINATION]).id == "north"


def test_an_outside_issuer_speaks_for_suppliers_outside_the_agreement(authority: Authority) -> None:
    token = by_issuer(scope=f"{STRATEGIC_COORDINATION} {CONSTRAINT_MANAGEMENT}")
    caller = authority.caller(headers(token), [CONSTRAINT_MANAGEMENT])
    assert (caller.id, caller.party, caller.agreement_digest) == ("uss9", None, None)
    assert caller.scopes == {STRATEGIC_COORDINATION, CONSTRAINT_MANAGEMENT}


def test_an_outside_issuers_agreement_claim_means_nothing(authority: Authority) -> None:
    caller = authority.caller(headers(by_issuer(agreement=DIGEST)), [STRATEGIC_COORDINATION])
    assert caller.agreement_digest is None


def test_a_partys_areas_are_the_agreements_and_others_the_standards(authority: Authority) -> None:
    agreement, limits = replace(AGREEMENT, area_km2_max=20_000.0), Limits()
    scopes = frozenset({STRATEGIC_COORDINATION})
    party = authority.caller(headers(by_party()), [])
    # A party's volumes carry their enlargement, and it subscribes to the whole agreed area.
    enlarged_km2 = search_km2_max(agreement)
    assert enlarged_km2 >= max(1.05 * 20_000.0, area_km2(agreement.area))
    assert register_caller(party, agreement, limits) == Caller(
        id="north",
        scopes=scopes,
        area_km2_max=enlarged_km2,
        subscription_max=limits.plan_ahead_max,
        party=True,
    )
    other = authority.caller(headers(by_issuer()), [])
    assert register_caller(other, agreement, limits) == Caller(
        id="uss9", scopes=scopes, area_km2_max=2_500.0, area_km2_beyond_max=400.0
    )


@pytest.mark.parametrize("aud", ["south.example.org", "SOUTH.example.ORG", "alias", ["x", "alias"]])
def test_every_name_of_this_node_is_an_audience(authority: Authority, aud: Any) -> None:
    authority.caller(headers(by_party(aud=aud)), [])


def test_loopback_names_are_audiences_only_where_the_listener_is_bound_there(
    authority: Authority, clock: SteppedClock
) -> None:
    token = headers(by_party(aud="127.0.0.1"))
    with pytest.raises(Unauthenticated):
        authority.caller(token, [])
    Authority(AGREEMENT, replace(SETTINGS, peer_host="127.0.0.1"), clock).caller(token, [])


NOW = int(NOON.timestamp())
NORTH_PUBLIC = NORTH.public_key().public_bytes_raw()
ISSUER_PEM = ISSUER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
REFUSED: list[tuple[str, Callable[[], str], str]] = [
    ("expired by the smallest step", lambda: by_party(exp=NOW - 5), "expired"),
    ("not valid yet by the smallest step", lambda: by_party(nbf=NOW + 6), "not valid yet"),
    ("expires too far ahead", lambda: by_party(exp=NOW + 3_606), "more than 1:00:00"),
    ("made in the future by the smallest step", lambda: by_party(iat=NOW + 11), "in the future"),
    ("made at a time that is text", lambda: by_party(iat="noon"), "not a time"),
    ("a key's name that is a number", lambda: by_header(kid=7), "not text"),
    ("no expiry", lambda: by_party(exp=None), "missing or not a time"),
    ("expiry as text", lambda: by_party(exp="3000-01-01"), "not a time"),
    ("expiry true", lambda: by_party(exp=True), "not a time"),
    ("expiry not a number", lambda: by_party(exp=float("nan")), "not a time"),
    ("expiry in milliseconds", lambda: by_party(exp=NOW * 1_000), "not a time"),
    ("another party's key", lambda: by_party(SOUTH), "signature"),
    ("a stranger's key", lambda: by_party(STRANGER), "signature"),
    ("another node's audience", lambda: by_party(aud="north.example.org"), "not made out"),
    ("audience with a port", lambda: by_party(aud="south.example.org:8444"), "not made out"),
    ("no audience", lambda: by_party(aud=None), "not made out"),
    ("audience not text", lambda: by_party(aud=[7, {}]), "not made out"),
    ("an unknown issuer", lambda: by_party(iss="west", sub="west"), "no issuer 'west'"),
    ("no issuer", lambda: by_party(iss=None), "missing"),
    ("no subject", lambda: by_party(sub=None), "missing"),
    ("a blank subject", lambda: by_issuer(sub=" "), "missing"),
    ("a subject of two lines", lambda: by_issuer(sub="a\nb"), "control characters"),
    ("a party speaking for another", lambda: by_party(sub="south"), "signs for itself"),
    ("an issuer speaking for a party", lambda: by_issuer(sub="north"), "own key"),
    ("scope as a list", lambda: by_party(scope=[STRATEGIC_COORDINATION]), "not text"),
    ("alg none", lambda: raw('{"alg":"none"}', claims(), lambda _: b""), "signs with Ed25519"),
    ("HMAC with a party's public key", lambda: by_hmac(NORTH_PUBLIC), "signs with Ed25519"),
    (
        "HMAC with an issuer's public key",
        lambda: by_hmac(ISSUER_PEM, iss="pool", sub="uss9"),
        "signs with RS256",
    ),
    ("a party by RS256", lambda: by_issuer(iss="north", sub="north"), "signs with Ed25519"),
    ("an issuer by Ed25519", lambda: by_party(iss="pool", sub="uss9"), "signs with RS256"),
    ("an issuer by PS256", lambda: by_issuer(alg="PS256"), "signs with RS256"),
    (
        "two algorithms in one header",
        lambda: raw('{"alg":"none","alg":"Ed25519"}', claims(), NORTH.sign),
        "well-formed",
    ),
    (
        "a list of algorithms",
        lambda: raw('{"alg":["Ed25519"]}', claims(), NORTH.sign),
        "signs with",
    ),
    ("no algorithm", lambda: raw("{}", claims(), NORTH.sign), "signs with"),
    (
        "an extension that must be understood",
        lambda: raw('{"alg":"Ed25519","crit":["x"],"x":1}', claims(), NORTH.sign),
        "signature",
    ),
    ("not a JWT", lambda: "abc", "three parts"),
    ("five parts", lambda: "a.b.c.d.e", "three parts"),
    ("empty parts", lambda: "..", "well-formed"),
    ("a payload that is a list", lambda: by_party().split(".")[0] + ".W10.x", "well-formed"),
    (
        "a payload nested 1,500 deep",
        lambda: "e30." + base64.b64encode(b"[" * 1_500).decode() + ".x",
        "well-formed",
    ),
    ("8,193 characters", lambda: "a" * 8_193, "more than 8192"),
]


@pytest.mark.parametrize(("make", "reason"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refused(authority: Authority, make: Callable[[], str], reason: str) -> None:
    token = make()
    for _ in range(2):  # The second time it could be remembered.
        with pytest.raises(Unauthenticated, match=reason):
            authority.caller(headers(token), [STRATEGIC_COORDINATION])


@pytest.mark.parametrize(
    "given",
    [
        [],
        [(b"authorization", b"Basic abc")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer \xff")],
        [(b"authorization", f"Bearer {by_party()}".encode())] * 2,
    ],
    ids=["none", "basic", "empty", "not ascii", "two"],
)
def test_no_token_or_two_are_refused(
    authority: Authority, given: list[tuple[bytes, bytes]]
) -> None:
    with pytest.raises(Unauthenticated):
        authority.caller(Headers(raw=given), [STRATEGIC_COORDINATION])


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": NOW - 4},
        {"nbf": NOW + 5},
        {"exp": NOW + 3_605},
        {"iat": NOW + 10},
        {"nbf": None},
        {"iat": None},
    ],
    ids=str,
)
def test_bounds_of_time_are_accepted(authority: Authority, changed: dict[str, Any]) -> None:
    authority.caller(headers(by_party(**changed)), [])


def test_a_remembered_token_ends_all_the_same(authority: Authority, clock: SteppedClock) -> None:
    token = headers(by_party(exp=NOW + 60))
    authority.caller(token, [])
    clock.passed = timedelta(seconds=64.999)
    authority.caller(token, [])
    clock.passed = timedelta(seconds=65)
    with pytest.raises(Unauthenticated, match="expired"):
        authority.caller(token, [])


def test_any_one_of_the_scopes_is_enough_and_none_is_not(authority: Authority) -> None:
    token = headers(by_party())
    authority.caller(token, [CONSTRAINT_MANAGEMENT, STRATEGIC_COORDINATION])
    for scopes in [CONSTRAINT_MANAGEMENT], ["utm.strategic_coordinatio"]:
        with pytest.raises(Forbidden, match="needs the scope"):
            authority.caller(token, scopes)
    with pytest.raises(Forbidden):
        authority.caller(headers(by_party(scope="")), [STRATEGIC_COORDINATION])
    with pytest.raises(Forbidden):
        authority.caller(headers(by_party(scope=None)), [STRATEGIC_COORDINATION])


@pytest.mark.parametrize("digest", [OTHER_DIGEST, DIGEST[:-1], None, 7])
def test_a_party_under_another_agreement_is_told_so(authority: Authority, digest: Any) -> None:
    token = by_party(agreement=digest)
    for _ in range(2):
        with pytest.raises(AgreementMismatch) as caught:
            authority.caller(headers(token), [STRATEGIC_COORDINATION])
    if digest == OTHER_DIGEST:
        assert "'cdcdcdcd'" in caught.value.message
        assert "'abababab'" in caught.value.message


def test_under_another_version_a_party_places_nothing_and_may_do_all_else(
    authority: Authority, clock: SteppedClock
) -> None:
    token, wanted = headers(by_party(agreement=OTHER_DIGEST)), [STRATEGIC_COORDINATION]
    versions = Versions([OTHER_DIGEST])
    between = Authority(AGREEMENT, SETTINGS, clock, versions=versions)
    assert between.caller(token, wanted, places=False).id == "north"
    for broken in (
        lambda: between.caller(token, wanted, places=True),
        lambda: between.caller(token, wanted),
        lambda: authority.caller(token, wanted, places=False),
        lambda: between.caller(headers(by_party(agreement=DIGEST[:-1])), wanted, places=False),
        lambda: between.caller(headers(by_party(agreement=None)), wanted, places=False),
    ):
        with pytest.raises(AgreementMismatch):
            broken()
    with pytest.raises(Forbidden):
        between.caller(token, [CONSTRAINT_MANAGEMENT + "x"], places=False)
    # One that is waited for counts as soon as it is known, and no longer.
    ahead = Versions()
    waiting = Authority(AGREEMENT, SETTINGS, clock, versions=ahead)
    ahead.follow([OTHER_DIGEST])
    assert waiting.caller(token, wanted, places=False).id == "north"
    ahead.follow([])
    with pytest.raises(AgreementMismatch):
        waiting.caller(token, wanted, places=False)


def test_our_party_must_be_in_the_agreement_and_no_issuer_may_take_its_name(
    clock: SteppedClock, pem: Path
) -> None:
    with pytest.raises(BadInput, match="north, south"):
        Authority(AGREEMENT, replace(SETTINGS, party="west"), clock)
    for iss in ("north", "pool"):
        issuers = [read_issuer(IssuerFile(iss=iss, public_key=pem))] * 2
        with pytest.raises(BadInput, match="named twice"):
            Authority(AGREEMENT, SETTINGS, clock, issuers)


def test_an_issuers_key_file_must_hold_an_rsa_public_key(tmp_path: Path) -> None:
    ed25519 = NORTH.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, content in {"absent": None, "text": b"x", "ed25519": ed25519}.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(BadInput) as caught:
            read_issuer(IssuerFile(iss="pool", public_key=path))
        assert caught.value.field == str(path)


@pytest.mark.parametrize(("bits", "good"), [(1_024, True), (1_023, False)])
def test_short_rsa_keys_are_taken_down_to_the_conformance_suites(
    tmp_path: Path, clock: SteppedClock, bits: int, good: bool
) -> None:
    key = generate_private_key(65537, 1_024)
    public = key.public_key()
    if bits < 1_024:
        public = RSAPublicNumbers(65537, public.public_numbers().n >> 1 | 1).public_key()
    path = tmp_path / "short.pem"
    path.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    if not good:
        with pytest.raises(BadInput, match="1024 bits"):
            read_issuer(IssuerFile(iss="pool", public_key=path))
        return
    issuer = read_issuer(IssuerFile(iss="pool", public_key=path))
    authority = Authority(AGREEMENT, SETTINGS, clock, [issuer])
    with pytest.warns(SecurityWarning):
        token = by_issuer(key)
    assert (issuer.bits, authority.caller(headers(token), []).id) == (1_024, "uss9")


def test_minted_tokens_are_good_where_they_are_for_and_reused_for_most_of_their_life(
    authority: Authority, clock: SteppedClock
) -> None:
    minter = Minter(NORTH, "north", DIGEST, clock)
    first = minter.token("South.example.org", STRATEGIC_COORDINATION)
    assert authority.caller(headers(first), [STRATEGIC_COORDINATION]).id == "north"

    clock.passed = timedelta(minutes=24) - timedelta(microseconds=1)
    assert minter.token("south.example.org", STRATEGIC_COORDINATION) == first
    clock.passed = timedelta(minutes=24)
    second = minter.token("south.example.org", STRATEGIC_COORDINATION)
    assert second != first
    assert minter.token("south.example.org", CONSTRAINT_MANAGEMENT) != second
    elsewhere = minter.token("north.example.org", STRATEGIC_COORDINATION)
    with pytest.raises(Unauthenticated):
        authority.caller(headers(elsewhere), [])


@pytest.mark.parametrize(
    ("offset_s", "good"), [(-10, True), (-11, False), (1_804, True), (1_805, False)]
)
def test_clocks_may_differ_by_twice_the_leeway(
    offset_s: int, good: bool, clock: SteppedClock
) -> None:
    """A token minted by a clock that is ahead: the receiver's is ``offset_s`` from it."""
    token = Minter(NORTH, "north", DIGEST, SteppedClock()).token("alias", "")
    clock.passed = timedelta(seconds=offset_s)
    receiver = Authority(AGREEMENT, SETTINGS, clock)
    if good:
        receiver.caller(headers(token), [])
    else:
        with pytest.raises(Unauthenticated):
            receiver.caller(headers(token), [])


def test_a_minter_and_an_authority_remember_no_more_than_their_bound(
    authority: Authority, clock: SteppedClock
) -> None:
    minter = Minter(NORTH, "north", DIGEST, clock, timers=Timers())
    for n in range(1_100):
        minter.token(f"host{n}", "")
    assert len(minter.shelf) == 1_024
    for n in range(4_150):
        authority.caller(headers(by_party(jti=str(n))), [])
    assert len(authority._remembered) == 4_096


def test_no_mangled_token_is_taken_and_none_breaks_the_reader(authority: Authority) -> None:
    """2,000 seeded mutations of a good token, one to three bytes each: every one is refused."""
    good = by_party()
    for seed in range(2_000):
        random = Random(seed)
        characters = list(good)
        for _ in range(random.randint(1, 3)):
            characters[random.randrange(len(good))] = random.choice("aZ09-_.=%{ \x00é")
        mangled = "".join(characters)
        try:
            authority.caller(Headers(raw=[(b"authorization", f"Bearer {mangled}".encode())]), [])
        except TansiqError:
            continue
        # A last character carries spare bits: another spelling of the same signature.
        assert mangled[:-1] == good[:-1], f"seed {seed}"
