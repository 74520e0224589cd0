"""A whole node, as ``tansiq serve`` runs it: its plans in every form, and readers when it stops."""

import gzip
import json
import socket
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from bench._node import RegisterNode, free_ports

PATIENCE_S = 60.0
STOPS_S = 12.0
"""Less than what a node may take: uvicorn waits 5 s for connections that do not end."""
KML = "{http://www.opengis.net/kml/2.2}"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RegisterNode]:
    (port,) = free_ports(1)
    made = RegisterNode.make(tmp_path / "node", settings=f"[cot]\nport = {port}\nevery_s = 0.5\n")
    made.start()
    try:
        yield made
    finally:
        made.kill()


def ask(node: RegisterNode, path: str, body: Any = None, **headers: str) -> Any:
    token = (node.data / "own.token").read_text().strip()
    request = urllib.request.Request(
        f"http://127.0.0.1:{node.own_port}/api/v1/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers},
    )
    return urllib.request.urlopen(request, timeout=PATIENCE_S)


def feature(callsign: str, lat_deg: float, **properties: Any) -> dict[str, Any]:
    start = datetime.now(UTC) + timedelta(minutes=5)
    said = {
        "start": start.isoformat(),
        "end": (start + timedelta(hours=1)).isoformat(),
        "lower": 300,
        "upper": 600,
        "datum": "W84",
        "units": "M",
        "radius_m": 500,
        "callsign": callsign,
    }
    place = {"type": "Point", "coordinates": [54.6, lat_deg]}
    return {"type": "Feature", "geometry": place, "properties": said | properties}


def cot_port(node: RegisterNode) -> int:
    text = (node.data / "tansiq.toml").read_text()
    return int(text.split("[cot]\nport = ")[1].split("\n")[0])


def test_a_plan_is_shown_in_every_form_and_readers_do_not_hold_the_node(
    node: RegisterNode,
) -> None:
    ask(node, "plans?wait_s=30", feature("HERON-1", 24.45))
    ask(node, "constraints?wait_s=30", feature("Fire 7", 24.55, type="constraint"))
    time.sleep(1.1)  # What was gathered before may be shown for a second.
    zipped = ask(node, "picture.kml", **{"Accept-Encoding": "gzip"})
    kml = ET.fromstring(gzip.decompress(zipped.read()))
    names = [e.findtext(f"{KML}name") for e in kml.iter(f"{KML}Placemark")]
    assert names == ["NO-GO Fire 7", "HERON-1"]
    read = json.loads(ask(node, "picture.geojson").read())
    assert [f["properties"]["status"] for f in read["features"]] == ["everywhere", "coordinated"]
    events = ET.fromstring(ask(node, "picture.cot").read())
    assert [e.get("type") for e in events] == ["u-d-c-c", "u-d-c-c"]
    assert "picture.kml" in ask(node, "picture-link.kml").read().decode()
    stream = ask(node, "watch/stream")
    for _ in range(3):
        line = stream.readline()
    assert line == b"event: watch\n"
    assert json.loads(stream.readline().removeprefix(b"data: "))["replay"] is False
    with socket.create_connection(("127.0.0.1", cot_port(node)), timeout=PATIENCE_S) as tak:
        heard = b""
        while heard.count(b"</event>") < 6:
            heard += tak.recv(65_536)
        assert heard.count(b"t-x-c-t-r") >= 2
        assert b"NO-GO Fire 7" in heard
        process = node.process
        assert process is not None
        began = time.monotonic()
        node.stop()
        assert time.monotonic() - began < STOPS_S
        assert process.returncode == 0, node.log()
        while tak.recv(65_536):
            pass
    stream.close()
