"""Every route that peers reach x every way in which a token can be wrong.

The routes are those of a whole node's application, read from it when the test runs, so a route that
somebody adds is judged without being named here. Tokens are checked before anything else: the
bodies and ids that are sent are no good ones, and nobody is told so without a good token.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import OKPKey, RSAKey
from sky import make_sky
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from asgi import Answer, ask
from issuing import KEYS, jwk, key_set, soon
from tansiq.http import authority as authority_module
from tansiq.http.authority import Authority
from tansiq.node import Node
from tansiq.peers.identity import load_signing_key
from tansiq.settings import IssuerFile

pytestmark = pytest.mark.anyio
HOST = "127.0.0.1"
SCOPES = (
    "utm.strategic_coordination utm.constraint_management utm.constraint_processing "
    "utm.conformance_monitoring_sa utm.availability_arbitration "
    "interuss.versioning.read_system_versions interuss.pool_status.read "
    "interuss.pool_status.heartbeat.write interuss.flight_planning.direct_automated_test "
    "interuss.flight_planning.plan"
)
PUBLIC = {
    "/aux/v1/version": "InterUSS's interface asks no token: whether a DSS lives is no secret",
    "/tansiq/v1/agreement": "two nodes with different agreements must be able to find that out",
    "/tansiq/v1/join": "who was invited has no token yet; the proof in the reply is asked instead",
}
"""Routes that anybody may ask, and why."""
JOIN = "/tansiq/v1/join"
PARTIES_ONLY = "/tansiq/v1/"
"""Below it a good token of a supplier outside the agreement opens nothing."""
ID = "2f8343be-6482-4d1b-a474-16847e01af1e"
PEM = KEYS[0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
STRANGER = Ed25519PrivateKey.generate()

Headers = list[tuple[str, str | bytes]]


@dataclass
class Maker:
    """Makes the tokens of one node's callers, good ones and others."""

    party: str
    other: str
    key: Ed25519PrivateKey
    agreement: str

    def claims(self, **changed: Any) -> dict[str, Any]:
        now = int(datetime.now(UTC).timestamp())
        good = {
            "iss": "pem",
            "sub": "uss9",
            "aud": HOST,
            "scope": SCOPES,
            "iat": now,
            "nbf": now,
            "exp": now + 600,
        }
        times = {"iat", "nbf", "exp"}  # Counted from now.
        given = good | {
            name: now + value if name in times and value is not None else value
            for name, value in changed.items()
        }
        return {name: value for name, value in given.items() if value is not None}

    def outside(self, key: int = 0, header: dict[str, Any] | None = None, **changed: Any) -> str:
        return jwt.encode(
            {"alg": "RS256", **(header or {})}, self.claims(**changed), RSAKey.import_key(KEYS[key])
        )

    def own(self, key: Ed25519PrivateKey | None = None, **changed: Any) -> str:
        given = {"iss": self.party, "sub": self.party, "agreement": self.agreement} | changed
        signing = OKPKey.import_key(key or self.key)
        return jwt.encode({"alg": "Ed25519"}, self.claims(**given), signing, algorithms=["Ed25519"])

    def raw(self, header: dict[str, Any], sign: Callable[[bytes], bytes], **changed: Any) -> str:
        def encoded(part: bytes) -> str:
            return base64.urlsafe_b64encode(part).rstrip(b"=").decode()

        parts = json.dumps(header).encode(), json.dumps(self.claims(**changed)).encode()
        signed = ".".join(map(encoded, parts))
        return f"{signed}.{encoded(sign(signed.encode()))}"


def bearer(token: str) -> Headers:
    return [("Authorization", f"Bearer {token}")]


def by_hmac(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda content: hmac.digest(secret, content, hashlib.sha256)


Make = Callable[[Maker], Headers]
GOOD: dict[str, Make] = {
    "a party's token": lambda m: bearer(m.own()),
    "a supplier's, by an issuer with a PEM file": lambda m: bearer(m.outside()),
    "a supplier's, by an issuer with a key set": lambda m: bearer(
        m.outside(1, {"kid": "b"}, iss="set")
    ),
    "for several hosts": lambda m: bearer(m.outside(aud=["dss.example.org", HOST])),
}
REFUSED: dict[str, tuple[int, Make]] = {
    "no token": (401, lambda _: []),
    "not a token": (401, lambda _: bearer("abc")),
    "no bearer token": (401, lambda m: [("Authorization", f"Basic {m.outside()}")]),
    "the token alone": (401, lambda m: [("Authorization", m.outside())]),
    "two headers": (401, lambda m: bearer(m.outside()) * 2),
    "a bad header after a good one": (401, lambda m: bearer(m.outside()) + bearer("abc")),
    "expired": (401, lambda m: bearer(m.outside(exp=-6))),
    "a party's, expired": (401, lambda m: bearer(m.own(exp=-6))),
    "without end": (401, lambda m: bearer(m.outside(exp=None))),
    "an end too far ahead": (401, lambda m: bearer(m.outside(exp=3_700))),
    "not valid yet": (401, lambda m: bearer(m.outside(nbf=60))),
    "made in the future": (401, lambda m: bearer(m.outside(iat=60))),
    "another key": (401, lambda m: bearer(m.outside(2))),
    "the key of another issuer": (401, lambda m: bearer(m.outside(1))),
    "a party's, by another key": (401, lambda m: bearer(m.own(STRANGER))),
    "a key's name that is unknown": (401, lambda m: bearer(m.outside(1, {"kid": "c"}, iss="set"))),
    "another audience": (401, lambda m: bearer(m.outside(aud="dss.example.org"))),
    "a party's, for another": (401, lambda m: bearer(m.own(aud="dss.example.org"))),
    "no audience": (401, lambda m: bearer(m.outside(aud=None))),
    "no subject": (401, lambda m: bearer(m.outside(sub=None))),
    "an unknown issuer": (401, lambda m: bearer(m.outside(iss="nobody"))),
    "no issuer": (401, lambda m: bearer(m.outside(iss=None))),
    "none": (401, lambda m: bearer(m.raw({"alg": "none"}, lambda _: b""))),
    "HMAC with the public key": (
        401,
        lambda m: bearer(m.raw({"alg": "HS256"}, by_hmac(PEM))),
    ),
    "HMAC with a party's public key": (
        401,
        lambda m: bearer(
            m.raw(
                {"alg": "HS256"},
                by_hmac(m.key.public_key().public_bytes_raw()),
                iss=m.party,
                sub=m.party,
                agreement=m.agreement,
            )
        ),
    ),
    "a party's name by an issuer": (401, lambda m: bearer(m.outside(sub=m.party))),
    "a party's name and an issuer's key": (
        401,
        lambda m: bearer(m.outside(iss=m.party, sub=m.party)),
    ),
    "a party for somebody else": (401, lambda m: bearer(m.own(sub=m.other))),
    "no scope": (403, lambda m: bearer(m.outside(scope=None))),
    "an empty scope": (403, lambda m: bearer(m.outside(scope=""))),
    "another scope": (403, lambda m: bearer(m.outside(scope="utm.nothing"))),
    "half a scope": (403, lambda m: bearer(m.outside(scope="utm interuss"))),
    "a party's, without scope": (403, lambda m: bearer(m.own(scope=""))),
    "a party under another agreement": (403, lambda m: bearer(m.own(agreement="cd" * 32))),
}


@dataclass
class Stage:
    app: Starlette
    maker: Maker
    register: str

    def routes(self) -> list[tuple[str, str]]:
        """Return (method, path) of everything that the application answers."""
        found = []
        for route in self.app.routes:
            # Mounted applications would hide routes from this test.
            assert isinstance(route, Route), route
            found += [(method, route.path) for method in sorted(route.methods or ())]
        return found

    async def ask(self, method: str, path: str, headers: Headers) -> Answer:
        names = {
            "{register}": self.register,
            "{uss_id:path}": "uss9",
            "{system_identity}": "dss",
            "{ovn}": "ovn",
        }
        for name, value in names.items():
            path = path.replace(name, value)
        parts = [ID if part.startswith("{") else part for part in path.split("/")]
        return await ask(self.app, "/".join(parts), method=method, headers=headers, body=b"{")

    async def faults(self, only: Sequence[str] = ()) -> list[str]:
        """Judge every route; return what is not as it must be."""
        found = []
        for method, path in self.routes():
            if path in PUBLIC:
                continue
            for name, (status, make) in REFUSED.items():
                if only and name not in only:
                    continue
                headers = make(self.maker)
                answer = await self.ask(method, path, headers)
                if answer.status != status or not _is_error(answer, headers):
                    found.append(f"{name}: {method} {path} {answer.status} {answer.body[:80]!r}")
            for name, make in GOOD.items():
                answer = await self.ask(method, path, make(self.maker))
                closed = path.startswith(PARTIES_ONLY) and not name.startswith("a party")
                wrong = answer.status != 403 if closed else answer.status in (401, 403)
                if wrong or answer.status >= 500:
                    found.append(f"{name}: {method} {path} {answer.status} {answer.body[:80]!r}")
        return found


def _is_error(answer: Answer, headers: Headers) -> bool:
    """Report whether an answer is an ErrorResponse of F3548-21 that gives nothing away."""
    message = answer.json.get("message") if isinstance(answer.json, dict) else None
    shown = answer.headers.get("www-authenticate") == "Bearer"
    return (
        isinstance(message, str)
        and bool(message.strip())
        and list(answer.json) == ["message"]
        and answer.headers["content-type"] == "application/json"
        and shown == (answer.status == 401)
        and all(str(value).split(" ")[-1] not in message for _, value in headers if value)
    )


@asynccontextmanager
async def stage(folder: Path, *, testing: bool) -> AsyncIterator[Stage]:
    """Open a whole node: of two parties, or alone with the test interface switched on."""
    parties = ("north",) if testing else ("north", "south")
    registers = [("north", True)] if testing else None
    sky = make_sky(folder, parties=parties, registers=registers)
    side = sky["north"]
    (folder / "issuer.pem").write_bytes(PEM)
    (folder / "keys.json").write_bytes(key_set(jwk(KEYS[1], "b")))
    settings = replace(
        side.settings,
        issuers=(
            IssuerFile(iss="pem", public_key=folder / "issuer.pem"),
            IssuerFile(iss="set", jwks=folder / "keys.json"),
        ),
        test_interface=side.party.url if testing else None,
    )
    node = await Node.open(settings)
    try:
        await node.start()
        await soon(lambda: all(view.keys == 1 for view in node.key_sets.views()))
        caller = parties[-1]
        key = load_signing_key(folder / caller)
        maker = Maker(caller, "south" if testing else "north", key, node.agreement.digest)
        yield Stage(node.peer, maker, "north")
    finally:
        await node.stop()


@pytest.fixture(params=[False, True], ids=["parties", "test interface"])
async def on(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with stage(tmp_path, testing=request.param) as found:
        yield found


async def test_no_route_takes_a_token_that_is_not_good(on: Stage) -> None:
    routes = on.routes()
    assert len({path for _, path in routes}) >= 25, "where have the routes gone?"
    assert await on.faults() == []


async def test_the_public_routes_are_there_and_ask_nothing(on: Stage) -> None:
    for path in PUBLIC:
        for headers in ([], bearer("abc")):
            if path != JOIN:
                assert (await on.ask("GET", path, headers)).status == 200
    # It is there, and nothing is to be had from it while nobody is invited.
    assert (await on.ask("GET", JOIN, [])).status == 405
    answer = await on.ask("POST", JOIN, [])
    assert (answer.status, answer.body) == (404, b"no invitation of this node is open")


async def test_each_interface_is_among_the_routes(tmp_path: Path) -> None:
    async with stage(tmp_path / "a", testing=False) as on:
        plain = {path.split("/")[1] for _, path in on.routes()}
    async with stage(tmp_path / "b", testing=True) as on:
        tested = {path.split("/")[1] for _, path in on.routes()}
    assert plain >= {"dss", "uss", "at", "aux", "versions", "tansiq"}
    assert tested - plain >= {"flight_planning"}
    assert "flight_planning" not in plain


# ---- that the matrix sees: each check switched off, and a route that forgot them


def _all_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authority_module, "_is_signed", lambda *_: True)


def _any_audience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Authority, "_check_audience", lambda *_: None)


def _any_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Authority, "_times", lambda _, claims, __: (0.0, claims["exp"]))


def _any_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = Authority.caller

    def anybody(self: Authority, headers: Any, _: Any, **how: Any) -> Any:
        return caller(self, headers, [], **how)

    monkeypatch.setattr(Authority, "caller", anybody)


def _any_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    def caller(self: Authority, headers: Any, _: Any, **__: Any) -> Any:
        return self._identity(authority_module._bearer(headers))

    monkeypatch.setattr(Authority, "caller", caller)


def _first_header(monkeypatch: pytest.MonkeyPatch) -> None:
    def bearer(headers: Any) -> str:
        return str(headers["authorization"].partition(" ")[2])

    monkeypatch.setattr(authority_module, "_bearer", bearer)


def _remembers_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def identity(self: Authority, token: str) -> Any:
        return self._verified(token, self._clock.now().timestamp()).identity

    monkeypatch.setattr(Authority, "_identity", identity)


ASKS_TWICE = ("DELETE", "/dss/v1/constraint_references/{entityid}/{ovn}")
"""The register asks for the scope here too, behind the check that is switched off."""
OFF = {
    "signatures": (_all_signed, ("another key", "a party's, by another key")),
    "audiences": (_any_audience, ("another audience", "a party's, for another", "no audience")),
    "bounds of time": (
        _any_end,
        ("an end too far ahead", "not valid yet", "made in the future"),
    ),
    "scopes": (_any_scope, ("no scope", "another scope", "a party's, without scope")),
    "agreements": (_any_agreement, ("a party under another agreement",)),
    "one header": (_first_header, ("two headers", "a bad header after a good one")),
    "ends": (_remembers_for_ever, ("expired", "a party's, expired")),
}


@pytest.mark.parametrize(("switch", "cases"), OFF.values(), ids=OFF.keys())
async def test_with_a_check_switched_off_the_matrix_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    switch: Callable[[pytest.MonkeyPatch], None],
    cases: tuple[str, ...],
) -> None:
    async with stage(tmp_path, testing=False) as on:
        switch(monkeypatch)
        found = await on.faults(cases)
        tried = [
            route
            for route in on.routes()
            if route[1] not in PUBLIC and (switch is not _any_scope or route != ASKS_TWICE)
        ]
        for case in cases:
            # Of a supplier's tokens those routes say 403 anyway: they are no party's.
            asked = [
                route
                for route in tried
                if switch is not _any_scope
                or case.startswith("a party")
                or not route[1].startswith(PARTIES_ONLY)
            ]
            hits = [fault for fault in found if fault.startswith(f"{case}: ")]
            assert len(hits) == len(asked), f"{case} at {len(hits)} of {len(asked)} routes"


async def test_a_route_that_forgot_to_ask_is_found(tmp_path: Path) -> None:
    async def open_to_all(_: Request) -> Response:
        return Response(b"{}", media_type="application/json")

    async with stage(tmp_path, testing=False) as on:
        on.app.router.routes.append(Route("/uss/v1/new", open_to_all, methods=["GET"]))
        found = await on.faults()
        assert len(found) == 2 * len(REFUSED)  # GET and HEAD.
        assert all("/uss/v1/new" in fault for fault in found)
