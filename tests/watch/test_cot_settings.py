"""The table [cot]: off without it, this machine only without TLS, known clients only beyond it."""

from pathlib import Path

import pytest

from tansiq.cot_settings import CotSettings
from tansiq.errors import BadInput
from tansiq.settings import read_settings

DATA = Path("/data")


def read(table: str) -> CotSettings | None:
    return read_settings(DATA, b'party = "north"\n' + table.encode()).cot


def test_it_is_off_by_default() -> None:
    assert read("") is None


def test_a_port_alone_is_for_this_machine() -> None:
    assert read("[cot]\nport = 8087\n") == CotSettings(port=8087)


def test_everything_can_be_said() -> None:
    said = 'host = "0.0.0.0"\ntls = true\nclients = "tak.pem"\nclients_max = 3\n'
    assert read(f"[cot]\nport = 8089\n{said}every_s = 0.5\nstall_s = 60\n") == CotSettings(
        port=8089,
        host="0.0.0.0",
        tls=True,
        clients=DATA / "tak.pem",
        clients_max=3,
        every_s=0.5,
        stall_s=60.0,
    )


@pytest.mark.parametrize(
    ("table", "field", "remedy"),
    [
        ('port = 1\nhost = "0.0.0.0"', "cot.tls", "this machine only"),
        ('port = 1\nhost = "192.0.2.1"\nclients = "a.pem"', "cot.tls", "this machine only"),
        ('port = 1\nhost = "tak.example"\ntls = true', "cot.clients", "whoever reaches"),
        ('port = 1\nclients = "a.pem"', "cot.clients", "tls = true"),
        ("port = 8080", "cot.port", "own_port or peer_port"),
        ("port = 8443", "cot.port", "own_port or peer_port"),
        ("port = 0", "cot.port", "1 to 65535"),
        ("port = 65536", "cot.port", "1 to 65535"),
        ("tls = true", "cot.port", "missing"),
        ("port = 1\nevery_s = 0.49", "cot.every_s", "0.5 to 60"),
        ("port = 1\nevry_s = 1", "cot.evry_s", "every_s"),
        ("port = 1\nclients_max = 0", "cot.clients_max", "1 to"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(table: str, field: str, remedy: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(f"[cot]\n{table}\n")
    assert (caught.value.field or "").endswith(field)
    assert remedy in caught.value.message


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_takes_no_tls_and_may_have_it(host: str) -> None:
    assert read(f'[cot]\nport = 1\nhost = "{host}"\n') is not None
    assert read(f'[cot]\nport = 1\nhost = "{host}"\ntls = true\n') is not None
