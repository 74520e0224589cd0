"""What a console reads through the own API: notes looked for, bundles, the agreement, the phrases.

Real services over a real store; other nodes are silent, or show what the test says.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.http.own_agreement import FILE, Showing, make_agreement
from tests.http.own_world import NOON, World, world

from tansiq.domain.phrase import Kind as Parameter
from tansiq.domain.phrase import Phrase, is_speech, read_value
from tansiq.domain.time import zulu
from tansiq.errors import BadInput, TooLarge
from tansiq.formats.phrase_book import phrase_book
from tansiq.http.reading_table import READING_OPERATIONS, VERIFY_BYTES_MAX
from tansiq.services import agreement_shown
from tansiq.services.agreement_shown import ASKED_EVERY_S
from tansiq.services.line import searching
from tansiq.services.line.searching import WORDS_MAX
from tansiq.services.record import verifying

pytestmark = pytest.mark.anyio

SAID = (
    "Ёлка у реки",
    "مُحَمَّد عند الجسر",
    "שָׁלוֹם מהגשר",
    "Creek fire, KEEP OUT",
)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "node.db") as built:
        yield built


async def get(node: World, path: str, *, status: int = 200, **query: Any) -> Any:
    named = {name.rstrip("_"): value for name, value in query.items()}
    reply = await node.client.get(f"/api/v1{path}", params=named)
    assert reply.status_code == status, reply.text
    return reply.json()


async def say(node: World, text: str, minute: int = 0) -> str:
    """Say free words to south; return the note's id."""
    node.clock.later = timedelta(minutes=minute)
    reply = await node.client.post(
        "/api/v1/messages",
        json={"code": "say.text", "parameters": {"text": text}, "to": ["south"]},
    )
    assert reply.status_code in (200, 201), reply.text
    found = await get(node, "/log/notes", last=1)
    return str(found["notes"][0]["id"])


async def found(node: World, **query: Any) -> list[str]:
    return [each["id"] for each in (await get(node, "/log/notes", **query))["notes"]]


# Notes


async def test_an_empty_record_has_been_looked_through(node: World) -> None:
    assert await get(node, "/log/notes", q="x") == {
        "notes": [], "more": False, "searched_to": None, "searched_to_time": None,
    }  # fmt: skip


async def test_notes_come_newest_first_and_page_on_without_gap_or_repeat(node: World) -> None:
    ids = [await say(node, f"word {n}", n) for n in range(7)]
    seen: list[str] = []
    before: dict[str, int] = {}
    for _ in range(10):
        page = await get(node, "/log/notes", last=3, **before)
        seen += [each["id"] for each in page["notes"]]
        assert page["searched_to"] == page["notes"][-1]["entry"]
        before = {"before": page["searched_to"]}
        if not page["more"]:
            break
    assert seen == ids[::-1]
    assert page["searched_to_time"] == zulu(NOON)
    first = await get(node, "/log/notes", before=before["before"])
    assert first["notes"] == []
    assert first["more"] is False


@pytest.mark.parametrize(
    ("asked", "at"),
    [
        ("елка", 0),
        ("ЁЛКА РЕКИ", 0),
        ("محمد", 1),
        ("الجسر محمد", 1),
        ("שלום", 2),
        ("keep creek", 3),
        ("say.text", None),
        ("елка creek", ()),
        ("keepout", ()),
    ],
)
async def test_words_are_found_in_any_script_without_case_and_marks(
    node: World, asked: str, at: int | tuple[()] | None
) -> None:
    ids = [await say(node, text, n) for n, text in enumerate(SAID)]
    wanted = ids[::-1] if at is None else [ids[at]] if isinstance(at, int) else []
    assert await found(node, q=asked) == wanted


async def test_a_name_is_found_by_six_digits_and_not_by_five(node: World) -> None:
    ids = [await say(node, f"word {n}", n) for n in range(3)]
    assert await found(node, q=ids[1][:6]) == [ids[1]]
    assert await found(node, q=ids[1][:6].upper()) == [ids[1]]
    assert ids[1] not in await found(node, q=ids[1][:5])
    assert await found(node, q=ids[1][1:8]) == []


async def test_party_kind_and_times_narrow_it_at_their_bounds(node: World) -> None:
    one, two = await say(node, "one", 0), await say(node, "two", 10)
    assert await found(node, party="south") == [two, one]
    assert await found(node, party="north") == [two, one]
    assert await found(node, party="east") == []
    assert await found(node, kind="say") == [two, one]
    assert await found(node, kind="stop") == []
    at, later = NOON + timedelta(minutes=10), timedelta(microseconds=1)
    assert await found(node, from_=zulu(at)) == [two]
    assert await found(node, from_=zulu(at + later)) == []
    assert await found(node, to=zulu(at)) == [two, one]
    assert await found(node, to=zulu(at - later)) == [one]
    assert await found(node, to=zulu(NOON - later)) == []


async def test_a_note_says_itself_in_the_language_that_was_asked_for(node: World) -> None:
    note = await say(node, SAID[0])
    reply = await node.client.get("/api/v1/log/notes", params={"language": "ar"})
    (one,) = reply.json()["notes"]
    assert one["id"] == note
    thread = await get(node, f"/threads/{note}", language="ar")
    assert one == thread["notes"][0]


async def test_a_search_stops_and_says_how_far_it_looked(
    node: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "LOOKED_MAX", 3)
    monkeypatch.setattr(searching, "_AT_ONCE", 2)
    rare = await say(node, "rare", 0)
    for n in range(1, 6):
        await say(node, "common", n)
    first = await get(node, "/log/notes", q="rare")
    assert (first["notes"], first["more"]) == ([], True)
    second = await get(node, "/log/notes", q="rare", before=first["searched_to"])
    assert [each["id"] for each in second["notes"]] == [rare]
    assert second["more"] is False


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"kind": "gossip"}, "kind"),
        ({"last": 0}, "last"),
        ({"last": 201}, "last"),
        ({"before": -1}, "before"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from"),
        ({"q": " ".join(f"w{n}" for n in range(WORDS_MAX + 1))}, "q"),
        ({"q": "x" * 301}, "q"),
        ({"q": "a\nb"}, "q"),
    ],
)
async def test_what_is_no_search_is_told(node: World, query: dict[str, Any], field: str) -> None:
    problem = await get(node, "/log/notes", status=400, **query)
    assert problem["field"] == field


async def test_so_many_words_are_looked_for(node: World) -> None:
    assert await found(node, q=" ".join(f"w{n}" for n in range(WORDS_MAX))) == []


# Bundles


@pytest.mark.parametrize("bundle", ["", "no bundle", "\ud800", "x\n\n— y z\n"])
async def test_what_is_no_bundle_is_told(node: World, bundle: str) -> None:
    reply = await node.client.post(
        "/api/v1/log/verify",
        content=json.dumps({"bundle": bundle}),
        headers={"Content-Type": "application/json"},
    )
    assert reply.status_code == 400, reply.text
    assert reply.json()["code"] == "bad-input"


async def test_a_bundle_is_verified_up_to_a_stated_length(
    node: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "BUNDLE_CHARS_MAX", 10)
    with pytest.raises(BadInput):
        await node.api.verifying.verify("x" * 10)
    with pytest.raises(TooLarge):
        await node.api.verifying.verify("x" * 11)


async def test_of_many_bundles_two_are_taken_in_at_once(
    node: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, most = 0, 0

    async def counted(_: object, bundle: str) -> None:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await asyncio.sleep(0.02)
        now -= 1
        raise BadInput("no bundle", field=bundle)

    monkeypatch.setattr(verifying.Verifying, "verify", counted)

    async def one() -> int:
        body = {"bundle": "x"}
        return (await node.client.post("/api/v1/log/verify", json=body)).status_code

    assert await asyncio.gather(*(one() for _ in range(7))) == [400] * 7
    assert most == 2


async def test_the_body_has_a_limit_of_its_own(node: World) -> None:
    (route,) = (op for op in READING_OPERATIONS if op.name == "verify_bundle")
    assert route.body_bytes_max == VERIFY_BYTES_MAX > node.api.settings.limits.body_bytes_max
    reply = await node.client.post(
        "/api/v1/log/verify",
        content=b"{",
        headers={
            "Content-Type": "application/json", "Content-Length": str(VERIFY_BYTES_MAX + 1),
        },
    )  # fmt: skip
    assert reply.status_code == 413


async def test_the_page_is_saved_and_not_opened(node: World) -> None:
    reply = await node.client.get("/api/v1/log/page")
    assert reply.status_code == 200
    assert reply.headers["content-disposition"].startswith("attachment;")
    assert reply.headers["content-security-policy"] == "sandbox"
    assert b"<script" in reply.content


# The agreement


async def test_the_agreement_says_its_rules_and_who_holds_the_same(node: World) -> None:
    peers = Showing({"south": "d" * 64})
    shown = make_agreement(node.api.line, peers)
    view = await shown.view()
    ours, theirs = view.parties
    assert (ours.id, ours.ours, ours.same) == ("north", True, True)
    assert (theirs.same, theirs.digest_at) == (True, zulu(NOON))
    assert len(view.words) == len(ours.key_words) == 6
    assert view.document.encode() == FILE
    assert [each.id for each in view.registers] == ["north", "south"]
    assert view.area.radius_m == 100_000.0
    assert view.times.check_every_s == 21_600.0
    assert {each.about for each in view.sentences} >= {"area", "minima", "registers", "silence"}


async def test_another_version_is_shown_and_silence_is_neither(node: World) -> None:
    peers = Showing({"south": "e" * 64})
    assert (await make_agreement(node.api.line, peers).view()).parties[1].same is False
    (_, south) = (await get(node, "/agreement"))["parties"]
    assert (south["same"], south["digest"], south["digest_at"]) == (None, None, None)


async def test_others_are_asked_now_and_then_and_what_they_showed_stands(
    node: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [0.0]
    monkeypatch.setattr(node.clock, "monotonic_s", lambda: seconds[0])
    peers = Showing({"south": "d" * 64})
    shown = make_agreement(node.api.line, peers)
    await shown.view()
    seconds[0] = ASKED_EVERY_S - 0.001
    await shown.view()
    assert peers.asked == ["south"]
    peers.digests.clear()
    node.clock.later = timedelta(hours=1)
    seconds[0] = ASKED_EVERY_S
    after = (await shown.view()).parties[1]
    assert peers.asked == ["south", "south"]
    assert (after.same, after.digest_at) == (True, zulu(NOON))


async def test_nobody_waits_long_for_a_node_that_hangs(
    node: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging:
        async def digest(self, party: str) -> str:
            await node.clock.sleep(60.0)
            return party

    monkeypatch.setattr(agreement_shown, "WAIT_S", 0.01)
    shown = make_agreement(node.api.line)
    shown._digests._peers = Hanging()
    assert (await shown.view()).parties[1].same is None


async def test_papers_that_cannot_be_read_are_told_and_hide_nothing(node: World) -> None:
    def unreadable() -> tuple[()]:
        raise BadInput("longer than 1000000 bytes", field="x.sig")

    shown = make_agreement(node.api.line)
    shown._versions = unreadable
    view = await shown.view()
    assert view.papers_problem == "x.sig: longer than 1000000 bytes"
    assert view.versions == ()
    assert view.document


def test_every_number_of_the_agreement_says_its_unit() -> None:
    from tansiq.http.openapi import document

    schemas = document(READING_OPERATIONS)["components"]["schemas"]
    for name, schema in schemas.items():
        if not name.startswith("Agree"):
            continue
        for field, kind in schema["properties"].items():
            if field in ("version", "needed") or "number" not in json.dumps(kind):
                continue
            assert field.rpartition("_")[2] in ("m", "s", "deg") or "_km2_" in field, (name, field)


# The phrase book


@pytest.mark.parametrize("language", ["en", "ar", "he", "ru"])
async def test_the_book_has_every_code_with_what_it_needs(node: World, language: str) -> None:
    shown = await get(node, "/phrases", language=language)
    book = phrase_book()
    spoken = book.languages[language]
    assert [each["code"] for each in shown["phrases"]] == list(book.codes)
    assert (shown["language"], shown["direction"]) == (language, spoken.direction)
    assert shown["groups"] == list(dict.fromkeys(code.partition(".")[0] for code in book.codes))
    for each in shown["phrases"]:
        code = each["code"]
        assert each["say"] is is_speech(code)
        assert each["text"] == spoken.texts[code]
        examples = {p["name"]: p["example"] for p in each["parameters"]}
        book.check(Phrase(code=code, parameters=examples))
        assert {p["name"]: p["kind"] for p in each["parameters"]} == book.codes[code]


async def test_limits_are_those_that_a_phrase_is_held_to(node: World) -> None:
    phrases = (await get(node, "/phrases"))["phrases"]
    for each in (p for phrase in phrases for p in phrase["parameters"]):
        kind = Parameter(each["kind"])
        if each["whole"]:
            for value in (each["least"], each["most"]):
                assert read_value(kind, value, "x") == value
            for value in (each["least"] - 1, each["most"] + 1):
                with pytest.raises(BadInput):
                    read_value(kind, value, "x")
        elif each["chars_max"] is not None:
            assert read_value(kind, "x" * each["chars_max"], "x")
            with pytest.raises(TooLarge):
                read_value(kind, "x" * (each["chars_max"] + 1), "x")
        for way in each["choices"]:
            assert read_value(kind, way, "x") == way
        assert len(each["choices"]) == len(each["choices_text"])


async def test_who_has_the_book_is_told_so(node: World) -> None:
    first = await node.client.get("/api/v1/phrases", params={"language": "he"})
    tag = first.headers["etag"]
    again = await node.client.get(
        "/api/v1/phrases", params={"language": "he"}, headers={"If-None-Match": tag}
    )
    assert (again.status_code, again.content) == (304, b"")
    other = await node.client.get(
        "/api/v1/phrases", params={"language": "ru"}, headers={"If-None-Match": tag}
    )
    assert other.status_code == 200
    assert other.headers["etag"] != tag
    plain = await node.client.get(
        "/api/v1/phrases", params={"language": "he"}, headers={"Accept-Encoding": "identity"}
    )
    assert plain.headers["etag"] != tag
    assert plain.json() == first.json()


async def test_a_language_that_there_is_not_is_told(node: World) -> None:
    problem = await get(node, "/phrases", status=400, language="xx")
    assert problem["field"] == "language"
    assert "en" in problem["detail"]
