"""Cuts the fonts of printed sheets out of Noto Sans: static, regular and bold, four scripts.

Run once, by hand, when a font or its coverage changes; what it writes is committed, for a node has
no network and a sheet must look the same everywhere. The sources are two PyPI packages that hold
the variable fonts as published, under the SIL Open Font License:

    pip download --no-deps fontpkg-noto-sans==2.15 justmytype-intl-rtl==0.1.0
    pip install fonttools==4.68.0
    python scripts/sheet_fonts.py FOLDER_OF_WHEELS
"""

import sys
import zipfile
from io import BytesIO
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

OUT = Path(__file__).parents[1] / "src" / "tansiq" / "fonts"
SANS = (
    "fontpkg_noto_sans-2.15-py3-none-any.whl",
    "fontpkg_noto_sans/files/NotoSans[wdth,wght].ttf",
)
RTL = "justmytype_intl_rtl-0.1.0-py3-none-any.whl"
ARABIC = (RTL, "justmytype_intl_rtl/fonts/ofl/notosansarabic/NotoSansArabic[wdth,wght].ttf")
HEBREW = (RTL, "justmytype_intl_rtl/fonts/ofl/notosanshebrew/NotoSansHebrew[wdth,wght].ttf")
LICENCE = (RTL, "justmytype_intl_rtl/fonts/ofl/notosanshebrew/OFL.txt")
SPANS = {
    # Latin with its extensions, combining marks, Greek, Cyrillic, punctuation, currency, signs.
    "sans": (
        SANS,
        ((0x20, 0x7E), (0xA0, 0x17F), (0x218, 0x21B), (0x2BC, 0x2BC), (0x300, 0x345),
         (0x370, 0x3FF), (0x400, 0x4FF), (0x1E9E, 0x1E9E), (0x2010, 0x2027), (0x2030, 0x203A),
         (0x20AA, 0x20AC), (0x20B4, 0x20B4), (0x20BD, 0x20BD), (0x2116, 0x2116), (0x2190, 0x2193),
         (0x2212, 0x2212), (0x25CC, 0x25CC), (0xFFFD, 0xFFFD)),
    ),
    "arabic": (ARABIC, ((0x20, 0x20), (0x600, 0x6FF), (0x750, 0x77F), (0x25CC, 0x25CC))),
    "hebrew": (HEBREW, ((0x20, 0x20), (0x590, 0x5FF), (0x25CC, 0x25CC), (0xFB1D, 0xFB4F))),
}  # fmt: skip
WEIGHTS = {"regular": 400, "bold": 700}
FEATURES = ["ccmp", "locl", "mark", "mkmk", "kern", "liga", "rlig", "init", "medi", "fina", "isol",
            "calt", "curs"]  # fmt: skip


def read(wheels: Path, source: tuple[str, str]) -> bytes:
    with zipfile.ZipFile(wheels / source[0]) as wheel:
        return wheel.read(source[1])


def cut(data: bytes, spans: tuple[tuple[int, int], ...], weight: int) -> bytes:
    font = instantiateVariableFont(
        TTFont(BytesIO(data), recalcTimestamp=False), {"wdth": 100, "wght": weight}
    )
    options = Options(
        hinting=False,
        layout_features=FEATURES,
        name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14],
        notdef_outline=True,
        glyph_names=False,
        recalc_timestamp=False,
    )
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[u for low, high in spans for u in range(low, high + 1)])
    subsetter.subset(font)
    out = BytesIO()
    font.save(out, reorderTables=True)
    return out.getvalue()


def main() -> None:
    wheels = Path(sys.argv[1])
    OUT.mkdir(exist_ok=True)
    for script, (source, spans) in SPANS.items():
        data = read(wheels, source)
        for style, weight in WEIGHTS.items():
            font = cut(data, spans, weight)
            (OUT / f"{script}-{style}.ttf").write_bytes(font)
            print(f"{script}-{style}.ttf: {len(font):,} bytes")
    (OUT / "OFL.txt").write_bytes(read(wheels, LICENCE))


if __name__ == "__main__":
    main()
