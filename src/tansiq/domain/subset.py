"""Many leaves of one tree, proven at once.

The tree of RFC 6962 is split from the root down. Of a part that holds none of the leaves, the proof
has the one hash over it; the others are split further, left before right, until what remains are
the leaves themselves. Whoever has the leaves and these hashes computes the root. Neighbours share
what they have in common: a run of any length needs some forty hashes, not so many for each.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

from tansiq.domain.merkle import HASH_BYTES, SIZE_MAX, Span, node_hash
from tansiq.errors import BadInput, ProofFailed

T = TypeVar("T")


def subset_spans(indexes: Sequence[int], size: int) -> list[Span]:
    """Return what the hashes of a proof are over, in the order of the proof.

    Raises:
        BadInput: no leaves, or not in ascending order within the tree.
    """
    if not _ascending(indexes, size):
        raise BadInput(f"not ascending places among {size} entries", field="index")
    spans: list[Span] = []
    _walk(
        indexes,
        (0, size),
        other=lambda start, end: spans.append((start, end)),
        leaf=lambda _: None,
        join=lambda _left, _right: None,
    )
    return spans


def subset_root(
    indexes: Sequence[int], leaves: Sequence[bytes], size: int, hashes: Sequence[bytes]
) -> bytes:
    """Return the root of the one tree that has leaves with these hashes at these places.

    Raises:
        ProofFailed: places out of order, or more or fewer hashes than there are parts.
    """
    if len(indexes) != len(leaves) or not _ascending(indexes, size):
        raise ProofFailed(f"not ascending places among {size} entries", field="index")
    if any(len(each) != HASH_BYTES for each in (*leaves, *hashes)):
        raise ProofFailed(f"a hash that is not of {HASH_BYTES} bytes", field="proof")
    left = iter(hashes)

    def other(_start: int, _end: int) -> bytes:
        found = next(left, None)
        if found is None:
            raise ProofFailed("has fewer hashes than it needs", field="proof")
        return found

    root = _walk(indexes, (0, size), other=other, leaf=leaves.__getitem__, join=node_hash)
    if next(left, None) is not None:
        raise ProofFailed("has more hashes than it needs", field="proof")
    return root


def _ascending(indexes: Sequence[int], size: int) -> bool:
    if not indexes or not 0 <= indexes[0] <= indexes[-1] < size <= SIZE_MAX:
        return False
    return all(a < b for a, b in pairwise(indexes))


def _walk(
    indexes: Sequence[int],
    whole: Span,
    *,
    other: Callable[[int, int], T],
    leaf: Callable[[int], T],
    join: Callable[[T, T], T],
) -> T:
    """Fold the tree; no deeper than it is high. ``leaf`` gets a place in ``indexes``."""

    def part(start: int, end: int, low: int, high: int) -> T:
        if low == high:
            return other(start, end)
        if end - start == 1:
            return leaf(low)
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        cut = bisect_left(indexes, middle, low, high)
        left = part(start, middle, low, cut)
        return join(left, part(middle, end, cut, high))

    return part(*whole, 0, len(indexes))
