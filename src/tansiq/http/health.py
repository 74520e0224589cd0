"""Health and figures of one node: ``/healthz``, ``/readyz``, ``/metrics``.

*Alive* means that the process answers. *Ready* means that the store takes a write and that every
register has been asked at least once. A register that does not answer does not make the node
unready: it goes on serving what it knows, and shows its plans as uncoordinated.
"""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tansiq.clock import Clock
from tansiq.errors import StoreError
from tansiq.http.access import METRICS, OPEN, GuardedRoute
from tansiq.http.figures import figures
from tansiq.http.metrics import MEDIA_TYPE
from tansiq.http.own_handlers import OwnApi
from tansiq.storage.store import Store, Tx

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
    probe = Probe(api.events.store, api.clock)

    async def healthz(_: Request) -> Response:
        return alive()

    async def readyz(_: Request) -> Response:
        return readiness(await probe.store(), *await _registers(api))

    async def shown(_: Request) -> Response:
        text = api.metrics.text(await figures(api))
        return Response(api.metrics.among(text), media_type=MEDIA_TYPE)

    return [
        GuardedRoute("/healthz", healthz, method="GET", access=OPEN),
        GuardedRoute("/readyz", readyz, method="GET", access=OPEN),
        GuardedRoute("/metrics", shown, method="GET", access=METRICS),
    ]


def alive() -> Response:
    """Return that the process answers."""
    return _json(b'{"alive":true}')


def readiness(*checks: Check) -> Response:
    """Return whether all is as it must be, and what is not."""
    found = Readiness(ready=all(check.ok for check in checks), checks=checks)
    return _json(msgspec.json.encode(found), 200 if found.ready else 503)


class Probe:
    """Tries the store with a real write, at most once a second."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._at_s = -_PROBE_KEPT_S
        self._last = Check(name="store", ok=False, text="not tried yet")

    async def store(self) -> Check:
        """Report whether the store takes a write."""
        now_s = self._clock.monotonic_s()
        if now_s - self._at_s >= _PROBE_KEPT_S:
            self._at_s = now_s
            self._last = await self._try()
        return self._last

    async def _try(self) -> Check:
        async def touch(tx: Tx) -> None:
            await tx.execute(_TOUCH)

        try:
            await self._clock.limit(self._store.write(touch), _PROBE_S)
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


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")
