"""Chains of SM2-with-SM3 certificates, judged by the openssl command as well."""

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto.x509 import Certificate  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from gmalg.sm2 import SM2 as Gmalg  # type: ignore[import-untyped]  # noqa: N811

import system
from chengyi.trust.authority import suites
from chengyi.trust.authority.authority import Authority
from chengyi.trust.authority.founding import REGION_KEY, open_issuer
from chengyi.trust.authority.requests import make_request
from chengyi.trust.authority.suites import Suite
from chengyi.trust.authority.terms import Parts, Terms
from chengyi.trust.primitives import LibraryMissing, sm2


@pytest.fixture
def sm(tmp_path: Path, parts: Parts) -> Authority:
    system.need("found" if sm2.available() else None, "libcrypto with SM2", "apt-get install libssl3")
    return Authority.local(tmp_path / "sm", parts, Terms(Suite.SM), node="yunting")


@pytest.fixture
def chain(sm: Authority) -> list[bytes]:
    return [sm.issue_node("health", make_request(suites.generate(Suite.SM), "health")), *sm.chain]


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def test_the_openssl_command_accepts_our_chain_and_refuses_a_forged_one(
    chain: list[bytes], tmp_path: Path, parts: Parts
) -> None:
    openssl = system.need(shutil.which("openssl"), "openssl", "apt-get install openssl")
    at = str(int((parts.clock.now() + timedelta(minutes=1)).timestamp()))
    for name, der in zip(("leaf", "region", "root"), chain, strict=True):
        (tmp_path / name).write_bytes(_pem(der))

    def accepts(shown: str, issuer: str) -> bool:
        """Tell whether the command accepts one link; it gives the identifier to the certificate shown only."""
        options = ["-vfyopt", "distid:1234567812345678", "-x509_strict", "-partial_chain", "-attime", at]
        words = [openssl, "verify", *options, "-CAfile", issuer, shown]
        return subprocess.run(words, cwd=tmp_path, capture_output=True).returncode == 0

    assert accepts("leaf", "region")
    assert accepts("region", "root")
    own = x509.load_der_x509_certificate(chain[0]).signature
    (tmp_path / "forged").write_bytes(_pem(chain[0].replace(own, own[:-1] + bytes([own[-1] ^ 1]))))
    assert not accepts("forged", "region")


def test_gmalg_verifies_each_signature_of_our_chain(chain: list[bytes]) -> None:
    for der, issuer in ((chain[0], chain[1]), (chain[1], chain[2]), (chain[2], chain[2])):
        made = x509.load_der_x509_certificate(der)
        point = suites.public_of(x509.load_der_x509_certificate(issuer))[-65:]
        r, s = (each.to_bytes(32, "big") for each in decode_dss_signature(made.signature))
        assert Gmalg(None, sm2.IDENTIFIER, point).verify(made.tbs_certificate_bytes, r, s)


def test_another_reader_finds_the_algorithms_where_they_belong(chain: list[bytes]) -> None:
    for der in chain:
        read = Certificate.load(der)
        assert read["signature_algorithm"]["algorithm"].dotted == "1.2.156.10197.1.501"
        assert read["tbs_certificate"]["signature"]["algorithm"].dotted == "1.2.156.10197.1.501"
        assert der[-72:].find(b"\x30") >= 0


def test_lists_are_signed_with_sm2(sm: Authority, parts: Parts, tmp_path: Path) -> None:
    made = x509.load_der_x509_crl(sm.crl())
    issuer = open_issuer(tmp_path / "sm" / REGION_KEY, sm.trusted.regions[0], parts.keys)
    assert issuer is not None
    assert suites.is_signed_by(made, issuer.key.public)
    assert not suites.is_signed_by(made, suites.generate(Suite.SM).public)
    assert not suites.is_signed_by(made, suites.generate(Suite.P256).public)


def test_without_sm2_in_the_system_the_suite_is_refused_with_advice(
    tmp_path: Path, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lack() -> None:
        raise LibraryMissing(library="libcrypto", what="SM2")

    monkeypatch.setattr(sm2, "_library", lack)
    with pytest.raises(LibraryMissing):
        Authority.local(tmp_path / "sm", parts, Terms(Suite.SM), node="yunting")
    assert not (tmp_path / "sm").exists()
