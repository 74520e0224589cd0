"""The test interface at its edges: who may ask, what is no request, and where it does not start."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from click.testing import CliRunner
from driver import NO_MINIMA, Driver, driven, request
from sky import make_sky, volume

from tansiq.cli.node import doctor
from tansiq.domain.agreement import Register
from tansiq.errors import BadInput
from tansiq.f3548 import convert
from tansiq.formats.agreement import load_agreement, render_agreement
from tansiq.http import flight_planning
from tansiq.http.flight_planning import DIRECT, PLAN
from tansiq.node import Node
from tansiq.settings import load_own_token, load_settings

pytestmark = pytest.mark.anyio
HERE = (volume(),)


@pytest.fixture
async def driver(tmp_path: Path) -> AsyncIterator[Driver]:
    async with driven("own", tmp_path) as found:
        yield found


# ---- who may ask

ROUTES: list[tuple[str, str, tuple[str, ...]]] = [
    ("GET", "/status", (DIRECT,)),
    ("POST", "/clear_area_requests", (DIRECT,)),
    ("PUT", f"/flight_plans/{uuid4()}", (PLAN,)),
    ("DELETE", f"/flight_plans/{uuid4()}", (DIRECT, PLAN)),
    ("GET", "/user_notifications", (PLAN,)),
]


async def test_each_route_wants_its_scope(driver: Driver) -> None:
    for method, path, wanted in ROUTES:
        for scope in (DIRECT, PLAN, "utm.strategic_coordination", ""):
            answer = await driver.ask(method, path, scope=scope)
            refused = answer.status_code == 403
            assert refused is (scope not in wanted), (method, path, scope, answer.text)
        assert (await driver.ask(method, path, scope=None)).status_code == 401, path
    assert (await driver.ask("GET", "/status")).json() == {
        "status": "Ready",
        "api_name": "Flight Planning Automated Testing Interface",
        "api_version": "v0.7.0",
    }


async def test_versions_are_told_where_the_tester_looks_for_them(driver: Driver) -> None:
    scope = "interuss.versioning.read_system_versions"
    for base in ("/../..", "/../../versioning"):
        answer = await driver.ask("GET", f"{base}/versions/astm.f3548.v21", scope=scope)
        assert answer.json()["system_identity"] == "astm.f3548.v21", answer.text
    assert (await driver.ask("GET", "/../../versioning/versions/x")).status_code == 403


async def test_without_the_switch_there_is_nothing(driver: Driver) -> None:
    side = driver.side
    side.settings = replace(side.settings, test_interface=None)
    await side.restart()
    for method, path, _ in ROUTES:
        assert (await driver.ask(method, path)).status_code == 404, path
    assert (await driver.ask("GET", "/../../versioning/versions/x")).status_code == 404


# ---- what is no request


def without(*path: str) -> Callable[[dict[str, Any]], object]:
    """Return an edit that takes a field out."""

    def edit(body: dict[str, Any]) -> None:
        for name in path[:-1]:
            body = body[name]
        del body[path[-1]]

    return edit


def with_(value: object, *path: str | int) -> Callable[[dict[str, Any]], object]:
    """Return an edit that puts another value in the place of one."""

    def edit(body: Any) -> None:
        for name in path[:-1]:
            body = body[name]
        body[path[-1]] = value

    return edit


BASIC = ("flight_plan", "basic_information")
WRONG: dict[str, Callable[[dict[str, Any]], object]] = {
    "no request id": without("request_id"),
    "an empty request id": with_("", "request_id"),
    "a request id too long": with_("x" * 201, "request_id"),
    "no style": without("execution_style"),
    "another style": with_("Perhaps", "execution_style"),
    "no flight plan": without("flight_plan"),
    "no basic information": without(*BASIC),
    "no usage": without(*BASIC, "usage_state"),
    "another usage": with_("Flying", *BASIC, "usage_state"),
    "another state": with_("Fine", *BASIC, "uas_state"),
    "an area that is none": with_({}, *BASIC, "area"),
    "a volume that is none": with_([7], *BASIC, "area"),
    "feet": with_("FT", *BASIC, "area", 0, "volume", "altitude_lower", "units"),
    "another datum": with_("MSL", *BASIC, "area", 0, "volume", "altitude_lower", "reference"),
    "a priority that is no whole number": with_(1.5, "flight_plan", "astm_f3548_21", "priority"),
}


async def test_what_no_user_could_have_sent_is_400_and_names_the_field(driver: Driver) -> None:
    for wrong, edit in WRONG.items():
        body = request(HERE)
        edit(body)
        answer = await driver.ask("PUT", f"/flight_plans/{uuid4()}", body)
        assert answer.status_code == 400, (wrong, answer.text)
        assert ":" in answer.json()["message"], wrong
    assert await driver.standing() == []


async def test_other_bodies_ids_and_times(driver: Driver) -> None:
    flight = f"/flight_plans/{uuid4()}"
    for body in (b"", b"{", b"[]", b'"\xff"'):
        assert (await driver.ask("PUT", flight, body)).status_code == 400, body
    assert (await driver.ask("PUT", flight, b"[" * 100)).status_code in (400, 413)
    large = b'{"request_id": "' + b"x" * driver.side.settings.limits.body_bytes_max + b'"}'
    assert (await driver.ask("PUT", flight, large)).status_code == 413
    for name in ("7", "2f8343be-6482-1d1b-a474-16847e01af1e"):  # The second is no version 4.
        for method in ("PUT", "DELETE"):
            answer = await driver.ask(method, f"/flight_plans/{name}", request(HERE))
            assert answer.status_code == 400, (method, name)
    for query in (
        "",
        "?after=yesterday",
        "?after=2026-01-01T00:00:00Z&before=2026-01-01T00:00:00Z",
    ):
        assert (await driver.ask("GET", f"/user_notifications{query}")).status_code == 400, query
    empty = {"request_id": "x", "extent": {"volume": {}}}
    assert (await driver.ask("POST", "/clear_area_requests", empty)).status_code == 400


async def test_what_is_not_known_here_is_ignored_and_null_is_absent(driver: Driver) -> None:
    body = request(HERE)
    body["behavior"] = {"modify": ["everything"]}
    body["flight_plan"] |= {"uas": None, "operator": {"x": 1}, "astm_f3548_21": None}
    body["flight_plan"]["basic_information"] |= {"uas_state": None, "description": "x"}
    answer = await driver.ask("PUT", f"/flight_plans/{uuid4()}", body)
    assert answer.json()["planning_result"] == "Completed", answer.text


async def test_that_telemetry_is_not_taken_in_is_said(driver: Driver) -> None:
    body = request(HERE)
    state = {"id": "1", "timestamp": {"value": "2026-01-01T00:00:00Z", "format": "RFC3339"}}
    for states in ([], [state]):
        body["flight_plan"]["telemetry"] = {"states": states}
        answer = await driver.ask("PUT", f"/flight_plans/{uuid4()}", body)
        body["request_id"] = str(uuid4())
        planned = answer.json().get("as_planned")
        assert (planned is not None) is bool(states)
        await driver.ask("POST", "/clear_area_requests", _clearing())
        if planned is not None:
            assert "telemetry" not in planned
            assert planned["astm_f3548_21"] == {"priority": 0}


@pytest.mark.parametrize("reference", ["SFC", "Takeoff"])
async def test_heights_above_the_ground_are_not_guessed(driver: Driver, reference: str) -> None:
    body = request(HERE)
    with_(reference, *BASIC, "area", 0, "volume", "altitude_upper", "reference")(body)
    answer = await driver.ask("PUT", f"/flight_plans/{uuid4()}", body)
    assert (answer.status_code, answer.json()["planning_result"]) == (200, "NotSupported")
    assert "W84" in answer.json()["notes"]
    assert await driver.standing() == []


def _clearing() -> dict[str, Any]:
    extent = msgspec.to_builtins(convert.to_wire(HERE[0]))
    return {"request_id": str(uuid4()), "extent": extent}


async def test_only_so_many_answers_are_kept(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight_planning, "ANSWERS_MAX", 1)
    first = request((), request_id="first")
    path = f"/flight_plans/{uuid4()}"
    for body in (
        first,
        request((), request_id="second"),
        {**first, "execution_style": "InReality"},
    ):
        assert (await driver.ask("PUT", path, body)).status_code == 200
    assert (await driver.ask("PUT", path, first)).status_code == 409


# ---- where it does not start


async def test_it_does_not_start_beside_real_peers_or_elsewhere(tmp_path: Path) -> None:
    alone = make_sky(
        tmp_path / "alone", parties=("north",), registers=[("north", True)], minima=NO_MINIMA
    )["north"]
    together = make_sky(tmp_path / "together")["north"]
    many = make_sky(tmp_path / "many", parties=("north",), registers=[("north", True)])["north"]
    agreement = load_agreement(many.settings.agreement)
    second = Register(id="pool", party=None, url="http://127.0.0.1:9", foreign=True)
    both = replace(agreement, registers=(*agreement.registers, second), digest="")
    many.settings.agreement.write_bytes(render_agreement(both))
    for side, url, why in [
        (together, together.party.url, "names south"),
        (many, many.party.url, "names 2 registers"),
        (alone, alone.party.url + "0", "repeat that URL"),
        (alone, "", "repeat that URL"),
    ]:
        with pytest.raises(BadInput, match=why) as caught:
            await Node.open(replace(side.settings, test_interface=url))
        assert (caught.value.field or "").startswith("test_interface")


def test_the_switch_in_the_settings_and_the_doctors_opinion(tmp_path: Path) -> None:
    sky = make_sky(tmp_path, parties=("north",), registers=[("north", True)], minima=NO_MINIMA)
    data, url = tmp_path / "north", sky["north"].party.url
    file = data / "tansiq.toml"
    plain = file.read_text()
    assert load_settings(data).test_interface is None
    assert "test interface" not in opinions(data)
    file.write_text(plain + f'\n[test_interface]\nregister = "{url}/"\n')
    assert load_settings(data).test_interface == url
    assert opinions(data)["test interface"] == "WARN"
    file.write_text(plain + '\n[test_interface]\nregister = "https://dss.example.org"\n')
    assert opinions(data)["test interface"] == "FAIL"
    file.write_text(plain + "\n[test_interface]\n")
    with pytest.raises(BadInput, match="missing"):
        load_settings(data)


def opinions(data: Path) -> dict[str, str]:
    result = CliRunner().invoke(doctor, ["--data", str(data), "--json"])
    checks = msgspec.json.decode(result.stdout)["checks"]
    return {check["name"]: check["verdict"] for check in checks}


async def test_the_status_says_so(driver: Driver) -> None:
    node = driver.side.up
    headers = {"Authorization": f"Bearer {load_own_token(node.settings.data)}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=node.own),
        base_url=f"http://127.0.0.1:{node.settings.own_port}",
        headers=headers,
    ) as client:
        assert (await client.get("/api/v1/status")).json()["test_interface"] is True
