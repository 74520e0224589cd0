"""Write the table of all codes into docs/phrases.md, between its two marks."""

from pathlib import Path

from tansiq.formats.phrase_book import phrase_book

PAGE = Path(__file__).parents[1] / "docs" / "phrases.md"
BEGIN, END = (
    "<!-- codes: scripts/phrase_table.py writes what follows -->\n",
    "<!-- end of codes -->\n",
)


def table() -> str:
    """Return a table for each group of codes."""
    book = phrase_book()
    lines: list[str] = []
    group = ""
    for code, parameters in book.codes.items():
        if not code.startswith(f"{group}.") or not group:
            group = code.partition(".")[0]
            lines += ["", f"### {group}", "", "| code | parameters | in English |", "|---|---|---|"]
        told = ", ".join(n if n == k else f"{n}: {k}" for n, k in parameters.items())
        lines.append(f"| `{code}` | {told} | {book.languages['en'].texts[code]} |")
    return "\n".join((*lines, "", ""))


def page(text: str) -> str:
    """Return the page with the table as the phrase book has it."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
