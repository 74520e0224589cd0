"""The alternative in a database: PostGIS in a throw-away cluster, asked by prepared statements.

Each volume has its box in four dimensions (x, y, altitude, time) under a GiST n-D index, and its
outline in the plane, which ``ST_Intersects`` judges. The cluster lives in a temporary folder,
speaks over a Unix socket there alone, and does not wait for the disk (fsync off).
"""

import os
import pwd
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import shapely

from _airspaces import START_US, Airspace
from _tree import planar

try:
    import psycopg
except ImportError:
    psycopg = None  # type: ignore[assignment] # For this bench alone, hence not among the tools.

NAME = "PostGIS"
INSTALL = (
    "apt-get install postgresql postgresql-15-postgis-3 && "
    ".venv/bin/python -m pip install 'psycopg[binary]'"
)
_SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "listen_addresses=",
    "shared_buffers=1GB",
    "maintenance_work_mem=512MB",
    "max_wal_size=4GB",
    "jit=off",
    "autovacuum=off",
)
_TABLE = """
CREATE TABLE volume (
    id int4, box geometry, outline geometry,
    starts int8, ends int8, low float8, high float8
)
"""
_INDEX = "CREATE INDEX ON volume USING gist (box gist_geometry_ops_nd)"
_SEARCH = """
SELECT id FROM volume
 WHERE box &&& %b::geometry
   AND starts <= %b AND ends >= %b AND low <= %b AND high >= %b
   AND ST_Intersects(outline, %b::geometry)
"""
_LINE_ZM, _POINTS = 2 | 0x80000000 | 0x40000000, 2
_US = 1e-6


def lacking() -> str | None:
    """Return what is not installed, or None."""
    if psycopg is None:
        return "psycopg"
    return None if _programs() else "PostgreSQL with PostGIS"


def _programs() -> Path | None:
    """Return the folder of the latest server that has PostGIS beside it."""
    versions = Path("/usr/lib/postgresql").glob("[0-9]*")
    for version in sorted(versions, key=lambda path: int(path.name), reverse=True):
        control = Path("/usr/share/postgresql", version.name, "extension/postgis.control")
        if control.exists() and (version / "bin/initdb").exists():
            return version / "bin"
    return None


def _user() -> str | None:
    """Return who is to run the server, which refuses to be root's; None for whoever we are."""
    return "postgres" if os.geteuid() == 0 else None


@contextmanager
def cluster() -> Iterator[Any]:
    """Run a server of our own; yield a connection. It ends with us, also if we are told to."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    programs, user = _programs(), _user()
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    try:
        run("initdb", "-A", "trust", "-U", "bench", "--no-sync")
        options = " ".join(f"-c {setting}" for setting in _SETTINGS)
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", f"-k {folder} {options}", "start")
        try:
            with psycopg.connect(host=str(folder), user="bench", dbname="postgres") as connection:
                connection.autocommit = True
                connection.execute("CREATE EXTENSION postgis")
                yield connection
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def box_of(sky: Airspace, outlines: Any, row: int) -> bytes:
    """Return the diagonal of a volume's box, as EWKB: its bounds are the box."""
    west, south, east, north = outlines[row].bounds
    start, end = ((int(us) - START_US) * _US for us in sky.batch.spans[row])
    low, high = sky.batch.levels[row]
    corners = (west, south, low, start, east, north, high, end)
    return struct.pack("<BII8d", 1, _LINE_ZM, _POINTS, *corners)


class Table:
    """The volumes of one airspace, in the database."""

    def __init__(self, connection: Any, sky: Airspace) -> None:
        self._cursor = connection.cursor(binary=True)
        self._cursor.execute("DROP TABLE IF EXISTS volume")
        self._cursor.execute(_TABLE)
        outlines = planar(sky)
        with self._cursor.copy("COPY volume FROM STDIN") as copy:
            rows = zip(outlines, sky.batch.spans, sky.batch.levels, strict=True)
            for i, (outline, (start, end), (low, high)) in enumerate(rows):
                box = box_of(sky, outlines, i).hex()
                # In the text form, the hexadecimal one of a geometry is its own.
                copy.write_row((i, box, shapely.to_wkb(outline, hex=True), start, end, low, high))
        self._cursor.execute(_INDEX)
        self._cursor.execute("VACUUM ANALYZE volume")
        # Planning anew for each question takes longer than most answers.
        self._cursor.execute("SET plan_cache_mode = force_generic_plan")

    def questions(self, sky: Airspace) -> list[tuple[Any, ...]]:
        """Return the parameters of searches for volumes of another airspace."""
        outlines = planar(sky)
        found = []
        for i in range(len(sky.batch)):
            (start, end), (low, high) = sky.batch.spans[i].tolist(), sky.batch.levels[i].tolist()
            parameters = (box_of(sky, outlines, i), end, start, high, low)
            found.append((*parameters, shapely.to_wkb(outlines[i])))
        return found

    def query(self, question: tuple[Any, ...]) -> list[tuple[int]]:
        """Return the ids of what conflicts."""
        return self._cursor.execute(_SEARCH, question, prepare=True).fetchall()

    def nothing(self) -> None:
        """Go there and back."""
        self._cursor.execute("SELECT 1", prepare=True).fetchall()

    def plan(self, question: tuple[Any, ...]) -> str:
        """Return how a search is executed."""
        rows = self._cursor.execute("EXPLAIN " + _SEARCH, question, prepare=True).fetchall()
        return "\n".join(row[0] for row in rows)
