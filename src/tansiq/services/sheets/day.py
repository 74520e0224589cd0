"""The day sheet: everything of one UTC day on one table after the other, to be printed."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from tansiq.domain.note import Kind
from tansiq.formats.payload import read_payload
from tansiq.formats.sheet import ROWS_MAX, Cell, Section, Word, word
from tansiq.services.airspace import CONSTRAINT
from tansiq.services.line.views import ThreadView
from tansiq.services.sheets.rows import Row, Scribe, at
from tansiq.services.sheets.sources import Sources, recorded
from tansiq.services.views import AirspaceEntry, ConstraintView, PlanView
from tansiq.services.watch.views import AlarmView
from tansiq.storage.notes import NoteRow, NoteStore
from tansiq.storage.store import Tx

T = TypeVar("T", PlanView, ConstraintView, AirspaceEntry)
_LAST = timedelta(microseconds=1)
PLAN_COLUMNS = ("start", "end", "party", "flight", "status", "levels")
PLAN_WIDTHS = (11, 11, 14, 16, 24, 24)
NO_GO_COLUMNS = ("start", "end", "party", "name", "status", "levels")
ALARM_COLUMNS = ("raised", "kind", "level", "flight", "acknowledged", "cleared", "says")
ALARM_WIDTHS = (10, 16, 11, 13, 18, 10, 22)
STOP_COLUMNS = ("time", "party", "about", "status", "ladder")
STOP_WIDTHS = (10, 14, 22, 18, 36)


def day_span(day: date) -> tuple[datetime, datetime]:
    """Return the first and the last moment of a UTC day."""
    start = datetime.combine(day, time(), tzinfo=UTC)
    return start, start + timedelta(days=1) - _LAST


async def day_sections(
    sources: Sources, scribe: Scribe, since: datetime, until: datetime
) -> tuple[Section, ...]:
    """Return what stands on the sheet of a day."""
    plans = overlapping(await sources.planning.plans(ended=True), since, until)
    areas = overlapping(await sources.constraints.list(ended=True), since, until)
    known = overlapping(await sources.status.airspace(), since, until)
    theirs = [each for each in known if each.kind != CONSTRAINT]
    forbidden = [each for each in known if each.kind == CONSTRAINT]
    rows, more = await sources.rows(since, until)
    told = await sources.threads(rows)
    notices = _each_once([*await sources.notices(since, until), *_of(told, Kind.NOTICE)])
    stops, checks = _of(told, Kind.STOP), _of(told, Kind.CHECK)
    alarms, complete = await sources.alarms(since, until)
    tables = (
        table("plans", PLAN_COLUMNS, PLAN_WIDTHS, scribe.plans(plans, theirs)),
        table(
            "notices",
            ("time", "party", "about", "start", "status", "ladder", "lead"),
            (9, 13, 14, 9, 14, 26, 20),
            [scribe.notice(each) for each in notices],
        ),
        table("no-go", NO_GO_COLUMNS, PLAN_WIDTHS, scribe.no_go(areas, forbidden)),
        table("stops", STOP_COLUMNS, STOP_WIDTHS, [scribe.stop(each) for each in stops]),
        table(
            "checks",
            ("time", "party", "status", "ladder"),
            (12, 18, 24, 46),
            [scribe.conversation(each) for each in checks],
        ),
        table(
            "watch",
            ("time", "person", "relieved", "open-items", "says"),
            (12, 22, 22, 12, 32),
            await watch_rows(sources, scribe, rows, since),
        ),
        alarm_table(scribe, alarms, complete=complete),
    )
    counts = (
        word("count.plans-ours", number=len(plans)),
        word("count.plans-theirs", number=len(theirs)),
        word("count.no-go", number=len(areas) + len(forbidden)),
        *_notice_counts(notices),
        word("count.stops", number=len(stops)),
        *_check_counts(checks),
        *alarm_counts(alarms),
        *((word("section.left-out", number=more),) if more else ()),
    )
    return (Section(code="counts", says=counts), *tables)


def table(code: str, columns: Sequence[str], widths: Sequence[int], rows: Sequence[Row]) -> Section:
    """Return a table, and how many of its rows found no room."""
    return Section(
        code=code,
        columns=tuple(columns),
        widths=tuple(widths),
        rows=tuple(rows[:ROWS_MAX]),
        left_out=max(0, len(rows) - ROWS_MAX),
    )


def overlapping(views: Iterable[T], since: datetime, until: datetime) -> list[T]:
    """Return what is there within a closed window."""
    low, high = since.timestamp(), until.timestamp()
    return [
        view for view in views if _moment(view.time_start) <= high and _moment(view.time_end) >= low
    ]


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _of(threads: Iterable[ThreadView], kind: Kind) -> list[ThreadView]:
    return [each for each in threads if each.kind == kind]


def _each_once(threads: Iterable[ThreadView]) -> list[ThreadView]:
    """Return each conversation once, in the order in which they began."""
    found = {each.id: each for each in threads}
    return sorted(found.values(), key=lambda each: (_moment(each.time), each.id))


def _notice_counts(notices: Sequence[ThreadView]) -> Cell:
    live = [each for each in notices if each.mode == "live"]
    late = sum(each.lead is not None and each.lead.late == "yes" for each in live)
    silent = sum(each.open and not each.superseded for each in live)
    return (
        word("count.notices", number=len(notices)),
        word("count.late", number=late),
        word("count.unanswered", number=silent),
    )


def _check_counts(checks: Sequence[ThreadView]) -> Cell:
    silent = sum(each.stage != "replied" for each in checks)
    return (
        word("count.checks", number=len(checks)),
        word("count.checks-unanswered", number=silent),
    )


def alarm_counts(alarms: Sequence[AlarmView]) -> Cell:
    """Return how many alarms there were, and how many of them warnings."""
    warnings = sum((each.worst or each.level) == "warning" for each in alarms)
    return (
        word("count.alarms", number=len(alarms)),
        word("count.warnings", number=warnings),
    )


def alarm_table(scribe: Scribe, alarms: Sequence[AlarmView], *, complete: bool) -> Section:
    """Return alarms as a table; whether all were looked at is said above it."""
    made = table("alarms", ALARM_COLUMNS, ALARM_WIDTHS, [scribe.alarm(each) for each in alarms])
    if complete:
        return made
    says = (word("section.latest-only", number=len(alarms)),)
    return Section(
        code=made.code,
        says=says,
        columns=made.columns,
        widths=made.widths,
        rows=made.rows,
        left_out=made.left_out,
    )


async def watch_rows(
    sources: Sources, scribe: Scribe, rows: Sequence[NoteRow], since: datetime
) -> list[Row]:
    """Return who had the watch when a window began, and who took it within."""
    before = await sources.last_before(since, Kind.HANDOVER)
    taken = [row for row in rows if row.kind is Kind.HANDOVER]
    told = ([] if before is None else [before]) + taken

    async def read(tx: Tx) -> list[bytes | None]:
        return [(await NoteStore(tx).payload(row.id))[1] for row in told]

    payloads = await sources.line.evidence.record.store.read(read)
    return [
        _watch(scribe, row, payload, before=row is before)
        for row, payload in zip(told, payloads, strict=True)
    ]


def _watch(scribe: Scribe, row: NoteRow, data: bytes | None, *, before: bool) -> Row:
    time: tuple[Word, ...] = (at(recorded(row)),)
    if before:
        time = (*time, word("watch.before"))
    if data is None:
        return (time, (word("value.erased"),), (), (), ())
    payload = read_payload(Kind.HANDOVER, data)
    who = "" if payload.by is None else payload.by.name
    desk = "" if payload.by is None else payload.by.desk
    relieved = "" if payload.relieved is None else payload.relieved.name
    return (
        time,
        (*scribe.free(who), *((word("watch.desk", name=desk),) if desk else ())),
        scribe.free(relieved),
        (word("value.number", number=len(payload.open_items)),),
        scribe.free(payload.text),
    )
