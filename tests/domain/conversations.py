"""Notes for tests: two parties, their counters, and a name for each note."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random

from tansiq.domain.note import FORMS, Head, Kind, Mode, Note, NoteID, Place, write_instant
from tansiq.domain.thread import TABLES, Saying, Who, folded, saying

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
PARTIES = ("north", "south")
PLAN = "12345678-1234-4234-8234-123456789012"


def name(note: Note) -> NoteID:
    """A name as good as that of signed bytes, without a key."""
    return NoteID(sha256(str(note).encode()).hexdigest())


class Talk:
    """What two parties say to each other, numbered as nodes number it when all arrives at once."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now
        self.turn = 0
        self.numbers = dict.fromkeys(PARTIES, 0)
        self.notes: list[tuple[NoteID, Note]] = []

    def say(
        self,
        sender: str,
        kind: Kind,
        *,
        re: NoteID | None = None,
        thread: NoteID | None = None,
        mode: Mode = Mode.LIVE,
        **own: str,
    ) -> NoteID:
        """Add a note; keys of its own are spelt with dashes for underscores."""
        self.turn += 1
        self.now += timedelta(seconds=1)
        counted = kind is not Kind.RECEIPT
        self.numbers[sender] += counted
        keys = {**_DEFAULTS, **{key.replace("_", "-"): value for key, value in own.items()}}
        note = Note(
            kind=kind,
            sender=sender,
            receiver=sender if FORMS[kind].place is Place.OWN else PARTIES[PARTIES[0] == sender],
            agreement="a" * 64,
            mode=mode,
            number=self.numbers[sender] if counted else 0,
            turn=self.turn,
            time=self.now,
            clock_error_ms=10,
            head=Head(self.turn, bytes(32)),
            thread=(thread or re) if re else None,
            re=re,
            own=tuple((key, keys[key]) for key, _ in FORMS[kind].keys),
            payload="b" * 64,
        )
        self.notes.append((name(note), note))
        return self.notes[-1][0]


_DEFAULTS = {
    "subject": "plan",
    "id": PLAN,
    "version": "1",
    "start": write_instant(NOON + timedelta(hours=1)),
    "end": write_instant(NOON + timedelta(hours=2)),
    "received": write_instant(NOON),
    "word": "noted",
    "moves": "yours",
    "verdict": "agreed",
    "state": "open",
    "at": write_instant(NOON),
    "code": "stand-by",
    "reason": "unknown-thread",
    "alarm": "separation",
    "one": PLAN,
    "other": PLAN,
    "least": "-0.001000",
    "most": "0.002000",
    "digest": "c" * 64,
    "public-key": "A" * 43 + "=",
    "from-time": write_instant(NOON),
}


def sayings(talk: Talk) -> list[Saying]:
    """What was said, as folds take it."""
    return [saying(*each) for each in talk.notes]


def of_every_kind() -> list[Note]:
    """One note of every kind."""
    talk = Talk()
    first = talk.say("north", Kind.NOTICE)
    for kind, form in FORMS.items():
        answers = form.place is Place.ANSWERS
        own = {"state": "coordinated"} if kind is Kind.STATUS else {}
        own |= {"moves": "north"} if kind is Kind.OUTCOME else {}
        talk.say("south", kind, re=first if answers else None, **own)
    return [note for _, note in talk.notes]


def any_talk(random: Random, length: int) -> list[Saying]:
    """Return a conversation in which both sides answer anything with anything.

    Half of them keep to what makes sense more often than chance would, so that every stage comes
    about; now and then a turn is written that cannot be.
    """
    talk = Talk()
    openers = [kind for kind, form in FORMS.items() if form.place is Place.OPENS]
    opener = random.choice(PARTIES)
    mode = random.choice([Mode.LIVE, Mode.LIVE, Mode.LIVE, Mode.EXERCISE])
    thread = talk.say(opener, random.choice([*openers, *[Kind.NOTICE] * 9]), mode=mode)
    answers = [kind for kind, form in FORMS.items() if form.place is Place.ANSWERS]
    likely = [*answers, *[Kind.COUNTER, Kind.OUTCOME, Kind.CONFIRM, Kind.ANSWER] * 4]
    last: dict[Kind, NoteID] = {}
    for _ in range(length):
        kind = random.choice(likely)
        before = {Kind.OUTCOME: Kind.COUNTER, Kind.CONFIRM: Kind.OUTCOME}.get(kind)
        re = last.get(before, thread) if before else thread
        if random.random() < 0.2:
            re = random.choice(talk.notes)[0]
        said = talk.say(
            random.choice(PARTIES),
            kind,
            re=re,
            thread=thread,
            mode=mode if random.random() < 0.9 else Mode.EXERCISE,
            word=random.choice(["noted", "no-conflict", "unable", "need-time"]),
            verdict=random.choice(["agreed", "agreed", "disputed"]),
            moves=random.choice(PARTIES) if kind is Kind.OUTCOME else "yours",
        )
        last[kind] = said
        if random.random() < 0.1:
            _, note = talk.notes.pop()
            back = replace(note, turn=random.randint(1, note.turn))
            talk.notes.append((name(back), back))
            last[kind] = talk.notes[-1][0]
    return sayings(talk)


def likely_talk(random: Random, length: int) -> list[Saying]:
    """Return a conversation that mostly goes on as its tables have it, to stages that chance seldom
    reaches; some of its notes are a third party's, or have the turn of another.
    """
    talk = Talk()
    thread = talk.say(random.choice(PARTIES), random.choice([*TABLES, *[Kind.NOTICE] * 4]))
    for _ in range(length):
        now = folded(sayings(talk))
        assert now is not None
        ways = [(word, who) for stage, word, who in TABLES[now.kind] if stage is now.stage]
        if not ways:
            break
        word, who = random.choice(ways)
        kind, _, rest = word.partition("/")
        re = thread
        if kind == Kind.OUTCOME and now.proposal is not None:
            re = now.proposal
        if kind == Kind.CONFIRM and now.outcome is not None:
            re = now.outcome.id
        if random.random() < 0.1:
            re = random.choice(talk.notes)[0]
        sender = now.opener if who is Who.OPENER else now.other
        own = {"word": rest} if kind == Kind.ANSWER else {"verdict": rest}
        moves = random.choice(PARTIES) if kind == Kind.OUTCOME else "yours"
        talk.say(sender, Kind(kind), re=re, thread=thread, moves=moves, **(own if rest else {}))
        if random.random() < 0.15:
            _, note = talk.notes.pop()
            odd = random.choice(
                [
                    replace(note, receiver="west"),
                    replace(note, sender="west"),
                    replace(note, turn=max(1, note.turn - 1)),
                    replace(note, mode=Mode.EXERCISE),
                ]
            )
            talk.notes.append((name(odd), odd))
    return sayings(talk)
