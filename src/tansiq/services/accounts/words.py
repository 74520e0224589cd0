"""What names, initials and passwords may look like; checked before anything is made of them."""

import re
import unicodedata
from typing import Annotated, Final

import msgspec

from tansiq.errors import BadInput

PASSWORD_CHARS_MIN: Final = 12
PASSWORD_CHARS_MAX: Final = 256
"""Hashing takes time by the length of what is hashed, so the limit comes before it."""
_DIFFERENT_MIN: Final = 5
"""Characters of a password that are not the same."""
_BESIDE_NAME_MIN: Final = 9
"""Characters of it that are not the account's name."""
TOKEN_CHARS_MAX: Final = 128
_NAME: Final = re.compile(r"[a-z][a-z0-9._-]{1,31}", re.ASCII)
_INITIALS: Final = re.compile(r"[A-Z][A-Z0-9]{1,3}", re.ASCII)
_DISPLAY_CHARS_MAX: Final = 60
_STEERING: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Categories of characters that steer rather than show: controls, directions, unassigned."""

Secret = Annotated[str, msgspec.Meta(max_length=PASSWORD_CHARS_MAX)]
Word = Annotated[str, msgspec.Meta(max_length=TOKEN_CHARS_MAX)]


def is_account_name(text: str) -> bool:
    """Report whether an account may have this name."""
    return _NAME.fullmatch(text) is not None


def check_account_name(text: str) -> str:
    """Return the name.

    ASCII only, so that no two names look alike; one spelling only, so that none is another's in
    capitals.

    Raises:
        BadInput: no account may have it.
    """
    if not is_account_name(text):
        raise BadInput(
            "write 2 to 32 of a-z, 0-9, dot, dash and underscore, a letter first; "
            "the name to show may be anything",
            field="name",
        )
    return text


def check_initials(text: str) -> str:
    """Return the initials.

    Raises:
        BadInput: not two to four capitals.
    """
    if not _INITIALS.fullmatch(text):
        raise BadInput("write 2 to 4 of A-Z and 0-9, a letter first", field="initials")
    return text


def check_display_name(text: str, field: str = "display_name") -> str:
    """Return the name to show, composed (NFC).

    Raises:
        BadInput: empty, too long, or with characters that steer a terminal or a page.
    """
    shown = unicodedata.normalize("NFC", text).strip()
    if not 0 < len(shown) <= _DISPLAY_CHARS_MAX:
        raise BadInput(f"write 1 to {_DISPLAY_CHARS_MAX} characters", field=field)
    if any(unicodedata.category(char) in _STEERING for char in shown):
        raise BadInput("leave out line breaks and other characters that do not show", field=field)
    return shown


def check_new_password(text: str, *, name: str, field: str = "password") -> str:
    """Return a password that an account may get.

    Long rather than ornate: twelve characters, of any kind.

    Raises:
        BadInput: too short, too long, or as good as the name.
    """
    if not PASSWORD_CHARS_MIN <= len(text) <= PASSWORD_CHARS_MAX:
        raise BadInput(
            f"take {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters, such as four words",
            field=field,
        )
    if any(unicodedata.category(char) in ("Cc", "Cs", "Cn") for char in text):
        raise BadInput("leave out control characters", field=field)
    if len(set(text)) < _DIFFERENT_MIN or len(text.lower().replace(name, "")) < _BESIDE_NAME_MIN:
        raise BadInput("too easily guessed; take four words, for example", field=field)
    return text
