"""Handlers of the line: notices and answers, checks, stops, calls, the watch, letters by hand."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from tansiq.domain.time import parse_rfc3339
from tansiq.errors import BadInput, InDoubt, TooLarge
from tansiq.formats.delivery import Answer as Fates
from tansiq.formats.delivery import Delivery
from tansiq.formats.payload import LABEL_CHARS_MAX, TEXT_CHARS_MAX, Move
from tansiq.http.letters import fates_of, opened_all
from tansiq.http.operations import Answer, Call
from tansiq.http.own_handlers import OwnApi
from tansiq.services.line.line import Which
from tansiq.services.line.speaking import Words
from tansiq.services.line.views import Threads
from tansiq.services.line.yields import WhichYields
from tansiq.storage.notes import NoteRow

PARTIES_MAX = 32
LANGUAGE_CHARS_MAX = 35
Text = Annotated[str, msgspec.Meta(max_length=TEXT_CHARS_MAX)]
Label = Annotated[str, msgspec.Meta(max_length=LABEL_CHARS_MAX)]
Language = Annotated[str, msgspec.Meta(max_length=LANGUAGE_CHARS_MAX)]
Parties = Annotated[tuple[Label, ...], msgspec.Meta(max_length=PARTIES_MAX)]


class _Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Free words, shown as untranslated to those who read another language."""

    text: Text = ""
    language: Language = ""

    @property
    def words(self) -> Words:
        """Return them as the services take them."""
        return Words(text=self.text, language=self.language)


class Saying(_Words, frozen=True, kw_only=True):
    """Free words."""


class NewNotice(_Words, frozen=True, kw_only=True):
    """A notice of a plan or no-go area of ours."""

    id: Label
    """Of the plan or no-go area."""
    to: Parties = ()
    """Parties; all others where none is named."""


class To(_Words, frozen=True, kw_only=True):
    """To whom; all other parties where none is named."""

    to: Parties = ()
    exercise: bool = False


class NewStance(_Words, frozen=True, kw_only=True):
    """What our side of the line is."""

    state: Label
    """``open``, ``degraded``, ``exercise``, ``suspended`` or ``closed``."""
    to: Parties = ()


class NewAnswer(_Words, frozen=True, kw_only=True):
    """An answer to a notice."""

    word: Label
    """``noted``, ``no-conflict``, ``unable`` or ``need-time``."""
    minutes: Annotated[int, msgspec.Meta(ge=1, le=43_200)] | None = None
    """With ``need-time``: how long."""


class NewCounter(_Words, frozen=True, kw_only=True):
    """A counter-proposal."""

    shift: Move
    moves: Label
    """``yours`` or ``mine``: whose plan would move."""


class Verdict(_Words, frozen=True, kw_only=True):
    """Whether something of the other side's is right."""

    agreed: bool
    plan: Label = ""
    """Of an outcome by which a plan of ours moves, where the notice is of theirs: its id."""


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proposal is accepted."""

    plan: Label = ""
    """Which plan of ours moves, where the notice is of theirs."""


class NewCall(_Words, frozen=True, kw_only=True):
    """A voice call that was held."""

    to: Label
    at: Label | None = None
    """When, RFC 3339; now where it is left out."""


class NewMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A coded message."""

    code: Label
    parameters: dict[str, str | int] = {}
    to: Parties = ()
    exercise: bool = False


class NewIncident(_Words, frozen=True, kw_only=True):
    """An incident over a window of time."""

    start: Label
    end: Label
    to: Parties = ()


class NewWatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whoever takes the watch."""

    desk: Label = ""
    text: Text = ""


async def _said(api: OwnApi, rows: Sequence[NoteRow], status: int = 201) -> Answer:
    return Answer(status, Threads(threads=await api.line.of(rows)))


async def said_before(api: OwnApi, notes: Sequence[str]) -> Answer:
    """Answer as if what these notes say had just been said."""
    return await _said(api, await api.line.rows(notes))


async def give_notice(api: OwnApi, call: Call) -> Answer:
    new: NewNotice = call.content
    rows = await api.line.notices.give(
        new.id, new.to, call.actor, text=new.text, language=new.language
    )
    return await _said(api, rows)


async def give_area(api: OwnApi, call: Call) -> Answer:
    rows = await api.line.notices.give_area(
        call.content,
        _named(call),
        call.actor,
        exercise=call.query["exercise"],
        words=_words(call),
    )
    return await _said(api, rows)


def _words(call: Call) -> Words:
    text, language = call.query["text"] or "", call.query["language"] or ""
    if len(language) > LANGUAGE_CHARS_MAX:
        raise BadInput(f"at most {LANGUAGE_CHARS_MAX} characters, such as ar", field="language")
    return Words(text=text, language=language)


def _named(call: Call) -> tuple[str, ...]:
    to: str | None = call.query["to"]
    return () if to is None else tuple(filter(None, to.split(",")))


async def list_threads(api: OwnApi, call: Call) -> Answer:
    query = call.query
    which = Which(
        open_only=query["open"], party=query["party"], kind=query["kind"], last=query["last"]
    )
    return Answer(200, Threads(threads=await api.line.threads(which)))


async def get_thread(api: OwnApi, call: Call) -> Answer:
    return Answer(200, await api.line.thread(call.id, call.query["language"]))


async def say_seen(api: OwnApi, call: Call) -> Answer:
    return await _said(api, [await api.line.notices.seen(call.id, call.actor)])


async def read_back(api: OwnApi, call: Call) -> Answer:
    return await _said(api, [await api.line.notices.readback(call.id, call.content, call.actor)])


async def answer(api: OwnApi, call: Call) -> Answer:
    new: NewAnswer = call.content
    row = await api.line.notices.answer(
        call.id, new.word, call.actor, new.words, minutes=new.minutes
    )
    return await _said(api, [row])


async def counter(api: OwnApi, call: Call) -> Answer:
    new: NewCounter = call.content
    if new.moves not in ("yours", "mine"):
        raise BadInput(f"{new.moves[:40]!r} is neither yours nor mine", field="moves")
    row = await api.line.notices.counter(
        call.id, new.shift, call.actor, mine=new.moves == "mine", words=new.words
    )
    return await _said(api, [row])


async def accept(api: OwnApi, call: Call) -> Answer:
    new: Acceptance = call.content
    _check_moved(call, new.plan)
    return await _said(api, [await api.line.notices.accept(call.id, call.actor, plan=new.plan)])


def _check_moved(call: Call, plan: str) -> None:
    if plan and call.attempt.resumed:
        # A relative move of a plan that no notice states: whether it was made cannot be seen.
        raise InDoubt(
            "the node stopped while it moved this plan; look at the plan, move it back if it has "
            "moved, and say this again under a new key",
            field="Idempotency-Key",
        )


async def confirm(api: OwnApi, call: Call) -> Answer:
    new: Verdict = call.content
    _check_moved(call, new.plan)
    row = await api.line.notices.confirm(
        call.id, call.actor, agreed=new.agreed, words=new.words, plan=new.plan
    )
    return await _said(api, [row])


async def withdraw(api: OwnApi, call: Call) -> Answer:
    new: Saying = call.content
    row = await api.line.notices.withdraw(call.id, call.actor, text=new.text, language=new.language)
    return await _said(api, [row])


async def send_checks(api: OwnApi, call: Call) -> Answer:
    new: To = call.content
    return await _said(api, await api.line.talk.check(new.to, call.actor, exercise=new.exercise))


async def reply_check(api: OwnApi, call: Call) -> Answer:
    return await _said(api, [await api.line.talk.reply(call.id, call.actor)])


async def stop(api: OwnApi, call: Call) -> Answer:
    new: To = call.content
    rows = await api.line.talk.stop(new.to, call.actor, exercise=new.exercise, words=new.words)
    return await _said(api, rows)


async def stop_area(api: OwnApi, call: Call) -> Answer:
    rows = await api.line.talk.stop(
        _named(call),
        call.actor,
        call.content,
        exercise=call.query["exercise"],
        words=_words(call),
    )
    return await _said(api, rows)


async def all_clear(api: OwnApi, call: Call) -> Answer:
    new: Saying = call.content
    rows = await api.line.talk.all_clear(call.id or None, call.actor, new.words)
    return await _said(api, rows)


async def set_line(api: OwnApi, call: Call) -> Answer:
    new: NewStance = call.content
    return await _said(api, await api.line.talk.set_line(new.to, new.state, call.actor, new.words))


async def get_lines(api: OwnApi, _: Call) -> Answer:
    return Answer(200, await api.line.lines())


async def log_call(api: OwnApi, call: Call) -> Answer:
    new: NewCall = call.content
    return await _said(api, [await api.line.talk.call(new.to, call.actor, new.words, at=new.at)])


async def say(api: OwnApi, call: Call) -> Answer:
    new: NewMessage = call.content
    rows = await api.line.talk.say(
        new.to, new.code, new.parameters, call.actor, exercise=new.exercise
    )
    return await _said(api, rows)


async def open_incident(api: OwnApi, call: Call) -> Answer:
    new: NewIncident = call.content
    return await _said(
        api, await api.line.talk.incident(new.to, new.start, new.end, call.actor, new.words)
    )


async def review(api: OwnApi, call: Call) -> Answer:
    new: Saying = call.content
    return await _said(api, [await api.line.talk.review(call.id, call.actor, new.words)])


async def get_watch(api: OwnApi, _: Call) -> Answer:
    return Answer(200, await api.line.talk.watch())


async def take_watch(api: OwnApi, call: Call) -> Answer:
    new: NewWatch = call.content
    if call.attempt.said:  # By a first attempt, which died.
        return Answer(201, await api.line.talk.watch())
    return Answer(201, await api.line.talk.take_watch(call.actor, new.desk, new.text))


async def get_yields(api: OwnApi, call: Call) -> Answer:
    query, since = call.query, call.query["since"]
    which = WhichYields(
        party=query["party"],
        since=None if since is None else parse_rfc3339(since, "since"),
        last=query["last"],
    )
    return Answer(200, await api.line.yields(which))


async def get_outbox(api: OwnApi, _: Call) -> Answer:
    return Answer(200, await api.line.not_arrived())


async def get_letters(api: OwnApi, call: Call) -> Answer:
    note, party = call.query["note"], call.query["party"]
    if (note is None) == (party is None):
        raise BadInput("name a note, or the party whose letters are wanted", field="note")
    letters = await api.line.letters(note=note, party=party)
    return Answer(200, Delivery(tuple(letter.wire for letter in letters)))


async def take_letters(api: OwnApi, call: Call) -> Answer:
    delivery: Delivery = call.content
    if len(delivery.letters) > api.settings.limits.letters_max:
        raise TooLarge(
            f"{len(delivery.letters)}; at most {api.settings.limits.letters_max} at a time",
            field="letters",
        )
    letters, fates = opened_all(delivery.letters)
    taken = await api.line.take(letters, api.clock.now())
    return Answer(200, Fates(fates_of(fates, taken)))
