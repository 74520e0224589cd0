"""The live picture as people see it: tracks, alarms, feeds, rings, and what is wrong with it."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from tansiq.clock import Clock
from tansiq.domain.alarm_key import Level
from tansiq.domain.estimate import Estimate, Staleness
from tansiq.domain.following import Quality, Track
from tansiq.domain.time import zulu
from tansiq.formats.alarm_words import duration
from tansiq.services.airspace import Known
from tansiq.services.watch.conforming import Judged
from tansiq.services.watch.scene import Aircraft
from tansiq.services.watch.views import AlarmView, FeedView, PictureView, RingView, TrackView
from tansiq.services.watch.watch import LATE_S, Watch

TRACKS_SHOWN_MAX: Final = 5_000
"""Those with an alarm first, then those with a plan; the picture says how many are left out."""


class Picture:
    """Makes views of a watch, each at most once a tick."""

    def __init__(
        self,
        watch: Watch,
        clock: Clock,
        *,
        feeds: Callable[[], tuple[FeedView, ...]] = tuple,
        rings: Callable[[], tuple[RingView, ...]] = tuple,
        replay: bool = False,
    ) -> None:
        self._watch = watch
        self._clock = clock
        self._feeds = feeds
        self._rings = rings
        self._replay = replay
        self._made: PictureView | None = None
        self._made_at = -1

    def view(self) -> PictureView:
        """Return the picture of the last look; how old it is, it says itself."""
        if self._made is None or self._made_at != self._watch.ticks:
            self._made_at = self._watch.ticks
            self._made = self._make(self._clock.now())
        return self._made

    def forget(self) -> None:
        """Have the next view made anew: a person has changed what it shows."""
        self._made = None

    def _make(self, now: datetime) -> PictureView:
        latest, feeds = self._watch.latest, self._feeds()
        alarms = self.alarms(now)
        if latest is None:
            return PictureView(
                time=zulu(now),
                replay=self._replay,
                sentence="the watch has not looked yet",
                feeds=feeds,
                alarms=alarms,
                rings=self._rings(),
            )
        wrong = [latest.sentence] if latest.sentence else []
        late_s = (now - latest.scene.now).total_seconds()
        if abs(late_s) > LATE_S:
            wrong.append(f"the picture is {duration(abs(late_s))} old")
        wrong += _of_feeds(feeds)
        tracks = sorted(self._watch.parts.tracks.all(), key=self._importance)
        if len(tracks) > TRACKS_SHOWN_MAX:
            wrong.append(f"{len(tracks) - TRACKS_SHOWN_MAX} tracks more than are shown")
        return PictureView(
            time=zulu(latest.scene.now),
            replay=self._replay,
            sentence="; ".join(wrong),
            feeds=feeds,
            tracks=tuple(self._track(track, now) for track in tracks[:TRACKS_SHOWN_MAX]),
            alarms=alarms,
            rings=self._rings(),
            nuisances_today=self._watch.parts.alarms.nuisances_today,
        )

    def alarms(self, now: datetime) -> tuple[AlarmView, ...]:
        """Return all alarms in sight, the most urgent first."""
        kept = self._watch.parts.alarms
        return tuple(kept.view(each, now) for each in kept.in_sight())

    def _importance(self, track: Track) -> tuple[int, bool, str]:
        aircraft = self._aircraft(track)
        level = self._watch.parts.alarms.level_of(aircraft.subject)
        return -(level or 0), aircraft.bound.known is None, track.address

    def _aircraft(self, track: Track) -> Aircraft:
        return self._watch.aircraft(track)

    def _track(self, track: Track, now: datetime) -> TrackView:
        aircraft = self._aircraft(track)
        parts = self._watch.parts
        estimate = parts.tracks.at(track, now)
        judged = self._watch.judged(aircraft.subject)
        known = aircraft.bound.known
        fair = estimate.staleness in (Staleness.FRESH, Staleness.AGEING)
        place = estimate.position if fair else track.last.position
        velocity = track.velocity
        moves = velocity.stated or track.kept > 1
        height = track.geometric
        level = parts.alarms.level_of(aircraft.subject)
        return TrackView(
            id=aircraft.subject,
            address=track.address,
            callsign=track.callsign,
            feed=parts.tracks.feed_of(track.address),
            time=zulu(track.made),
            age_s=round(max(0.0, estimate.age_s), 1),
            staleness=estimate.staleness.value,
            lat_deg=round(place.lat_deg, 7),
            lng_deg=round(place.lng_deg, 7),
            horizontal_error_m=round(estimate.horizontal_error_m, 1),
            height_m=None if height is None else round(height.value_m, 1),
            height_error_m=0.0 if height is None else round(height.error_m, 1),
            pressure_m=None if track.pressure is None else round(track.pressure.value_m, 1),
            speed_mps=round(velocity.speed_mps, 1) if moves else None,
            track_deg=round(velocity.track_deg, 1) % 360.0 if moves else None,
            climb_mps=None if velocity.up_mps is None else round(velocity.up_mps, 1),
            on_ground=track.last.on_ground,
            plan="" if known is None else known.id,
            plan_name="" if known is None else known.name,
            party="" if known is None else known.manager,
            may_be=tuple(each.id for each in aircraft.bound.may_be),
            conformance=_word(judged, aircraft, estimate),
            sentence="; ".join(filter(None, [*_said(judged, estimate), self._hint(known)])),
            level="" if level is None else Level(level).name.lower(),
        )

    def _hint(self, known: Known | None) -> str:
        straying = self._watch.parts.straying
        return "" if known is None or straying is None else straying.hint(known.id)


def _word(judged: Judged | None, aircraft: Aircraft, estimate: Estimate) -> str:
    if aircraft.bound.known is None:
        return "unplanned"
    if judged is None or estimate.staleness in (Staleness.STALE, Staleness.DROPPED):
        return "unknown"
    return judged.word


_QUALITY: Final = {
    Quality.CONTESTED: "two places say this address",
    Quality.DOUBTFUL: "it has jumped: its position is doubtful",
}


def _said(judged: Judged | None, estimate: Estimate) -> list[str]:
    said = []
    if estimate.staleness is not Staleness.FRESH:
        said.append(f"last heard {duration(estimate.age_s)} ago")
    if estimate.quality in _QUALITY:
        said.append(_QUALITY[estimate.quality])
    if judged is not None and judged.sentence:
        said.append(judged.sentence)
    return said


def _of_feeds(feeds: tuple[FeedView, ...]) -> list[str]:
    if not feeds:
        return ["no feed is set up: an empty picture is no quiet sky"]
    return [
        f"feed {each.name} is {each.state}: {each.sentence}" for each in feeds if each.state != "ok"
    ]
