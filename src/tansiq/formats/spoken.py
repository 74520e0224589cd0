"""Hashes as people compare them by voice: six words of English, or groups of digits.

66 bits. The list has 2,048 words; ``docs/joining.md`` says where it comes from.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

WORDS: Final = 6
_BITS: Final = 11
_DIGITS: Final = 20
_GROUP: Final = 4
_PATH: Final = Path(__file__).with_name("words.txt")
_NUMERALS: Final = {
    "ar": "٠١٢٣٤٥٦٧٨٩",
    "bn": "০১২৩৪৫৬৭৮৯",
    "fa": "۰۱۲۳۴۵۶۷۸۹",
    "hi": "०१२३४५६७८९",
    "my": "၀၁၂၃၄၅၆၇၈၉",
    "ne": "०१२३४५६७८९",
    "ps": "۰۱۲۳۴۵۶۷۸۹",
    "ur": "۰۱۲۳۴۵۶۷۸۹",
}
"""Of languages that write digits of their own."""


@cache
def word_list() -> tuple[str, ...]:
    """Return the 2,048 words. Another list would make two nodes show different words."""
    words = tuple(_PATH.read_text(encoding="ascii").split())
    if len(words) != 1 << _BITS:
        raise RuntimeError(f"{_PATH} has {len(words)} words; it came with the package, restore it")
    return words


def _leading(digest: bytes) -> int:
    """Return the first 66 bits of a hash."""
    return int.from_bytes(digest, "big") >> (8 * len(digest) - WORDS * _BITS)


def six_words(digest: bytes) -> tuple[str, ...]:
    """Return the first 66 bits of a hash as six words."""
    value, words = _leading(digest), word_list()
    steps = range((WORDS - 1) * _BITS, -1, -_BITS)
    return tuple(words[value >> step & (len(words) - 1)] for step in steps)


def digit_groups(digest: bytes, language: str = "en") -> tuple[str, ...]:
    """Return the same 66 bits as five groups of four digits, in a language's own digits."""
    digits = f"{_leading(digest):0{_DIGITS}}"
    numerals = _NUMERALS.get(language.partition("-")[0])
    if numerals:
        digits = digits.translate(str.maketrans("0123456789", numerals))
    return tuple(digits[i : i + _GROUP] for i in range(0, _DIGITS, _GROUP))


def common_hash(identities: Sequence[bytes]) -> bytes:
    """Return one hash over what several sides say of themselves, the same at each of them.

    Each is hashed first, so that no byte can pass from one to the next; then they are sorted.
    """
    parts = sorted(hashlib.sha256(identity).digest() for identity in identities)
    return hashlib.sha256(b"tansiq/pair@v1\n" + b"".join(parts)).digest()
