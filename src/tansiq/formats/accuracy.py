"""What ADS-B says of its own accuracy, as a radius in metres.

``NIC`` and ``RC`` bound where the aircraft is unless its receiver is deceived without noticing (the
chance of that is its SIL); ``NACp`` bounds it in 95 of 100 cases. Where several are stated the
largest counts. 0 means that nothing is stated.

Source: RTCA DO-260B, navigation integrity category (of radii that share a number the largest) and
navigation accuracy category for position.
"""

from typing import Final

_NM: Final = 1_852.0
CONTAINMENT_M: Final = {
    11: 7.5,
    10: 25.0,
    9: 75.0,
    8: 0.1 * _NM,
    7: 0.2 * _NM,
    6: 0.6 * _NM,
    5: 1.0 * _NM,
    4: 2.0 * _NM,
    3: 4.0 * _NM,
    2: 8.0 * _NM,
    1: 20.0 * _NM,
}
"""By NIC; 0 is unknown."""
UNCERTAINTY_M: Final = {
    11: 3.0,
    10: 10.0,
    9: 30.0,
    8: 0.05 * _NM,
    7: 0.1 * _NM,
    6: 0.3 * _NM,
    5: 0.5 * _NM,
    4: 1.0 * _NM,
    3: 2.0 * _NM,
    2: 4.0 * _NM,
    1: 10.0 * _NM,
}
"""By NACp; 0 is unknown."""


def radius_m(*, nic: int = 0, nac_p: int = 0, rc_m: float = 0.0) -> float:
    """Return within how far a position is true; 0 where nothing is stated.

    A stated radius of containment replaces the one of its NIC, which is the same rounded up.
    """
    contained_m = rc_m if rc_m > 0 else CONTAINMENT_M.get(nic, 0.0)
    return max(contained_m, UNCERTAINTY_M.get(nac_p, 0.0))


BY_TYPE_CODE_M: Final = {
    5: 7.5,
    6: 25.0,
    7: 0.1 * _NM,
    9: 7.5,
    10: 25.0,
    11: 0.1 * _NM,
    12: 0.2 * _NM,
    13: 0.6 * _NM,
    14: 1.0 * _NM,
    15: 2.0 * _NM,
    16: 10.0 * _NM,
    17: 20.0 * _NM,
    20: 7.5,
    21: 25.0,
}
"""Containment by the type code of a position message, the largest of DO-260, A and B: what would
tell them apart is in other messages. The others state nothing."""
