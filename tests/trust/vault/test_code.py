"""The erasure code: every subset, every border size."""

import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.model.errors import IntegrityError, UsageError
from chengyi.trust.vault.code import ErasureCode

SIZES = [1, 2, 5, 6, 7, 16, 17, 95, 96, 97, 16_399, 16_400, 16_401, 100_001]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("k", "n"), [(2, 3), (3, 5), (6, 9)])
def test_any_k_pieces_give_the_stripe_and_every_other_piece_back(k: int, n: int, size: int) -> None:
    code, stripe = ErasureCode(k, n), random.Random(size).randbytes(size)
    pieces = {index: bytes(piece) for index, piece in enumerate(code.encode(stripe))}
    assert {len(piece) for piece in pieces.values()} == {code.piece(size)}
    for chosen in combinations(pieces, k):
        held = {index: pieces[index] for index in chosen}
        assert code.join(held, size) == stripe
        for lost in pieces.keys() - held.keys():
            assert code.rebuild(held, lost, size) == pieces[lost]


@given(st.integers(2, 31), st.integers(1, 30), st.integers(1, 5_000), st.randoms())
@settings(max_examples=60, deadline=None)
def test_every_shape_keeps_the_promise(k: int, more: int, size: int, random: random.Random) -> None:
    n = min(32, k + more)
    code, stripe = ErasureCode(k, n), random.randbytes(size)
    pieces = [bytes(piece) for piece in code.encode(stripe)]
    assert code.join({index: pieces[index] for index in random.sample(range(n), k)}, size) == stripe


@pytest.mark.parametrize(("k", "n"), [(1, 3), (3, 3), (4, 3), (20, 33), (0, 1)])
def test_impossible_shapes_are_refused(k: int, n: int) -> None:
    with pytest.raises(UsageError):
        ErasureCode(k, n)


def test_pieces_of_another_length_are_refused_before_the_coder_sees_them() -> None:
    code = ErasureCode(2, 3)
    with pytest.raises(IntegrityError):
        code.join({0: b"ab", 2: b"abc"}, 4)
    with pytest.raises(IntegrityError):
        code.join({2: b"ab"}, 4)
