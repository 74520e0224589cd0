"""Positions that F3548-21 carries, as positions of the watch: our own reports, and what peers tell.

A peer tells where an aircraft is while its intent is off-nominal, and only then; its manager is
asked again and again for as long as that lasts. Our own reports of a plan count whatever its state.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from tansiq.clock import Clock
from tansiq.domain.time import parse_rfc3339
from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput, TansiqError
from tansiq.services.airspace import Airspace
from tansiq.services.facade import Telemetry
from tansiq.services.views import TelemetryView
from tansiq.services.watch.binding import INTENT
from tansiq.services.watch.views import FeedView

_log = logging.getLogger(__name__)

PEERS: Final = "f3548"
OWN: Final = "own"
EVERY_S: Final = 2.0
"""How often a manager is asked; F3548-21 wants telemetry to be had at least each second."""
AT_ONCE: Final = 16
_NM: Final = 1_852.0
HORIZONTAL_M: Final = {
    "HA10NMPlus": 50_000.0,
    "HA10NM": 10 * _NM,
    "HA4NM": 4 * _NM,
    "HA2NM": 2 * _NM,
    "HA1NM": _NM,
    "HA05NM": 0.5 * _NM,
    "HA03NM": 0.3 * _NM,
    "HA01NM": 0.1 * _NM,
    "HA005NM": 0.05 * _NM,
    "HA30m": 30.0,
    "HA10m": 10.0,
    "HA3m": 3.0,
    "HA1m": 1.0,
}
"""Within which a position is true, by the standard's words; none is known for ``HAUnknown``."""
VERTICAL_M: Final = {
    "VA150mPlus": 5_000.0,
    "VA150m": 150.0,
    "VA45m": 45.0,
    "VA25m": 25.0,
    "VA10m": 10.0,
    "VA3m": 3.0,
    "VA1m": 1.0,
}


def report_of(view: TelemetryView, entity: str) -> PositionReport | None:
    """Return a position as the watch takes it; None: none was told.

    Raises:
        BadInput: a value that no aircraft can have.
    """
    if view.lat_deg is None or view.lng_deg is None or view.measured is None:
        return None
    return PositionReport(
        address=Address(INTENT + entity),
        time=parse_rfc3339(view.measured, "measured"),
        position=LatLng(view.lat_deg, view.lng_deg),
        geometric_m=view.altitude_m,
        geometric_error_m=VERTICAL_M.get(view.accuracy_v or "", 0.0),
        horizontal_error_m=HORIZONTAL_M.get(view.accuracy_h or "", 0.0),
        callsign=view.name[:20] if view.name.isprintable() else "",
        speed_mps=view.speed_mps,
        track_deg=view.track_deg,
    )


class PeerPositions:
    """Asks the managers of off-nominal intents where their aircraft are, one task a node."""

    def __init__(
        self,
        airspace: Airspace,
        telemetry: Telemetry,
        clock: Clock,
        hear: Callable[[str, Sequence[PositionReport]], None],
    ) -> None:
        self._airspace = airspace
        self._telemetry = telemetry
        self._clock = clock
        self._hear = hear
        self._task: asyncio.Task[None] | None = None
        self._positions = 0
        self._refused: Counter[str] = Counter()
        self._newest: datetime | None = None
        self._trouble = ""
        self._asked = 0
        """Intents that were asked for in the last round."""

    def start(self) -> None:
        """Begin to ask; nothing where it asks already."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="telemetry of peers")

    async def stop(self) -> None:
        """Stop asking."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._round()
            except Exception as error:  # noqa: BLE001 - unforeseen: told, and asked again
                _log.exception("a round of asking for positions failed")
                self._trouble = f"the last round failed: {type(error).__name__}"
            await self._clock.sleep(EVERY_S)

    async def _round(self) -> None:
        astray = [each for each in self._airspace.strayed() if each.off_nominal and not each.own]
        self._asked = len(astray)
        problems: list[str] = []
        for first in range(0, len(astray), AT_ONCE):
            some = astray[first : first + AT_ONCE]
            problems += await asyncio.gather(*(self._ask(each.id) for each in some))
        self._trouble = next(filter(None, problems), "")

    async def _ask(self, entity: str) -> str:
        """Ask for one; return what was wrong, if anything."""
        try:
            report = report_of(await self._telemetry.of_peer(entity), entity)
        except BadInput as error:
            self._refused["malformed"] += 1
            return str(error)
        except TansiqError as error:
            self._refused["no-answer"] += 1
            return str(error)
        if report is None:
            self._refused["no-position"] += 1
            return ""
        self._positions += 1
        self._newest = max(self._newest or report.time, report.time)
        self._hear(PEERS, [report])
        return ""

    def view(self) -> FeedView:
        """Return how it is doing; with nobody astray there is nothing to ask."""
        state, sentence = "ok", f"{self._asked} off-nominal intents of others are asked for"
        if self._task is None:
            state, sentence = "stopped", "nobody is asked"
        elif self._trouble:
            state, sentence = "failing", self._trouble
        age_s = None
        if self._newest is not None:
            age_s = (self._clock.now() - self._newest).total_seconds()
        return FeedView(
            name=PEERS,
            kind=PEERS,
            url="",
            state=state,
            sentence=sentence,
            age_s=age_s,
            positions=self._positions,
            refused=dict(self._refused),
        )


def own_report(
    view: TelemetryView, entity: str, hear: Callable[[str, Sequence[PositionReport]], None]
) -> None:
    """Hand on a report of an own plan; what no aircraft can have is left to who looks at it."""
    try:
        report = report_of(view, entity)
    except BadInput as error:
        _log.warning("a report of %s is not followed: %s", view.name, error)
        return
    if report is not None:
        hear(OWN, [report])
