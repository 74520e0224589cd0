"""Somebody outside the agreement: a supplier with RS256 tokens and a server of its own.

The server answers details with whatever the test puts there, and keeps the notifications it gets.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import uvicorn
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import RSAKey
from sky import PATIENCE_S, PLAIN, Side, Sky
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tansiq.domain.volume import Volumes
from tansiq.f3548 import codec, convert, wire
from tansiq.settings import IssuerFile

SCOPES = (
    "utm.strategic_coordination utm.constraint_management utm.constraint_processing "
    "utm.conformance_monitoring_sa utm.availability_arbitration"
)
ISSUER = "https://auth.example.com"


@dataclass
class Outsider:
    """A supplier named ``drones``."""

    key: RSAPrivateKey
    port: int = 0
    name: str = "drones"
    details: dict[str, Any] = field(default_factory=dict)
    """By entity id: what the server answers, a message or raw bytes."""
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """(path, body) of notifications."""
    answer_status: int = 204
    """What it answers to notifications."""
    asked: int = 0
    """How often its details were asked for."""
    telemetry: tuple[int, dict[str, Any]] = (412, {"message": "none at hand"})
    """What it answers to whoever asks where its aircraft is: status and message."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self) -> str:
        now = datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "sub": self.name,
            "aud": "127.0.0.1",
            "scope": SCOPES,
            "exp": int((now + timedelta(minutes=10)).timestamp()),
        }
        return jwt.encode({"alg": "RS256"}, claims, RSAKey.import_key(self.key))

    async def ask(self, method: str, url: str, body: object = None) -> httpx.Response:
        """Send one request with our token."""
        content = body if isinstance(body, bytes) else codec.encode(body) if body else None
        async with httpx.AsyncClient(verify=PLAIN, trust_env=False, timeout=PATIENCE_S) as client:
            return await client.request(
                method, url, content=content, headers={"Authorization": f"Bearer {self.token()}"}
            )

    async def place(
        self, holder: Side, volumes: Volumes, *, priority: int = 0, entity: str | None = None
    ) -> str:
        """Put an intent into a register as F3548-21 has it: outlines as they are, empty key.

        Where the key is not enough, the OVNs of what is missing are fetched from its managers.
        """
        entity = entity or str(uuid4())
        key: tuple[str, ...] = ()
        for _ in range(4):
            params = wire.PutOperationalIntentReferenceParameters(
                extents=convert.volumes_to_wire(volumes),
                key=key,
                state="Accepted",  # type: ignore[arg-type]
                uss_base_url=self.url,
                new_subscription=wire.ImplicitSubscriptionParameters(uss_base_url=self.url),
            )
            path = f"{holder.party.url}/dss/v1/operational_intent_references/{entity}"
            answer = await self.ask("PUT", path, params)
            if answer.status_code != 409:
                break
            missing = answer.json()["missing_operational_intents"]
            key += tuple([await self._ovn(reference) for reference in missing])
        assert answer.status_code == 201, answer.text
        reference = answer.json()["operational_intent_reference"]
        self.details[entity] = {
            "operational_intent": {
                "reference": reference,
                "details": {
                    "volumes": msgspec.to_builtins(convert.volumes_to_wire(volumes)),
                    "priority": priority,
                },
            }
        }
        self.subscribers = answer.json()["subscribers"]
        return entity

    async def subscribe(self, holder: Side, volumes: Volumes) -> None:
        """Ask a register to name us to whoever writes where the first volume is."""
        params = wire.PutSubscriptionParameters(
            extents=convert.to_wire(volumes[0]),
            uss_base_url=self.url,
            notify_for_operational_intents=True,
            notify_for_constraints=True,
        )
        answer = await self.ask("PUT", f"{holder.party.url}/dss/v1/subscriptions/{uuid4()}", params)
        assert answer.status_code == 200, answer.text

    async def _ovn(self, reference: dict[str, Any]) -> str:
        url = f"{reference['uss_base_url']}/uss/v1/operational_intents/{reference['id']}"
        answer = await self.ask("GET", url)
        return str(answer.json()["operational_intent"]["reference"]["ovn"])

    async def notify(self, entity: str) -> list[httpx.Response]:
        """Tell the subscribers that the register named."""
        body = {"operational_intent_id": entity, **self.details[entity]}
        return [
            await self.ask(
                "POST",
                f"{one['uss_base_url']}/uss/v1/operational_intents",
                msgspec.json.encode({**body, "subscriptions": one["subscriptions"]}),
            )
            for one in self.subscribers
        ]

    async def answer_details(self, entity: str) -> Any:
        """Return what is served of an entity; a test may put another function in its place."""
        return self.details.get(entity)

    def app(self) -> Starlette:
        async def details(request: Request) -> Response:
            self.asked += 1
            found = await self.answer_details(request.path_params["entity"])
            if found is None:
                return Response(b'{"message": "no such entity"}', 404)
            body = found if isinstance(found, bytes) else msgspec.json.encode(found)
            return Response(body, media_type="application/json")

        async def positions(_: Request) -> Response:
            status, message = self.telemetry
            return Response(msgspec.json.encode(message), status, media_type="application/json")

        async def notified(request: Request) -> Response:
            self.told.append((request.url.path, msgspec.json.decode(await request.body())))
            return Response(status_code=self.answer_status)

        return Starlette(
            routes=[
                Route("/uss/v1/{kind}/{entity}/telemetry", positions, methods=["GET"]),
                Route("/uss/v1/{kind}/{entity}", details, methods=["GET"]),
                Route("/uss/v1/{kind}", notified, methods=["POST"]),
            ]
        )


@cache
def _key() -> RSAPrivateKey:
    """Make the issuer's key once: it costs more than all else that a node needs to start."""
    return generate_private_key(65_537, 2048)


@asynccontextmanager
async def outside(sky: Sky) -> AsyncIterator[Outsider]:
    """Run an outsider whose issuer all sides know; enter before the sides are started."""
    outsider = Outsider(_key())
    public = outsider.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for side in sky.sides.values():
        path = Path(sky.folder / f"issuer-{side.party.id}.pem")
        path.write_bytes(public)
        side.settings = replace(side.settings, issuers=(IssuerFile(iss=ISSUER, public_key=path),))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    outsider.port = int(listener.getsockname()[1])
    config = uvicorn.Config(outsider.app(), log_level="warning", lifespan="off", loop="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.002)
    try:
        yield outsider
    finally:
        server.should_exit = server.force_exit = True
        await serving
