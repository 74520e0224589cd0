"""Signing agreements: what is kept, what is refused, and what a chain of versions comes to."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tansiq.domain.agreement import Agreement, Minima, Party, Register
from tansiq.domain.amendment import Signer
from tansiq.domain.intent import PartyID
from tansiq.domain.volume import Circle, LatLng
from tansiq.errors import BadInput, WrongState
from tansiq.formats.agreement import party_block, read_agreement, render_agreement
from tansiq.formats.agreement_signature import (
    is_signature,
    read_signature,
    sign_agreement,
    signer_of,
)
from tansiq.formats.seal import sign as seal_text
from tansiq.formats.seal import verify as verify_seal
from tansiq.peers.identity import NewNode, load_signing_key, make_node, write_node
from tansiq.peers.signatures import (
    _signed_before,
    examine,
    papers_of,
    read_papers,
    sign,
    strangers,
)

NOW = datetime(2026, 11, 28, 14, 0, 0, 123_456, tzinfo=UTC)
NAMES = ("north", "south", "west")


@dataclass(frozen=True)
class Three:
    folder: Path
    one: Path

    def data(self, name: str) -> Path:
        return self.folder / name

    def write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def follow(self, old: Path, file: str, **changes: object) -> Path:
        before = read_agreement(old.read_bytes())
        struck = frozenset(map(PartyID, changes.pop("struck", before.struck)))  # type: ignore[call-overload]
        counting = tuple(r for r in before.listed if r.party not in struck)
        values = {
            "version": before.version + 1,
            "previous": before.digest,
            "struck": struck,
            "registers": counting,
            "resting": before.listed if counting != before.listed else (),
            **changes,
        }
        return self.write(file, render_agreement(replace(before, **values)))

    def sign(self, name: str, path: Path) -> Path:
        return sign(self.data(name), PartyID(name), path, NOW)[1]


@pytest.fixture
def three(tmp_path: Path) -> Three:
    parties = []
    for n, name in enumerate(NAMES):
        new = NewNode(party=name, names={"en": name}, url=f"https://127.0.0.1:{8443 + n}")
        files = make_node(new, NOW)
        write_node(tmp_path / name, files)
        parties.append(files.party)
    agreement = Agreement(
        name="Valley",
        digest="",
        parties=tuple(parties),
        registers=tuple(Register(id=p.id, party=p.id, url=p.url) for p in parties),
        area=Circle(center=LatLng(0, 0), radius_m=1_000.0),
        area_km2_max=100.0,
        minima=Minima(),
    )
    (tmp_path / "one.toml").write_bytes(render_agreement(agreement))
    return Three(tmp_path, tmp_path / "one.toml")


def test_a_signature_says_what_is_signed_and_holds_under_one_key_alone(three: Three) -> None:
    agreement = read_agreement(three.one.read_bytes())
    data = three.sign("north", three.one).read_bytes()
    assert is_signature(data)
    said = read_signature(data)
    assert (said.name, said.version, said.digest) == ("Valley", 1, agreement.digest)
    assert (said.signer, said.previous, said.time) == ("north", "", NOW)
    north = agreement.parties[0]
    assert signer_of(data, agreement, agreement.parties) == Signer(north.id, north.public_key)
    others = [replace(agreement.parties[1], id=north.id)]
    with pytest.raises(BadInput, match="does not hold"):
        signer_of(data, agreement, others)
    with pytest.raises(BadInput, match="no party"):
        signer_of(data, agreement, agreement.parties[1:])


def test_each_changed_byte_of_a_signature_is_noticed(three: Three) -> None:
    agreement = read_agreement(three.one.read_bytes())
    data = three.sign("north", three.one).read_bytes()
    for at in range(len(data)):
        for change in (1, 0x20):
            wrong = bytearray(data)
            wrong[at] ^= change
            with pytest.raises(BadInput):
                signer_of(bytes(wrong), agreement, agreement.parties)
    for wrong_text in (data[:-1], data + b"\n", data + data, b"", b"\n\n", data[10:]):
        with pytest.raises(BadInput):
            signer_of(wrong_text, agreement, agreement.parties)


def test_a_signature_for_another_use_does_not_pass(three: Three) -> None:
    """The same text under the same key, with the name of another use."""
    agreement = read_agreement(three.one.read_bytes())
    key = load_signing_key(three.data("north"))
    good = sign_agreement(agreement, PartyID("north"), key, NOW)
    text = good.decode().rpartition("\n\n")[0] + "\n"
    for name in ("north", "north/log", "north/bundle", "south/agreement"):
        with pytest.raises(BadInput):
            signer_of(seal_text(text, name=name, key=key), agreement, agreement.parties)
    again = seal_text(text, name="north/agreement", key=key)
    assert again == good
    public = agreement.parties[0].public_key
    assert verify_seal(good, name="north/agreement", public_key=public) == text


def test_a_text_in_another_spelling_is_refused_though_it_is_signed(three: Three) -> None:
    agreement = read_agreement(three.one.read_bytes())
    key = load_signing_key(three.data("north"))
    good = sign_agreement(agreement, PartyID("north"), key, NOW).decode()
    text = good.rpartition("\n\n")[0] + "\n"
    for old, new in (
        ("version: 1", "version: 01"),
        ("14:00:00.123456Z", "14:00:00.12345Z"),
        ("signer: north\n", ""),
        ("signer: north\n", "signer: north\nmore: yes\n"),
        ("digest: ", "digest:  "),
        ("@v1", "@v2"),
        ("name: Valley", "name: Vale"),
    ):
        assert old in text
        signed = seal_text(text.replace(old, new), name="north/agreement", key=key)
        with pytest.raises(BadInput):
            signer_of(signed, agreement, agreement.parties)


def test_version_1_is_in_force_once_all_have_signed(three: Three) -> None:
    for count, name in enumerate(NAMES, start=1):
        three.sign(name, three.one)
        papers = read_papers([three.one, *(p for n in NAMES for p in papers_of(three.data(n)))])
        (found,) = examine(papers)
        assert found.force.in_force is (count == 3)
        assert found.force.signed == NAMES[:count]
        assert not strangers(papers)


def test_signing_again_gives_the_same_signature(three: Three) -> None:
    first = three.sign("north", three.one)
    content = first.read_bytes()
    path = sign(three.data("north"), PartyID("north"), three.one, NOW + timedelta(hours=1))[1]
    assert (path, path.read_bytes()) == (first, content)


def test_two_of_three_strike_the_third_and_take_it_back(three: Three) -> None:
    files = [three.one, *(three.sign(name, three.one) for name in NAMES)]
    two = three.follow(three.one, "two.toml", struck=("west",))
    files += [two, three.sign("north", two)]
    assert not examine(read_papers(files))[-1].force.in_force
    files.append(three.sign("south", two))
    found = examine(read_papers(reversed(files)))
    assert [each.force.in_force for each in found] == [True, True]
    three_toml = three.follow(two, "three.toml", struck=())
    files.append(three_toml)
    for name in ("north", "south"):
        files.append(three.sign(name, three_toml))
    assert examine(read_papers(files))[-1].force.in_force


def test_a_version_after_one_that_is_not_in_force_is_not_either(three: Three) -> None:
    files = [three.one, three.sign("north", three.one), three.sign("south", three.one)]
    two = three.follow(three.one, "two.toml", struck=("west",))
    files += [two, three.sign("north", two), three.sign("south", two)]
    last = examine(read_papers(files))[-1]
    assert last.force.reasons == ("version 1 before it is not in force",)


def test_a_false_signature_is_named(three: Three) -> None:
    """South's own signature, with north written where the signer is."""
    agreement = read_agreement(three.one.read_bytes())
    forged = sign_agreement(agreement, PartyID("north"), load_signing_key(three.data("south")), NOW)
    found = examine(read_papers([three.one, three.write("forged.sig", forged)]))[0]
    assert found.force.signed == ()
    assert found.bad == ("forged.sig: does not hold under the key of north",)


def test_a_signature_for_an_agreement_that_is_not_there_is_named(three: Three) -> None:
    note = three.sign("north", three.one)
    two = three.follow(three.one, "two.toml", name="Other")
    assert strangers(read_papers([two, note])) == (note.name,)


def test_nobody_signs_two_amendments_of_one_version(three: Three) -> None:
    three.sign("north", three.one)
    without_west = three.follow(three.one, "two.toml", struck=("west",))
    without_south = three.follow(three.one, "two-b.toml", struck=("south",))
    new_rule = three.follow(three.one, "two-c.toml", name="New")
    three.sign("north", without_west)
    for rival in (without_south, new_rule):
        with pytest.raises(WrongState, match="both could be in force"):
            three.sign("north", rival)
    three.sign("north", without_west)


def test_what_only_says_that_it_is_ours_keeps_us_from_nothing(three: Three) -> None:
    """Somebody may put any file into the folder; a signature under a rival counts if it is ours."""
    three.sign("north", three.one)
    mine = three.follow(three.one, "two.toml", struck=("west",))
    rival = three.follow(three.one, "two-b.toml", struck=("south",))
    folder = three.data("north") / "signatures"
    for path in (mine, rival):
        agreement = read_agreement(path.read_bytes())
        name = agreement.digest[:16]
        key = load_signing_key(three.data("south"))
        (folder / f"{name}.toml").write_bytes(path.read_bytes())
        forged = sign_agreement(agreement, PartyID("north"), key, NOW)
        (folder / f"{name}.north.sig").write_bytes(forged)
    kept = three.sign("north", mine)
    agreement = read_agreement(mine.read_bytes())
    assert signer_of(kept.read_bytes(), agreement, agreement.parties).party == "north"
    # What lay there is kept under another name, and is still no signature of ours.
    others = [path for path in folder.glob(f"{agreement.digest[:16]}.north.*.sig") if path != kept]
    assert len(others) == 1
    assert "does not hold" in examine(read_papers([mine, *others]))[0].bad[0]
    with pytest.raises(WrongState, match="both could be in force"):
        three.sign("north", rival)


@pytest.mark.parametrize("there", [True, False])
def test_what_we_signed_with_an_earlier_key_counts(three: Three, *, there: bool) -> None:
    """Also where the version that has that key is not at hand: it may be at others'."""
    three.sign("north", three.one)
    rival = three.follow(three.one, "two-b.toml", struck=("south",))
    new = make_node(
        NewNode(party="north", names={"en": "north"}, url="https://127.0.0.1:8443"), NOW
    )
    one = read_agreement(three.one.read_bytes())
    entry = replace(one.parties[0], public_key=new.party.public_key)
    agreement = read_agreement(rival.read_bytes())
    changed = replace(agreement, parties=(entry, *agreement.parties[1:]))
    # The rival as it would be if its own entry of us had the new key: signed by the old one alone.
    rekeyed = three.write("rekeyed.toml", render_agreement(changed))
    signed = sign_agreement(
        read_agreement(rekeyed.read_bytes()),
        PartyID("north"),
        load_signing_key(three.data("north")),
        NOW,
    )
    papers = [rekeyed, three.write("old.sig", signed), *([three.one] if there else [])]
    found = _signed_before(read_papers(papers), PartyID("north"), new.party.public_key)
    assert [each.previous for each, _ in found] == [one.digest]
    # With the version before at hand, a key that nobody ever had is known for what it is.
    stranger = sign_agreement(
        read_agreement(rekeyed.read_bytes()),
        PartyID("north"),
        load_signing_key(three.data("west")),
        NOW,
    )
    papers = [rekeyed, three.write("old.sig", stranger), *([three.one] if there else [])]
    found = _signed_before(read_papers(papers), PartyID("north"), new.party.public_key)
    assert len(found) == (0 if there else 1)


def test_two_successors_in_force_name_who_signed_both(three: Three) -> None:
    """North's own node refuses; somebody with its key does not."""
    files = [three.one, *(three.sign(name, three.one) for name in NAMES)]
    for file, off, signers in (
        ("without-west.toml", "west", ("north", "south")),
        ("without-south.toml", "south", ("north", "west")),
    ):
        path = three.follow(three.one, file, struck=(off,))
        agreement = read_agreement(path.read_bytes())
        files.append(path)
        for name in signers:
            key = load_signing_key(three.data(name))
            note = sign_agreement(agreement, PartyID(name), key, NOW)
            files.append(three.write(f"{off}.{name}.sig", note))
    one, *both = examine(read_papers(files))
    assert one.bad == ()
    assert [each.force.in_force for each in both] == [True, True]
    assert all(each.bad[0].endswith("both signed by north") for each in both)


def test_a_second_draft_that_takes_everybody_may_be_signed(three: Three) -> None:
    three.sign("north", three.one)
    three.sign("north", three.follow(three.one, "a.toml", name="A"))
    three.sign("north", three.follow(three.one, "b.toml", name="B"))


def test_a_version_whose_forerunner_is_not_here_is_not_signed(three: Three) -> None:
    two = three.follow(three.one, "two.toml", name="New")
    with pytest.raises(BadInput, match="sign that one first"):
        three.sign("north", two)


def test_an_agreement_that_is_not_about_us_is_not_signed(three: Three) -> None:
    agreement = read_agreement(three.one.read_bytes())
    other_key = replace(agreement.parties[0], public_key=agreement.parties[1].public_key)
    swapped = (other_key, replace(agreement.parties[1], public_key=b"k" * 32))
    cases: list[tuple[tuple[Party, ...], str]] = [
        ((*swapped, agreement.parties[2]), "public_key of north is not ours"),
        (agreement.parties[1:], "north is not a party"),
    ]
    for n, (parties, reason) in enumerate(cases):
        registers = tuple(Register(id=p.id, party=p.id, url=p.url) for p in parties)
        wrong = replace(agreement, parties=parties, registers=registers)
        with pytest.raises(BadInput, match=reason):
            three.sign("north", three.write(f"{n}.toml", render_agreement(wrong)))
    assert not (three.data("north") / "signatures").exists()


@pytest.mark.parametrize("what", ["public_key", "url", "tls_sha256"])
def test_an_agreement_with_another_identity_than_we_met_is_not_signed(
    three: Three, what: str
) -> None:
    agreement = read_agreement(three.one.read_bytes())
    met = {"public_key": b"k" * 32, "url": "https://127.0.0.1:1", "tls_sha256": b"t" * 32}
    (three.data("north") / "peers").mkdir()
    known = replace(agreement.parties[1], **{what: met[what]})
    path = three.data("north") / "peers" / "south.toml"
    path.write_text(party_block(known))
    with pytest.raises(BadInput, match="showed when you met") as caught:
        three.sign("north", three.one)
    assert caught.value.field == f"party south.{what}"
    path.write_text(party_block(agreement.parties[1]))
    three.sign("north", three.one)


def test_a_new_key_is_signed_with_the_old_one_too(three: Three, tmp_path: Path) -> None:
    """The party holds both for a while; without the old one its key would not be its own."""
    files = [three.one, *(three.sign(name, three.one) for name in NAMES)]
    new = NewNode(party="west", names={"en": "west"}, url="https://127.0.0.1:8445")
    moved = make_node(new, NOW)
    write_node(tmp_path / "west-new", moved)
    old = read_agreement(three.one.read_bytes())
    parties = (*old.parties[:2], moved.party)
    registers = tuple(Register(id=p.id, party=p.id, url=p.url) for p in parties)
    two = three.follow(three.one, "two.toml", parties=parties)
    two.write_bytes(
        render_agreement(
            replace(old, version=2, previous=old.digest, parties=parties, registers=registers)
        )
    )
    files += [two, three.sign("north", two), three.sign("south", two), three.sign("west", two)]
    assert files[-1].name.endswith(".west.old-key.sig")
    assert not examine(read_papers(files))[-1].force.in_force
    (tmp_path / "west-new" / "signatures").mkdir()
    for path in papers_of(three.data("west")):
        (tmp_path / "west-new" / "signatures" / path.name).write_bytes(path.read_bytes())
    files.append(sign(tmp_path / "west-new", PartyID("west"), two, NOW)[1])
    assert examine(read_papers(files))[-1].force.in_force
