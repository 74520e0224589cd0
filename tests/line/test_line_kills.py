"""Notices of two real nodes: none lost, none doubled in effect, with both killed on the way.

Real processes, ``kill -9`` of either or both at random moments, and a link that loses, delays,
repeats, reorders and is cut. Once nothing waits any more both stores hold the same notes, to the
byte, show the same conversations, and each note has one receipt, signed by the other side over its
name: see ``line_kills``.
"""

import random
from pathlib import Path

import apsw
import pytest
from tests.line.line_kills import Report, judged, run

SAMPLE = (200, 2)
FULL = (10_000, 60)
"""Notices and kills (some of both nodes)."""

SPOILT = {
    "a receipt is gone": "DELETE FROM note WHERE seq IN "
    "(SELECT seq FROM note WHERE kind = 'receipt' ORDER BY seq LIMIT 1)",
    "a notice is another's answer": "UPDATE note SET thread = (SELECT MIN(id) FROM note) "
    "WHERE id = (SELECT MAX(id) FROM note WHERE kind = 'notice')",
    "the feed told it twice": "INSERT INTO event (seq, time, kind, id, body) "
    "SELECT 10000000, time, kind, id, body FROM event WHERE kind = 'note' LIMIT 1",
    "an entry was changed": "UPDATE record_entry SET body = CAST(body || 'x' AS BLOB) "
    "WHERE seq = 7",
}


async def judge(seed: int, notices: int, kills: int, base: Path) -> Report:
    report = await run(seed, notices, kills, base)
    print(report)
    replay = f".venv/bin/python -m tests.line.line_kills {seed} {notices} {kills}"
    assert not report.wrong, "\n".join([f"replay: {replay}", *report.wrong[:20]])
    return report


@pytest.mark.anyio
async def test_none_is_lost_and_none_doubled_with_killed_nodes(tmp_path: Path) -> None:
    """Also: the judge notices what it is there for, in copies of what it has just found good."""
    report = await judge(random.randrange(10**6), *SAMPLE, tmp_path)
    data = report.folders["south"].data / "tansiq.db"
    good = data.read_bytes()
    for how, sql in SPOILT.items():
        with apsw.Connection(str(data)) as db:
            db.execute(sql)
            assert db.total_changes() == 1, how
        db.close()
        assert await judged(report), how
        data.write_bytes(good)


@pytest.mark.soak
@pytest.mark.anyio
@pytest.mark.timeout(7200)
async def test_none_is_lost_and_none_doubled_at_full_size(tmp_path: Path) -> None:
    await judge(20260104, *FULL, tmp_path)
