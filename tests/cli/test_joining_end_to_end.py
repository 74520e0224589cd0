"""The walk-through of ``docs/joining.md``, typed as it stands: two nodes, from nothing."""

import json
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.cli.test_init import free_ports

from tansiq.formats.agreement import read_agreement

PAGE = Path(__file__).parents[2] / "docs" / "joining.md"
TANSIQ = [sys.executable, "-c", "from tansiq.cli.main import main; main()"]
CHILD = [sys.executable, "-m", "tansiq.cli.child"]
MINUTES_5 = 300.0
WORDS = re.compile(r"^    ((?:[a-z]+  ){5}[a-z]+)$", re.MULTILINE)


def typed(heading: str) -> list[tuple[str, str]]:
    """Return what a section of the page has North and South type, in order."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^(north|south)\$ tansiq (.*)$", section, re.MULTILINE)


@dataclass
class Desks:
    """Two desks on this machine: their addresses are loopback ports, all else is as typed."""

    folder: Path
    ports: list[int]
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def arguments(self, desk: str, line: str) -> list[str]:
        own, peer = (0, 2) if desk == "north" else (1, 3)
        line = re.sub(r"https://[\d.]+:8443", f"https://127.0.0.1:{self.ports[peer]}", line)
        words = shlex.split(line.partition(" > ")[0])
        if words[0] in ("invite", "join"):
            words += ["--own-port", str(self.ports[own])]
        return words

    def run(self, desk: str, line: str, *, replacing: dict[str, str] | None = None) -> str:
        """Run one line to its end, put its output where it says, and return what was shown."""
        for old, new in (replacing or {}).items():
            line = line.replace(old, new)
        done = subprocess.run(
            [*TANSIQ, *self.arguments(desk, line)],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{desk}$ tansiq {line}\n{done.stdout}\n{done.stderr}"
        if " > " in line:
            (self.folder / line.partition(" > ")[2].strip()).write_text(done.stdout)
        return done.stdout + done.stderr

    def start(self, desk: str, line: str, shown: str) -> None:
        """Leave one line running; what it shows goes into a file."""
        command = CHILD if line.startswith("serve") else TANSIQ
        with (self.folder / shown).open("w") as file:
            self.running.append(
                subprocess.Popen(
                    [*command, *self.arguments(desk, line)],
                    cwd=self.folder,
                    stdin=subprocess.PIPE,
                    stdout=file,
                    stderr=file,
                    text=True,
                )
            )

    def until(self, shown: str, there: Callable[[str], object]) -> str:
        """Return what a running line has shown once something is there."""
        for _ in range(600):
            text = (self.folder / shown).read_text()
            if there(text):
                return text
            assert self.running[-1].poll() in (None, 0), text
            time.sleep(0.1)
        pytest.fail(f"nothing of the kind in a minute: {text}")

    def stop(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()
            if process.stdin:
                process.stdin.close()


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Desks]:
    desks = Desks(tmp_path, free_ports(4))
    yield desks
    desks.stop()


def words_in(text: str) -> str:
    found = WORDS.search(text)
    assert found, text
    return found[1]


PLAN = """{"type": "Feature",
 "geometry": {"type": "Point", "coordinates": [-120.30, 38.6]},
 "properties": {"callsign": "OSPREY-2", "radius_m": 2000, "start": "%s", "end": "%s",
  "lower": 900, "upper": 1200, "units": "M", "datum": "AMSL"}}
"""


def test_two_laptops_from_nothing_to_a_coordinated_plan(desks: Desks) -> None:
    """The first section, timed; then both serve, hold the same rules, and a plan is placed."""
    started = time.monotonic()
    lines = iter(typed("The two laptops reach each other"))
    who, invite = next(lines)
    assert who == "north"
    assert invite.endswith("--wait")
    desks.start(who, invite, "invite.txt")
    shown = desks.until("invite.txt", lambda text: "Waiting" in text)
    (invitation,) = re.findall(r"^TANSIQ1-INVITE:\w+$", shown, re.MULTILINE)
    code = [row for row in shown.split("\n") if "█" in row]
    assert len(code) > 20
    assert max(map(len, code)) <= 80

    who, join = next(lines)
    said = desks.run(who, join, replacing={"TANSIQ1-INVITE:...": invitation})
    assert "Brought to North Cell" in said
    heard = desks.until("invite.txt", WORDS.search)
    assert words_in(said) == words_in(heard)
    north, south = (
        (desks.folder / name / "agreement.toml").read_bytes() for name in ("north", "south")
    )
    assert north == south

    for who, line in lines:
        if line.startswith("serve"):
            desks.start(who, line, f"{who}.txt")
            desks.until(f"{who}.txt", lambda text: "Ctrl-C ends it" in text)
        else:
            said = desks.run(who, line)
    last = [row for row in said.splitlines() if row.startswith("OK    node north")]
    assert "same agreement" in last[0], said
    took = time.monotonic() - started
    print(f"{took:.1f} s from nothing to two nodes that serve one agreement")
    assert took < MINUTES_5

    begins, ends = (
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + minutes * 60))
        for minutes in (60, 75)
    )
    (desks.folder / "osprey.geojson").write_text(PLAN % (begins, ends))
    said = desks.run("south", "plan submit --data south osprey.geojson")
    assert "coordinated: every register holds it" in said
    # The first notice, seen by a person at the other desk, and both know it.
    desks.run("south", "notice give OSPREY-2 --data south --to north")
    heard = acknowledged(desks)
    took = time.monotonic() - started
    print(f"{took:.1f} s from nothing to the first acknowledged notice")
    assert heard["party"] == "north"
    assert took < MINUTES_5


def acknowledged(desks: Desks) -> dict[str, Any]:
    """Have North see what South told it of, and wait until South knows; return the conversation."""
    for _ in range(300):
        told = json.loads(desks.run("north", "notice list --data north --json"))["threads"]
        if told:
            desks.run("north", f"notice seen {told[0]['id']} --data north")
            break
        time.sleep(0.1)
    for _ in range(300):
        (thread,) = json.loads(desks.run("south", "notice list --data south --json"))["threads"]
        if thread["stage"] == "seen":
            return dict(thread)
        time.sleep(0.1)
    pytest.fail("nobody has acknowledged it")


def test_a_third_party_joins_at_a_node_that_serves(desks: Desks) -> None:
    """As typed, while North serves; the words are the same at both ends, and in the feed."""
    for who, line in typed("They do not"):
        desks.run(who, line)
    desks.start("north", "serve --data north", "north.txt")
    desks.until("north.txt", lambda text: "Ctrl-C ends it" in text)
    before = (desks.folder / "north" / "agreement.toml").read_bytes()
    section = PAGE.read_text(encoding="utf-8").split("\n## A third party\n")[1]
    invite, join = re.findall(r"^(?:north|west)\$ tansiq (.*)$", section, re.MULTILINE)[:2]
    wrong = subprocess.run(
        [*TANSIQ, *desks.arguments("north", f"{invite} --center 38.6,-120.3")],
        cwd=desks.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 2
    assert "serves under an agreement already" in wrong.stderr
    desks.start("north", invite, "invite.txt")
    shown = desks.until("invite.txt", lambda text: "Waiting" in text)
    (invitation,) = re.findall(r"^TANSIQ1-INVITE:\w+$", shown, re.MULTILINE)
    said = desks.run("west", join, replacing={"TANSIQ1-INVITE:...": invitation})
    assert "Brought to North Cell" in said
    heard = desks.until("invite.txt", WORDS.search)
    assert words_in(said) == words_in(heard)
    assert "peers/west.toml" in heard
    told = desks.run("north", "events --data north")
    assert f"compare by voice: {words_in(said)}" in told
    assert (desks.folder / "north" / "agreement.toml").read_bytes() == before
    # Once; and without --wait it is said where the answer will be seen. One may ask once a second.
    threading.Event().wait(1.2)
    again = desks.run("west2", join, replacing={"TANSIQ1-INVITE:...": invitation, "west": "west2"})
    assert "no invitation of this node is open" in again
    assert "tansiq events shows it" in desks.run("north", "invite --data north --no-qr")


def test_by_file_and_signed(desks: Desks) -> None:
    """The second and fourth sections: nothing goes over the network at all."""
    shown = [desks.run(who, line) for who, line in typed("They do not")]
    assert len(shown) == 3
    assert words_in(shown[1]) == words_in(shown[2])
    assert "Not brought" in shown[1]
    shown = [desks.run(who, line) for who, line in typed("Sign")]
    assert "version 1" in shown[-1]
    assert ": in force" in shown[-1]
    said = desks.run("north", "agreement show --data north")
    assert "no: not signed by south" in said
    content = (desks.folder / "south.sig").read_bytes()
    (desks.folder / "north" / "signatures" / "from-south.sig").write_bytes(content)
    said = desks.run("north", "agreement show --data north")
    assert re.search(r"^signed by +north, south$", said, re.MULTILINE)
    assert re.search(r"^in force +yes$", said, re.MULTILINE)
    assert "signatures  in force: north, south" in re.sub(
        " {2,}", "  ", desks.run("north", "doctor --data north")
    )


def test_an_area_of_its_own_and_the_agreement_as_a_file(desks: Desks) -> None:
    """The third section, after an invitation without a proposal."""
    invite, join, _ = (line for _, line in typed("They do not"))
    desks.run("north", invite.replace(" --center 38.6,-120.3", ""))
    said = desks.run("south", join)
    assert "agreement sign" in said
    assert not (desks.folder / "south" / "agreement.toml").exists()
    (desks.folder / "valley.geojson").write_text(
        '{"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": '
        "[[[-121, 38], [-120, 38], [-120, 39], [-121, 38]]]}}"
    )
    (who, pair), (other, sign) = typed("Another area, other rules")
    desks.run(who, pair)
    sent = (desks.folder / "north" / "agreement.toml").read_bytes()
    (desks.folder / "agreement.toml").write_bytes(sent)
    said = desks.run(other, sign)
    assert (desks.folder / "south" / "agreement.toml").read_bytes() == sent
    assert len(read_agreement(sent).area.vertices) == 3  # type: ignore[union-attr]


def test_a_third_party_joins_by_the_next_version(desks: Desks) -> None:
    """Met beside the agreement, appended by hand, signed by all."""
    for who, line in typed("They do not"):
        desks.run(who, line)
    desks.run("north", "agreement sign --data north")
    desks.run("south", "agreement sign --data south")
    desks.run("north", "invite --data north > third.txt")
    desks.run("west", 'join --data west --party west --name "West" --no-send third.txt > reply.txt')
    assert "west.toml" in desks.run("north", "pair --data north reply.txt")
    one = (desks.folder / "north" / "agreement.toml").read_text()
    digest = read_agreement(one.encode()).digest
    entry = (desks.folder / "north" / "peers" / "west.toml").read_text()
    two = one.replace("version = 1", f'version = 2\nprevious = "{digest}"')
    two = two.replace("[area]", f"{entry}\n[area]", 1)
    two += '\n[[register]]\nid = "west"\nparty = "west"\n'
    (desks.folder / "two.toml").write_text(two)
    (desks.folder / "one.toml").write_text(one)
    for name in ("north", "south"):
        desks.run(name, f"agreement sign --data {name} two.toml > {name}.sig")
    done = subprocess.run(
        [*TANSIQ, "agreement", "diff", "one.toml", "two.toml"],
        cwd=desks.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "All parties sign" in done.stdout
    assert "Count anew, and are filled: west" in done.stdout
    (desks.folder / "west" / "signatures").mkdir()
    (desks.folder / "west" / "signatures" / "one.toml").write_text(one)
    desks.run("west", "agreement sign --data west two.toml > west.sig")
    assert (desks.folder / "west" / "agreement.toml").read_text() == two
    kept = " ".join(str(path) for path in desks.folder.glob("*/signatures/*.sig"))
    said = desks.run("north", f"agreement verify one.toml two.toml {kept}")
    assert said.count(": in force") == 2
