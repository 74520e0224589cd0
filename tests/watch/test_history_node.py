"""A whole node, as ``tansiq serve`` runs it: its history over a restart and a file that is no file.

The hole that its absence leaves is in the answer.
"""

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bench._node import RegisterNode

PATIENCE_S = 60.0
STEP_S = 1.0


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RegisterNode]:
    made = RegisterNode.make(
        tmp_path / "node", settings=f"[watch]\nhistory_step_s = {STEP_S:.0f}\n"
    )
    made.start()
    try:
        yield made
    finally:
        made.kill()


def ask(node: RegisterNode, path: str, body: Any = None) -> Any:
    token = (node.data / "own.token").read_text().strip()
    request = urllib.request.Request(
        f"http://127.0.0.1:{node.own_port}/api/v1/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return json.load(answer)


def until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def slices(node: RegisterNode) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    span = {"from": (now - timedelta(hours=1)).isoformat(), "to": now.isoformat()}
    found = ask(node, f"history/slices?{urllib.parse.urlencode(span)}")["slices"]
    return list(found)


def position() -> dict[str, Any]:
    return {
        "address": "icao:a1b2c3",
        "time": datetime.now(UTC).isoformat(),
        "lat": 24.45,
        "lng": 54.6,
        "horizontal_error_m": 30,
        "callsign": "HERON-1",
    }


def test_a_restart_leaves_a_hole_that_is_told_and_what_was_before_is_there(
    node: RegisterNode,
) -> None:
    until(lambda: bool(slices(node)))
    assert ask(node, "positions", [position()])["taken"] == 1
    until(lambda: any(each["tracks"] for each in slices(node)))
    before = ask(node, "history")
    assert before["step_s"] == STEP_S
    node.stop()
    time.sleep(3 * STEP_S)
    node.start()
    until(lambda: ask(node, "history")["slices"] > before["slices"] + 2)
    after = ask(node, "history")
    assert after["from"] == before["from"]
    assert any(gap["from"] >= before["to"] for gap in after["gaps"])
    flown = [track for each in slices(node) for track in each["tracks"]]
    assert flown[0]["callsign"] == "HERON-1"
    assert (node.data / "history.db").exists()


def test_a_file_that_is_none_stops_no_node(node: RegisterNode) -> None:
    node.stop()
    for file in node.data.glob("history.db*"):
        file.unlink()
    (node.data / "history.db").write_bytes(b"no database " * 1_000)
    node.start()
    said = ask(node, "history")
    assert said["slices"] == 0
    assert "move history.db away" in said["sentence"]
    until(lambda: str(ask(node, "picture")["sentence"]).startswith("no feed is set up"))
