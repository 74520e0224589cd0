"""What ``tansiq doctor`` says of programs that are started on events. None is started for it."""

import os
from pathlib import Path

from tansiq.cli.checks import Check, Checks, Verdict
from tansiq.domain.time import from_micros, zulu
from tansiq.errors import BadInput, StoreError
from tansiq.hook_settings import Hook
from tansiq.services.hooks import check_hooks
from tansiq.settings import STORE, Settings
from tansiq.storage.hooks import HookRow, HookRows
from tansiq.storage.opening import peek_store


def hooks(settings: Settings) -> Checks:
    """Look whether each program can be started, and how its last run ended."""
    try:
        check_hooks(settings.hooks)
    except BadInput as error:
        yield Check("hooks", Verdict.FAIL, str(error), "the node does not start; see docs/hooks.md")
        return
    try:
        file, database = settings.data / STORE, settings.database
        rows = peek_store(file, database, lambda tx: HookRows(tx).all()) or {}
    except StoreError:  # Told where the store is looked at.
        rows = {}
    for hook in settings.hooks:
        yield _check(hook, rows.get(hook.name))


def _check(hook: Hook, row: HookRow | None) -> Check:
    name, program = f"hook {hook.name}", Path(hook.run[0])
    if not program.is_file():
        return Check(name, Verdict.FAIL, f"{program} is no file", "correct run in tansiq.toml")
    if not os.access(program, os.X_OK):
        remedy = f"chmod u+x {program}, as its owner"
        return Check(name, Verdict.FAIL, f"we may not execute {program}", remedy)
    if row is not None and row.problem is not None:
        at = "" if row.time is None else f", last at {zulu(from_micros(row.time))}"
        finding = f"{row.failures} failures in a row{at}: {row.problem}"
        return Check(name, Verdict.FAIL, finding, "tansiq events shows what it printed")
    if program.stat().st_mode & 0o022:
        finding = f"others may change {program}, which runs as the node's user"
        return Check(name, Verdict.WARN, finding, f"chmod go-w {program}")
    last = "never run yet" if row is None or row.time is None else "its last run was good"
    return Check(name, Verdict.OK, f"{program} on {', '.join(hook.on)}; {last}")
