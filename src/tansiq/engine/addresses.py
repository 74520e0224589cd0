"""Arrays that a kernel is handed as one number: where a table of their addresses is.

To hand over an array costs numba 0.07 us, and more than that with every few: a search that takes a
microsecond has no time for eleven. What they are is checked once, when the table is made, instead
of at every call.

A number says nothing of how long what it names is there: whoever calls a kernel holds the
``Addressed`` until the kernel is done (a local name is enough), and that holds the arrays. Without
machine code the arrays themselves are handed over.
"""

from array import array as row_of
from collections.abc import Sequence
from typing import Any

import numpy as np

from tansiq.engine import compiled
from tansiq.engine.compiled import COMPILED, Floats, Ints, Shorts, inlined, kernel

FREE = -1
"""In a layout: any length."""
_WORDS = 3
"""Of each array: its address, and its lengths (of one dimension: and 1)."""

Layout = tuple[tuple[type, tuple[int, ...]], ...]
"""Of each array in order: the type of its numbers, and its lengths, one or two."""


@kernel
def _address_of(array: Any) -> int:
    # What numpy tells Python of it takes five times as long.
    found: int = array.ctypes.data
    return found


class Addressed:
    """Arrays and where they are; for as long as none of them is replaced.

    Raises:
        ValueError: an array is not as the layout says, or cannot be written, or does not lie in one
            piece: a kernel would read and write other memory.
    """

    __slots__ = ("_layout", "_table", "arrays", "given")

    def __init__(self, layout: Layout, arrays: Sequence[Any]) -> None:
        self._layout, self.arrays = layout, tuple(arrays)
        self.given: Any = self.arrays
        """What a kernel takes."""
        if not COMPILED:
            return
        words: list[int] = []
        for (kind, lengths), array in zip(layout, self.arrays, strict=True):
            shape = array.shape
            if (
                array.dtype != kind
                or len(shape) != len(lengths)
                or lengths[0] not in (FREE, shape[0])
                or lengths[-1] not in (FREE, shape[-1])
                or not array.flags.carray
            ):
                raise ValueError(f"{array.dtype} {shape} cannot be taken as {kind} {lengths}")
            words += (_address_of(array), shape[0], shape[-1])
        self._table = row_of("q", words)
        self.given = self._table.buffer_info()[0]

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy has arrays of its own, so a table of its own."""
        return Addressed, (self._layout, self.arrays)


if COMPILED:
    _pointer, _array = compiled.pointer_to, compiled.array_at

    @inlined
    def _words(given: int, k: int) -> Any:
        return _array(_pointer(given + 8 * _WORDS * k, np.int64), (_WORDS,), np.int64)

    @inlined
    def ints_at(given: Any, k: int) -> Ints:
        """Return the table of integers that is the one numbered ``k``."""
        w = _words(given, k)
        found: Ints = _array(_pointer(w[0], np.int64), (w[1], w[2]), np.int64)
        return found

    @inlined
    def shorts_at(given: Any, k: int) -> Shorts:
        """Return the table of short integers that is the one numbered ``k``."""
        w = _words(given, k)
        found: Shorts = _array(_pointer(w[0], np.int32), (w[1], w[2]), np.int32)
        return found

    @inlined
    def floats_at(given: Any, k: int) -> Floats:
        """Return the table of floats that is the one numbered ``k``."""
        w = _words(given, k)
        found: Floats = _array(_pointer(w[0], np.float64), (w[1], w[2]), np.float64)
        return found

    @inlined
    def list_at(given: Any, k: int) -> Ints:
        """Return the list of integers that is the one numbered ``k``."""
        w = _words(given, k)
        found: Ints = _array(_pointer(w[0], np.int64), (w[1],), np.int64)
        return found
else:

    def _itself(given: Any, k: int) -> Any:
        return given[k]

    ints_at = shorts_at = floats_at = list_at = _itself
