"""The suites' parts: standard values, and that every implementation of an algorithm gives the same bytes."""

import hashlib
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from chengyi.trust.primitives import LibraryMissing, ciphers, hashes, libgcrypt
from chengyi.trust.primitives.hashes import BLAKE3, SHA_256, SM3, Hash
from chengyi.trust.vault.suites import SUITES
from chengyi.trust.vault.vault import Shape
from simulators.vault import VaultScene

ABC = {
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sm3": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    "blake3": "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
}


@pytest.mark.parametrize("hash", [SHA_256, BLAKE3, SM3], ids=lambda each: each.name)
def test_the_hashes_know_abc(hash: Hash) -> None:
    assert hash.new(b"abc").digest().hex() == ABC[hash.name]


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=40))
def test_trees_are_those_of_rfc_9162(parts: list[bytes]) -> None:
    def root(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return leaves[0]
        split = 1 << ((len(leaves) - 1).bit_length() - 1)
        return hashlib.sha256(b"\1" + root(leaves[:split]) + root(leaves[split:])).digest()

    leaves = [SHA_256.leaf(part) for part in parts]
    assert leaves == [hashlib.sha256(b"\0" + part).digest() for part in parts]
    assert SHA_256.root(leaves) == root(leaves)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=12, max_size=12), st.binary(max_size=100))
def test_both_implementations_of_sm4_and_sm3_agree(key: bytes, nonce: bytes, plain: bytes) -> None:
    other, ours = ciphers._PlainSm4(key), ciphers.sm4_gcm(key)
    one, two = (memoryview(bytearray(len(plain) + 16)) for _ in range(2))
    other.encrypt_into(nonce, plain, b"aad", one)
    ours.encrypt_into(nonce, plain, b"aad", two)
    assert bytes(one) == bytes(two)
    back = memoryview(bytearray(len(plain)))
    assert other.decrypt_into(nonce, one, b"aad", back) == len(plain)
    assert bytes(back) == plain
    with pytest.raises(InvalidTag):
        other.decrypt_into(nonce, bytes(one[:-1]) + bytes([one[-1] ^ 1]), b"aad", back)
    assert hashes._PlainSm3(plain).digest() == hashes.sm3(plain).digest()


def test_without_the_system_library_the_national_suite_still_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = VaultScene(tmp_path, Shape(2, 3, suite="sm4-sm3"))
    stored = scene.vault.put_bytes(b"plain" * 5_000)

    def missing(*_: object) -> None:
        raise LibraryMissing(library="libgcrypt", what="SM4")

    monkeypatch.setattr(libgcrypt, "sm4_gcm", missing)
    monkeypatch.setattr(libgcrypt, "sm3", missing)
    assert scene.vault.read(stored.object) == b"plain" * 5_000


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_reads_what_it_wrote_and_the_manifest_names_it(suite: str, tmp_path: Path) -> None:
    scene = VaultScene(tmp_path, Shape(2, 3, suite=suite))
    stored = scene.vault.put_bytes(b"x" * 40_000)
    scene.vault.verify(stored.object)
    assert scene.vault.gather(stored.object).manifest.suite.id == suite
    assert f'"suite":"{suite}"'.encode() in scene.raw(0, stored.object)
