"""``tansiq report`` and ``tansiq log-set``, against the own API on a real socket."""

import asyncio
import json
from pathlib import Path

import msgspec
import pytest
from tests.cli.test_client_commands import Shell, shell
from tests.http.own_world import NOON

from tansiq.domain.time import micros
from tansiq.f3548 import wire
from tansiq.f3548.convert import to_time
from tansiq.f3548.logs import USSLogSet
from tansiq.services.exchanges import Said
from tansiq.services.reports import Role

__all__ = ["shell"]


def filed(shell: Shell, **changed: object) -> str:
    exchange = wire.ExchangeRecord(
        url="https://north.example/uss/v1/constraints",
        method="GET",
        recorder_role="Client",
        request_time=to_time(NOON),
        response_body="eyJhIjogMX0=",
    )
    report = wire.ErrorReport(exchange=msgspec.structs.replace(exchange, **changed))
    kept = asyncio.run(
        shell.node.api.reports.file(report, reporter="uss1", role=Role.USS, now=NOON)
    )
    return str(kept.report_id)


def test_reports_are_listed_and_shown(shell: Shell) -> None:
    assert shell("report list").out == "no reports\n"
    plain = filed(shell, problem="took 8 s")
    answered = filed(shell, response_code=500)
    lines = shell("report list").out.splitlines()
    assert [line.split()[0] for line in lines] == [answered[:8], plain[:8]]
    assert lines[0].endswith("GET https://north.example/uss/v1/constraints: 500")
    assert lines[1].endswith("no answer; took 8 s")
    shown = shell("report show", plain[:6])
    assert shown.code == 0
    assert '{"a": 1}' in shown.out
    assert "filed by uss1 at our USS role" in shown.out
    assert json.loads(shell("report show --json", plain).out)["id"] == plain
    assert shell("report show zzz").code == 2


def test_what_a_report_says_does_not_steer_the_terminal(shell: Shell) -> None:
    report = filed(shell, problem="\x1b[2Jgone\r\n7f0a41c2  forged line", url="https://a\x07b")
    for out in (shell("report list").out, shell("report show", report).out):
        assert "\x1b" not in out
        assert "\x07" not in out
    assert len(shell("report list").out.splitlines()) == 1


def noted(shell: Shell, count: int) -> None:
    for i in range(count):
        shell.node.record.note(
            "south",
            Said(
                url="https://south.example/uss/v1/constraints",
                method="GET",
                role="Client",
                source="north",
                asked=micros(NOON),
                answer=bytes([i % 256]) * 30_000,
                code=200,
            ),
        )


def test_a_log_set_is_written_to_a_file_or_standard_output(shell: Shell, tmp_path: Path) -> None:
    noted(shell, 60)
    file = tmp_path / "all.json"
    assert shell("log-set --output", str(file)).code == 0
    found = msgspec.json.decode(file.read_bytes(), type=USSLogSet)
    assert len(found.messages) == 60
    printed = shell("log-set --to 2026-11-23T12:00:00Z --peer south")
    assert printed.code == 0
    assert json.loads(printed.out) == json.loads(file.read_bytes())
    none = shell("log-set --from 2026-11-23T11:00:00Z --to 2026-11-23T11:59:59Z")
    assert json.loads(none.out)["messages"] == []


def test_no_file_is_overwritten_and_none_is_left_half_written(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "all.json"
    file.write_text("precious")
    again = shell("log-set --output", str(file))
    assert (again.code, file.read_text()) == (2, "precious")
    assert "File exists" in again.err
    for wrong in ("--from yesterday", "--to 2026-11-23T11:00:00Z --from 2026-11-23T12:00:00Z"):
        other = tmp_path / "other.json"
        assert shell(f"log-set {wrong} --output", str(other)).code == 2
        assert not other.exists()
    assert shell("log-set --output", str(tmp_path / "no" / "folder.json")).code == 2


def test_an_answer_that_breaks_off_is_no_log_set(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Method: the record's file fails after the first page."""
    noted(shell, 200)
    record = shell.node.record
    asyncio.run(record.flush())
    read, reads = record._store.read, 0

    async def failing(fn: object) -> object:
        nonlocal reads
        reads += 1
        if reads > 2:
            raise RuntimeError("planted")
        return await read(fn)  # type: ignore[arg-type]

    monkeypatch.setattr(record._store, "read", failing)
    file = tmp_path / "all.json"
    broken = shell("log-set --output", str(file))
    assert broken.code == 3
    assert not file.exists()
