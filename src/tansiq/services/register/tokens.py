"""Names that nobody can guess: ids and OVNs, from the system's randomness."""

import base64
import threading
from collections.abc import Callable
from os import urandom
from typing import Final

_BLOCK: Final = 4_096
_OVN_BYTES: Final = 24
"""192 bits; 32 characters as text, none of which needs an escape in a URL."""


class Tokens:
    """Makes ids and OVNs; may be used from several threads.

    Randomness is drawn a block at a time: a call into the system for each of them costs more than
    the statement that stores it.
    """

    def __init__(self, randomness: Callable[[int], bytes] = urandom) -> None:
        self._randomness = randomness
        self._lock = threading.Lock()
        self._block = b""

    def _take(self, count: int) -> bytes:
        with self._lock:
            if len(self._block) < count:
                self._block = self._randomness(_BLOCK)
            taken, self._block = self._block[:count], self._block[count:]
        return taken

    def new_ovn(self) -> str:
        """Return an OVN or version."""
        return base64.urlsafe_b64encode(self._take(_OVN_BYTES)).decode("ascii")

    def new_id(self) -> str:
        """Return a UUID of version 4, canonical."""
        digits = bytearray(self._take(16))
        digits[6] = digits[6] & 0x0F | 0x40
        digits[8] = digits[8] & 0x3F | 0x80
        text = digits.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
