"""``/dss/v1`` as a client sees it: statuses, bodies, and a museum of malformed requests."""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from register_world import ALL_SCOPES, NOON, World, volume
from starlette.applications import Starlette
from starlette.requests import Request

from asgi import Answer, ask
from stores import open_store
from tansiq.errors import Forbidden, Unauthenticated
from tansiq.f3548 import codec
from tansiq.http.dss import routes
from tansiq.services.register import Caller
from tansiq.settings import Limits

pytestmark = pytest.mark.anyio
INTENTS = "/dss/v1/operational_intent_references"
CONSTRAINTS = "/dss/v1/constraint_references"
SUBSCRIPTIONS = "/dss/v1/subscriptions"
BODY_MAX = 1_000_000


class StoppedClock:
    """Noon, always; a ``Clock`` for those who only ask the time."""

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
    held = frozenset(words[2:]) or ALL_SCOPES
    if held.isdisjoint(scopes):
        raise Forbidden(f"the token needs the scope {' or '.join(scopes)}")
    return Caller(id=words[1], scopes=held, area_km2_max=2_500.0, area_km2_beyond_max=400.0)


Call = Callable[..., Awaitable[Answer]]


@pytest.fixture
def call(world: World) -> Call:
    app = Starlette(
        routes=routes(world.register, StoppedClock(), authenticate, Limits(body_bytes_max=BODY_MAX))
    )

    async def call(
        method: str, path: str, body: Any = None, *, who: str = "Bearer north"
    ) -> Answer:
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        headers = [("Authorization", who)] if who else []
        return await ask(app, path, method=method, headers=headers, body=raw)

    return call


def extent(**more: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(codec.encode(volume(**more)))
    return found


def intent(**more: Any) -> dict[str, Any]:
    return {
        "extents": [extent()],
        "state": "Accepted",
        "uss_base_url": "https://uss.example",
        "key": [],
    } | more


def subscription(**more: Any) -> dict[str, Any]:
    return {
        "extents": extent(),
        "uss_base_url": "https://uss.example",
        "notify_for_operational_intents": True,
    } | more


async def test_an_intent_over_http(world: World, call: Call) -> None:
    entity = world.id()
    made = await call("PUT", f"{INTENTS}/{entity}", intent())
    assert made.status == 201  # [1]
    assert made.headers["content-type"] == "application/json"
    reference = made.json["operational_intent_reference"]
    assert made.json["subscribers"] == []
    assert reference["time_start"] == {"value": "2026-11-23T12:00:00Z", "format": "RFC3339"}
    assert (await call("GET", f"{INTENTS}/{entity}")).json == {
        "operational_intent_reference": reference
    }
    seen = await call("GET", f"{INTENTS}/{entity}", who="Bearer south")
    assert "ovn" not in seen.json["operational_intent_reference"]  # [31]
    found = await call("POST", f"{INTENTS}/query", {"area_of_interest": extent()})
    assert found.json == {"operational_intent_references": [reference]}
    again = await call("PUT", f"{INTENTS}/{entity}/{reference['ovn']}", intent())
    assert again.status == 200  # [1]
    ovn = again.json["operational_intent_reference"]["ovn"]
    gone = await call("DELETE", f"{INTENTS}/{entity}/{ovn}")
    assert (gone.status, gone.json) == (200, again.json)
    empty = await call("POST", f"{INTENTS}/query", {"area_of_interest": extent()})
    assert empty.json == {"operational_intent_references": []}


async def test_a_conflict_lists_what_to_fetch(world: World, call: Call) -> None:
    mine, theirs = world.id(), world.id()
    made = await call("PUT", f"{INTENTS}/{mine}", intent())
    conflict = await call("PUT", f"{INTENTS}/{theirs}", intent(), who="Bearer south")
    assert conflict.status == 409
    (reference,) = conflict.json["missing_operational_intents"]
    assert reference["id"] == mine
    assert "ovn" not in reference
    assert "missing_constraints" not in conflict.json
    assert mine in conflict.json["message"]
    stale = await call("PUT", f"{INTENTS}/{mine}/{'0' * 32}", intent())
    assert (stale.status, set(stale.json)) == (409, {"message"})  # [5]
    exists = await call("PUT", f"{INTENTS}/{mine}", intent())
    assert exists.status == 409
    assert made.status == 201


async def test_statuses_of_refusals(world: World, call: Call) -> None:
    entity = world.id()
    await call("PUT", f"{INTENTS}/{entity}", intent())
    refusals = [
        ("GET", f"{INTENTS}/{world.id()}", None, "", 401),
        ("GET", f"{INTENTS}/{world.id()}", None, "Bearer north utm.constraint_processing", 403),
        ("GET", f"{INTENTS}/{world.id()}", None, "Bearer north", 404),
        ("PUT", f"{INTENTS}/{entity}", intent(), "Bearer south", 403),
        ("DELETE", f"{INTENTS}/{entity}/{'0' * 32}", None, "Bearer north", 409),
        ("DELETE", f"{INTENTS}/{world.id()}/{'0' * 32}", None, "Bearer north", 404),  # [11]
        ("PUT", f"{INTENTS}/{world.id()}/{'0' * 32}", intent(), "Bearer north", 400),  # [11]
        ("PUT", f"{INTENTS}/{entity}/", intent(), "Bearer north", 400),
        ("DELETE", f"{INTENTS}/{entity}", None, "Bearer north", 400),
        ("DELETE", f"{INTENTS}/{entity}/", None, "Bearer north", 400),
        ("PUT", f"{SUBSCRIPTIONS}/{entity}/", subscription(), "Bearer north", 400),  # [9]
        ("DELETE", f"{SUBSCRIPTIONS}/{entity}", None, "Bearer north", 400),
        ("DELETE", f"{SUBSCRIPTIONS}/{entity}/", None, "Bearer north", 400),
        ("PUT", f"{SUBSCRIPTIONS}/{entity}/{'0' * 32}", subscription(), "Bearer north", 400),
        ("DELETE", f"{SUBSCRIPTIONS}/{entity}/{'0' * 32}", None, "Bearer north", 404),
        ("PUT", f"{CONSTRAINTS}/{entity}/", {}, "Bearer north", 400),
        ("DELETE", f"{CONSTRAINTS}/{entity}/", None, "Bearer north", 400),
        ("GET", f"{CONSTRAINTS}/{world.id()}", None, "Bearer north", 404),
        ("PUT", f"{CONSTRAINTS}/{entity}", {}, "Bearer north utm.constraint_processing", 403),
        ("PUT", "/dss/v1/uss_availability/x", {}, "Bearer north utm.strategic_coordination", 403),
    ]
    for method, path, body, who, status in refusals:
        answer = await call(method, path, body, who=who)
        assert answer.status == status, (method, path, answer.body)
        assert set(answer.json) == {"message"}, "[4] The standard's own error body"
        if status == 401:
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_constraints_over_http(world: World, call: Call) -> None:
    entity = world.id()
    body = {"extents": [extent()], "uss_base_url": "https://uss.example"}
    made = await call("PUT", f"{CONSTRAINTS}/{entity}", body)
    assert made.status == 201
    ovn = made.json["constraint_reference"]["ovn"]
    again = await call("PUT", f"{CONSTRAINTS}/{entity}/{ovn}", body)
    assert again.status == 200
    reference = again.json["constraint_reference"]
    assert (await call("GET", f"{CONSTRAINTS}/{entity}")).json["constraint_reference"] == reference
    found = await call("POST", f"{CONSTRAINTS}/query", {"area_of_interest": extent()})
    assert found.json == {"constraint_references": [reference]}
    gone = await call("DELETE", f"{CONSTRAINTS}/{entity}/{reference['ovn']}")
    assert gone.status == 200


async def test_subscriptions_over_http(world: World, call: Call) -> None:
    entity = world.id()
    made = await call("PUT", f"{SUBSCRIPTIONS}/{entity}", subscription())
    assert made.status == 200  # [2]
    assert made.json["operational_intent_references"] == []
    assert "constraint_references" not in made.json
    shown = made.json["subscription"]
    assert shown["notify_for_constraints"] is False
    assert shown["notification_index"] == 0
    exists = await call("PUT", f"{SUBSCRIPTIONS}/{entity}", subscription())
    assert exists.status == 409
    got = await call("GET", f"{SUBSCRIPTIONS}/{entity}")
    assert got.json == {"subscription": shown}
    assert (await call("GET", f"{SUBSCRIPTIONS}/{entity}", who="Bearer south")).status == 403
    found = await call("POST", f"{SUBSCRIPTIONS}/query", {"area_of_interest": extent()})
    assert found.json == {"subscriptions": [shown]}
    again = await call("PUT", f"{SUBSCRIPTIONS}/{entity}/{shown['version']}", subscription())
    assert again.status == 200
    version = again.json["subscription"]["version"]
    gone = await call("DELETE", f"{SUBSCRIPTIONS}/{entity}/{version}")
    assert gone.status == 200


async def test_availability_over_http(world: World, call: Call) -> None:
    path = "/dss/v1/uss_availability/north"
    unknown = {"version": "", "status": {"uss": "north", "availability": "Unknown"}}
    assert (await call("GET", path)).json == unknown  # [56]
    made = await call("PUT", path, {"old_version": "", "availability": "down"})
    assert (made.status, made.json["status"]["availability"]) == (200, "Down")
    assert (await call("PUT", path, {"old_version": "x", "availability": "Down"})).status == 409
    entity = world.id()
    assert (await call("PUT", f"{INTENTS}/{entity}", intent())).status == 412


async def test_null_means_absent_and_unknown_fields_are_ignored(world: World, call: Call) -> None:
    body = intent(
        key=None, subscription_id=None, new_subscription=None, requested_ovn_suffix=None, extra=[1]
    )
    body["extents"][0]["volume"]["outline_polygon"] = None
    made = await call("PUT", f"{INTENTS}/{world.id()}", body)
    assert made.status == 201  # [10]


async def test_nanoseconds_round_outwards(world: World, call: Call) -> None:
    body = intent()
    body["extents"][0]["time_start"]["value"] = "2026-11-23T12:00:00.123456999Z"
    body["extents"][0]["time_end"]["value"] = "2026-11-23T13:00:00.123456001Z"
    made = await call("PUT", f"{INTENTS}/{world.id()}", body)
    reference = made.json["operational_intent_reference"]
    assert reference["time_start"]["value"] == "2026-11-23T12:00:00.123456Z"  # [14]
    assert reference["time_end"]["value"] == "2026-11-23T13:00:00.123457Z"


async def test_a_broken_store_is_503(world: World, call: Call) -> None:
    await world.store.close()
    answer = await call("PUT", f"{INTENTS}/{world.id()}", intent())
    assert answer.status == 503
    assert answer.headers["retry-after"]
    assert (await call("GET", f"{INTENTS}/{world.id()}")).status == 503


# The museum


def edited(edit: Callable[[dict[str, Any]], object]) -> bytes:
    body = intent()
    edit(body)
    return json.dumps(body).encode()


def space(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["extents"][0]["volume"]
    return found


def as_polygon(body: dict[str, Any], *points: tuple[float, float]) -> None:
    space(body)["outline_circle"] = None
    space(body)["outline_polygon"] = {"vertices": [{"lat": a, "lng": b} for a, b in points]}


CENTER = "extents[0].volume.outline_circle.center"
POLYGON = "extents[0].volume.outline_polygon"

MUSEUM: list[tuple[str, bytes, str, str]] = [
    ("nothing", b"", "body", "JSON"),
    ("half a body", b'{"extents": [', "body", "JSON"),
    ("not text", b"\xff\xfe\x00", "body", "JSON"),
    ("a list", b"[]", "body", "object"),
    ("null", b"null", "body", "object"),
    ("deep", b'{"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "body", "levels"),
    ("NaN", edited(lambda b: None).replace(b"300.0", b"NaN"), "body", "JSON"),
    ("infinite", edited(lambda b: None).replace(b"300.0", b"1e999"), "radius", "range"),
    ("no extents", edited(lambda b: b.pop("extents")), "body", "extents"),
    ("empty extents", edited(lambda b: b.update(extents=[])), "extents", "at least one"),
    ("extents no list", edited(lambda b: b.update(extents={})), "extents", "array"),
    ("text for number", edited(lambda b: space(b)["outline_circle"]["radius"].update(value="3")),
     "radius.value", "float"),
    ("no outline", edited(lambda b: space(b).pop("outline_circle")), "volume",
     "exactly"),
    ("both outlines", edited(lambda b: space(b).update(
        outline_polygon={"vertices": [{"lat": 0, "lng": 0}] * 3})), "extents[0].volume", "both"),
    ("swapped", edited(lambda b: space(b)["outline_circle"].update(
        center={"lat": -105.0, "lng": 40.0})), f"{CENTER}.lat", "swapped"),
    ("longitude 181", edited(lambda b: space(b)["outline_circle"]["center"].update(lng=181)),
     f"{CENTER}.lng", "180"),
    ("no radius", edited(lambda b: space(b)["outline_circle"].pop("radius")),
     "outline_circle", "radius"),
    ("radius 0", edited(lambda b: space(b)["outline_circle"]["radius"].update(value=0)),
     "radius.value", "above 0"),
    ("radius in feet", edited(lambda b: space(b)["outline_circle"]["radius"].update(units="FT")),
     "radius.units", "metres"),
    ("wrong datum", edited(lambda b: space(b)["altitude_lower"].update(reference="SFC")),
     "altitude_lower.reference", "W84"),
    ("altitude in feet", edited(lambda b: space(b)["altitude_upper"].update(units="FT")),
     "altitude_upper.units", "metres"),
    ("altitudes reversed", edited(lambda b: space(b)["altitude_lower"].update(value=101)),
     "altitude_lower", "swap"),
    ("out of the sky", edited(lambda b: space(b)["altitude_upper"].update(value=100_001)),
     "altitude_upper", "100000"),
    ("two vertices", edited(lambda b: as_polygon(b, (40, -105), (40.1, -105))), POLYGON, "3 to"),
    ("closed ring", edited(
        lambda b: as_polygon(b, (40, -105), (40.1, -105), (40, -104), (40, -105))),
     POLYGON, "leave it out"),
    ("a vertex twice", edited(lambda b: as_polygon(b, (40, -105), (40, -105), (40.1, -105))),
     POLYGON, "same point"),
    ("bow-tie", edited(
        lambda b: as_polygon(b, (40, -105), (40.1, -104.9), (40.1, -105), (40, -104.9))),
     POLYGON, "cross"),
    ("a bad vertex", edited(lambda b: as_polygon(b, (40, -105), (40.1, -105), (91, -105))),
     f"{POLYGON}.vertices[2].lat", "swapped"),
    ("a continent", edited(lambda b: as_polygon(b, (0, 0), (30, 0), (30, 30), (0, 30))),
     "extents[0].volume", "split"),
    ("10,001 vertices", edited(lambda b: as_polygon(b, *((1e-5 * i, 0.0) for i in range(10_001)))),
     "extents", "10000"),
    ("1,001 volumes", edited(lambda b: b.update(extents=[{"volume": {}}] * 1_001)),
     "extents", "1000"),
    ("no time format", edited(lambda b: b["extents"][0]["time_start"].pop("format")),
     "time_start", "format"),
    ("another format", edited(lambda b: b["extents"][0]["time_start"].update(format="UNIX")),
     "time_start.format", "RFC3339"),
    ("a zone", edited(lambda b: b["extents"][0]["time_start"].update(
        value="2026-11-23T12:00:00+02:00")), "time_start.value", "Z"),
    ("no zone", edited(lambda b: b["extents"][0]["time_start"].update(value="2026-11-23T12:00:00")),
     "time_start.value", "Z"),
    ("30 February", edited(lambda b: b["extents"][0]["time_end"].update(
        value="2027-02-30T12:00:00Z")),
     "time_end.value", "time"),
    ("reversed times", edited(lambda b: b["extents"][0]["time_end"].update(
        value="2026-11-23T11:00:00Z")), "time_end", "swap"),
    ("past end", edited(lambda b: b.update(extents=[extent(minutes=(-60, -30))])),
     "time_end", "before now"),
    ("no state", edited(lambda b: b.pop("state")), "body", "state"),
    ("unknown state", edited(lambda b: b.update(state="Ended")), "state", "Accepted"),
    ("no URL", edited(lambda b: b.update(uss_base_url="uss.example")), "uss_base_url", "https://"),
    ("another scheme", edited(lambda b: b.update(uss_base_url="file:///etc/passwd")),
     "uss_base_url", "https://"),
    ("trailing slash", edited(lambda b: b.update(uss_base_url="https://uss.example/")),
     "uss_base_url", "leave"),
    ("a slash before a query", edited(lambda b: b.update(uss_base_url="https://uss.example/?a=b")),
     "uss_base_url", "leave"),
    ("a fragment in the URL", edited(lambda b: b.update(uss_base_url="https://uss.example#a")),
     "uss_base_url", "https://"),
    ("a password in the URL", edited(lambda b: b.update(uss_base_url="https://me:x@uss.example")),
     "uss_base_url", "https://"),
    ("a bad port", edited(lambda b: b.update(uss_base_url="https://uss.example:99999")),
     "uss_base_url", "https://"),
    ("a control character", edited(lambda b: b.update(uss_base_url="https://uss.example/a\nb")),
     "uss_base_url", "https://"),
    ("a long URL", edited(lambda b: b.update(uss_base_url="https://" + "u" * 500)),
     "uss_base_url", "500"),
    ("key no list", edited(lambda b: b.update(key="0" * 32)), "key", "array"),
    ("key of numbers", edited(lambda b: b.update(key=[1])), "key[0]", "str"),
    ("bad subscription", edited(lambda b: b.update(subscription_id="mine")),
     "subscription_id", "UUID"),
    ("wish without URL", edited(lambda b: b.update(new_subscription={})),
     "new_subscription", "uss_base_url"),
    ("bad suffix", edited(lambda b: b.update(requested_ovn_suffix="1")),
     "requested_ovn_suffix", "version 7"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "field", "remedy"), [row[1:] for row in MUSEUM],
                         ids=[row[0] for row in MUSEUM])  # fmt: skip
async def test_malformed_requests_are_told_field_and_remedy(
    world: World, call: Call, body: bytes, field: str, remedy: str
) -> None:
    answer = await call("PUT", f"{INTENTS}/{world.id()}", body)
    assert answer.status in (400, 413), answer.body
    message = answer.json["message"]
    where, _, sentence = message.partition(": ")
    assert field in where
    assert remedy.lower() in sentence.lower()
    assert set((await world.rows()).values()) == {0}


@pytest.mark.parametrize("path", ["x", "00000000-0000-1000-8000-000000000000", "%00", "a" * 300])
async def test_malformed_ids_are_400(call: Call, path: str) -> None:
    for base in (INTENTS, CONSTRAINTS, SUBSCRIPTIONS):
        answer = await call("GET", f"{base}/{path}")
        assert answer.status == 400, answer.body  # [13]
        assert "UUID of version 4" in answer.json["message"]


async def test_a_body_above_the_limit_is_413(world: World, call: Call) -> None:
    answer = await call("PUT", f"{INTENTS}/{world.id()}", b" " * (BODY_MAX + 1))
    assert answer.status == 413
    body = json.dumps(intent()).encode()
    padded = body + b" " * (BODY_MAX - len(body))
    assert (await call("PUT", f"{INTENTS}/{world.id()}", padded)).status == 201


async def test_a_base_url_with_a_query_is_passed_on_as_it_is(world: World, call: Call) -> None:
    """The field's suite tells its writes apart so."""
    url = "https://uss.example/utm?mutation=true"
    body = intent() | {"uss_base_url": url, "new_subscription": {"uss_base_url": url}}
    answer = await call("PUT", f"{INTENTS}/{world.id()}", body)
    assert answer.status == 201
    assert answer.json["operational_intent_reference"]["uss_base_url"] == url
    assert [one["uss_base_url"] for one in answer.json["subscribers"]] == [url]


async def test_a_line_is_no_error(world: World, call: Call) -> None:
    """[25] A polygon of no area is searched as the line that it is."""
    body = intent()
    as_polygon(body, (40, -105), (40.1, -105), (40.2, -105))
    answer = await call("POST", f"{INTENTS}/query", {"area_of_interest": body["extents"][0]})
    assert answer.status == 200


async def test_the_shipped_store_serves_after_reopening(
    store_kind: str, tmp_path: Path, call: Call
) -> None:
    path = tmp_path / "again.db"
    first = World(open_store(path))
    made = await first.bar(Caller(id="north", scopes=ALL_SCOPES, area_km2_max=1.0))
    await first.store.close()
    second = World(open_store(path))
    found = await second.register.get_constraint(
        Caller(id="north", scopes=ALL_SCOPES, area_km2_max=1.0), made.id
    )
    assert found.constraint_reference == made
    await second.store.close()
