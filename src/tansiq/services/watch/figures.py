"""Figures in sentences of the watch: what pilots and desks count in, with metres beside."""

from tansiq.domain.well_clear import FOOT_M, NAUTICAL_MILE_M

_SHORT_M = 0.1 * NAUTICAL_MILE_M


def miles(metres: float) -> str:
    """Return a distance: ``1.3 NM (2.4 km)``; below a tenth of a mile in metres alone."""
    if metres < _SHORT_M:
        return f"{metres:.0f} m"
    return f"{metres / NAUTICAL_MILE_M:.1f} NM ({metres / 1_000:.1f} km)"


def feet(metres: float) -> str:
    """Return a difference in height: ``300 ft (91 m)``."""
    return f"{metres / FOOT_M:,.0f} ft ({metres:,.0f} m)"


def seconds(span_s: float) -> str:
    """Return a time to go: ``45 s``, ``2 min 5 s``."""
    whole = max(0, int(span_s))
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
