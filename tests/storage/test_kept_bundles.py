"""Bundles of sheets in files: byte for byte, the newest up to exact limits, none changed."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from tansiq.errors import StoreError
from tansiq.storage.kept_bundles import KeptBundles


def kept(folder: Path, **limits: int) -> KeptBundles:
    return KeptBundles(folder=folder / "sheets", **limits)


def keep(bundles: KeptBundles, data: bytes, age: int) -> str:
    """Keep one; the greater the age, the longer ago."""
    name = bundles.keep(data)
    path = bundles.folder / f"{name}.bundle"
    os.utime(path, ns=(10**18 - age, 10**18 - age))
    return name


def test_what_is_kept_comes_back_byte_for_byte(tmp_path: Path) -> None:
    bundles = kept(tmp_path)
    name = bundles.keep(b"one\r\n\x00")
    assert name == sha256(b"one\r\n\x00").hexdigest()
    assert kept(tmp_path).get(name) == b"one\r\n\x00"
    assert bundles.has(name)
    assert bundles.get("0" * 64) is None
    assert not bundles.has("0" * 64)
    assert (bundles.folder / f"{name}.bundle").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["../own.token", "", "A" * 64, "0" * 63, "0" * 64 + "/x"])
def test_nothing_else_of_the_disk_can_be_asked_for(tmp_path: Path, name: str) -> None:
    bundles = kept(tmp_path)
    bundles.keep(b"one")
    (tmp_path / "own.token").write_text("secret")
    assert bundles.get(name) is None


def test_the_limit_of_count_is_exact_and_the_oldest_go(tmp_path: Path) -> None:
    bundles = kept(tmp_path, count_max=3)
    names = [keep(bundles, bytes([n]), age=100 - n) for n in range(3)]
    assert all(map(bundles.has, names))
    fourth = bundles.keep(b"fourth")
    assert [bundles.has(name) for name in names] == [False, True, True]
    assert bundles.has(fourth)


def test_the_limit_of_bytes_is_exact(tmp_path: Path) -> None:
    bundles = kept(tmp_path, bytes_max=30)
    first = keep(bundles, b"a" * 10, age=2)
    second = keep(bundles, b"b" * 10, age=1)
    third = keep(bundles, b"c" * 10, age=0)
    assert all(map(bundles.has, (first, second, third)))
    bundles.keep(b"d")
    assert [bundles.has(name) for name in (first, second, third)] == [False, True, True]


def test_the_newest_is_kept_even_if_it_alone_is_too_much(tmp_path: Path) -> None:
    bundles = kept(tmp_path, bytes_max=5)
    old = keep(bundles, b"old", age=1)
    new = bundles.keep(b"x" * 6)
    assert (bundles.has(old), bundles.has(new)) == (False, True)


def test_other_files_of_the_folder_are_left_alone(tmp_path: Path) -> None:
    bundles = kept(tmp_path, count_max=1)
    bundles.keep(b"one")
    (bundles.folder / "notes.txt").write_text("mine")
    bundles.keep(b"two")
    assert (bundles.folder / "notes.txt").read_text() == "mine"


def test_one_that_was_changed_on_disk_is_not_handed_out(tmp_path: Path) -> None:
    bundles = kept(tmp_path)
    name = bundles.keep(b"one")
    (bundles.folder / f"{name}.bundle").write_bytes(b"onf")
    with pytest.raises(StoreError, match="was changed on disk"):
        bundles.get(name)


def test_a_folder_that_cannot_be_made_is_our_fault_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "sheets").write_text("a file")
    with pytest.raises(StoreError, match="cannot be kept"):
        kept(tmp_path).keep(b"one")


def test_half_a_bundle_does_not_stay_on_a_disk_that_took_no_more(tmp_path: Path) -> None:
    bundles = kept(tmp_path)
    bundles.keep(b"one")
    # The disk refuses the last step of another.
    (bundles.folder / f"{sha256(b'two').hexdigest()}.bundle").mkdir()
    with pytest.raises(StoreError, match="cannot be kept"):
        bundles.keep(b"two")
    assert not list(bundles.folder.glob("*.half"))


def test_what_a_node_left_half_written_goes_after_an_hour(tmp_path: Path) -> None:
    bundles = kept(tmp_path)
    name = bundles.keep(b"one")
    now = (bundles.folder / f"{name}.bundle").stat().st_mtime_ns
    for half, age in (("a", 3_600 * 10**9), ("b", 3_600 * 10**9 + 1)):
        (bundles.folder / f"{half * 64}.half").write_text("half")
        os.utime(bundles.folder / f"{half * 64}.half", ns=(now - age, now - age))
    bundles._forget(bundles.folder / f"{name}.bundle")
    assert [path.name[0] for path in bundles.folder.glob("*.half")] == ["a"]
