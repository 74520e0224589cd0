"""Rows of a bench's table: a figure, what it is held against, and whether it meets its aim."""

import gc
import time
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
US = 1e6


def row(name: str, value: float, unit: str, **rest: Any) -> Row:
    """Return a row; without an aim it informs."""
    blank = {"against": None, "ratio": None, "aim": None, "met": None}
    return {"name": name, "value": round(value, 4), "unit": unit, **blank, **rest}


def at_most(name: str, value: float, unit: str, aim: float) -> Row:
    """Return a row with a limit of its own."""
    return row(name, value, unit, aim=aim, met=value <= aim)


def against(
    name: str, value: float, unit: str, other: tuple[str, float], aim: float | None = None
) -> Row:
    """Return a row beside the same figure of something else; the aim is that of the ratio."""
    ratio = value / other[1]
    met = None if aim is None else ratio <= aim
    return row(name, value, unit, against=other[0], ratio=round(ratio, 4), aim=aim, met=met)


def line(found: Row) -> str:
    """Return a row as text."""
    ratio = "" if found["ratio"] is None else f"{found['ratio']:.3f}"
    aim = "" if found["aim"] is None else f"{found['aim']:.2f}"
    met = {None: "", True: "met", False: "missed"}[found["met"]]
    return (
        f"{found['name']:50} {found['value']:10,.2f} {found['unit']:8} {ratio:>6} {aim:>8} "
        f"{met:6} {found['against'] or ''}"
    ).rstrip()


HEAD = f"{'':50} {'value':>10} {'':8} {'ratio':>6} {'aim':>8}        ratio to"


def seconds(function: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    gc.collect()
    started = time.perf_counter()
    function()
    return time.perf_counter() - started
