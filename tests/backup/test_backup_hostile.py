"""Archives from anywhere: each is refused with a sentence that helps, and nothing is changed."""

import hashlib
import io
import json
import random
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from folders import Folder, good, make_folders, run, tree

from tansiq.backup.manifest import FILES_MAX, signed
from tansiq.peers.identity import load_signing_key

SEED = 20_261_129
Change = Callable[[dict[str, Any], dict[str, bytes]], None]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Folder, Path]:
    """A node's folder, and a good backup of it with its keys."""
    where = tmp_path_factory.mktemp("sound")
    (north, south) = make_folders(where)
    north.grow(520)
    north.cosigned_by(south)
    good("backup --with-keys --data", north.data, "--output", where / "good.tar")
    return north, where / "good.tar"


def contents(archive: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    with tarfile.open(archive) as opened:
        found = {m.name: opened.extractfile(m).read() for m in opened}  # type: ignore[union-attr]
    manifest = json.loads(found.pop("manifest.json"))
    found.pop("manifest.sig")
    return manifest, {name.removeprefix("data/"): body for name, body in found.items()}


def packed(manifest: dict[str, Any], files: dict[str, bytes], key: Ed25519PrivateKey) -> bytes:
    """Pack as we do, whatever it says; signed, so that only the content is at fault."""
    content = json.dumps(manifest).encode()
    party = manifest["party"] if isinstance(manifest.get("party"), str) else "north"
    return tar(
        [
            ("manifest.json", content, b"0"),
            ("manifest.sig", signed(content, party, key), b"0"),
            *((f"data/{name}", body, b"0") for name, body in files.items()),
        ]
    )


def tar(members: list[tuple[str, bytes, bytes]]) -> bytes:
    out = io.BytesIO()
    for name, body, kind in members:
        info = tarfile.TarInfo(name)
        info.size, info.type = len(body), kind
        info.linkname = "/etc/passwd" if kind in b"12" else ""
        out.write(info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))
        out.write(body + bytes(-len(body) % 512))
    return out.getvalue() + bytes(1024)


def made(sound: tuple[Folder, Path], change: Change, *, rehash: bool = True) -> bytes:
    north, archive = sound
    manifest, files = contents(archive)
    change(manifest, files)
    if rehash:
        for entry in manifest["files"]:
            if isinstance(entry, dict) and (body := files.get(entry["name"])) is not None:
                entry |= {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    return packed(manifest, files, load_signing_key(north.data))


def refused(content: bytes, sound: tuple[Folder, Path], where: Path) -> str:
    """Have it checked and restored, over a node and into nothing; return what was said."""
    north, _ = sound
    archive, there = where / "x.tar", where / "there"
    archive.write_bytes(content)
    shutil.copytree(north.data, there, dirs_exist_ok=True)
    before = tree(where)
    said = set()
    for words in (
        ("backup --check", archive),
        ("restore --no-peers --replace --even-if-rolled-back --data", there, archive),
        ("restore --no-peers --data", where / "new", archive),
    ):
        result = run(words[0], *words[1:])
        assert result.exit_code in (2, 4), f"{words}: {result.exit_code} {result.output}"
        assert result.output.startswith("error: "), result.output
        said.add(result.output)
    assert tree(where) == before, "something was changed"
    assert sorted(p.name for p in where.iterdir()) == ["there", "x.tar"]
    return " ".join(said)


def test_what_is_changed_here_passes_unchanged(sound: tuple[Folder, Path], tmp_path: Path) -> None:
    """Else the tests below could pass for another reason."""
    (tmp_path / "x.tar").write_bytes(made(sound, lambda _, __: None))
    good("backup --check", tmp_path / "x.tar")
    good("restore --no-peers --data", tmp_path / "new", tmp_path / "x.tar")


@pytest.mark.parametrize(
    "name",
    [
        *("../out", "/etc/cron.d/x", "a/../../out", "a//b", "./a", "a/.", "..", "", "a\\..\\b"),
        *("a\nb", "\x00", "n" * 96, "tansiq.db", "tansiq.db/x", "\u202egnp.x"),
    ],
)
def test_names_that_lead_elsewhere(name: str, sound: tuple[Folder, Path], tmp_path: Path) -> None:
    def change(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
        entry = {"name": name, "bytes": 4, "mode": 0o600, "sha256": hashlib.sha256(b"evil")}
        manifest["files"].append(entry | {"sha256": hashlib.sha256(b"evil").hexdigest()})
        files.setdefault(name or "x", b"evil")

    said = refused(made(sound, change, rehash=False), sound, tmp_path)
    assert "manifest" in said or "header" in said


@pytest.mark.parametrize(
    "kind", [b"1", b"2", b"3", b"5", b"6", b"S", b"x", b"g", b"L", b"K", b"\0"]
)
def test_only_regular_files_are_taken(
    kind: bytes, sound: tuple[Folder, Path], tmp_path: Path
) -> None:
    """Links, devices, folders, pipes, sparse files and every sort of longer header."""
    north, archive = sound
    manifest, files = contents(archive)
    content = json.dumps(manifest).encode()
    names = list(files)
    signature = signed(content, "north", load_signing_key(north.data))
    for place in (0, 1, 2, len(names) + 1):
        members = [("manifest.json", content, b"0"), ("manifest.sig", signature, b"0")]
        members += [(f"data/{name}", files[name], b"0") for name in names]
        name, body, _ = members[place]
        members[place] = (name, body, kind)
        assert "should be" in refused(tar(members), sound, tmp_path)
        members[place] = (name, body, b"0")
        members.insert(place, ("data/link", b"", kind))
        assert "should be" in refused(tar(members), sound, tmp_path)


def test_what_would_unfold(sound: tuple[Folder, Path], tmp_path: Path) -> None:
    """Sizes that no archive has, and lists that would fill memory."""

    def huge(manifest: dict[str, Any], _: dict[str, bytes]) -> None:
        manifest["files"][0]["bytes"] = 2**49

    assert "ends too early" in refused(made(sound, huge, rehash=False), sound, tmp_path)

    def crowd(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
        empty = hashlib.sha256(b"").hexdigest()
        manifest["files"] += [
            {"name": f"f{n}", "bytes": 0, "mode": 0o600, "sha256": empty} for n in range(FILES_MAX)
        ]

    assert "at most 10,000" in refused(made(sound, crowd), sound, tmp_path)
    long = tar([("manifest.json", b" " * 4_000_001, b"0")])
    assert "at most 4,000,000" in refused(long, sound, tmp_path)
    deep = tar([("manifest.json", b"[" * 1_000_000, b"0"), ("manifest.sig", b"x", b"0")])
    assert "manifest" in refused(deep, sound, tmp_path)
    info = tarfile.TarInfo("manifest.json")
    info.size = 2**60
    lying = info.tobuf(tarfile.GNU_FORMAT) + b"{}"
    assert "at most 4,000,000" in refused(lying, sound, tmp_path)


def test_cut_anywhere(sound: tuple[Folder, Path], tmp_path: Path) -> None:
    whole = sound[1].read_bytes()
    cuts = [0, 1, 511, 512, len(whole) - 1, len(whole) - 512, len(whole) - 1024]
    cuts += random.Random(SEED).sample(range(len(whole)), 12)
    for cut in cuts:
        assert "ends too early" in refused(whole[:cut], sound, tmp_path), cut
    assert "follows" in refused(whole + b"x", sound, tmp_path)
    assert "follows" in refused(whole + bytes(512), sound, tmp_path)
    assert "header" in refused(b"not a backup at all" * 100, sound, tmp_path)


def test_one_bit_anywhere_is_noticed(sound: tuple[Folder, Path], tmp_path: Path) -> None:
    whole = bytearray(sound[1].read_bytes())
    draw = random.Random(SEED)
    places = [draw.randrange(8_000) for _ in range(40)]
    for place in places + [draw.randrange(len(whole)) for _ in range(20)]:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << draw.randrange(8)
        (tmp_path / "x.tar").write_bytes(flipped)
        assert run("backup --check", tmp_path / "x.tar").exit_code in (2, 4), f"byte {place}"


def test_somebody_elses_signature_or_none(sound: tuple[Folder, Path], tmp_path: Path) -> None:
    manifest, files = contents(sound[1])
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    assert "signed" in refused(packed(manifest, files, stranger), sound, tmp_path)
    # Signed well by a key of his own: the keys at hand say otherwise, those inside as well.
    manifest["public_key"] = stranger.public_key().public_bytes_raw().hex()
    archive = tmp_path / "own.tar"
    archive.write_bytes(packed(manifest, files, stranger))
    result = run("restore --no-peers --replace --data", sound[0].data, archive)
    assert result.exit_code == 2
    assert "signing.key" in result.output


def database(body: bytes, where: Path, *statements: str) -> bytes:
    file = where / "changed.db"
    file.write_bytes(body)
    connection = apsw.Connection(str(file))
    connection.pragma("journal_mode", "delete")
    for statement in statements:
        connection.execute(statement)
    connection.close()
    found = file.read_bytes()
    file.unlink()
    return found


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM plan; END"], "'t' is there"),
        (["CREATE VIEW v AS SELECT zeroblob(1000000000)"], "'v' is there"),
        (["CREATE VIRTUAL TABLE v USING fts5(x)"], "is there"),
        (["DROP TABLE hook"], "is there and should not be, or the reverse"),
        (["INSERT INTO schema_version VALUES (9999, '9999_later.sql')"], "does not know"),
        (["DELETE FROM schema_version WHERE number = 3"], "migrations are not those"),
        (["UPDATE record_entry SET body = x'00' WHERE seq = 7"], "entry 7 is not what"),
        (["UPDATE record_entry SET body = 'text' WHERE seq = 7"], "entry 7"),
        (["DELETE FROM record_entry WHERE seq = 519"], "entry 519"),
        (["UPDATE record_head SET size = 519"], "record"),
        (["DELETE FROM record_head"], "lost its head"),
        (["UPDATE record_cosignature SET checkpoint = x'00'"], "cosigned"),
    ],
)
def test_databases_that_no_node_wrote(
    statements: list[str], said: str, sound: tuple[Folder, Path], tmp_path: Path
) -> None:
    def change(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
        files["tansiq.db"] = database(files["tansiq.db"], tmp_path, *statements)
        manifest["stores"][0]["pages"] = len(files["tansiq.db"]) // 4096

    assert said in refused(made(sound, change), sound, tmp_path)


def test_pages_that_are_damaged(sound: tuple[Folder, Path], tmp_path: Path) -> None:
    def noise(_: dict[str, Any], files: dict[str, bytes]) -> None:
        body = bytearray(files["tansiq.db"])
        body[20 * 4096 : 24 * 4096] = random.Random(SEED).randbytes(4 * 4096)
        files["tansiq.db"] = bytes(body)

    def rubbish(_: dict[str, Any], files: dict[str, bytes]) -> None:
        files["tansiq.db"] = b"x" * len(files["tansiq.db"])

    for change in (noise, rubbish):
        assert "tansiq.db" in refused(made(sound, change), sound, tmp_path)


def test_another_format_party_or_size(sound: tuple[Folder, Path], tmp_path: Path) -> None:
    def with_(**values: object) -> bytes:
        return made(sound, lambda manifest, _: manifest.update(values))

    assert "newer one" in refused(with_(format=2, tansiq="9.9", new=1), sound, tmp_path)
    assert "backup" in refused(with_(unknown=1), sound, tmp_path)
    assert "party" in refused(with_(party="south"), sound, tmp_path)
    assert "no id of a party" in refused(with_(party="../x"), sound, tmp_path)
    assert "root" in refused(with_(record={"size": 520, "root": "ab" * 32}), sound, tmp_path)
    assert "520" in refused(with_(record={"size": 1, "root": "ab" * 32}), sound, tmp_path)
    assert "tansiq.db" in refused(with_(stores=[]), sound, tmp_path)


def test_the_backup_of_another_party_does_not_replace_a_node(
    sound: tuple[Folder, Path], tmp_path: Path
) -> None:
    (south, _) = make_folders(tmp_path, ("south", "west"))
    before = tree(south.data)
    result = run("restore --no-peers --replace --data", south.data, sound[1])
    assert result.exit_code == 2
    assert "is the node of south, and the backup is of north" in result.output
    assert tree(south.data) == before
