"""Going over to another version of the agreement: what is in the way, what becomes of the store.

``go_over`` is one transaction between two runs of the node. ``Succession`` looks meanwhile whether
anything is in the way, and when a register that counts anew holds what it lacked.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import msgspec

from tansiq.domain.agreement import Agreement, Register
from tansiq.domain.intent import PartyID
from tansiq.domain.placement import Phase, Placement
from tansiq.domain.placement import Slot as PlacementSlot
from tansiq.domain.succession import gone_over, lacking, obstacles, unsure
from tansiq.domain.time import micros
from tansiq.errors import PeerError, StoreError
from tansiq.services.airspace import INTENT, Airspace, Known
from tansiq.services.planning.claim import Claim
from tansiq.services.planning.no_go import Slot
from tansiq.services.planning.planner import Place
from tansiq.services.planning.site import Site
from tansiq.services.views import NextVersionView
from tansiq.storage.own_constraints import OwnConstraintRows
from tansiq.storage.plans import Plans
from tansiq.storage.store import Tx
from tansiq.storage.versions import VersionRows

_log = logging.getLogger(__name__)
_ENCODER = msgspec.json.Encoder()
_PLACEMENT = msgspec.json.Decoder(Placement[Claim])
_SLOTS = msgspec.json.Decoder(dict[str, Slot])
_SWEEPS = 2
"""A sweep under way when a node said that it had gone over may have begun before."""


class AgreementPort(Protocol):
    """What other nodes say of the agreement that they hold."""

    async def digest(self, party: str) -> str:
        """Return the digest of a party's agreement. Raises PeerError."""
        ...


def _names(old: Agreement, new: Agreement) -> tuple[list[str], list[str]]:
    """Return the ids of the registers that count before and after.

    One that keeps its id and is another party's or at another place is another register.
    """
    places = {register.id: _place(register) for register in new.listed}
    before = [
        register.id if places.get(register.id, _place(register)) == _place(register) else ""
        for register in old.registers
    ]
    return before, [register.id for register in new.registers]


def _place(register: Register) -> tuple[PartyID | None, str]:
    return register.party, register.url


def common_of(old: Agreement, new: Agreement) -> list[str]:
    """Return the ids of the registers that count before and after, in the new order."""
    before, after = _names(old, new)
    return [name for name in after if name in before]


def changed_rules(old: Agreement, new: Agreement) -> tuple[str, ...]:
    """Return which rules differ by which plans are judged; what stands was judged by the old."""
    names = ("minima", "between", "equal_priority_blocks", "formations")
    return tuple(name for name in names if getattr(old, name) != getattr(new, name))


async def go_over(tx: Tx, old: Agreement, new: Agreement, party: PartyID, now: datetime) -> None:
    """Take every plan and no-go area of the store over to another list of registers.

    Raises:
        StoreError: a plan has other registers than the old version.
    """
    before, after = _names(old, new)
    own = next((register.id for register in new.registers if register.party == party), None)
    for row in await Plans(tx).all(ended=True):
        placement = _PLACEMENT.decode(row.placement)
        if placement.phase is Phase.ENDED and len(placement.slots) != len(before):
            # Of a store that is older than its notes of versions; it stands nowhere any more.
            empty: PlacementSlot[Claim] = PlacementSlot()
            none: frozenset[int] = frozenset()
            placement = replace(
                placement,
                slots=(empty,) * len(before),
                own=None,
                blocker=None,
                seen=none,
                recheck=none,
                heard=none,
            )
        try:
            moved = gone_over(placement, before, after, own)
        except ValueError as error:
            raise StoreError(f"plan {row.id}: {error}") from error
        placed = _ENCODER.encode(moved)
        await Plans(tx).put(replace(row, placement=placed, phase=moved.phase.value))
    for area in await OwnConstraintRows(tx).all():
        slots = _SLOTS.decode(area.slots)
        # What stood there before it rested is found by asking; of one that is lifted, by the sweep.
        anew = Slot(doubt=not area.ending)
        kept = {name: slots.get(name, anew) if name in before else anew for name in after}
        # Under the rule before nobody was asked to confirm it in that time: it begins now.
        confirmed = area.confirmed if old.standing == new.standing else micros(now)
        moved_area = replace(area, slots=_ENCODER.encode(kept), confirmed=confirmed)
        await OwnConstraintRows(tx).put(moved_area)
    rows = VersionRows(tx)
    for name in before:
        if name not in after:
            await rows.forget_lacking(name)
    for name in after:
        if name not in before:
            await rows.put_lacking(name, None)


class Succession:
    """Looks at what the next version waits for."""

    def __init__(
        self,
        site: Site,
        *,
        airspace: Airspace,
        places: Sequence[Place],
        peers: AgreementPort,
    ) -> None:
        self._site = site
        self._airspace = airspace
        self._places = tuple(places)
        self._peers = peers
        self._over: dict[str, int] = {}
        """By register whose holder has gone over as well: how often it had been swept then."""
        self._task: asyncio.Task[None] | None = None
        self._next: tuple[int, str] | None = None
        self._waits: tuple[str, ...] = ()

    def start(self) -> None:
        """Begin to look after registers that count anew."""
        self._task = asyncio.create_task(self._fill(), name="succession")

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def view(self) -> NextVersionView | None:
        """Return the version that is waited for, and why; None: there is none."""
        if self._next is None:
            return None
        version, digest = self._next
        return NextVersionView(version=version, digest=digest, waits=self._waits)

    def tell(self, version: int, digest: str, waits: Sequence[str]) -> None:
        """Note which version is waited for, and why the node does not go over to it."""
        self._next, self._waits = (version, digest), tuple(waits)

    def tell_nothing(self) -> None:
        """Note that none is waited for."""
        self._next, self._waits = None, ()
        self._site.versions.follow(())

    async def ready_for(self, chain: Sequence[Agreement]) -> bool:
        """Report whether the node may go over to the first of the versions that it is to take."""
        self._site.versions.follow(each.digest for each in chain)
        waits = await self.obstacles(chain[0])
        self.tell(chain[-1].version, chain[-1].digest, waits)
        return not waits

    async def obstacles(self, new: Agreement) -> tuple[str, ...]:
        """Return why this node may not go over to a version now, as sentences; empty: it may.

        What is found stays so: what is placed from then on is placed in registers that stay, too.
        """
        common = common_of(self._site.agreement, new)
        if rules := changed_rules(self._site.agreement, new):
            standing = len({k.id for k in self._known() if k.kind == INTENT})
            if not standing and not any(place.swept for place in self._places):
                return ("no register was read since this node started",)
            if standing:
                differ = f"{' and '.join(rules)} differ"
                return (f"{differ}, and plans stand ({standing}); end them first",)
        rows = await self._site.store.read(lambda tx: VersionRows(tx).lacking())
        full = [place.register.id for place in self._places if place.register.id not in rows]
        if not common or any(name in full for name in common):
            return obstacles(common, ())
        await self._ask()
        return obstacles(common, unsure(self._held(), common, full))

    def _known(self) -> list[Known]:
        now = self._site.clock.now()
        known = (k for place in self._places for k in self._airspace.at(place.register.id).values())
        return [each for each in known if each.time.end >= now]

    def _held(self) -> Mapping[str, frozenset[str] | None]:
        """Return what stands in each register; None where it was not read since it counts."""
        now, found = self._site.clock.now(), dict[str, frozenset[str] | None]()
        for place in self._places:
            name, seen = place.register.id, self._over.get(place.register.id)
            read = seen is not None and place.swept >= seen + _SWEEPS
            records = self._airspace.at(name).values()
            ids = frozenset(known.id for known in records if known.time.end >= now)
            found[name] = ids if read else None
        return found

    async def _ask(self) -> None:
        """Ask the holders of registers which version they hold."""
        site = self._site
        for place in self._places:
            register = place.register
            if register.id in self._over:
                continue
            # A pool takes what comes under any version: there, all have to have gone over.
            parties = [party.id for party in site.agreement.parties if party.id != site.party]
            holders = parties if register.party is None else [register.party]
            if place.local or all([await self._is_over(party) for party in holders]):
                self._over[register.id] = place.swept

    async def _is_over(self, party: str) -> bool:
        site = self._site
        try:
            digest = await self._peers.digest(party)
        except PeerError:
            return False
        return digest == site.agreement.digest or site.versions.is_following(digest)

    async def _fill(self) -> None:
        """Look again and again at what registers lack, until all are full."""
        site = self._site
        while True:
            try:
                if await self._looked():
                    return
            except StoreError as error:
                _log.warning("whether registers are full is looked at again: %s", error)
            await site.clock.sleep(site.timers.retry_last_s)

    async def _looked(self) -> bool:
        """Look once; report whether all are full."""
        rows = await self._site.store.read(lambda tx: VersionRows(tx).lacking())
        if not rows:
            return True
        await self._ask()
        held = {name: ids for name, ids in self._held().items() if ids is not None}
        if len(held) == len(self._places):
            await self._keep({name: lacking(held, name, before) for name, before in rows.items()})
        return False

    async def _keep(self, found: Mapping[str, frozenset[str]]) -> None:
        async def write(tx: Tx) -> None:
            for name, ids in found.items():
                await VersionRows(tx).put_lacking(name, ids)

        await self._site.store.write(write)
