"""The Merkle tree of the record: hashes, the frontier that grows it, proofs made and checked.

Trees, proofs and their checks are those of RFC 6962, section 2.1, with SHA-256. Where hashes are
kept is the caller's: whoever makes a proof asks for the hashes of *complete* subtrees, named by
``(level, index)``: the subtree over the leaves ``index << level`` up to ``(index + 1) << level``.
Level 0 is the leaves. These never change once they are full, whatever is appended.

A check that fails raises: a result that nobody looks at must not pass for a proof.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tansiq.errors import BadInput, ProofFailed

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""
SIZE_MAX: Final = 2**63 - 1
"""What a store's integer holds."""
PROOF_HASHES_MAX: Final = 63
"""The longest proof that tlog-witness takes: enough for 2**62 leaves."""

Node = tuple[int, int]
"""A complete subtree: its level and its index within the level."""
Span = tuple[int, int]
"""Leaves from the first up to, not including, the second."""
Read = Callable[[int, int], bytes]
"""Returns the hash of the complete subtree at a level and index."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one entry."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a subtree from those of its halves."""
    return hashlib.sha256(b"\1" + left + right).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """A tree, as far as appending to it and its root need it.

    ``hashes`` are those of the complete subtrees that make up the tree, one for each bit that is
    set in ``size``, the largest first.

    Raises:
        BadInput: another number of hashes than ``size`` asks for, or not 32 bytes each.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= SIZE_MAX:
            raise BadInput(f"{self.size} is not 0 to {SIZE_MAX}", field="size")
        if len(self.hashes) != self.size.bit_count():
            raise BadInput(
                f"a tree of {self.size} leaves has {self.size.bit_count()} complete subtrees, "
                f"not {len(self.hashes)}",
                field="hashes",
            )
        _check_hashes(self.hashes, "hashes")

    def append(self, leaf: bytes) -> "Frontier":
        """Return the tree with one more leaf, given by its hash."""
        kept, joined = list(self.hashes), leaf
        for _ in range(trailing_ones(self.size)):
            joined = node_hash(kept.pop(), joined)
        return Frontier(size=self.size + 1, hashes=(*kept, joined))

    def root(self) -> bytes:
        """Return the root of the tree."""
        return joined(self.hashes)


def trailing_ones(number: int) -> int:
    """Count the ones that ``number`` ends with: how many subtrees the next leaf completes."""
    return (~number & (number + 1)).bit_length() - 1


def joined(hashes: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees, the largest first."""
    if not hashes:
        return EMPTY_ROOT
    *rest, root = hashes
    for left in reversed(rest):
        root = node_hash(left, root)
    return root


def full_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over sibling hashes of one level; their number is a power of two."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(*pair) for pair in zip(level[::2], level[1::2], strict=True)]
    return level[0]


# Proofs made


def nodes_of(span: Span) -> list[Node]:
    """Return the complete subtrees that a span consists of, the largest first.

    The span starts where a subtree at least as large as it may start: as those of proofs do.
    """
    start, end = span
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def inclusion_spans(index: int, size: int) -> list[Span]:
    """Return what the hashes of an inclusion proof are over, in the order of the proof.

    Raises:
        BadInput: no leaf has that index.
    """
    if not 0 <= index < size:
        raise BadInput(f"{index} is not among the {size} entries", field="index")
    spans: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """Return what the hashes of a consistency proof are over, in the order of the proof.

    Raises:
        BadInput: ``old`` is not 1 to ``new``; from the empty tree there is nothing to prove.
    """
    if not 1 <= old <= new:
        raise BadInput(f"{old} is not 1 to {new}", field="old")
    spans: list[Span] = []
    start, end = 0, new
    while old != end:
        middle = _split(start, end)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    if start:  # Else the old root itself is the first hash, and the verifier has it.
        spans.append((start, end))
    return spans[::-1]


def inclusion_proof(index: int, size: int, read: Read) -> tuple[bytes, ...]:
    """Return the proof that the leaf at ``index`` is in the tree of ``size`` leaves.

    Raises:
        BadInput: no leaf has that index.
    """
    return hashes_over(inclusion_spans(index, size), read)


def consistency_proof(old: int, new: int, read: Read) -> tuple[bytes, ...]:
    """Return the proof that the tree of ``new`` leaves begins with that of ``old`` leaves.

    Raises:
        BadInput: ``old`` is not 1 to ``new``.
    """
    return hashes_over(consistency_spans(old, new), read)


def hashes_over(spans: Iterable[Span], read: Read) -> tuple[bytes, ...]:
    """Return the root over each span."""
    return tuple(joined([read(*node) for node in nodes_of(span)]) for span in spans)


def _split(start: int, end: int) -> int:
    """Return where RFC 6962 splits a span of two or more leaves."""
    return start + (1 << (end - start - 1).bit_length() - 1)


# Proofs checked


def verify_inclusion(
    leaf: bytes, index: int, size: int, root: bytes, *, proof: Sequence[bytes]
) -> None:
    """Check that the leaf with that hash is at ``index`` in the tree with ``size`` and ``root``.

    Raises:
        ProofFailed: it is not shown.

    Source: RFC 9162, section 2.1.3.2 (the trees are those of RFC 6962).
    """
    _check_proof([leaf, root], proof)
    if not 0 <= index < size <= SIZE_MAX:
        raise ProofFailed(f"{index} is not among {size} entries", field="index")
    at, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofFailed(f"longer than a path to entry {index} of {size}", field="proof")
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            lone = _trailing_zeros(at)  # Levels in which the last subtree has no sibling.
            at, last = at >> lone, last >> lone
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    if last or found != root:
        raise ProofFailed(f"does not lead from entry {index} to the root of {size}", field="proof")


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, *, proof: Sequence[bytes]
) -> None:
    """Check that the new tree begins with the old one.

    Of an empty old tree nothing can be shown, so that is refused: every tree begins with it.

    Raises:
        ProofFailed: it is not shown.

    Source: RFC 9162, section 2.1.4.2.
    """
    if not 1 <= old_size <= new_size <= SIZE_MAX:
        raise ProofFailed(f"from {old_size} to {new_size} entries nothing is proven", field="old")
    if old_size == new_size:
        if proof or old_root != new_root:
            raise ProofFailed("of one size, with another root or needless hashes", field="proof")
        return
    _check_proof([old_root, new_root], proof)
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise ProofFailed("no hashes where some are needed", field="proof")
    lone = trailing_ones(old_size - 1)
    at, last = (old_size - 1) >> lone, (new_size - 1) >> lone
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofFailed("longer than a path between the two sizes", field="proof")
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            lone = _trailing_zeros(at)
            at, last = at >> lone, last >> lone
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    if last or old != old_root or new != new_root:
        raise ProofFailed(
            f"does not show that the tree of {new_size} begins with that of {old_size}",
            field="proof",
        )


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1 if number else 0


def _check_proof(ends: Iterable[bytes], proof: Sequence[bytes]) -> None:
    if len(proof) > PROOF_HASHES_MAX:
        raise ProofFailed(f"{len(proof)} hashes; {PROOF_HASHES_MAX} at most", field="proof")
    if any(len(each) != HASH_BYTES for each in (*ends, *proof)):
        raise ProofFailed(f"a hash that is not of {HASH_BYTES} bytes", field="proof")


def _check_hashes(hashes: Iterable[bytes], field: str) -> None:
    for each in hashes:
        if len(each) != HASH_BYTES:
            raise BadInput(f"a hash is not of {HASH_BYTES} bytes", field=field)
