"""Open alarms that nothing asks for any more, and yet nobody can tell whether they are over.

That an aircraft is not heard does not mean that it is clear, or back; nor does it that there are
more pairs than can be looked at, or that a look has failed. Such an alarm stands, and says why.
"""

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Final

from tansiq.domain.alarm import OPEN
from tansiq.domain.alarm_key import NOBODY, AlarmKey, AlarmKind, Subject
from tansiq.services.watch.kept import Cause, Kept

PAIRS: Final = frozenset({AlarmKind.CONFLICT_PREDICTED, AlarmKind.SEPARATION_LOST})
_UNHEARD: Final = "; not heard any more, it may still be so"
_FAILED: Final = "; it could not be looked at, it may still be so"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one look could tell, and of whom."""

    heard: Set[Subject]
    silent: Callable[[], Set[Subject]]
    """Those that are followed still, and not heard; asked for at most once."""
    lost_before: Container[Subject]
    """Plans whose aircraft were lost before the start, and may still fly."""
    crowded: bool
    """More pairs are near each other than could be looked at."""
    failed: bool
    """A part of the look failed: what it would have found nobody knows."""


def doubts(alarms: Iterable[Kept], asked: Container[AlarmKey], seen: Seen) -> Iterator[Cause]:
    """Yield a cause for each open alarm that has none only because nobody can tell."""
    silent: Set[Subject] | None = None
    for kept in alarms:
        key = kept.alarm.key
        if kept.alarm.stage not in OPEN or key in asked or kept.heard_of:
            continue
        about = subjects(kept)
        said = ""
        if seen.failed:
            said = _with(_FAILED, kept)
        elif key.kind is AlarmKind.TRACK_LOST:
            if any(each in seen.lost_before for each in about):
                said = _lost(kept)
        elif about <= seen.heard:
            if seen.crowded and key.kind in PAIRS:
                said = _crowded(kept)
        else:
            silent = seen.silent() if silent is None else silent
            if not silent.isdisjoint(about - seen.heard):
                said = _unheard(kept)
        if said:
            yield Cause(
                key=key,
                level=kept.alarm.level,
                sentence=said,
                names=kept.names,
                place=kept.place,
                parties=kept.parties,
            )


def subjects(kept: Kept) -> set[Subject]:
    """Return whom an alarm is about."""
    return {each for each in (kept.alarm.key.one, kept.alarm.key.other) if each != NOBODY}


def lost_before(alarms: Iterable[Kept], heard: Collection[Subject]) -> set[Subject]:
    """Return the subjects of open alarms of loss that have not been heard since the start."""
    return {
        subject
        for kept in alarms
        if kept.alarm.key.kind is AlarmKind.TRACK_LOST and kept.alarm.stage in OPEN
        for subject in subjects(kept)
        if subject not in heard
    }


def _lost(kept: Kept) -> str:
    name = " and ".join(kept.names) or "an aircraft"
    return f"{name} is not heard: it was lost before this node was started, and not heard since"


def _crowded(kept: Kept) -> str:
    names = " and ".join(kept.names) or "two"
    return f"{names} were too close: too many are near to tell whether that is still so"


def _unheard(kept: Kept) -> str:
    if kept.alarm.key.kind in PAIRS:
        names = " and ".join(kept.names) or "the two"
        return f"{names}: one of them is not heard any more; they may still be too close"
    return _with(_UNHEARD, kept)


def _with(doubt: str, kept: Kept) -> str:
    sentence = kept.sentence.removesuffix(_UNHEARD).removesuffix(_FAILED)
    return sentence.removesuffix(".") + doubt
