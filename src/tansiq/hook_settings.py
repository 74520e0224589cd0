"""Programs that a node starts when something comes up: ``[[hook]]`` in ``tansiq.toml``.

A program is an argument list, never a line for a shell: nothing that a peer says is a word of it.
What happened it reads from its standard input (``services/hooks.py``).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tansiq.strict_toml import Table

HOOKS_MAX: Final = 16
ARGUMENTS_MAX: Final = 64
ON_MAX: Final = 64
KEYS: Final = ("name", "on", "run", "exercise")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One program, and what it is started for."""

    name: str
    on: tuple[str, ...]
    """Kinds of events of the feed, or of notes; which there are is ``services/hooks.py``'s."""
    run: tuple[str, ...]
    """The program's absolute path, and its arguments."""
    exercise: bool = False
    """Also for what is practised only."""


def read_hooks(data: Path, top: Table) -> tuple[Hook, ...]:
    """Return the hooks of a settings file; relative paths start from the data folder.

    Raises:
        BadInput: a key is missing or wrong, or two have one name.
    """
    found: list[Hook] = []
    for entry in top.tables("hook", KEYS, count_max=HOOKS_MAX):
        name = entry.text("name", chars_max=40)
        if not _NAME.fullmatch(name):
            raise entry.wrong("name", "write small letters, digits and hyphens, such as siren-1")
        if name in {hook.name for hook in found}:
            raise entry.wrong("name", f"{name} is there already; give each its own")
        on = entry.texts("on", count_max=ON_MAX, chars_max=60)
        if not on:
            raise entry.wrong("on", 'missing or empty; write kinds, such as ["stop", "all-clear"]')
        run = entry.texts("run", count_max=ARGUMENTS_MAX, chars_max=4_000)
        if not run or "/" not in run[0]:
            remedy = 'write the program with its path, such as ["/usr/bin/logger", "-t", "tansiq"]'
            raise entry.wrong("run", remedy)
        argv = (str((data / run[0]).absolute()), *run[1:])
        exercise = entry.flag("exercise", default=False)
        found.append(Hook(name=name, on=on, run=argv, exercise=exercise))
    return tuple(found)
