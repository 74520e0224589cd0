"""The console's fonts: Noto Sans for four scripts as WOFF2, cut to what the console can show.

The page and the map use the same files. Weights 400 to 700 are on one axis, but for the symbols,
which have one weight. Noto is under the SIL Open Font License without a reserved name, so a font
that was cut may keep its name.
"""

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

FAMILY: Final = "Noto Sans"
WEIGHTS: Final = (400, 400, 700)
"""Least, usual, most."""
INVISIBLE: Final = (0x200B, 0x200C, 0x200D, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060,
                    *range(0x2066, 0x206A), 0xFEFF)  # fmt: skip
"""Marks of direction and joining: no width and no box."""
ARROWS: Final = "←↑→↓↔↕↺↻⇄⇅⇆⇧⇥⟲⟳≤≥≈≠∞∥∠△▽"
SHAPES: Final = "⌨⌫⏎⏏⏩⏪⏮⏭⏴⏵⏶⏷⏸⏹⏺⚠⛔⛶■□▣▢▪▫▲▶▼◀►◄▴▸▾◂◆◇◉◌○◎●◦⬛⬜⬡⬢⬣⬤⬥⬦⯃⯄★☆☰✓✔✕✖✗✘"
"""What the console draws as text. The fonts have no other; a test compares."""


@dataclass(frozen=True, slots=True)
class Face:
    """One file: from which file of the packages, and which characters stay."""

    name: str
    source: str
    ranges: tuple[tuple[int, int], ...]
    variable: bool = True


LATIN: Final = ((0x20, 0x7E), (0xA0, 0xFF), (0x131, 0x131), (0x152, 0x153), (0x2BB, 0x2BC),
                (0x2C6, 0x2C6), (0x2DA, 0x2DA), (0x2DC, 0x2DC), (0x2000, 0x206F), (0x20AC, 0x20AC),
                (0x2122, 0x2122), (0x2212, 0x2212), (0xFEFF, 0xFEFF), (0xFFFD, 0xFFFD))  # fmt: skip
LATIN_MORE: Final = ((0x100, 0x130), (0x132, 0x151), (0x154, 0x17F), (0x1CD, 0x1D4),
                     (0x218, 0x21B), (0x2BD, 0x2BF), (0x1E0C, 0x1E0F), (0x1E20, 0x1E25),
                     (0x1E28, 0x1E2B), (0x1E5A, 0x1E5B), (0x1E60, 0x1E63), (0x1E6C, 0x1E6D),
                     (0x1E92, 0x1E97))  # fmt: skip
"""Central European and Turkish letters, and those by which Arabic, Hebrew and Indian names are
written in Latin ones."""
FACES: Final = (
    Face("noto-sans-latin", "noto-sans/files/noto-sans-latin-wght-normal", LATIN),
    Face("noto-sans-latin-more", "noto-sans/files/noto-sans-latin-ext-wght-normal", LATIN_MORE),
    Face(
        "noto-sans-vietnamese",
        "noto-sans/files/noto-sans-vietnamese-wght-normal",
        ((0x1A0, 0x1A1), (0x1AF, 0x1B0), (0x1EA0, 0x1EF9)),
    ),
    Face(
        "noto-sans-cyrillic",
        "noto-sans/files/noto-sans-cyrillic-wght-normal",
        ((0x301, 0x301), (0x400, 0x45F), (0x490, 0x491), (0x4B0, 0x4B1), (0x2116, 0x2116)),
    ),
    Face(
        "noto-sans-hebrew",
        "noto-sans-hebrew/files/noto-sans-hebrew-hebrew-wght-normal",
        ((0x590, 0x5FF), (0x20AA, 0x20AA), (0xFB1D, 0xFB4F)),
    ),
    Face(
        "noto-sans-arabic",
        "noto-sans-arabic/files/noto-sans-arabic-arabic-wght-normal",
        ((0x600, 0x6FF), (0x750, 0x77F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC)),
    ),
    Face(
        "noto-sans-math",
        "noto-sans-math/files/noto-sans-math-latin-400-normal",
        tuple((ord(c), ord(c)) for c in sorted(ARROWS)),
        variable=False,
    ),
    Face(
        "noto-sans-symbols",
        "noto-sans-symbols-2/files/noto-sans-symbols-2-symbols-400-normal",
        tuple((ord(c), ord(c)) for c in sorted(SHAPES)),
        variable=False,
    ),
)


def build(packages: Mapping[str, Path], folder: Path) -> dict[str, int]:
    """Write the fonts, `fonts.css` and `faces.json`; return the sizes of the fonts."""
    folder.mkdir(parents=True, exist_ok=True)
    sizes, rules, faces = {}, [], []
    for face in FACES:
        data, characters = _cut(face, packages)
        file = folder / f"{face.name}.woff2"
        file.write_bytes(data)
        sizes[file.name] = len(data)
        ranges = _ranges(characters)
        rules.append(_rule(file.name, ranges))
        faces.append({"url": file.name, "unicode-range": ranges})
    note = "/* Made by scripts/console_assets.py. Noto Sans: SIL Open Font License 1.1. */\n\n"
    (folder / "fonts.css").write_text(note + "\n".join(rules), encoding="utf-8")
    text = json.dumps({f"{FAMILY} Regular": faces}, indent=2)
    (folder / "faces.json").write_text(text + "\n", encoding="utf-8")
    return sizes


def _cut(face: Face, packages: Mapping[str, Path]) -> tuple[bytes, set[int]]:
    wanted = {code for first, last in face.ranges for code in range(first, last + 1)}
    package, file = face.source.split("/", 1)
    font = TTFont(packages[package] / f"{file}.woff2", recalcTimestamp=False)
    font = _subset(font, wanted & set(font.getBestCmap()))
    if face.variable:
        font = instancer.instantiateVariableFont(font, {"wght": WEIGHTS}, updateFontNames=False)
    if any(first <= INVISIBLE[0] <= last for first, last in face.ranges):
        _add_invisible(font)
    _sign(font, (packages[package] / "LICENSE").read_text(encoding="utf-8"))
    font.flavor = "woff2"
    font["head"].modified = font["head"].created  # The same bytes from the same sources.
    out = io.BytesIO()
    font.save(out)
    return out.getvalue(), set(font.getBestCmap()) & (wanted | set(INVISIBLE))


def _subset(font: TTFont, codes: Iterable[int]) -> TTFont:
    options = subset.Options()
    options.layout_features = ["*"]
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = [1, 2, 4, 5, 6]
    options.recalc_timestamp = False
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=list(codes))
    cutter.subset(font)
    return font


def _sign(font: TTFont, licence: str) -> None:
    """Put the copyright and the licence into the font, where the OFL allows them to be."""
    copyright_line = licence.splitlines()[0].strip()
    terms = "This Font Software is licensed under the SIL Open Font License, Version 1.1."
    for number, text in ((0, copyright_line), (13, terms), (14, "https://openfontlicense.org")):
        font["name"].setName(text, number, 3, 1, 0x409)


def _add_invisible(font: TTFont) -> None:
    """Point the marks of direction at a glyph that is there already and has no width."""
    cmap = font.getBestCmap()
    glyph = cmap[0x200B]
    if font["hmtx"][glyph][0] != 0:
        raise ValueError("the zero width space of the Latin font has a width")
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap.update(dict.fromkeys(INVISIBLE, glyph))


def _ranges(codes: set[int]) -> list[str]:
    found: list[list[int]] = []
    for code in sorted(codes):
        if found and code == found[-1][1] + 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return [f"U+{a:04X}" if a == b else f"U+{a:04X}-{b:04X}" for a, b in found]


def _rule(file: str, ranges: list[str]) -> str:
    """Return one rule. All state the same weights, or a browser takes the files for rival faces and
    never looks into those of the symbols."""
    return (
        "@font-face {\n"
        f'  font-family: "{FAMILY}";\n'
        "  font-style: normal;\n"
        f"  font-weight: {WEIGHTS[0]} {WEIGHTS[2]};\n"
        "  font-display: swap;\n"
        f'  src: url("./{file}") format("woff2");\n'
        f"  unicode-range: {', '.join(ranges)};\n"
        "}\n"
    )
