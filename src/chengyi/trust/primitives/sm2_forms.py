"""Certificates, requests and lists of revoked certificates signed with SM2-with-SM3 (OID 1.2.156.10197.1.501).

Rules: the form comes as DER that is complete but for its signature, such as `cryptography` builds it with any other
key; libcrypto puts in the subject's SM2 key where there is one, the algorithm and the signature, and nothing else is
changed. Checking is `Sm2PublicKey.verify` over the form's signed bytes.
"""

from typing import Literal

from chengyi.trust.primitives.libcrypto import Owned, libcrypto
from chengyi.trust.primitives.sm2 import IDENTIFIER, Sm2PrivateKey, Sm2PublicKey

SIGNATURE_OID = "1.2.156.10197.1.501"
Form = Literal["X509", "X509_REQ", "X509_CRL"]


def sign_form(kind: Form, template: bytes, key: Sm2PrivateKey, subject: bytes | None = None) -> bytes:
    """Return a form signed with `key`, for the subject key (SubjectPublicKeyInfo) where one is given."""
    library = libcrypto("SM2")
    form = library.decoded(f"d2i_{kind}", template, f"{kind}_free")
    if subject is not None:
        held = _key(subject)
        library.done(getattr(library.c, f"{kind}_set_pubkey")(form.pointer, held.pointer))
    context = key.signing(IDENTIFIER)
    library.done(getattr(library.c, f"{kind}_sign_ctx")(form.pointer, context.pointer))
    return library.encoded(f"i2d_{kind}", form.pointer)


def subject_key(kind: Literal["X509", "X509_REQ"], der: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo in a certificate or request; ValueError where it cannot be read."""
    library = libcrypto("SM2")
    form = library.decoded(f"d2i_{kind}", der, f"{kind}_free")
    found = getattr(library.c, f"{kind}_get0_pubkey")(form.pointer)
    if not found:
        raise ValueError(f"no key: {library.reason()}")
    return library.encoded("i2d_PUBKEY", found)


def verify_form(signature: bytes, signed: bytes, key: bytes) -> None:
    """Check the signature over a form's signed bytes; InvalidSignature where it does not fit."""
    Sm2PublicKey.from_der(key).verify(signature, signed)


def _key(der: bytes) -> Owned:
    return libcrypto("SM2").decoded("d2i_PUBKEY", der, "EVP_PKEY_free")
