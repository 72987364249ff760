"""An authority's folder: how it comes to be, and the secret side of it.

Rules:

1. A folder is put together beside its place and moved there when it is whole; what was there is kept aside under the
   name of its region and never deleted.
2. An issuer's key lies in a file that is written once, wrapped under the node's own keys, and so under the node's
   passphrase. It is bound to its certificate: a key that does not fit is refused.
"""

import base64
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from chengyi.model.canonical import canonical, parse
from chengyi.model.errors import IntegrityError
from chengyi.store.files import flush_folder
from chengyi.trust.authority import suites
from chengyi.trust.authority.profiles import Issuer
from chengyi.trust.authority.suites import Suite
from chengyi.trust.authority.trusted import ROOTS, Trusted
from chengyi.trust.keyfile import write_once
from chengyi.trust.ports import Keys

FORMAT = "chengyi-authority/1"
REGION_KEY, ROOT_KEY = "region.key", "root.key"
_LARGEST = 1 << 16


def settle(
    folder: Path,
    keys: Keys,
    root: x509.Certificate,
    region: x509.Certificate,
    *issuers: Issuer,
    keep: Sequence[str] = (),
    replace: bool = True,
) -> Trusted:
    """Put an authority in its place, without lists yet.

    Args:
        folder: Its place; what is there is kept aside.
        keys: The node's keys, to wrap those of issuers.
        root: What is to be trusted.
        region: The region under it.
        issuers: The region's key where this node certifies, and then the root's where it is this node's own.
        keep: Files that go along from what was there.
        replace: False leaves what is there in its place: another process was faster.
    """
    draft = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    draft.mkdir(parents=True, mode=0o700)
    Trusted.write(draft, [_der(root)], [_der(region)])
    for name, issuer in zip((REGION_KEY, ROOT_KEY), issuers, strict=False):
        _keep(draft / name, issuer, keys)
    for name in keep:
        (draft / name).write_bytes((folder / name).read_bytes())
        (draft / name).chmod(0o600)
    flush_folder(draft)
    if folder.exists() and replace:
        earlier = Trusted(folder).regions[0].fingerprint(SHA256()).hex()[:16]
        folder.rename(folder.with_name(f"{folder.name}-{earlier}-{draft.name[-4:]}"))
    try:
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft)
        if not (folder / ROOTS).exists():
            raise
    flush_folder(folder.parent)
    return Trusted(folder)


@contextmanager
def try_out(
    roots: Sequence[x509.Certificate], regions: Sequence[x509.Certificate], lists: Sequence[bytes], at: datetime
) -> Iterator[Trusted]:
    """Trust certificates and lists in a place of no consequence; CertificateError where a list does not fit."""
    with TemporaryDirectory(prefix="chengyi-") as place:
        Trusted.write(Path(place), list(map(_der, roots)), list(map(_der, regions)))
        trusted = Trusted(Path(place))
        for each in lists:
            trusted.take_list(each, at)
        yield trusted


def open_issuer(path: Path, certificate: x509.Certificate, keys: Keys) -> Issuer | None:
    """Unwrap an issuer's key, or return None where there is none; IntegrityError where it does not fit."""
    header = _read(path)
    if header is None:
        return None
    try:
        wrapped = base64.b64decode(header.pop("secret"), validate=True)
        key = suites.load(Suite(header["suite"]), keys.unwrap(wrapped, canonical(header)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(object=str(path), why="签发密钥无法识读 (the issuer's key cannot be read)") from error
    if key.public != suites.public_of(certificate):
        raise IntegrityError(object=str(path), why="签发密钥与证书不符 (the issuer's key does not fit its certificate)")
    return Issuer(key, certificate)


def _keep(path: Path, issuer: Issuer, keys: Keys) -> None:
    header = {
        "format": FORMAT,
        "suite": issuer.key.suite.value,
        "certificate": issuer.certificate.fingerprint(SHA256()).hex(),
    }
    wrapped = keys.wrap(issuer.key.secret(), canonical(header))
    write_once(path, {**header, "secret": base64.b64encode(wrapped).decode()})


def _read(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            value = parse(file.read(_LARGEST))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, Mapping):
        raise IntegrityError(object=str(path), why="签发密钥无法识读 (the issuer's key cannot be read)")
    return dict(value)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
