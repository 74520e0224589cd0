"""Many leaves proven at once, against a plain definition of RFC 6962 and against every omission."""

from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.domain.merkle import SIZE_MAX, inclusion_spans, node_hash
from tansiq.domain.subset import subset_root, subset_spans
from tansiq.errors import BadInput, ProofFailed

LEAVES = [sha256(str(n).encode()).digest() for n in range(70)]


def root_of(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, in plain recursion."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root_of(leaves[:half]), root_of(leaves[half:]))


def proof_of(indexes: list[int], size: int) -> list[bytes]:
    return [root_of(LEAVES[start:end]) for start, end in subset_spans(indexes, size)]


@st.composite
def subsets(draw: st.DrawFn) -> tuple[list[int], int]:
    size = draw(st.integers(1, len(LEAVES)))
    return sorted(draw(st.sets(st.integers(0, size - 1), min_size=1))), size


@given(subsets())
def test_any_leaves_of_any_tree_lead_to_its_root(subset: tuple[list[int], int]) -> None:
    indexes, size = subset
    leaves = [LEAVES[n] for n in indexes]
    root = subset_root(indexes, leaves, size, proof_of(indexes, size))
    assert root == root_of(LEAVES[:size])


@given(subsets(), st.data())
def test_another_leaf_place_or_hash_does_not(
    subset: tuple[list[int], int], data: st.DataObject
) -> None:
    indexes, size = subset
    leaves, proof = [LEAVES[n] for n in indexes], proof_of(indexes, size)
    parts = leaves + proof
    at = data.draw(st.integers(0, len(parts) - 1))
    parts[at] = sha256(parts[at]).digest()
    root = subset_root(indexes, parts[: len(leaves)], size, parts[len(leaves) :])
    assert root != root_of(LEAVES[:size])
    moved = sorted({*indexes[:-1], data.draw(st.integers(0, size - 1))})
    if moved != indexes and len(moved) == len(indexes):
        with suppress(ProofFailed):
            assert subset_root(moved, leaves, size, proof) != root_of(LEAVES[:size])


def test_of_one_leaf_it_has_the_hashes_of_an_inclusion_proof() -> None:
    for size in range(1, 66):
        for index in range(size):
            assert sorted(subset_spans([index], size)) == sorted(inclusion_spans(index, size))


def test_a_run_needs_few_hashes() -> None:
    assert len(subset_spans(range(1_000, 11_000), 20_000)) <= 30
    assert subset_spans(range(64), 64) == []


def test_the_largest_record_is_no_deeper_than_it_is_high() -> None:
    assert len(subset_spans([0, SIZE_MAX - 1], SIZE_MAX)) <= 2 * 63


@pytest.mark.parametrize("indexes", [[], [3, 3], [3, 2], [-1], [5]])
def test_places_that_are_none(indexes: list[int]) -> None:
    with pytest.raises(BadInput):
        subset_spans(indexes, 5)
    with pytest.raises(ProofFailed):
        subset_root(indexes, [LEAVES[0]] * len(indexes), 5, [])


@pytest.mark.parametrize("change", [-1, 1])
def test_one_hash_too_few_or_too_many(change: int) -> None:
    proof = proof_of([2], 9)
    proof = proof[:-1] if change < 0 else [*proof, LEAVES[0]]
    with pytest.raises(ProofFailed):
        subset_root([2], [LEAVES[2]], 9, proof)
    with pytest.raises(ProofFailed):
        subset_root([2], [LEAVES[2], LEAVES[3]], 9, proof_of([2], 9))
    with pytest.raises(ProofFailed):
        subset_root([2], [b"short"], 9, proof_of([2], 9))
