"""Wheel and sdist: the console is in both, within its sizes, and only a clone needs Node.js.

Real builds of a copy of this tree, by the build backend that pip calls. Where the console has to be
built on the way, `node` and `npm` are two scripts that note what they were asked.
"""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path

import pytest
from tests.http.own_console import FILES, write_console

from tansiq.http.console import console_routes, packaged, read_console

ROOT = Path(__file__).parents[2]
DIST = "src/tansiq/console/dist"
IN_WHEEL = "tansiq/console/dist/"
PARTS = (".gitignore", "CHANGELOG.md", "LICENSE", "NOTICE", "README.md", "build_console.py")
FOLDERS = ("src", "console", "docs")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", "dist")

MB = 1_000_000
CODE_GZIP_BYTES_MAX = 600_000
"""Script and style, the map's worker included, gzipped each by itself as they are sent."""
FONT_BYTES_MAX = 250_000
BASE_MAP_BYTES_MAX = 800_000
PLACES = "data/places"
"""Place names; all else in `data/` is the base map."""

SHIPPED = {"MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "MPL-2.0", "0BSD"}
"""Licences of what a build puts into the package."""

PKG_INFO = "Metadata-Version: 2.4\nName: tansiq\nVersion: 0.1.0\n"
"""What an sdist alone has."""
NPM = r"""#!/bin/sh
echo "$PWD: $*" >> "$ASKED"
dist=../src/tansiq/console/dist
if [ "$1" = run ]; then mkdir -p $dist; echo built > $dist/index.html; fi
exit "${NPM_ENDS:-0}"
"""


def copied(folder: Path) -> Path:
    """Copy the parts that make packages, without a console that is built."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
    for name in PARTS:
        shutil.copy(ROOT / name, folder)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def tools(folder: Path, *, node: str | None, npm: bool = True) -> Path:
    """Return a folder for PATH: a Node.js of that version, and what any machine has."""
    folder.mkdir()
    for name in ("sh", "mkdir"):
        (folder / name).symlink_to(str(shutil.which(name)))
    if node is not None:
        (folder / "node").write_text(f"#!/bin/sh\necho {node}\n")
    if npm:
        (folder / "npm").write_text(NPM)
    for script in folder.glob("n*"):
        script.chmod(0o755)
    return folder


def build(
    tree: Path, target: str, path: Path, *, npm_ends: int = 0
) -> subprocess.CompletedProcess[str]:
    """Build one package of a tree into its folder `out`."""
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(tree / "out")],
        cwd=tree,
        env={
            "PATH": str(path),
            "HOME": os.environ.get("HOME", "/"),
            "ASKED": str(tree / "asked"),
            "NPM_ENDS": str(npm_ends),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def built(tree: Path, target: str, path: Path) -> Path:
    done = build(tree, target, path)
    assert done.returncode == 0, done.stdout + done.stderr
    (package,) = (tree / "out").iterdir()
    return package


def asked(tree: Path) -> list[str]:
    note = tree / "asked"
    return note.read_text().splitlines() if note.exists() else []


def wheel_files(wheel: Path) -> dict[str, bytes]:
    """Return the files of the console in a wheel, by their path in it."""
    with zipfile.ZipFile(wheel) as packed:
        return {
            name.removeprefix(IN_WHEEL): packed.read(name)
            for name in packed.namelist()
            if name.startswith(IN_WHEEL)
        }


# ---- from a clone, to an sdist, to a wheel


def test_an_sdist_holds_the_console_and_makes_a_wheel_without_node(tmp_path: Path) -> None:
    clone = copied(tmp_path / "clone")
    first = built(clone, "sdist", tools(tmp_path / "tools", node="v22.1.0"))
    where = clone / "console"
    told = [re.sub(r" --\S+", "", line) for line in asked(clone)]
    assert told == [f"{where}: ci", f"{where}: run build"]
    with tarfile.open(first) as packed:
        packed.extractall(tmp_path / "sdist", filter="data")
    (tree,) = (tmp_path / "sdist").iterdir()
    assert (tree / DIST / "index.html").read_text() == "built\n"
    assert (tree / "console" / "package-lock.json").is_file()
    assert not list(tree.rglob("node_modules"))
    shutil.rmtree(tree / DIST)
    write_console(tree / DIST)
    wheel = built(tree, "wheel", tools(tmp_path / "none", node=None, npm=False))
    assert asked(tree) == []
    assert wheel_files(wheel) == FILES
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
    assert "tansiq/cli/main.py" in names
    assert not [name for name in names if "node_modules" in name or name.endswith(".ts")]


def test_an_sdist_without_its_console_builds_it_again(tmp_path: Path) -> None:
    tree = copied(tmp_path / "tree")
    (tree / "PKG-INFO").write_text(PKG_INFO)
    wheel = built(tree, "wheel", tools(tmp_path / "tools", node="v20.19.0"))
    assert len(asked(tree)) == 2
    assert wheel_files(wheel) == {"index.html": b"built\n"}


def test_a_build_that_a_clone_holds_is_made_anew(tmp_path: Path) -> None:
    """It may be of other sources, and what it left behind must not get into the package."""
    clone = copied(tmp_path / "clone")
    write_console(clone / DIST)
    wheel = built(clone, "wheel", tools(tmp_path / "tools", node="v20.19.0"))
    assert wheel_files(wheel) == {"index.html": b"built\n"}


@pytest.mark.parametrize(("version", "asks"), [("editable", False), ("standard", True)])
def test_an_editable_installation_leaves_it_to_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, asks: bool
) -> None:
    clone = copied(tmp_path / "clone")
    monkeypatch.setenv("PATH", str(tools(tmp_path / "tools", node="v20.19.0")))
    monkeypatch.setenv("ASKED", str(clone / "asked"))
    hook = run_path(str(clone / "build_console.py"))["ConsoleHook"]
    hook(str(clone), {}, None, None, str(clone / "out"), "wheel").initialize(version, {})
    assert bool(asked(clone)) == (clone / DIST).exists() == asks


@pytest.mark.parametrize(
    ("node", "npm", "said"),
    [
        (None, True, "there is no node here"),
        ("v22.1.0", False, "there is no npm here"),
        ("v20.18.9", True, "this is v20.18.9"),
        ("v9.99.0", True, "this is v9.99.0"),
        ("nonsense", True, "this is nonsense"),
    ],
)
def test_a_clone_without_node_is_told_what_to_do(
    tmp_path: Path, node: str | None, npm: bool, said: str
) -> None:
    clone = copied(tmp_path / "clone")
    done = build(clone, "wheel", tools(tmp_path / "tools", node=node, npm=npm))
    assert done.returncode != 0
    told = done.stdout + done.stderr
    assert f"Node.js 20.19 or later and npm, and {said}" in told
    assert "install a released wheel" in told
    assert "Traceback" not in told
    assert asked(clone) == []
    assert not list(clone.glob("out/*.whl"))


def test_a_build_of_the_console_that_fails_ends_the_packages(tmp_path: Path) -> None:
    clone = copied(tmp_path / "clone")
    path = tools(tmp_path / "tools", node="v20.19.0")
    done = build(clone, "wheel", path, npm_ends=7)
    assert done.returncode != 0
    assert "`npm ci` failed in console/ (7)" in done.stdout + done.stderr
    assert len(asked(clone)) == 1
    (path / "npm").write_text("#!/bin/sh\n")
    done = build(clone, "wheel", path)
    assert "left no" in done.stdout + done.stderr
    assert not list(clone.glob("out/*.whl"))


# ---- the console that this tree has


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the console's files in a wheel of this tree, as it is built now."""
    assert (ROOT / DIST / "index.html").is_file(), "the console is not built: run `make console`"
    folder = tmp_path_factory.mktemp("shipped")
    tree = copied(folder / "tree")
    shutil.copytree(ROOT / DIST, tree / DIST)
    (tree / "PKG-INFO").write_text(PKG_INFO)
    return wheel_files(built(tree, "wheel", tools(folder / "none", node=None, npm=False)))


def suffixed(files: dict[str, bytes], *suffixes: str) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name.endswith(suffixes)}


def test_all_that_the_console_needs_is_in_the_wheel(shipped: dict[str, bytes]) -> None:
    index = shipped["index.html"].decode()
    named = re.findall(r'(?:src|href)="([^"]+)"', index)
    assert [name for name in named if name.endswith(".js")]
    for name in named:
        assert name.removeprefix("./") in shipped, name
    assert [name for name in shipped if "maplibre-gl-worker" in name]
    for kind in ("sw.js", "favicon.svg", "manifest.webmanifest"):
        assert kind in shipped
    assert suffixed(shipped, ".woff2")
    assert [name for name in shipped if name.startswith("data/")]
    assert not suffixed(shipped, ".map", ".ts")


def test_the_sizes_hold(shipped: dict[str, bytes]) -> None:
    code = suffixed(shipped, ".js", ".mjs", ".css")
    sizes = {name: len(gzip.compress(content, 9)) for name, content in code.items()}
    assert sum(sizes.values()) < CODE_GZIP_BYTES_MAX, sizes
    fonts = {name: len(content) for name, content in suffixed(shipped, ".woff2").items()}
    assert 0 < sum(fonts.values()) <= FONT_BYTES_MAX, fonts
    base_map = {
        name: len(content)
        for name, content in shipped.items()
        if name.startswith("data/") and not name.startswith(PLACES)
    }
    assert 0 < sum(base_map.values()) <= BASE_MAP_BYTES_MAX, base_map


def test_nothing_in_it_needs_what_the_policy_refuses(shipped: dict[str, bytes]) -> None:
    """Inline script and style, data: images and other origins would be silently missing."""
    index = shipped["index.html"].decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|https?://", index)
    for name, content in suffixed(shipped, ".css").items():
        found = re.findall(rb"(?:url\(|@import)\s*[\"']?((?:data|https?):[^)]{0,40})", content)
        assert found == [], name


def test_every_file_of_it_is_served(shipped: dict[str, bytes]) -> None:
    paths = {route.path for route in console_routes(read_console(packaged()))}
    assert {f"/{name}" for name in shipped} == paths - {"/"}
    # What the service worker keeps: one file of the list that is not served, and it keeps nothing.
    listed = json.loads(shipped["shell.json"])["files"]
    assert {name.removeprefix(".") for name in listed} <= paths


# ---- what npm is told


def packages_of_npm() -> Iterator[tuple[str, dict[str, object]]]:
    lock = json.loads((ROOT / "console" / "package-lock.json").read_text())
    yield from ((name, package) for name, package in lock["packages"].items() if name)


def test_the_lock_file_names_no_registry() -> None:
    """Whoever builds uses the registry that they have; hashes hold what comes from it."""
    text = (ROOT / "console" / "package-lock.json").read_text()
    assert '"resolved"' not in text
    for name, package in packages_of_npm():
        assert str(package["integrity"]).startswith("sha512-"), name


def test_versions_are_exact_and_licences_may_ship() -> None:
    stated = json.loads((ROOT / "console" / "package.json").read_text())
    for kind in ("dependencies", "devDependencies"):
        for name, version in stated[kind].items():
            assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name} {version}"
    for name, package in packages_of_npm():
        if not package.get("dev") and not package.get("optional"):
            licences = set(str(package.get("license")).strip("()").split(" OR "))
            assert licences & SHIPPED, f"{name}: {licences}"


def test_no_file_that_is_copied_looks_like_a_hashed_one() -> None:
    """Whatever is under `assets/` with a hash in its name is kept by browsers for a year."""
    assert not (ROOT / "console" / "public" / "assets").exists()
