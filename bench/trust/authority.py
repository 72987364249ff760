"""Certificates and national cryptography, against the bare calls of the libraries beneath."""

import ctypes
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.x509 import verification

from bench.figures import Figure, Result
from bench.ground import Ground
from chengyi.model.clock import SystemClock
from chengyi.store.rows import Rows
from chengyi.trust import selftest
from chengyi.trust.audit.acts import LedgerAudit
from chengyi.trust.authority import suites
from chengyi.trust.authority.authority import Authority
from chengyi.trust.authority.names import Kind, Purpose, host
from chengyi.trust.authority.requests import make_request
from chengyi.trust.authority.suites import Suite
from chengyi.trust.authority.terms import Parts
from chengyi.trust.keys import FileKeys
from chengyi.trust.ledger.log import FileLedger
from chengyi.trust.primitives import libgcrypt, sm2
from chengyi.trust.primitives.libcrypto import libcrypto

_MESSAGE = b"message digest"
_TURN = 10


def measure(ground: Ground) -> Result:
    """Chain checks per second, SM2 and SM4 by our calls and by bare ones, and the self-test."""
    times = ground.size(2_000, 100)
    figures = [*_chains(ground, times)]
    if sm2.available():
        figures += _sm2(ground, ground.size(400, 40))
    if libgcrypt.available():
        figures += _sm4(ground, ground.size(64, 4))
    figures.append(Figure("self-test, modules loaded", "ms", _each(ground, selftest.self_test, 1, 1e3)))
    about = (
        f"Chains: leaf, region and root on P-256, {times} checks a run. The bare call is `cryptography`'s own verifier "
        "over parsed certificates; `chain check` adds our revocation and the strictness of RFC 5280 to it; `identity "
        "check` starts from the leaf's DER and ends with whom it speaks for, our whole profile included. SM2: the "
        "bare calls are those of the system's libcrypto by ctypes on an open key, unchecked. SM4-GCM: buffers of "
        "64 KiB, bare calls of libgcrypt on an open handle. All times are the processor's; calls take turns of ten."
    )
    return Result("authority", "Certificates and national cryptography", about, tuple(figures))


def _chains(ground: Ground, times: int) -> list[Figure]:
    authority, der = _authority(ground.fresh("authority"))
    trusted, now = authority.trusted, SystemClock().now()
    leaf, region = x509.load_der_x509_certificate(der), trusted.regions[0]
    subject = x509.DNSName(host(Kind.NODE, "health", authority.domain))
    store, lists = verification.Store(trusted.roots), trusted.lists()

    def bare() -> object:
        builder = verification.PolicyBuilder().store(store).time(now).max_chain_depth(1)
        return builder.build_server_verifier(subject).verify(leaf, [region])

    def chain() -> object:
        return trusted.checker.check(leaf, [region], lists=lists, at=now, subject=subject)

    def identity() -> object:
        return trusted.check(der, "health", Purpose.SERVER, at=now)

    walls = _interleaved(ground.runs, times, bare, chain, identity)
    return [
        Figure("bare verification", "µs", tuple(each * 1e6 for each in walls[0])),
        Figure("chain check with revocation", "µs", tuple(each * 1e6 for each in walls[1])),
        Figure("identity check from DER", "µs", tuple(each * 1e6 for each in walls[2])),
        Figure("chain check / bare verification", "×", _ratio(walls[1], walls[0]), at_most=1.5),
        Figure("identity check / bare verification", "×", _ratio(walls[2], walls[0])),
    ]


def _sm2(ground: Ground, times: int) -> list[Figure]:
    key = sm2.Sm2PrivateKey.generate()
    public, signature = key.public_key(), key.sign(_MESSAGE)
    signing, verifying = _bare_sm2(key, signature)
    walls = _interleaved(
        ground.runs, times, signing, lambda: key.sign(_MESSAGE), verifying, lambda: public.verify(signature, _MESSAGE)
    )
    return [
        Figure("SM2 sign", "ms", tuple(each * 1e3 for each in walls[1])),
        Figure("SM2 verify", "ms", tuple(each * 1e3 for each in walls[3])),
        Figure("SM2 sign / bare libcrypto", "×", _ratio(walls[1], walls[0]), at_most=1.3),
        Figure("SM2 verify / bare libcrypto", "×", _ratio(walls[3], walls[2]), at_most=1.3),
    ]


def _bare_sm2(key: sm2.Sm2PrivateKey, signature: bytes) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return the calls that a signature and a check need at least, without looking at what they return."""
    c, pointer, size = libcrypto("SM2").c, key.pointer, len(sm2.IDENTIFIER)
    out, digest = ctypes.create_string_buffer(80), c.EVP_sm3()

    def sign() -> None:
        context, inner, length = c.EVP_MD_CTX_new(), ctypes.c_void_p(), ctypes.c_size_t(80)
        c.EVP_DigestSignInit(context, ctypes.byref(inner), digest, None, pointer)
        c.EVP_PKEY_CTX_set1_id(inner, sm2.IDENTIFIER, size)
        c.EVP_DigestSign(context, out, ctypes.byref(length), _MESSAGE, len(_MESSAGE))
        c.EVP_MD_CTX_free(context)

    def verify() -> None:
        context, inner = c.EVP_MD_CTX_new(), ctypes.c_void_p()
        c.EVP_DigestVerifyInit(context, ctypes.byref(inner), digest, None, pointer)
        c.EVP_PKEY_CTX_set1_id(inner, sm2.IDENTIFIER, size)
        c.EVP_DigestVerify(context, signature, len(signature), _MESSAGE, len(_MESSAGE))
        c.EVP_MD_CTX_free(context)

    return sign, verify


def _sm4(ground: Ground, mebibytes: int) -> list[Figure]:
    size, key, nonce = 1 << 16, bytes(range(16)), bytes(12)
    plain, out = bytearray(size), bytearray(size + 16)
    cipher = libgcrypt.sm4_gcm(key)
    library, handle = libgcrypt._library(), cipher._free[0]  # noqa: SLF001 - the bare calls beneath
    source, target = (ctypes.addressof(ctypes.c_char.from_buffer(each)) for each in (plain, out))

    def bare() -> None:
        library.gcry_cipher_setiv(handle.pointer, nonce, 12)
        library.gcry_cipher_encrypt(handle.pointer, target, size, source, size)
        library.gcry_cipher_gettag(handle.pointer, target + size, 16)

    walls = _interleaved(ground.runs, mebibytes * 16, bare, lambda: cipher.encrypt_into(nonce, plain, None, out))
    return [
        Figure("SM4-GCM, 64 KiB", "MiB/s", tuple(1 / 16 / each for each in walls[1])),
        Figure("SM4-GCM / bare libgcrypt", "×", tuple(a / b for a, b in zip(walls[0], walls[1], strict=True)), 0.8),
    ]


def _authority(folder: Path) -> tuple[Authority, bytes]:
    folder.mkdir(parents=True)
    rows = Rows(f"sqlite:///{folder / 'node.db'}")
    rows.create_all()
    keys, clock = FileKeys.create(folder / "keys", "bench"), SystemClock()
    audit = LedgerAudit(rows, FileLedger(folder / "ledger", keys, "bench", clock), clock)
    parts = Parts(rows, audit, clock, keys, "node:bench")
    authority = Authority.local(folder / "authority", parts, node="bench")
    return authority, authority.issue_node("health", make_request(suites.generate(Suite.P256), "health"))


def _interleaved(runs: int, times: int, *calls: Callable[[], object]) -> list[tuple[float, ...]]:
    """Return the processor seconds that each call takes, run by run; the calls take turns within a run."""
    walls: list[list[float]] = [[] for _ in calls]
    for _ in range(max(runs, 5)):
        used = [0.0] * len(calls)
        for _ in range(max(1, times // _TURN)):
            for place, call in enumerate(calls):
                used[place] += _processor(call)
        for wall, seconds in zip(walls, used, strict=True):
            wall.append(seconds / (max(1, times // _TURN) * _TURN))
    return [tuple(wall) for wall in walls]


def _processor(call: Callable[[], object]) -> float:
    start = time.process_time()
    for _ in range(_TURN):
        call()
    return time.process_time() - start


def _each(ground: Ground, call: Callable[[], object], times: int, scale: float) -> tuple[float, ...]:
    return tuple(each * scale for each in _interleaved(ground.runs, times, call)[0])


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, ...]:
    return tuple(a / b for a, b in zip(ours, theirs, strict=True))
