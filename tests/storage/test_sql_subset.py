"""Every statement of a store is made of words that docs/decisions/sql-subset.md lists."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from sql_said import Said, asked_otherwise, statements

PAGE = Path(__file__).parents[2] / "docs" / "decisions" / "sql-subset.md"
ROW = re.compile(r"^\| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", re.MULTILINE)

FORMS = {
    "row comparison": re.compile(r"\([^()]+,[^()]+\)\s*(?:[<>]=?|=|IN)\s*\("),
    "partial index": re.compile(r"CREATE (?:UNIQUE )?INDEX[^;]*WHERE"),
}
"""What is made of words that are listed, and is more than they."""

NEVER = (
    *("advisory", "LISTEN", "NOTIFY", "pg_notify", "LOCK", "LANGUAGE", "FUNCTION", "TRIGGER"),
    *("GIST", "GIN", "EXCLUDE", "SKIP", "LOCKED", "CURSOR", "DECLARE", "COPY", "TEMPORARY"),
    *("PREPARE", "EXTENSION", "RULE", "SERIAL", "MERGE", "TABLESAMPLE", "nextval"),
)

OTHERWISE = {
    ("storage/plans.py", "_ALL if ended else _LIVING"),  # Both are constants.
    ("storage/subscriptions.py", "statement"),  # One of two constants.
    ("storage/postgres_tx.py", "text"),  # What dialect.py has made of constants.
    ("storage/postgres_tx.py", "self._take"),  # ORDER, a constant of the store's class.
    ("storage/postgres_tx.py", "MARK_NEXT if leaving else MARK"),  # Both are constants.
    # Each returns a constant with its parameters.
    ("storage/availability.py", "*self.asked(uss)"),
    ("storage/subscriptions.py", "*self.asked(subscription_id)"),
    ("storage/intents.py", "*self.asked(intent_id)"),
    ("storage/intents.py", "*_written(intent, old)"),
    ("storage/intents.py", "*dropped(INTENT, old.id, old.cover, kept=new.cover)"),
    ("storage/cell_rows.py", "*met(self._kind, [where])"),
    ("storage/cell_rows.py", "*dropped(self._kind, entity, where)"),
    ("storage/cell_rows.py", "*added(self._kind, entity, where)"),
    ("storage/postgres.py", "self.ORDER.begin"),
    ("storage/postgres.py", "self._BEGIN_READ"),
    ("storage/postgres_checks.py", "order.begin"),
    ("storage/postgres_checks.py", "order.take"),
    ("storage/postgres_sight.py", "PostgresStore.ORDER.take"),
    ("storage/postgres_migrate.py", "sql"),  # A migration; all are looked at.
    ("services/planning/judging.py", "register"),  # Asks a peer.
}
"""Where a statement is handed over that the check does not see there: each is one it knows."""


def listed() -> dict[str, list[str]]:
    """Return the words of each row of the page."""
    text = PAGE.read_text(encoding="utf-8")
    table = text.split("<!-- words:")[1].split("<!-- end of words -->")[0]
    rows = [row for row in ROW.findall(table) if row[0] not in ("words", "---")]
    for row in rows:
        assert all(cell.strip() for cell in row), f"a cell is empty: {row[0]}"
    return {row[0]: _words(row[0]) for row in rows}


def _words(cell: str) -> list[str]:
    spans = re.findall(r"`([^`]+)`", cell)
    return " ".join(spans).split() if spans else [cell]


def said_of(statement: Said) -> set[str]:
    return statement.words() | {name for name, form in FORMS.items() if form.search(statement.text)}


def unknown(found: list[Said], known: set[str]) -> dict[str, str]:
    """Return words that are not listed, each with a statement that has it."""
    return {
        word: f"{statement.where}: {' '.join(statement.text.split())[:200]}"
        for statement in found
        for word in said_of(statement) - known
    }


def test_a_node_says_only_what_is_listed() -> None:
    known = {word for words in listed().values() for word in words}
    found = statements()
    assert len(found) > 250, "statements are not found any more"
    assert unknown(found, known) == {}, "docs/decisions/sql-subset.md: add a row, after a look"


def test_no_row_is_there_for_nothing() -> None:
    said = {word for statement in statements() for word in said_of(statement)}
    idle = {row: [w for w in words if w not in said] for row, words in listed().items()}
    assert {row: words for row, words in idle.items() if words} == {}


def test_no_word_is_listed_twice() -> None:
    rows = defaultdict(list)
    for row, words in listed().items():
        for word in words:
            rows[word].append(row)
    assert {word: found for word, found in rows.items() if len(found) > 1} == {}


def test_what_is_never_said_is_not_listed() -> None:
    known = {word for words in listed().values() for word in words}
    assert known.isdisjoint(NEVER)


def test_no_statement_goes_round_the_check() -> None:
    found = {each for each in asked_otherwise() if not each[0].startswith(("moving/", "backup/"))}
    assert found == OTHERWISE


def test_commands_for_postgresql_alone_are_told_apart() -> None:
    text = PAGE.read_text(encoding="utf-8")
    known = {word for words in listed().values() for word in words}
    beyond = set(unknown(statements(tools=True), known))
    assert beyond == {
        "ANALYZE",
        "DROP",
        "current_database",
        "pg_database_size",
        "pg_export_snapshot",
    }
    assert all(word in text for word in ("ANALYZE", "DROP TABLE", "a snapshot that is exported"))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("SELECT pg_advisory_xact_lock($1)", "pg_advisory_xact_lock"),
        ("LOCK TABLE intent IN EXCLUSIVE MODE", "LOCK"),
        ("NOTIFY changed", "NOTIFY"),
        ("SELECT id FROM intent FOR UPDATE SKIP LOCKED", "SKIP"),
        ("CREATE INDEX i ON intent USING GIST (cover)", "GIST"),
        ("SELECT a FROM t WHERE b @> $1", "@>"),
        ("SELECT nextval('s')", "nextval"),
        ("SELECT generate_series(1, 2)", "generate_series"),
        ("WITH RECURSIVE r AS (SELECT 1) SELECT * FROM r", "RECURSIVE"),
    ],
)
def test_what_others_do_not_have_is_noticed(text: str, word: str) -> None:
    known = {word for words in listed().values() for word in words}
    assert word in unknown([Said("here", text)], known)


def test_names_and_texts_are_no_words() -> None:
    statement = Said(
        "here", "INSERT INTO cell (kind, \"only\") VALUES ($1, 'LOCK TABLE') -- NOTIFY all"
    )
    assert statement.words() == {"INSERT", "INTO", "VALUES"}
