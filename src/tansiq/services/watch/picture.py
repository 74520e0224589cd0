"""The live picture for programs that are not ours: gathered once a second, written once a format.

However many readers there are, the plans are asked for, drawn and serialised once; every reader
gets the same bytes. Nothing is done while nobody asks.
"""

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final, Protocol

from tansiq.clock import Clock
from tansiq.domain.time import parse_rfc3339, zulu
from tansiq.formats import cot_picture, geojson_picture, kml_picture
from tansiq.formats.picture import Picture
from tansiq.services.facade import Constraints, NodeStatus, Planning
from tansiq.services.watch import drawing
from tansiq.services.watch.views import PictureView
from tansiq.settings import Limits, Timers

_GZIP_LEVEL: Final = 4
"""Half the time of the usual 6, and a few per cent larger."""


class LiveWatch(Protocol):
    """What the picture needs of the watch."""

    def view(self) -> PictureView:
        """Return the live picture as it is now."""
        ...


class NothingWatched:
    """A watch that nobody has set up: the picture is of plans and no-go areas alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def view(self) -> PictureView:
        """Return that no positions are read."""
        return PictureView(time=zulu(self._clock.now()), sentence="No positions are read here.")


class Form(StrEnum):
    """What the picture is written as."""

    KML = "kml"
    GEOJSON = "geojson"
    COT = "cot"
    COT_STREAM = "cot-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One picture in one format."""

    body: bytes
    gzipped: bytes
    """Empty for a stream."""
    tag: str
    """Tells this content from any other."""
    at_s: float
    """When it was gathered, on the monotonic clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the picture comes from."""

    party: str
    watch: LiveWatch
    planning: Planning
    constraints: Constraints
    status: NodeStatus
    exercise: Callable[[], bool] = lambda: False
    """Whether all that is shown is an exercise."""


@dataclass(slots=True)
class _Gathered:
    at_s: float
    picture: Picture
    written: dict[Form, Written]


class Pictures:
    """Hands out the picture in every format, at most ``timers.picture_s`` old."""

    def __init__(self, sources: Sources, clock: Clock, limits: Limits, timers: Timers) -> None:
        self._sources = sources
        self._clock = clock
        self._limits = limits
        self._timers = timers
        self._shapes = drawing.Shapes()
        self._turn = asyncio.Lock()
        self._making: set[asyncio.Task[Written]] = set()
        self._last: _Gathered | None = None
        self.gatherings = 0
        """How often it was gathered, since the start."""

    async def written(self, form: Form) -> Written:
        """Return the picture in a format; the same bytes for whoever asks within the second."""
        last = self._last
        if last is not None and self._is_new(last) and form in last.written:
            return last.written[form]
        # Whoever asked may go away meanwhile, and a thread cannot be stopped: what has begun is
        # finished, or two would draw at once.
        making = asyncio.create_task(self._make(form), name="picture")
        self._making.add(making)
        making.add_done_callback(self._made)
        return await asyncio.shield(making)

    def _made(self, making: asyncio.Task[Written]) -> None:
        self._making.discard(making)
        if not making.cancelled():
            making.exception()  # Seen, also where nobody waits for it any more.

    def _is_new(self, gathered: _Gathered) -> bool:
        return self._clock.monotonic_s() - gathered.at_s < self._timers.picture_s

    async def _make(self, form: Form) -> Written:
        # One at a time: who waits finds what the one before has made.
        async with self._turn:
            gathered = await self._gather()
            if form not in gathered.written:
                # In a thread: thousands of volumes take a tenth of a second, and others wait.
                gathered.written[form] = await asyncio.to_thread(self._write, gathered, form)
            return gathered.written[form]

    async def _gather(self) -> _Gathered:
        if self._last is not None and self._is_new(self._last):
            return self._last
        sources, now_s, view = self._sources, self._clock.monotonic_s(), self._sources.watch.view()
        # A replay is of its own time: for whoever takes it for the present, all of it is stale.
        now = parse_rfc3339(view.time, "time") if view.replay else self._clock.now()
        plans = await sources.planning.plans(ended=False)
        airspace = await sources.status.airspace()
        constraints = await sources.constraints.list(ended=False)
        drawn = await asyncio.to_thread(
            drawing.areas,
            self._shapes,
            plans=plans,
            airspace=airspace,
            constraints=constraints,
            now=now,
            points_max=self._limits.picture_points_max,
        )
        self.gatherings += 1
        self._last = _Gathered(now_s, self._picture(view, drawn, now), {})
        return self._last

    def _picture(self, view: PictureView, drawn: drawing.Drawn, now: datetime) -> Picture:
        tracks = drawing.tracks(view, self._limits.picture_tracks_max)
        return Picture(
            party=self._sources.party,
            time=now,
            replay=view.replay,
            exercise=self._sources.exercise(),
            sentences=tuple(_sentences(view, drawn, len(view.tracks) - len(tracks))),
            areas=drawn.areas,
            tracks=tracks,
            alarms=drawing.alarms(view),
            rings=drawing.rings(view),
        )

    def _write(self, gathered: _Gathered, form: Form) -> Written:
        picture, body = gathered.picture, b""
        if form is Form.KML:
            body = kml_picture.document(picture)
        elif form is Form.GEOJSON:
            body = geojson_picture.document(picture)
        else:
            events = cot_picture.events(picture, ahead=self._timers.picture_ahead)
            if form is Form.COT:
                body = cot_picture.document(events)
            else:
                body = cot_picture.stream(events, cot_picture.alive(picture.time, picture.party))
        streamed = form is Form.COT_STREAM
        return Written(
            body=body,
            gzipped=b"" if streamed else gzip.compress(body, _GZIP_LEVEL, mtime=0),
            tag=sha256(body).hexdigest()[:32],
            at_s=gathered.at_s,
        )


def _sentences(view: PictureView, drawn: drawing.Drawn, tracks_beyond: int) -> list[str]:
    """Return what is wrong with the picture, and what is not in it."""
    said = [view.sentence] if view.sentence else []
    said += [
        f"The feed {feed.name} is {feed.state}: {feed.sentence}"
        for feed in view.feeds
        if feed.state != "ok"
    ]
    if drawn.beyond:
        said.append(f"{drawn.beyond} volumes of later plans are left out: too many to draw.")
    if drawn.unread:
        said.append(f"{drawn.unread} plans or no-go areas cannot be drawn.")
    if tracks_beyond:
        said.append(f"{tracks_beyond} aircraft without alarms are left out: too many to draw.")
    return said
