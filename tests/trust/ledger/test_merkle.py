from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.model.errors import IntegrityError, UsageError
from chengyi.trust.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    Tree,
    consistency,
    consistency_spans,
    inclusion,
    inclusion_spans,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
    verify_subtree_consistency,
    verify_subtree_inclusion,
)
from trust.vectors import json_vectors

LEAVES = [leaf_hash(bytes([each])) for each in range(70)]


def by_definition(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(by_definition(leaves[:k]), by_definition(leaves[k:]))


@pytest.mark.parametrize("size", range(70))
def test_root_frontier_and_tree_follow_the_definition(size: int) -> None:
    leaves = LEAVES[:size]
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    assert by_definition(leaves) == root(leaves) == Tree(leaves).root == frontier.root()
    assert Frontier(frontier.size, frontier.hashes).root() == frontier.root()


def test_a_frontier_needs_one_hash_for_each_subtree() -> None:
    with pytest.raises(UsageError):
        Frontier(3, LEAVES[:1])


@given(st.integers(1, 70).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
@settings(deadline=None)
def test_inclusion_proofs_verify(at: tuple[int, int]) -> None:
    size, index = at
    proof = inclusion(LEAVES[:size], index)
    assert proof == tuple(root(LEAVES[start:end]) for start, end in inclusion_spans(index, size))
    verify_inclusion(index, size, LEAVES[index], proof, root(LEAVES[:size]))


@given(st.integers(1, 70).flatmap(lambda size: st.tuples(st.integers(1, size), st.just(size))))
@settings(deadline=None)
def test_consistency_proofs_verify(at: tuple[int, int]) -> None:
    old, new = at
    verify_consistency(old, new, consistency(LEAVES[:new], old), root(LEAVES[:old]), root(LEAVES[:new]))


@given(st.integers(1, 70), st.data())
@settings(deadline=None)
def test_promise_2_a_proof_fits_nothing_but_its_own_leaf_place_and_tree(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    tree = Tree(LEAVES[:size])
    proof = tree.inclusion(index)
    forgeries: list[tuple[int, int, bytes, Sequence[bytes], bytes]] = [
        (index, size, leaf_hash(b"forged"), proof, tree.root),
        (index, size, LEAVES[index], (*proof, LEAVES[0]), tree.root),
        (index, size, LEAVES[index], proof, EMPTY_ROOT),
        (size, size, LEAVES[index], proof, tree.root),
        (-1, size, LEAVES[index], proof, tree.root),
    ]
    if proof:
        broken = data.draw(st.integers(0, len(proof) - 1))
        changed = [LEAVES[-1] if at == broken else each for at, each in enumerate(proof)]
        forgeries.append((index, size, LEAVES[index], proof[:-1], tree.root))
        forgeries.append((index, size, LEAVES[index], changed, tree.root))
        forgeries.append((index ^ 1, size, LEAVES[index], proof, tree.root))
    for forged in forgeries:
        with pytest.raises(IntegrityError):
            verify_inclusion(*forged)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_there_is_no_path_to_a_leaf_outside(index: int, size: int) -> None:
    with pytest.raises(UsageError):
        inclusion_spans(index, size)
    with pytest.raises(UsageError):
        Tree(LEAVES[:size]).inclusion(index)


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3), (0, 0)])
def test_nothing_leads_from_an_empty_or_longer_tree(old: int, new: int) -> None:
    with pytest.raises(UsageError):
        consistency_spans(old, new)
    with pytest.raises(IntegrityError):
        verify_consistency(old, new, [], EMPTY_ROOT, EMPTY_ROOT)


def test_promise_2_all_public_proof_vectors_are_judged_right(shared_data: Path) -> None:
    vectors = json_vectors(shared_data / "trust" / "merkle-proof-vectors.tar.xz")
    wrong = [name for name, case in vectors.items() if accepts(name, case) is case["wantErr"]]
    assert wrong == []
    assert len(vectors) == 518


def accepts(name: str, case: dict[str, Any]) -> bool:
    proof = [b64decode(each) for each in case["proof"] or []]
    try:
        judge(name.removeprefix("./").split("/")[0], case, proof)
    except IntegrityError:
        return False
    return True


def judge(kind: str, case: dict[str, Any], proof: list[bytes]) -> None:
    roots = [b64decode(case[key]) for key in ("leafHash", "root", "root1", "root2") if key in case]
    if kind == "inclusion":
        verify_inclusion(case["leafIdx"], case["treeSize"], roots[0], proof, roots[1])
    elif kind == "consistency":
        verify_consistency(case["size1"], case["size2"], proof, roots[0], roots[1])
    elif kind == "subtreeinclusion":
        verify_subtree_inclusion(case["leafIdx"], (case["start"], case["end"]), roots[0], proof, roots[1])
    else:
        verify_subtree_consistency((case["start"], case["end"]), case["size"], proof, roots[0], roots[1])
