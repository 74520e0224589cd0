"""What ``tansiq doctor`` looks at: one function per subject, each returning what it found.

Nothing is changed: the store is tried out in a folder of its own, which is removed again.
"""

import asyncio
import hashlib
import http.client
import json
import shutil
import socket
import ssl
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import apsw
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from tansiq.cli import (
    doctor_agreement,
    doctor_database,
    doctor_feeds,
    doctor_hooks,
    doctor_tokens,
)
from tansiq.cli.checks import Check, Checks, Verdict
from tansiq.clock import Clock, kernel_clock
from tansiq.domain.agreement import Agreement, Party
from tansiq.domain.intent import PartyID
from tansiq.errors import BadInput, PeerRefused, TansiqError
from tansiq.formats.agreement import load_agreement
from tansiq.http.authority import mismatch_sentence
from tansiq.peers.identity import (
    SECRETS,
    TLS_CERTIFICATE,
    TLS_KEY,
    load_fingerprint,
    load_signing_key,
    public_key,
)
from tansiq.services.planning.flight_planning import check_switch
from tansiq.settings import STORE, Settings, is_loopback, load_own_token, load_settings
from tansiq.storage.sqlite import SqliteStore

AGREEMENT_PATH: Final = "/tansiq/v1/agreement"
_DISK_FAIL_BYTES: Final = 64 * 2**20
_DISK_WARN_BYTES: Final = 2**30
_COMMIT_SLOW_S: Final = 0.1
_ANSWER_S: Final = 2.0
_ANSWER_BYTES_MAX: Final = 65_536


def examine(data: Path, clock: Clock) -> list[Check]:
    """Look at everything that can be looked at; what hangs on a failed check is left out."""
    checks = list(_folder(data))
    try:
        settings = load_settings(data)
    except BadInput as error:
        return [*checks, Check("settings", Verdict.FAIL, str(error), "see docs/configuration.md")]
    checks.append(Check("settings", Verdict.OK, f"party {settings.party}"))
    checks += _secrets(data)
    agreement = None
    try:
        agreement = load_agreement(settings.agreement)
    except BadInput as error:
        remedy = "use the file that all parties hold; see docs/agreement.md"
        checks.append(Check("agreement", Verdict.FAIL, str(error), remedy))
    if agreement is not None:
        checks += _agreed(settings, agreement, clock)
        checks += _test_interface(settings, agreement)
    checks += doctor_tokens.issuers(settings, agreement, clock)
    if agreement is not None:
        checks += doctor_tokens.credentials(settings, agreement, clock)
    checks += doctor_hooks.hooks(settings)
    checks += doctor_feeds.feeds(settings, clock)
    checks += _store(settings, clock)
    checks += _disk(data)
    checks.append(_clock())
    serving = _own_api_answers(settings)
    checks += _ports(settings, serving=serving)
    if agreement is not None:
        checks += _nodes(settings, agreement, serving=serving)
        checks += doctor_tokens.registers(settings, agreement, clock)
    return checks


def _folder(data: Path) -> Checks:
    if not data.is_dir():
        remedy = f"tansiq init --data {data} ..."
        yield Check("folder", Verdict.FAIL, f"{data} is not a folder", remedy)
        return
    mode = data.stat().st_mode & 0o777
    if mode & 0o077:
        finding = f"others on this machine may enter {data} (mode {mode:o})"
        yield Check("folder", Verdict.WARN, finding, f"chmod 700 {data}")
    else:
        yield Check("folder", Verdict.OK, f"{data}, ours alone")


def _secrets(data: Path) -> Checks:
    """Look whether each secret is there, readable to us, and to nobody else."""
    wrong = False
    for name in SECRETS:
        path = data / name
        if not path.is_file():
            wrong = True
            remedy = "restore it from a backup; a new key takes an amended agreement"
            yield Check(name, Verdict.FAIL, f"{path} is missing", remedy)
        elif (mode := path.stat().st_mode & 0o777) & 0o077:
            wrong = True
            finding = f"others may read {path} (mode {mode:o})"
            yield Check(name, Verdict.FAIL, finding, f"chmod 600 {path}; ask who could read it")
    try:
        load_own_token(data)
    except BadInput as error:
        if (data / SECRETS[-1]).is_file():
            wrong = True
            yield Check("own token", Verdict.FAIL, str(error), "write a long random word into it")
    if not wrong:
        yield Check("secrets", Verdict.OK, f"{', '.join(SECRETS)}: ours alone")


def _agreed(settings: Settings, agreement: Agreement, clock: Clock) -> Checks:
    """Look whether the agreement's entry of us is us."""
    finding = f"{agreement.name!r}, SHA-256 starts with {agreement.digest[:8]}"
    yield Check("agreement", Verdict.OK, finding)
    yield from doctor_agreement.rules(settings, agreement, clock)
    own = agreement.party(settings.party)
    if own is None:
        ids = ", ".join(party.id for party in agreement.parties)
        finding = f"{settings.party} is not in it; it names {ids}"
        yield Check(
            "party", Verdict.FAIL, finding, "correct party in tansiq.toml, or the agreement"
        )
        return
    yield _same_key(settings, own)
    if own.url.startswith("https:") != settings.peer_tls:
        finding = f"our url is {own.url}, and peer_tls is {str(settings.peer_tls).lower()}"
        yield Check("url", Verdict.FAIL, finding, "make them agree: https means peer_tls = true")
    else:
        yield _reachable_url(settings, own)
    if settings.peer_tls:
        yield from _certificate(settings, own, clock)


def _test_interface(settings: Settings, agreement: Agreement) -> Checks:
    """Look whether test programs may do here as they like, and may not spoil anything."""
    if settings.test_interface is None:
        return
    remedy = "for conformance tests only: remove [test_interface] from tansiq.toml before use"
    try:
        check_switch(agreement, PartyID(settings.party), settings.test_interface)
    except BadInput as error:
        yield Check("test interface", Verdict.FAIL, str(error), remedy)
        return
    finding = f"ON, at {settings.test_interface}: test programs may plan and end flights here"
    yield Check("test interface", Verdict.WARN, finding, remedy)


def _same_key(settings: Settings, own: Party) -> Check:
    try:
        same = public_key(load_signing_key(settings.data)) == own.public_key
    except BadInput as error:
        return Check("key", Verdict.FAIL, str(error), "restore it from a backup")
    if not same:
        finding = f"our signing key is not the public_key of {own.id} in the agreement"
        return Check("key", Verdict.FAIL, finding, "peers would refuse us: agree on party.toml")
    return Check("key", Verdict.OK, f"the agreement's public_key of {own.id} is ours")


def _reachable_url(settings: Settings, own: Party) -> Check:
    parts = urlsplit(own.url)
    if is_loopback(settings.peer_host) and not is_loopback(parts.hostname or ""):
        finding = f"peers are told {own.url}, and we listen on {settings.peer_host} only"
        remedy = "set peer_host in tansiq.toml, unless something forwards to it"
        return Check("url", Verdict.WARN, finding, remedy)
    if (parts.port or 443) != settings.peer_port:
        finding = f"peers are told {own.url}, and we listen on port {settings.peer_port}"
        remedy = "set peer_port in tansiq.toml, unless something forwards to it"
        return Check("url", Verdict.WARN, finding, remedy)
    return Check("url", Verdict.OK, own.url)


def _certificate(settings: Settings, own: Party, clock: Clock) -> Checks:
    data = settings.data
    try:
        same = load_fingerprint(data) == own.tls_sha256
        certificate = x509.load_pem_x509_certificate((data / TLS_CERTIFICATE).read_bytes())
        key = load_pem_private_key((data / TLS_KEY).read_bytes(), password=None).public_key()
    except (OSError, TypeError, ValueError, BadInput) as error:
        yield Check("certificate", Verdict.FAIL, str(error), "restore tls.key and tls.crt")
        return
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_bytes(*form) != certificate.public_key().public_bytes(*form):
        yield Check("certificate", Verdict.FAIL, "tls.crt is not of tls.key", "restore both")
    elif not same:
        finding = f"its fingerprint is not the tls_sha256 of {own.id} in the agreement"
        yield Check(
            "certificate", Verdict.FAIL, finding, "peers would refuse us: agree on party.toml"
        )
    else:
        until = certificate.not_valid_after_utc.astimezone(UTC)
        late = clock.now() > until
        finding = f"the agreement's fingerprint, {'ended' if late else 'until'} {until:%Y-%m-%d}"
        remedy = "suppliers outside refuse it; parties go by the fingerprint" if late else ""
        yield Check("certificate", Verdict.WARN if late else Verdict.OK, finding, remedy)


def _store(settings: Settings, clock: Clock) -> Checks:
    """Try out a store on this disk, and look at the one that is there, on it or in a database."""
    data = settings.data
    name = f"SQLite {apsw.sqlite_lib_version()}"
    try:
        seconds = asyncio.run(_commit_s(data, clock))
    except (OSError, TansiqError) as error:
        yield Check(
            "store", Verdict.FAIL, str(error), "a local disk that we may write to is needed"
        )
        return
    slow = seconds > _COMMIT_SLOW_S
    remedy = "plans wait for the disk; a local SSD takes a few ms" if slow else ""
    finding = f"{name}, WAL, FULL; a commit takes {seconds * 1e3:.1f} ms"
    yield Check("store", Verdict.WARN if slow else Verdict.OK, finding, remedy)
    if settings.database is not None:
        yield from doctor_database.database(settings.database, clock)
        return
    path = data / STORE
    if not path.exists():
        yield Check("records", Verdict.OK, f"none yet; `tansiq serve` makes {path}")
        return
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        mode = connection.pragma("journal_mode")
        connection.close()
    except apsw.Error as error:
        yield Check("records", Verdict.FAIL, f"{path}: {error}", "restore it from a backup")
        return
    wal = mode == "wal"
    remedy = "" if wal else "another program changed it; `tansiq serve` sets it back"
    finding = f"{path}, {path.stat().st_size / 2**20:.1f} MiB, journal {mode}"
    yield Check("records", Verdict.OK if wal else Verdict.WARN, finding, remedy)


async def _commit_s(data: Path, clock: Clock) -> float:
    """Return how long a durable commit takes on the disk of the data folder."""
    with tempfile.TemporaryDirectory(prefix="doctor-", dir=data) as folder:
        store = SqliteStore.open(Path(folder) / STORE)
        try:
            await store.probe()
            start_s = clock.monotonic_s()
            await store.probe()
            return clock.monotonic_s() - start_s
        finally:
            await store.close()


def _disk(data: Path) -> Checks:
    if not data.is_dir():
        return
    free = shutil.disk_usage(data).free
    finding = f"{free / 2**30:.1f} GiB free"
    if free < _DISK_FAIL_BYTES:
        yield Check("disk", Verdict.FAIL, finding, "make room: a full disk stops all answers")
    elif free < _DISK_WARN_BYTES:
        yield Check("disk", Verdict.WARN, finding, "make room before it is full")
    else:
        yield Check("disk", Verdict.OK, finding)


def _clock() -> Check:
    state = kernel_clock()
    remedy = "run chrony or another NTP client; F3548-21 asks for 5 s"
    if state is None:
        return Check("clock", Verdict.WARN, "unknown whether it is synchronised", remedy)
    if not state.synchronised:
        return Check("clock", Verdict.WARN, "the kernel says: not synchronised", remedy)
    if state.error_s > 1.0:
        return Check("clock", Verdict.WARN, f"may be off by {state.error_s:.1f} s", remedy)
    return Check("clock", Verdict.OK, f"synchronised within {state.error_s * 1e3:.0f} ms")


def _own_api_answers(settings: Settings) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", settings.own_port, timeout=_ANSWER_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _ports(settings: Settings, *, serving: bool) -> Checks:
    """Look whether the listeners can start, or have."""
    wanted = [
        ("own port", "127.0.0.1", settings.own_port),
        ("peer port", settings.peer_host, settings.peer_port),
    ]
    if settings.console is not None:
        wanted.append(("console port", settings.console.host, settings.console.port))
    for name, host, port in wanted:
        problem = _cannot_bind(host, port)
        if problem is None:
            verdict = Verdict.WARN if serving else Verdict.OK
            remedy = "the node serves; is this its data folder?" if serving else ""
            yield Check(name, verdict, f"{port} is free", remedy)
        elif serving:
            yield Check(name, Verdict.OK, f"{port}: a node answers")
        else:
            remedy = (
                f"choose another in tansiq.toml, or end what uses it: ss -ltnp 'sport = :{port}'"
            )
            yield Check(name, Verdict.FAIL, f"{host}:{port}: {problem}", remedy)


def _cannot_bind(host: str, port: int) -> str | None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        return error.strerror or str(error)
    return None


def _nodes(settings: Settings, agreement: Agreement, *, serving: bool) -> Checks:
    """Ask every other party's node, and ours if it serves, which agreement it holds."""
    asked = [party for party in agreement.parties if party.id != settings.party or serving]
    with ThreadPoolExecutor(max_workers=8) as pool:
        yield from pool.map(partial(_node, agreement=agreement), asked)


def _node(party: Party, agreement: Agreement) -> Check:
    name = f"node {party.id}"
    try:
        status, body = _get(party)
        held = json.loads(body) if status == http.HTTPStatus.OK else None
    except PeerRefused as error:
        remedy = "compare fingerprints by voice: another node, or somebody between"
        return Check(name, Verdict.FAIL, error.message, remedy)
    except (OSError, http.client.HTTPException) as error:
        finding = f"{party.url} does not answer ({error})"
        remedy = "plans stay uncoordinated until it answers; call its desk"
        return Check(name, Verdict.WARN, finding, remedy)
    except (ValueError, RecursionError):
        held = None
    digest = held.get("agreement") if isinstance(held, dict) else None
    if not isinstance(digest, str) or not isinstance(held, dict):
        finding = f"{party.url} answered {status}, not as a Tansiq node does"
        return Check(name, Verdict.FAIL, finding, "check the url in the agreement")
    if held.get("party") != party.id:
        finding = f"{party.url} says it is {held.get('party')!r}"
        return Check(name, Verdict.FAIL, finding, "check the url in the agreement")
    if digest != agreement.digest:
        finding = mismatch_sentence(digest, agreement.digest).replace("your", "its", 1)
        return Check(name, Verdict.FAIL, finding, "neither will coordinate until they are the same")
    return Check(name, Verdict.OK, f"{party.url}, same agreement, version {held.get('version')}")


def _get(party: Party) -> tuple[int, bytes]:
    """Ask a node for its agreement's digest, once its certificate is seen to be the right one.

    Not by ``peers.link``, which is made for a loop that runs on: it leaves refused connections to
    close behind it.
    """
    parts = urlsplit(party.url)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        # The fingerprint is the check; names and authorities play no part.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            host, parts.port, timeout=_ANSWER_S, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=_ANSWER_S)
    with closing(connection):
        connection.connect()
        if isinstance(connection.sock, ssl.SSLSocket):
            shown = hashlib.sha256(connection.sock.getpeercert(binary_form=True) or b"").digest()
            if shown != party.tls_sha256:
                raise PeerRefused(
                    f"{party.url} shows a certificate that is not the one in the agreement; "
                    f"it starts with {shown.hex()[:8]}",
                    status=0,
                )
        connection.request("GET", parts.path + AGREEMENT_PATH)
        answer = connection.getresponse()
        return answer.status, answer.read(_ANSWER_BYTES_MAX)
