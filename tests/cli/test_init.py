"""``tansiq init`` and ``tansiq doctor``: a node's folder is whole and private; faults are named."""

import json
import re
import ssl
import stat
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from tests.ports import free_ports

from tansiq.cli.node import doctor, init
from tansiq.clock import SystemClock
from tansiq.console_settings import ConsoleSettings
from tansiq.cot_settings import CotSettings
from tansiq.domain.agreement import Minima, Party
from tansiq.domain.volume import Circle, LatLng
from tansiq.errors import BadInput
from tansiq.feed_settings import FeedSource
from tansiq.formats.agreement import agreement_toml, read_agreement, read_party_block
from tansiq.peers.identity import (
    NewNode,
    load_fingerprint,
    load_signing_key,
    make_node,
    public_key,
    write_node,
)
from tansiq.settings import (
    GrantedCredential,
    IssuerFile,
    Limits,
    Settings,
    SignedCredential,
    Timers,
    load_own_token,
    load_settings,
)
from tansiq.strict_toml import spell
from tansiq.watch_settings import WatchSettings


def run(data: Path, *options: str) -> Result:
    arguments = ["--data", str(data), "--party", "north", "--name", "North Cell", *options]
    return CliRunner().invoke(init, arguments)


def refused(result: Result) -> BadInput:
    assert isinstance(result.exception, BadInput), result.output
    return result.exception


def test_a_new_folder_is_whole_and_private(tmp_path: Path) -> None:
    data = tmp_path / "deep" / "north"
    result = run(data, "--name-in", "ar", "خلية الشمال")
    assert result.exit_code == 0, result.output
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in data.iterdir()}
    assert modes == {
        "signing.key": 0o600,
        "tls.key": 0o600,
        "own.token": 0o600,
        "tls.crt": 0o644,
        "party.toml": 0o644,
        "tansiq.toml": 0o644,
    }
    assert stat.S_IMODE(data.stat().st_mode) == 0o700

    party = read_party_block(result.stdout)
    assert (data / "party.toml").read_text() == result.stdout
    assert party.names == {"en": "North Cell", "ar": "خلية الشمال"}
    assert party.public_key == public_key(load_signing_key(data))
    assert party.tls_sha256 == load_fingerprint(data)
    assert party.url == "https://127.0.0.1:8443"
    settings = load_settings(data)
    assert (settings.party, settings.own_port, settings.peer_port) == ("north", 8080, 8443)
    assert settings.agreement == data / "agreement.toml"
    assert load_own_token(data) not in result.output


def test_secrets_are_new_each_time(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    run(a), run(b)
    for name in ("signing.key", "tls.key", "tls.crt", "own.token"):
        assert (a / name).read_bytes() != (b / name).read_bytes()


def test_the_certificate_is_p256_and_for_the_host(tmp_path: Path) -> None:
    """And TLS itself takes it, with key and name checked by OpenSSL."""
    run(tmp_path / "n", "--url", "https://node.example.org")
    content = (tmp_path / "n" / "tls.crt").read_bytes()
    certificate = x509.load_pem_x509_certificate(content)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["node.example.org"]
    assert certificate.public_key().curve.name == "secp256r1"  # type: ignore[union-attr]
    assert certificate.fingerprint(SHA256()) == load_fingerprint(tmp_path / "n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "n" / "tls.crt", tmp_path / "n" / "tls.key")


def test_the_port_follows_the_url_unless_told_otherwise(tmp_path: Path) -> None:
    for n, (options, port, url) in enumerate(
        [
            (["--url", "https://192.0.2.1:9443"], 9443, "https://192.0.2.1:9443"),
            (["--url", "https://192.0.2.1:9443", "--peer-port", "7"], 7, "https://192.0.2.1:9443"),
            (["--url", "https://192.0.2.1/"], 8443, "https://192.0.2.1"),
            (["--peer-port", "7443"], 7443, "https://127.0.0.1:7443"),
            (["--url", "http://127.0.0.1:7000"], 7000, "http://127.0.0.1:7000"),
        ]
    ):
        result = run(tmp_path / str(n), *options)
        assert load_settings(tmp_path / str(n)).peer_port == port
        assert read_party_block(result.stdout).url == url
    assert not load_settings(tmp_path / "4").peer_tls
    assert read_party_block(result.stdout).tls_sha256 == b""


def test_an_existing_node_is_never_overwritten(tmp_path: Path) -> None:
    run(tmp_path / "n")
    before = {path: path.read_bytes() for path in (tmp_path / "n").iterdir()}
    error = refused(run(tmp_path / "n"))
    assert "choose another --data" in error.message
    assert {path: path.read_bytes() for path in (tmp_path / "n").iterdir()} == before


def test_only_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o755)
    (tmp_path / "mine" / "diary.txt").write_text("x")
    assert "not empty (diary.txt)" in refused(run(tmp_path / "mine")).message
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) == 0o755
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "lost+found").mkdir()
    assert run(tmp_path / "disk").exit_code == 0


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    result = run(tmp_path / "n", "--dry-run")
    assert result.exit_code == 0
    assert "signing.key" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (["--party", "North"], "id"),
        (["--party", 'a"\nb'], "party"),
        (["--name", ""], "names.en"),
        (["--name-in", "arabic", "x"], "names.arabic"),
        (["--url", "http://192.0.2.1"], "url"),
        (["--url", "https://[::1"], "url"),
        (["--own-port", "65536"], "own_port"),
        (["--own-port", "8443"], "peer_port"),
        (["--peer-host", "a\nb"], "tansiq.toml"),
    ],
)
def test_what_an_agreement_would_refuse_makes_no_folder(
    tmp_path: Path, options: list[str], field: str
) -> None:
    assert refused(run(tmp_path / "n", *options)).field == field
    assert list(tmp_path.iterdir()) == []


def test_a_folder_half_written_is_taken_back(tmp_path: Path) -> None:
    """The second file of six cannot be made; the first is removed again."""
    files = make_node(NewNode(party="n", names={"en": "N"}, url="https://h"), SystemClock().now())
    broken = replace(files, contents={"signing.key": b"x", "no/such/folder": b"y"})
    with pytest.raises(BadInput, match="cannot be written"):
        write_node(tmp_path / "n", broken)
    assert list((tmp_path / "n").iterdir()) == []


# Settings


@pytest.mark.parametrize(
    ("text", "field", "remedy"),
    [
        ("own_prot = 1", "own_prot", "did you mean own_port"),
        ("[limits]\nbody_bytes = 1", "limits.body_bytes", "did you mean body_bytes_max"),
        ("[timers]\ntoken_life = 30", "timers.token_life", "not text"),
        ('[timers]\ntoken_life = "61 min"', "timers.token_life", "token_life_max"),
        ('[timers]\ntoken_life_max = "61 min"', "timers.token_life_max", "at most 1 h"),
        ("[timers]\npeer_request_s = 0", "timers.peer_request_s", "0.001"),
        ("[timers]\npeer_request_s = nan", "timers.peer_request_s", "nan"),
        ("[limits]\njson_depth_max = 201", "limits.json_depth_max", "200"),
        ("[limits]\nkey_max = 1.5", "limits.key_max", "whole number"),
        ("peer_tls = false\npeer_host = '0.0.0.0'", "peer_tls", "this machine only"),
        ("own_port = 0", "own_port", "1 to 65535"),
        ("audiences = ['a', 3]", "audiences[1]", "not text"),
        ("[[issuer]]\niss = 'x'", "issuer[0].public_key", "missing"),
    ],
)
def test_settings_are_read_strictly(tmp_path: Path, text: str, field: str, remedy: str) -> None:
    (tmp_path / "tansiq.toml").write_text(f"party = 'north'\n{text}\n")
    with pytest.raises(BadInput) as caught:
        load_settings(tmp_path)
    assert caught.value.field == field
    assert remedy in caught.value.message


def test_settings_override_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "tansiq.toml").write_text(
        """
        party = "north"
        agreement = "/elsewhere/agreement.toml"
        audiences = ["Node.Example"]
        [limits]
        key_max = 7
        plan_ahead_max = "56 d"
        [timers]
        peer_request_s = 2
        [[issuer]]
        iss = "pool"
        public_key = "pool.pem"
        """
    )
    settings = load_settings(tmp_path)
    assert settings.agreement == Path("/elsewhere/agreement.toml")
    assert settings.audiences == ("node.example",)
    assert settings.limits.key_max == 7
    assert settings.limits.plan_ahead_max == timedelta(days=56)
    assert settings.limits.body_bytes_max == 4_000_000
    assert settings.timers.peer_request_s == 2.0
    assert settings.issuers[0].public_key == tmp_path / "pool.pem"


_OTHERWISE = (
    "party",
    "agreement",
    "database",
    "audiences",
    "test_interface",
    "clock_error_s",
    "cot",
    "watch",
)
"""Settings whose default is said in words."""


def test_every_setting_is_documented_with_its_default() -> None:
    text = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) *\| ", text, flags=re.MULTILINE))
    spelt = {
        knob.name: knob.default for kind in (Limits, Timers, Settings) for knob in fields(kind)
    }
    assert "`--data`" in text
    for name in ("data", "limits", "timers"):
        del spelt[name]
    spelt["issuer"], spelt["credential"] = spelt.pop("issuers"), spelt.pop("credentials")
    spelt["feed"] = spelt.pop("feeds")
    spelt["hook"] = spelt.pop("hooks")
    tables = {
        knob.name
        for kind in (
            *(IssuerFile, GrantedCredential, SignedCredential),
            *(FeedSource, CotSettings, ConsoleSettings, WatchSettings),
        )
        for knob in fields(kind)
    }
    spelt |= {knob.name: knob.default for knob in fields(WatchSettings)}
    for name, default in spelt.items():
        shown = spell(default) if isinstance(default, timedelta) else default
        if isinstance(default, bool):
            shown = str(default).lower()
        elif isinstance(default, int | float):
            shown = f"{default:.15g}"
        if name not in (*_OTHERWISE, "issuer", "credential", "feed", "hook", "console"):
            assert rows[name] == shown, name
    assert rows.keys() - {"tansiq.toml"} == spelt.keys() | tables


# Doctor


class Peer:
    """A node's answer to the one question that the doctor asks, over TLS of a data folder."""

    def __init__(self, data: Path, port: int, answer: Any) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:
                self.asked.append(handler.path)
                handler.send_response(200)
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(handler, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(data / "tls.crt", data / "tls.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)


@contextmanager
def serving(data: Path, port: int, answer: Any) -> Iterator[Peer]:
    peer = Peer(data, port, answer)
    thread = Thread(target=peer.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield peer
    finally:
        peer.server.shutdown()
        thread.join()
        peer.server.server_close()


class Pair:
    """Two data folders and their agreement; the doctor is asked about north."""

    def __init__(self, folder: Path) -> None:
        self.own_port, *ports = free_ports(3)
        self.north, self.south = folder / "north", folder / "south"
        self.port = dict(zip(("north", "south"), ports, strict=True))
        self.parties: list[Party] = []
        for name in ("north", "south"):
            new = NewNode(
                party=name,
                names={"en": name},
                url=f"https://127.0.0.1:{self.port[name]}",
                own_port=self.own_port,
                peer_port=self.port[name],
            )
            files = make_node(new, SystemClock().now())
            write_node(folder / name, files)
            self.parties.append(files.party)
        self.agree(self.parties)

    def agree(self, parties: list[Party]) -> None:
        content = agreement_toml(
            name="Valley",
            parties=parties,
            area=Circle(center=LatLng(0, 0), radius_m=10_000),
            minima=Minima(horizontal_m=1_000, vertical_m=100),
        )
        (self.north / "agreement.toml").write_bytes(content)
        self.digest = read_agreement(content).digest

    def checks(self) -> dict[str, tuple[str, str]]:
        """Return verdict and words of each check, by name; exit code and verdicts agree."""
        result = CliRunner().invoke(doctor, ["--data", str(self.north), "--json"])
        report = json.loads(result.stdout)
        verdicts = [check["verdict"] for check in report["checks"]]
        assert report["failed"] == ("FAIL" in verdicts) == bool(result.exit_code), result.output
        for check in report["checks"]:
            assert check["remedy"] or check["verdict"] == "OK" or check["name"] == "clock", check
        return {
            check["name"]: (check["verdict"], f"{check['finding']} -> {check['remedy']}")
            for check in report["checks"]
        }


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_a_sound_node_whose_peer_answers_passes(pair: Pair) -> None:
    answer = {"party": "south", "agreement": pair.digest, "version": "0.1.0"}
    with serving(pair.south, pair.port["south"], answer) as peer:
        checks = pair.checks()
    assert peer.asked == ["/tansiq/v1/agreement"]
    clock = checks.pop("clock")
    assert clock[0] in {"OK", "WARN"}, "the machine's own"
    verdict, found = checks.pop("store")
    commit_ms = re.search(r"a commit takes ([\d.]+) ms", found)
    assert commit_ms is not None, found
    assert verdict == ("WARN" if float(commit_ms[1]) > 100.0 else "OK"), "the machine's own too"
    assert {verdict for verdict, _ in checks.values()} == {"OK"}, checks
    assert sorted(path.name for path in pair.north.iterdir()) == [
        "agreement.toml",
        "own.token",
        "party.toml",
        "signing.key",
        "tansiq.toml",
        "tls.crt",
        "tls.key",
    ], "nothing is left behind"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"party": "south", "agreement": "cd" * 32}, "its agreement starts with 'cdcdcdcd'"),
        ({"party": "west", "agreement": "cd" * 32}, "says it is 'west'"),
        ({"party": "south"}, "not as a Tansiq node"),
        ([], "not as a Tansiq node"),
        (b"<html>", "not as a Tansiq node"),
        (b"\xff", "not as a Tansiq node"),
    ],
)
def test_a_peer_that_answers_otherwise_fails(pair: Pair, answer: Any, words: str) -> None:
    with serving(pair.south, pair.port["south"], answer):
        verdict, found = pair.checks()["node south"]
    assert verdict == "FAIL"
    assert words in found


def test_a_peer_with_another_certificate_fails_and_is_not_asked(pair: Pair) -> None:
    with serving(pair.north, pair.port["south"], {}) as impostor:
        verdict, found = pair.checks()["node south"]
    assert verdict == "FAIL"
    assert "not the one in the agreement" in found
    assert impostor.asked == []


def test_a_silent_peer_is_a_warning(pair: Pair) -> None:
    verdict, found = pair.checks()["node south"]
    assert verdict == "WARN"
    assert "uncoordinated" in found


def test_keys_that_are_not_the_agreements_fail(pair: Pair) -> None:
    north, south = pair.parties
    strange = replace(north, public_key=bytes([2]) * 32, tls_sha256=bytes([3]) * 32)
    pair.agree([strange, south])
    checks = pair.checks()
    assert checks["key"][0] == checks["certificate"][0] == "FAIL"
    pair.agree([south])
    verdict, found = pair.checks()["party"]
    assert (verdict, "names south" in found) == ("FAIL", True)


def test_a_certificate_of_another_key_fails(pair: Pair) -> None:
    (pair.north / "tls.key").write_bytes((pair.south / "tls.key").read_bytes())
    assert pair.checks()["certificate"] == ("FAIL", "tls.crt is not of tls.key -> restore both")


def test_secrets_that_others_may_read_or_that_are_gone_fail(pair: Pair) -> None:
    (pair.north / "signing.key").chmod(0o640)
    (pair.north / "own.token").unlink()
    (pair.north).chmod(0o750)
    checks = pair.checks()
    assert checks["signing.key"][0] == checks["own.token"][0] == "FAIL"
    assert "chmod 600" in checks["signing.key"][1]
    assert checks["folder"][0] == "WARN"


def test_a_port_in_use_by_another_program_fails(pair: Pair) -> None:
    with socket(AF_INET, SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", pair.port["north"]))
        taken.listen()
        checks = pair.checks()
    assert checks["peer port"][0] == "FAIL"
    assert "ss -ltnp" in checks["peer port"][1]
    assert checks["own port"][0] == "OK"


def test_a_url_that_is_not_where_we_listen_is_a_warning(pair: Pair) -> None:
    north, south = pair.parties
    for url, words in {
        f"https://127.0.0.1:{pair.port['north'] + 1}": "we listen on port",
        f"https://192.0.2.1:{pair.port['north']}": "on 127.0.0.1 only",
    }.items():
        pair.agree([replace(north, url=url), south])
        verdict, found = pair.checks()["url"]
        assert (verdict, words in found) == ("WARN", True)


def test_no_folder_and_a_bad_agreement_are_said(pair: Pair, tmp_path: Path) -> None:
    result = CliRunner().invoke(doctor, ["--data", str(tmp_path / "absent")])
    assert result.exit_code == 1
    assert "FAIL  folder" in result.stdout
    assert "tansiq init --data" in result.stdout
    (pair.north / "agreement.toml").write_text("purpose = 'x'")
    verdict, found = pair.checks()["agreement"]
    assert (verdict, "purpose: unknown key" in found) == ("FAIL", True)


def test_the_settings_file_is_plain_toml(pair: Pair) -> None:
    assert tomllib.loads((pair.north / "tansiq.toml").read_text())["party"] == "north"
