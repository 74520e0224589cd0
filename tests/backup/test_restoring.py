"""Where a backup may be put, with whose keys, and what becomes of what was there."""

import errno
import os
import stat
from pathlib import Path

import pytest
from folders import Folder, good, make_folders, run, tree

from tansiq.backup import placing

SOMEBODY = 12_345
"""Another user, where we may give files away."""


@pytest.fixture
def north(tmp_path: Path) -> Folder:
    (folder, south) = make_folders(tmp_path)
    folder.grow(300)
    folder.cosigned_by(south)
    return folder


def archived(north: Folder, name: str, *words: str) -> Path:
    archive = north.data.parent / name
    good(f"backup {' '.join(words)} --data", north.data, "--output", archive)
    return archive


def test_keys_come_from_where_they_are(north: Folder, tmp_path: Path) -> None:
    archive = archived(north, "x.tar")
    said = good("restore --no-peers --data", tmp_path / "bare", archive).output
    assert "Missing: signing.key, tls.key, own.token" in said
    good("restore --no-peers --data", tmp_path / "named", "--keys-from", north.data, archive)
    keys = {name: (north.data / name).read_bytes() for name in ("signing.key", "tls.key")}
    assert all((tmp_path / "named" / name).read_bytes() == key for name, key in keys.items())
    # Those of the folder that is replaced, where nothing else is said.
    good("restore --no-peers --replace --data", north.data, archive)
    assert all((north.data / name).read_bytes() == key for name, key in keys.items())
    assert stat.S_IMODE((north.data / "signing.key").stat().st_mode) == 0o600


def test_another_partys_keys_are_refused(north: Folder, tmp_path: Path) -> None:
    archive = archived(north, "x.tar")
    result = run(
        "restore --no-peers --data", tmp_path / "new", "--keys-from", tmp_path / "south", archive
    )
    assert result.exit_code == 2
    assert "is not the one of north that made this backup" in result.output
    assert not (tmp_path / "new").exists()


def test_a_link_among_the_keys_is_not_followed(north: Folder, tmp_path: Path) -> None:
    archive = archived(north, "x.tar")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "signing.key").symlink_to(north.data / "signing.key")
    said = good(
        "restore --no-peers --data", tmp_path / "new", "--keys-from", tmp_path / "keys", archive
    )
    assert "Missing: signing.key" in said.output


def test_where_it_is_not_put(north: Folder, tmp_path: Path) -> None:
    archive = archived(north, "x.tar")
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(north.data)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "photo").write_text("precious")
    before = tree(tmp_path)
    for data, why in (
        (north.data, "holds a node already"),
        (tmp_path / "link", "is a link"),
        (tmp_path / "other", "is not empty (photo)"),
        (tmp_path / "no" / "where", "is no folder"),
    ):
        result = run("restore --no-peers --data", data, archive)
        assert (result.exit_code, why in result.output) == (2, True), result.output
    assert tree(tmp_path) == before
    (tmp_path / "empty").mkdir()
    good("restore --no-peers --data", tmp_path / "empty", archive)


def test_a_dry_run_does_everything_but_that(north: Folder, tmp_path: Path) -> None:
    archive = archived(north, "x.tar")
    before = tree(tmp_path)
    said = good("restore --dry-run --no-peers --replace --data", north.data, archive).output
    assert "nothing was put in place (--dry-run)" in said
    assert "its 300 entries are all in it" in said
    assert tree(tmp_path) == before


def test_what_was_there_is_kept_and_can_be_put_back(north: Folder, tmp_path: Path) -> None:
    archive = archived(north, "x.tar")
    (north.data / "notes.txt").write_text("mine")
    before = tree(north.data)
    good("restore --no-peers --replace --data", north.data, archive)
    assert not (north.data / "notes.txt").exists()
    (kept,) = tmp_path.glob("north.before-*")
    assert tree(kept) == before
    north.data.rename(tmp_path / "aside")
    kept.rename(north.data)
    assert north.grow(1) == 301


def test_older_than_the_folder_or_than_its_cosignatures(north: Folder, tmp_path: Path) -> None:
    archive = archived(north, "x.tar")
    # The boundary: as much as the backup has is in order, one entry more is not.
    good("restore --dry-run --no-peers --replace --data", north.data, archive)
    north.grow(1)
    result = run("restore --no-peers --replace --data", north.data, archive)
    assert (result.exit_code, "1 entries more" in result.output) == (1, True)
    north.cosigned_by(Folder(tmp_path / "south", "south"))
    result = run("restore --no-peers --replace --data", north.data, archive)
    assert result.exit_code == 1
    assert "south/witness: holds our signed checkpoint of 301 entries" in result.output


def test_two_histories_under_one_key(north: Folder, tmp_path: Path) -> None:
    archive = archived(north, "x.tar", "--with-keys")
    good("restore --no-peers --data", tmp_path / "twin", archive)
    twin = Folder(tmp_path / "twin", "north")
    twin.grow(7)
    north.grow(5)
    result = run("restore --no-peers --replace --data", twin.data, archived(north, "y.tar"))
    assert result.exit_code == 1
    north.grow(9)
    result = run("restore --no-peers --replace --data", twin.data, archived(north, "z.tar"))
    assert result.exit_code == 1
    assert "two nodes ran with one key" in result.output


def test_a_damaged_folder_is_replaced(north: Folder, tmp_path: Path) -> None:
    archive = archived(north, "x.tar")
    (north.data / "tansiq.db").write_bytes(b"rubbish" * 9_999)
    (north.data / "tansiq.toml").write_text("rubbish =")
    good("restore --no-peers --replace --data", north.data, archive)
    assert north.grow(1) == 301


def test_files_belong_to_whose_folder_it_was(north: Folder, tmp_path: Path) -> None:
    archive = archived(north, "x.tar")
    whose = SOMEBODY if os.geteuid() == 0 else os.geteuid()
    for path in (north.data, *north.data.rglob("*")):
        os.chown(path, whose, -1)
    good("restore --no-peers --replace --data", north.data, archive)
    assert {p.stat().st_uid for p in (north.data, *north.data.rglob("*"))} == {whose}


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EINVAL])
def test_where_the_system_cannot_exchange_two_folders(
    number: int, north: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Method: the call answers as older systems and some disks do, which we have none of."""
    monkeypatch.setattr(placing, "_exchanged", lambda *_: number)
    archive = archived(north, "x.tar")
    (north.data / "notes.txt").write_text("mine")
    before = tree(north.data)
    good("restore --no-peers --replace --data", north.data, archive)
    (kept,) = tmp_path.glob("north.before-*")
    assert tree(kept) == before
    assert not (north.data / "notes.txt").exists()


def test_where_a_disk_is_mounted(
    north: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Method: the call answers as it does for the place of a mounted disk."""
    monkeypatch.setattr(placing, "_exchanged", lambda *_: errno.EBUSY)
    archive = archived(north, "x.tar")
    before = tree(tmp_path)
    result = run("restore --no-peers --replace --data", north.data, archive)
    assert result.exit_code == 2
    assert "where a disk is mounted: choose a folder in it" in result.output
    assert tree(tmp_path) == before
