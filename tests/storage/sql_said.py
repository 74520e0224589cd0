"""Every statement that a node says to PostgreSQL, and the words that each is made of."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.resources.abc import Traversable
from pathlib import Path

import tansiq
from tansiq.storage.dialect import after, postgresql, postgresql_definitions, together
from tansiq.storage.postgres_migrate import shipped

ROOT = Path(tansiq.__file__).parent
ASKED = ("fetch", "fetch_one", "fetchrow", "fetchval", "execute", "execute_many")

NOT_POSTGRESQL = (
    "storage/sqlite.py",
    "storage/standing.py",
    "storage/migrate.py",
    "storage/history.py",  # Files of their own, whatever the store is.
    "storage/exchanges.py",
    "moving/source.py",
    "backup/checking.py",
    "backup/copying.py",
    "backup/placing.py",
    "backup/unfolding.py",
)
"""They speak to a file alone."""
TOOLS = ("moving/target.py", "backup/dumping.py")
"""Commands that move or copy a store in PostgreSQL: not what a node serves by."""

_SQL = re.compile(
    r"\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|CREATE"
    r"|ALTER|DROP|ANALYZE|VACUUM|TRUNCATE|COPY|LOCK|LISTEN|UNLISTEN|NOTIFY|DECLARE|CALL|DO|GRANT"
    r"|PREPARE|EXECUTE|EXPLAIN|MERGE|VALUES|TABLE)\b"
)
_LEFT_OUT = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]*\"", re.DOTALL)
_PLACES = re.compile(r"\$\d+")
_WORD = re.compile(r"[A-Za-z_]\w*")
_OPERATOR = re.compile(r"[<>=!|&@#%^*/+~:-]+|\[\]")
_CALL = re.compile(r"\b([a-z_]\w*)\(")
_TABLE = re.compile(r"\b(?:INTO|TABLE|ON|REFERENCES|EXISTS|AS)\s+([a-z_]\w*)\s*\(")
_COMMENT = re.compile(r"--[^\n]*")


@dataclass(frozen=True, slots=True)
class Said:
    """One statement, as PostgreSQL gets it."""

    where: str
    text: str

    def words(self) -> set[str]:
        """Return keywords, functions and operators; names of tables and columns are none.

        Keywords are written in capitals here, functions of PostgreSQL's own in small letters.
        """
        text = _PLACES.sub(" ", _LEFT_OUT.sub(" '' ", self.text))
        tables = set(_TABLE.findall(text))
        found = {word for word in _WORD.findall(text) if word.isupper() and len(word) > 1}
        found |= {name for name in _CALL.findall(text) if name not in tables}
        return found | set(_OPERATOR.findall(text))


def statements(*, tools: bool = False) -> list[Said]:
    """Return the statements of a node that serves; or those of the tools."""
    found = []
    for name, calls in _calls():
        if (name in TOOLS) is not tools:
            continue
        texts = sorted({*_constants(name), *map(_literal, calls)})
        found += [Said(name, postgresql(text).text) for text in texts if _SQL.match(text)]
    if not tools:
        pair = ("SELECT id FROM intent", "SELECT id FROM subscription")
        changes = ("DELETE FROM cell", "DELETE FROM intent")
        found += [
            Said("storage/dialect.py", each.text) for each in (together(pair), after(changes))
        ]
        found += [
            Said(entry.name, part)
            for entry in sorted(shipped().iterdir(), key=lambda entry: entry.name)
            if entry.name.endswith(".sql")
            for part in _COMMENT.sub("", _definitions(entry)).split(";")
            if part.strip()
        ]
    return found


def _definitions(entry: Traversable) -> str:
    return postgresql_definitions(entry.read_text("utf-8"))


def _calls() -> Iterator[tuple[str, list[ast.expr]]]:
    """Yield each module that asks a database, with what stands where a statement is handed over."""
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name in NOT_POSTGRESQL:
            continue
        asked = [
            node.args[0]
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ASKED
            and node.args
        ]
        if asked:
            yield name, asked


def _literal(asked: ast.expr) -> str:
    """Return a text that stands in a call; what is put into it is a name there."""
    if isinstance(asked, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "x" for part in asked.values)
        return "".join(map(str, parts))
    return asked.value if isinstance(asked, ast.Constant) and isinstance(asked.value, str) else ""


def _constants(name: str) -> Iterator[str]:
    """Yield the texts that names of a module and of its classes hold, as they are used."""
    module = import_module("tansiq." + name.removesuffix(".py").replace("/", "."))
    for value in list(vars(module).values()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            for each in list(vars(value).values()):
                yield from _texts(each)
        yield from _texts(value)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _texts(each)


def asked_otherwise() -> set[tuple[str, str]]:
    """Return where neither a constant nor a text is handed over: module, and what stands there."""
    return {
        (name, ast.unparse(asked))
        for name, calls in _calls()
        for asked in calls
        if not _literal(asked)
        and not re.fullmatch(r"_?[A-Z][A-Z_0-9]*(\[\w+\])?", ast.unparse(asked))
    }
