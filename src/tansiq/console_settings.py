"""The table ``[console]`` of ``tansiq.toml``: where people on other machines reach the console.

Off without it. On this machine the console and the own API stay where ``own_port`` says.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tansiq.strict_toml import Table

KEYS: Final = ("host", "port", "names", "certificate", "key")
_NAMES_MAX: Final = 16
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\]")
"""A host name or IPv4 address, or an IPv6 address in brackets, as browsers write them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings:
    """A listener with TLS for people elsewhere; it serves what the own listener serves."""

    port: int
    names: tuple[str, ...]
    """Names and addresses by which browsers may ask for it; all others are refused, so that no page
    whose name was pointed here gets through."""
    host: str = "0.0.0.0"  # noqa: S104 - it is for other machines, and there only under TLS
    certificate: Path
    key: Path

    @property
    def url(self) -> str:
        """The address to be given to people."""
        return f"https://{self.names[0]}{'' if self.port == 443 else f':{self.port}'}/"


def read_console(top: Table, data: Path, *, taken: tuple[int, ...]) -> ConsoleSettings | None:
    """Read the table; None where there is none.

    Raises:
        BadInput: something in it is wrong.
    """
    if "console" not in top:
        return None
    table = top.table("console", KEYS, required=True)
    names = tuple(
        name.lower() for name in table.texts("names", count_max=_NAMES_MAX, chars_max=253)
    )
    if not names:
        raise table.wrong(
            "names", 'missing: by which names do browsers reach it? such as ["cell.example"]'
        )
    for name in names:
        if _NAME.fullmatch(name) is None:
            raise table.wrong(
                "names", f"{name!r} is no host name or address; leave scheme and port out"
            )
    if ("certificate" in table) != ("key" in table):
        missing = "key" if "certificate" in table else "certificate"
        raise table.wrong(missing, "missing: certificate and key are given both or not at all")
    port = table.whole("port", default=8444, low=1, high=65_535)
    if port in taken:
        raise table.wrong("port", f"{port} is taken by another listener of ours; choose another")
    return ConsoleSettings(
        port=port,
        names=names,
        host=table.text("host", default="0.0.0.0", chars_max=253),  # noqa: S104 - as above
        certificate=data / table.text("certificate", default="tls.crt"),
        key=data / table.text("key", default="tls.key"),
    )
