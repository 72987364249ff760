"""C2SP x509-limbo: 208 chains, of which all but a reviewed list are judged as the suite says.

`limbo_differences.json` lists every case that ends otherwise, and why; a case that joins or leaves it fails the test.
"""

import json
import lzma
import warnings
from collections import Counter
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification

from chengyi.model.errors import CertificateError
from chengyi.trust.authority.chains import Checker
from chengyi.trust.authority.names import Purpose
from chengyi.trust.authority.revocation import RevocationList

pytestmark = pytest.mark.filterwarnings("ignore")
DIFFERENCES = Path(__file__).with_name("limbo_differences.json")
NOT_APPLICABLE = "NOT APPLICABLE"


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> list[dict[str, Any]]:
    with lzma.open(shared_data / "trust" / "x509-limbo.json.xz") as file:
        found: list[dict[str, Any]] = json.load(file)["testcases"]
    return found


@pytest.fixture(scope="module")
def verdicts(cases: list[dict[str, Any]]) -> dict[str, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {case["id"]: ours(case) for case in cases}


def test_the_differences_are_the_reviewed_ones(cases: list[dict[str, Any]], verdicts: dict[str, str]) -> None:
    reviewed = json.loads(DIFFERENCES.read_text())
    found = {case["id"]: verdicts[case["id"]] for case in cases if verdicts[case["id"]] != case["expected_result"]}
    assert found == {id: entry["ours"] for id, entry in reviewed.items()}
    assert all(len(entry["reason"]) > 40 for entry in reviewed.values())
    assert (len(cases), len(cases) - len(found)) == (208, 187)


def test_every_list_of_revoked_certificates_is_judged_rightly(
    cases: list[dict[str, Any]], verdicts: dict[str, str]
) -> None:
    lists = [case for case in cases if case["id"].startswith("crl::")]
    assert len(lists) == 8
    assert [verdicts[case["id"]] for case in lists] == [case["expected_result"] for case in lists]


def test_no_case_that_the_library_judges_rightly_is_lost(cases: list[dict[str, Any]], verdicts: dict[str, str]) -> None:
    counts: Counter[str] = Counter()
    for case in cases:
        library = theirs(case)
        if library == NOT_APPLICABLE:
            counts["not applicable"] += 1
        elif library == case["expected_result"]:
            counts["right"] += 1
            assert verdicts[case["id"]] == library, case["id"]
        else:
            counts["other"] += 1
    assert counts == {"right": 167, "other": 40, "not applicable": 1}


def ours(case: dict[str, Any]) -> str:
    if case["validation_kind"] == "SERVER" and case["expected_peer_name"] is None:
        return NOT_APPLICABLE
    try:
        lists = [RevocationList.read(_list(each)) for each in case["crls"]]
        checker = Checker([_pem(each) for each in case["trusted_certs"]], case["max_chain_depth"])
        checker.check(
            _pem(case["peer_certificate"]),
            [_pem(each) for each in case["untrusted_intermediates"]],
            lists=lists or None,
            at=_moment(case),
            purpose=Purpose(case["validation_kind"].lower()),
            subject=_subject(case),
            name=case["id"],
        )
    except (CertificateError, ValueError):
        return "FAILURE"
    return "SUCCESS"


def theirs(case: dict[str, Any]) -> str:
    if case["validation_kind"] == "SERVER" and case["expected_peer_name"] is None:
        return NOT_APPLICABLE
    try:
        builder = verification.PolicyBuilder().time(_moment(case))
        builder = builder.store(verification.Store([_pem(each) for each in case["trusted_certs"]]))
        if case["max_chain_depth"] is not None:
            builder = builder.max_chain_depth(case["max_chain_depth"])
        leaf, others = _pem(case["peer_certificate"]), [_pem(each) for each in case["untrusted_intermediates"]]
        subject = _subject(case)
        if case["validation_kind"] == "SERVER" and subject is not None:
            builder.build_server_verifier(subject).verify(leaf, others)
        else:
            builder.build_client_verifier().verify(leaf, others)
    except (verification.VerificationError, ValueError):
        return "FAILURE"
    return "SUCCESS"


def _moment(case: dict[str, Any]) -> datetime:
    told = case["validation_time"]
    return datetime.fromisoformat(told) if told else datetime.now(UTC)


def _subject(case: dict[str, Any]) -> verification.Subject | None:
    name = case["expected_peer_name"]
    if name is None:
        return None
    return x509.DNSName(name["value"]) if name["kind"] == "DNS" else x509.IPAddress(ip_address(name["value"]))


def _pem(text: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(text.encode())


def _list(text: str) -> bytes:
    return x509.load_pem_x509_crl(text.encode()).public_bytes(Encoding.DER)
