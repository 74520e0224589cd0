"""``/versions`` and ``/aux/v1`` as the field's tools see them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from asgi import Answer, ask
from stores import AnyStore, open_store
from tansiq import __version__
from tansiq.domain.agreement import Party
from tansiq.domain.intent import PartyID
from tansiq.errors import Forbidden, Unauthenticated
from tansiq.http.auxiliary import READ_POOL, READ_VERSIONS, WRITE_HEARTBEAT, routes
from tansiq.http.problems import f3548_error, handlers
from tansiq.services.pool import SOURCE_CHARS_MAX, Pool
from tansiq.services.register import Caller

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SKEW = timedelta(minutes=5)
NORTH = Party(
    id=PartyID("north"),
    names={"en": "North"},
    public_key=b"k" * 32,
    url="https://north.example.org:8443",
    tls_sha256=bytes(32),
)
INSTANCES = "/aux/v1/pool/dss_instances"
HEARTBEAT = f"{INSTANCES}/heartbeat"


class StoppedClock:
    """Noon, always."""

    def now(self) -> datetime:
        return NOON

    def monotonic_s(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError

    async def limit(self, awaitable: Awaitable[Any], seconds: float) -> Any:
        raise NotImplementedError


def authenticate(request: Request, scopes: Sequence[str]) -> Caller:
    """Read ``Authorization: Bearer NAME SCOPE...``: the real one is tested by itself."""
    words = request.headers.get("authorization", "").split()
    if len(words) < 2:
        raise Unauthenticated("send a token", field="Authorization")
    if frozenset(words[2:]).isdisjoint(scopes):
        raise Forbidden(f"the token needs the scope {' or '.join(scopes)}")
    return Caller(id=words[1], scopes=frozenset(words[2:]), area_km2_max=1.0)


Call = Callable[..., Awaitable[Answer]]


def build(store: AnyStore) -> Call:
    app = Starlette(
        routes=routes(Pool(NORTH, store, SKEW), StoppedClock(), authenticate),
        exception_handlers=handlers(f3548_error),
    )

    async def call(method: str, path: str, scope: str | None, **query: str) -> Answer:
        headers = [] if scope is None else [("Authorization", f"Bearer watch {scope}")]
        return await ask(app, path, method=method, headers=headers, query=urlencode(query))

    return call


@pytest.fixture
def store(store_kind: str, tmp_path: Path) -> AnyStore:
    return open_store(tmp_path / "store.db")


async def test_versions_are_told_under_the_name_asked(store: AnyStore) -> None:
    call = build(store)
    for name in ("dss", "astm.f3548.v21", "x" * 200):
        answer = await call("GET", f"/versions/{name}", READ_VERSIONS)
        assert answer.status == 200
        assert answer.json == {"system_identity": name, "system_version": f"v{__version__}"}
    assert (await call("GET", f"/versions/{'x' * 201}", READ_VERSIONS)).status == 400
    assert (await call("GET", "/aux/v1/version", None)).json == {"version": f"v{__version__}"}
    await store.close()


async def test_all_but_the_version_need_a_token_of_their_own_scope(store: AnyStore) -> None:
    call = build(store)
    for method, path, scope in (
        ("GET", "/versions/dss", READ_VERSIONS),
        ("GET", "/aux/v1/pool", READ_POOL),
        ("GET", INSTANCES, READ_POOL),
        ("PUT", HEARTBEAT, WRITE_HEARTBEAT),
    ):
        assert (await call(method, path, None)).status == 401
        others = {READ_VERSIONS, READ_POOL, WRITE_HEARTBEAT} - {scope}
        answer = await call(method, path, " ".join(others), source="cron")
        assert answer.status == 403
        assert set(answer.json) == {"message"}
        assert (await call(method, path, scope, source="cron")).status in (200, 201)
    await store.close()


async def test_a_pool_keeps_its_name_and_another_node_has_another(store: AnyStore) -> None:
    names = set[str]()
    for key in (b"k" * 32, b"k" * 32, b"l" * 32):
        party = Party(
            id=NORTH.id,
            names=NORTH.names,
            public_key=key,
            url=f"https://north.example.org:{len(names)}",
            tls_sha256=bytes(32),
        )
        names.add(await Pool(party, store, SKEW).dar_id())
    assert len(names) == 2
    answer = await build(store)("GET", "/aux/v1/pool", READ_POOL)
    assert answer.json["dar_id"] in names
    await store.close()


async def test_the_latest_heartbeat_is_shown_after_reopening(tmp_path: Path) -> None:
    store = open_store(tmp_path / "again.db")
    call = build(store)
    quiet = {"id": "north", "public_endpoint": NORTH.url}
    assert (await call("GET", INSTANCES, READ_POOL)).json == {"dss_instances": [quiet]}
    first = await call("PUT", HEARTBEAT, WRITE_HEARTBEAT, source="start")
    assert first.status == 201
    beat = {"timestamp": "2026-11-23T12:00:00Z", "reporter": "watch", "source": "start", "index": 0}
    assert first.json["dss_instances"][0]["most_recent_heartbeat"] == beat

    times = {"timestamp": "2026-11-23T12:00:00.5Z"}
    times["next_heartbeat_expected_before"] = "2026-11-23T13:01:00+01:00"
    await call("PUT", HEARTBEAT, WRITE_HEARTBEAT, source="cron", **times)
    await store.close()

    again = open_store(tmp_path / "again.db")
    shown = (await build(again)("GET", INSTANCES, READ_POOL)).json["dss_instances"]
    assert shown == [
        quiet
        | {
            "most_recent_heartbeat": {
                "timestamp": "2026-11-23T12:00:00.500000Z",
                "reporter": "watch",
                "source": "cron",
                "index": 1,
                "next_heartbeat_expected_before": "2026-11-23T12:01:00Z",
            }
        }
    ]
    await again.close()


@pytest.mark.parametrize(
    ("made", "kept"),
    [("2026-11-23T12:00:00Z", True), ("2026-11-23T11:59:59.999999Z", False)],
)
async def test_an_earlier_heartbeat_does_not_hide_a_later_one(
    store: AnyStore, made: str, kept: bool
) -> None:
    call = build(store)
    await call("PUT", HEARTBEAT, WRITE_HEARTBEAT, source="first")
    answer = await call("PUT", HEARTBEAT, WRITE_HEARTBEAT, source="second", timestamp=made)
    assert answer.status == 201
    shown = answer.json["dss_instances"][0]["most_recent_heartbeat"]["source"]
    assert shown == ("second" if kept else "first")
    await store.close()


GOOD: list[dict[str, str]] = [
    {"source": "s" * SOURCE_CHARS_MAX},
    {"source": "cron", "timestamp": "2026-11-23T12:05:00Z"},
    {"source": "cron", "next_heartbeat_expected_before": "2026-11-23T12:00:00Z"},
]
BAD: list[tuple[dict[str, str], str]] = [
    ({}, "source"),
    ({"source": " "}, "source"),
    ({"source": "a\nb"}, "source"),
    ({"source": "s" * (SOURCE_CHARS_MAX + 1)}, "source"),
    ({"source": "cron", "timestamp": "noon"}, "timestamp"),
    ({"source": "cron", "timestamp": "2026-11-23T12:05:00.000001Z"}, "timestamp"),
    (
        {"source": "cron", "next_heartbeat_expected_before": "2026-11-23T11:59:59.999999Z"},
        "next_heartbeat_expected_before",
    ),
]


@pytest.mark.parametrize("query", GOOD)
async def test_heartbeats_at_their_bounds(store: AnyStore, query: dict[str, str]) -> None:
    answer = await build(store)("PUT", HEARTBEAT, WRITE_HEARTBEAT, **query)
    assert answer.status == 201, answer.body
    await store.close()


@pytest.mark.parametrize(("query", "field"), BAD)
async def test_a_wrong_heartbeat_is_400_and_kept_by_nobody(
    store: AnyStore, query: dict[str, str], field: str
) -> None:
    call = build(store)
    answer = await call("PUT", HEARTBEAT, WRITE_HEARTBEAT, **query)
    assert answer.status == 400
    assert answer.json["message"].startswith(f"{field}: ")
    shown = (await call("GET", INSTANCES, READ_POOL)).json["dss_instances"]
    assert "most_recent_heartbeat" not in shown[0]
    await store.close()


async def test_the_nodes_own_heartbeat_names_no_reporter(store: AnyStore) -> None:
    await Pool(NORTH, store, SKEW).beat(NOON, timedelta(seconds=120))
    shown = (await build(store)("GET", INSTANCES, READ_POOL)).json["dss_instances"]
    assert shown[0]["most_recent_heartbeat"] == {
        "timestamp": "2026-11-23T12:00:00Z",
        "source": "node",
        "index": 0,
        "next_heartbeat_expected_before": "2026-11-23T12:02:00Z",
    }
    await store.close()
