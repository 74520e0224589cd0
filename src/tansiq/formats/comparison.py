"""Two records compared, by bundles of two parties: what both have, what one lacks or has else.

Notes are paired by who sent them to whom under which number, receipts by what they are of. Only
what concerns both is compared: of two parties the line between them. A note that one has recorded
outside of the other's window is not missing there; it is called *outside*.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tansiq.domain.time import parse_rfc3339
from tansiq.errors import BadInput
from tansiq.formats.findings import Findings, Said


class Outcome(StrEnum):
    """What became of one note in the two records."""

    MATCHED = "matched"
    MISSING_HERE = "missing-here"
    MISSING_THERE = "missing-there"
    DIFFERS = "differs"
    """The same sender, receiver and number, and another note."""
    OUTSIDE = "outside"
    """Recorded here outside of the other's window, or there outside of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One note in the two records: here is the first bundle's, there the second's."""

    outcome: Outcome
    sender: str
    receiver: str
    number: int
    """0: a receipt."""
    kind: str
    time: str
    words: str
    here: str | None
    there: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two records, held against each other."""

    here: str
    there: str
    equal: bool
    counts: dict[str, int]
    forked: tuple[str, ...]
    """Parties that signed two records of one size; the two bundles prove it."""
    pairs: tuple[Pair, ...]


def compare(here: Findings, there: Findings) -> Comparison:
    """Compare two bundles that were verified.

    Raises:
        BadInput: something in one of them is wrong, or they rest on different agreements.
    """
    for which in (here, there):
        if not which.verified:
            raise BadInput("is not verified; `tansiq log verify` says why", field=which.by)
    if here.agreement != there.agreement:
        raise BadInput(
            f"they rest on different agreements, {here.agreement[:12]} and {there.agreement[:12]}",
            field="agreement",
        )
    pairs = tuple(_pairs(here, there))
    counts = {each.value: sum(pair.outcome is each for pair in pairs) for each in Outcome}
    forked = tuple(sorted(_forked(here, there)))
    differing = sum(counts[each] for each in _DIFFERENT)
    return Comparison(
        here=here.by,
        there=there.by,
        equal=not differing and not forked,
        counts=counts,
        forked=forked,
        pairs=pairs,
    )


_DIFFERENT = (Outcome.MISSING_HERE, Outcome.MISSING_THERE, Outcome.DIFFERS)
_Key = tuple[str, str, int, str]


def _pairs(here: Findings, there: Findings) -> Iterator[Pair]:
    ours, theirs = _common(here, there), _common(there, here)
    windows = (_window(here), _window(there))
    for key in sorted({**ours, **theirs}, key=lambda key: _order(ours.get(key) or theirs[key])):
        one, other = ours.get(key), theirs.get(key)
        said = one or other
        assert said is not None  # noqa: S101 - the key is of one of them
        yield Pair(
            outcome=_outcome(one, other, windows),
            sender=said.sender,
            receiver=said.receiver,
            number=said.number,
            kind=said.kind,
            time=said.time,
            words=said.words,
            here=None if one is None else one.id,
            there=None if other is None else other.id,
        )


def _outcome(
    one: Said | None, other: Said | None, windows: tuple[tuple[datetime, datetime], ...]
) -> Outcome:
    if one is not None and other is not None:
        return Outcome.MATCHED if one.id == other.id else Outcome.DIFFERS
    if one is not None:
        return Outcome.MISSING_THERE if _within(one, windows[1]) else Outcome.OUTSIDE
    assert other is not None  # noqa: S101 - one of the two is there
    return Outcome.MISSING_HERE if _within(other, windows[0]) else Outcome.OUTSIDE


def _common(of: Findings, against: Findings) -> dict[_Key, Said]:
    """Return what of a bundle concerns the other's exporter as well, by what it is paired by."""
    both = {of.by, against.by}
    # Of one party's two bundles, the lines that are in both of them.
    only = {each.party for each in (of, against) if each.party is not None} - both
    wanted = both | only
    return {
        _key(said): said
        for said in of.notes
        if wanted <= {said.sender, said.receiver} and said.sender != said.receiver
    }


def _key(said: Said) -> _Key:
    return said.sender, said.receiver, said.number, "" if said.number else said.re or said.id


def _order(said: Said) -> tuple[datetime, str, str]:
    return parse_rfc3339(said.time, "time"), said.sender, said.id


def _window(findings: Findings) -> tuple[datetime, datetime]:
    return parse_rfc3339(findings.since, "from"), parse_rfc3339(findings.until, "to")


def _within(said: Said, window: tuple[datetime, datetime]) -> bool:
    return window[0] <= parse_rfc3339(said.recorded, "recorded") <= window[1]


def _forked(here: Findings, there: Findings) -> Iterator[str]:
    """Yield parties of whose record, at one size, the two bundles hold two roots."""
    roots: dict[tuple[str, int], str] = {}
    seen = set[str]()
    for findings in (here, there):
        told = [(said.sender, said.head) for said in findings.notes]
        if findings.root is not None:
            told.append((findings.by, f"{findings.size} {findings.root}"))
        for party, head in told:
            size, _, root = head.partition(" ")
            if roots.setdefault((party, int(size)), root) != root:
                seen.add(party)
    yield from seen
