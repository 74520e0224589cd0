"""``tansiq agreement``, ``invite`` and ``join`` at a terminal: what is printed, and exit codes."""

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tansiq.cli.main import cli
from tansiq.domain.agreement import Agreement
from tansiq.domain.intent import PartyID
from tansiq.formats.agreement import load_agreement, read_agreement, render_agreement
from tansiq.formats.spoken import six_words
from tansiq.settings import STORE
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Tx
from tansiq.storage.versions import VersionRows


def run(*arguments: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(cli, list(map(str, arguments)), input=stdin)


@dataclass(frozen=True)
class Pair:
    folder: Path

    @property
    def north(self) -> Path:
        return self.folder / "north"

    @property
    def south(self) -> Path:
        return self.folder / "south"

    @property
    def one(self) -> Agreement:
        return load_agreement(self.north / "agreement.toml")

    def following(self, **changes: object) -> Path:
        one = self.one
        two = replace(one, version=2, previous=one.digest, **changes)  # type: ignore[arg-type]
        path = self.folder / "two.toml"
        path.write_bytes(render_agreement(two))
        return path


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    invited = run(
        *("invite", "--data", tmp_path / "north", "--party", "north", "--name", "North Cell"),
        *("--center", "38.6,-120.3", "--no-qr"),
    )
    assert invited.exit_code == 0, invited.output
    joined = run(
        *("join", "--data", tmp_path / "south", "--party", "south", "--name", "South Cell"),
        *("--peer-port", "9443", "--own-port", "9080", "--no-qr", "--no-send", "-"),
        stdin=invited.stdout,
    )
    assert joined.exit_code == 0, joined.output
    paired = run("pair", "--data", tmp_path / "north", joined.stdout.strip())
    assert paired.exit_code == 0, paired.output
    return Pair(tmp_path)


def test_standard_output_is_the_line_alone(tmp_path: Path) -> None:
    """So that it can go into a file or down a pipe."""
    made = run("invite", "--data", tmp_path / "n", "--party", "n", "--name", "N", "--no-qr")
    assert made.stdout.startswith("TANSIQ1-INVITE:")
    assert made.stdout.count("\n") == 1
    assert made.stdout.strip() not in made.stderr
    coded = run("invite", "--data", tmp_path / "n")
    assert coded.stdout.count("\n") == 1
    assert "█" in coded.stderr


def test_what_the_folder_says_need_not_be_said_again(pair: Pair) -> None:
    assert run("invite", "--data", pair.north, "--no-qr").exit_code == 0
    same = ("--party", "north", "--name", "North Cell", "--url", "https://127.0.0.1:8443/")
    assert run("invite", "--data", pair.north, *same, "--no-qr").exit_code == 0
    for option, value in (("--party", "n"), ("--name", "N"), ("--url", "https://127.0.0.1:1")):
        refused = run("invite", "--data", pair.north, option, value)
        assert refused.exit_code == 2
        assert refused.stderr.startswith(f"error: {option}: {pair.north} holds a node")


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("invite",), "give --party and --name"),
        (("invite", "--party", "n"), "give --party and --name"),
        (("invite", "--party", "N", "--name", "N"), "write 1 to 60 of a-z"),
        (("invite", "--party", "n", "--name", "N", "--center", "38.6"), "write LAT,LNG"),
        (("invite", "--party", "n", "--name", "N", "--center", "-120.3,38.6"), "swapped"),
        (("invite", "--party", "n", "--name", "N", "--center", "0,0", "--time-s", "-1"), "86400"),
        (("invite", "--party", "n", "--name", "N", "--wait"), "give --center"),
        (("join", "--party", "n", "--name", "N", "hello"), "copy the whole line"),
        (("join", "--party", "n", "--name", "N", "TANSIQ1-REPLY:AAAA"), "tansiq pair"),
        (("pair", "TANSIQ1-INVITE:AAAA"), "tansiq join"),
    ],
)
def test_a_mistake_makes_no_folder(tmp_path: Path, arguments: tuple[str, ...], remedy: str) -> None:
    command, *rest = arguments
    refused = run(command, "--data", tmp_path / "n", *rest)
    assert refused.exit_code == 2, refused.output
    assert refused.stderr.startswith("error: ")
    assert remedy in refused.stderr
    assert not (tmp_path / "n").exists()


def test_where_to_listen_follows_from_the_url(tmp_path: Path) -> None:
    for n, (url, host) in enumerate(
        [
            ("https://192.0.2.10:8443", "0.0.0.0"),
            ("https://[2001:db8::1]:8443", "::"),
            ("https://127.0.0.1:8443", "127.0.0.1"),
        ]
    ):
        data = tmp_path / str(n)
        run("invite", "--data", data, "--party", "n", "--name", "N", "--url", url, "--no-qr")
        assert f'peer_host = "{host}"' in (data / "tansiq.toml").read_text()


def test_show_has_rules_digest_words_and_signatures(pair: Pair) -> None:
    words = " ".join(six_words(bytes.fromhex(pair.one.digest)))
    shown = run("agreement", "show", "--data", pair.north).stdout
    assert f"six words  {words}" in shown
    assert "signed by  nobody yet" in shown
    assert "not acted on yet" not in shown
    assert run("agreement", "show", pair.north / "agreement.toml").stdout == shown
    run("agreement", "sign", "--data", pair.south)
    document = json.loads(run("agreement", "show", "--data", pair.south, "--json").stdout)
    assert document["digest"] == pair.one.digest
    assert document["signed"] == ["south"]
    assert not document["in_force"]
    assert {"about": "name", "says": "North Cell and South Cell"} in document["rules"]
    assert run("agreement", "show").exit_code == 2


def test_verify_says_so_by_its_exit(pair: Pair, tmp_path: Path) -> None:
    one = pair.north / "agreement.toml"
    for name in ("north", "south"):
        note = run("agreement", "sign", "--data", tmp_path / name)
        (tmp_path / f"{name}.sig").write_bytes(note.stdout_bytes)
    sigs = (tmp_path / "north.sig", tmp_path / "south.sig")
    assert run("agreement", "verify", one, sigs[0]).exit_code == 1
    assert run("agreement", "verify", one, *sigs).exit_code == 0
    document = json.loads(run("agreement", "verify", *sigs, one, "--json").stdout)
    assert document["good"]
    assert document["versions"][0]["signed"] == ["north", "south"]
    # Any spoilt file among them shows, and signatures alone are nothing.
    spoilt = tmp_path / "spoilt.sig"
    spoilt.write_bytes(sigs[0].read_bytes().replace(b"signer: north", b"signer: south"))
    result = run("agreement", "verify", one, *sigs, spoilt)
    assert result.exit_code == 1
    assert "BAD" in result.stdout
    alone = run("agreement", "verify", pair.following(name="Other"), sigs[0])
    assert "not among the files" in alone.stdout
    assert alone.exit_code == 1
    assert run("agreement", "verify", *sigs).exit_code == 2
    (tmp_path / "x.txt").write_text("hello")
    assert run("agreement", "verify", one, tmp_path / "x.txt").exit_code == 2


def test_diff_says_what_changes_and_who_signs(pair: Pair) -> None:
    one = pair.north / "agreement.toml"
    assert run("agreement", "diff", one, one).stdout == "The rules are the same, byte for byte.\n"
    crlf = pair.folder / "crlf.toml"
    crlf.write_bytes(one.read_bytes().replace(b"\n", b"\r\n"))
    assert "two agreements" in run("agreement", "diff", one, crlf).stdout
    changed = run("agreement", "diff", one, pair.following(name="New name"))
    assert changed.exit_code == 1
    assert "  was  North Cell and South Cell\n  now  New name\n" in changed.stdout
    assert "All parties sign" in changed.stdout
    struck = pair.following(
        struck=frozenset({PartyID("south")}),
        registers=pair.one.registers[:1],
        resting=pair.one.registers,
    )
    roll = run("agreement", "diff", one, struck).stdout
    assert "struck off\n  was  (nothing)\n  now  south: may not plan" in roll
    assert "Signed by 2 of 2 parties it is in force." in roll


def struck_south(pair: Pair) -> Path:
    return pair.following(
        struck=frozenset({PartyID("south")}),
        registers=pair.one.registers[:1],
        resting=pair.one.registers,
    )


def checked(data: Path, name: str) -> list[str]:
    checks = json.loads(run("doctor", "--data", data, "--json").stdout)["checks"]
    return [check["verdict"] for check in checks if check["name"] == name]


def test_doctor_says_who_is_struck_off(pair: Pair) -> None:
    assert checked(pair.north, "struck") == []
    two = struck_south(pair)
    for data, verdict in ((pair.north, "OK"), (pair.south, "WARN")):
        (data / "agreement.toml").write_bytes(two.read_bytes())
        assert checked(data, "struck") == [verdict]


def test_adopt_takes_a_version_that_is_in_force(pair: Pair) -> None:
    one, two = pair.north / "agreement.toml", struck_south(pair)
    for data in (pair.north, pair.south):
        assert run("agreement", "sign", "--data", data, one).exit_code == 0
    sigs = []
    for data in (pair.north, pair.south):
        signed = run("agreement", "sign", "--data", data, two)
        sigs.append(pair.folder / f"{data.name}.sig")
        sigs[-1].write_text(signed.stdout)
    alone = run("agreement", "adopt", "--data", pair.north, two)
    assert alone.exit_code == 1
    assert "signed by 1 of 2 parties" in alone.stderr
    assert not (pair.north / "agreement-next.toml").exists()

    dry = run("agreement", "adopt", "--data", pair.north, two, *sigs, "--dry-run")
    assert dry.exit_code == 0
    assert "struck off\n  was  (nothing)\n  now  south: may not plan" in dry.stdout
    assert "Nothing was written" in dry.stdout
    assert not (pair.north / "agreement-next.toml").exists()

    done = run("agreement", "adopt", "--data", pair.north, *sigs, two)
    assert done.exit_code == 0
    assert "goes over at its next start" in done.stdout
    assert (pair.north / "agreement-next.toml").read_bytes() == two.read_bytes()
    assert checked(pair.north, "next version") == ["WARN"]
    gone = run("agreement", "adopt", "--data", pair.north, "--cancel")
    assert gone.stdout == "The node stays with its version.\n"
    assert run("agreement", "adopt", "--data", pair.north, "--cancel").stdout == (
        "Nothing was waited for.\n"
    )
    same = run("agreement", "adopt", "--data", pair.north, one)
    assert (same.exit_code, same.stdout) == (0, "Version 1 is in force here already.\n")
    assert run("agreement", "adopt", "--data", pair.north, *sigs).exit_code == 2


def test_adopt_goes_by_what_the_node_serves_under_and_not_by_the_file(pair: Pair) -> None:
    """The file was exchanged by hand, and the node has not gone over."""
    one, two = (pair.north / "agreement.toml").read_bytes(), struck_south(pair)
    serve_under(pair.north, one)
    sigs = []
    for data in (pair.north, pair.south):
        run("agreement", "sign", "--data", data, data / "agreement.toml")
        signed = run("agreement", "sign", "--data", data, two)
        sigs.append(pair.folder / f"{data.name}.sig")
        sigs[-1].write_text(signed.stdout)
    assert checked(pair.north, "served version") == []
    (pair.north / "agreement.toml").write_bytes(two.read_bytes())
    assert checked(pair.north, "served version") == ["WARN"]
    alone = run("agreement", "adopt", "--data", pair.north, two)
    assert alone.exit_code == 1
    assert "agreement.toml is version 2 already; this node serves under version 1" in alone.stdout
    assert "signed by 1 of 2 parties" in alone.stderr
    done = run("agreement", "adopt", "--data", pair.north, *sigs, two)
    assert done.exit_code == 0, done.output
    assert "From version 1 to 2" in done.stdout
    assert (pair.north / "agreement-next.toml").read_bytes() == two.read_bytes()
    serve_under(pair.north, two.read_bytes())
    same = run("agreement", "adopt", "--data", pair.north, two)
    assert same.stdout == "Version 2 is in force here already.\n"
    assert checked(pair.north, "served version") == []


def serve_under(data: Path, file: bytes) -> None:
    """Note in a node's store that it has served under a version."""

    async def write(tx: Tx) -> None:
        await VersionRows(tx).add(read_agreement(file).digest, 0, file)

    async def keep() -> None:
        store = SqliteStore.open(data / STORE)
        await store.write(write)
        await store.close()

    asyncio.run(keep())


def test_a_store_that_cannot_be_read_is_told_as_such(pair: Pair) -> None:
    (pair.north / STORE).write_bytes(b"no database" * 1_000)
    told = run("agreement", "adopt", "--data", pair.north, struck_south(pair))
    assert told.exit_code == 4
    assert STORE in told.stderr


@pytest.mark.parametrize(
    ("left", "verdict"),
    [(timedelta(days=-1), "FAIL"), (timedelta(days=6), "WARN"), (timedelta(days=8), "OK")],
)
def test_doctor_says_how_long_the_agreement_holds(
    pair: Pair, left: timedelta, verdict: str
) -> None:
    until = datetime.now(UTC) + left
    content = render_agreement(replace(pair.one, valid_until=until))
    (pair.north / "agreement.toml").write_bytes(content)
    checks = json.loads(run("doctor", "--data", pair.north, "--json").stdout)["checks"]
    (found,) = (check for check in checks if check["name"] == "validity")
    assert found["verdict"] == verdict


def test_doctor_notices_a_file_with_another_key_than_we_met(pair: Pair) -> None:
    path = pair.north / "agreement.toml"
    south = pair.one.parties[1]
    other = replace(south, tls_sha256=b"x" * 32)
    changed = replace(pair.one, parties=(pair.one.parties[0], other))
    path.write_bytes(render_agreement(changed))
    checks = json.loads(run("doctor", "--data", pair.north, "--json").stdout)["checks"]
    (peers,) = (check for check in checks if check["name"] == "peers")
    assert peers["verdict"] == "FAIL"
    refused = run("agreement", "sign", "--data", pair.north)
    assert refused.exit_code == 2
    assert "showed when you met" in " ".join(refused.stderr.split())
