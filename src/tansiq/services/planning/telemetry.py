"""Where aircraft are that are not where their plans said: our own, and what peers tell of theirs.

Nothing is extrapolated here, and nothing is old without saying so. Of ours the last report is kept;
of others nothing is: their manager is asked each time.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from tansiq.clock import Clock
from tansiq.domain.time import micros, parse_rfc3339, zulu
from tansiq.domain.volume import ALTITUDE_M_MAX, ALTITUDE_M_MIN
from tansiq.errors import BadInput, NoTelemetry, NotFound, PeerMalformed, PeerRefused, WrongState
from tansiq.f3548 import convert, wire
from tansiq.services.airspace import Airspace, Known
from tansiq.services.planning.book import Book, Plan
from tansiq.services.planning.ports import PeerPort
from tansiq.services.planning.site import Site
from tansiq.services.views import TelemetryView
from tansiq.storage.plans import Views
from tansiq.storage.store import Tx
from tansiq.storage.telemetry import Telemetries

SPEED_MPS_MAX = 1_000.0
_AHEAD_MAX = timedelta(hours=1)
"""How far ahead the next report may be announced."""
_TIME_CHARS_MAX = 40
_NO_TRACK_DEG = 360.0
"""What the standard has for a track that is not known."""

AccuracyH = Literal[
    "HAUnknown",
    "HA10NMPlus",
    "HA10NM",
    "HA4NM",
    "HA2NM",
    "HA1NM",
    "HA05NM",
    "HA03NM",
    "HA01NM",
    "HA005NM",
    "HA30m",
    "HA10m",
    "HA3m",
    "HA1m",
]
AccuracyV = Literal["VAUnknown", "VA150mPlus", "VA150m", "VA45m", "VA25m", "VA10m", "VA3m", "VA1m"]
_Moment = Annotated[str, msgspec.Meta(max_length=_TIME_CHARS_MAX)]


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One measurement of an own aircraft; accuracies are those of F3548-21."""

    time_measured: _Moment
    """RFC 3339, UTC."""
    lat_deg: Annotated[float, msgspec.Meta(ge=-90.0, le=90.0)]
    lng_deg: Annotated[float, msgspec.Meta(ge=-180.0, le=180.0)]
    altitude_m: Annotated[float, msgspec.Meta(ge=ALTITUDE_M_MIN, le=ALTITUDE_M_MAX)]
    """Above the WGS84 ellipsoid."""
    accuracy_h: AccuracyH = "HAUnknown"
    accuracy_v: AccuracyV = "VAUnknown"
    extrapolated: bool = False
    """Computed rather than measured."""
    speed_mps: Annotated[float, msgspec.Meta(ge=0.0, le=SPEED_MPS_MAX)] | None = None
    """Over ground."""
    track_deg: Annotated[float, msgspec.Meta(ge=0.0, lt=_NO_TRACK_DEG)] | None = None
    """Clockwise from true north; only with a speed."""
    next_expected: _Moment | None = None
    """When the next report is to be had, RFC 3339, UTC; peers need not ask before."""


_REPORT = msgspec.json.Decoder(Report)


class Telemetry:
    """Takes reports of own aircraft, serves them to peers, and asks peers for theirs."""

    def __init__(self, site: Site, *, book: Book, airspace: Airspace, peers: PeerPort) -> None:
        self._party = site.party
        self._store = site.store
        self._clock: Clock = site.clock
        self._timers = site.timers
        self._limits = site.limits
        self._book = book
        self._airspace = airspace
        self._peers = peers
        self.on_report: Callable[[TelemetryView, str], None] = lambda *_: None
        """Called with each report of an own plan that is kept, and the plan's intent."""

    # ---- our own

    async def report(self, plan_id: str, report: Report) -> TelemetryView:
        """Keep a report, unless a later one is known; return the one that counts.

        Any plan may be reported of; peers are shown it only while the plan is off-nominal.

        Raises:
            NotFound: no living plan of that id.
            BadInput: measured in the future, too long ago, or without what goes with it.
        """
        plan = self._book.get(plan_id)
        if plan is None:
            raise NotFound(f"no living plan {plan_id}; `tansiq plan list` shows them", field="id")
        measured = self._checked(report)

        async def write(tx: Tx) -> bytes | None:
            rows = Telemetries(tx)
            document = msgspec.json.encode(report)
            await rows.put(plan_id, measured=micros(measured), document=document)
            return await rows.get(plan_id)

        kept = await self._store.write(write)
        view = self._own_view(plan, None if kept is None else _REPORT.decode(kept))
        self.on_report(view, plan.intent_id)
        return view

    def _checked(self, report: Report) -> datetime:
        now = self._clock.now()
        measured = parse_rfc3339(report.time_measured, "time_measured")
        age_max = self._limits.telemetry_age_max
        if measured > now + timedelta(seconds=self._timers.clock_leeway_s):
            raise BadInput(f"after now ({zulu(now)}); compare clocks", field="time_measured")
        if measured < now - age_max:
            raise BadInput(
                f"more than {age_max.total_seconds():.0f} s ago (it is {zulu(now)})",
                field="time_measured",
            )
        if report.extrapolated and "Unknown" in report.accuracy_h + report.accuracy_v:
            raise BadInput("an extrapolated position needs both accuracies", field="accuracy_h")
        if report.track_deg is not None and report.speed_mps is None:
            raise BadInput("a track needs a speed", field="speed_mps")
        if report.next_expected is not None:
            expected = parse_rfc3339(report.next_expected, "next_expected")
            if not measured <= expected <= now + _AHEAD_MAX:
                raise BadInput(
                    "not between the time of measurement and an hour from now",
                    field="next_expected",
                )
        return measured

    async def own(self, plan_id: str) -> TelemetryView:
        """Return the last report of an own plan.

        Raises:
            NotFound: no living plan of that id.
        """
        plan = self._book.get(plan_id)
        if plan is None:
            raise NotFound(f"no living plan {plan_id}; `tansiq plan list` shows them", field="id")
        return self._own_view(plan, await self._last(plan_id))

    def _own_view(self, plan: Plan, report: Report | None) -> TelemetryView:
        state = (plan.placement.base or plan.placement.want).state
        name = plan.callsign or f"plan {plan.id[:8]}"
        view = TelemetryView(id=plan.id, manager=self._party, name=name, state=state.value)
        if report is None:
            return msgspec.structs.replace(view, sentence=f"no position of {name} was reported")
        measured = parse_rfc3339(report.time_measured, "time_measured")
        view = msgspec.structs.replace(
            view,
            lat_deg=report.lat_deg,
            lng_deg=report.lng_deg,
            altitude_m=report.altitude_m,
            accuracy_h=report.accuracy_h,
            accuracy_v=report.accuracy_v,
            extrapolated=report.extrapolated,
            speed_mps=report.speed_mps,
            track_deg=report.track_deg,
            next_expected=report.next_expected,
        )
        return self._aged(view, measured)

    async def _last(self, plan_id: str) -> Report | None:
        document = await self._store.read(lambda tx: Telemetries(tx).get(plan_id))
        return None if document is None else _REPORT.decode(document)

    async def served(
        self, register: str, intent_id: str
    ) -> wire.GetOperationalIntentTelemetryResponse:
        """Return the last report of an own intent as peers are to see it.

        Raises:
            NotFound: that register's readers know of no such intent of ours.
            WrongState: it is not off-nominal.
            NoTelemetry: nothing was reported.
        """
        entity = convert.entity_id(intent_id, "entityid")
        plan = self._book.by_intent(entity)
        view = await self._store.read(lambda tx: Views(tx).get(register, entity))
        if plan is None or view is None or not view.own:
            raise NotFound(f"{entity} is not managed here")
        if not plan.placement.off_nominal:
            raise WrongState(f"{entity} is not off-nominal, so no telemetry of it is shared")
        report = await self._last(plan.id)
        if report is None:
            raise NoTelemetry(f"no telemetry of {entity} is at hand")
        expected = report.next_expected
        return wire.GetOperationalIntentTelemetryResponse(
            operational_intent_id=entity,
            telemetry=_to_wire(report),
            next_telemetry_opportunity=None if expected is None else _wire_time(expected),
        )

    # ---- others

    async def of_peer(self, entity: str) -> TelemetryView:
        """Ask the manager of a known off-nominal intent where its aircraft is.

        Raises:
            NotFound: no foreign intent of that id is known.
            WrongState: it is not off-nominal, as far as we know or its manager says.
            PeerError: its manager did not answer, or not by the standard.
        """
        known = self._known(entity)
        if not known.off_nominal:
            raise WrongState(
                f"{known.name} is {known.state}; positions are shared of Nonconforming and "
                "Contingent intents only",
                field="state",
            )
        view = TelemetryView(id=known.id, manager=known.manager, name=known.name, state=known.state)
        try:
            answer = await self._peers.intent_telemetry(known.base_url, known.id)
        except PeerRefused as error:
            if error.status == 409:
                raise WrongState(
                    f"{known.manager} says that {known.name} is not off-nominal any more",
                    field="state",
                ) from error
            if error.status != 412:
                raise
            answer = wire.GetOperationalIntentTelemetryResponse(operational_intent_id=known.id)
        if answer.operational_intent_id.lower() != known.id:
            raise PeerMalformed(f"telemetry of another intent than {known.id}")
        if answer.telemetry is None:
            sentence = f"{known.manager} has no position of {known.name} at hand"
            return msgspec.structs.replace(view, sentence=sentence)
        try:
            return self._from_wire(view, answer)
        except BadInput as error:
            raise PeerMalformed(f"telemetry of {known.id}: {error}") from error

    def _known(self, entity: str) -> Known:
        found = [
            known
            for register in self._book.registers
            if (known := self._airspace.get(register, entity)) is not None and not known.own
        ]
        if not found or not found[0].state:
            raise NotFound(
                f"no intent {entity} of anybody else is known here; `tansiq airspace list` shows "
                "what is",
                field="id",
            )
        return next((known for known in found if known.off_nominal), found[0])

    def _from_wire(
        self, view: TelemetryView, answer: wire.GetOperationalIntentTelemetryResponse
    ) -> TelemetryView:
        """Read what a peer told.

        Raises:
            BadInput: it cannot be.
        """
        told = answer.telemetry
        assert told is not None  # noqa: S101 - asked for by the caller
        if told.position is not None:
            view = _with_position(view, told.position)
        if told.velocity is not None:
            speed, track = told.velocity.speed, told.velocity.track
            if not 0 <= speed <= SPEED_MPS_MAX:
                raise BadInput(f"{speed} m/s", field="velocity.speed")
            if track is not None and not 0 <= track <= _NO_TRACK_DEG:
                raise BadInput(f"{track} degrees", field="velocity.track")
            known = track is not None and track != _NO_TRACK_DEG
            view = msgspec.structs.replace(
                view, speed_mps=speed, track_deg=track if known else None
            )
        opportunity = answer.next_telemetry_opportunity
        if opportunity is not None:
            at = convert.moment(opportunity, "next_telemetry_opportunity", round_up=True)
            view = msgspec.structs.replace(view, next_expected=zulu(at))
        return self._aged(
            view, convert.moment(told.time_measured, "telemetry.time_measured", round_up=False)
        )

    def _aged(self, view: TelemetryView, measured: datetime) -> TelemetryView:
        """Say how old a position is."""
        age_s = round((self._clock.now() - measured).total_seconds(), 1)
        if age_s < -self._timers.clock_leeway_s:
            sentence = f"measured {-age_s:,.0f} s after now: the clocks differ"
        else:
            sentence = f"measured {max(age_s, 0.0):,.0f} s ago"
        if view.lat_deg is None:
            sentence = f"no position of {view.name} was told; {sentence}"
        return msgspec.structs.replace(
            view, measured=zulu(measured), age_s=age_s, sentence=sentence
        )


def _with_position(view: TelemetryView, position: wire.Position) -> TelemetryView:
    lat, lng = position.latitude, position.longitude
    if lat is None or lng is None or not (-90 <= lat <= 90 and -180 <= lng <= 180):
        raise BadInput(f"latitude {lat}, longitude {lng}", field="position")
    altitude_m = None if position.altitude is None else position.altitude.value
    if altitude_m is not None and not ALTITUDE_M_MIN <= altitude_m <= ALTITUDE_M_MAX:
        raise BadInput(f"{altitude_m} m", field="position.altitude")
    return msgspec.structs.replace(
        view,
        lat_deg=lat,
        lng_deg=lng,
        altitude_m=altitude_m,
        accuracy_h=_word(position.accuracy_h),
        accuracy_v=_word(position.accuracy_v),
        extrapolated=bool(position.extrapolated),
    )


def _word(text: str | None) -> str | None:
    """Return an accuracy as told; anything else than one of the standard's words is none."""
    return text if text is not None and text.isalnum() and len(text) <= 16 else None


def _to_wire(report: Report) -> wire.VehicleTelemetry:
    velocity = None
    if report.speed_mps is not None:
        track = _NO_TRACK_DEG if report.track_deg is None else report.track_deg
        velocity = wire.Velocity(speed=report.speed_mps, units_speed="MetersPerSecond", track=track)
    return wire.VehicleTelemetry(
        time_measured=_wire_time(report.time_measured),
        position=wire.Position(
            longitude=report.lng_deg,
            latitude=report.lat_deg,
            accuracy_h=report.accuracy_h,
            accuracy_v=report.accuracy_v,
            extrapolated=report.extrapolated,
            altitude=wire.Altitude(value=report.altitude_m, reference="W84", units="M"),
        ),
        velocity=velocity,
    )


def _wire_time(text: str) -> wire.Time:
    return convert.to_time(parse_rfc3339(text, "time"))
