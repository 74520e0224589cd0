"""The hand-over sheet: what whoever takes the watch must know, as it is now."""

from datetime import datetime, timedelta
from typing import Final

from tansiq.domain.actor import Actor
from tansiq.formats.sheet import Cell, Section, word
from tansiq.services.airspace import CONSTRAINT
from tansiq.services.line.line import Which
from tansiq.services.line.views import ThreadView, WatchView
from tansiq.services.sheets.day import (
    NO_GO_COLUMNS,
    PLAN_COLUMNS,
    PLAN_WIDTHS,
    STOP_COLUMNS,
    STOP_WIDTHS,
    alarm_table,
    overlapping,
    table,
)
from tansiq.services.sheets.rows import Scribe
from tansiq.services.sheets.sources import Sources
from tansiq.services.views import Status
from tansiq.services.watch.views import AlarmView

AHEAD: Final = timedelta(hours=12)
BACK_MAX: Final = timedelta(hours=24)
"""How far back the evidence of a watch goes that nobody has handed over."""
_OPEN_MAX: Final = 1_000
_OVER: Final = frozenset({Status.ENDED, Status.ENDING})


def watch_began(watch: WatchView, now: datetime) -> datetime:
    """Return when the present watch began, or a day ago where that was longer ago or is unknown."""
    earliest = now - BACK_MAX
    if watch.since is None:
        return earliest
    return min(now, max(earliest, datetime.fromisoformat(watch.since)))


async def hand_over_sections(
    sources: Sources, scribe: Scribe, now: datetime, taker: Actor
) -> tuple[Section, ...]:
    """Return what stands on the sheet of a hand-over."""
    lines = await sources.line.lines()
    waiting = (await sources.line.not_arrived()).waiting
    items = await sources.line.threads(Which(open_only=True, last=_OPEN_MAX))
    alarms = (await sources.watch.alarms()).alarms
    ahead = now + AHEAD
    plans = [
        each
        for each in overlapping(await sources.planning.plans(ended=False), now, ahead)
        if each.status not in _OVER
    ]
    areas = overlapping(await sources.constraints.list(ended=False), now, ahead)
    known = overlapping(await sources.status.airspace(), now, ahead)
    theirs = [each for each in known if each.kind != CONSTRAINT]
    forbidden = [each for each in known if each.kind == CONSTRAINT]
    return (
        Section(code="watch", says=_who(scribe, lines.watch, taker)),
        Section(
            code="counts", says=_counts(items, alarms, stops=len(lines.stops), waits=len(waiting))
        ),
        table("stops", STOP_COLUMNS, STOP_WIDTHS, [scribe.stop(each) for each in lines.stops]),
        alarm_table(scribe, alarms, complete=True),
        table(
            "open",
            ("time", "kind", "party", "about", "status", "due"),
            (10, 16, 14, 16, 18, 26),
            [scribe.open_item(each) for each in items],
        ),
        table(
            "lines",
            ("line", "status", "check", "clock", "waiting", "problem"),
            (14, 14, 18, 24, 10, 20),
            [scribe.line(each) for each in lines.lines],
        ),
        table(
            "outbox",
            ("since", "kind", "to", "tries", "problem"),
            (12, 20, 18, 10, 40),
            [scribe.outbox(each) for each in waiting],
        ),
        table("next-plans", PLAN_COLUMNS, PLAN_WIDTHS, scribe.plans(plans, theirs)),
        table("no-go", NO_GO_COLUMNS, PLAN_WIDTHS, scribe.no_go(areas, forbidden)),
        Section(code="sign", says=(word("watch.signature"), word("watch.signature"))),
    )


def _who(scribe: Scribe, watch: WatchView, taker: Actor) -> Cell:
    if watch.name is None and watch.since is None:
        leaves: Cell = (word("watch.nobody"),)
    else:
        name = (watch.name or "") if scribe.persons else ""
        leaves = (word("watch.from", person=name, time=watch.since or ""),)
    # Whoever prints it may be either of the two; this machine's token is nobody.
    takes = taker.account and taker.display_name != watch.name and scribe.persons
    comes = word("watch.to", person=taker.display_name) if takes else word("watch.to-blank")
    text = (word("value.text", text=watch.text),) if watch.text and scribe.persons else ()
    return (*leaves, comes, *text)


def _counts(
    items: tuple[ThreadView, ...], alarms: tuple[AlarmView, ...], *, stops: int, waits: int
) -> Cell:
    overdue = sum(each.due is not None and each.due.overdue for each in items)
    return (
        word("count.stops-open", number=stops),
        word("count.alarms-open", number=len(alarms)),
        word("count.open", number=len(items)),
        word("count.overdue", number=overdue),
        word("count.outbox", number=waits),
    )
