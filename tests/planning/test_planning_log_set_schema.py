"""A log set of real exchanges follows the schema of the interface file."""

import os
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import yaml
from tests.planning.sky import plan, two
from tests.planning.test_planning_log_set import log_set, with_entries

pytestmark = [pytest.mark.anyio, pytest.mark.soak]
ROOT = Path(__file__).resolve().parents[2]


def validator() -> Any:
    folder = Path(os.environ.get("TANSIQ_ACCEPT") or ROOT.parent / "shared" / "accept")
    file = folder / "openapi" / "utm.yaml"
    if not file.is_file():
        pytest.fail(f"no interface file at {file}; set TANSIQ_ACCEPT to the judges' folder")
    components = yaml.safe_load(file.read_text("utf-8"))["components"]
    # OpenAPI 3.0 schemas are those of draft 4, as far as these go.
    return jsonschema_rs.Draft4Validator(
        {"$ref": "#/components/schemas/USSLogSet", "components": components},
        validate_formats=True,
    )


async def test_a_log_set_follows_the_interface_file(tmp_path: Path) -> None:
    judge = validator()
    async with two(tmp_path) as (north, south):
        assert (await north.declare(plan(callsign="FIRST"))).coordinated
        await south.declare(plan(callsign="SECOND"))
        await south.no_go(plan(callsign="FIRE"))
        await south.deafen()
        await north.up.plans.submit(plan(-120.0, "ALONE"))
        for side in (north, south):
            await with_entries(side, lambda found: found.operator_notifications)
            found = msgspec.to_builtins(await log_set(side))
            assert len(found["messages"]) > 5
            told = [f"{e.instance_path}: {e.message[:200]}" for e in judge.iter_errors(found)]
            assert not told
            # The same judge must see what is wrong.
            del found["messages"][0]["request_source"]
            found["messages"][1]["request_time"]["value"] = 5
            found["messages"][2]["recorder_role"] = "Witness"
            assert len(list(judge.iter_errors(found))) == 3
