"""How a serving node has Python's collector of cycles work: seldom, and not over what stays.

Reports, tracks and notes are many small objects and hardly ever cycles. By default the collector
looks at the young after each 700 that are more than before: half of the time of reading positions
among 10,000 tracks went to it (``docs/decisions/feeds.md``). A look at all of them stops everything
for as long as it takes.
"""

import gc
from typing import Final

YOUNG: Final = 20_000
"""So many more objects than before are looked at together: some megabytes at most."""
MIDDLE, OLD = 20, 100


def settle() -> None:
    """Call it once a node has started: what is there now stays."""
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)


def unsettle() -> None:
    """Call it once that node has stopped: all of it is the collector's again."""
    gc.unfreeze()
