"""The live picture as people see it: tracks, alarms, feeds, rings, and what is wrong with it."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from tansiq.clock import Clock
from tansiq.domain.alarm_key import Level
from tansiq.domain.estimate import Staleness
from tansiq.domain.following import Quality
from tansiq.domain.time import zulu
from tansiq.domain.volume import LatLng
from tansiq.engine.encounters import Fleet
from tansiq.formats.alarm_facts import SENTENCE_ONLY, Message, joined
from tansiq.formats.alarm_words import duration, in_words
from tansiq.services.airspace import Known
from tansiq.services.watch.conforming import Judged
from tansiq.services.watch.scene import Aircraft
from tansiq.services.watch.telemetry import PEERS
from tansiq.services.watch.tracks import staleness
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
        self._made_at = (-1, 0)

    def view(self) -> PictureView:
        """Return the picture of the last look; how old it is, it says itself."""
        # Also when nothing was looked at since: that, too, has to be said.
        at = self._watch.ticks, int(self._clock.monotonic_s())
        if self._made is None or self._made_at != at:
            self._made_at = at
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
                sentence=self._watch.failing or "the watch has not looked yet",
                feeds=feeds,
                alarms=alarms,
                rings=self._rings(),
            )
        wrong = [each for each in (self._watch.failing, latest.sentence) if each]
        late_s = (now - latest.scene.now).total_seconds()
        if abs(late_s) > LATE_S:
            wrong.append(f"the picture is {duration(abs(late_s))} old")
        wrong += _of_feeds(feeds)
        levels = self._watch.parts.alarms.levels()
        aircraft = [self._watch.aircraft(track) for track in self._watch.parts.tracks.all()]
        aircraft.sort(
            key=lambda each: (
                -levels.get(each.subject, 0),
                each.bound.known is None,
                each.track.address,
            )
        )
        if len(aircraft) > TRACKS_SHOWN_MAX:
            wrong.append(f"{len(aircraft) - TRACKS_SHOWN_MAX} tracks more than are shown")
        rows = {each.track.address: row for row, each in enumerate(latest.scene.aircraft)}
        return PictureView(
            time=zulu(latest.scene.now),
            replay=self._replay,
            sentence="; ".join(wrong),
            feeds=feeds,
            tracks=tuple(
                self._track(
                    each,
                    now,
                    latest.scene.fleet,
                    rows.get(each.track.address),
                    levels.get(each.subject),
                )
                for each in aircraft[:TRACKS_SHOWN_MAX]
            ),
            alarms=alarms,
            rings=self._rings(),
            nuisances_today=self._watch.parts.alarms.nuisances_today,
        )

    def alarms(self, now: datetime) -> tuple[AlarmView, ...]:
        """Return all alarms in sight, the most urgent first."""
        kept = self._watch.parts.alarms
        return tuple(kept.view(each, now) for each in kept.in_sight())

    def _track(
        self, aircraft: Aircraft, now: datetime, fleet: Fleet, row: int | None, level: Level | None
    ) -> TrackView:
        """Return one track: where the last look had it, or where it was heard last."""
        track, tracks = aircraft.track, self._watch.parts.tracks
        age_s = (now - track.made).total_seconds()
        old = staleness(track, now, tracks.limits)
        if row is None:
            place, error_m = track.last.position, tracks.at(track, now).horizontal_error_m
        else:
            place = LatLng(float(fleet.lat_deg[row]), float(fleet.lng_deg[row]))
            error_m = float(fleet.horizontal_error_m[row])
        judged = self._watch.judged(aircraft.subject)
        known = aircraft.bound.known
        velocity, height = track.velocity, track.geometric
        moves = velocity.stated or track.kept > 1
        said = _said(judged, old, age_s, track.quality(now), self._hint(known))
        led = joined(said)
        return TrackView(
            id=aircraft.subject,
            address=track.address,
            callsign=track.callsign,
            feed=tracks.feed_of(track.address),
            time=zulu(track.made),
            age_s=round(max(0.0, age_s), 1),
            staleness=old.value,
            lat_deg=round(place.lat_deg, 7),
            lng_deg=round(place.lng_deg, 7),
            horizontal_error_m=round(error_m, 1),
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
            conformance=_word(judged, aircraft, old),
            sentence="; ".join(map(in_words, said)),
            code=led.code,
            also=led.also,
            facts=dict(led.facts),
            level="" if level is None else Level(level).name.lower(),
        )

    def _hint(self, known: Known | None) -> Message:
        straying = self._watch.parts.straying
        return SENTENCE_ONLY if known is None or straying is None else straying.hint(known.id)


def _word(judged: Judged | None, aircraft: Aircraft, old: Staleness) -> str:
    if aircraft.bound.known is None:
        return "unplanned"
    if judged is None or old in (Staleness.STALE, Staleness.DROPPED):
        return "unknown"
    return judged.word


_QUALITY: Final = {
    Quality.CONTESTED: Message(code="address-twice"),
    Quality.DOUBTFUL: Message(code="jumped"),
}


def _said(
    judged: Judged | None, old: Staleness, age_s: float, quality: Quality, hint: Message
) -> list[Message]:
    said = []
    if old is not Staleness.FRESH:
        said.append(Message(code="last-heard", facts={"age_s": round(age_s, 1)}))
    if quality in _QUALITY:
        said.append(_QUALITY[quality])
    if judged is not None:
        said.append(judged.said)
    return [each for each in (*said, hint) if each.code]


def _of_feeds(feeds: tuple[FeedView, ...]) -> list[str]:
    if all(each.kind == PEERS for each in feeds):
        return ["no feed is set up: an empty picture is no quiet sky"]
    return [
        f"feed {each.name} is {each.state}: {each.sentence}" for each in feeds if each.state != "ok"
    ]
