"""Frames drawn as QR codes: for a terminal, and as one page to be shown or printed.

Black on white whatever the terminal's colours: many scanners take no code that is inverted. The
page has no scripts and needs nothing from elsewhere.
"""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from tansiq.formats.delivery import Delivery
from tansiq.formats.letter import Letter, opened
from tansiq.formats.qr_frames import FRAME_CHARS, read_frame

if TYPE_CHECKING:
    import segno

BORDER: Final = 2
"""Modules of white around a code in a terminal, where every row counts; a page has all four."""
ROOM: Final = {4: 114, 5: 154, 6: 195, 7: 224, 8: 279, 9: FRAME_CHARS}
"""Characters that the versions of a code hold; the last could hold 335."""
LISTED_MOST: Final = 40
"""Notes that a page names."""

_BLACK_ON_WHITE: Final = "\x1b[38;5;16;48;5;231m"
_RESET: Final = "\x1b[0m"
_HALVES: Final = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}


def columns_of(version: int) -> int:
    """Return how wide a code is in a terminal; it takes half as many lines, rounded up."""
    return 17 + 4 * version + 2 * BORDER


def room(columns: int, lines: int) -> int:
    """Return how many characters a code in so much of a terminal may have; 0 where none fits."""
    fitting = [
        chars
        for version, chars in ROOM.items()
        if columns_of(version) <= columns and -(-columns_of(version) // 2) <= lines
    ]
    return max(fitting, default=0)


def terminal(text: str) -> str:
    """Return a code as lines for a terminal, two rows of it in each."""
    rows = [list(row) for row in _code(text, "l").matrix_iter(border=BORDER)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    return "".join(
        _BLACK_ON_WHITE
        + "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))
        + f"{_RESET}\n"
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    )


def picture(text: str) -> str:
    """Return a code as an SVG element that takes whatever room it is given."""
    # A sheet gets folds and fingerprints: 15 % of it may be lost.
    svg: str = _code(text, "m").svg_inline(border=4, omitsize=True, light="#fff")
    return svg


def page(frames: Sequence[str], delivery: Delivery) -> str:
    """Return one page with all frames, what to do with them, and which notes they are.

    Raises:
        BadInput: something in the delivery is no note.
    """
    letters = [opened(wire) for wire in delivery.letters]
    first = read_frame(frames[0])
    figures = "\n".join(
        f"<figure>{picture(text)}<figcaption><b>frame {i} of {len(frames)}</b> "
        f"{first.transfer}</figcaption></figure>"
        for i, text in enumerate(frames, start=1)
    )
    more = len(letters) - LISTED_MOST
    rows = "\n".join(_row(letter) for letter in letters[:LISTED_MOST])
    return _PAGE.format(
        style=_STYLE,
        transfer=first.transfer,
        frames=_counted(len(frames), "frame"),
        figures=figures,
        notes=_counted(len(letters), "note"),
        rows=rows + (f'\n<tr><td colspan="7">and {more} more</td></tr>' if more > 0 else ""),
    )


def _code(text: str, error: str) -> "segno.QRCode":
    import segno

    return segno.make_qr(text, error=error, boost_error=True)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _row(letter: Letter) -> str:
    note = letter.note
    number, time = str(note.number or "-"), f"{note.time:%Y-%m-%d %H:%M:%S}Z"
    cells = (note.mode, note.kind, note.sender, note.receiver, number, time, letter.id[:10])
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


_STYLE: Final = """
body { font: 14px/1.45 system-ui, sans-serif; color: #111; background: #fff;
  max-width: 1000px; margin: 24px auto; padding: 0 16px; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 26px 0 6px; }
p, li { margin: 4px 0; } code { font-size: 13px; }
.frames { display: grid; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr));
  gap: 24px 20px; margin: 20px 0; }
figure { margin: 0; break-inside: avoid; } svg { width: 100%; height: auto; display: block; }
figcaption { text-align: center; color: #444; font-size: 12px; }
figcaption b { display: block; font-size: 16px; color: #111; }
table { border-collapse: collapse; font-size: 13px; }
th { text-align: left; border-bottom: 2px solid #444; padding: 3px 18px 3px 0; }
td { border-bottom: 1px solid #ccc; padding: 3px 18px 3px 0; font-variant-numeric: tabular-nums; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 11px; }
  .frames { grid-template-columns: 1fr 1fr 1fr; gap: 5mm 6mm; } h2 { break-after: avoid; }
  code { font-size: inherit; } tr { break-inside: avoid; }
  @page { size: A4; margin: 12mm; } }
"""
_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>Notes in {frames}: {transfer}</title>
<style>{style}</style>
</head>
<body>
<h1>Notes in {frames}</h1>
<ol>
<li>Scan every frame with any app that reads QR codes, in any order, as often as you like.</li>
<li>Bring the texts to the desk that they are for, one a line, in a file or pasted.</li>
<li>There: <code>tansiq note import --frames FILE</code>. It says which frames are missing.</li>
</ol>
<p>Whoever sees the frames can read the notes. Nobody can change them: they are signed.</p>
<div class="frames">
{figures}
</div>
<h2>What is in them: {notes}</h2>
<table>
<tr><th>mode</th><th>kind</th><th>from</th><th>to</th><th>number</th><th>signed</th><th>name</th></tr>
{rows}
</table>
</body>
</html>
"""
