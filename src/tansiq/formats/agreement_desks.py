"""Desks in the agreement file: ``[[party.desk]]``."""

import re
from collections.abc import Mapping
from typing import Final

from tansiq.domain.desk import ALWAYS, DAYS, Desk, Hours
from tansiq.errors import BadInput
from tansiq.formats.names import LANGUAGES_MAX, is_language, read_id, read_names, render_names
from tansiq.strict_toml import Table, quote

DESKS_MAX: Final = 16
DESK_KEYS: Final = ("id", "names", "languages", "hours", "days", "deputy", "voice")

_HOURS: Final = re.compile(r"([01]\d|2[0-3])([0-5]\d)-([01]\d|2[0-4])([0-5]\d)", re.ASCII)


def read_desks(party: Table, names: Mapping[str, str]) -> tuple[Desk, ...]:
    """Return the desks of a party; where one names no languages, they are those of the party."""
    tables = party.tables("desk", DESK_KEYS, count_max=DESKS_MAX)
    desks: list[Desk] = []
    for table in tables:
        desk = _desk(table, tuple(names))
        if any(desk.id == other.id for other in desks):
            raise table.wrong("id", f"{desk.id} is taken by an earlier desk of this party")
        desks.append(desk)
    ids = [desk.id for desk in desks]
    for table, desk in zip(tables, desks, strict=True):
        if desk.deputy == desk.id:
            raise table.wrong("deputy", "a desk is not its own deputy; name another, or leave out")
        if desk.deputy and desk.deputy not in ids:
            there = ", ".join(ids)
            raise table.wrong("deputy", f"this party has no desk {desk.deputy}; there are {there}")
    return tuple(desks)


def _desk(table: Table, languages: tuple[str, ...]) -> Desk:
    return Desk(
        id=read_id(table, "id"),
        names=read_names(table),
        languages=_languages(table) or languages,
        hours=_hours(table),
        deputy=read_id(table, "deputy") if "deputy" in table else "",
        voice=table.text("voice", chars_max=120) if "voice" in table else "",
    )


def _languages(table: Table) -> tuple[str, ...]:
    languages = table.texts("languages", count_max=LANGUAGES_MAX, chars_max=40)
    for i, language in enumerate(languages):
        if not is_language(language):
            raise table.wrong(f"languages[{i}]", "not a language code such as en, ar or pt-BR")
        if language in languages[:i]:
            raise table.wrong(f"languages[{i}]", f"{language} is there already")
    return languages


def _hours(table: Table) -> Hours:
    start_min, end_min = _span(table, table.text("hours", default=str(ALWAYS)))
    days = table.texts("days", count_max=len(DAYS), chars_max=3)
    for i, day in enumerate(days):
        if day not in DAYS:
            raise table.wrong(f"days[{i}]", f"{day!r} is not one of {', '.join(DAYS)}")
    try:
        return Hours(
            start_min=start_min,
            end_min=end_min,
            days=frozenset(map(DAYS.index, days or DAYS)),
        )
    except BadInput as error:
        raise table.wrong(error.field or "hours", error.message) from error


def _span(table: Table, text: str) -> tuple[int, int]:
    if text == str(ALWAYS):
        return ALWAYS.start_min, ALWAYS.end_min
    match = _HOURS.fullmatch(text)
    ends = [int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3)] if match else []
    if not ends or ends[1] > ALWAYS.end_min:
        raise table.wrong("hours", 'write UTC hours such as "0600-1800", or "24h"')
    # "1800-0000" ends at midnight, which is 2400 of the day before.
    return ends[0], ends[1] or ALWAYS.end_min


def render_desk(desk: Desk) -> str:
    """Write one desk as it stands in the file, after its party."""
    days = [DAYS[day] for day in sorted(desk.hours.days)]
    lines = [
        "[[party.desk]]",
        f"id = {quote(desk.id)}",
        render_names(desk.names),
        f"languages = [{', '.join(map(quote, desk.languages))}]",
        f"hours = {quote(str(desk.hours))}",
        f"days = [{', '.join(map(quote, days))}]",
    ]
    if desk.deputy:
        lines.append(f"deputy = {quote(desk.deputy)}")
    if desk.voice:
        lines.append(f"voice = {quote(desk.voice)}")
    return "\n".join(lines) + "\n"
