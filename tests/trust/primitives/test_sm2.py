"""SM2 against the standard's example, two independent libraries, and the openssl command."""

import copy
import ctypes.util
import pickle
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.exceptions import InternalError, InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from gmalg.sm2 import SM2 as Gmalg  # type: ignore[import-untyped]  # noqa: N811
from gmssl.sm2 import CryptSM2  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

import system
from chengyi.trust.primitives import LibraryMissing, libcrypto, sm2
from chengyi.trust.primitives.sm2 import IDENTIFIER, Sm2PrivateKey, Sm2PublicKey

# GB/T 32918.5-2017 (GM/T 0003.5-2012), annex A, as several public implementations repeat it.
SECRET = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
POINT = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA
MESSAGE = b"message digest"

PUBLIC_DER = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200") + POINT
PRIVATE_DER = (
    bytes.fromhex("308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420")
    + SECRET
    + bytes.fromhex("a144034200")
    + POINT
)


@pytest.fixture(autouse=True)
def library() -> None:
    system.need("found" if sm2.available() else None, "libcrypto with SM2", "apt-get install libssl3")


@pytest.fixture(scope="module")
def key() -> Sm2PrivateKey:
    return Sm2PrivateKey.from_der(PRIVATE_DER)


def raw(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_the_standards_example_verifies(key: Sm2PrivateKey) -> None:
    public = Sm2PublicKey.from_der(PUBLIC_DER)
    public.verify(encode_dss_signature(R, S), MESSAGE)
    assert key.public_key().der() == PUBLIC_DER
    for signature, message, identifier in (
        (encode_dss_signature(R ^ 1, S), MESSAGE, IDENTIFIER),
        (encode_dss_signature(R, S ^ 1), MESSAGE, IDENTIFIER),
        (encode_dss_signature(R, S), MESSAGE + b".", IDENTIFIER),
        (encode_dss_signature(R, S), MESSAGE, b"ALICE123@YAHOO.COM"),
        (encode_dss_signature(R, S)[:-1], MESSAGE, IDENTIFIER),
        (b"", MESSAGE, IDENTIFIER),
    ):
        with pytest.raises(InvalidSignature):
            public.verify(signature, message, identifier)


@settings(max_examples=10, deadline=None)
@given(st.binary(max_size=300))
def test_gmalg_agrees_both_ways(key: Sm2PrivateKey, message: bytes) -> None:
    other = Gmalg(SECRET, IDENTIFIER, POINT)
    r, s = decode_dss_signature(key.sign(message))
    assert other.verify(message, raw(r), raw(s))
    theirs = other.sign(message)
    key.public_key().verify(encode_dss_signature(*(int.from_bytes(each, "big") for each in theirs)), message)


@settings(max_examples=10, deadline=None)
@given(st.binary(min_size=1, max_size=300))
def test_gmssl_agrees_both_ways(key: Sm2PrivateKey, message: bytes) -> None:
    other = CryptSM2(private_key=SECRET.hex(), public_key=POINT[1:].hex())
    r, s = decode_dss_signature(key.sign(message))
    assert other.verify_with_sm3((raw(r) + raw(s)).hex(), message)
    theirs = bytes.fromhex(other.sign_with_sm3(message))
    signature = encode_dss_signature(int.from_bytes(theirs[:32], "big"), int.from_bytes(theirs[32:], "big"))
    key.public_key().verify(signature, message)


def test_fresh_keys_agree_with_gmalg() -> None:
    for _ in range(5):
        fresh = Sm2PrivateKey.generate()
        point = fresh.public_key().der()[-65:]
        r, s = decode_dss_signature(fresh.sign(MESSAGE))
        assert Gmalg(None, IDENTIFIER, point).verify(MESSAGE, raw(r), raw(s))


def test_the_openssl_command_agrees_both_ways(key: Sm2PrivateKey, tmp_path: Path) -> None:
    openssl = system.need(shutil.which("openssl"), "openssl", "apt-get install openssl")
    for name, content in (("key.pem", key.pem()), ("pub.pem", key.public_key().pem()), ("data", MESSAGE)):
        (tmp_path / name).write_bytes(content)
    options = ["-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678", "-in", "data"]

    def run(*words: str) -> None:
        subprocess.run([openssl, "pkeyutl", *words, *options], cwd=tmp_path, check=True, capture_output=True)

    run("-sign", "-inkey", "key.pem", "-out", "theirs")
    key.public_key().verify((tmp_path / "theirs").read_bytes(), MESSAGE)
    (tmp_path / "ours").write_bytes(key.sign(MESSAGE))
    run("-verify", "-pubin", "-inkey", "pub.pem", "-sigfile", "ours")


def test_keys_are_read_as_they_were_written(key: Sm2PrivateKey) -> None:
    for again in (Sm2PrivateKey.from_der(key.der()), Sm2PrivateKey.from_pem(key.pem())):
        assert again.der() == key.der()
    for public in (Sm2PublicKey.from_der(key.public_key().der()), Sm2PublicKey.from_pem(key.public_key().pem())):
        assert public.der() == PUBLIC_DER


def _p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


BAD_SECRETS: dict[str, Callable[[], bytes]] = {
    "nothing": bytes,
    "garbage": lambda: b"garbage",
    "cut short": lambda: PRIVATE_DER[:-1],
    "followed by more": lambda: PRIVATE_DER + b"x",
    "huge": lambda: bytes(5000),
    "P-256": lambda: _p256().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    "a public key": lambda: PUBLIC_DER,
}


@pytest.mark.parametrize("name", BAD_SECRETS)
def test_what_is_no_sm2_key_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Sm2PrivateKey.from_der(BAD_SECRETS[name]())


@pytest.mark.parametrize("bad", [b"", PUBLIC_DER[:-1], PUBLIC_DER[:-1] + b"\0", PUBLIC_DER + b"x", PRIVATE_DER])
def test_what_is_no_public_sm2_key_is_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Sm2PublicKey.from_der(bad)


def test_a_p256_public_key_is_refused() -> None:
    der = _p256().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ValueError, match="SM2"):
        Sm2PublicKey.from_der(der)


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----", bytes(10_000)])
def test_what_is_no_pem_is_refused(pem: bytes) -> None:
    for read in (Sm2PrivateKey.from_pem, Sm2PublicKey.from_pem):
        with pytest.raises(ValueError, match=r"\w"):
            read(pem)


@given(st.binary(max_size=120))
def test_no_bytes_make_the_reader_fail_in_another_way(der: bytes) -> None:
    for read in (Sm2PrivateKey.from_der, Sm2PublicKey.from_der, Sm2PublicKey.from_pem):
        with pytest.raises(ValueError, match=r"\w"):
            read(der)


def test_promise_3_keys_are_not_printed_copied_or_pickled(key: Sm2PrivateKey) -> None:
    assert repr(key) == "Sm2PrivateKey()"
    for attempt in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            attempt(key)


def test_many_threads_share_one_key(key: Sm2PrivateKey) -> None:
    public = key.public_key()

    def work(number: int) -> None:
        message = str(number).encode()
        public.verify(key.sign(message), message)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(400)))


@pytest.mark.slow
def test_nothing_leaks(key: Sm2PrivateKey) -> None:
    def work(times: int) -> None:
        for _ in range(times):
            public = Sm2PublicKey.from_der(PUBLIC_DER)
            public.verify(key.sign(MESSAGE), MESSAGE)
            with pytest.raises(InvalidSignature):
                public.verify(b"\x30\x00", MESSAGE)
            with pytest.raises(ValueError, match=r"\w"):
                Sm2PrivateKey.from_der(b"garbage")
            Sm2PrivateKey.from_der(key.der())

    work(100)
    before = _resident()
    work(700)
    assert _resident() - before < 1 << 20


def test_a_failing_call_is_told_with_its_reason(key: Sm2PrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    library = sm2._library()
    with pytest.raises(InternalError, match="libcrypto"):
        library.done(0)
    with pytest.raises(InternalError, match="libcrypto"):
        library.made(None, "EVP_PKEY_free")


@pytest.mark.parametrize("lack", ["no library", "an old one"])
def test_a_library_without_sm2_is_said_so(monkeypatch: pytest.MonkeyPatch, lack: str) -> None:
    sm2._library.cache_clear()
    libcrypto.libcrypto.cache_clear()
    if lack == "no library":
        monkeypatch.setattr(libcrypto, "_SONAMES", ("libabsent.so",))
        monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    else:
        monkeypatch.setitem(libcrypto._SIGNATURES, "EVP_of_tomorrow", (None, ()))
    try:
        assert not sm2.available()
        with pytest.raises(LibraryMissing) as error:
            Sm2PrivateKey.generate()
        assert "SM2" in error.value.message("zh")
        assert error.value.advice("en")
    finally:
        sm2._library.cache_clear()
        libcrypto.libcrypto.cache_clear()


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
