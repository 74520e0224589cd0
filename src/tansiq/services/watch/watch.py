"""The watch of one node: once a second all that is heard is held against all that is known.

One tick: follow the reports, see whose aircraft they are, judge each by its plan and all by each
other, raise and clear alarms, tell whom they concern. A tick that takes longer than its second is
followed by the next at once, and the picture says how late it is.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from tansiq.domain.actor import Actor
from tansiq.domain.alarm_key import AlarmKind, Level, Subject, key
from tansiq.domain.estimate import Estimate
from tansiq.domain.following import Track
from tansiq.domain.track import Address, PositionReport
from tansiq.engine.encounters import Found
from tansiq.errors import NotFound, StoreError
from tansiq.formats import alarm_facts
from tansiq.formats.alarm_words import in_words
from tansiq.services.airspace import Known
from tansiq.services.planning.site import Site
from tansiq.services.watch import conforming, separation
from tansiq.services.watch.alarms import Alarms
from tansiq.services.watch.binding import Bindings
from tansiq.services.watch.conforming import Judged, NoPlan
from tansiq.services.watch.doubts import Seen, doubts, lost_before
from tansiq.services.watch.expected import BEHIND, Expected
from tansiq.services.watch.keepout import KeepOut
from tansiq.services.watch.kept import Cause, Kept
from tansiq.services.watch.rings import RingBook
from tansiq.services.watch.scene import Aircraft, Looking, Scene
from tansiq.services.watch.separation import Separation, beyond
from tansiq.services.watch.straying import Straying
from tansiq.services.watch.telling import AlarmNotes
from tansiq.services.watch.tracks import Tracks

_log = logging.getLogger(__name__)

TICK_S: Final = 1.0
PIECE_S: Final = 0.05
AT_ONCE: Final = 1_000
"""Aircraft whose reports are followed in one piece: some 30 ms, in which nobody else is served."""
ASIDE: Final = 2_000
"""With more aircraft than this they are held against each other in a thread."""
LATE_S: Final = 3.0
"""A picture older than this says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one tick found."""

    scene: Scene
    found: Found | None
    judged: dict[Subject, Judged]
    sentence: str
    """What is wrong with the picture itself; empty: nothing."""


@dataclass(slots=True, kw_only=True)
class Parts:
    """What the watch works with."""

    tracks: Tracks
    expected: Expected
    bindings: Bindings
    alarms: Alarms
    separation: Separation
    rings: RingBook
    notes: AlarmNotes | None = None
    """None: nobody is told, as in a replay."""
    straying: Straying | None = None
    """None: no plan follows what its aircraft does."""
    unplanned: bool = True
    """Aircraft without a plan in the agreed area are told of."""
    sources: list[Callable[[datetime], Iterable[Cause]]] = field(default_factory=list)
    """Further causes: feeds, and what others tell."""


class Watch:
    """One loop a node."""

    def __init__(self, site: Site, parts: Parts) -> None:
        self._site = site
        self.parts = parts
        self._looking = Looking(
            parts.tracks,
            parts.bindings,
            parts.expected,
            [each.name for each in site.agreement.formations],
        )
        self._no_plan = NoPlan(site.agreement)
        self._keep_out = KeepOut(
            parts.tracks,
            parts.expected,
            rings=parts.rings.rings,
            sightings=parts.rings.sightings,
            parties=[each.id for each in site.agreement.parties if each.id != site.party],
        )
        self._flown: set[str] = set()
        """Intents whose aircraft have been heard in the air."""
        self._last: dict[Subject, Aircraft] = {}
        """Aircraft with a plan, as they were last heard."""
        self.latest: Looked | None = None
        self.failing = ""
        """Why the last look failed, or a part of it; empty: it did not."""
        self.ticks = 0
        self.on_tick: Callable[[], None] = lambda: None
        """Called after each look."""
        self._task: asyncio.Task[None] | None = None

    # ---- running

    async def start(self) -> None:
        """Take up what was open, and begin to look."""
        now = self._site.clock.now()
        await self.parts.bindings.start(now)
        await self.parts.rings.start(now)
        await self.parts.alarms.start(now)
        self._task = asyncio.create_task(self._run(), name="watch")

    async def stop(self) -> None:
        """Stop looking; open alarms are in the store."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        clock = self._site.clock
        while True:
            began_s = clock.monotonic_s()
            # A look of its own task: one that fails as nobody foresaw must not end all that follow.
            look = asyncio.create_task(self.tick(clock.now()), name="a look of the watch")
            try:
                await asyncio.wait({look})
            finally:
                look.cancel()
                await asyncio.wait({look})
            if not look.cancelled() and (error := look.exception()) is not None:
                self.failing = self._told(error)
                self.on_tick()  # Who follows the picture is to see that it stands still.
            while (left_s := began_s + TICK_S - clock.monotonic_s()) > 0.0:
                await clock.sleep(min(left_s, PIECE_S))
                self.parts.tracks.follow_heard(AT_ONCE)
            await clock.sleep(0.0)  # A look that takes all of its second lets others in as well.

    @staticmethod
    def _told(error: BaseException) -> str:
        """Log why a look failed; return what the picture says of it."""
        if isinstance(error, StoreError):
            _log.warning("the watch cannot store what it finds: %s", error)
            return f"ALARMS ARE NOT STORED OR TOLD: {error}"
        _log.error("a look of the watch failed; the next is tried", exc_info=error)
        return f"THE LAST LOOK FAILED, what is shown may be old: {type(error).__name__}"

    def hear(self, feed: str, reports: Sequence[PositionReport]) -> None:
        """Take in positions; they count at the next look."""
        self.parts.tracks.hear(feed, reports, self._site.clock.now())

    # ---- looking

    async def tick(self, now: datetime) -> None:
        """Look once at everything, and do what follows."""
        parts = self.parts
        dropped = parts.tracks.tick(now)
        self._looking.forget(dropped)
        parts.bindings.forget_old(now)
        parts.rings.forget_old(now)
        lost = lost_before(parts.alarms.in_sight(), self._last)
        parts.expected.look(now, {*parts.bindings.intents(), *self._last, *lost})
        scene = self._looking.look(now)
        if len(scene.aircraft) > ASIDE:
            found = await asyncio.to_thread(separation.look, scene, parts.separation)
        else:
            found = separation.look(scene, parts.separation)
        judged = self._judge(scene, now)
        causes, failed = self._causes(scene, found, judged, dropped)
        seen = Seen(
            heard=scene.by_subject.keys(),
            silent=lambda: self._silent_subjects(scene),
            lost_before=self._still_lost(lost, scene),
            crowded=found is not None and (not found.complete or beyond(found) > 0),
            failed=bool(failed),
        )
        causes += doubts(parts.alarms.in_sight(), {cause.key for cause in causes}, seen)
        self.latest = Looked(
            scene=scene,
            found=found,
            judged=judged,
            sentence=self._wrong(found, len(scene.aircraft)),
        )
        await parts.alarms.step(causes, now)
        if parts.notes is not None:
            await parts.notes.exchange(now)
        if parts.straying is not None:
            await parts.straying.follow(self._own(scene, judged, now), now)
        self.failing = f"NOT LOOKED AT: {', '.join(failed)}" if failed else ""
        self.ticks += 1
        self.on_tick()

    def _causes(
        self,
        scene: Scene,
        found: Found | None,
        judged: dict[Subject, Judged],
        dropped: Sequence[Track],
    ) -> tuple[list[Cause], list[str]]:
        """Return all that asks for an alarm now, and what could not be looked at."""
        now = scene.now
        looks: tuple[tuple[str, Callable[[], Iterable[Cause]]], ...] = (
            ("pairs", lambda: self._pairs(scene, found)),
            ("plans", lambda: self._plans(scene, judged, now)),
            ("aircraft that are not heard", lambda: self._silent(scene, dropped, now)),
            ("what is to be kept out of", lambda: self._keep_out.causes(scene)),
            ("feeds and notes", lambda: chain.from_iterable(s(now) for s in self.parts.sources)),
        )
        failed: list[str] = []
        causes: list[Cause] = []
        for name, look in looks:
            try:
                causes += look()
            except Exception:  # noqa: BLE001 - one that nobody foresaw must not hide all others
                _log.exception("a look at %s failed", name)
                failed.append(name)
        return causes, failed

    def _judge(self, scene: Scene, now: datetime) -> dict[Subject, Judged]:
        judged: dict[Subject, Judged] = {}
        for subject, aircraft in scene.by_subject.items():
            if aircraft.bound.known is None and not aircraft.bound.may_be:
                continue
            estimate = self.parts.tracks.at(aircraft.track, now)
            flown = subject in self._flown
            judged[subject] = conforming.judged(aircraft, estimate, now, flown=flown)
            if aircraft.bound.known is not None:
                self._last[subject] = aircraft
                if not estimate.on_ground:
                    self._flown.add(subject)
        for subject, aircraft in self._last.items():
            # Also what was heard of it on the ground, where it is in no scene: it is not lost then.
            track = self.parts.tracks.get(aircraft.track.address)
            if track is not None and subject not in scene.by_subject:
                self._last[subject] = replace(aircraft, track=track)
        return judged

    def _pairs(self, scene: Scene, found: Found | None) -> Iterator[Cause]:
        if found is not None:
            yield from separation.causes(scene, found, self.parts.separation)

    def _silent_subjects(self, scene: Scene) -> set[Subject]:
        """Return the aircraft that are followed still, and not heard."""
        live = {each.track.address for each in scene.aircraft}
        silent = {
            self._looking.subject(track.address)
            for track in self.parts.tracks.all()
            if track.address not in live and not track.last.on_ground
        }
        return silent.union(
            subject
            for subject, aircraft in self._last.items()
            if aircraft.track.address not in live and not aircraft.track.last.on_ground
        )

    def _still_lost(self, lost: set[Subject], scene: Scene) -> set[Subject]:
        """Return those of ``lost`` that may still fly: not heard, by their plan in the air."""
        found = set()
        for subject in lost:
            known = self.parts.expected.intent(subject)
            if known is not None and scene.now <= known.time.end + BEHIND:
                found.add(subject)
        if found:
            on_ground = (each for each in self.parts.tracks.all() if each.last.on_ground)
            found -= {self._looking.aircraft(track, scene.now).subject for track in on_ground}
        return found - scene.by_subject.keys()

    def _plans(self, scene: Scene, judged: dict[Subject, Judged], now: datetime) -> Iterator[Cause]:
        at = self.parts.tracks.at
        for subject, found in judged.items():
            aircraft = scene.by_subject[subject]
            cause = conforming.cause(aircraft, found, at(aircraft.track, now))
            if cause is not None:
                yield cause
        if self.parts.unplanned:
            unplanned = (each for each in scene.by_subject.values() if each.bound.known is None)
            yield from self._no_plan.causes(unplanned, at, now)

    def _silent(self, scene: Scene, dropped: Sequence[Track], now: datetime) -> Iterator[Cause]:
        """Yield a cause for each aircraft with a plan that was heard and is not any more."""
        gone = {track.address for track in dropped}
        for subject, aircraft in list(self._last.items()):
            if subject in scene.by_subject:
                continue
            fresh = self._looking.aircraft(aircraft.track, now)
            estimate = self.parts.tracks.at(aircraft.track, now)
            cause = conforming.lost(fresh, estimate, now, flown=subject in self._flown)
            if cause is not None:
                yield cause
            elif aircraft.track.address in gone or aircraft.track.address not in self.parts.tracks:
                del self._last[subject]
                self._flown.discard(subject)

    def _own(
        self, scene: Scene, judged: dict[Subject, Judged], now: datetime
    ) -> dict[str, tuple[Aircraft, Judged, Estimate]]:
        """Return what is known of the aircraft of own plans, also of those not heard any more."""
        own = {}
        for subject, last in self._last.items():
            aircraft = scene.by_subject.get(subject) or self._looking.aircraft(last.track, now)
            known = aircraft.bound.known
            if known is None or not known.own:
                continue
            estimate = self.parts.tracks.at(aircraft.track, now)
            found = judged.get(subject)
            if found is None and estimate.on_ground:
                continue  # Landed, and switched off.
            if found is None:
                flown = subject in self._flown
                found = conforming.judged(aircraft, estimate, now, flown=flown)
            own[known.id] = (aircraft, found, estimate)
        return own

    def _wrong(self, found: Found | None, many: int) -> str:
        said = []
        if self.parts.tracks.full:
            said.append("more aircraft are heard than are followed")
        if found is not None and not found.complete:
            said.append("more come close to each other than can be looked at: nobody is clear")
        if left_out := self.parts.alarms.left_out + (0 if found is None else beyond(found)):
            said.append(f"{left_out} alarms more than are shown")
        if many >= 2 and found is None:
            said.append("nothing counts as too close: the agreement has no minima")
        return "; ".join(said)

    def aircraft(self, track: Track) -> Aircraft:
        """Return whose a track is."""
        return self._looking.aircraft(track, self._site.clock.now())

    def subject(self, address: Address) -> Subject:
        """Return how alarms name whatever has an address."""
        track = self.parts.tracks.get(address)
        if track is not None:
            return self.aircraft(track).subject
        intent = self.parts.bindings.intent_of(address)
        return Subject(intent) if intent else self._looking.subject(address)

    def judged(self, subject: Subject) -> Judged | None:
        """Return what the last look found of an aircraft with a plan."""
        return None if self.latest is None else self.latest.judged.get(subject)

    # ---- people

    async def acknowledge(self, named: str, actor: Actor) -> Kept:
        """Say that an alarm was seen, here and to those whom it concerns.

        Raises:
            NotFound: no such alarm in sight.
            WrongState: it is over.
        """
        now = self._site.clock.now()
        kept = await self.parts.alarms.acknowledge(named, actor.display_name, now)
        if self.parts.notes is not None:
            await self.parts.notes.acknowledged(kept, actor)
        return kept

    async def suppress(self, named: str, minutes: float, reason: str, actor: Actor) -> Kept:
        """Keep an alarm silent for some minutes.

        Raises:
            NotFound, WrongState, BadInput: see ``Alarms.suppress``.
        """
        now = self._site.clock.now()
        until = now + timedelta(minutes=minutes)
        return await self.parts.alarms.suppress(named, actor.display_name, until, reason, now)

    async def mark_nuisance(self, named: str, actor: Actor) -> Kept:
        """Say that an alarm was for nothing.

        Raises:
            NotFound: no such alarm.
        """
        now = self._site.clock.now()
        return await self.parts.alarms.mark_nuisance(named, actor.display_name, now)

    async def bind(self, address: str, plan: str, actor: Actor) -> Known | None:
        """Say whose aircraft an address is; ``plan`` empty: it flies none.

        Raises:
            NotFound: no plan about now whose id begins so, or several.
            BadInput: the address names its plan itself.
        """
        now = self._site.clock.now()
        known = self._plan(plan) if plan else None
        await self.parts.bindings.bind(Address(address), known, actor.display_name, now)
        return known

    def _plan(self, named: str) -> Known:
        called = self.parts.expected.called(named)
        found = list(called) or [
            known
            for known in self.parts.expected.intents
            if known.id.startswith(named.strip().lower())
        ]
        if len(found) != 1:
            several = "several plans are called so" if found else "no plan about now is called so"
            raise NotFound(f"{named[:40]!r}: {several}; give more of its id", field="plan")
        return found[0]

    async def unbind(self, address: str) -> None:
        """Take back what was said of an address.

        Raises:
            NotFound: nothing was.
        """
        await self.parts.bindings.unbind(Address(address))

    async def try_alarm(self, actor: Actor) -> Kept:
        """Raise an alarm for trying out lamps and sounds; it clears by itself."""
        now = self._site.clock.now()
        said = alarm_facts.tried(actor.display_name, now)
        cause = Cause(
            key=key(AlarmKind.TEST, self._looking.subject(Address("own:alarm-test"))),
            level=Level.WARNING,
            sentence=in_words(said),
            said=said,
            names=("test",),
        )
        return await self.parts.alarms.raise_one(cause, now)
