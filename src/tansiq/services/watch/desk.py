"""The watch as people and programs use it: one method a button, a command, a route."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, Protocol

import msgspec

from tansiq.clock import Clock
from tansiq.domain.actor import Actor
from tansiq.domain.following import Limits, Refusal
from tansiq.domain.time import parse_rfc3339
from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput, NotFound
from tansiq.services.watch.alarms import LISTED_MAX
from tansiq.services.watch.expected import spoken
from tansiq.services.watch.incident_views import (
    RingAdmission,
    RingDrawing,
    RingList,
    RingSetView,
    SightingGone,
    SightingList,
    SightingReport,
    SightingView,
    ring_view,
    sighting_view,
)
from tansiq.services.watch.showing import Picture
from tansiq.services.watch.views import (
    AlarmList,
    AlarmView,
    FeedList,
    FeedView,
    PictureView,
    TakenPositions,
)
from tansiq.services.watch.watch import Watch

OWN_FEED: Final = "api"
"""What positions come by that are sent to the own API."""


class FeedPort(Protocol):
    """The feeds of a node."""

    def views(self) -> tuple[FeedView, ...]:
        """Return how each is doing."""
        ...

    def start_one(self, name: str) -> bool:
        """Begin to read one; report whether there is one of that name."""
        ...

    async def stop_one(self, name: str) -> bool:
        """End reading one; report whether there is one of that name."""
        ...


class Silencing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keeping an alarm silent for a time, at its present level and below."""

    minutes: Annotated[float, msgspec.Meta(ge=1.0, le=60.0)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Whose(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person says of an address."""

    address: Annotated[str, msgspec.Meta(min_length=3, max_length=110)]
    plan: Annotated[str, msgspec.Meta(max_length=60)] = ""
    """Its intent id or the beginning of it, or its call sign; empty: it flies no plan."""


class Freed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address of which nothing is to be said any more."""

    address: Annotated[str, msgspec.Meta(min_length=3, max_length=110)]


class FeedSwitch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Starting or stopping a feed, until the node's next start."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    on: bool


class WatchDesk:
    """Everything that the own API may ask of the watch."""

    def __init__(self, watch: Watch, picture: Picture, clock: Clock, feeds: FeedPort) -> None:
        self.watch = watch
        self.picture = picture
        self._clock = clock
        self._feeds = feeds

    def view(self) -> PictureView:
        """Return the live picture."""
        return self.picture.view()

    # ---- alarms

    async def alarms(self, *, over: int = 0, since: str = "") -> AlarmList:
        """Return the alarms in sight, and up to ``over`` that are over.

        Raises:
            BadInput: a time that is none.
        """
        now, kept = self._clock.now(), self.watch.parts.alarms
        from_time: datetime | None = parse_rfc3339(since, "since") if since else None
        found = list(self.picture.alarms(now))
        if over:
            past = await kept.history(min(over, LISTED_MAX), from_time)
            found += [kept.view(each, now) for each in past]
        return AlarmList(
            alarms=tuple(found),
            raised_today=dict(kept.raised_today),
            nuisances_today=kept.nuisances_today,
        )

    async def alarm(self, named: str) -> AlarmView:
        """Return one alarm, in sight or over.

        Raises:
            NotFound: there is none of that id.
        """
        kept = self.watch.parts.alarms
        return kept.view(await kept.get(named), self._clock.now())

    async def acknowledge(self, named: str, actor: Actor) -> AlarmView:
        """Say that an alarm was seen."""
        kept = await self.watch.acknowledge(named, actor)
        return self.watch.parts.alarms.view(kept, self._clock.now())

    async def suppress(self, named: str, said: Silencing, actor: Actor) -> AlarmView:
        """Keep an alarm silent for a time."""
        kept = await self.watch.suppress(named, said.minutes, said.reason, actor)
        return self.watch.parts.alarms.view(kept, self._clock.now())

    async def mark_nuisance(self, named: str, actor: Actor) -> AlarmView:
        """Say that an alarm was for nothing."""
        kept = await self.watch.mark_nuisance(named, actor)
        return self.watch.parts.alarms.view(kept, self._clock.now())

    async def try_alarm(self, actor: Actor) -> AlarmView:
        """Raise an alarm to try out lamps and sounds."""
        kept = await self.watch.try_alarm(actor)
        return self.watch.parts.alarms.view(kept, self._clock.now())

    # ---- tracks

    async def bind(self, said: Whose, actor: Actor) -> PictureView:
        """Say whose aircraft an address is."""
        await self.watch.bind(_address(said.address), said.plan, actor)
        self.picture.forget()
        return self.view()

    async def free(self, said: Freed) -> PictureView:
        """Take back what was said of an address."""
        await self.watch.unbind(_address(said.address))
        self.picture.forget()
        return self.view()

    def positions(
        self, reports: Sequence[PositionReport], wrong: Sequence[BadInput]
    ) -> TakenPositions:
        """Take positions that were sent to the own API; they count at the next look."""
        now, limits = self._clock.now(), self.watch.parts.tracks.limits
        good, late = [], list(wrong)
        for report in reports:
            age_s = (now - report.time).total_seconds()
            if -limits.clock_s <= age_s <= limits.stale_s:
                good.append(report)
            else:
                late.append(_late(report, age_s, limits))
        if good:
            self.watch.hear(OWN_FEED, good)
        return TakenPositions(taken=len(good), wrong=tuple(map(str, late[:100])))

    # ---- incidents

    def rings(self) -> RingList:
        """Return all rings."""
        return RingList(rings=tuple(map(ring_view, self.watch.parts.rings.rings())))

    async def draw_rings(self, said: RingDrawing, ring_id: str) -> RingSetView:
        """Draw rings around an incident.

        Raises:
            BadInput: a name that cannot be shown, radii that are no rings, or too many.
            StateConflict: others are called so.
        """
        now, center = self._second(), LatLng(said.lat_deg, said.lng_deg)
        until = now + timedelta(seconds=said.lasts_s)
        name = _shown("name", said.name)
        book = self.watch.parts.rings
        made = await book.draw(name, center, said.radii_nm, until, now, ring_id)
        self.picture.forget()
        return ring_view(made)

    async def admit(self, said: RingAdmission) -> RingSetView:
        """Note that an aircraft was let in, or is not any more.

        Raises:
            NotFound: no such rings.
            BadInput: no address, no call sign of one aircraft, or more than are noted.
        """
        book = self.watch.parts.rings
        after = await book.admit(said.ring, self._who(said.address), admitted=said.admitted)
        return ring_view(after)

    async def remove_rings(self, named: str) -> RingList:
        """Take rings away; return the others.

        Raises:
            NotFound: no such rings.
        """
        await self.watch.parts.rings.remove(named)
        self.picture.forget()
        return self.rings()

    def sightings(self) -> SightingList:
        """Return all drones that were seen and are not gone."""
        found = self.watch.parts.rings.sightings()
        return SightingList(sightings=tuple(map(sighting_view, found)))

    async def sight(self, said: SightingReport, sighting_id: str) -> SightingView:
        """Note that a drone was seen; the alarm comes with the next look.

        Raises:
            BadInput: words that cannot be shown, or too many sightings.
        """
        now, at = self._second(), LatLng(said.lat_deg, said.lng_deg)
        until = now + timedelta(seconds=said.lasts_s)
        words = _shown("words", said.words) if said.words else ""
        book = self.watch.parts.rings
        return sighting_view(await book.sight(at, said.radius_m, words, until, now, sighting_id))

    async def drone_gone(self, named: str) -> SightingGone:
        """Note that a drone is gone.

        Raises:
            NotFound: no such sighting.
        """
        seen, lost = await self.watch.parts.rings.gone(named, self._clock.now())
        return SightingGone(sighting=sighting_view(seen), minutes_lost=lost)

    def _who(self, text: str) -> Address:
        """Return an address: as it was written, or that of the one aircraft of a call sign."""
        if ":" in text:
            return _address(text)
        called = spoken(text)
        found = [
            track.address
            for track in self.watch.parts.tracks.all()
            if called and spoken(track.callsign) == called
        ]
        if len(found) == 1:
            return found[0]
        if not found:
            raise BadInput(
                "no aircraft that is heard is called so; write its address, such as icao:a1b2c3",
                field="address",
            )
        several = ", ".join(found[:5])
        raise BadInput(f"several are called so: write the address, {several}", field="address")

    def _second(self) -> datetime:
        """Return now, as people write it."""
        return self._clock.now().replace(microsecond=0)

    # ---- feeds

    def feeds(self) -> FeedList:
        """Return how all feeds are doing."""
        tracks = self.watch.parts.tracks
        refused = {each.value: tracks.refused[each.value] for each in Refusal}
        refused |= {name: tracks.refused[name] for name in ("burst", "full")}
        return FeedList(
            feeds=self._feeds.views(),
            refused={name: count for name, count in refused.items() if count},
            tracks=len(tracks),
        )

    async def run_feed(self, name: str, *, on: bool) -> FeedList:
        """Start or stop one feed.

        Raises:
            NotFound: there is none of that name.
        """
        known = self._feeds.start_one(name) if on else await self._feeds.stop_one(name)
        if not known:
            names = ", ".join(each.name for each in self._feeds.views()) or "none is set up"
            raise NotFound(f"no feed {name[:40]!r}; there are: {names}", field="id")
        return self.feeds()


def _shown(field: str, text: str) -> str:
    shown = text.strip()
    if not shown or not shown.isprintable():
        raise BadInput("write some signs that can be shown, on one line", field=field)
    return shown


def _address(text: str) -> Address:
    kind, _, value = text.partition(":")
    if not kind or not value:
        raise BadInput("is not KIND:VALUE, such as icao:a1b2c3", field="address")
    return Address(text)


def _late(report: PositionReport, age_s: float, limits: Limits) -> BadInput:
    if age_s > limits.stale_s:
        what = f"measured {age_s:.0f} s ago by this node's clock; at most {limits.stale_s:g} s"
    else:
        what = f"is {-age_s:.0f} s ahead of this node's clock; at most {limits.clock_s:g} s"
    return BadInput(f"{what}: look at both clocks", field=f"{report.address} time")
