"""Build src/tansiq/formats/egm96.bin, the geoid that Tansiq ships, from Debian's proj-data.

    apt-get download proj-data
    dpkg-deb --fsys-tarfile proj-data_*.deb | tar -xO ./usr/share/proj/egm96_15.gtx > egm96_15.gtx
    python scripts/build_geoid.py egm96_15.gtx src/tansiq/formats/egm96.bin

Source: EGM96, undulations on a 15' grid, National Geospatial-Intelligence Agency (then NIMA) and
NASA Goddard, 1996; in PROJ's GTX form (big-endian: lat0, lng0, steps as doubles, rows, columns as
int32, then float32 metres, south to north).

Output: the magic line, a table of 1 + 103 little-endian uint32 file positions, then one
zlib stream for each band of 7 rows. A row holds int16 centimetres of 1,440 columns from 180 W, as
second differences along the row; each row but a band's first is first reduced by the row before.
One point on earth then costs one or two bands, under 1 % of the file.
"""

import array
import hashlib
import struct
import sys
import zlib
from pathlib import Path

SHA256 = "c02a6eb70a7a78efebe5adf3ade626eb75390e170bb8b3f36136a2c28f5326a0"
MAGIC = b"tansiq egm96 1\n"
ROWS, COLUMNS, BAND_ROWS = 721, 1_440, 7


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    grid = source.read_bytes()
    if hashlib.sha256(grid).hexdigest() != SHA256:
        sys.exit(f"{source} is not Debian's egm96_15.gtx (sha256 {SHA256})")
    lat0, lng0, step, step_lng, rows, columns = struct.unpack_from(">4d2i", grid)
    if (lat0, lng0, step, step_lng, rows, columns) != (-90, -180, 0.25, 0.25, ROWS, COLUMNS):
        sys.exit("unexpected header")
    metres = array.array("f", grid[40:])
    if sys.byteorder == "little":
        metres.byteswap()
    centimetres = [round(value * 100) for value in metres]
    table = [centimetres[i * COLUMNS : (i + 1) * COLUMNS] for i in range(ROWS)]
    bands = [_band(table[i : i + BAND_ROWS]) for i in range(0, ROWS, BAND_ROWS)]
    position = len(MAGIC) + 4 * (len(bands) + 1)
    positions = [position]
    for band in bands:
        position += len(band)
        positions.append(position)
    header = MAGIC + struct.pack(f"<{len(positions)}I", *positions)
    target.write_bytes(header + b"".join(bands))
    print(f"{target}: {position} bytes, {len(bands)} bands")


def _band(rows: list[list[int]]) -> bytes:
    coded = array.array("h")
    before = [0] * COLUMNS
    for row in rows:
        reduced = [value - below for value, below in zip(row, before, strict=True)]
        coded.extend(_differences(_differences(reduced)))
        before = row
    if sys.byteorder == "big":
        coded.byteswap()
    return zlib.compress(coded.tobytes(), 9)


def _differences(values: list[int]) -> list[int]:
    return [b - a for a, b in zip([0, *values], values, strict=False)]


if __name__ == "__main__":
    main()
