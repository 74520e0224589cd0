"""An audit as one page for people: static HTML, pictures inline, nothing from elsewhere.

Every name comes from somebody's file: it is escaped, and set apart (``bdi``) so that a name that
is written from right to left does not turn what stands beside it.
"""

from collections.abc import Iterator, Sequence
from html import escape

from tansiq.cli.audit_lines import Finding
from tansiq.cli.audit_picture import CLOSE_SIZE, Map, chosen, close_ups, meeting, timeline
from tansiq.cli.audit_set import AuditSet, Member, counted
from tansiq.cli.audit_tally import LEVEL_M, Tally
from tansiq.cli.minima import minima_text
from tansiq.domain.agreement import MinimaTable
from tansiq.domain.draft import figure

LISTED_MOST = 40
"""Conflicts in the table and with a number in the pictures, the worst."""
VOLUMES_MOST = 3_000
_CLOSE_UPS_MOST = 4
_PARTIES_MOST = 30
_FILES_MOST = 12

_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; color: #111; background: #fff;
  max-width: 1080px; margin: 24px auto; padding: 0 16px; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 26px 0 6px; }
p { margin: 4px 0; } .note { color: #444; font-size: 13px; }
.facts { display: flex; flex-wrap: wrap; gap: 8px 32px; margin: 14px 0; }
.facts div { border-left: 3px solid #888; padding-left: 8px; }
.facts b { display: block; font-size: 18px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: left; border-bottom: 2px solid #444; padding: 4px 8px 4px 0;
  vertical-align: bottom; }
td { border-bottom: 1px solid #ccc; padding: 4px 8px 4px 0; vertical-align: top; }
td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.t { white-space: nowrap; font-variant-numeric: tabular-nums; }
.sums { display: flex; flex-wrap: wrap; gap: 8px 40px; align-items: flex-start; }
.sums table { width: auto; min-width: 280px; }
.bar { display: inline-block; height: 9px; background: #a61c1c; }
svg { width: 100%; height: auto; border: 1px solid #999; background: #fff; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: #333; }
.plan { fill: #3b6ea5; fill-opacity: .07; stroke: #3b6ea5; stroke-opacity: .45; stroke-width: .6; }
.area { fill: #d98a00; fill-opacity: .13; stroke: #a86800; stroke-width: 1;
  stroke-dasharray: 4 3; }
.grid { fill: none; stroke: #000; stroke-opacity: .13; stroke-width: .6; }
.tick { text-anchor: middle; } .side { text-anchor: end; } svg .degree { fill: #777; }
.scale { fill: none; stroke: #111; stroke-width: 1.2; }
.dot { fill: #a61c1c; } .lead { stroke: #a61c1c; stroke-width: .8; fill: none; }
.mark circle { fill: #a61c1c; stroke: #fff; stroke-width: 1; }
.mark text { fill: #fff; font-size: 9px; font-weight: 600; text-anchor: middle; }
figure { margin: 0; } figcaption { font-size: 12px; color: #444; }
.close .plan { fill-opacity: .12; stroke-opacity: .8; }
.close { display: grid; grid-template-columns: 1fr 1fr; gap: 10px 16px; }
td.w { min-width: 118px; }
.key { display: inline-block; width: 22px; height: 11px; border: 1px solid #3b6ea5;
  background: #e6edf5; margin: 0 4px 0 12px; vertical-align: -1px; }
.key.no-go { border: 1px dashed #a86800; background: #faeed7; }
.key.red { width: 11px; border-radius: 6px; background: #a61c1c; border-color: #a61c1c; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } table { font-size: 10px; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  tr, svg, .sums table { break-inside: avoid; } h2 { break-after: avoid; } thead {
  display: table-header-group; } @page { size: A4; margin: 12mm; } }
"""
_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>Audit: {title}</title>
<style>{style}</style>
</head>
<body>"""


class Page:
    """What the page is made of.

    Args:
        worst: conflicts that are drawn, the worst first; the first of them are listed.
    """

    def __init__(
        self, audited: AuditSet, table: MinimaTable, tally: Tally, worst: Sequence[Finding]
    ) -> None:
        self._audited, self._kept, self._tally = audited, table, tally
        self._worst = worst
        self._listed = worst[:LISTED_MOST]

    def html(self) -> str:
        """Return the page."""
        return "\n".join(self._parts()) + "\n"

    def _parts(self) -> Iterator[str]:
        title = counted(self._tally.total, "conflict")
        yield _HEAD.format(title=title, style=_STYLE)
        yield f"<h1>{title} within the minima</h1>"
        yield from self._facts()
        if self._audited.members:
            yield from self._pictures()
        if self._worst:
            yield from self._sums()
            yield from self._table()
        yield (
            '<p class="note">Plans compared with plans: nothing here says where an aircraft was or '
            "is. Altitudes are metres above the WGS84 ellipsoid unless another datum stands beside "
            "them; times are UTC. Formations and priorities are not taken into account.</p>"
        )
        yield "</body>\n</html>"

    def _facts(self) -> Iterator[str]:
        audited, minima = self._audited, self._kept.usual
        files = ", ".join(_name(file) for file in audited.files[:_FILES_MOST])
        if len(audited.files) > _FILES_MOST:
            files += f" and {len(audited.files) - _FILES_MOST:,} more"
        yield f'<p class="note">{escape(audited.described())}: {files}</p>'
        if audited.members:
            flown = [m for m in audited.members if not m.draft.constraint] or audited.members
            times = [v.time for m in flown for v in m.draft.volumes]
            start, end = min(t.start for t in times), max(t.end for t in times)
            day = "" if start.date() == end.date() else "%Y-%m-%d "
            yield (
                f'<p class="note">plans from {start:%Y-%m-%d %H:%M}Z to '
                f"{end.strftime(day + '%H:%M')}Z</p>"
            )
        facts = [
            (figure(self._tally.total), "conflicts: pairs that come within all three minima"),
            (f"{figure(minima.horizontal_m)} m", "horizontal minimum"),
            (f"{figure(minima.vertical_m)} m", "vertical minimum"),
            (f"{figure(minima.time.total_seconds())} s", "minimum in time"),
        ]
        facts += [
            (minima_text(entry.minima), f"between {' and '.join(entry.pair)}")
            for entry in self._kept.entries
        ]
        yield '<div class="facts">'
        for value, what in facts:
            yield f"<div><b>{value}</b>{what}</div>"
        yield "</div>"

    def _pictures(self) -> Iterator[str]:
        shown = chosen(self._audited.members, self._listed, VOLUMES_MOST)
        where = Map(shown, self._worst)
        drawn = where.draw(self._worst, self._listed, "map of the conflicts")
        yield "<h2>When and at what level</h2>"
        yield timeline(shown, self._worst, self._listed, "conflicts by time and altitude")
        yield (
            '<p class="note"><span class="key"></span>volume of a plan '
            '<span class="key no-go"></span>no-go area <span class="key red"></span>'
            "conflict, at the moment it begins; the number is that of the table</p>"
        )
        yield "<h2>Where</h2>"
        yield drawn
        yield f'<p class="note">{" ".join(self._left_out(len(shown), where.outside))}</p>'
        groups = close_ups(self._listed, where.span_m)[:_CLOSE_UPS_MOST]
        if groups:
            yield "<h2>Where, closer</h2>"
            yield '<p class="note">Only the volumes that meet, at the worst of each conflict.</p>'
            yield '<div class="close">'
            for group in groups:
                closer = Map(meeting(group), group, CLOSE_SIZE)
                numbers = ", ".join(str(one.number) for one in group)
                drawn = closer.draw(group, group, f"close map of conflicts {numbers}")
                yield f"<figure>{drawn}<figcaption>{numbers}</figcaption></figure>"
            yield "</div>"

    def _left_out(self, shown: int, outside: int) -> Iterator[str]:
        total, drawn = self._tally.total, len(self._worst)
        if drawn < total:
            yield f"Both show the {drawn:,} worst of {counted(total, 'conflict')}."
        if shown < self._audited.volumes:
            yield f"Both show {shown:,} of {counted(self._audited.volumes, 'volume')}."
        if outside:
            yield f"The map is drawn around the conflicts; {counted(outside, 'volume')} outside it."
        yield "North is up. A number stands beside its place where another one is in the way."

    def _sums(self) -> Iterator[str]:
        parties = list(self._tally.parties())
        yield '<h2>How many</h2>\n<div class="sums">'
        yield '<table><thead><tr><th>who</th><th>with whom</th><th class="n">conflicts</th></tr>'
        yield "</thead>"
        for a, b, count in parties[:_PARTIES_MOST]:
            yield (
                f"<tr><td>{_name(a)}</td><td>{_name(b) if a != b else 'among themselves'}</td>"
                f'<td class="n">{figure(count)}</td></tr>'
            )
        if len(parties) > _PARTIES_MOST:
            rest = parties[_PARTIES_MOST:]
            yield (
                f'<tr><td colspan="2">{len(rest):,} more pairs</td>'
                f'<td class="n">{figure(sum(n for *_, n in rest))}</td></tr>'
            )
        yield "</table>"
        yield from _bars("hour, UTC", self._tally.hours())
        yield from _bars(f"altitude W84, by {LEVEL_M} m", self._tally.levels()[::-1])
        yield "</div>"

    def _table(self) -> Iterator[str]:
        total, listed = self._tally.total, len(self._listed)
        which = f"The {listed:,} worst of {total:,}" if listed < total else f"All {total:,}"
        yield f"<h2>{which} conflicts, the worst first</h2>"
        yield (
            '<p class="note">Numbers are in order of time. <i>Depth</i> is how far inside the '
            "minima: 100 % overlap in outline, level and time, 0 % exactly at a minimum; "
            "<i>least</i> is where it takes least to clear it.</p>"
        )
        yield (
            '<table><thead><tr><th class="n">no.</th><th>begins, UTC</th><th>who</th>'
            "<th>with whom</th><th>how</th><th>where, degrees</th><th>depth</th></tr></thead>"
        )
        for one in self._listed:
            yield (
                f'<tr><td class="n"><b>{one.number}</b></td>'
                f'<td class="t">{one.conflict.time.start:%Y-%m-%d<br>%H:%M:%S}Z</td>'
                f'<td class="w">{_member(one.first)}</td><td class="w">{_member(one.second)}</td>'
                f'<td>{escape(one.sentence)}</td><td class="t">{one.where.replace(", ", "<br>")}'
                f"</td><td>{escape(one.depth)}</td></tr>"
            )
        yield "</table>"


def _bars(head: str, rows: Sequence[tuple[str, int]]) -> Iterator[str]:
    most = max((count for _, count in rows), default=1)
    yield f'<table><thead><tr><th>{head}</th><th class="n">conflicts</th><th></th></tr></thead>'
    for name, count in rows:
        wide = 120 * count / most
        yield (
            f'<tr><td class="t">{name}</td><td class="n">{figure(count)}</td>'
            f'<td><span class="bar" style="width:{wide:.0f}px"></span></td></tr>'
        )
    yield "</table>"


def _member(member: Member) -> str:
    return f"{member.kind}<b>{_name(member.name)}</b><br>of {_name(member.party)}"


def _name(text: str) -> str:
    return f"<bdi>{escape(text)}</bdi>"
