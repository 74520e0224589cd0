"""Encounters as one page for people: static HTML, pictures inline, nothing from elsewhere.

Every name comes from somebody's recording: it is escaped, and set apart (``bdi``) so that one that
is written from right to left does not turn what stands beside it.
"""

from collections.abc import Iterator
from html import escape

from tansiq.cli.encounter_lines import (
    BY,
    NM_M,
    Searched,
    between,
    counted,
    duration,
    legs,
    state,
    thresholds,
    title,
    upright,
)
from tansiq.cli.encounter_picture import altitude_words, altitudes, legend, plan_view
from tansiq.domain.draft import figure
from tansiq.domain.encounter import Encounter, Participant

LISTED_MOST = 500
"""Encounters in the table, the closest."""
DRAWN_MOST = 40
"""Those with pictures."""

_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; color: #111; background: #fff;
  max-width: 1080px; margin: 24px auto; padding: 0 16px; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 26px 0 6px; }
h3 { font-size: 14px; margin: 0 0 2px; } p { margin: 4px 0; }
.note { color: #444; font-size: 13px; }
.facts { display: flex; flex-wrap: wrap; gap: 8px 32px; margin: 14px 0; }
.facts div { border-left: 3px solid #888; padding-left: 8px; }
.facts b { display: block; font-size: 18px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: left; border-bottom: 2px solid #444; padding: 4px 8px 4px 0;
  vertical-align: bottom; }
td { border-bottom: 1px solid #ccc; padding: 4px 8px 4px 0; vertical-align: top; }
td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.t { white-space: nowrap; font-variant-numeric: tabular-nums; }
.agreed td { color: #666; }
.met { margin: 18px 0; break-inside: avoid; }
.met div { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 14px; margin-top: 4px; }
figure { margin: 0; } figcaption { font-size: 12px; color: #444; }
svg { width: 100%; height: auto; border: 1px solid #999; background: #fff; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: #333; }
.track { fill: none; stroke-width: 1.6; } .track.one { stroke: #1f5fa8; }
.track.other { stroke: #b3541e; stroke-dasharray: 7 3; }
.dot.one, .now.one { fill: #1f5fa8; } .dot.other, .now.other { fill: #b3541e; }
.now { stroke: #fff; stroke-width: 1.2; }
.lead { stroke: #111; stroke-width: 1; fill: none; stroke-dasharray: 2 2; }
.inside { fill: #f2d9d0; }
.grid, .ring { fill: none; stroke: #000; stroke-opacity: .15; stroke-width: .6; }
.tick { text-anchor: middle; } .side { text-anchor: end; } svg .degree { fill: #777; }
.key { display: inline-block; width: 24px; border-top: 3px solid #1f5fa8; margin: 0 4px 3px 0; }
.key.other { border-top: 3px dashed #b3541e; margin-left: 14px; }
@media (max-width: 640px) { .met div { grid-template-columns: 1fr; } }
@media print { body { margin: 0; max-width: none; font-size: 11px; } table { font-size: 10px; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  tr, svg { break-inside: avoid; } h2 { break-after: avoid; } thead {
  display: table-header-group; } @page { size: A4; margin: 12mm; } }
"""
_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>Encounters: {title}</title>
<style>{style}</style>
</head>
<body>"""


class Page:
    """What the page is made of."""

    def __init__(self, searched: Searched) -> None:
        self._searched = searched
        closest = searched.closest()
        self._listed = closest[:LISTED_MOST]
        counting = [each for each in closest if not each[1].formation]
        self._drawn = counting[:DRAWN_MOST]

    def html(self) -> str:
        """Return the page."""
        return "\n".join(self._parts()) + "\n"

    def _parts(self) -> Iterator[str]:
        searched = self._searched
        what = counted(searched.counted, "close encounter")
        yield _HEAD.format(title=what, style=_STYLE)
        yield f"<h1>{what}</h1>"
        yield from self._facts()
        if self._listed:
            yield from self._table()
        if self._drawn:
            yield from self._pictures()
        yield (
            '<p class="note">Times are UTC. Between two reports an aircraft is taken to have flown '
            "straight, at constant speed and climb; where it was in a gap is not guessed. Two "
            "tracks that came near say nothing of who was right to be there. How true the "
            "positions are that were recorded is not known here.</p>"
        )
        yield "</body>\n</html>"

    def _facts(self) -> Iterator[str]:
        searched = self._searched
        files = ", ".join(_bdi(each.name) for each in searched.recordings[:12])
        if len(searched.recordings) > 12:
            files += f" and {len(searched.recordings) - 12:,} more"
        yield f'<p class="note">{files}</p>'
        for sentence in title(searched):
            yield f'<p class="note">{escape(sentence)}</p>'
        facts = [
            (figure(searched.counted), "encounters"),
            (figure(searched.pairs), "pairs of aircraft"),
            (thresholds(searched.search), "on the map, and up and down"),
        ]
        yield '<div class="facts">'
        for value, noun in facts:
            yield f"<div><b>{value}</b>{noun}</div>"
        yield "</div>"

    def _table(self) -> Iterator[str]:
        total, listed = len(self._searched.found), len(self._listed)
        which = f"The {listed:,} closest of {total:,}" if listed < total else f"All {total:,}"
        yield f"<h2>{which}, the closest first</h2>"
        yield (
            '<table><thead><tr><th class="n">no.</th><th>closest, UTC</th><th>who</th>'
            '<th>with whom</th><th class="n">on the map</th><th class="n">up and down</th>'
            f"<th>{state(self._searched.search)} for</th><th>where, degrees</th></tr></thead>"
        )
        for number, one in self._listed:
            yield from _row(number, one)
        yield "</table>"

    def _pictures(self) -> Iterator[str]:
        count = len(self._drawn)
        yield f"<h2>{'The closest' if count == 1 else f'The {count} closest'}</h2>"
        yield f'<p class="note">{legend(self._searched)}</p>'
        for number, one in self._drawn:
            yield from self._met(number, one)

    def _met(self, number: int, one: Encounter) -> Iterator[str]:
        apart = one.apart
        yield '<section class="met">'
        yield (
            f'<h3>{number}. <span class="key"></span>{_who(one.first)} '
            f'<span class="key other"></span>{_who(one.second)}</h3>'
        )
        yield (
            f"<p>{one.closest:%Y-%m-%d %H:%M:%S}Z: {apart.horizontal_m / NM_M:.2f} NM "
            f"({figure(apart.horizontal_m)} m) and {escape(upright(one))}, "
            f"{BY[one.vertical]}{escape(legs(one))}</p>"
        )
        yield "<div>"
        yield f"<figure>{plan_view(self._searched, number, one)}"
        yield "<figcaption>north is up</figcaption></figure>"
        yield f"<figure>{altitudes(self._searched, number, one)}"
        yield f"<figcaption>{altitude_words(one)}</figcaption></figure>"
        yield "</div></section>"


def _row(number: int, one: Encounter) -> Iterator[str]:
    apart, place = one.apart, between(one)
    agreed = ' class="agreed"' if one.formation else ""
    formation = f"<br>agreed formation {_bdi(one.formation)}" if one.formation else ""
    often = f"<br>in {one.passages} passages" if one.passages > 1 else ""
    yield (
        f'<tr{agreed}><td class="n"><b>{number}</b></td>'
        f'<td class="t">{one.closest:%Y-%m-%d<br>%H:%M:%S}Z</td>'
        f"<td>{_who(one.first)}</td><td>{_who(one.second)}{formation}</td>"
        f'<td class="n">{apart.horizontal_m / NM_M:.2f} NM<br>{figure(apart.horizontal_m)} m</td>'
        f'<td class="n">{escape(upright(one)).replace(" (", "<br>(", 1)}</td>'
        f"<td>{duration(one.inside_s)}{often}</td>"
        f'<td class="t">{place.lat_deg:.5f}<br>{place.lng_deg:.5f}</td></tr>'
    )


def _who(who: Participant) -> str:
    address = who.address.partition(":")[2]
    return f"<b>{_bdi(who.callsign)}</b> {_bdi(address)}" if who.callsign else _bdi(address)


def _bdi(text: str) -> str:
    return f"<bdi>{escape(text)}</bdi>"
