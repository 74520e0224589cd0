"""The table ``[cot]`` of ``tansiq.toml``: the port that TAK clients connect to; off without it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tansiq.loopback import is_loopback
from tansiq.strict_toml import Table

KEYS: Final = ("port", "host", "tls", "clients", "clients_max", "every_s", "stall_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class CotSettings:
    """Where TAK clients connect, and who may.

    Beyond this machine it takes TLS, and certificates of the clients: a stream has no login, and
    whoever is connected sees the whole picture.
    """

    port: int
    host: str = "127.0.0.1"
    tls: bool = False
    """With the node's own ``tls.key`` and ``tls.crt``."""
    clients: Path | None = None
    """PEM file of the authorities whose client certificates are let in; None: none is asked for."""
    clients_max: int = 50
    """Connected at once."""
    every_s: float = 2.0
    """How often each is sent the picture, seconds."""
    stall_s: float = 20.0
    """One that takes nothing for so long is disconnected."""


def read_cot(top: Table, data: Path, *, taken: tuple[int, ...]) -> CotSettings | None:
    """Read the table; None where there is none.

    Raises:
        BadInput: something in it is wrong, or it would be open to whoever reaches the port.
    """
    if "cot" not in top:
        return None
    table = top.table("cot", KEYS, required=True)
    plain = CotSettings(port=1)
    host = table.text("host", default=plain.host, chars_max=253)
    tls = table.flag("tls", default=False)
    clients = data / table.text("clients") if "clients" in table else None
    if not is_loopback(host) and not tls:
        raise table.wrong("tls", f"without TLS this is for this machine only, and {host} is not")
    if not is_loopback(host) and clients is None:
        raise table.wrong(
            "clients",
            f"missing: whoever reaches {host} would see the picture; name the PEM file of the "
            "authority of your clients' certificates",
        )
    if clients is not None and not tls:
        raise table.wrong("clients", "only with tls = true; certificates are shown under TLS")
    port = table.whole("port", low=1, high=65_535)
    if port in taken:
        raise table.wrong("port", f"{port} is own_port or peer_port too; choose another")
    return CotSettings(
        port=port,
        host=host,
        tls=tls,
        clients=clients,
        clients_max=table.whole("clients_max", default=plain.clients_max, low=1, high=10_000),
        every_s=table.number("every_s", default=plain.every_s, low=0.5, high=60.0),
        stall_s=table.number("stall_s", default=plain.stall_s, low=1.0, high=3_600.0),
    )
