"""An exchange of F3548-21 as an entry of the record: hashes of what was sent and answered.

Unsigned: the checkpoint over it is signed. The bodies stay in the record of exchanges, where they
may be cut or dropped in time; who kept them can show that they are those.
"""

import hashlib
from typing import Final

from tansiq.domain.time import from_micros
from tansiq.services.exchanges import Said

KIND: Final = "exchange"
_HEAD: Final = "tansiq/exchange@v1"


def exchange_entry(peer: str, said: Said) -> bytes:
    """Return the canonical text of one exchange, whose bodies are whole.

    ``answered``, ``status`` and ``response`` are left out where no answer came.
    """
    lines = [
        ("role", said.role.lower()),
        ("peer", peer),
        ("method", said.method),
        ("url", said.url),
        ("asked", _time(said.asked)),
        ("answered", None if said.answered is None else _time(said.answered)),
        ("status", None if said.code is None else str(said.code)),
        ("request", _digest(said.request)),
        ("response", None if said.code is None else _digest(said.answer)),
    ]
    told = [f"{key}: {_one_line(value)}" for key, value in lines if value is not None]
    return "\n".join([_HEAD, *told, ""]).encode()


def _time(micros: int) -> str:
    return from_micros(micros).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _one_line(value: str) -> str:
    """Write what could pass for another line, and what no text may hold, percent-encoded."""
    return "".join(
        char if char.isprintable() else "".join(f"%{byte:02X}" for byte in _bytes(char))
        for char in value
    )


def _bytes(char: str) -> bytes:
    return char.encode("utf-8", "surrogatepass")
