"""The tree against published vectors and against a plain recursive definition of RFC 6962."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.domain.merkle import (
    EMPTY_ROOT,
    PROOF_HASHES_MAX,
    SIZE_MAX,
    Frontier,
    consistency_proof,
    consistency_spans,
    full_root,
    inclusion_proof,
    inclusion_spans,
    leaf_hash,
    node_hash,
    nodes_of,
    verify_consistency,
    verify_inclusion,
)
from tansiq.errors import BadInput, ProofFailed

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "merkle_vectors.json").read_text())


def raw(text: str) -> bytes:
    return base64.b64decode(text)


def hashes(texts: list[str] | None) -> list[bytes]:
    return [raw(text) for text in texts or []]


@pytest.mark.parametrize("vector", VECTORS["inclusion"], ids=lambda v: v["name"])
def test_inclusion_vectors(vector: dict[str, Any]) -> None:
    def check() -> None:
        verify_inclusion(
            raw(vector["leafHash"]),
            vector["leafIdx"],
            vector["treeSize"],
            raw(vector["root"]),
            proof=hashes(vector["proof"]),
        )

    if vector["wantErr"]:
        with pytest.raises(ProofFailed):
            check()
    else:
        check()


@pytest.mark.parametrize("vector", VECTORS["consistency"], ids=lambda v: v["name"])
def test_consistency_vectors(vector: dict[str, Any]) -> None:
    def check() -> None:
        verify_consistency(
            vector["size1"],
            raw(vector["root1"]),
            vector["size2"],
            raw(vector["root2"]),
            proof=hashes(vector["proof"]),
        )

    if vector["wantErr"]:
        with pytest.raises(ProofFailed):
            check()
    else:
        check()


def test_all_vectors_are_there() -> None:
    assert len(VECTORS["inclusion"]) + len(VECTORS["consistency"]) == 196


# The plain definition: RFC 6962, section 2.1, word for word


def below(count: int) -> int:
    """Return the largest power of two smaller than ``count``."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def mth(leaves: list[bytes]) -> bytes:
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    k = below(len(leaves))
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


def entries(count: int) -> list[bytes]:
    return [b"entry %d" % n for n in range(count)]


class Reader:
    """Hashes of complete subtrees, by the definition; notes which were asked for."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = leaves
        self.asked: list[tuple[int, int]] = []

    def __call__(self, level: int, index: int) -> bytes:
        self.asked.append((level, index))
        part = self.leaves[index << level : (index + 1) << level]
        assert len(part) == 1 << level, "not complete"
        return mth(part)


def grown(count: int) -> Frontier:
    frontier = Frontier()
    for entry in entries(count):
        frontier = frontier.append(leaf_hash(entry))
    return frontier


def test_the_first_trees_are_those_of_the_standard() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )
    assert Frontier().root() == EMPTY_ROOT


@pytest.mark.parametrize("size", range(70))
def test_every_small_tree_and_every_proof_in_it(size: int) -> None:
    leaves, frontier = entries(size), grown(size)
    assert frontier.root() == mth(leaves)
    for index in range(size):
        proof = inclusion_proof(index, size, Reader(leaves))
        assert list(proof) == path(index, leaves)
        verify_inclusion(leaf_hash(leaves[index]), index, size, frontier.root(), proof=proof)
    for old in range(1, size + 1):
        proof = consistency_proof(old, size, Reader(leaves))
        assert list(proof) == subproof(old, leaves, whole=True)
        verify_consistency(old, mth(leaves[:old]), size, frontier.root(), proof=proof)


@given(st.integers(1, 600), st.data())
def test_a_proof_holds_for_what_it_was_made_for_and_nothing_else(
    size: int, data: st.DataObject
) -> None:
    leaves, root = entries(size), grown(size).root()
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, Reader(leaves))
    leaf = leaf_hash(leaves[index])
    verify_inclusion(leaf, index, size, root, proof=proof)
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index)) if size > 1 else size
    with pytest.raises(ProofFailed):
        verify_inclusion(leaf, other, size, root, proof=proof)
    if proof:
        at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
        with pytest.raises(ProofFailed):
            verify_inclusion(leaf, index, size, root, proof=flipped(proof, at, bit))
        with pytest.raises(ProofFailed):
            verify_inclusion(leaf, index, size, root, proof=proof[:-1])
    with pytest.raises(ProofFailed):
        verify_inclusion(leaf, index, size, root, proof=(*proof, leaf))


@given(st.integers(1, 600), st.data())
def test_another_history_is_not_consistent(size: int, data: st.DataObject) -> None:
    leaves, root = entries(size), grown(size).root()
    old = data.draw(st.integers(1, size))
    proof = consistency_proof(old, size, Reader(leaves))
    verify_consistency(old, mth(leaves[:old]), size, root, proof=proof)
    changed = data.draw(st.integers(0, old - 1))
    other = [*leaves[:changed], b"something else", *leaves[changed + 1 : old]]
    with pytest.raises(ProofFailed):
        verify_consistency(old, mth(other), size, root, proof=proof)
    if proof:
        at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
        with pytest.raises(ProofFailed):
            verify_consistency(old, mth(leaves[:old]), size, root, proof=flipped(proof, at, bit))


def flipped(proof: tuple[bytes, ...], at: int, bit: int) -> list[bytes]:
    changed = bytearray(proof[at])
    changed[bit // 8] ^= 1 << bit % 8
    return [*proof[:at], bytes(changed), *proof[at + 1 :]]


@given(st.integers(1, 2**62), st.data())
def test_proofs_in_the_largest_trees_need_few_hashes(size: int, data: st.DataObject) -> None:
    """Every subtree asked for is complete, and there are as many as the tree is high, twice."""
    index = data.draw(st.integers(0, size - 1))
    for spans in (inclusion_spans(index, size), consistency_spans(index + 1, size)):
        nodes = [node for span in spans for node in nodes_of(span)]
        assert len(spans) <= PROOF_HASHES_MAX
        assert len(nodes) <= 2 * size.bit_length() + 1
        assert all((at + 1) << level <= size for level, at in nodes)


def test_the_root_over_siblings() -> None:
    leaves = [leaf_hash(entry) for entry in entries(8)]
    assert full_root(leaves) == mth(entries(8))
    assert full_root(leaves[:1]) == leaves[0]


@pytest.mark.parametrize(
    ("size", "hashes"),
    [
        (-1, ()),
        (0, (EMPTY_ROOT,)),
        (3, (EMPTY_ROOT,)),
        (1, (EMPTY_ROOT[:-1],)),
        (SIZE_MAX + 1, (EMPTY_ROOT,)),
    ],
)
def test_a_frontier_that_cannot_be_is_refused(size: int, hashes: tuple[bytes, ...]) -> None:
    with pytest.raises(BadInput):
        Frontier(size=size, hashes=hashes)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(BadInput):
        inclusion_proof(index, size, Reader(entries(size)))


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (6, 5)])
def test_no_proof_from_nothing_or_backwards(old: int, new: int) -> None:
    with pytest.raises(BadInput):
        consistency_proof(old, new, Reader(entries(new)))


def test_long_proofs_are_refused_before_they_are_hashed() -> None:
    proof = [EMPTY_ROOT] * (PROOF_HASHES_MAX + 1)
    with pytest.raises(ProofFailed, match="at most"):
        verify_inclusion(EMPTY_ROOT, 0, SIZE_MAX, EMPTY_ROOT, proof=proof)
