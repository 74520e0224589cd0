"""Encounters are the same compiled or not, and nothing is left to compile when a service runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tansiq.engine import compiled

DIGEST = """
import hashlib
import sys

sys.path[:0] = {folders!r}
from fleets import KINDS, RULES, fleet
from tansiq.engine import compiled
from tansiq.engine.encounters import find

said = hashlib.sha256()
for kind in KINDS:
    found = find(fleet(kind, 120, 1), RULES)
    for told in (found.encounters, found.excepted):
        for column in told:
            said.update(column.tobytes())
    said.update(repr(found[2:]).encode())
print(compiled.COMPILED, said.hexdigest())
"""


def said(**environment: str) -> list[str]:
    code = DIGEST.format(folders=[str(Path(__file__).parent)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.skipif(not compiled.COMPILED, reason="numba is not installed")
def test_the_same_to_the_bit_without_compiling() -> None:
    (quick, machine), (slow, python) = said(), said(TANSIQ_PLAIN_KERNELS="1")
    assert (quick, slow) == ("True", "False")
    assert machine == python


WARMED = """
import sys

sys.path[:0] = {folders!r}
from numba.core.registry import CPUDispatcher
from fleets import KINDS, RULES, fleet
from tansiq.engine import passing, vicinity
from tansiq.engine.encounters import find
from tansiq.engine.warm import warm


def signatures():
    return {{
        name: len(function.signatures)
        for module in (passing, vicinity)
        for name, function in vars(module).items()
        if isinstance(function, CPUDispatcher)
    }}


warm()
before = signatures()
for kind in KINDS:
    held = fleet(kind, 200, 1)
    for column in held:
        column.flags.writeable = False
    find(held, RULES)
    find(held._replace(lat_deg=held.lat_deg[::-1]), RULES[:1], pairs_max=10)
print({{name for name, count in signatures().items() if count != before[name]}} or "nothing")
"""


@pytest.mark.skipif(not compiled.COMPILED, reason="numba is not installed")
def test_after_warming_nothing_is_left_to_compile() -> None:
    code = WARMED.format(folders=[str(Path(__file__).parent)])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["nothing"]
