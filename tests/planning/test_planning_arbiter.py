"""Who may say that a supplier is Down: nobody of a party of the agreement, between equals.

What a supplier that is Down has Accepted need not be known, so whoever says it takes air from it.
"""

from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import pytest
from outsider import Outsider, outside
from pool import mark
from sky import PATIENCE_S, PLAIN, Side, flying, make_sky, plan

from tansiq.clock import SystemClock
from tansiq.formats.agreement import load_agreement
from tansiq.peers.identity import load_signing_key
from tansiq.peers.tokens import Minter
from tansiq.services.views import Status

pytestmark = pytest.mark.anyio
ARBITER = "utm.availability_arbitration"


@dataclass
class Claimant:
    """A party that gives itself whatever scope it likes, as its own key allows."""

    side: Side

    async def says(self, holder: Side, uss: str, availability: str = "Down") -> httpx.Response:
        agreement = load_agreement(self.side.settings.agreement)
        key = load_signing_key(self.side.settings.data)
        minter = Minter(key, self.side.party.id, agreement.digest, SystemClock())
        return await _say(holder, uss, availability, minter.token("127.0.0.1", ARBITER))


async def _say(holder: Side, uss: str, availability: str, token: str) -> httpx.Response:
    body = msgspec.json.encode({"old_version": "", "availability": availability})
    url = f"{holder.party.url}/dss/v1/uss_availability/{uss}"
    async with httpx.AsyncClient(verify=PLAIN, trust_env=False, timeout=PATIENCE_S) as client:
        headers = {"Authorization": f"Bearer {token}"}
        return await client.put(url, content=body, headers=headers)


async def _marked(outsider: Outsider, holder: Side, uss: str) -> str:
    answer = await outsider.ask("GET", f"{holder.party.url}/dss/v1/uss_availability/{uss}")
    return str(answer.json()["status"]["availability"])


async def test_a_party_cannot_make_itself_the_arbiter(tmp_path: Path) -> None:
    sky = make_sky(tmp_path)
    async with outside(sky) as outsider, flying(sky):
        north, south = sky["north"], sky["south"]
        first = await south.declare(plan(-121, "FIRST"))
        assert first.status is Status.COORDINATED
        for holder in (north, south):
            for uss in ("south", "north", "drones"):
                answer = await Claimant(north).says(holder, uss)
                assert answer.status_code == 403, answer.text
                assert "party" in answer.json()["message"]
                assert await _marked(outsider, holder, uss) == "Unknown"
        second = await north.declare(plan(-121, "SECOND"))
        assert second.status is Status.REFUSED, second
        assert (await south.up.plans.plan(first.id)).coordinated


@pytest.mark.parametrize("where", [("north",), ("south",), ("north", "south")])
async def test_between_parties_with_registers_of_their_own_no_arbiter_marks_one_down(
    tmp_path: Path, where: tuple[str, ...]
) -> None:
    sky = make_sky(tmp_path)
    async with outside(sky) as outsider, flying(sky):
        north, south = sky["north"], sky["south"]
        first = await south.declare(plan(-121, "FIRST"))
        assert first.status is Status.COORDINATED
        for name in where:
            answer = await _say(sky[name], "south", "Down", outsider.token())
            assert answer.status_code == 403, answer.text
            assert "south" in answer.json()["message"]
            assert await _marked(outsider, sky[name], "south") == "Unknown"
            await mark(outsider, sky[name], "Down")  # A supplier outside, as ever.
        second = await north.declare(plan(-121, "SECOND"))
        assert second.status is Status.REFUSED, second
        assert (await south.up.plans.plan(first.id)).coordinated
