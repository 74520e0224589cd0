"""What a console reads of two real nodes, bundles that they verify first of all."""

import asyncio
from hashlib import sha256
from pathlib import Path

import pytest
from evidence_world import agreement_file, sample
from floor import Desk

from stores import open_store
from tansiq.formats.evidence import verify_bundle
from tansiq.services.record.verifying import VerifiedBundle, Verifying
from tansiq.storage.versions import VersionRows


def verified(folder: Path, bundle: str, *files: bytes) -> VerifiedBundle:
    """Verify a bundle in a node that was served under these versions."""

    async def main() -> VerifiedBundle:
        store = open_store(folder / "node.db")
        try:
            for file in files:
                digest = sha256(file).hexdigest()

                async def write(tx, digest=digest, file=file) -> None:  # type: ignore[no-untyped-def]
                    await VersionRows(tx).add(digest, 0, file)

                await store.write(write)
            return await Verifying(store).verify(bundle)
        finally:
            await store.close()

    return asyncio.run(main())


@pytest.mark.parametrize("known", [True, False])
def test_it_finds_what_the_command_finds(tmp_path: Path, known: bool) -> None:
    data, own = sample(), agreement_file()
    shown = verified(tmp_path, data.decode(), *([own] if known else []))
    found = verify_bundle(data, agreement=own if known else None)
    assert (shown.good, shown.pinned) == (True, known)
    assert shown.sha256 == sha256(data).hexdigest()
    assert shown.findings == found.findings
    assert shown.passages == found.notices != ()
    assert shown.notes == found.notes != ()
    assert (shown.by, shown.root, shown.size) == (found.by, found.root, found.size)


def test_it_is_held_against_a_version_that_is_not_in_force_any_more(tmp_path: Path) -> None:
    later = agreement_file(("north", "south"))
    shown = verified(tmp_path, sample().decode(), agreement_file(), later)
    assert (shown.good, shown.pinned) == (True, True)


def test_one_character_changed_is_found(tmp_path: Path) -> None:
    bundle = sample().decode()
    at = bundle.index('"text":"') + 200
    other = "A" if bundle[at] != "A" else "B"
    shown = verified(tmp_path, bundle[:at] + other + bundle[at + 1 :], agreement_file())
    assert shown.good is False
    assert [each.code for each in shown.findings if each.level == "wrong"] == ["bundle-signature"]


# Through two nodes


def test_a_node_verifies_what_the_other_exported(north: Desk, south: Desk) -> None:
    note = north.good("line call south Gist").id
    south.has(note)
    span = "from=2020-01-01T00:00:00Z&to=2199-01-01T00:00:00Z"
    bundle = north.api("GET", f"/log/bundle?{span}", who="").body.decode()
    for who in ("wall", "nina"):
        reply = south.api("POST", "/log/verify", {"bundle": bundle}, who=who)
        assert reply.status == 200, reply.detail
        shown = reply.json
        assert (shown["good"], shown["pinned"], shown["by"]) == (True, True, "north")
        assert shown["sha256"] == sha256(bundle.encode()).hexdigest()
        assert any(each["id"].startswith(note) for each in shown["notes"])
    at = bundle.index('"text":"') + 200
    changed = f"{bundle[:at]}{'B' if bundle[at] == 'A' else 'A'}{bundle[at + 1 :]}"
    wrong = south.api("POST", "/log/verify", {"bundle": changed}).json
    assert wrong["good"] is False
    assert "wrong" in {each["level"] for each in wrong["findings"]}


def test_both_nodes_show_the_same_agreement(north: Desk, south: Desk) -> None:
    views = [desk.api("GET", "/agreement", who="wall").json for desk in (north, south)]
    for view in views:
        assert sha256(view["document"].encode()).hexdigest() == view["digest"]
        same = {party["id"]: party["same"] for party in view["parties"]}
        assert (same["north"], same["south"]) == (True, True)
    assert views[0]["words"] == views[1]["words"]


def test_a_note_is_found_at_both_ends(north: Desk, south: Desk) -> None:
    note = north.good("line call south Kestrel-over-the-ridge").id
    south.has(note)
    for desk in (north, south):
        page = desk.api("GET", "/log/notes?q=KESTREL&kind=call", who="wall").json
        assert [each["id"][: len(note)] for each in page["notes"]] == [note]
        # Its receipt is found by what the conversation is about only if that is a name.
        assert desk.api("GET", f"/log/notes?q={note}").json["notes"]


def test_the_status_says_how_wrong_our_clock_may_be(south: Desk) -> None:
    status, line = (south.api("GET", path, who="wall").json for path in ("/status", "/line"))
    assert "clock_error_s" in status
    assert (status["clock_error_s"] is None) == (line["clock_error_s"] is None)
