"""Lead time as evidence: how long before its start a notice had arrived, and by whose word.

Two clocks disagree, and neither is corrected. Of each exchange four times are kept: t1 (notice
signed), t2 (received), t3 (receipt signed), t4 (receipt got); t1 and t4 by the sender's clock, t2
and t3 by the receiver's. Causality alone bounds how far the receiver's clock is ahead of the
sender's: within [t3 - t4, t2 - t1].

The *receiver's word* is t2 with its stated error; the *sender's word* is that the notice arrived
between t1 and t4. What is shown is the least span that holds both: it contains the truth as long as
one of the two clocks keeps its bound. Where the two words share no instant, one clock is wrong, and
that is said. Where the error of a clock is unknown its word bounds nothing, and no lead time counts
as guaranteed. All times are microseconds, UTC.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

EVER: Final = 10**18
"""Beyond every time that is written: stands for no bound."""
DRIFT: Final = 200e-6
"""How fast two clocks may part: 100 parts in a million each."""
MICROS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Between:
    """A closed span of microseconds; where ``least`` exceeds ``most`` no truth lies in it."""

    least: int = -EVER
    most: int = EVER

    @property
    def possible(self) -> bool:
        """Whether anything lies within."""
        return self.least <= self.most

    @property
    def bounded(self) -> bool:
        """Whether it says something at both ends."""
        return self.least > -EVER and self.most < EVER

    def hull(self, other: "Between") -> "Between":
        """Return the least span that holds both."""
        return Between(min(self.least, other.least), max(self.most, other.most))

    def within(self, other: "Between") -> "Between":
        """Return what the two share; perhaps nothing that is possible."""
        return Between(max(self.least, other.least), min(self.most, other.most))

    def widened(self, by: int) -> "Between":
        """Return the span with both bounds moved outwards; what is unbounded stays so."""
        return Between(
            self.least - by if self.least > -EVER else -EVER,
            self.most + by if self.most < EVER else EVER,
        )

    def before(self, moment: int) -> "Between":
        """Return how long before ``moment`` it lies."""
        return Between(
            moment - self.most if self.most < EVER else -EVER,
            moment - self.least if self.least > -EVER else EVER,
        )


UNKNOWN: Final = Between()


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One note and its receipt, by both clocks; errors in microseconds, None where unknown."""

    signed: int
    """t1."""
    received: int
    """t2."""
    receipt_signed: int
    """t3."""
    receipt_got: int | None
    """t4; None: only the sender knows it."""
    sender_error: int | None
    receiver_error: int | None

    @property
    def offset(self) -> Between:
        """How far the receiver's clock is ahead of the sender's, by causality alone."""
        if self.receipt_got is None:
            return Between(most=self.received - self.signed)
        return Between(self.receipt_signed - self.receipt_got, self.received - self.signed)

    @property
    def claimed(self) -> Between:
        """How far the clocks may be apart if both keep the bounds that they state."""
        if self.sender_error is None or self.receiver_error is None:
            return UNKNOWN
        error = self.sender_error + self.receiver_error
        return Between(-error, error)

    @property
    def impossible(self) -> bool:
        """Whether the four times cannot all be true: a clock is wrong, or somebody's word is."""
        return (
            not self.offset.possible
            or self.receipt_signed < self.received
            or not self.offset.within(self.claimed).possible
        )


def offset(samples: Iterable[tuple[int, Between]], now: int) -> Between:
    """Return how far a peer's clock is ahead now, from (time by our clock, span) of exchanges.

    Older spans are widened by what the clocks may have drifted apart since; the result is
    impossible where a clock was set in between.
    """
    found = UNKNOWN
    for time, span in samples:
        found = found.within(span.widened(int(abs(now - time) * DRIFT) + 1))
    return found


def vouched_by(time_s: int, clocks_differ: int) -> int:
    """Return the latest moment that a third party's cosignature allows for what it covers.

    Its time is cut to the second, and its clock may differ as far as the agreement lets clocks.
    """
    return (time_s + 1) * MICROS + clocks_differ


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTime:
    """How long before its start a notice had arrived; spans of microseconds."""

    receivers_word: Between
    senders_word: Between
    guaranteed: int | None
    """At least so long, by the word of a third party alone; None: none has vouched for it."""
    impossible: bool
    """The two words cannot both be true."""

    @property
    def shown(self) -> Between:
        """What holds the truth if one of the two clocks keeps its bound."""
        return self.receivers_word.hull(self.senders_word)

    def late(self, required: int) -> bool | None:
        """Whether it is less than required; None: nobody can tell.

        Counted by the least that is possible: in doubt it is late.
        """
        if self.guaranteed is not None and self.guaranteed >= required:
            return False
        span = self.shown
        if span.most < required:
            return True
        return None if span.least == -EVER else span.least < required


def lead(start: int, passage: Passage, *, vouched: int | None = None) -> LeadTime:
    """Return the lead time of a notice.

    Args:
        start: when what it tells of begins.
        passage: how the notice and its receipt went.
        vouched: the latest that a third party's clock allows for the moment at which the receipt
            existed, its own error included; None where nobody else has seen it.
    """
    theirs = _around(passage.received, passage.received, passage.receiver_error)
    got = EVER if passage.receipt_got is None else passage.receipt_got
    ours = _around(passage.signed, got, passage.sender_error)
    return LeadTime(
        receivers_word=theirs.before(start),
        senders_word=ours.before(start),
        guaranteed=None if vouched is None else start - vouched,
        impossible=passage.impossible or not ours.within(theirs).possible,
    )


def _around(first: int, last: int, error: int | None) -> Between:
    if error is None:
        return UNKNOWN
    return Between(first - error, EVER if last == EVER else last + error)


def unanswered(start: int, signed: int, sender_error: int | None) -> Between:
    """Return how much lead a notice can still have that no receipt has come for: at most this."""
    return Between(-EVER, _around(signed, signed, sender_error).before(start).most)


def minutes(span: Between) -> str:
    """Write a span of lead time for people, in whole minutes, the lesser end first."""
    if not span.bounded:
        return "unknown"
    least, most = span.least // (60 * MICROS), span.most // (60 * MICROS)
    return f"{least} min" if least == most else f"{least} to {most} min"
