"""The three desks together, and what is printed of what passes between them.

Everything in two languages comes from the nodes: each side's column is what its own node shows of
the note, in the language of its desk.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tansiq.demo.cell_desk import Desk
from tansiq.demo.two_columns import COLUMNS, Said, beside, wrap
from tansiq.domain.phrase import Value
from tansiq.formats.phrase_book import render
from tansiq.formats.spelling import Setting
from tansiq.services.line.views import NoteView, ThreadView

_HANGING: Final = 2


def hour(time: str | None) -> str:
    """Return the hour of an RFC 3339 time as the phrase book writes it: 1432Z, 143205Z."""
    if time is None:
        return "-"
    seconds = "" if time[17:19] == "00" else time[17:19]
    return f"{time[11:13]}{time[14:16]}{seconds}Z"


@dataclass(slots=True, kw_only=True)
class Floor:
    """All desks, and the terminal."""

    desks: Mapping[str, Desk]
    print: Callable[[str], None]
    setting: Setting
    failures: list[str] = field(default_factory=list)
    _told: set[str] = field(default_factory=set)
    _steps: int = 0

    def step(self, sentence: str) -> None:
        """Begin a step of the story."""
        self._steps += 1
        self.print("")
        self.print(f"{self._steps}  {sentence}")

    def narrate(self, sentence: str) -> None:
        """Print a line in English, or several where it is long."""
        blank = " " * (3 + len(sentence) - len(sentence.lstrip()))
        first, *rest = wrap(sentence.lstrip(), COLUMNS - len(blank) - _HANGING)
        self.print(f"{blank}{first}")
        for line in rest:
            self.print(f"{blank}{' ' * _HANGING}{line}")

    def check(self, good: bool, sentence: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Print what was looked at; what is not as it should be makes the demo fail."""
        self.narrate(f"{'checked:' if good else 'FAILED: '} {sentence}")
        if not good:
            self.failures.append(sentence)

    def phrase(
        self, one: Desk, other: Desk, code: str, /, **parameters: Value | Mapping[str, str]
    ) -> None:
        """Print a phrase of the book in the languages of two desks; a value may be by language."""
        left, right = (_render(code, parameters, desk, self.setting) for desk in (one, other))
        self.sides(one, [left], other, [right])

    def sides(self, one: Desk, left: Iterable[str], other: Desk, right: Iterable[str]) -> None:
        """Print sentences in the languages of two desks."""
        for line in beside(Said(one.language, tuple(left)), Said(other.language, tuple(right))):
            self.print(line)

    async def tell(self, note: str, one: Desk, other: Desk) -> None:
        """Print what was said in a conversation since it was last told, as both nodes have it."""
        here, there = await one.thread(note), await other.thread(note)
        known = {each.id: each for each in there.notes}
        got = {each.re: each.own["received"] for each in here.notes if each.kind == "receipt"}
        for each in here.notes:
            if each.kind == "receipt" or each.id in self._told:
                continue
            self._told.add(each.id)
            self.narrate(_head(each, got.get(each.id)))
            same = known.get(each.id)
            right = ("-",) if same is None else same.sentences
            self.sides(one, each.sentences, other, right)

    def told(self, one: Desk, here: ThreadView, other: Desk, there: ThreadView) -> None:
        """Print what a notice says in words, as both nodes put it."""
        if here.told is not None and there.told is not None:
            self.sides(one, here.told.words, other, there.told.words)


def _render(
    code: str,
    parameters: Mapping[str, Value | Mapping[str, str]],
    desk: Desk,
    setting: Setting,
) -> str:
    values = {
        name: value if isinstance(value, str | int) else value[desk.language]
        for name, value in parameters.items()
    }
    return render(code, values, desk.language, setting)


def _head(note: NoteView, got: str | None) -> str:
    by = "" if got is None else f", at {note.receiver} {hour(got)}"
    return f"{hour(note.time)} {note.sender} -> {note.receiver}: {note.word}{by}"
