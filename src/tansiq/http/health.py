"""Health and figures of one node: ``/healthz``, ``/readyz``, ``/metrics``.

*Alive* means that the process answers. *Ready* means that the store takes a write and that every
register has been asked at least once. A register that does not answer does not make the node
unready: it goes on serving what it knows, and shows its plans as uncoordinated.
"""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tansiq.errors import StoreError
from tansiq.http import metrics
from tansiq.http.access import METRICS, OPEN, GuardedRoute
from tansiq.http.own_handlers import OwnApi
from tansiq.services.views import StatusView
from tansiq.storage.store import Tx

_PROBE_S = 2.0
_PROBE_KEPT_S = 1.0
"""A probe writes to the disk, and anybody on this machine may ask for it: once a second will do."""

_TOUCH = "UPDATE event_counter SET last = last"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that must be so."""

    name: str
    ok: bool
    text: str


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the node can do its work."""

    ready: bool
    checks: tuple[Check, ...]


def health_routes(api: OwnApi) -> list[GuardedRoute]:
    """Return the routes that a supervisor asks."""
    probe = _Probe(api)

    async def healthz(_: Request) -> Response:
        return _json(b'{"alive":true}')

    async def readyz(_: Request) -> Response:
        checks = (await probe.store(), *await _registers(api))
        readiness = Readiness(ready=all(check.ok for check in checks), checks=checks)
        return _json(msgspec.json.encode(readiness), 200 if readiness.ready else 503)

    async def figures(_: Request) -> Response:
        status = await api.status.status()
        bounds = await api.events.bounds()
        gauges = [*_gauges(status, bounds[1], api.feed.readers), *_picture_gauges(api)]
        text = api.metrics.text(gauges)
        return Response(text, media_type=metrics.MEDIA_TYPE)

    return [
        GuardedRoute("/healthz", healthz, method="GET", access=OPEN),
        GuardedRoute("/readyz", readyz, method="GET", access=OPEN),
        GuardedRoute("/metrics", figures, method="GET", access=METRICS),
    ]


class _Probe:
    """Tries the store with a real write, at most once a second."""

    def __init__(self, api: OwnApi) -> None:
        self._api = api
        self._at_s = -_PROBE_KEPT_S
        self._last = Check(name="store", ok=False, text="not tried yet")

    async def store(self) -> Check:
        now_s = self._api.clock.monotonic_s()
        if now_s - self._at_s >= _PROBE_KEPT_S:
            self._at_s = now_s
            self._last = await self._try()
        return self._last

    async def _try(self) -> Check:
        async def touch(tx: Tx) -> None:
            await tx.execute(_TOUCH)

        try:
            await self._api.clock.limit(self._api.events.store.write(touch), _PROBE_S)
        except TimeoutError:
            return Check(name="store", ok=False, text=f"no commit within {_PROBE_S:g} s")
        except StoreError as error:
            return Check(name="store", ok=False, text=error.message)
        return Check(name="store", ok=True, text="takes writes")


async def _registers(api: OwnApi) -> list[Check]:
    status = await api.status.status()
    return [
        Check(
            name=f"register {peer.id}",
            ok=peer.reachable is not None,
            text=_reach(peer.reachable, peer.problem),
        )
        for peer in status.peers
    ]


def _reach(reachable: bool | None, problem: str | None) -> str:  # noqa: FBT001 - three states
    if reachable is None:
        return "not asked yet"
    return "answers" if reachable else problem or "does not answer"


def _gauges(
    status: StatusView, last_event: int, readers: int
) -> list[tuple[str, str, dict[metrics.Labels, float]]]:
    about = (("version", status.version), ("party", status.party), ("agreement", status.agreement))
    plans: dict[metrics.Labels, float] = {(("status", k),): v for k, v in status.plans.items()}
    peers: dict[metrics.Labels, float] = {
        (("peer", peer.id),): float(peer.reachable)
        for peer in status.peers
        if peer.reachable is not None
    }
    ages: dict[metrics.Labels, float] = {
        (("issuer", one.iss),): one.age_s for one in status.issuers if one.age_s is not None
    }
    keys: dict[metrics.Labels, float] = {(("issuer", i.iss),): i.keys for i in status.issuers}
    return [
        ("tansiq_info", "Version, party and agreement of this node", {about: 1.0}),
        ("tansiq_plans", "Own plans by status", plans),
        ("tansiq_peer_reachable", "1 where the peer or register answers", peers),
        ("tansiq_issuer_keys", "Keys of an issuer that count now", keys),
        ("tansiq_issuer_keys_age_seconds", "Time since its key set was read", ages),
        ("tansiq_event_last", "Number of the newest event", {(): last_event}),
        ("tansiq_feed_readers", "Readers of the event feed now", {(): readers}),
    ]


def _picture_gauges(api: OwnApi) -> list[tuple[str, str, dict[metrics.Labels, float]]]:
    stream, cot = api.watch_stream, api.cot
    return [
        ("tansiq_watch_readers", "Readers of the watch's stream now", {(): stream.readers}),
        ("tansiq_watch_cut_off", "Readers of it cut off as too slow, so far", {(): stream.cut_off}),
        ("tansiq_cot_clients", "TAK clients connected now", {(): cot.connected}),
        ("tansiq_cot_dropped", "TAK clients disconnected as too slow, so far", {(): cot.dropped}),
        ("tansiq_cot_refused", "TAK clients refused beyond the limit, so far", {(): cot.refused}),
    ]


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")
