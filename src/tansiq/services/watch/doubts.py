"""Open alarms that nothing asks for any more, and yet nobody can tell whether they are over.

That an aircraft is not heard does not mean that it is clear, or back; nor does it that there are
more pairs than can be looked at, or that a look has failed. Such an alarm stands, and says why.
"""

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Final, TypeAlias

from tansiq.domain.alarm import OPEN
from tansiq.domain.alarm_key import NOBODY, AlarmKey, AlarmKind, Subject
from tansiq.formats import alarm_facts
from tansiq.formats.alarm_facts import SENTENCE_ONLY, Message
from tansiq.formats.alarm_words import DOUBTS, in_words
from tansiq.services.watch.kept import Cause, Kept

PAIRS: Final = frozenset({AlarmKind.CONFLICT_PREDICTED, AlarmKind.SEPARATION_LOST})
_Doubt: TypeAlias = tuple[str, Message]
"""The sentence, and what it is made of."""


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
        said: _Doubt | None = None
        if seen.failed:
            said = _with(alarm_facts.FAILED, kept)
        elif key.kind is AlarmKind.TRACK_LOST:
            if any(each in seen.lost_before for each in about):
                said = _made(alarm_facts.lost_before(kept.names))
        elif about <= seen.heard:
            if seen.crowded and key.kind in PAIRS:
                said = _made(alarm_facts.pair_crowded(kept.names))
        else:
            silent = seen.silent() if silent is None else silent
            if not silent.isdisjoint(about - seen.heard):
                said = _unheard(kept)
        if said is not None:
            yield Cause(
                key=key,
                level=kept.alarm.level,
                sentence=said[0],
                said=said[1],
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


def _made(said: Message) -> _Doubt:
    # Without names, of an alarm that an older version kept, the sentence is all there is.
    return in_words(said), said if said.facts else SENTENCE_ONLY


def _unheard(kept: Kept) -> _Doubt:
    if kept.alarm.key.kind in PAIRS:
        return _made(alarm_facts.pair_unheard(kept.names))
    return _with(alarm_facts.UNHEARD, kept)


def _with(doubt: str, kept: Kept) -> _Doubt:
    sentence = kept.sentence
    for before in DOUBTS.values():
        sentence = sentence.removesuffix(before)
    said = alarm_facts.doubted(kept.said, doubt)
    return sentence.removesuffix(".") + DOUBTS[doubt], said
