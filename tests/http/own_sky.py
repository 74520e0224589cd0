"""The watch of a small node that nothing is fed to: the real one, over an empty sky."""

from collections.abc import Callable

from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement, Minima, Party, Register
from tansiq.domain.following import Limits as Following
from tansiq.domain.intent import PartyID
from tansiq.domain.volume import Circle, LatLng
from tansiq.services.airspace import Airspace
from tansiq.services.events import Events
from tansiq.services.planning.site import Site
from tansiq.services.watch.alarms import Alarms
from tansiq.services.watch.binding import Bindings
from tansiq.services.watch.desk import WatchDesk
from tansiq.services.watch.expected import Expected
from tansiq.services.watch.rings import RingBook
from tansiq.services.watch.separation import Separation
from tansiq.services.watch.showing import Picture
from tansiq.services.watch.tracks import Tracks
from tansiq.services.watch.views import FeedView
from tansiq.services.watch.watch import Parts, Watch
from tansiq.settings import Settings


class OneFeed:
    """A feed that is switched on and off."""

    def __init__(self) -> None:
        self.on = True

    def views(self) -> tuple[FeedView, ...]:
        state = "ok" if self.on else "stopped"
        return (
            FeedView(name="roof", kind="sbs", url="tcp://roof:30003", state=state, sentence=""),
        )

    def start_one(self, name: str) -> bool:
        self.on = self.on or name == "roof"
        return name == "roof"

    async def stop_one(self, name: str) -> bool:
        self.on = self.on and name != "roof"
        return name == "roof"


def make_watch(
    events: Events, clock: Clock, settings: Settings, new_id: Callable[[], str]
) -> WatchDesk:
    """Return north's watch; a test lets it look by ``watch.tick``."""
    agreement = Agreement(
        name="Test",
        digest="d" * 64,
        parties=(
            Party(
                id=PartyID("north"),
                names={"en": "North"},
                public_key=bytes(32),
                url="https://north.example",
                tls_sha256=b"",
            ),
        ),
        registers=(Register(id="north", party=PartyID("north"), url="https://north.example"),),
        area=Circle(center=LatLng(50.0, 10.0), radius_m=100_000.0),
        area_km2_max=40_000.0,
        minima=Minima(horizontal_m=1_852.0, vertical_m=300.0),
    )
    site = Site(
        agreement=agreement,
        party=PartyID("north"),
        store=events.store,
        clock=clock,
        limits=settings.limits,
        timers=settings.timers,
        new_id=new_id,
    )
    feeds = OneFeed()
    parts = Parts(
        tracks=Tracks(Following(), tracks_max=settings.limits.tracks_max),
        expected=Expected(Airspace(agreement)),
        bindings=Bindings(events.store),
        rings=RingBook(events.store, new_id=new_id),
        alarms=Alarms(events, new_id=new_id),
        separation=Separation(table=agreement.minima_table),
    )
    watch = Watch(site, parts)
    return WatchDesk(
        watch, Picture(watch, clock, feeds=feeds.views, rings=parts.rings.views), clock, feeds
    )
