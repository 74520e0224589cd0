"""The agreement: the rules that the parties share, as values.

Read from the same bytes on every node (``formats/agreement.py``); ``digest`` is the SHA-256 of
those bytes, and two nodes coordinate only while their digests are equal. Desks are in ``desk``,
rules about notices in ``pact``, how one version follows another in ``amendment``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import product

from tansiq.domain.category import Category
from tansiq.domain.desk import WATCH, Desk
from tansiq.domain.intent import PartyID
from tansiq.domain.pact import AgreedTimers, Escalation, Lead, Silence, Standing
from tansiq.domain.volume import Outline
from tansiq.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Minima:
    """Separation that two plans keep: within all three is a conflict (bounds closed).

    Raises:
        BadInput: negative or not a number.
    """

    horizontal_m: float = 0.0
    vertical_m: float = 0.0
    time: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if not 0.0 <= self.horizontal_m <= 200_000.0:
            raise BadInput(f"{self.horizontal_m} m is not 0 to 200000", field="horizontal_m")
        if not 0.0 <= self.vertical_m <= 20_000.0:
            raise BadInput(f"{self.vertical_m} m is not 0 to 20000", field="vertical_m")
        if not timedelta(0) <= self.time <= timedelta(days=1):
            raise BadInput(f"{self.time.total_seconds()} s is not 0 to 86400", field="time_s")


NO_MINIMA = Minima()


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """The minima that aircraft of two categories keep; of one category: among themselves.

    Raises:
        BadInput: not one or two categories.
    """

    categories: frozenset[Category]
    minima: Minima

    def __post_init__(self) -> None:
        if len(self.categories) not in (1, 2):
            raise BadInput("minima are between one or two categories", field="categories")

    @property
    def pair(self) -> tuple[Category, Category]:
        """Both, in the order of the list of categories."""
        listed = [category for category in Category if category in self.categories]
        return listed[0], listed[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimaTable:
    """Which minima two aircraft keep, by their categories; the same whichever comes first.

    Whose category is not known (None) may be any, so it keeps the largest of the usual ones and all
    that its pair could have, in each dimension by itself. A no-go area has none, so it counts as
    unknown.

    Raises:
        BadInput: two entries for one pair.
    """

    usual: Minima = NO_MINIMA
    """For each pair that has no entry."""
    entries: tuple[Between, ...] = ()
    _kept: Mapping[tuple[Category | None, Category | None], Minima] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        agreed = {entry.categories: entry.minima for entry in self.entries}
        if len(agreed) != len(self.entries):
            raise BadInput("two entries for one pair", field="categories")
        kept: dict[tuple[Category | None, Category | None], Minima] = {}
        for a, b in product(Category, Category):
            kept[a, b] = agreed.get(frozenset((a, b)), self.usual)
        for a in Category:
            most = _largest([self.usual, *(kept[a, b] for b in Category)])
            kept[a, None] = kept[None, a] = most
        kept[None, None] = _largest([self.usual, *agreed.values()])
        object.__setattr__(self, "_kept", kept)

    def between(self, a: Category | None, b: Category | None) -> Minima:
        """Return what two aircraft keep."""
        return self._kept[a, b]

    def most(self, category: Category | None) -> Minima:
        """Return the largest that an aircraft keeps from anybody, in each dimension.

        Two halves of these are at least what any two keep, which is why a plan is placed in a
        register enlarged by its half.
        """
        return self._kept[category, None]

    def beyond(self, a: Category | None, b: Category | None) -> Minima:
        """Return what ``a`` keeps from volumes that ``b`` has enlarged by all of its ``most``.

        In each dimension the larger ``most`` of the two is kept then, so that either sees of the
        other what that sees of it.
        """
        if not self.entries:
            return NO_MINIMA
        ours, theirs = self.most(a), self.most(b)
        return Minima(
            horizontal_m=max(0.0, ours.horizontal_m - theirs.horizontal_m),
            vertical_m=max(0.0, ours.vertical_m - theirs.vertical_m),
            time=max(timedelta(0), ours.time - theirs.time),
        )

    @property
    def largest(self) -> Minima:
        """The largest that anybody keeps, in each dimension."""
        return self._kept[None, None]

    def why(self, a: Category | None, b: Category | None, *, area: bool = False) -> str:
        """Say which minima ``a`` keeps from ``b``, or from a no-go area; empty where all keep the
        same.
        """
        if not self.entries:
            return ""
        if area:
            return f"the largest for {a or 'all'}, as from any no-go area"
        if a is None and b is None:
            return "the largest for all, as neither names its category"
        if a is None or b is None:
            return f"the largest for {a or b}, as the other names no category"
        agreed = any(entry.categories == {a, b} for entry in self.entries)
        return f"{'those' if agreed else 'the usual ones'} between {a} and {b}"


def _largest(many: Iterable[Minima]) -> Minima:
    found = tuple(many)
    most = Minima(
        horizontal_m=max(each.horizontal_m for each in found),
        vertical_m=max(each.vertical_m for each in found),
        time=max(each.time for each in found),
    )
    # The same value as the same object, by which an index knows that it was asked before.
    return next((each for each in found if each == most), most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One side: its identity, where its node answers, and how that node is recognised."""

    id: PartyID
    names: Mapping[str, str]
    """By language code; ``en`` is always there."""
    public_key: bytes
    """Ed25519, 32 bytes raw."""
    url: str
    """Base URL of the peer-facing listener, without a trailing slash."""
    tls_sha256: bytes
    """SHA-256 of the certificate in DER, 32 bytes; empty for plain http, on loopback only."""
    desks: tuple[Desk, ...] = ()
    """As the file names them; whoever addresses one asks ``posts``."""

    @property
    def posts(self) -> tuple[Desk, ...]:
        """The desks that can be addressed, the usual one first; at least one."""
        watch = Desk(id=WATCH, names=self.names, languages=tuple(self.names))
        return self.desks or (watch,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One place that must accept every plan. Order in the agreement is order of placement."""

    id: str
    party: PartyID | None
    """Whose node holds it; None for a DSS outside the agreement."""
    url: str
    foreign: bool = False
    """Suppliers outside the agreement plan here too: ours stand enlarged by the whole minima."""


class IfUnreachable(StrEnum):
    """What an uncoordinated plan does while a register does not answer."""

    WAIT = "wait"
    LINE = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Formation:
    """Aircraft that mean to fly together; pairs of these call signs do not conflict."""

    name: str
    callsigns: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The rules in force between the parties.

    Raises:
        BadInput: no parties, no registers, a register of an unknown party, or a version that does
            not say what it follows.
    """

    name: str
    digest: str
    """SHA-256 of the file's bytes, lower-case hex."""
    parties: tuple[Party, ...]
    registers: tuple[Register, ...]
    """Those that must accept a plan: none of a party that is struck off."""
    area: Outline
    area_km2_max: float
    minima: Minima
    equal_priority_blocks: bool = True
    level_step_m: float = 300.0
    levels_m: tuple[float, float] = (-1_000.0, 20_000.0)
    """Lowest and highest altitude (W84) that an alternative may propose."""
    delay_max: timedelta = timedelta(hours=6)
    """How much later an alternative may propose."""
    if_unreachable: IfUnreachable = IfUnreachable.WAIT
    hold_limit: timedelta = timedelta(seconds=60)
    """How long a half-placed plan is held while a register does not answer."""
    formations: tuple[Formation, ...] = field(default=())
    between: tuple[Between, ...] = ()
    """Minima of pairs of categories; ``minima`` are those of all others."""
    version: int = 1
    previous: str = ""
    """Digest of the version before; empty in the first."""
    valid_until: datetime | None = None
    """The last instant at which it holds; None: until another version does."""
    lead: Lead = field(default_factory=Lead)
    timers: AgreedTimers = field(default_factory=AgreedTimers)
    escalation: tuple[Escalation, ...] = ()
    silence: Silence = field(default_factory=Silence)
    standing: Standing = field(default_factory=Standing)
    struck: frozenset[PartyID] = frozenset()
    """Parties that are off for the time being; they stay parties, and their signatures count."""
    resting: tuple[Register, ...] = ()
    """All registers in their order while some belong to parties struck off; empty otherwise."""
    minima_table: MinimaTable = field(init=False, repr=False)
    """``minima`` and ``between``: what any two plans keep."""

    def __post_init__(self) -> None:
        table = MinimaTable(usual=self.minima, entries=self.between)
        object.__setattr__(self, "minima_table", table)
        if not self.parties:
            raise BadInput("an agreement names at least one party", field="parties")
        if not self.registers:
            raise BadInput("an agreement names at least one register", field="registers")
        ids = [party.id for party in self.parties]
        if len(set(ids)) != len(ids):
            raise BadInput("two parties have the same id", field="parties")
        names = [register.id for register in self.registers]
        if len(set(names)) != len(names):
            raise BadInput("two registers have the same id", field="registers")
        for register in self.registers:
            if register.party is not None and register.party not in ids:
                raise BadInput(
                    f"register {register.id} names party {register.party}, which is not there",
                    field="registers",
                )
        self._check_version()
        self._check_struck(frozenset(ids))

    def _check_version(self) -> None:
        if self.version < 1:
            raise BadInput("the first version is 1", field="version")
        if (self.version == 1) == bool(self.previous):
            raise BadInput("every version but the first names the one before", field="previous")

    def _check_struck(self, ids: frozenset[PartyID]) -> None:
        if not self.struck <= ids:
            raise BadInput("a party that is not there is struck off", field="struck")
        if self.struck == ids:
            raise BadInput("no party would be left", field="struck")
        if any(register.party in self.struck for register in self.registers):
            raise BadInput("a register of a party that is struck off", field="registers")
        counting = tuple(r for r in self.listed if r.party not in self.struck)
        if counting != self.registers:
            raise BadInput("resting names other registers", field="registers")

    @property
    def listed(self) -> tuple[Register, ...]:
        """All registers that the file lists, those of parties struck off among them."""
        return self.resting or self.registers

    @property
    def counting(self) -> tuple[Party, ...]:
        """The parties that may plan: those not struck off."""
        return tuple(party for party in self.parties if party.id not in self.struck)

    def valid_at(self, now: datetime) -> bool:
        """Report whether the agreement has not expired by itself."""
        return self.valid_until is None or now <= self.valid_until

    def party(self, party_id: str) -> Party | None:
        """Return the party of that id, or None for somebody outside the agreement."""
        return next((party for party in self.parties if party.id == party_id), None)

    @property
    def equals(self) -> frozenset[str]:
        """The parties of whom nobody outside says whether they are Down.

        With several registers each plan stands on the word of all of them; with one, its holder
        decides as the standard has it.
        """
        # As listed: that a party is off gives nobody the say over whether it is Down.
        several = len(self.listed) > 1
        return frozenset(party.id for party in self.parties) if several else frozenset()

    def same_formation(self, a: tuple[str, str], b: tuple[str, str]) -> bool:
        """Report whether two (call sign, formation) pairs mean to fly together.

        Both must name the same formation, and both call signs must stand in its entry: neither
        side can exempt itself from the other alone.
        """
        return any(
            a[1] == b[1] == formation.name
            and a[0] in formation.callsigns
            and b[0] in formation.callsigns
            for formation in self.formations
        )
