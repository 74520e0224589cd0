"""``/versions`` and ``/aux/v1``: what InterUSS's tools ask of a DSS beside F3548-21.

Versions, the pool and its instances, heartbeats. Left out: locks and certificate authorities,
which a register of ours has none of. The module is not called ``aux``: Windows has no such file.
"""

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tansiq import __version__
from tansiq.clock import Clock
from tansiq.domain.time import parse_rfc3339, zulu
from tansiq.errors import BadInput
from tansiq.f3548 import codec
from tansiq.f3548.wire import Message
from tansiq.http.dss import Authenticate, Handler
from tansiq.services.pool import Heartbeat, Pool

READ_VERSIONS = "interuss.versioning.read_system_versions"
READ_POOL = "interuss.pool_status.read"
WRITE_HEARTBEAT = "interuss.pool_status.heartbeat.write"
VERSION = f"v{__version__}"
IDENTITY_CHARS_MAX = 200


class SystemVersion(Message, frozen=True):
    system_identity: str
    system_version: str


class VersionAnswer(Message, frozen=True):
    version: str


class PoolAnswer(Message, frozen=True):
    dar_id: str


class HeartbeatAnswer(Message, frozen=True):
    timestamp: str
    source: str
    index: int
    reporter: str | None = None
    next_heartbeat_expected_before: str | None = None


class Instance(Message, frozen=True):
    id: str
    public_endpoint: str
    most_recent_heartbeat: HeartbeatAnswer | None = None


class InstancesAnswer(Message, frozen=True):
    dss_instances: tuple[Instance, ...]


def routes(pool: Pool, clock: Clock, authenticate: Authenticate) -> list[Route]:
    """Return all auxiliary routes."""

    async def get_version(_: Request) -> Response:
        """``GET /aux/v1/version``: for anybody, as the interface has it."""
        return _json(VersionAnswer(version=VERSION))

    async def get_pool(request: Request) -> Response:
        authenticate(request, (READ_POOL,))
        return _json(PoolAnswer(dar_id=await pool.dar_id()))

    async def get_dss_instances(request: Request) -> Response:
        authenticate(request, (READ_POOL,))
        return _json(await _instances(pool))

    async def put_dss_instances_heartbeat(request: Request) -> Response:
        reporter = authenticate(request, (WRITE_HEARTBEAT,)).id
        now = clock.now()
        heartbeat = Heartbeat(
            source=request.query_params.get("source", ""),
            reporter=reporter,
            made=_time(request, "timestamp") or now,
            next_before=_time(request, "next_heartbeat_expected_before"),
        )
        await pool.report(heartbeat, now)
        return _json(await _instances(pool), 201)

    table: list[tuple[str, str, Handler]] = [
        ("GET", "/aux/v1/version", get_version),
        ("GET", "/aux/v1/pool", get_pool),
        ("GET", "/aux/v1/pool/dss_instances", get_dss_instances),
        ("PUT", "/aux/v1/pool/dss_instances/heartbeat", put_dss_instances_heartbeat),
    ]
    return [
        *version_routes(authenticate),
        *(Route(path, handler, methods=[method]) for method, path, handler in table),
    ]


def version_routes(authenticate: Authenticate, prefix: str = "") -> list[Route]:
    """Return the versioning interface; where its tester wants a base URL, under ``prefix``."""

    async def get_system_version(request: Request) -> Response:
        """``GET /versions/{system_identity}``: a node is one system, whatever it is called."""
        authenticate(request, (READ_VERSIONS,))
        identity = request.path_params["system_identity"]
        if len(identity) > IDENTITY_CHARS_MAX or not identity.isprintable():
            raise BadInput(
                f"at most {IDENTITY_CHARS_MAX} printable characters", field="system_identity"
            )
        return _json(SystemVersion(system_identity=identity, system_version=VERSION))

    return [Route(f"{prefix}/versions/{{system_identity}}", get_system_version, methods=["GET"])]


def _time(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    return None if text is None else parse_rfc3339(text, name)


async def _instances(pool: Pool) -> InstancesAnswer:
    found = await pool.instances()
    return InstancesAnswer(
        dss_instances=tuple(
            Instance(
                id=each.id,
                public_endpoint=each.endpoint,
                most_recent_heartbeat=None if each.latest is None else _shown(each.latest),
            )
            for each in found
        )
    )


def _shown(latest: Heartbeat) -> HeartbeatAnswer:
    return HeartbeatAnswer(
        timestamp=zulu(latest.made),
        reporter=latest.reporter or None,
        source=latest.source,
        index=latest.number,
        next_heartbeat_expected_before=(
            None if latest.next_before is None else zulu(latest.next_before)
        ),
    )


def _json(message: msgspec.Struct, status: int = 200) -> Response:
    return Response(codec.encode(message), status, media_type="application/json")
