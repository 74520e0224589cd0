"""Kernels: plain functions over arrays, compiled by numba where it is installed.

The same source runs either way and gives the same to the bit on every machine: kernels use
``+ - * /`` and the square root of IEEE 754 doubles, each rounded once, in the order written, and no
function of a mathematical library. Without numba they run as Python, about a hundred times slower.

Compiled code is kept on disk between processes. The only user of numba.
"""

import hashlib
import importlib
import importlib.util
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shorts = NDArray[np.int32]


PLAIN = "TANSIQ_PLAIN_KERNELS"
"""Set in the environment when this is first imported, kernels run as Python all the same: quicker
for a process that judges little, as machine code takes a second to load and a minute to make."""


def _numba() -> Any:
    if os.environ.get(PLAIN) or importlib.util.find_spec("numba") is None:
        return None
    numba: Any = importlib.import_module("numba")
    folder = Path(__file__).parent
    if not numba.config.DISABLE_JIT and not os.environ.get("NUMBA_CACHE_DIR"):
        # numba keeps compiled code by the file of the outermost function alone; a change in a
        # kernel that it calls would go unnoticed. So each state of the sources has its own folder.
        state = hashlib.sha256()
        for source in sorted(folder.glob("*.py")):
            text = source.read_bytes()
            if b"@kernel" in text or b"@inlined" in text:
                state.update(text)
        for name in ("boundary.py", "ellipsoid.py", "well_clear.py"):  # Compiled in.
            state.update((folder.parent / "domain" / name).read_bytes())
        kept = folder / "__pycache__" / f"kernels-{state.hexdigest()[:16]}"
        # Made here: where Python keeps no bytecode, nobody else makes it.
        with suppress(OSError):
            kept.parent.mkdir(exist_ok=True)
        if os.access(kept.parent, os.W_OK):
            numba.config.CACHE_DIR = str(kept)
    return numba


_NUMBA = _numba()
COMPILED = _NUMBA is not None and not _NUMBA.config.DISABLE_JIT
"""Whether kernels run as machine code."""


def kernel(function: F) -> F:
    """Mark a function as a kernel."""
    if not COMPILED or _NUMBA is None:
        return function
    return _machine_code(function)


def _machine_code(function: F, **options: bool) -> F:
    # Other threads run meanwhile; no case of its own for a division by zero (kernels avoid it).
    options = {"nogil": True, **options}
    try:
        compiled: F = _NUMBA.njit(cache=True, error_model="numpy", **options)(function)
    except RuntimeError:  # Nowhere to keep it: every process makes its own.
        compiled = _NUMBA.njit(error_model="numpy", **options)(function)
    return compiled


def seen(array: NDArray[Any]) -> Any:
    """Return an array as kernels take it: Python reads numbers of a memoryview far quicker."""
    return array if COMPILED else memoryview(array)  # type: ignore[arg-type] # It is a buffer.


def seen_columns(array: NDArray[Any]) -> Any:
    """Return an array whose rows are columns of something, as kernels take it."""
    return array if COMPILED else tuple(memoryview(column) for column in array)


def inlined(function: F) -> F:
    """Mark a small kernel that is called in the innermost loops."""
    if not COMPILED or _NUMBA is None:
        return function
    return _machine_code(function, forceinline=True)


def _pointer_to(_: Any, address: Any, kind: Any) -> Any:
    pointer = importlib.import_module("numba.core.types").CPointer(kind.dtype)

    def made(context: Any, builder: Any, __: Any, given: Any) -> Any:
        return builder.inttoptr(given[0], context.get_value_type(pointer))

    return pointer(address, kind), made


if COMPILED:
    pointer_to: Any = importlib.import_module("numba.extending").intrinsic(_pointer_to)
    """In a kernel: a pointer of an address to numbers of a type. Nothing says that it is right."""
    array_at: Any = _NUMBA.carray
    """In a kernel: the array at a pointer, of lengths and a type."""
