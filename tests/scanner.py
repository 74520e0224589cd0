"""A scanner: reads QR codes from what was drawn, with a decoder that is not ours.

Pictures are made of what a person would see: the black and white of a terminal's cells, or the
path of an SVG element.
"""

import re

import numpy as np
import zxingcpp
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_CELL = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
_COLOURS = "\x1b[38;5;16;48;5;231m"  # Black on white, whatever the terminal has.
_SCALE = 4


def scan(pixels: Pixels) -> list[str]:
    """Return the texts of all QR codes in a picture."""
    found = zxingcpp.read_barcodes(pixels, formats=zxingcpp.BarcodeFormat.QRCode, try_invert=False)
    return [code.text for code in found]


def of_terminal(shown: str, *, around: int) -> Pixels:
    """Return the picture of a code in a terminal whose background has that grey."""
    lines = re.findall(rf"{re.escape(_COLOURS)}([ ▀▄█]+)\x1b\[0m", shown)
    rows = [[_CELL[char][half] for char in line] for line in lines for half in (0, 1)]
    return _grown(np.array(rows), around)


def of_svg(element: str) -> Pixels:
    """Return the picture of an SVG element as segno writes it: strokes along rows."""
    side = re.search(r'viewBox="0 0 (\d+) \1"', element)
    assert side is not None
    assert f'<path fill="#fff" d="M0 0h{side[1]}v{side[1]}h-{side[1]}z"/>' in element
    drawn = re.search(r'stroke="#000" d="([^"]+)"', element)
    assert drawn is not None
    modules = np.zeros((int(side[1]), int(side[1])), dtype=np.uint8)
    x = y = 0.0
    for move, dx, dy, length in re.findall(r"([Mm])([-\d.]+) ([-\d.]+)h(\d+)|\Z", drawn[1]):
        if not move:
            continue
        x, y = (float(dx), float(dy)) if move == "M" else (x + float(dx), y + float(dy))
        modules[int(y), int(x) : int(x) + int(length)] = 1
        x += float(length)
    return _grown(modules, 255)


def _grown(modules: "NDArray[np.integer]", around: int) -> Pixels:
    white = np.where(modules == 0, 255, 0).astype(np.uint8)
    large = np.kron(white, np.ones((_SCALE, _SCALE), dtype=np.uint8))
    return np.pad(large, 40, constant_values=around)
