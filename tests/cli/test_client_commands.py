"""The commands that speak to a node, against the own API on a real socket."""

import asyncio
import json
import re
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from tests.http.own_world import AREA, TOKEN, World, build, plan_bytes

from tansiq.cli.main import main


@dataclass
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


@dataclass
class Shell:
    """Runs commands as the installed program does, in process."""

    data: Path
    node: World
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch
    server: uvicorn.Server

    def stop(self) -> None:
        """Let the feed's readers go, as a node does when it is told to stop."""
        loop = self.server.servers[0].get_loop()
        loop.call_soon_threadsafe(self.node.events.stop)

    def __call__(self, line: str, *more: str) -> Ran:
        self.patch.setattr(sys, "argv", ["tansiq", *line.split(), *more])
        with pytest.raises(SystemExit) as left:
            main()
        printed = self.capture.readouterr()
        return Ran(int(left.value.code or 0), printed.out, printed.err)

    def file(self, name: str, content: bytes) -> str:
        path = self.data / name
        path.write_bytes(content)
        return str(path)


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    node = build(tmp_path / "node.db", port=port)
    (tmp_path / "tansiq.toml").write_text(f'party = "north"\nown_port = {port}\n')
    (tmp_path / "own.token").write_text(TOKEN + "\n")
    monkeypatch.setenv("TANSIQ_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("TANSIQ_TOKEN", raising=False)
    server = uvicorn.Server(
        uvicorn.Config(node.app, port=port, log_level="error", lifespan="off", ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        threading.Event().wait(0.005)
    try:
        yield Shell(tmp_path, node, capsys, monkeypatch, server)
    finally:
        server.should_exit = True
        thread.join()
        asyncio.run(node.store.close())


def test_a_plan_from_its_file_to_its_end(shell: Shell) -> None:
    file = shell.file("osprey.geojson", plan_bytes(callsign="OSPREY-2"))
    made = shell("plan submit", file)
    assert made.code == 0, made.err
    assert "OSPREY-2" in made.out
    assert "coordinated: every register holds it" in made.out
    assert "2026-11-23 13:00:00Z-13:10:00Z" in made.out
    assert "300-600 m AMSL (300-600 m W84)" in made.out
    plan_id = re.search(r"id +([0-9a-f-]{36})", made.out)
    assert plan_id

    listed = shell("plan list")
    assert listed.code == 0
    header, row = listed.out.splitlines()
    assert header.split() == ["id", "call", "sign", "status", "when", "altitude", "reason"]
    assert row.index("coordinated") == header.index("status")

    for name in (plan_id[1], plan_id[1][:4], plan_id[1].upper(), "OSPREY-2", "osprey-2"):
        shown = shell("plan show", name)
        assert (shown.code, plan_id[1] in shown.out) == (0, True), name

    later = shell.file("later.geojson", plan_bytes(90, callsign="OSPREY-2"))
    assert "13:30:00Z-13:40:00Z" in shell("plan change OSPREY-2", later).out
    assert "13:30:30Z-13:40:30Z" in shell("plan shift OSPREY-2 --delay-s 30").out
    assert "Activated" in shell("plan activate OSPREY-2").out
    assert ": ended" in shell("plan end OSPREY-2").out
    assert shell("plan list").out == "no plans\n"
    assert "ended" in shell("plan list --all").out
    assert "ended" in shell("plan show OSPREY-2").out


def test_an_aircraft_that_strayed_is_told_of_shown_and_brought_back(shell: Shell) -> None:
    shell("plan submit", shell.file("a.geojson", plan_bytes(callsign="OSPREY-2")))
    drift = shell.file("drift.geojson", plan_bytes(radius_m=900))
    told = shell("plan off-nominal OSPREY-2 --state nonconforming", drift)
    assert told.code == 0
    assert "NONCONFORMING: outside its plan, expected back" in told.out
    assert shell("plan off-nominal OSPREY-2", drift).code == 2
    position = {"time_measured": "2026-11-23T12:00:00Z", "lng_deg": 10.1, "altitude_m": 640}
    body = json.dumps(position | {"lat_deg": 50.1}).encode()
    assert "50.100000, 10.100000" in shell("plan position OSPREY-2", shell.file("p", body)).out
    assert "50.100000, 10.100000" in shell("plan position OSPREY-2").out
    assert shell("plan position OSPREY-2", shell.file("p", b"{}")).code == 2
    assert "Activated" in shell("plan activate OSPREY-2").out


def test_what_others_hold_is_listed_and_their_positions_asked_for(shell: Shell) -> None:
    assert "HERON-1" in shell("airspace list").out
    assert json.loads(shell("airspace list --json").out)["entries"]
    shown = shell("airspace telemetry heron-1").out
    assert "HERON-1 of south, Nonconforming: measured 43 s ago" in shown
    assert "  altitude  640 m W84" in shown
    assert json.loads(shell("airspace telemetry HERON-1 --json").out)["age_s"] == 43.0
    assert shell("airspace telemetry NOBODY").code == 2


def test_a_refused_plan_gets_its_reason_and_the_command_that_moves_it(shell: Shell) -> None:
    shell("plan submit", shell.file("a.geojson", plan_bytes(callsign="OSPREY-2")))
    refused = shell("plan submit", shell.file("b.geojson", plan_bytes(65, callsign="HERON")))
    assert refused.code == 1
    assert "  reason    blocked by OSPREY-2: same block" in refused.out
    assert refused.out.count("blocked by") == 1
    commands = re.findall(r"instead +(.+?)  tansiq (plan shift .+)", refused.out)
    assert [text.strip() for text, _ in commands] == ["301 s later", "600 m higher"]
    taken = shell(commands[0][1])
    assert (taken.code, "coordinated" in taken.out) == (0, True)


@pytest.mark.parametrize(("take", "said"), [("delay", "301 s later"), ("level", "600 m higher")])
def test_an_alternative_is_taken_at_once_when_told_so(shell: Shell, take: str, said: str) -> None:
    shell("plan submit", shell.file("a.geojson", plan_bytes(callsign="OSPREY-2")))
    taken = shell("plan submit --take", take, shell.file("b.geojson", plan_bytes(65)))
    assert taken.code == 0
    assert taken.out.startswith(f"refused; taking: {said}\n")


def test_a_dry_run_says_how_to_submit(shell: Shell) -> None:
    file = shell.file("a.geojson", plan_bytes())
    clear = shell("plan submit --dry-run", file)
    assert (clear.code, "clear of everything known" in clear.out) == (0, True)
    assert shell("plan list").out == "no plans\n"
    shell("plan submit", file)
    verdict = shell("plan submit --dry-run", file)
    assert verdict.code == 1
    assert "would be refused; nothing was declared" in verdict.out
    assert f"tansiq plan submit {file} --take delay" in verdict.out


def test_json_is_the_apis_own_and_alone(shell: Shell) -> None:
    file = shell.file("a.geojson", plan_bytes(callsign="A"))
    plan = json.loads(shell("plan submit --json", file).out)
    assert json.loads(shell("plan show A --json").out) == plan
    assert json.loads(shell("plan list --json").out) == {"plans": [plan]}
    second = shell("plan submit --json --take level", shell.file("b.geojson", plan_bytes(65)))
    assert json.loads(second.out)["coordinated"]
    assert second.err == ""
    bad = shell("plan submit --json", shell.file("c.geojson", b"{"))
    assert (bad.code, bad.out) == (2, "")


def test_a_no_go_area_from_its_file_to_its_end(shell: Shell) -> None:
    file = shell.file("fire.geojson", plan_bytes(callsign="FIRE-1", **AREA))
    unfinished = shell("constraint submit --wait 0", file)
    assert (unfinished.code, "not everywhere yet" in unfinished.out) == (1, True)
    assert shell("constraint change FIRE-1", file).code == 0
    assert "FIRE-1" in shell("constraint list").out
    assert "everywhere" in shell("constraint show fire-1").out
    assert shell("constraint end FIRE-1 --yes").code == 0
    assert shell("constraint list").out == "no no-go areas\n"
    assert json.loads(shell("constraint list --json").out) == {"constraints": []}


def test_events_are_printed_and_resumed(shell: Shell) -> None:
    shell("plan submit", shell.file("a.geojson", plan_bytes(callsign="OSPREY-2")))
    shell("plan submit", shell.file("b.geojson", plan_bytes(callsign="HERON")))
    shell("plan end HERON")
    printed = shell("events")
    assert printed.code == 0
    first, second, third = printed.out.splitlines()
    assert re.match(r" +1  2026-11-23T12:00:00Z  plan  .*OSPREY-2 +coordinated$", first)
    assert second.endswith("refused: blocked by OSPREY-2: same block")
    assert "ended" in third
    assert shell("events --after 2").out == third + "\n"
    assert [json.loads(x)["seq"] for x in shell("events --json").out.splitlines()] == [1, 2, 3]
    assert shell("events --after 3").out == ""
    ahead = shell("events --after 4")
    assert (ahead.code, "--after" in ahead.err) == (2, True)


def test_following_events_ends_when_the_node_stops(shell: Shell) -> None:
    shell("plan submit", shell.file("a.geojson", plan_bytes()))
    threading.Timer(0.2, shell.stop).start()
    ended = shell("events --follow --after 0")
    assert (ended.code, len(ended.out.splitlines())) == (3, 1)
    assert "stops" in ended.err


BAD: Sequence[tuple[str, int, str]] = [
    ("plan submit missing.geojson", 2, "missing.geojson"),
    ("plan show nothing", 2, "plan list --all"),
    ("plan show 00000000-0000-4000-8000-000000000000", 2, "no plan"),
    ("plan shift 00000000-0000-4000-8000-000000000000", 2, "delay_s"),
    ("plan shift 00000000-0000-4000-8000-000000000000 --delay-s x", 2, "--delay-s"),
    ("plan submit --wait 61 x", 2, "--wait"),
    ("plan submit --take north x", 2, "--take"),
    ("constraint show nothing", 2, "constraint list --all"),
    ("plan list --data /nowhere", 2, "tansiq init"),
]


@pytest.mark.parametrize(("line", "code", "word"), BAD)
def test_bad_input_is_named_on_stderr(shell: Shell, line: str, code: int, word: str) -> None:
    ran = shell(line)
    assert (ran.code, ran.out) == (code, "")
    assert word in ran.err


def test_an_ambiguous_name_lists_what_it_fits(shell: Shell) -> None:
    file = shell.file("a.geojson", plan_bytes(callsign="OSPREY"))
    shell("plan submit", file)
    shell("plan submit", file)
    ran = shell("plan end OSPREY")
    assert ran.code == 2
    assert "fits 2" in ran.err
    # An ended plan gives way to the one that is still there.
    first = json.loads(shell("plan list --json").out)["plans"][0]["id"]
    shell("plan end", first)
    assert shell("plan show OSPREY").code == 0


def test_the_wrong_state_is_refused_with_one(shell: Shell) -> None:
    file = shell.file("a.geojson", plan_bytes(callsign="A"))
    shell("plan submit", file)
    shell("plan submit", shell.file("b.geojson", plan_bytes(callsign="B")))
    ran = shell("plan activate B")
    assert (ran.code, "refused" in ran.err) == (1, True)


def test_a_node_that_does_not_answer_is_three(shell: Shell) -> None:
    (shell.data / "tansiq.toml").write_text('party = "north"\nown_port = 1\n')
    for line in ("plan list", "events", "constraint list"):
        ran = shell(line)
        assert (ran.code, "tansiq serve" in ran.err) == (3, True)


def test_another_nodes_token_is_refused(shell: Shell) -> None:
    (shell.data / "own.token").write_text("x" * 40)
    ran = shell("plan list")
    assert (ran.code, "own.token" in ran.err) == (2, True)


class Answers:
    """A socket that hangs up on the first request and answers the second."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        for number in range(2):
            connection, _ = self._socket.accept()
            with connection:
                text = connection.recv(65_536).decode()
                self.keys += re.findall(r"Idempotency-Key: (\S+)", text)
                if number:
                    body = b'{"detail":"told","status":409,"code":"x"}'
                    head = f"HTTP/1.1 409 x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                    connection.sendall(head + body)
        self._socket.close()


def test_a_request_that_broke_off_is_sent_again_under_its_key(
    shell: Shell,
) -> None:
    answers = Answers()
    (shell.data / "tansiq.toml").write_text(f'party = "north"\nown_port = {answers.port}\n')
    ran = shell("plan submit", shell.file("a.geojson", plan_bytes()))
    answers.thread.join()
    assert (ran.code, "told" in ran.err) == (1, True)
    assert len(answers.keys) == 2
    assert len(set(answers.keys)) == 1


def test_every_command_says_its_exit_codes(shell: Shell) -> None:
    for line in ("plan submit", "plan list", "plan end", "constraint submit", "events"):
        assert "3 the node does not answer" in shell(f"{line} --help").out
