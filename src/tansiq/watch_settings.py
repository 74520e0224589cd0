"""How the watch judges: the ``[watch]`` table of ``tansiq.toml``."""

from dataclasses import dataclass
from typing import Final

from tansiq.strict_toml import Table

WELL_CLEAR: Final = ("en-route", "terminal", "non-cooperative", "off")
"""The tables of DO-365B's phases that can be asked for besides the agreement's minima."""
_AHEAD_S_MAX: Final = 600.0
_KEYS: Final = (
    "well_clear",
    "advisory_s",
    "caution_s",
    "warning_s",
    "follow_states",
    "history_step_s",
)
_STEP_S_MIN: Final = 1.0
_STEP_S_MAX: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """What counts as too close besides the agreement's minima, and how early it is told."""

    well_clear: str = "en-route"
    """``en-route``, ``terminal``, ``non-cooperative``, or ``off``."""
    advisory_s: float = 120.0
    """How long before the loss each level comes."""
    caution_s: float = 60.0
    warning_s: float = 30.0
    follow_states: bool = True
    """An own plan whose aircraft has left it becomes Nonconforming by itself."""
    history_step_s: float = 10.0
    """How often what is shown is kept, for the time slider and for a replay of the day."""


def read_watch(top: Table) -> WatchSettings:
    """Read the settings of the watch.

    Raises:
        BadInput: a key is wrong; the field is its path in the file.
    """
    usual = WatchSettings()
    table = top.table("watch", _KEYS, required=False)
    well_clear = table.text("well_clear", default=usual.well_clear)
    if well_clear not in WELL_CLEAR:
        raise table.wrong("well_clear", f"{well_clear[:40]!r} is none of {', '.join(WELL_CLEAR)}")
    read = {
        name: table.number(name, low=1.0, high=_AHEAD_S_MAX) if name in table else usual_s
        for name, usual_s in (
            ("advisory_s", usual.advisory_s),
            ("caution_s", usual.caution_s),
            ("warning_s", usual.warning_s),
        )
    }
    if not read["warning_s"] <= read["caution_s"] <= read["advisory_s"]:
        raise table.wrong(
            "warning_s", "give warning_s, caution_s and advisory_s in ascending order"
        )
    return WatchSettings(
        well_clear=well_clear,
        follow_states=table.flag("follow_states", default=usual.follow_states),
        history_step_s=(
            table.number("history_step_s", low=_STEP_S_MIN, high=_STEP_S_MAX)
            if "history_step_s" in table
            else usual.history_step_s
        ),
        **read,
    )
