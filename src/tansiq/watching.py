"""Joins feeds and watch: what comes in, who looks at it, and how a feed that is lost is told.

Wiring only, like ``node.py``, of which it is a part of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from tansiq.domain.alarm_key import AlarmKind, Level, key, subject_of
from tansiq.domain.following import Limits as Following
from tansiq.domain.track import Address, PositionReport
from tansiq.feeds.feed import Feeds
from tansiq.feeds.health import NOT_YET, FeedHealth, FeedState
from tansiq.formats.alarm_facts import feed_lost
from tansiq.formats.alarm_words import in_words
from tansiq.services.airspace import Airspace
from tansiq.services.events import Events
from tansiq.services.facade import Planning
from tansiq.services.line.line import Line
from tansiq.services.planning.book import Book
from tansiq.services.planning.site import Site
from tansiq.services.planning.telemetry import Telemetry
from tansiq.services.watch.alarms import Alarms
from tansiq.services.watch.binding import Bindings
from tansiq.services.watch.desk import WatchDesk
from tansiq.services.watch.expected import Expected
from tansiq.services.watch.kept import Cause
from tansiq.services.watch.rings import RingBook
from tansiq.services.watch.separation import Separation
from tansiq.services.watch.showing import Picture
from tansiq.services.watch.straying import Straying
from tansiq.services.watch.telemetry import PEERS, PeerPositions, own_report
from tansiq.services.watch.telling import AlarmNotes
from tansiq.services.watch.tracks import Tracks
from tansiq.services.watch.views import FeedView
from tansiq.services.watch.watch import Parts, Watch
from tansiq.settings import Settings

_LOST = frozenset({FeedState.SILENT, FeedState.FAILING})


class FeedDesk:
    """The feeds of one node as the watch and its desk see them."""

    def __init__(self, feeds: Feeds, peers: PeerPositions) -> None:
        self._feeds = feeds
        self._peers = peers

    def views(self) -> tuple[FeedView, ...]:
        """Return how each is doing."""
        return (*map(_view, self._feeds.health()), self._peers.view())

    def start_one(self, name: str) -> bool:
        """Begin to read one; report whether there is one of that name."""
        feed = self._peers if name == PEERS else self._feeds.named(name)
        if feed is not None:
            feed.start()
        return feed is not None

    async def stop_one(self, name: str) -> bool:
        """End reading one; report whether there is one of that name."""
        feed = self._peers if name == PEERS else self._feeds.named(name)
        if feed is not None:
            await feed.stop()
        return feed is not None

    def causes(self, _: datetime) -> Iterator[Cause]:
        """Yield a cause for each feed that gives nothing: a picture without it is no quiet sky."""
        for health in self._feeds.health():
            if health.state in _LOST and health.reason != NOT_YET:
                said = feed_lost(health.name, health.state.value, health.reason)
                yield Cause(
                    key=key(AlarmKind.FEED_LOST, subject_of(Address(f"feed:{health.name}"))),
                    level=Level.CAUTION,
                    sentence=in_words(said),
                    said=said,
                    names=(health.name,),
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """The watch of one node with its feeds."""

    feeds: Feeds
    peers: PeerPositions
    watch: Watch
    desk: WatchDesk

    @classmethod
    def of(
        cls,
        site: Site,
        events: Events,
        airspace: Airspace,
        settings: Settings,
        own: tuple[Planning, Book, Telemetry],
        line: Line,
    ) -> "Watching":
        """Wire a node's watch."""
        how = settings.watch
        alarms = Alarms(events, new_id=site.new_id)
        notes = AlarmNotes(line.speaking, alarms, me=site.party)
        parts = Parts(
            tracks=Tracks(Following(), tracks_max=settings.limits.tracks_max),
            expected=Expected(airspace),
            bindings=Bindings(events.store),
            rings=RingBook(events.store, new_id=site.new_id),
            alarms=alarms,
            separation=Separation(
                table=site.agreement.minima_table,
                well_clear=how.well_clear,
                advisory_s=how.advisory_s,
                caution_s=how.caution_s,
                warning_s=how.warning_s,
            ),
            notes=notes,
            straying=Straying(own[0], own[1], site.agreement) if how.follow_states else None,
        )
        watch = Watch(site, parts)

        def hear(feed: str, reports: Sequence[PositionReport]) -> None:
            watch.hear(feed, reports)

        feeds = Feeds(settings.feeds, hear, site.clock, settings.limits, settings.timers)
        telemetry = own[2]
        peers = PeerPositions(airspace, telemetry, site.clock, hear)
        telemetry.on_report = partial(own_report, hear=hear)
        fed = FeedDesk(feeds, peers)
        parts.sources += [fed.causes, notes.causes]
        picture = Picture(watch, site.clock, feeds=fed.views, rings=parts.rings.views)
        desk = WatchDesk(watch, picture, site.clock, fed)
        return cls(feeds=feeds, peers=peers, watch=watch, desk=desk)

    async def start(self) -> None:
        """Begin to read the feeds and to look."""
        await self.watch.start()
        self.feeds.start()
        self.peers.start()

    async def stop(self) -> None:
        """Stop; open alarms are in the store."""
        await self.peers.stop()
        await self.feeds.stop()
        await self.watch.stop()


def _view(health: FeedHealth) -> FeedView:
    counted = {
        "duplicate": health.duplicates,
        "too-old": health.too_old,
        "ahead": health.ahead,
        "dropped": health.dropped,
        **{str(name): count for name, count in health.refused.items()},
    }
    sentence = "; ".join(each for each in (health.reason, health.clock) if each)
    return FeedView(
        name=health.name,
        kind=health.kind,
        url=health.url,
        state=health.state.value,
        sentence=sentence,
        age_s=health.newest_age_s,
        connections=health.connections,
        messages=health.messages,
        positions=health.positions,
        refused={name: count for name, count in counted.items() if count},
        clock_offset_s=health.behind_s,
    )
