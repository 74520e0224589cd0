"""What aircraft are expected to do: the plans and no-go areas that count about now.

Made from what the node knows of the sky (``services/airspace.py``), which forgets what has ended.
The watch must not: who still flies past the end of its plan is just whom it looks for. So a plan is
kept for as long as an aircraft is bound to it.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tansiq.services.airspace import CONSTRAINT, Airspace, Known

AHEAD: Final = timedelta(minutes=30)
"""So long before its start a plan is expected: who is inside then has entered early."""
BEHIND: Final = timedelta(minutes=30)
"""So long after its end a plan is still looked for by its call sign."""
FRESH: Final = timedelta(seconds=30)
"""How old a list may be while nothing in the sky has changed: time itself brings plans into it."""


@dataclass(slots=True, kw_only=True)
class _List:
    made: datetime
    version: int
    intents: dict[str, Known] = field(default_factory=dict)
    constraints: tuple[Known, ...] = ()
    by_callsign: dict[str, tuple[Known, ...]] = field(default_factory=dict)


class Expected:
    """Plans and no-go areas about now, each once, however many registers show it."""

    def __init__(self, airspace: Airspace) -> None:
        self._airspace = airspace
        self._list: _List | None = None
        self._held: dict[str, Known] = {}
        self._kept: dict[str, Known] = {}

    def keep(self, known: Known) -> None:
        """Have a plan that no register shows: of a recording."""
        self._kept[known.id] = known

    def look(self, now: datetime, bound: Collection[str]) -> None:
        """Bring the list up to date; ``bound`` are the intents that aircraft are bound to."""
        kept = self._list
        version = self._airspace.version
        if kept is None or kept.version != version or not kept.made <= now < kept.made + FRESH:
            self._list = kept = self._read(now, version)
        for entity in bound:
            known = kept.intents.get(entity) or self._find(entity)
            held = self._held.get(entity)
            if known is not None:
                self._held[entity] = known
            elif held is not None and now <= held.time.end:
                # Not forgotten for its end, so somebody ended it: nobody flies it any more.
                del self._held[entity]
        for entity in [each for each in self._held if each not in bound]:
            del self._held[entity]

    def _find(self, entity: str) -> Known | None:
        found = (self._airspace.get(register, entity) for register in self._airspace.registers)
        return next((known for known in found if known is not None and known.volumes), None)

    def _read(self, now: datetime, version: int) -> _List:
        intents: dict[str, Known] = {}
        constraints: dict[str, Known] = {}
        for register in self._airspace.registers:
            for known in self._airspace.at(register).values():
                if not known.volumes or not _about(known, now):
                    continue
                into = constraints if known.kind == CONSTRAINT else intents
                before = into.get(known.id)
                if before is None or (before.enlarged and not known.enlarged):
                    into[known.id] = known  # Where its aircraft is, not where others keep clear.
        named: dict[str, list[Known]] = {}
        for known in intents.values():
            if known.callsign:
                named.setdefault(spoken(known.callsign), []).append(known)
        return _List(
            made=now,
            version=version,
            intents=intents,
            constraints=tuple(constraints[each] for each in sorted(constraints)),
            by_callsign={each: tuple(found) for each, found in named.items()},
        )

    def intent(self, entity: str) -> Known | None:
        """Return a plan that is expected, or that an aircraft is bound to."""
        kept = self._list
        found = None if kept is None else kept.intents.get(entity)
        return found or self._held.get(entity) or self._kept.get(entity)

    def called(self, callsign: str) -> tuple[Known, ...]:
        """Return the plans of a call sign, however it is spaced."""
        kept = self._list
        return () if kept is None or not callsign else kept.by_callsign.get(spoken(callsign), ())

    @property
    def constraints(self) -> tuple[Known, ...]:
        """All no-go areas about now, ordered by id."""
        return () if self._list is None else self._list.constraints

    @property
    def intents(self) -> Collection[Known]:
        """All plans about now."""
        return () if self._list is None else self._list.intents.values()


def spoken(callsign: str) -> str:
    """Return a call sign as it is compared: ``N 12-AB`` and ``n12ab`` are one."""
    return "".join(each for each in callsign.upper() if each.isalnum())


def _about(known: Known, now: datetime) -> bool:
    return known.time.start - AHEAD <= now <= known.time.end + BEHIND
