"""The self-test at start: a known answer of every primitive that the product relies on.

Rules:

1. A node whose self-test fails does not start. Where something has to be refused, the test is that it is refused.
2. How many tests there are is written apart from the tests: one that is lost or skipped is a failure too.
3. Answers come from the standards where they print them. The others were computed by a second, plain implementation
   beside these libraries: HKDF by HMAC, HPKE by its steps, both fields' arithmetic bit by bit.
4. It runs once a process and takes some milliseconds. `Primitives` can be exchanged, so that the tests can show that
   every test fails where its primitive is forged.

Sources: FIPS 180-4; BLAKE3 specification; GB/T 32905 and RFC 8998 (SM3, SM4-GCM); NIST SP 800-38D case 14; RFC 5869,
4231, 7914, 8032, 6979, 7748, 9180; FIPS 204; C2SP chunked-encryption; RFC 6962; GB/T 32918.5 annex A.
"""

from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256

from chengyi.model.errors import SelfTestError
from chengyi.trust.tested import Primitives, real

COUNT = 36
"""How many tests there are; `COUNT_SM2` more where the system offers SM2."""
COUNT_SM2 = 2

_KEY = bytes(range(32))
_ABC = b"abc"


def self_test(primitives: Primitives | None = None) -> int:
    """Run every test and return how many ran; SelfTestError where one fails or is missing.

    `primitives` is what to test: the product's own where it is not given.
    """
    tested = primitives or real()
    needed = COUNT + (COUNT_SM2 if tested.verify_sm2 else 0)
    ran, failed = 0, []
    for name, test in _tests(tested):
        ran += 1
        if not _passes(test):
            failed.append(name)
    if failed or ran != needed:
        raise SelfTestError(failed="、".join(failed) or "—", ran=ran, expected=needed)
    return ran


@cache
def self_test_once() -> int:
    """Run the self-test, unless it passed in this process before."""
    return self_test()


def _passes(test: Callable[[], bool]) -> bool:
    try:
        return test() is True
    except Exception:  # noqa: BLE001 - whatever a broken primitive raises, it is broken
        return False


def _refuses(call: Callable[[], object]) -> bool:
    try:
        call()
    except Exception:  # noqa: BLE001 - each library has its own way to refuse
        return True
    return False


def _tests(p: Primitives) -> Iterator[tuple[str, Callable[[], bool]]]:
    for part in (_hashes, _derivations, _ciphers, _signatures, _agreements, _fragments):
        yield from part(p)
    if p.verify_sm2 is not None:
        yield from _sm2(p.verify_sm2)


def _hashes(p: Primitives) -> Iterator[tuple[str, Callable[[], bool]]]:
    yield "SHA-256", lambda: p.sha256(_ABC) == _h("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    yield (
        "SHA-512",
        lambda: (
            p.sha512(_ABC)
            == _h(
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
            )
        ),
    )
    yield "BLAKE3", lambda: p.blake3(_ABC) == _h("6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85")
    yield "SM3", lambda: p.sm3(_ABC) == _h("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    yield (
        "Merkle tree",
        lambda: (
            p.merkle_root([_h(each) for each in leaves])
            == _h("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")
        ),
    )


def _derivations(p: Primitives) -> Iterator[tuple[str, Callable[[], bool]]]:
    code = _h("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    yield "HMAC-SHA-256", lambda: p.hmac(b"Jefe", b"what do ya want for nothing?") == code
    material, salt, info = b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA))
    yield (
        "HKDF-SHA-256",
        lambda: (
            p.hkdf_sha256(material, salt, info, 42)
            == _h("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
        ),
    )
    yield (
        "HKDF-SHA-512",
        lambda: (
            p.hkdf_sha512(material, salt, info, 42)
            == _h("832390086cda71fb47625bb5ceb168e4c8e26a1a16ed34d9fc7fe92c1481579338da362cb8d9f925d7cb")
        ),
    )
    yield (
        "scrypt",
        lambda: (
            p.scrypt(b"", b"", 16, 1, 1)
            == _h(
                "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
            )
        ),
    )


def _ciphers(p: Primitives) -> Iterator[tuple[str, Callable[[], bool]]]:
    key, nonce, plain = bytes(32), bytes(12), bytes(16)
    sealed = _h("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    yield "AES-256-GCM seal", lambda: p.seal_aes(key, nonce, plain, b"") == sealed
    yield "AES-256-GCM open", lambda: p.open_aes(key, nonce, sealed, b"") == plain
    yield "AES-256-GCM refuse", lambda: _refuses(lambda: p.open_aes(key, nonce, _bent(sealed), b""))
    sm_key, sm_nonce = _h("0123456789abcdeffedcba9876543210"), _h("00001234567800000000abcd")
    text = b"".join(bytes([each]) * 8 for each in b"\xaa\xbb\xcc\xdd\xee\xff\xee\xaa")
    aad = _h("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    box = _h(
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d83de3541e4c2b58177e065a9bf7b62ec"
    )
    yield "SM4-GCM seal", lambda: p.seal_sm4(sm_key, sm_nonce, text, aad) == box
    yield "SM4-GCM open", lambda: p.open_sm4(sm_key, sm_nonce, box, aad) == text
    yield "SM4-GCM refuse", lambda: _refuses(lambda: p.open_sm4(sm_key, sm_nonce, _bent(box), aad))


def _signatures(p: Primitives) -> Iterator[tuple[str, Callable[[], bool]]]:
    seed = _h("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    public = _h("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = _h(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    yield "Ed25519 sign", lambda: p.sign_ed25519(seed, b"\x72") == signature
    yield "Ed25519 verify", lambda: p.verify_ed25519(public, signature, b"\x72")
    yield "Ed25519 refuse", lambda: not p.verify_ed25519(public, signature, b"\x73")
    secret = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    point = _h(
        "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
    )
    der = _h(
        "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    )
    yield "ECDSA P-256 sign", lambda: p.sign_ecdsa(secret, b"sample") == der
    yield "ECDSA P-256 verify", lambda: p.verify_ecdsa(point, der, b"sample")
    yield "ECDSA P-256 refuse", lambda: not p.verify_ecdsa(point, der, b"simple")
    yield (
        "ML-DSA-44 key",
        lambda: (
            sha256(p.mldsa_public(_KEY)).digest()
            == _h("9f107644c1084526af3bc8098680b05499a2325a644e388fb4f970e058d19d46")
        ),
    )
    yield "ML-DSA-44 verify", lambda: p.verify_mldsa(p.mldsa_public(_KEY), p.sign_mldsa(_KEY, _ABC), _ABC)
    yield "ML-DSA-44 refuse", lambda: not p.verify_mldsa(p.mldsa_public(_KEY), p.sign_mldsa(_KEY, _ABC), b"abd")


def _agreements(p: Primitives) -> Iterator[tuple[str, Callable[[], bool]]]:
    yield (
        "X25519",
        lambda: (
            p.exchange(
                _h("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                _h("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
            )
            == _h("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
        ),
    )
    box = _h(
        "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd16625486ed722d9ff401578712687a911e3573b365a88c789bfe"
    )
    yield "HPKE open", lambda: p.open_hpke(_KEY, box, b"self-test") == b"chengyi"
    yield "HPKE seal", lambda: p.open_hpke(_KEY, p.seal_hpke(_KEY, _ABC, b"i"), b"i") == _ABC
    yield "HPKE refuse", lambda: _refuses(lambda: p.open_hpke(_KEY, box, b"another"))


def _fragments(p: Primitives) -> Iterator[tuple[str, Callable[[], bool]]]:
    message = _h(
        "000102030405060708090a0b0c0d0e0f101112131415161728c98a6c269810720dec91d2c98956741be64f76f0c45f32c9316788a334"
        "a6f11dd1bc98e028f1028b32ca40ca5125844ae93280320bbd"
    )
    yield "Cobblestone-256 open", lambda: p.unseal(_KEY, b"self-test", message) == b"chengyi"
    yield "Cobblestone-256 seal", lambda: p.unseal(_KEY, b"c", p.seal(_KEY, b"c", _ABC)) == _ABC
    yield "Cobblestone-256 refuse", lambda: _refuses(lambda: p.unseal(_KEY, b"self-test", _bent(message)))
    secret = _h("00112233445566778899aabbccddeeff")
    shares = {
        2: _h("fdce8ee34b4da2b5cc49938ce902bfb2"),
        3: _h("b132017890706f3376587516a131d2be"),
        5: _h("22b87cca3fcb371716d6ab2f2c993b26"),
    }
    yield "Shamir combine", lambda: p.combine(shares) == secret
    yield "Shamir split", lambda: p.combine(dict(list(enumerate(p.split(secret, 9, 6), 1))[3:])) == secret
    yield "Shamir too few", lambda: p.combine({index: shares[index] for index in (2, 3)}) != secret
    stripe = bytes(range(48))
    parity = [_h(each) for each in ("461cf2a8336987dd", "acf61842d9836d37", "22c0fb198d6f54b6")]
    pieces = [stripe[at : at + 8] for at in range(0, 48, 8)] + parity
    yield "Reed-Solomon encode", lambda: p.encode(stripe) == pieces
    kept = (1, 3, 5, 6, 7, 8)
    yield "Reed-Solomon decode", lambda: p.join({index: pieces[index] for index in kept}, len(stripe)) == stripe


def _sm2(verify: Callable[[bytes, bytes, bytes], bool]) -> Iterator[tuple[str, Callable[[], bool]]]:
    public = _h(
        "3059301306072a8648ce3d020106082a811ccf5501822d03420004"
        "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
        "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
    )
    signature = _h(
        "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
        "022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
    )
    yield "SM2 verify", lambda: verify(public, signature, b"message digest")
    yield "SM2 refuse", lambda: not verify(public, signature, b"message digesT")


def _h(text: str) -> bytes:
    return bytes.fromhex(text)


def _bent(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] ^ 1])
