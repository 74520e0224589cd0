"""``tansiq phrases``: the codes of the phrase book, and how each reads. Offline."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import click

from tansiq.domain.phrase import WHOLE, Kind, Phrase, Value
from tansiq.errors import BadInput
from tansiq.formats.phrase_book import FALLBACK, Language, PhraseBook, phrase_book, render
from tansiq.formats.phrase_examples import example
from tansiq.formats.spelling import PDI, RLI, Setting

_DAY: Final = Setting(day=date(2026, 11, 28))
"""That of the examples, so that their times read as on the day itself."""


@click.command()
@click.argument("code", required=False)
@click.option("--language", metavar="CODE", help="Show this one beside English: ar, he, ru.")
@click.option(
    "--with",
    "given",
    metavar="NAME=VALUE",
    multiple=True,
    help="Show CODE with this parameter instead of an example; repeat for others.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, one code each.")
def phrases(
    code: str | None, *, language: str | None, given: tuple[str, ...], as_json: bool
) -> None:
    """List coded messages with their parameters, and how each reads.

    CODE is a code, a group of codes such as say, or the beginning of some; without it all are
    shown. What is inserted is an example, but for what --with gives. Figures, names and free text
    are set apart with marks of direction, so that they read right in Arabic and Hebrew, in a
    terminal that draws those at all.

    \b
      tansiq phrases --language ar stop
      tansiq phrases say.will-be-late --with flight=HERON-1 --with minutes=21 --language ru
      tansiq phrases --json > codes.jsonl

    Exit codes: 0 done, 2 no such code or language, or a parameter that is none.
    """
    book = phrase_book()
    beside = _language(book, language)
    codes = _chosen(book, code)
    if given and len(codes) != 1:
        raise BadInput("belongs to a single CODE; write its whole name", field="--with")
    for i, each in enumerate(codes):
        parameters = example(book.codes, each) | _given(book.codes[each], given)
        book.check(Phrase(code=each, parameters=parameters))
        if as_json:
            click.echo(json.dumps(_document(book, each, parameters), ensure_ascii=False))
            continue
        if i:
            click.echo()
        click.echo(_head(book, each))
        for spoken in beside:
            text = render(each, parameters, spoken.code, _DAY)
            # The line begins with our letters: a sentence from the right is set apart as a whole.
            shown = f"{RLI}{text}{PDI}" if spoken.direction == "rtl" else text
            click.echo(f"  {spoken.code}  {shown}")


def _language(book: PhraseBook, wanted: str | None) -> tuple[Language, ...]:
    english = book.languages[FALLBACK]
    if wanted in (None, FALLBACK):
        return (english,)
    if wanted not in book.languages:
        known = ", ".join(book.languages)
        raise BadInput(f"no {wanted!r}; there are {known}", field="--language")
    return english, book.languages[wanted]


def _chosen(book: PhraseBook, wanted: str | None) -> list[str]:
    if wanted is None or wanted in book.codes:
        return [wanted] if wanted else list(book.codes)
    found = [code for code in book.codes if code.startswith(wanted)]
    if not found:
        groups = ", ".join(dict.fromkeys(code.partition(".")[0] for code in book.codes))
        raise BadInput(f"no code begins with {wanted[:60]!r}; groups are {groups}", field="CODE")
    return found


def _given(known: Mapping[str, Kind], given: tuple[str, ...]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals:
            raise BadInput(f"{each[:60]!r} has no =; write NAME=VALUE", field="--with")
        whole = known.get(name) in WHOLE and value.isascii() and value.isdecimal()
        found[name] = int(value[:20]) if whole else value
    return found


def _head(book: PhraseBook, code: str) -> str:
    told = ", ".join(
        name if name == kind else f"{name}: {kind}" for name, kind in book.codes[code].items()
    )
    return f"{code}  ({told})" if told else code


def _document(book: PhraseBook, code: str, parameters: Mapping[str, Value]) -> dict[str, Any]:
    return {
        "code": code,
        "parameters": {name: kind.value for name, kind in book.codes[code].items()},
        "texts": {each.code: each.texts[code] for each in book.languages.values()},
        "example": {
            "parameters": dict(parameters),
            "texts": {each: render(code, parameters, each, _DAY) for each in book.languages},
        },
    }
