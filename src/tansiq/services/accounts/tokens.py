"""Secrets that are handed out once and kept as their hashes: sessions, feed tokens, the first link.

256 random bits need no slow hash: nobody can try them. They are looked up by their SHA-256, so how
long a look-up takes says nothing of a token that the asker does not have.
"""

import hashlib
import secrets
from typing import Final

SESSION: Final = "tss_"
FEED: Final = "tsf_"
FIRST: Final = "tsu_"
"""Prefixes, so that a token found somewhere can be told for what it is."""

_BYTES: Final = 32


def new_token(prefix: str) -> str:
    """Return a token that nobody can guess."""
    return prefix + secrets.token_urlsafe(_BYTES)


def digest(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def csrf_of(token: str) -> str:
    """Return the word that a page must send besides the session's cookie.

    Made of the token, which pages cannot read: nothing more is kept, and it ends with its session.
    """
    return hashlib.sha256(b"csrf " + token.encode("utf-8", "surrogateescape")).hexdigest()
