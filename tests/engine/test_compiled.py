"""Kernels give the same to the bit compiled and as Python; the command line loads none of them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tansiq.engine import compiled

DIGEST = """
import hashlib
import sys
from random import Random

sys.path[:0] = {folders!r}
from pairs import pair
from plans import volume
from tansiq.domain.agreement import Minima
from tansiq.engine import compiled, outlines, search
from tansiq.engine.batch import Batch
from tansiq.engine.index import AirspaceIndex
from tansiq.engine.prepared import Prepared
from tansiq.engine.judgement import conflict_between
from tansiq.engine.resolution import Bounds, Layer, resolve
from plans import NOON, SECOND
import numpy as np

random, said = Random(11), []
pairs = [pair(random) for _ in range(60)]
minima = Minima(horizontal_m=20_000.0)
for a, b in pairs:
    said.append(repr(conflict_between(Prepared.of(volume(a)), Prepared.of(volume(b)), minima)))
    one, other = (search.shape_of(Prepared.of(volume(o)).sky, 0) for o in (a, b))
    rows = compiled.seen(np.zeros((6_000, 9)))
    said.append(repr([outlines.verdict(one, other, limit, rows) for limit in (0.0, 1e3, 1e5)]))
held = [o for pair in pairs for o in pair]
index = AirspaceIndex(lambda i: held[i])
index.extend(Batch.of([volume(o) for o in held]))
said += [repr(index.conflicts(Prepared.of(volume(o)), minima)) for o in held[:30]]
said += [repr(chunk.tolist()) for chunk in index.pairs(minima)]
bounds = Bounds(
    earliest=NOON - 900 * SECOND,
    later_max=900 * SECOND,
    earlier_max=900 * SECOND,
    step_m=100.0,
    levels_m=(0.0, 900.0),
    aside_m_max=2_000.0,
)
for a, b in pairs[:20]:
    plan = Prepared.of(volume(a), volume(b, levels_m=(300.0, 400.0)))
    said.append(repr(resolve(plan, [Layer(index, Minima())], bounds)))
print(compiled.COMPILED, hashlib.sha256("".join(said).encode()).hexdigest())
"""


def said(**environment: str) -> list[str]:
    folders = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]
    done = subprocess.run(
        [sys.executable, "-c", DIGEST.format(folders=folders)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_kernels_have_a_folder_of_their_state_where_python_keeps_no_bytecode(
    tmp_path: Path,
) -> None:
    """Else the first process compiles to one place, and every later one looks in another."""
    source = Path(compiled.__file__).parents[2]
    shutil.copytree(source, tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "dist"))
    ask = "import numba, tansiq.engine.compiled as c; print(numba.config.CACHE_DIR, c.__file__)"
    told = [
        subprocess.run(
            [sys.executable, "-B", "-c", ask],
            env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert str(tmp_path / "src" / "tansiq" / "engine" / "__pycache__" / "kernels-") in told[0]
    assert told[0] == told[1]


def test_the_tests_run_with_compiled_kernels() -> None:
    """What is skipped where they are missing is not skipped where the tools of the tests are."""
    assert compiled.COMPILED or os.environ.get("NUMBA_DISABLE_JIT") == "1", "run `make setup`"


@pytest.mark.skipif(not compiled.COMPILED, reason="numba is not installed")
def test_the_same_to_the_bit_without_compiling() -> None:
    (quick, compiled_digest), (slow, python_digest) = said(), said(NUMBA_DISABLE_JIT="1")
    assert (quick, slow) == ("True", "False")
    assert compiled_digest == python_digest


@pytest.mark.parametrize("mark", [compiled.kernel, compiled.inlined])
def test_where_machine_code_cannot_be_kept_it_is_made_all_the_same(
    mark: Callable[[Callable[[], int]], Callable[[], int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package is root's, and whom the service runs as has no home: numba finds no folder."""

    def njit(*, cache: bool = False, **_: object) -> Callable[[object], object]:
        def made(function: object) -> object:
            if cache:
                raise RuntimeError("cannot cache function: no locator available")
            return function

        return made

    monkeypatch.setattr(compiled, "COMPILED", True)
    monkeypatch.setattr(compiled, "_NUMBA", SimpleNamespace(njit=njit))
    assert mark(lambda: 7)() == 7


@pytest.mark.parametrize("command", ["--help", "--version", "check --help"])
def test_the_command_line_loads_neither_numpy_nor_numba(command: str) -> None:
    code = (
        "import sys; from tansiq.cli.main import main\n"
        f"sys.argv = ['tansiq', *{command.split()!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('LOADED', [m for m in ('numpy', 'numba', 'llvmlite') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


WARMED = """
import sys
sys.path[:0] = {folders!r}
from tansiq.engine import compiled
from tansiq.engine.warm import warm
warm()
from numba.core.registry import CPUDispatcher
import tansiq.engine.addresses, tansiq.engine.earth, tansiq.engine.grid
import tansiq.engine.outlines, tansiq.engine.search
import tansiq.engine.shifts, tansiq.engine.sideways
said = {{}}
import tansiq.engine.passing, tansiq.engine.vicinity
NAMES = (
    "addresses", "grid", "outlines", "search", "shifts", "sideways", "vicinity", "passing"
)
for name in NAMES:
    for kernel, function in vars(sys.modules["tansiq.engine." + name]).items():
        if isinstance(function, CPUDispatcher):
            said[name, kernel] = len(function.signatures)
import test_index, test_resolve
test_resolve.test_the_agreed_area_is_never_left()
test_resolve.test_what_does_not_count_is_no_obstacle()
for test in ("test_what_has_ended_before_a_moment_is_forgotten", "test_search_among_thousands"):
    getattr(test_index, test)()
import test_encounters
test_encounters.test_no_pair_is_left_out_in_silence()
test_encounters.test_a_large_formation_takes_no_room_of_others()
for name in NAMES:
    for kernel, function in vars(sys.modules["tansiq.engine." + name]).items():
        if isinstance(function, CPUDispatcher) and len(function.signatures) != said[name, kernel]:
            print(kernel)
"""


@pytest.mark.skipif(not compiled.COMPILED, reason="numba is not installed")
def test_after_warming_nothing_is_left_to_compile() -> None:
    folders = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]
    done = subprocess.run(
        [sys.executable, "-c", WARMED.format(folders=folders)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
