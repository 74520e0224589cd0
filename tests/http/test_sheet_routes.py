"""Sheets over the own API: what may be asked, by whom, and what is refused in which words."""

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.http.own_world import World, world

pytestmark = pytest.mark.anyio
WINDOW = "from=2026-11-23T00:00:00Z&to=2026-11-23T12:00:00Z"
SHEETS = ("day", "hand-over", f"after-action?{WINDOW}")


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "node.db") as built:
        yield built


def with_query(path: str, more: str) -> str:
    return f"/api/v1/sheets/{path}{'&' if '?' in path else '?'}{more}"


@pytest.mark.parametrize("path", SHEETS)
@pytest.mark.parametrize("language", ["en", "ar", "he", "ru"])
async def test_each_sheet_comes_in_each_language(node: World, path: str, language: str) -> None:
    answer = await node.client.get(with_query(path, f"language={language}"))
    assert answer.status_code == 200
    said = answer.json()
    assert (said["language"], said["direction"]) == (
        language,
        "rtl" if language in ("ar", "he") else "ltr",
    )
    assert said["sections"]
    # This node's agreement is not the file that it was started with.
    assert said["bundle"]["sha256"] is None
    assert said["foot"][0]["code"] == "foot.changed"
    name, _, query = path.partition("?")
    document = await node.client.get(
        f"/api/v1/sheets/{name}.pdf?language={language}" + (f"&{query}" if query else "")
    )
    assert document.status_code == 200
    assert document.headers["content-type"] == "application/pdf"
    assert document.content.startswith(b"%PDF-")
    assert document.headers["content-disposition"].startswith('inline; filename="north-')
    assert document.headers["cache-control"] == "no-store"


async def test_a_language_without_a_file_falls_back_to_english(node: World) -> None:
    answer = await node.client.get("/api/v1/sheets/day?language=fr")
    assert (answer.status_code, answer.json()["language"]) == (200, "en")


@pytest.mark.parametrize(
    ("path", "status", "field", "says"),
    [
        ("day?date=2026-11-24", 400, "date", "has not begun"),
        ("day?date=2026-W48-1", 400, "date", "such as 2026-11-29"),
        ("day?date=2026-02-30", 400, "date", "such as 2026-11-29"),
        ("day?date=20261123", 400, "date", "such as 2026-11-29"),
        ("day?language=%3Cb%3E", 400, "language", "such as ar"),
        ("day?withhold=all", 400, "withhold", "nothing or persons"),
        ("day.pdf?date=x", 400, "date", "such as"),
        ("after-action", 400, "from", "both ends"),
        ("after-action?from=2026-11-23T00:00:00Z", 400, "to", "both ends"),
        (
            "after-action?from=2026-11-23T00:00:01Z&to=2026-11-23T00:00:00Z",
            400,
            "from",
            "lies after",
        ),
        ("after-action?from=2026-10-23T00:00:00Z&to=2026-11-23T00:00:01Z", 400, "from", "31 days"),
        ("after-action?from=2026-11-24T00:00:00Z&to=2026-11-25T00:00:00Z", 400, "from", "not come"),
        (f"after-action?{WINDOW}&party=nobody", 404, "party", "there is one with: south"),
        ("bundles/" + "0" * 64, 404, "bundle", "log export"),
        ("bundles/" + "0" * 63, 400, "note", "64 hex digits"),
        ("bundles/..%2f..%2fown.token", 404, None, ""),
    ],
)
async def test_what_is_wrong_is_said_with_its_field(
    node: World, path: str, status: int, field: str | None, says: str
) -> None:
    answer = await node.client.get(f"/api/v1/sheets/{path}")
    assert answer.status_code == status, answer.text
    if field is not None:
        assert answer.json()["field"] == field
        assert says in answer.json()["detail"]


async def test_the_longest_window_is_let_pass(node: World) -> None:
    window = "from=2026-10-23T00:00:00Z&to=2026-11-23T00:00:00Z"
    assert (await node.client.get(f"/api/v1/sheets/after-action?{window}")).status_code == 200


async def test_today_and_yesterday_begin_at_midnight(node: World) -> None:
    today = (await node.client.get("/api/v1/sheets/day")).json()
    assert (today["from"], today["to"]) == ("2026-11-23T00:00:00Z", today["made"])
    past = (await node.client.get("/api/v1/sheets/day?date=2026-11-22")).json()
    assert (past["from"], past["to"]) == ("2026-11-22T00:00:00Z", "2026-11-22T23:59:59.999999Z")


async def test_without_the_extra_the_remedy_is_said_and_json_still_comes(
    node: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uharfbuzz", None)  # As if it were not installed.
    answer = await node.client.get("/api/v1/sheets/day.pdf")
    assert answer.status_code == 409
    assert "pip install 'tansiq[pdf]'" in answer.json()["detail"]
    assert (await node.client.get("/api/v1/sheets/day")).status_code == 200


def codes(said: Any) -> set[str]:
    """Return every code in an answer."""
    if isinstance(said, list):
        return set().union(*map(codes, said))
    if isinstance(said, dict):
        own = {said["code"]} if {"code", "parameters", "text"} <= said.keys() else set()
        return own.union(*map(codes, said.values())) if said else own
    return set()


@pytest.mark.parametrize("path", SHEETS)
async def test_every_code_is_one_of_the_words(node: World, path: str) -> None:
    from tansiq.formats.sheet_words import sheet_words

    found = codes((await node.client.get(f"/api/v1/sheets/{path}")).json())
    assert len(found) > 10
    assert found <= sheet_words()["en"].keys()


def test_a_node_starts_without_what_draws_pdf() -> None:
    """They are an extra, and half a second of every start."""
    script = (
        "import sys, tansiq.node, tansiq.cli.sheet; "
        "sys.exit(any(name in sys.modules for name in ('fpdf', 'uharfbuzz', 'fontTools')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
