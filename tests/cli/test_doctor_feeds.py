"""``tansiq doctor`` and feeds: what they need, and whether their sources are there."""

import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tansiq.cli import doctor_feeds
from tansiq.cli.checks import Verdict
from tansiq.clock import SystemClock
from tansiq.settings import read_settings

HEAD = 'party = "north"\n'


def verdict(data: Path, **keys: str) -> tuple[Verdict, str]:
    lines = "".join(f'{key} = "{value}"\n' for key, value in keys.items())
    text = f'{HEAD}[[feed]]\nname = "roof"\n{lines}'
    (check,) = doctor_feeds.feeds(read_settings(data, text.encode()), SystemClock())
    assert check.name == "feed roof"
    assert (check.verdict is Verdict.OK) == (not check.remedy)
    return check.verdict, check.finding


def test_a_file_is_there_and_fresh(tmp_path: Path) -> None:
    path = tmp_path / "air craft.json"
    keys = {"kind": "aircraft-json", "url": f"file://{tmp_path}/air%20craft.json"}
    assert verdict(tmp_path, **keys) == (Verdict.WARN, f"{path}: No such file or directory")
    path.write_text("{}")
    assert verdict(tmp_path, **keys)[0] is Verdict.OK
    old = (datetime.now(UTC) - timedelta(minutes=5)).timestamp()
    os.utime(path, (old, old))
    found, said = verdict(tmp_path, **keys)
    assert found is Verdict.WARN
    assert "is 300 s old" in said


def test_a_receiver_that_takes_no_connection_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        found, said = verdict(tmp_path, kind="sbs", url=url)
        assert found is Verdict.WARN
        assert "Connection refused" in said
        taken.listen()
        assert verdict(tmp_path, kind="sbs", url=url)[0] is Verdict.OK
    found, said = verdict(tmp_path, kind="cot", url="udp://127.0.0.1:4242")
    assert found is Verdict.OK
    assert "nobody can be asked" in said


def test_files_of_a_secured_feed_are_read(tmp_path: Path) -> None:
    keys = {"kind": "cot", "url": "tls://tak.example:8089", "authority": "ca.pem"}
    found, said = verdict(tmp_path, **keys)
    assert found is Verdict.FAIL
    assert str(tmp_path / "ca.pem") in said
    (tmp_path / "ca.pem").write_text("no certificate")
    assert verdict(tmp_path, **keys)[0] is Verdict.FAIL


def test_the_port_for_tak_clients_needs_the_nodes_certificate(tmp_path: Path) -> None:
    text = f"{HEAD}[cot]\nport = 8087\ntls = true\n"
    (check,) = doctor_feeds.feeds(read_settings(tmp_path, text.encode()), SystemClock())
    assert (check.name, check.verdict) == ("cot", Verdict.FAIL)
    assert "certificate cannot be read" in check.finding
