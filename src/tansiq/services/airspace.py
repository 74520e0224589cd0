"""What this node knows of the sky, register by register, and its judgement of it.

One record per (register, entity): version, OVN and volumes from one moment, never mixed (an OVN
taken from one place with volumes from another proves knowledge that nobody has). The records are
hints: the register's key check is what proves them current.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tansiq.domain.agreement import Agreement, Minima
from tansiq.domain.category import Category
from tansiq.domain.conflict import Conflict, blocks
from tansiq.domain.draft import StatedBand
from tansiq.domain.extent import Extent
from tansiq.domain.intent import IntentState
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import Volumes
from tansiq.engine.entities import ALTITUDES, EntityIndex, loosened, reaching, thinned
from tansiq.engine.judgement import conflict_between, conflicts
from tansiq.engine.prepared import Prepared

_CELL_M = 5_000.0
"""Registers find by cells of about a kilometre; twice that and some more."""

_SLACK_M = 1_000.0
"""How much further than it must a search looks, so that it need not look for every volume."""

_LARGE_VOLUMES = 64
_MANY_PAIRS = 4_096
"""Pairs of volumes that take some ten milliseconds to judge where all of them are near."""

_OFF_NOMINAL = frozenset({IntentState.NONCONFORMING, IntentState.CONTINGENT})

INTENT = "intent"
CONSTRAINT = "constraint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One entity as the holders of one register see it."""

    register: str
    id: str
    kind: str
    manager: str
    own: bool
    version: int
    ovn: str
    state: str
    priority: int
    volumes: Volumes
    time: TimeSpan
    base_url: str
    enlarged: bool = False
    """Already enlarged by its manager with its whole minima (a party's view at a foreign one)."""
    callsign: str = ""
    formation: str = ""
    category: Category | None = None
    down: bool = False
    """Its manager is marked Down, by the register's last word."""
    told: bool = False
    """By its manager's word alone: no reference of the register has shown it."""
    nominal_count: int | None = None
    """How many of its volumes, the first ones, are nominal; None: all."""
    late: bool = False
    """Found to meet a plan that stood before we knew of it, and not to give way to it."""
    extent: Extent | None = field(init=False, default=None, compare=False)
    """Made from the volumes; None where there are none."""
    _prepared: Prepared | None = field(init=False, default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "extent", Extent.of(self.volumes) if self.volumes else None)

    @property
    def prepared(self) -> Prepared:
        """Its volumes, ready to be judged; made when that is first asked for."""
        if self._prepared is None:
            object.__setattr__(self, "_prepared", Prepared.of(*self.volumes))
        assert self._prepared is not None  # noqa: S101 - just made
        return self._prepared

    @property
    def off_nominal(self) -> bool:
        """Whether its aircraft is not where its plan said."""
        return self.state in _OFF_NOMINAL

    @property
    def nominal(self) -> "Known":
        """Return it without where its aircraft has strayed to."""
        if self.nominal_count is None:
            return self
        return replace(self, volumes=self.volumes[: self.nominal_count], nominal_count=None)

    @property
    def name(self) -> str:
        """What a desk calls it."""
        return self.callsign or f"{self.kind} {self.id[:8]}"

    @property
    def warns(self) -> bool:
        """Whether plans that stand are to be warned of it: no key kept them out of its way."""
        return self.off_nominal or self.late

    @property
    def counts(self) -> bool:
        """Whether it may block anybody: what a supplier that is Down has Accepted does not.

        Nobody can be asked for it, and such a supplier may not activate it. What is in the air
        counts, whoever is Down.
        """
        return not (self.down and self.kind == INTENT and self.state == IntentState.ACCEPTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A plan that is being judged: where it wants to be, and who it is."""

    intent_id: str
    priority: int
    callsign: str
    formation: str
    category: Category | None = None
    volumes: Volumes
    already_met: frozenset[str] = frozenset()
    """Entities an activated plan met before its change; these do not block the change."""
    met_astray: frozenset[str] = frozenset()
    """Entities that met it only by where their aircraft strayed to; their nominal volumes block."""
    stands: bool = False
    """It counts already, and is written where it was lost: what it displaced is displaced."""
    stated: tuple[StatedBand, ...] = ()
    """Its altitudes as they were given, one a volume; for sentences only."""
    extent: Extent = field(init=False, compare=False)
    """Made from the volumes."""
    prepared: Prepared = field(init=False, compare=False, repr=False)
    """The volumes, ready to be judged."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "extent", Extent.of(self.volumes))
        object.__setattr__(self, "prepared", Prepared.of(*self.volumes))

    @property
    def is_large(self) -> bool:
        """Whether judging it takes so long that others would notice: then it is done aside."""
        return len(self.volumes) > _LARGE_VOLUMES


@dataclass(frozen=True, slots=True)
class Blocking:
    """Something known that stands in a candidate's way, and how."""

    known: Known
    conflict: Conflict


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict at one register: what blocks, and the OVNs of all that was judged not to."""

    blocking: tuple[Blocking, ...]
    key: frozenset[str]


class Airspace:
    """All records, in memory; the store keeps them too, so that a restart forgets nothing."""

    def __init__(self, agreement: Agreement) -> None:
        self._agreement = agreement
        self._at: dict[str, dict[str, Known]] = {r.id: {} for r in agreement.registers}
        self._strayed: dict[tuple[str, str], Known] = {}
        self.on_strayed: Callable[[], None] = lambda: None
        """Called when an off-nominal intent comes, changes or goes."""
        self.version = 0
        """Another one after each change."""
        self._table = agreement.minima_table
        self._only = None if self._table.entries else self._table.usual
        """Those of every pair, where there are no others: asked for thousands of times a plan."""
        minima = self._table.largest
        self.reach = Minima(
            # Each side may be enlarged by the whole minima. What shares a register's cell with a
            # plan from further away is rare, and then named by the register.
            horizontal_m=min(2 * minima.horizontal_m + _CELL_M, 200_000.0),
            vertical_m=min(2 * minima.vertical_m + 1.0, 20_000.0),
            time=min(2 * minima.time + timedelta(seconds=1), timedelta(days=1)),
        )
        self._near = {r.id: EntityIndex[str](usual=self.reach) for r in agreement.registers}
        self._anywhere: dict[str, set[str]] = {r.id: set() for r in agreement.registers}
        """Ids of what has no volumes: it may be near anything."""

    @property
    def registers(self) -> Collection[str]:
        """The ids of the registers that count."""
        return self._at.keys()

    def put(self, known: Known) -> None:
        """Replace the record of one entity at one register."""
        self.version += 1
        before = self._at[known.register].get(known.id)
        self._at[known.register][known.id] = known
        if before is None or before.volumes != known.volumes:
            self._near[known.register].put(known.id, known.volumes)
            anywhere = self._anywhere[known.register]
            (anywhere.discard if known.volumes else anywhere.add)(known.id)
        self._note_strayed(before, known)

    def drop(self, register: str, entity: str) -> None:
        """Forget one entity at one register."""
        self.version += 1
        before = self._at[register].pop(entity, None)
        self._near[register].drop(entity)
        self._anywhere[register].discard(entity)
        self._note_strayed(before, None)

    def _note_strayed(self, before: Known | None, after: Known | None) -> None:
        changed = [known for known in (before, after) if known is not None and known.warns]
        for known in changed:
            self._strayed.pop((known.register, known.id), None)
        if after is not None and after.warns:
            self._strayed[after.register, after.id] = after
        if changed:
            self.on_strayed()

    def strayed(self) -> list[Known]:
        """Return each intent that warns once, our own too, ordered by id."""
        found = {known.id: known for known in self._strayed.values()}
        return [found[entity] for entity in sorted(found)]

    def get(self, register: str, entity: str) -> Known | None:
        """Return the record of one entity at one register."""
        return self._at[register].get(entity)

    def at(self, register: str) -> Mapping[str, Known]:
        """Return all records of one register by id."""
        return self._at[register]

    def everything(self) -> list[Known]:
        """Return each foreign entity once, gate's view first, by start time."""
        seen: dict[str, Known] = {}
        for records in self._at.values():
            for known in list(records.values()):
                if not known.own:
                    seen.setdefault(known.id, known)
        return sorted(seen.values(), key=lambda known: (known.time.start, known.id))

    def mark(self, register: str, entity: str, *, down: bool) -> Known | None:
        """Note whether a manager is marked Down; return the record if it counts again by that."""
        known = self.get(register, entity)
        if known is None or known.down == down:
            return None
        marked = replace(known, down=down, late=known.late and not down)
        self.put(marked)
        return marked if marked.counts and not known.counts else None

    def confirm(self, register: str, entity: str) -> None:
        """Note that a register's reference shows an entity as we know it."""
        known = self.get(register, entity)
        if known is not None and known.told:
            self.put(replace(known, told=False))

    def warn_of(self, found: Known) -> None:
        """Note that something came to be known too late for a plan that stands."""
        known = self.get(found.register, found.id)
        if known is not None and known.ovn == found.ovn and not known.late:
            self.put(replace(known, late=True))

    def registers_of(self, entity: str) -> tuple[str, ...]:
        """Return the registers where we know an entity to stand."""
        return tuple(name for name, records in self._at.items() if entity in records)

    def forget_ended(self, now: datetime) -> None:
        """Drop foreign records whose time has passed."""
        for register, records in self._at.items():
            for known in list(records.values()):
                if not known.own and known.time.end < now:
                    self.drop(register, known.id)

    def minima_between(self, candidate: Candidate, known: Known) -> Minima:
        """Return the minima that a candidate's true volumes keep from a record."""
        if self._only is not None and not known.enlarged:
            return self._only
        kept = self._table.beyond if known.enlarged else self._table.between
        return kept(candidate.category, known.category)

    def judge_one(self, candidate: Candidate, known: Known) -> Conflict | None:
        """Return how a candidate conflicts with one record, formations excepted."""
        if known.id == candidate.intent_id or known.extent is None:
            return None
        minima = self.minima_between(candidate, known)
        if candidate.extent.apart(known.extent, minima):
            return None
        if self._flies_with(candidate, known):
            return None
        return conflict_between(candidate.prepared, known.prepared, minima)

    def is_long(self, candidate: Candidate, others: Iterable[Known]) -> bool:
        """Report whether judging takes so long that others would notice: then it is done aside."""
        return candidate.is_large or (
            len(candidate.volumes) * sum(len(known.volumes) for known in others) > _MANY_PAIRS
        )

    def blocks(self, candidate: Candidate, known: Known) -> bool:
        """Report whether a conflict with this record would forbid the plan.

        Whoever is struck off hears of nothing that displaces it, so all its plans do.
        """
        if known.kind == CONSTRAINT:
            return True
        if known.manager in self._agreement.struck and known.counts and not candidate.stands:
            return True
        return known.counts and blocks(
            candidate.priority,
            known.priority,
            equal_priority_blocks=self._agreement.equal_priority_blocks,
        )

    def relevant(
        self, candidate: Candidate, within: Volumes, register: str, named: Collection[str] = ()
    ) -> list[Known]:
        """Return the records of one register that a write over ``within`` may have to prove, by
        id: what is near, and what the register has ``named`` although it is not.
        """
        asked, reach = loosened(within), self.reach
        if len(asked) > _LARGE_VOLUMES:
            asked, reach = _few(asked, reach)
        near = self._near[register].near(Prepared.of(*asked), reach)
        near |= self._anywhere[register]
        near.update(named)
        near.discard(candidate.intent_id)
        records = self._at[register]
        return [records[entity] for entity in sorted(near) if entity in records]

    def obstacles(self, candidate: Candidate, span: TimeSpan, aside_m: float) -> list[Known]:
        """Return what would block the candidate within a span of time, at any level, where it is
        or up to so far aside; each once, as its manager tells it rather than enlarged.
        """
        most = self._table.most(candidate.category)
        reach = replace(most, horizontal_m=min(most.horizontal_m + aside_m, 200_000.0))
        asked, reach = _few(reaching(candidate.volumes, span, ALTITUDES), reach)
        everywhere = Prepared.of(*asked)
        best: dict[str, Known] = {}
        for register, near in self._near.items():
            for entity in near.near(everywhere, reach):
                known = self._at[register][entity]
                if known.id not in best or best[known.id].enlarged:
                    best[known.id] = known
        return [
            best[entity]
            for entity in sorted(best)
            if entity != candidate.intent_id
            and self.blocks(candidate, best[entity])
            and not self._flies_with(candidate, best[entity])
        ]

    def _flies_with(self, candidate: Candidate, known: Known) -> bool:
        return known.kind == INTENT and self._agreement.same_formation(
            (candidate.callsign, candidate.formation), (known.callsign, known.formation)
        )

    def judge(self, candidate: Candidate, relevant: Iterable[Known]) -> Judgement:
        """Judge a candidate against records.

        A key never names what blocks: only OVNs whose volumes were judged not to are in it. Nor
        does it name what does not count, so that a register for which it counts again says so.
        """
        blocking = []
        key = set()
        for known in relevant:
            if not known.counts:
                continue
            conflict = None
            if self.blocks(candidate, known) and known.id not in candidate.already_met:
                # What strayed is not coordinated there: having met it excuses nothing else.
                met = known.nominal if known.id in candidate.met_astray else known
                conflict = self.judge_one(candidate, met)
            if conflict is None:
                key.add(known.ovn)
            else:
                blocking.append(Blocking(known, conflict))
        blocking.sort(key=lambda b: (b.known.kind != CONSTRAINT, -b.known.priority, b.known.id))
        return Judgement(tuple(blocking), frozenset(key))

    def meets(self, candidate: Candidate, volumes: Volumes, category: Category | None) -> bool:
        """Report whether a candidate is within the minima of true volumes of that category."""
        minima = self._table.between(candidate.category, category)
        return conflicts(candidate.prepared, Prepared.of(*volumes), minima)

    def met_by(self, candidate: Candidate, registers: Iterable[str]) -> frozenset[str]:
        """Return the ids of everything that a candidate conflicts with, blocking or not."""
        return frozenset(known.id for known in self._met_by(candidate, registers))

    def exempting(
        self, candidate: Candidate, before: Candidate, registers: Iterable[str]
    ) -> Candidate:
        """Return a candidate that is not blocked by what met it ``before``, blocking or not."""
        met = self._met_by(before, registers)
        astray = frozenset(k.id for k in met if self.judge_one(before, k.nominal) is None)
        already = frozenset(known.id for known in met) - astray
        return replace(candidate, already_met=already, met_astray=astray)

    def _met_by(self, candidate: Candidate, registers: Iterable[str]) -> list[Known]:
        return [
            known
            for register in registers
            for known in self.relevant(candidate, candidate.volumes, register)
            if self.judge_one(candidate, known) is not None
        ]


def _few(asked: Volumes, reach: Minima) -> tuple[Volumes, Minima]:
    """Return few volumes, and a wider reach, that find what these do: each finds nearly the same,
    and the loop waits. They share times and altitudes.
    """
    slack_m = min(_SLACK_M, 200_000.0 - reach.horizontal_m)
    wider = replace(reach, horizontal_m=reach.horizontal_m + slack_m)
    return thinned(asked, slack_m), wider
