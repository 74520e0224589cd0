"""The agreement in force as people see it, and whether the others hold the same."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple

from tansiq.domain.agreement import Agreement, Minima, Party
from tansiq.domain.desk import DAYS, Desk
from tansiq.domain.pact import NoticeKind
from tansiq.domain.time import zulu
from tansiq.domain.volume import Circle
from tansiq.errors import BadInput, PeerError
from tansiq.formats.agreement_words import rules_in_words
from tansiq.formats.spoken import six_words
from tansiq.services.agreement_views import (
    AgreedArea,
    AgreedDesk,
    AgreedLead,
    AgreedMinima,
    AgreedParty,
    AgreedRegister,
    AgreedRules,
    AgreedSentence,
    AgreedStep,
    AgreedTimes,
    AgreementView,
    SignedVersion,
)
from tansiq.services.planning.site import Site
from tansiq.services.planning.succession import AgreementPort
from tansiq.services.views import NextVersionView

ASKED_EVERY_S: Final = 30.0
WAIT_S: Final = 2.0
"""Nobody waits longer for a party that does not answer; what it says later is shown next time."""


class _Shown(NamedTuple):
    digest: str
    at: datetime


class PeerDigests:
    """Which agreement each other party's node last showed."""

    def __init__(self, site: Site, peers: AgreementPort) -> None:
        self._site = site
        self._peers = peers
        self._shown: dict[str, _Shown] = {}
        self._asked_s: float | None = None

    async def look(self) -> Mapping[str, _Shown]:
        """Return what is known, having asked all where that was long ago."""
        clock = self._site.clock
        now_s = clock.monotonic_s()
        if self._asked_s is None or now_s - self._asked_s >= ASKED_EVERY_S:
            self._asked_s = now_s
            others = [p.id for p in self._site.agreement.parties if p.id != self._site.party]
            await asyncio.gather(*(self._ask(each) for each in others))
        return dict(self._shown)

    async def _ask(self, party: str) -> None:
        clock = self._site.clock
        try:
            digest = await clock.limit(self._peers.digest(party), WAIT_S)
        except (PeerError, TimeoutError):
            return  # What it showed before stands, with its time.
        self._shown[party] = _Shown(digest, clock.now())


class AgreementShown:
    """Makes the view."""

    def __init__(
        self,
        site: Site,
        *,
        file: bytes,
        digests: PeerDigests,
        following: Callable[[], NextVersionView | None],
        versions: Callable[[], tuple[SignedVersion, ...]],
    ) -> None:
        """``versions`` reads the papers in the node's folder; it may raise BadInput."""
        self._site = site
        self._file = file
        self._digests = digests
        self._following = following
        self._versions = versions

    async def view(self) -> AgreementView:
        """Return the agreement in force."""
        agreement = self._site.agreement
        shown = await self._digests.look()
        problem, versions = None, tuple[SignedVersion, ...]()
        try:
            # Each signature is checked anew: they are files, and somebody may have put others.
            versions = await asyncio.to_thread(self._versions)
        except BadInput as error:
            problem = str(error)
        return AgreementView(
            name=agreement.name,
            version=agreement.version,
            previous=agreement.previous,
            digest=agreement.digest,
            words=six_words(bytes.fromhex(agreement.digest)),
            valid_until=None if agreement.valid_until is None else zulu(agreement.valid_until),
            party=self._site.party,
            parties=tuple(self._party(party, shown) for party in agreement.parties),
            registers=_registers(agreement),
            area=_area(agreement),
            minima=(
                _minima(agreement.minima),
                *(_minima(entry.minima, entry.pair) for entry in agreement.between),
            ),
            minima_largest=_minima(agreement.minima_table.largest),
            lead=_lead(agreement),
            times=_times(agreement),
            escalation=_escalation(agreement),
            rules=_rules(agreement),
            sentences=tuple(
                AgreedSentence(about=rule.about, says=rule.says)
                for rule in rules_in_words(agreement)
            ),
            sentences_language="en",
            versions=versions,
            papers_problem=problem,
            next=self._following(),
            document=self._file.decode("utf-8", "replace"),
        )

    def _party(self, party: Party, shown: Mapping[str, _Shown]) -> AgreedParty:
        agreement, ours = self._site.agreement, party.id == self._site.party
        said = shown.get(party.id)
        digest = agreement.digest if ours else None if said is None else said.digest
        at = self._site.clock.now() if ours else None if said is None else said.at
        fingerprint = sha256(party.public_key).digest()
        return AgreedParty(
            id=party.id,
            names=dict(party.names),
            ours=ours,
            url=party.url,
            key_sha256=fingerprint.hex(),
            key_words=six_words(fingerprint),
            certificate_sha256=party.tls_sha256.hex() or None,
            register=any(each.party == party.id for each in agreement.listed),
            struck=party.id in agreement.struck,
            desks=tuple(_desk(desk) for desk in party.posts),
            digest=digest,
            digest_at=None if at is None else zulu(at),
            same=None if digest is None else digest == agreement.digest,
        )


def _desk(desk: Desk) -> AgreedDesk:
    return AgreedDesk(
        id=desk.id,
        names=dict(desk.names),
        languages=desk.languages,
        hours=str(desk.hours),
        days=tuple(DAYS[day] for day in sorted(desk.hours.days)),
        deputy=desk.deputy,
        voice=desk.voice,
    )


def _registers(agreement: Agreement) -> tuple[AgreedRegister, ...]:
    return tuple(
        AgreedRegister(
            id=each.id,
            party=each.party,
            url=each.url,
            foreign=each.foreign,
            counts=each in agreement.registers,
        )
        for each in agreement.listed
    )


def _area(agreement: Agreement) -> AgreedArea:
    area = agreement.area
    if isinstance(area, Circle):
        return AgreedArea(
            lat_deg=area.center.lat_deg,
            lng_deg=area.center.lng_deg,
            radius_m=area.radius_m,
            volume_km2_max=agreement.area_km2_max,
        )
    return AgreedArea(
        corners_lat_lng_deg=tuple((v.lat_deg, v.lng_deg) for v in area.vertices),
        volume_km2_max=agreement.area_km2_max,
    )


def _minima(minima: Minima, between: tuple[str, ...] = ()) -> AgreedMinima:
    return AgreedMinima(
        horizontal_m=minima.horizontal_m,
        vertical_m=minima.vertical_m,
        time_s=minima.time.total_seconds(),
        between=tuple(map(str, between)),
    )


def _lead(agreement: Agreement) -> AgreedLead:
    lead = agreement.lead
    return AgreedLead(
        plan_s=lead.required(NoticeKind.PLAN).total_seconds(),
        no_go_s=lead.required(NoticeKind.NO_GO).total_seconds(),
        emergency_s=lead.required(NoticeKind.EMERGENCY).total_seconds(),
    )


def _times(agreement: Agreement) -> AgreedTimes:
    timers = agreement.timers
    return AgreedTimes(
        arrived_s=timers.arrived.total_seconds(),
        seen_s=timers.seen.total_seconds(),
        read_back_s=timers.read_back.total_seconds(),
        answered_s=timers.answered.total_seconds(),
        decided_s=timers.decided.total_seconds(),
        check_every_s=timers.check_every.total_seconds(),
        check_caution_s=timers.check_caution.total_seconds(),
        check_warning_s=timers.check_warning.total_seconds(),
        clocks_differ_s=timers.clocks_differ.total_seconds(),
    )


def _escalation(agreement: Agreement) -> tuple[AgreedStep, ...]:
    return tuple(
        AgreedStep(
            rung=step.rung,
            after_s=step.after.total_seconds(),
            role=step.role,
            desk=step.desk,
            by=step.by,
        )
        for step in agreement.escalation
    )


def _rules(agreement: Agreement) -> AgreedRules:
    standing = agreement.standing
    every, expire = standing.confirm_every, standing.expire_after
    return AgreedRules(
        equal_priority_blocks=agreement.equal_priority_blocks,
        level_step_m=agreement.level_step_m,
        lowest_m=agreement.levels_m[0],
        highest_m=agreement.levels_m[1],
        delay_max_s=agreement.delay_max.total_seconds(),
        if_unreachable=agreement.if_unreachable,
        hold_limit_s=agreement.hold_limit.total_seconds(),
        silence=agreement.silence.plan,
        confirm_every_s=None if every is None else every.total_seconds(),
        expire_after_s=None if expire is None else expire.total_seconds(),
        formations={each.name: tuple(sorted(each.callsigns)) for each in agreement.formations},
    )
