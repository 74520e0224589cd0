"""The own API of the line: each route by each role, and what a request that is repeated does.

The last tests hold the tables of commands and routes against this module and its neighbours, so
that nothing new goes without.
"""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from floor import Desk, area

from tansiq.cli.main import _COMMANDS
from tansiq.domain.time import zulu
from tansiq.errors import StoreError
from tansiq.http.access import WATCH
from tansiq.http.line_table import LINE_OPERATIONS
from tansiq.http.log_table import LOG_OPERATIONS
from tansiq.services.line.speaking import Speaking
from tansiq.storage.answers import Answers
from tansiq.storage.store import Tx

_SAID_BY = "SELECT COUNT(*) FROM note WHERE sender = :party AND kind <> 'receipt'"
SOON = datetime.now(UTC) + timedelta(hours=1)
"""Later than any run of this module."""
AGO = SOON - timedelta(hours=2)
SPAN = {"start": zulu(AGO), "end": zulu(SOON)}
TO = {"to": ["north"]}
NOBODY = "0" * 12

READ = {
    "/line": "",
    "/threads": "?open=true&party=north&kind=notice&last=3",
    "/threads/{note}": "?language=he",
    "/watch": "",
    "/yields": "?party=north&since=2026-01-31T00:00:00Z&last=3",
    "/outbox": "",
    "/log/head": "",
    "/log/notes/{note}/proof": "",
}
"""GET, with a query: what a viewer may look at."""

SAID: dict[str, tuple[str, Any]] = {
    "/line": ("", {"state": "open", **TO}),
    "/notices": ("", {"id": "PLAN", **TO}),
    "/notices/area": ("?to=north&text=Crane&language=en", area()),
    "/threads/{note}/seen": ("notice", None),
    "/threads/{note}/readback": ("notice", "READBACK"),
    "/threads/{note}/answer": ("notice", {"word": "noted"}),
    "/threads/{note}/counter": ("notice", {"shift": {"delay_s": 600}, "moves": "yours"}),
    "/threads/{note}/accept": ("countered", {"plan": "PLAN"}),
    "/threads/{note}/confirm": ("call", {"agreed": True}),
    "/threads/{note}/withdraw": ("ours", {"text": "Gone"}),
    "/threads/{note}/reply": ("check", None),
    "/threads/{note}/all-clear": ("stopped", {}),
    "/threads/{note}/review": ("incident", {"text": "Seen"}),
    "/checks": ("", TO),
    "/stops": ("", TO),
    "/stops/area": ("?to=north", area(1)),
    "/all-clear": ("", {}),
    "/calls": ("", {"to": "north", "text": "As agreed"}),
    "/messages": ("", {"code": "say.stand-by", **TO}),
    "/incidents": ("", {"text": "Too near", **SPAN, **TO}),
    "/watch": ("", {"desk": "watch"}),
}
"""POST: what a person on watch may say, a query or what it answers, and a body."""

HANDED = {("GET", "/letters"): "?party=north", ("POST", "/letters"): ""}
EXPORTED = {("GET", "/log/bundle"): f"?from={zulu(AGO)}&to={zulu(SOON)}"}


def opened(south: Desk, north: Desk, what: str) -> str:
    """Open the conversation that a route of south's answers in, and return its id."""
    file = north.file("api.geojson", area())
    if what in ("notice", "countered"):
        note = north.good("notice area --to south", file).id
    elif what == "ours":
        return south.good("notice area --to north", file).id
    elif what == "stopped":
        return south.good("stop --to north").id
    else:
        command = {"call": "line call south Gist", "check": "line check --to south"}
        incident = f"line incident Near --to south --from {zulu(AGO)} --to-time {zulu(SOON)}"
        note = north.good(command.get(what, incident)).id
    south.has(note)
    if what == "countered":
        south.good(f"notice answer {note} unable")
        north.stage(note, "unable")
        north.good(f"notice counter {note} --delay-s 600")
        south.stage(note, "countered")
    return note


def address(south: Desk, north: Desk, path: str) -> tuple[str, Any]:
    """Return where a route of ``SAID`` is asked, and with what."""
    more, body = SAID[path]
    if "{note}" in path:
        note = opened(south, north, more)
        path, more = path.replace("{note}", note), ""
        if body == "READBACK":
            told = south.thread(note)["told"]
            body = {name: told[name] for name in ("points", "radius_m", "start", "end")}
            body |= {"lower": told["lower"][0], "upper": told["upper"][0]}
    elif path == "/all-clear":
        south.good("stop --to north")
    if isinstance(body, dict) and "PLAN" in body.values():
        body = {name: own_plan(south) if each == "PLAN" else each for name, each in body.items()}
    return path + more, body


def own_plan(desk: Desk) -> str:
    """Return the id of a plan of this desk's."""
    plans = desk.api("GET", "/plans").json["plans"]
    if not plans:
        desk.good("plan submit", desk.file("api.geojson", area(callsign="API-1", lng=-122.0)))
        plans = desk.api("GET", "/plans").json["plans"]
    return str(plans[0]["id"])


def entries(desk: Desk) -> int:
    """Return how many notes this desk's own party has written."""

    async def count(tx: Tx) -> int:
        row = await tx.fetch_one(_SAID_BY, {"party": desk.party})
        return 0 if row is None else int(row[0])

    return desk.floor.do(desk.side.up.store.read(count))


@pytest.mark.parametrize("path", READ)
def test_everybody_may_look(north: Desk, south: Desk, path: str) -> None:
    note = opened(south, north, "call")
    where = path.replace("{note}", note) + READ[path]
    for who in ("wall", "nina", ""):
        assert south.api("GET", where, who=who).status == 200
    south.tokens["nobody"] = "x" * 40
    assert south.api("GET", where, who="nobody").status == 401


@pytest.mark.parametrize("path", SAID)
def test_a_viewer_may_not_say_it_and_a_watch_may(north: Desk, south: Desk, path: str) -> None:
    where, body = address(south, north, path)
    before = entries(south)
    refused = south.api("POST", where, body, who="wall", key=str(uuid4()))
    assert (refused.status, refused.json["field"]) == (403, "role")
    assert entries(south) == before
    said = south.api("POST", where, body, key=str(uuid4()))
    assert said.status == 201, said.body
    south.good("all-clear --yes") if "stops" in path else None


@pytest.mark.parametrize("path", SAID)
def test_the_same_key_says_it_once(north: Desk, south: Desk, path: str) -> None:
    where, body = address(south, north, path)
    key = str(uuid4())
    first = south.api("POST", where, body, key=key)
    written = entries(south)
    again = south.api("POST", where, body, key=key)
    assert (again.status, again.body) == (first.status, first.body) == (201, first.body)
    assert entries(south) == written
    south.good("all-clear --yes") if "stops" in path else None


@pytest.mark.parametrize("path", SAID)
def test_after_a_death_the_same_key_says_it_once(
    north: Desk, south: Desk, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Method: the node dies between the commit of what is said and that of its answer."""
    where, body = address(south, north, path)
    before, key = entries(south), str(uuid4())

    async def dies(*_: object) -> None:
        raise StoreError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(Answers, "complete", dies)
        assert south.api("POST", where, body, key=key).status == 503
    written = entries(south)
    assert written > before
    again = south.api("POST", where, body, key=key)
    assert again.status == 201, again.body
    assert entries(south) == written
    south.good("all-clear --yes") if "stops" in path else None


def test_a_plan_moves_once_however_often_its_acceptance_is_sent(
    north: Desk, south: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Method: the node dies after the plan has moved and before that is signed."""
    file = north.file("tern.geojson", area(callsign="TERN-1", lng=-122.5))
    north.good("plan submit", file)
    note = north.good("notice give TERN-1 --to south").id
    south.has(note)
    south.good(f"notice counter {note} --delay-s 600 --up-m 100 --east-m 50")
    north.stage(note, "countered")
    key, path = str(uuid4()), f"/threads/{note}/accept"

    async def dies(*_: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(Speaking, "say", dies)
        assert north.api("POST", path, {}, key=key).status == 500
    north.stop()
    north.start()
    again = north.api("POST", path, {}, key=key)
    assert again.status == 201, again.body
    plans = north.good("plan list --json").json["plans"]
    (plan,) = (each for each in plans if each["callsign"] == "TERN-1")
    thread = north.thread(note)
    begins = datetime.fromisoformat(plan["time_start"])
    assert begins - datetime.fromisoformat(thread["start"]) == timedelta(minutes=10)
    assert thread["stage"] == "outcome"


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/threads?kind=gossip", None, 400, "is none of"),
        ("/threads?party=sotuh", None, 404, "there is one with: north, civil"),
        ("/threads/abc", None, 400, "at least the first 6"),
        (f"/threads/{NOBODY}", None, 404, "tansiq notice list --all"),
        ("/letters", None, 400, "name a note, or the party"),
        ("/messages", {"code": "say.nonsense"}, 400, "no phrase"),
        ("/line", {"state": "shut"}, 400, "is none of open, degraded"),
        ("/watch", {"desk": "nowhere"}, 400, "there is: watch"),
        ("/checks", {"to": ["south"]}, 400, "goes to another party"),
        (f"/threads/{NOBODY}/seen", {}, 404, "no conversation of that id"),
        ("/calls", {"to": "north", "text": "x", "at": "2031-01-01T00:00:00Z"}, 400, "lies ahead"),
        ("/letters", {"letters": [{"note": "x"}]}, 200, ""),
    ],
)
def test_what_is_refused_says_why(
    south: Desk, path: str, body: Any, status: int, says: str
) -> None:
    answer = south.api("GET" if body is None else "POST", path, body)
    assert answer.status == status, answer.body
    assert says in (answer.detail if status >= 400 else "")


@pytest.mark.parametrize(("method", "path"), HANDED)
def test_letters_are_handed_by_the_watch_alone(south: Desk, method: str, path: str) -> None:
    body = {"letters": []} if method == "POST" else None
    where = path + HANDED[method, path]
    assert south.api(method, where, body, who="wall").status == 403
    assert south.api(method, where, body).status == 200


@pytest.mark.parametrize(("method", "path"), EXPORTED)
def test_the_record_is_an_admins(south: Desk, method: str, path: str) -> None:
    where = path + EXPORTED[method, path]
    assert [south.api(method, where, who=who).status for who in ("wall", "nina", "")] == [
        403,
        403,
        200,
    ]


# ---- nothing new without a test

_HERE = Path(__file__).parent
_TESTS = "".join(
    (_HERE / f"test_line_{name}.py").read_text() for name in ("commands", "desk", "api")
)


def test_every_route_of_the_line_is_here() -> None:
    known = {("GET", path) for path in READ} | {("POST", path) for path in SAID}
    known |= {*HANDED, *EXPORTED}
    table = {
        (op.method, op.path.removeprefix("/api/v1")) for op in (*LINE_OPERATIONS, *LOG_OPERATIONS)
    }
    assert known == table
    watched = {(op.method, op.path) for op in LINE_OPERATIONS if op.access == WATCH}
    assert watched == {("POST", f"/api/v1{path}") for path in SAID} | {
        (method, f"/api/v1{path}") for method, path in HANDED
    }


_LINE = re.compile(r"(notice|line|watch|note|log) |stop$|all-clear$")


@pytest.mark.parametrize("command", [each for each in _COMMANDS if _LINE.match(each)])
def test_every_command_of_the_line_is_used_here(command: str) -> None:
    used = re.search(rf'\.good\(\s*f?"{command}[ "]', _TESTS)
    assert used, f"no test of the line uses `tansiq {command}`"
