"""Requests for certificates (PKCS #10, RFC 2986): made by the applicant, checked by the authority.

Rules:

1. A request is signed with the key it asks for: whoever asks holds the key.
2. What it asks for is its key alone. The name in it has to be the one that was granted; extensions are not taken over.
3. A renewal is signed twice: with the new key as any request, and with the old key over the new request, so that only
   the holder of a certificate renews it.
4. A request has at most 8 KiB.
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from chengyi.trust.authority.names import PARENT, Kind, host
from chengyi.trust.authority.refusals import UNREADABLE, Reason, refusal
from chengyi.trust.authority.suites import SigningKey, Suite, check_signature, is_signed_by, public_of, suite_of
from chengyi.trust.primitives import LibraryMissing

LARGEST_REQUEST = 8 << 10
_RENEWAL = b"chengyi certificate renewal/1\n"


def make_request(key: SigningKey, name: str) -> bytes:
    """Return the DER request of the holder of `key` for a certificate in a name; UsageError for an unfit name."""
    host(Kind.NODE, name, PARENT)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return key.request(x509.CertificateSigningRequestBuilder().subject_name(subject))


def prove_renewal(old: SigningKey, request: bytes) -> bytes:
    """Return the proof that the holder of the old key makes this request."""
    return old.sign(_RENEWAL + request)


def check_request(der: bytes, name: str, suite: Suite) -> bytes:
    """Check a request and return its key (SubjectPublicKeyInfo); CertificateError where it is refused."""
    if len(der) > LARGEST_REQUEST:
        raise refusal(Reason.TOO_LARGE, name)
    try:
        request = x509.load_der_x509_csr(der)
        public, asked = public_of(request), request.subject
    except UNREADABLE as error:
        raise refusal(Reason.MALFORMED, name) from error
    except LibraryMissing as error:
        raise refusal(Reason.REQUEST_UNFIT, name) from error
    if not _is_of(public, suite):
        raise refusal(Reason.REQUEST_UNFIT, name)
    if not is_signed_by(request, public):
        raise refusal(Reason.REQUEST_FORGED, name)
    if [each.value for each in asked] != [name] or asked.rdns[0].get_attributes_for_oid(NameOID.COMMON_NAME) == []:
        raise refusal(Reason.REQUEST_UNFIT, name)
    return public


def check_proof(old: bytes, request: bytes, proof: bytes, name: str) -> None:
    """Check that the holder of the old key (SubjectPublicKeyInfo) made the request."""
    try:
        check_signature(old, proof, _RENEWAL + request)
    except (InvalidSignature, ValueError) as error:
        raise refusal(Reason.REQUEST_FORGED, name) from error


def _is_of(public: bytes, suite: Suite) -> bool:
    try:
        return suite_of(public) is suite
    except (ValueError, UnsupportedAlgorithm, LibraryMissing):
        return False
