"""Three nodes as processes: one is switched off and struck off, and comes back."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.test_init import free_ports

from tansiq.domain.time import zulu
from tansiq.formats.agreement import read_agreement

TANSIQ = [sys.executable, "-c", "from tansiq.cli.main import main; main()"]
CHILD = [sys.executable, "-m", "tansiq.cli.child"]
THREE = ("north", "south", "east")
RULES = """name = "Three valleys"
version = 1

{parties}
[area]
circle = {{ center = [38.6, -120.3], radius_m = 60000 }}

[minima]
horizontal_m = 1000
vertical_m = 150
time_s = 60

{registers}
"""
PLAN = """{{"type": "Feature", "geometry": {{"type": "Point", "coordinates": [{lng}, 38.6]}},
 "properties": {{"callsign": "{callsign}", "radius_m": 500, "start": "{start}", "end": "{end}",
  "lower": 900, "upper": 1200, "units": "M", "datum": "AMSL"}}}}"""
START = datetime.now(UTC) + timedelta(hours=2)


@dataclass
class Three:
    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def run(self, *words: object, code: int = 0) -> str:
        done = subprocess.run(
            [*TANSIQ, *map(str, words)],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == code, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [*CHILD, "serve", "--data", name],
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        self.until(lambda: "Ctrl-C ends it" in self.log(name).rpartition("serves agreement")[2])

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def stop(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.wait()
        if process.stdin:
            process.stdin.close()

    def until(self, there: Any) -> None:
        for _ in range(450):
            if there():
                return
            time.sleep(0.1)
        pytest.fail("\n".join(f"{name}: {self.log(name)}" for name in self.running))

    def submit(self, name: str, callsign: str, lng: float, *, code: int = 0) -> dict[str, Any]:
        path = self.folder / f"{callsign}.geojson"
        span = {"start": zulu(START), "end": zulu(START + timedelta(minutes=30))}
        path.write_text(PLAN.format(lng=lng, callsign=callsign, **span))
        shown = self.run("plan", "submit", "--data", name, "--json", path, code=code)
        return dict(json.loads(shown))

    def status_of(self, name: str, plan: dict[str, Any]) -> str:
        shown = self.run("plan", "show", "--data", name, "--json", plan["id"])
        return str(json.loads(shown)["status"])


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Three]:
    desks, ports = Three(tmp_path), free_ports(6)
    entries = []
    for i, name in enumerate(THREE):
        own, peer = ports[2 * i : 2 * i + 2]
        desks.run(
            *("init", "--data", name, "--party", name, "--name", name.title()),
            *("--own-port", own, "--url", f"https://127.0.0.1:{peer}"),
        )
        entries.append((tmp_path / name / "party.toml").read_text())
    registers = "\n".join(f'[[register]]\nid = "{name}"\nparty = "{name}"\n' for name in THREE)
    text = RULES.format(parties="\n\n".join(entries) + "\n", registers=registers)
    (tmp_path / "one.toml").write_text(text)
    for name in THREE:
        (tmp_path / name / "agreement.toml").write_text(text)
    yield desks
    for name in list(desks.running):
        desks.stop(name)


def next_version(three: Three, of: str, name: str, *, struck: str) -> None:
    """Write the version that comes next, and have north and south sign it."""
    old = (three.folder / of).read_text()
    agreement = read_agreement(old.encode())
    lines = [line for line in old.splitlines() if not line.startswith(("previous", "struck"))]
    head = [f"version = {agreement.version + 1}", f'previous = "{agreement.digest}"']
    if struck:
        head.append(f'struck = ["{struck}"]')
    place = lines.index(f"version = {agreement.version}")
    lines[place : place + 1] = head
    (three.folder / name).write_text("\n".join(lines) + "\n")
    digest = read_agreement((three.folder / name).read_bytes()).digest
    for who in ("north", "south"):
        three.run("agreement", "sign", "--data", who, name)
        (kept,) = (three.folder / who / "signatures").glob(f"{digest[:16]}.{who}.sig")
        (three.folder / f"{who}-{name}.sig").write_bytes(kept.read_bytes())


def test_one_laptop_that_is_switched_off_does_not_stop_the_others(three: Three) -> None:
    for name in THREE:
        three.start(name)
    for name in THREE:
        three.run("agreement", "sign", "--data", name)
    assert three.submit("east", "ECHO-1", -120.5)["status"] == "coordinated"
    three.stop("east")
    stuck = three.submit("north", "ALPHA-1", -120.3, code=1)
    assert not stuck["coordinated"]

    next_version(three, "one.toml", "two.toml", struck="east")
    sigs = ["north-two.toml.sig", "south-two.toml.sig"]
    # Put there by hand while the node runs: it has not gone over by that.
    two = (three.folder / "two.toml").read_bytes()
    (three.folder / "north" / "agreement.toml").write_bytes(two)
    for name in ("north", "south"):
        said = three.run("agreement", "adopt", "--data", name, "two.toml", *sigs)
        assert "struck off\n  was  (nothing)\n  now  east: may not plan" in said
        assert "The node runs under version 2." in said
    three.until(lambda: three.status_of("north", stuck) == "coordinated")
    # What east has stays where it is, though nobody can ask it.
    assert three.submit("south", "BRAVO-1", -120.5, code=1)["status"] == "refused"

    next_version(three, "two.toml", "three.toml", struck="")
    back = ["north-three.toml.sig", "south-three.toml.sig"]
    three.start("east")
    files = ("two.toml", "three.toml", *sigs, *back)
    for name in THREE:
        assert "The node runs under version 3." in three.run(
            "agreement", "adopt", "--data", name, *files
        )
    assert three.submit("east", "ECHO-2", -120.3, code=1)["status"] == "refused"
    assert three.submit("east", "ECHO-3", -120.7)["status"] == "coordinated"
    assert three.submit("south", "BRAVO-2", -120.7, code=1)["status"] == "refused"
    for name in THREE:
        doctor = three.run("doctor", "--data", name)
        assert doctor.count("same agreement") == 3, doctor
        assert "Traceback" not in three.log(name)
