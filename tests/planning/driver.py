"""A test program at the test interface: acts as the user of one node, and looks into the register.

Beside it a supplier named ``drones`` plans in the same register. The register is in the node itself
(``own``) or somebody else's (``pool``).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
from joserfc import jwt
from joserfc.jwk import RSAKey
from outsider import ISSUER, Outsider, outside
from pool import pooled
from sky import PATIENCE_S, PLAIN, TIMERS, Side, flying, make_sky, until, volume

from tansiq.domain.agreement import Minima
from tansiq.domain.volume import Volumes
from tansiq.f3548 import convert
from tansiq.http.flight_planning import DIRECT, PLAN
from tansiq.settings import Timers

BOTH = f"{DIRECT} {PLAN}"
NO_MINIMA = Minima()


@dataclass
class Driver:
    """Drives ``side``, which plans in the register of ``holder``."""

    side: Side
    holder: Side
    supplier: Outsider

    def token(self, scope: str = BOTH) -> str:
        """Return a token of the issuer that the node knows."""
        expires = datetime.now(UTC) + timedelta(minutes=10)
        claims = {
            "iss": ISSUER,
            "sub": "tester",
            "aud": "127.0.0.1",
            "scope": scope,
            "exp": int(expires.timestamp()),
        }
        return jwt.encode({"alg": "RS256"}, claims, RSAKey.import_key(self.supplier.key))

    async def ask(
        self, method: str, path: str, body: object = None, *, scope: str | None = BOTH
    ) -> httpx.Response:
        """Send one request; ``scope`` None: without a token."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body) if body else None
        headers = {"Authorization": f"Bearer {self.token(scope)}"} if scope is not None else {}
        async with httpx.AsyncClient(verify=PLAIN, trust_env=False, timeout=PATIENCE_S) as client:
            url = f"{self.side.party.url}/flight_planning/v1{path}"
            return await client.request(method, url, content=content, headers=headers)

    async def fly(
        self,
        volumes: Volumes,
        usage: str = "Planned",
        flight: str | None = None,
        **how: Any,
    ) -> tuple[str, str, dict[str, Any]]:
        """Plan, change or fly; return result, status, and the whole answer with the flight's id."""
        flight = flight or str(uuid4())
        answer = await self.ask("PUT", f"/flight_plans/{flight}", request(volumes, usage, **how))
        assert answer.status_code == 200, answer.text
        found = answer.json()
        return found["planning_result"], found["flight_plan_status"], {**found, "id": flight}

    async def close(self, flight: str) -> tuple[str, str]:
        answer = await self.ask("DELETE", f"/flight_plans/{flight}")
        assert answer.status_code == 200, answer.text
        return answer.json()["planning_result"], answer.json()["flight_plan_status"]

    async def standing(self) -> list[dict[str, Any]]:
        """Return the references of the node's party in the register."""
        # One that covers all that the tests place, in an area that any register searches.
        box = volume(lat=39.0, lng=-121.0, radius_m=10_000, at=(-600, 800), band=(-500, 9_000))
        found = await self.supplier.ask(
            "POST",
            f"{self.holder.party.url}/dss/v1/operational_intent_references/query",
            msgspec.json.encode({"area_of_interest": msgspec.to_builtins(convert.to_wire(box))}),
        )
        assert found.status_code == 200, found.text
        party = self.side.party.id
        references = found.json()["operational_intent_references"]
        return [reference for reference in references if reference["manager"] == party]

    async def states(self) -> list[str]:
        """Return the states of what stands of ours."""
        return sorted(reference["state"] for reference in await self.standing())


def request(
    volumes: Volumes,
    usage: str = "Planned",
    *,
    uas: str = "Nominal",
    priority: int = 0,
    style: str = "IfAllowed",
    request_id: str | None = None,
) -> dict[str, Any]:
    """Return a request for a flight."""
    return {
        "request_id": request_id or str(uuid4()),
        "execution_style": style,
        "flight_plan": {
            "basic_information": {
                "usage_state": usage,
                "uas_state": uas,
                "area": msgspec.to_builtins(convert.volumes_to_wire(volumes)),
            },
            "astm_f3548_21": {"priority": priority},
        },
    }


@asynccontextmanager
async def driven(where: str, folder: Path, timers: Timers = TIMERS) -> AsyncIterator[Driver]:
    """Run a node with the test interface on, and whoever else is in the register."""
    if where == "pool":
        async with pooled(folder, timers=timers, minima=NO_MINIMA) as (sky, supplier):
            side = sky["north"]
            side.settings = replace(side.settings, test_interface=sky["dss"].party.url)
            await side.restart()
            await ready(side)
            yield Driver(side, sky["dss"], supplier)
        return
    ours = make_sky(
        folder, parties=("north",), registers=[("north", True)], timers=timers, minima=NO_MINIMA
    )
    side = ours["north"]
    async with outside(ours) as supplier:
        side.settings = replace(side.settings, test_interface=side.party.url)
        async with flying(ours):
            await ready(side)
            yield Driver(side, side, supplier)


async def ready(side: Side) -> None:
    """Wait until the register has been asked."""

    async def asked() -> bool:
        return all(place.reachable for place in side.up.planner.places)

    await until(asked, bool)
