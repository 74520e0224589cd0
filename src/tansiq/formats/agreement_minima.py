"""The agreement file's minima, the usual ones and those between categories, read and written.

Errors name path and remedy, as everywhere in the file.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from tansiq.domain.agreement import Between, Minima
from tansiq.domain.category import ACCEPTED, Category, category_of
from tansiq.strict_toml import Table, quote

_FIGURES: Final = ("horizontal_m", "vertical_m", "time_s")
_ORDER: Final = tuple(Category)
PAIRS_MAX: Final = len(_ORDER) * (len(_ORDER) + 1) // 2


def read_minima(top: Table) -> tuple[Minima, tuple[Between, ...]]:
    """Read the usual minima, and those between categories in the order of the categories.

    Raises:
        BadInput: one of the usual is missing; an entry that names no pair, one that has an entry
            already, or nothing that differs; or something is out of range.
    """
    # All three are asked for: a forgotten one would silently be zero.
    table = top.table("minima", (*_FIGURES, "between"))
    usual = _minima(table, None)
    found: dict[frozenset[Category], Between] = {}
    for entry in table.tables("between", ("categories", *_FIGURES), count_max=PAIRS_MAX):
        pair = _pair(entry)
        if pair in found:
            raise entry.wrong("categories", "the pair has an earlier entry; keep one of them")
        if not any(key in entry for key in _FIGURES):
            raise entry.wrong(
                "horizontal_m", "missing; write at least one of " + ", ".join(_FIGURES)
            )
        found[pair] = Between(categories=pair, minima=_minima(entry, usual))
    return usual, tuple(sorted(found.values(), key=lambda each: [*map(_ORDER.index, each.pair)]))


def _pair(entry: Table) -> frozenset[Category]:
    words = entry.texts("categories", count_max=2, chars_max=60)
    if not words:
        raise entry.wrong(
            "categories",
            f"write two categories, or one for aircraft of it among themselves, out of {ACCEPTED}",
        )
    return frozenset(
        category_of(word, f"{entry.path}.categories[{i}]") for i, word in enumerate(words)
    )


def _minima(table: Table, usual: Minima | None) -> Minima:
    """Read a table's figures; those left out are the usual ones."""
    horizontal_m = vertical_m = time_s = None
    if usual is not None:
        horizontal_m, vertical_m = usual.horizontal_m, usual.vertical_m
        time_s = usual.time.total_seconds()
    return Minima(
        horizontal_m=table.number("horizontal_m", default=horizontal_m, low=0.0, high=200_000.0),
        vertical_m=table.number("vertical_m", default=vertical_m, low=0.0, high=20_000.0),
        time=timedelta(seconds=table.number("time_s", default=time_s, low=0.0, high=86_400.0)),
    )


def render_minima(usual: Minima, between: Iterable[Between]) -> Iterable[str]:
    """Yield the blocks of the file."""
    yield f"[minima]\n{_render(usual)}"
    for entry in between:
        a, b = entry.pair
        words = [a] if a is b else [a, b]
        names = ", ".join(map(quote, words))
        yield f"[[minima.between]]\ncategories = [{names}]\n{_render(entry.minima)}"


def _render(minima: Minima) -> str:
    return (
        f"horizontal_m = {float(minima.horizontal_m)!r}\n"
        f"vertical_m = {float(minima.vertical_m)!r}\n"
        f"time_s = {minima.time.total_seconds()!r}\n"
    )
