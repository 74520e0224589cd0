"""Ids and names by language, as files have them."""

import re
from collections.abc import Mapping
from typing import Final

from tansiq.strict_toml import Table, quote

LANGUAGES_MAX: Final = 16

_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,58}[a-z0-9])?", re.ASCII)
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)


def is_id(text: str) -> bool:
    """Report whether a text can be the id of a party, register or desk."""
    return bool(_ID.fullmatch(text))


def read_id(table: Table, key: str) -> str:
    """Return an id."""
    value = table.text(key)
    if not is_id(value):
        raise table.wrong(key, "write 1 to 60 of a-z, 0-9, dot, dash and underscore, such as north")
    return value


def is_language(text: str) -> bool:
    """Report whether a text is a language code."""
    return bool(_LANGUAGE.fullmatch(text))


def read_names(table: Table) -> dict[str, str]:
    """Return the names of a party or desk by language, the English one among them."""
    languages = tuple(table.mapping("names"))
    names = table.table("names", languages)
    if len(languages) > LANGUAGES_MAX:
        raise table.wrong("names", f"{len(languages)} entries; at most {LANGUAGES_MAX}")
    for language in languages:
        if not is_language(language):
            raise names.wrong(language, "not a language code such as en, ar or pt-BR")
    if "en" not in languages:
        raise names.wrong("en", "missing; every party and every desk has an English name")
    return {language: names.text(language, chars_max=60) for language in languages}


def render_names(names: Mapping[str, str]) -> str:
    """Write names as ``read_names`` reads them."""
    entries = ", ".join(f"{language} = {quote(name)}" for language, name in names.items())
    return f"names = {{ {entries} }}"
