"""A sheet as plain text, for a terminal or a printer that knows nothing else."""

from tansiq.formats.sheet import SectionView, SheetView

_BAR = " | "


def sheet_text(view: SheetView) -> str:
    """Return a sheet in lines: its title, then each table row by row, then the foot.

    Marks of direction stay in: a terminal that heeds them shows quantities right.
    """
    lines = [view.title.text, *(each.text for each in view.head)]
    for section in view.sections:
        lines += ["", section.title.text, *_section(section)]
    return "\n".join([*lines, "", *(each.text for each in view.foot), ""])


def _section(section: SectionView) -> list[str]:
    lines = [each.text for each in section.says]
    if section.rows:
        lines.append(_BAR.join(each.text for each in section.columns))
        lines += [
            _BAR.join("; ".join(said.text for said in cell) for cell in row.cells)
            for row in section.rows
        ]
    return lines
