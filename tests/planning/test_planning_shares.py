"""A whole node towards a caller who asks too much: 429 on every route, and nobody else suffers."""

from dataclasses import replace
from pathlib import Path

import pytest
from sky import flying, make_sky

from tansiq.clock import SystemClock
from tansiq.peers.link import Link

pytestmark = pytest.mark.anyio
STRATEGIC = "utm.strategic_coordination"
PER_S = 20


class StoppedClock(SystemClock):
    """No interval passes: however slowly the requests come, they come all at once."""

    def monotonic_s(self) -> float:
        return 1_000.0


async def statuses(link: Link, url: str, count: int) -> list[int]:
    asked = [f"{url}/dss/v1/uss_availability/x", f"{url}/uss/v1/operational_intents/x"]
    return [(await link.call("GET", asked[i % 2], scope=STRATEGIC)).status for i in range(count)]


async def test_a_caller_beyond_its_rate_is_told_to_slow_down(tmp_path: Path) -> None:
    sky = make_sky(tmp_path, parties=("north", "south", "west"), registers=[("north", False)])
    north = sky["north"]
    limits = replace(north.settings.limits, requests_per_s=float(PER_S))
    north.settings = replace(north.settings, limits=limits)
    north.clock = StoppedClock()
    async with flying(sky):
        url = north.party.url
        told = await statuses(sky["south"].up.link, url, 5 * PER_S)
        assert 429 in told
        assert told.count(429) < len(told)
        answer = await sky["south"].up.link.call("GET", f"{url}/aux/v1/version", scope=STRATEGIC)
        assert answer.status == 200, "what asks for no token counts for nobody"
        assert 429 not in await statuses(sky["west"].up.link, url, 2)


async def test_a_node_shows_a_heartbeat_of_its_own(tmp_path: Path) -> None:
    sky = make_sky(tmp_path, parties=("north",))
    async with flying(sky):
        housekeeping = sky["north"].up.housekeeping
        await housekeeping._beat()
        (instance,) = await housekeeping._pool.instances()
        latest = instance.latest
        assert latest is not None
        assert (latest.source, latest.reporter) == ("node", "")
        assert latest.next_before is not None
        assert latest.next_before > latest.made
