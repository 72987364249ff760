import hashlib
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chengyi.model.errors import IntegrityError
from chengyi.trust.primitives.ciphers import TAG
from chengyi.trust.vault.cobblestone import (
    CHUNK,
    HEAD,
    MAX_CHUNKS,
    SEALED_CHUNK,
    Cobblestone,
    seal,
    sealed_size,
    span,
    unseal,
)
from trust.vectors import json_vectors

KEY, CONTEXT = b"k" * 32, b"context"
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK]


@pytest.mark.parametrize("size", SIZES)
def test_a_message_opens_as_it_was_sealed(size: int) -> None:
    plain = bytes(size)
    message = seal(KEY, CONTEXT, plain)
    assert unseal(KEY, CONTEXT, message) == plain
    assert len(message) == HEAD + sealed_size(size)
    assert span(sealed_size(size)).size == size


@given(st.binary(max_size=50))
def test_equal_messages_look_different(plain: bytes) -> None:
    first, second = seal(KEY, CONTEXT, plain), seal(KEY, CONTEXT, plain)
    assert first[HEAD:] != second[HEAD:]
    assert unseal(KEY, CONTEXT, second) == plain


@pytest.mark.parametrize("position", [0, 23, 24, 55, 56, HEAD + CHUNK, HEAD + CHUNK + TAG - 1, HEAD + SEALED_CHUNK, -1])
def test_promise_2_any_changed_byte_is_noticed(position: int) -> None:
    message = bytearray(seal(KEY, CONTEXT, b"x" * (CHUNK + 9)))
    message[position] ^= 1
    with pytest.raises(IntegrityError):
        unseal(KEY, CONTEXT, bytes(message))


def test_promise_2_chunks_cannot_be_cut_moved_or_added() -> None:
    message = seal(KEY, CONTEXT, b"a" * CHUNK + b"b" * CHUNK + b"c")
    head, one, two, rest = (
        message[:HEAD],
        message[HEAD : HEAD + SEALED_CHUNK],
        message[HEAD + SEALED_CHUNK : HEAD + 2 * SEALED_CHUNK],
        message[HEAD + 2 * SEALED_CHUNK :],
    )
    for forged in (head + one + two, head + two + one + rest, head + one + rest, head, head + rest, message + one, b""):
        with pytest.raises(IntegrityError):
            unseal(KEY, CONTEXT, forged)


def test_promise_3_only_the_right_key_and_context_open() -> None:
    message = seal(KEY, CONTEXT, b"plain")
    for key, context in ((b"K" * 32, CONTEXT), (KEY, b"other"), (b"short", CONTEXT)):
        with pytest.raises(IntegrityError):
            unseal(key, context, message)


def test_the_counter_has_an_end() -> None:
    with pytest.raises(IntegrityError):
        Cobblestone(KEY, CONTEXT).seal_into(MAX_CHUNKS, memoryview(b""), memoryview(bytearray(TAG)))


def test_all_public_vectors_are_judged_right(shared_data: Path) -> None:
    archive = shared_data / "trust" / "wycheproof-vectors.tar.xz"
    (suite,) = json_vectors(archive, "chunked_encryption_aes_256").values()
    cases = [case for group in suite["testGroups"] for case in group["tests"]]
    assert [case["tcId"] for case in cases if opens(case) is not (case["result"] == "valid")] == []
    assert len(cases) == 35


def opens(case: dict[str, Any]) -> bool:
    key, context = bytes.fromhex(case["key"]), bytes.fromhex(case["ctx"])
    try:
        plain = unseal(key, context, zlib.decompress(bytes.fromhex(case["ct"])))
    except IntegrityError:
        return False
    assert (len(plain), hashlib.sha512(plain).hexdigest()) == (case["msgLength"], case["msgSha512"])
    return True
