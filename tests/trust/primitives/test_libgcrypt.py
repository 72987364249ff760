import copy
import ctypes
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

import system
from chengyi.trust.primitives import LibraryMissing, libgcrypt
from chengyi.trust.primitives.libgcrypt import TAG_SIZE, sm3, sm4_gcm
from trust.vectors import json_vectors

KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")
NONCE = bytes(range(12))


@pytest.fixture(autouse=True)
def library() -> None:
    system.need("found" if libgcrypt.available() else None, "libgcrypt", "apt-get install libgcrypt20")


def sealed(plain: bytes, nonce: bytes = NONCE, aad: bytes | None = None, key: bytes = KEY) -> bytes:
    out = bytearray(len(plain) + TAG_SIZE)
    assert sm4_gcm(key).encrypt_into(nonce, plain, aad, out) == len(out)
    return bytes(out)


def peer(plain: bytes, nonce: bytes = NONCE, aad: bytes | None = None, key: bytes = KEY) -> bytes:
    encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(aad or b"")
    return encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def test_sm4_gcm_gives_the_answer_of_rfc_8998() -> None:
    """Appendix A.1."""
    plain = b"".join(bytes([each]) * 8 for each in b"\xaa\xbb\xcc\xdd\xee\xff\xee\xaa")
    aad = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    assert sealed(plain, bytes.fromhex("00001234567800000000abcd"), aad).hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_gives_the_answers_of_its_standard(text: bytes, digest: str) -> None:
    """GB/T 32905, examples 1 and 2 of annex A, as RFC 8998 and public implementations repeat them."""
    assert sm3(text).hexdigest() == digest


@given(
    st.binary(max_size=200),
    st.binary(max_size=80),
    st.binary(min_size=8, max_size=128),
    st.binary(min_size=16, max_size=16),
)
def test_sm4_gcm_agrees_with_cryptography(plain: bytes, aad: bytes, nonce: bytes, key: bytes) -> None:
    box = sealed(plain, nonce, aad, key)
    assert box == peer(plain, nonce, aad, key)
    back = bytearray(len(plain))
    assert sm4_gcm(key).decrypt_into(nonce, box, aad, back) == len(plain)
    assert back == plain


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_sm3_agrees_with_cryptography_however_it_is_fed(parts: list[bytes]) -> None:
    ours, other = sm3(), hashes.Hash(hashes.SM3())
    for part in parts:
        ours.update(memoryview(part))
        other.update(part)
        assert ours.digest() == other.copy().finalize()
    twin = ours.copy()
    twin.update(b"more")
    assert ours.digest() == other.finalize() != twin.digest()
    assert (ours.name, ours.digest_size, ours.block_size) == ("sm3", 32, 64)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda raw: memoryview(bytearray(b"x" + raw))[1:]])
def test_any_contiguous_buffer_will_do(kind: Callable[[bytes], Any]) -> None:
    plain, room, cipher = b"p" * 1000, bytearray(2000), sm4_gcm(kind(KEY))
    size = cipher.encrypt_into(kind(NONCE), kind(plain), kind(b"aad"), memoryview(room)[7 : 7 + 1016])
    assert bytes(room[7 : 7 + size]) == peer(plain, aad=b"aad")
    assert room[:7] + room[7 + size :] == bytes(len(room) - size)
    back = bytearray(1000)
    cipher.decrypt_into(kind(NONCE), kind(bytes(room[7 : 7 + size])), kind(b"aad"), back)
    assert back == plain
    room.append(0)  # a buffer still held could not grow


def test_text_may_be_decrypted_where_it_lies() -> None:
    room = bytearray(sealed(b"p" * 100))
    sm4_gcm(KEY).decrypt_into(NONCE, room, None, memoryview(room)[:100])
    assert room[:100] == b"p" * 100


@pytest.mark.parametrize("place", [0, 15, 99, 100, 115])
def test_promise_3_a_flipped_byte_is_refused_and_leaves_no_text_behind(place: int) -> None:
    box, back = bytearray(sealed(b"p" * 100, aad=b"aad")), bytearray(100)
    box[place] ^= 1
    with pytest.raises(InvalidTag):
        sm4_gcm(KEY).decrypt_into(NONCE, box, b"aad", back)
    assert back == bytes(100)


@pytest.mark.parametrize(
    ("nonce", "aad", "key"),
    [(NONCE[::-1], b"aad", KEY), (NONCE, b"add", KEY), (NONCE, None, KEY), (NONCE, b"aad", KEY[::-1])],
)
def test_promise_3_another_nonce_context_or_key_is_refused(nonce: bytes, aad: bytes | None, key: bytes) -> None:
    with pytest.raises(InvalidTag):
        sm4_gcm(key).decrypt_into(nonce, sealed(b"p", aad=b"aad"), aad, bytearray(1))


def _refusals() -> dict[str, Callable[[Any], object]]:
    strided = memoryview(bytes(32))[::2]
    return {
        "short room": lambda c: c.encrypt_into(NONCE, b"p", None, bytearray(16)),
        "long room": lambda c: c.encrypt_into(NONCE, b"p", None, bytearray(18)),
        "room to read only": lambda c: c.encrypt_into(NONCE, b"p", None, bytes(17)),
        "short nonce": lambda c: c.encrypt_into(bytes(7), b"p", None, bytearray(17)),
        "no nonce": lambda c: c.encrypt_into(b"", b"p", None, bytearray(17)),
        "long nonce": lambda c: c.decrypt_into(bytes(129), bytes(17), None, bytearray(1)),
        "strided": lambda c: c.encrypt_into(NONCE, strided, None, bytearray(32)),
        "text": lambda c: c.encrypt_into(NONCE, "p", None, bytearray(17)),
        "text beside": lambda c: c.encrypt_into(NONCE, b"p", "aad", bytearray(17)),
        "no tag": lambda c: c.decrypt_into(NONCE, bytes(15), None, bytearray()),
        "short room back": lambda c: c.decrypt_into(NONCE, bytes(18), None, bytearray(1)),
        "wrong tag": lambda c: c.decrypt_into(NONCE, bytes(17), None, bytearray(1)),
    }


@pytest.mark.parametrize("name", _refusals())
def test_it_refuses_what_aesgcm_refuses_in_the_same_way(name: str) -> None:
    with pytest.raises(Exception) as expected:
        _refusals()[name](AESGCM(KEY))
    with pytest.raises(type(expected.value)):
        _refusals()[name](sm4_gcm(KEY))


@pytest.mark.parametrize("size", [0, 15, 17, 32])
def test_a_key_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="128 bits"):
        sm4_gcm(bytes(size))


def test_many_threads_share_one_object() -> None:
    cipher = sm4_gcm(KEY)

    def work(number: int) -> bool:
        plain, nonce = sha256(str(number).encode()).digest() * 200, number.to_bytes(12, "big")
        out, back = bytearray(len(plain) + TAG_SIZE), bytearray(len(plain))
        cipher.encrypt_into(nonce, plain, None, out)
        cipher.decrypt_into(nonce, out, None, back)
        return back == plain and bytes(out) == peer(plain, nonce)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(400)))


def test_promise_3_keys_are_not_printed_copied_or_pickled_and_go_when_closed() -> None:
    cipher = sm4_gcm(KEY)
    assert repr(cipher) == "Sm4Gcm()"
    for attempt in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(cipher)
    cipher.close()
    with pytest.raises(ValueError, match="closed"):
        cipher.encrypt_into(NONCE, b"p", None, bytearray(17))


def test_handles_are_given_back() -> None:
    before = _resident()
    for _ in range(20_000):
        sealed(b"p")
        sm3(b"p").digest()
    assert _resident() - before < 8 << 20


def test_an_absent_library_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    libgcrypt._library.cache_clear()
    monkeypatch.setattr(libgcrypt, "_SONAMES", ("libabsent.so.20",))
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    assert not libgcrypt.available()
    for make in (lambda: sm4_gcm(KEY), sm3):
        with pytest.raises(LibraryMissing) as error:
            make()
        assert "libgcrypt" in error.value.message("zh")
        assert error.value.advice("en")
    libgcrypt._library.cache_clear()


def test_an_old_library_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    libgcrypt._library.cache_clear()
    monkeypatch.setattr(libgcrypt, "_OLDEST", b"99.0.0")
    with pytest.raises(LibraryMissing):
        sm4_gcm(KEY)
    libgcrypt._library.cache_clear()


def test_wycheproof_sm4_gcm(shared_data: Path) -> None:
    """Every vector; nine valid ones have nonces that `cryptography` refuses for AES as well, and so do we."""
    (found,) = json_vectors(shared_data / "trust" / "wycheproof-vectors.tar.xz", "sm4_gcm").values()
    refused = 0
    for group in found["testGroups"]:
        for test in group["tests"]:
            key, nonce, aad, plain, box = (bytes.fromhex(test[each]) for each in ("key", "iv", "aad", "msg", "ct"))
            box += bytes.fromhex(test["tag"])
            if not 8 <= len(nonce) <= 128:
                refused += test["result"] == "valid"
                with pytest.raises(ValueError, match="Nonce"):
                    sm4_gcm(key).decrypt_into(nonce, box, aad, bytearray(len(plain)))
            elif test["result"] == "valid":
                assert sealed(plain, nonce, aad, key) == box, test["tcId"]
            else:
                with pytest.raises(InvalidTag):
                    sm4_gcm(key).decrypt_into(nonce, box, aad, bytearray(len(box) - TAG_SIZE))
    assert (found["numberOfTests"], refused) == (104, 9)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
