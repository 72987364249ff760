"""The keys and certificates of stores, with a small authority of the test's own."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from chengyi.model.clock import SetClock
from chengyi.model.errors import ChengyiError, ConfigError, HomeError, IntegrityError
from chengyi.store.objects import FolderObjects
from chengyi.trust.vault.custody import Custodian, NodeCertifier
from chengyi.trust.vault.sites import Site
from chengyi.trust.vault.vault import FragmentVault, Shape
from simulators.keys import MemoryKeys
from simulators.vault import MemoryVersions

KEYS = MemoryKeys()


class Authority:
    """Issues certificates for stores, and refuses those on its list or out of time."""

    def __init__(self, clock: SetClock) -> None:
        self.clock = clock
        self.key = Ed25519PrivateKey.generate()
        self.revoked: set[str] = set()
        self.issued = 0
        self.name: str | None = None
        self.subject: X25519PublicKey | None = None

    def certify(self, store: str, public: X25519PublicKey) -> bytes:
        self.issued += 1
        now: datetime = self.clock.now()
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name or store)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")]))
            .public_key(self.subject or public)
            .serial_number(self.issued)
            .not_valid_before(now)
            .not_valid_after(now + timedelta(days=1))
            .sign(self.key, None)
            .public_bytes(Encoding.DER)
        )

    def check(self, certificate: bytes, store: str) -> None:
        found = x509.load_der_x509_certificate(certificate)
        self.key.public_key().verify(found.signature, found.tbs_certificate_bytes)
        if store in self.revoked:
            raise IntegrityError(object=store, why="revoked")


@pytest.fixture
def authority(clock: SetClock) -> Authority:
    return Authority(clock)


def custodian(folder: Path, authority: Authority, store: str = "s1") -> Custodian:
    made = Custodian(
        store, folder / f"{store}.key", KEYS, authority.clock, certify=authority.certify, check=authority.check
    )
    made.create()
    return made


def test_a_key_is_made_once_and_certified_once(tmp_path: Path, authority: Authority) -> None:
    first, second = custodian(tmp_path, authority), custodian(tmp_path, authority)
    assert first.public().public_bytes_raw() == second.public().public_bytes_raw()
    assert authority.issued == 1
    assert first.certificate() == second.certificate()
    assert (tmp_path / "s1.key").stat().st_mode & 0o077 == 0


def test_promise_3_the_private_key_lies_under_the_nodes_keys(tmp_path: Path, authority: Authority) -> None:
    raw = custodian(tmp_path, authority).private().private_bytes_raw()
    held = (tmp_path / "s1.key").read_bytes()
    assert raw not in held
    assert raw.hex().encode() not in held


def test_promise_3_nothing_is_sealed_to_a_refused_certificate(tmp_path: Path, authority: Authority) -> None:
    sites = [Site(name, FolderObjects(tmp_path / name), custodian(tmp_path, authority, name)) for name in "abc"]
    vault = FragmentVault(sites, KEYS, MemoryVersions(), Shape(2, 3))
    stored = vault.put_bytes(b"before")
    authority.revoked.add("b")
    authority.clock.advance(timedelta(minutes=2))
    for size in (5, 2_000_000):
        with pytest.raises(IntegrityError, match="revoked"):
            vault.put_bytes(bytes(size))
    assert vault.read(stored.object) == b"before"
    assert list(vault.objects()) == [stored.object]


def test_a_certificate_that_ran_out_is_renewed_for_the_same_key(tmp_path: Path, authority: Authority) -> None:
    made = custodian(tmp_path, authority)
    public = made.public().public_bytes_raw()
    authority.clock.advance(timedelta(days=2))
    assert made.public().public_bytes_raw() == public
    assert authority.issued == 2


@pytest.mark.parametrize("what", ["name", "key", "garbage", "issuer"])
def test_promise_3_a_forged_certificate_is_refused(what: str, tmp_path: Path, authority: Authority) -> None:
    made = custodian(tmp_path, authority)
    if what == "name":
        authority.name = "s2"
    elif what == "key":
        authority.subject = X25519PrivateKey.generate().public_key()
    elif what == "garbage":
        (tmp_path / "s1.crt").write_bytes(b"not a certificate")
    else:
        certifier = NodeCertifier(MemoryKeys(seed=b"thief"), authority.clock)
        (tmp_path / "s1.crt").write_bytes(certifier.certify("s1", made.private().public_key()))
        made = Custodian(
            "s1",
            tmp_path / "s1.key",
            KEYS,
            authority.clock,
            certify=certifier.certify,
            check=NodeCertifier(KEYS, authority.clock).check,
        )
    with pytest.raises(IntegrityError):
        made.public()


def test_a_node_certifies_its_own_stores(tmp_path: Path, clock: SetClock) -> None:
    certifier = NodeCertifier(KEYS, clock)
    public = X25519PrivateKey.generate().public_key()
    certificate = certifier.certify("s1", public)
    certifier.check(certificate, "s1")
    with pytest.raises(IntegrityError):
        NodeCertifier(MemoryKeys(seed=b"other"), clock).check(certificate, "s1")
    with pytest.raises(IntegrityError):
        certifier.check(certificate[:-1] + bytes([certificate[-1] ^ 1]), "s1")
    clock.advance(timedelta(days=4_000))
    with pytest.raises(IntegrityError):
        certifier.check(certificate, "s1")


SPOILED: dict[str, tuple[Callable[[Path], object], type[ChengyiError]]] = {
    "missing": (lambda path: path.unlink(), HomeError),
    "empty": (lambda path: path.write_bytes(b""), ConfigError),
    "garbage": (lambda path: path.write_bytes(b"\xff" * 100), ConfigError),
    "list": (lambda path: path.write_text("[]"), ConfigError),
    "huge": (lambda path: path.write_bytes(b" " * 10_000), ConfigError),
    "another store's": (
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "store": "s2"})),
        ConfigError,
    ),
    "no base64": (
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "wrapped": "?"})),
        ConfigError,
    ),
    "changed": (
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "wrapped": "AAAA" * 20})),
        IntegrityError,
    ),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_spoiled_key_file_is_told_in_words_and_left_as_it_is(how: str, tmp_path: Path, authority: Authority) -> None:
    made = custodian(tmp_path, authority)
    spoil, kind = SPOILED[how]
    spoil(tmp_path / "s1.key")
    before = sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir())
    with pytest.raises(kind):
        made.private()
    assert sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir()) == before


def test_a_key_file_of_another_store_does_not_open(tmp_path: Path, authority: Authority) -> None:
    """The wrapped key is bound to its store, also where the name in the file is changed with it."""
    custodian(tmp_path, authority, "s1")
    value = json.loads((tmp_path / "s1.key").read_text())
    (tmp_path / "s2.key").write_text(json.dumps({**value, "store": "s2"}))
    with pytest.raises(IntegrityError):
        custodian(tmp_path, authority, "s2").private()


def test_custodians_are_never_pickled(tmp_path: Path, authority: Authority) -> None:
    import pickle

    with pytest.raises(TypeError):
        pickle.dumps(custodian(tmp_path, authority))
