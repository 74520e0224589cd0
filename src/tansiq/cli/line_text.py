"""How commands print conversations, lines and the watch."""

from collections.abc import Iterable, Sequence

from tansiq.cli.files import plain
from tansiq.clock import SystemClock
from tansiq.domain.time import parse_rfc3339
from tansiq.formats.payload import Move
from tansiq.formats.spelling import clock as spelled
from tansiq.services.line.views import (
    DueView,
    LeadView,
    LinesView,
    LineView,
    NoteView,
    OutboxEntry,
    RungView,
    SpanView,
    ThreadView,
    WatchView,
    YieldsView,
)

ID_CHARS = 10
_RUNGS = ("sent", "arrived", "seen", "read-back", "answered")


def short(note: str) -> str:
    """Return as much of a note's name as people type."""
    return note[:ID_CHARS]


def clock(time: str | None) -> str:
    """Return the hour of a time, as desks write it: 1432Z, or 281432ZNOV26 if not of today."""
    if time is None:
        return "-"
    moment = parse_rfc3339(time, "time").replace(second=0, microsecond=0)
    return spelled(moment, SystemClock().now().date())


def rows(threads: Sequence[ThreadView]) -> str:
    """Return conversations as a table: a rung is the hour at which it was reached."""
    head = ("id", "kind", "with", "about", *_RUNGS, "stage", "")
    lines = [head, *(_row(thread) for thread in threads)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _row(thread: ThreadView) -> tuple[str, ...]:
    reached = {rung.rung: rung for rung in thread.rungs}
    arrow = "->" if thread.ours else "<-"
    return (
        short(thread.id),
        thread.kind + (" EXERCISE" if thread.mode == "exercise" else ""),
        f"{arrow} {thread.party}",
        _about(thread),
        *(_hour(reached.get(rung)) for rung in _RUNGS),
        "superseded" if thread.superseded else thread.stage,
        _marks(thread),
    )


def _about(thread: ThreadView) -> str:
    if thread.subject is None:
        return ""
    return f"{thread.callsign or thread.subject} {clock(thread.start)}-{clock(thread.end)}"


def _hour(rung: RungView | None) -> str:
    if rung is None:
        return "."
    return f"{clock(rung.time)} {rung.by}" if rung.by else clock(rung.time)


def _marks(thread: ThreadView) -> str:
    marks = []
    if thread.lead is not None and thread.lead.late == "yes":
        marks.append("LATE")
    if thread.lead is not None and thread.lead.impossible:
        marks.append("CLOCKS CONTRADICT")
    if thread.due is not None and thread.due.overdue:
        marks.append(f"OVERDUE: {_awaited(thread.due)}")
    if thread.stage in _MOVES:
        marks.append(_move(thread))
    return ", ".join(marks)


def _awaited(due: DueView) -> str:
    """Return which rung is awaited; a decision may be either side's to make."""
    return f"{due.rung} by {due.by}" if due.rung == "decided" else due.rung


_MOVES = {"countered": "PROPOSED", "outcome": "SIGNED BY ONE", "settled": "AGREED"}


def _move(thread: ThreadView) -> str:
    """Return what move stands: the times in a notice are those before it."""
    if thread.proposal is None:
        return _MOVES[thread.stage]
    move = thread.proposal
    parts = [
        f"{abs(by):g} {unit} {more if by > 0 else less}"
        for by, unit, more, less in (
            (move.delay_s, "s", "later", "earlier"),
            (move.up_m, "m", "higher", "lower"),
            (move.north_m, "m", "north", "south"),
            (move.east_m, "m", "east", "west"),
        )
        if by
    ]
    return f"{_MOVES[thread.stage]}: {thread.moves} moves {', '.join(parts)}"


def thread_text(thread: ThreadView) -> str:
    """Return everything about one conversation."""
    whose = "ours, to" if thread.ours else "from"
    exercise = "EXERCISE EXERCISE EXERCISE  " if thread.mode == "exercise" else ""
    lines = [f"{exercise}{thread.kind} {whose} {thread.party}: {thread.stage}"]
    if thread.superseded:
        lines.append("  superseded by a later notice of the same")
    if thread.subject is not None:
        lines.append(f"  about     {thread.subject} {_about(thread)} (version {thread.version})")
    if thread.told is not None:
        lines += [f"  {'':<9} {each}" for each in thread.told.words]
    if thread.lead is not None:
        lines += _lead(thread.lead)
    for rung in thread.rungs:
        who = f" by {rung.by}" if rung.by else ""
        lines.append(f"  {rung.rung:<9} {rung.time} ({rung.party}'s clock){who}")
    if thread.stage in _MOVES:
        lines.append(f"  move      {_move(thread)}")
    if thread.due is not None:
        late = "OVERDUE since" if thread.due.overdue else "due"
        lines.append(f"  awaited   {_awaited(thread.due)}, {late} {clock(thread.due.at)}")
        if thread.due.escalation is not None:
            at = clock(thread.due.escalation_at)
            lines.append(f"  then      {thread.due.escalation} at {at}")
        lines += [f"  called    {fired}" for fired in thread.due.fired]
    lines += _notes(thread.notes)
    return "\n".join([*lines, f"  id        {thread.id}"])


def _lead(lead: LeadView) -> list[str]:
    late = {"yes": "LATE: ", "no": "", "unknown": "not guaranteed: "}[lead.late]
    return [
        f"  lead      {late}{lead.sentence}",
        f"            receiver's word {span(lead.receivers_word)}, "
        f"sender's word {span(lead.senders_word)}, "
        + (
            "no third party has vouched"
            if lead.guaranteed_s is None
            else f"a third party vouches for {lead.guaranteed_s:.0f} s"
        ),
    ]


def span(of: SpanView) -> str:
    """Return a span of seconds."""
    if of.least_s is None and of.most_s is None:
        return "unknown"
    least = "..." if of.least_s is None else f"{of.least_s:.3f}"
    most = "..." if of.most_s is None else f"{of.most_s:.3f}"
    return f"{least} s" if least == most else f"{least} to {most} s"


def _notes(notes: Iterable[NoteView]) -> list[str]:
    lines = []
    for note in notes:
        if note.kind == "receipt" and note.re != note.thread:
            continue  # Whether an answer has arrived stands with the answer.
        mark = " (not arrived)" if note.arrived is False else ""
        mark += " (out of turn)" if note.out_of_turn else ""
        said = note.sentences or (f"{note.word} (its words are withheld or unknown here)",)
        lines.append(f"  {clock(note.time)} {note.sender}: {said[0]}{mark}")
        lines += [f"  {'':<5} {'':<{len(note.sender)}}  {each}" for each in said[1:]]
    return lines


def lines_text(lines: LinesView) -> str:
    """Return all lines, the watch, and what is stopped."""
    found = [f"STOP in force: {_stopped(stop)}" for stop in lines.stops]
    found.append(watch_text(lines.watch))
    error = lines.clock_error_s
    found.append(
        "clock     error unknown: no lead time counts as guaranteed (clock_error_s in tansiq.toml)"
        if error is None
        else f"clock     within {error:.3f} s"
    )
    return "\n".join([*found, *(_line(line) for line in lines.lines)])


def yields_text(ledger: YieldsView) -> str:
    """Return who gave way: a line a party, then one each time."""
    if not ledger.tally:
        return "Nobody has given way yet."
    found = [
        f"{each.party:<9} we moved {each.ours}x ({each.ours_delay_s // 60} min in time), "
        f"they {each.theirs}x ({each.theirs_delay_s // 60} min)"
        for each in ledger.tally
    ]
    for each in ledger.yields:
        who = "we" if each.ours else each.moved
        by = "what is not kept here any more" if each.shift is None else _moved(each.shift)
        found.append(
            f"{clock(each.time)}  {who} moved by {by}, with {each.party}  {short(each.thread)}"
        )
    return "\n".join(found)


def _moved(shift: Move) -> str:
    parts = [
        f"{shift.delay_s / 60:+g} min" if shift.delay_s else "",
        f"{shift.up_m:+g} m up" if shift.up_m else "",
        f"{shift.north_m:+g} m north" if shift.north_m else "",
        f"{shift.east_m:+g} m east" if shift.east_m else "",
    ]
    return ", ".join(filter(None, parts)) or "nothing"


def _stopped(stop: ThreadView) -> str:
    whose = "ours, to" if stop.ours else "by"
    exercise = "EXERCISE EXERCISE EXERCISE, " if stop.mode == "exercise" else ""
    air = "all air" if stop.told is None else " ".join(stop.told.words)
    return f"{exercise}{whose} {stop.party} since {clock(stop.time)}: {air}  {short(stop.id)}"


def _line(line: LineView) -> str:
    by = f" by {', '.join(line.by)}" if line.state != "open" else ""
    check = {
        "quiet": f"next check {clock(line.next_check)}",
        "due": "COMM CHECK DUE",
        "caution": "CAUTION: comm check missed",
        "warning": "WARNING: comm check missed",
    }[line.check]
    parts = [
        f"{line.party:<9} {line.state}{by}",
        check,
        f"heard {clock(line.heard)}",
        "their clock unknown: nothing has gone both ways lately"
        if line.clock == "unknown"
        else f"their clock {span(line.offset)} ahead ({line.clock})",
    ]
    if line.waiting:
        parts.append(f"{line.waiting} NOT ARRIVED ({line.problem or 'on the way'})")
    if line.overdue_ours or line.overdue_theirs:
        parts.append(f"OVERDUE: {line.overdue_ours} words of ours, {line.overdue_theirs} of theirs")
    if line.late_ours or line.late_theirs:
        counts = f"{line.late_ours} of ours, {line.late_theirs} of theirs"
        parts.append(f"LATE notices in 24 h: {counts}")
    if line.missing:
        numbers = ", ".join(map(str, line.missing))
        parts.append(f"MISSING of theirs: {numbers}")
    return ", ".join(parts)


def watch_text(watch: WatchView) -> str:
    """Return who sits at our desk."""
    if watch.name is None:
        return "watch     nobody: tansiq watch take"
    relieved = f", relieved {watch.relieved}" if watch.relieved else ""
    items = f", took over {watch.open_items} open items" if watch.open_items else ""
    desk = f" at {watch.desk}" if watch.desk else ""
    since = f"since {clock(watch.since)}"
    return f"watch     {watch.name} ({watch.initials}){desk} {since}{relieved}{items}"


def sheet_text(watch: WatchView) -> str:
    """Return who sits at our desk, and the sheet that they took over."""
    lines = [watch_text(watch)]
    lines += [f"  said      {plain(watch.text)}"] if watch.text else []
    lines += [
        f"  {short(item.thread)}  {item.kind:<9} {item.party:<9} {item.stage}"
        for item in watch.items
    ]
    return "\n".join([*lines, *([f"  sheet     {watch.sheet}"] if watch.sheet else [])])


def outbox_text(waiting: Sequence[OutboxEntry]) -> str:
    """Return what has not arrived."""
    if not waiting:
        return "everything has arrived"
    return "\n".join(
        f"{short(each.note)}  {each.kind:<11} -> {each.party:<9} since {clock(each.since)}  "
        f"{each.tries} tries  {'REFUSED: ' if each.refused else ''}{each.problem or ''}".rstrip()
        for each in waiting
    )
