"""Evidence as text for people: findings, comparisons, the head."""

from tansiq.cli.files import plain
from tansiq.formats.comparison import Comparison, Outcome
from tansiq.formats.findings import Finding, Findings, Level, Notice, Said, Span
from tansiq.services.record.bundling import LogHeadView

_NAME_CHARS = 10


def findings_text(found: Findings) -> str:
    """Return what a bundle shows; what is wrong first."""
    whose = f"record of {found.by}" + (f", line with {found.party}" if found.party else "")
    against = "held against your file" if found.pinned else "NOT held against yours: --agreement"
    good = "VERIFIED" if found.pinned else "VERIFIED, if this agreement is yours"
    lines = [
        good if found.verified else "SOMETHING IS WRONG",
        f"{whose}, {found.since} to {found.until}, {found.entries} of {found.size} entries",
        f"made    {found.made}",
        f"rests on agreement {found.agreement}",
        f"        ({against})",
        "",
        *(_finding(each) for each in sorted(found.findings, key=_weight)),
    ]
    if found.notes:
        lines += ["", "What was said; times by the sender's clock, then the receiver's"]
        lines += [_said(each) for each in found.notes if each.kind != "receipt"]
    if found.notices:
        lines += ["", "How long before"]
        lines += [_notice(each) for each in found.notices]
    lines += ["", "Not proven by this:", *(f"- {each}" for each in found.not_proven)]
    return "\n".join(lines)


def _weight(finding: Finding) -> int:
    return (Level.WRONG, Level.PROVED, Level.CLAIMED, Level.WITHHELD).index(finding.level)


def _finding(finding: Finding) -> str:
    word = finding.level.upper() if finding.level is Level.WRONG else finding.level
    note = f"  [{finding.note[:_NAME_CHARS]}]" if finding.note else ""
    return f"{word:<8}  {plain(finding.sentence)}{note}"


def _said(said: Said) -> str:
    own = said.sender == said.receiver
    got = said.received or ("own record" if own else "no receipt")
    practice = " EXERCISE" if said.mode == "exercise" else ""
    whom = said.sender if own else f"{said.sender} to {said.receiver}"
    what = f"{whom} {said.number}{practice}: {plain(said.words)}"
    return f"{said.time}  {got}  {said.id[:_NAME_CHARS]}  {what}"


def _notice(notice: Notice) -> str:
    named = f"{notice.sender} to {notice.receiver} [{notice.note[:_NAME_CHARS]}]"
    if notice.impossible:
        return f"{named}: the two clocks contradict each other"
    if not notice.arrived:
        return f"{named}: no receipt, so not shown to have arrived"
    parts = [
        f"{_minutes(notice.receivers_word)} by {notice.receiver}'s word",
        f"{_minutes(notice.senders_word)} by {notice.sender}'s word",
        "guaranteed by nobody"
        if notice.guaranteed_s is None
        else f"at least {notice.guaranteed_s / 60:.1f} min guaranteed by {notice.third_party}",
    ]
    late = {"no": "in time", "yes": "LATE", "unknown": "whether in time nobody can tell"}
    asked = f"required {notice.required_s / 60:.0f} min: {late[notice.late]}"
    return f"{named}: {'; '.join(parts)}; {asked}"


def _minutes(span: Span) -> str:
    if span.least_s is None or span.most_s is None:
        known = span.most_s if span.least_s is None else span.least_s
        if known is None:
            return "unknown"
        return f"{'at most' if span.least_s is None else 'at least'} {known / 60:.1f} min"
    least, most = f"{span.least_s / 60:.1f}", f"{span.most_s / 60:.1f}"
    return f"{least} min" if least == most else f"{least} to {most} min"


def compared_text(found: Comparison) -> str:
    """Return how two records compare; what both have is counted, all else listed."""
    told = ", ".join(f"{count} {outcome}" for outcome, count in found.counts.items() if count)
    lines = [
        f"{'EQUAL' if found.equal else 'DIFFERENT'}: here {found.here}, there {found.there}",
        told or "no notes between them in either",
    ]
    lines += [
        f"{party} signed two records of one size: these bundles prove it" for party in found.forked
    ]
    lines += [
        f"{pair.outcome:<13}  {pair.time}  {pair.sender} to {pair.receiver} {pair.number}: "
        f"{plain(pair.words)}  [{_id(pair.here)} {_id(pair.there)}]"
        for pair in found.pairs
        if pair.outcome is not Outcome.MATCHED
    ]
    return "\n".join(lines)


def _id(name: str | None) -> str:
    return "-" if name is None else name[:_NAME_CHARS]


def head_text(view: LogHeadView) -> str:
    """Return what our record comes to."""
    lines = [f"{view.origin}: {view.size:,} entries, root {view.root}", f"as of {view.time}"]
    if not view.cosigned:
        lines.append("nobody has cosigned it so far")
    lines += [
        f"{each.witness} cosigned {each.size:,} entries at {each.time}, by its clock"
        for each in view.cosigned
    ]
    return "\n".join(lines)
