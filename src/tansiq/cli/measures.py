"""Lengths and times as people write them: a number and its unit."""

import re
from typing import Any, Final

import click

LENGTHS_M: Final = {"nm": 1_852.0, "km": 1_000.0, "m": 1.0, "ft": 0.3048}
TIMES_S: Final = {"s": 1.0, "min": 60.0, "h": 3_600.0}
_WRITTEN = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([a-z]+)")


class Measure(click.ParamType):  # type: ignore[type-arg] # Generic since click 8.2 only.
    """A number with one of some units; without a unit nobody knows which was meant."""

    def __init__(self, name: str, units: dict[str, float], example: str) -> None:
        self.name = name
        self._units = units
        self._example = example

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return metres, or seconds."""
        if not isinstance(value, str):
            return float(value)
        found = _WRITTEN.fullmatch(value.strip().lower().replace(",", ""))
        if found is None or found[2] not in self._units:
            units = ", ".join(_SPELT.get(unit, unit) for unit in self._units)
            self.fail(f"{value!r} is no number with a unit ({units}); write {self._example}")
        return float(found[1]) * self._units[found[2]]


_SPELT: Final = {"nm": "NM"}
LENGTH: Final = Measure("length", LENGTHS_M, "3NM or 1000ft")
SECONDS: Final = Measure("time", TIMES_S, "300s or 5min")
