"""What makes a node itself: its signing key, its TLS certificate, its own token and its folder.

The signing key is Ed25519 and stands in the agreement. TLS has a key of its own (browsers refuse
Ed25519 certificates), self-signed and recognised by its fingerprint, so nobody needs an authority.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
)
from cryptography.hazmat.primitives.asymmetric.ec import (
    generate_private_key as generate_ec_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tansiq.domain.agreement import Party
from tansiq.domain.intent import PartyID
from tansiq.errors import BadInput
from tansiq.formats.agreement import party_block, read_party_block
from tansiq.settings import FILE, OWN_TOKEN, is_loopback, read_settings
from tansiq.strict_toml import quote

SIGNING_KEY: Final = "signing.key"
TLS_KEY: Final = "tls.key"
TLS_CERTIFICATE: Final = "tls.crt"
PARTY: Final = "party.toml"
SECRETS: Final = (SIGNING_KEY, TLS_KEY, OWN_TOKEN)
"""Files that nobody but the node's user may read."""

_CERTIFICATE_LIFE: Final = timedelta(days=365 * 30)
"""Long: it is believed for its fingerprint, and another one takes an amended agreement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNode:
    """What people decide of a node; its keys are made with it."""

    party: str
    names: Mapping[str, str]
    url: str
    """As the other parties reach its peer-facing listener."""
    own_port: int = 8080
    peer_host: str = "127.0.0.1"
    peer_port: int = 8443


@dataclass(frozen=True, slots=True)
class NodeFiles:
    """The content of a data folder that does not exist yet, and its entry in the agreement."""

    party: Party
    contents: Mapping[str, bytes]


def load_signing_key(data: Path) -> Ed25519PrivateKey:
    """Read a node's signing key.

    Raises:
        BadInput: no such file, or not such a key.
    """
    path = data / SIGNING_KEY
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", field=str(path)) from error
    except (TypeError, ValueError) as error:
        raise BadInput("not an unencrypted private key in PEM", field=str(path)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput("not an Ed25519 key", field=str(path))
    return key


def public_key(signing_key: Ed25519PrivateKey) -> bytes:
    """Return the 32 bytes that stand in the agreement."""
    return signing_key.public_key().public_bytes_raw()


def load_fingerprint(data: Path) -> bytes:
    """Return the SHA-256 of a node's certificate, as the agreement names it.

    Raises:
        BadInput: no such file, or not a certificate.
    """
    path = data / TLS_CERTIFICATE
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", field=str(path)) from error
    except ValueError as error:
        raise BadInput("not a certificate in PEM", field=str(path)) from error
    return certificate.fingerprint(SHA256())


def make_node(new: NewNode, now: datetime) -> NodeFiles:
    """Make keys, certificate, token and settings of a node; nothing is written.

    Raises:
        BadInput: an id, name, URL or port is not what an agreement or the settings take.
    """
    signing_key, tls_key = Ed25519PrivateKey.generate(), generate_ec_key(SECP256R1())
    # A first reading, because the certificate is made for the host.
    draft = Party(
        id=PartyID(new.party),
        names=new.names,
        public_key=public_key(signing_key),
        url=new.url,
        tls_sha256=bytes(32) if new.url.startswith("https:") else b"",
    )
    party = read_party_block(party_block(draft))
    certificate = _certificate(party, tls_key, now)
    if party.tls_sha256:
        party = replace(party, tls_sha256=certificate.fingerprint(SHA256()))
    settings = _settings_text(new, party).encode()
    read_settings(Path(), settings)
    contents = {
        SIGNING_KEY: _pem(signing_key),
        TLS_KEY: _pem(tls_key),
        TLS_CERTIFICATE: certificate.public_bytes(Encoding.PEM),
        OWN_TOKEN: f"{secrets.token_urlsafe(32)}\n".encode(),
        PARTY: party_block(party).encode(),
        FILE: settings,
    }
    return NodeFiles(party, contents)


def write_node(data: Path, files: NodeFiles) -> None:
    """Write a data folder that only its user can enter; whole, or not at all.

    Raises:
        BadInput: the folder is not empty, or cannot be written.
    """
    check_vacant(data)
    written: list[Path] = []
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        data.chmod(0o700)
        for name, content in files.contents.items():
            path = data / name
            mode = 0o600 if name in SECRETS else 0o644
            # Exclusive: two runs at once must not mix their keys.
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                written.append(path)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise BadInput(f"cannot be written ({error.strerror})", field=str(data)) from error


def check_vacant(data: Path) -> None:
    """Check that a new node may be made in a folder.

    Raises:
        BadInput: something is there already.
    """
    try:
        present = sorted(path.name for path in data.iterdir() if path.name != "lost+found")
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", field=str(data)) from error
    if SIGNING_KEY in present:
        raise BadInput(
            "holds a node already, and its key stands in agreements; choose another --data, "
            "or move this folder away first",
            field=str(data),
        )
    if present:
        raise BadInput(f"is not empty ({present[0]}); choose another --data", field=str(data))


def _certificate(party: Party, key: EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    host = urlsplit(party.url).hostname or ""
    hosts = {host, "localhost", "127.0.0.1"} if is_loopback(host) else {host}
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, party.id)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A day early, for peers whose clock is behind ours.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _CERTIFICATE_LIFE)
        .add_extension(
            x509.SubjectAlternativeName(map(_general_name, sorted(hosts))), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, SHA256())
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _settings_text(new: NewNode, party: Party) -> str:
    return f"""\
# Settings of this node; every one is described in docs/configuration.md.
party = "{party.id}"
agreement = "agreement.toml"  # beside this file

own_port = {new.own_port}  # own API, this machine only
peer_host = {quote(new.peer_host)}  # where other parties' nodes reach us
peer_port = {new.peer_port}
peer_tls = {str(bool(party.tls_sha256)).lower()}

# [limits] and [timers] override the defaults one by one, for example:
# [timers]
# peer_request_s = 5.0
"""
