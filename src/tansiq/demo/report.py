"""What the demo prints: one line for each answer, then a summary; every number has its unit."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tansiq.demo.flown import Meeting
from tansiq.demo.nodes import Login, Node
from tansiq.demo.recheck import Judged
from tansiq.demo.scenario import Scenario
from tansiq.demo.story import Outcome, Refusal
from tansiq.domain.time import zulu
from tansiq.services.views import Alternative

NAME_CHARS = 8


def heading(scenario: Scenario) -> list[str]:
    """Say what will be declared, when it truly was, and what is known to be wrong with the data."""
    first, last = scenario.sorties[0].start, scenario.sorties[-1].start
    lines = [
        scenario.title,
        f"  first start {zulu(first)}, {scenario.dated} {zulu(first - scenario.shift)}",
        f"  last start  {zulu(last)}, {scenario.dated} {zulu(last - scenario.shift)}",
    ]
    counts = ", ".join(
        f"{party.capitalize()} {sum(s.party == party for s in scenario.sorties)}"
        for party in sorted({sortie.party for sortie in scenario.sorties})
    )
    minima = scenario.minima
    lines.append(f"  plans: {counts}; minima {_distances(minima.horizontal_m, minima.vertical_m)},")
    lines[-1] += f" {minima.time.total_seconds():g} s"
    lines += [f"  {note}" for note in scenario.notes]
    lines += [f"  formation: {formation.name}" for formation in scenario.formations]
    return lines


def progress(done: int, total: int, outcome: Outcome) -> list[str]:
    """Tell one answer: coordinated, or refused with the reason and what the desk does about it."""
    sortie = outcome.sortie
    start = f"{done:>4}/{total}  {sortie.party:<6} {sortie.name:<{NAME_CHARS}}"
    if outcome.coordinated:
        return [f"{start} coordinated{_how(outcome)}"]
    refusal = outcome.refusals[-1]
    lines = [f"{start} refused: {refusal.reason}"]
    indent = " " * len(start)
    lines += [f"{indent} {_offer(change, refusal)}" for change in refusal.offered]
    if refusal.taken is None:
        lines.append(f"{indent} given up after {_asks(len(outcome.refusals))}")
    return lines


def _how(outcome: Outcome) -> str:
    if not outcome.moved:
        return " at first ask" if not outcome.refusals else ""
    return f", {_change(outcome.delay_s, outcome.up_m)}, at ask {len(outcome.refusals) + 1}"


def _offer(change: Alternative, refusal: Refusal) -> str:
    verdict = "taken" if change is refusal.taken else "not taken"
    return f"alternative: {_change(change.delay_s, change.up_m)}: {verdict}"


def _change(delay_s: int, up_m: float) -> str:
    parts = []
    if delay_s:
        parts.append(f"{_duration(abs(delay_s))} {'later' if delay_s > 0 else 'earlier'}")
    if up_m:
        parts.append(f"{abs(up_m):,.0f} m {'higher' if up_m > 0 else 'lower'}")
    return " and ".join(parts) or "unmoved"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _distances(horizontal_m: float, vertical_m: float) -> str:
    return f"{horizontal_m:,.0f} m horizontally, {vertical_m:,.0f} m vertically"


def _asks(count: int) -> str:
    return "1 ask" if count == 1 else f"{count} asks"


def summary(outcomes: Sequence[Outcome], *, seconds: float) -> list[str]:
    """Count what became of all plans."""
    coordinated = [outcome for outcome in outcomes if outcome.coordinated]
    first = [outcome for outcome in coordinated if not outcome.refusals]
    moved = [outcome for outcome in coordinated if outcome.moved]
    lines = [
        "",
        f"declared               {len(outcomes):>4}",
        f"coordinated            {len(coordinated):>4}",
        f"  at first ask         {len(first):>4}",
        f"  moved                {len(moved):>4}",
    ]
    delays = [outcome.delay_s for outcome in moved if outcome.delay_s]
    levels = [abs(outcome.up_m) for outcome in moved if outcome.up_m]
    if delays:
        lines.append(
            f"    later              {len(delays):>4}  median {_duration(median(delays))}, "
            f"most {_duration(max(delays))}"
        )
    if levels:
        lines.append(
            f"    higher or lower    {len(levels):>4}  median {median(levels):,.0f} m, "
            f"most {max(levels):,.0f} m"
        )
    lines += [
        f"refused                {len(outcomes) - len(coordinated):>4}",
        f"in {seconds:.1f} s: {len(coordinated) / seconds:.1f} plans/s coordinated,"
        f" {sum(len(o.refusals) + o.coordinated for o in outcomes) / seconds:.1f} asks/s answered",
    ]
    return lines


def verdict(judged: Judged) -> list[str]:
    """State the outcome of the pairwise check."""
    lines = [f"formations exempted {len(judged.exempted)} of {judged.pairs:,} pairs"]
    lines += [f"  {a} with {b}, formation {name}" for a, b, name in judged.exempted]
    lines += [f"  CONFLICT: {a} and {b}" for a, b in judged.conflicts]
    lines += [
        f"  ASTRAY: {name} is not in its node as it was coordinated" for name in judged.astray
    ]
    lines += [f"  note: {name} was refused, and meets no plan now" for name in judged.met_by_none]
    lines.append(
        f"every pair compared, without the index: "
        f"{len(judged.conflicts)} conflicts among {judged.plans} plans"
    )
    return lines


def flown(near: Sequence[Meeting], tracks: int) -> list[str]:
    """State what flying the recorded tracks showed."""
    if not tracks:
        return []
    lines = [
        f"  TOO CLOSE: {' and '.join(meeting.ids)}, {meeting.horizontal_m:,.0f} m at "
        f"{zulu(meeting.first)}, for {_duration(meeting.seconds)}"
        for meeting in near
    ]
    lines.append(
        f"recorded tracks flown again, moved as their plans: {len(near)} pairs within the minima "
        f"among {tracks} flights, formations apart"
    )
    return lines


def farewell(nodes: Sequence[Node], folder: Path, program: str, login: Login) -> list[str]:
    """Say what is running and what to try with it."""
    data = nodes[0].data
    return [
        "",
        f"both nodes go on until Ctrl-C; their data is in {folder}. The consoles, in a browser,",
        f"as {login.name} with the password {login.password}:",
        *(f"  {node.party}: {node.own_url}/" for node in nodes),
        "In another terminal:",
        f"  {program} plan list --data {data}",
        f"  {program} events --data {data} --follow",
        f"  {program} doctor --data {data}",
        f"The own API describes itself at {nodes[0].own_url}/api/openapi.json",
    ]
