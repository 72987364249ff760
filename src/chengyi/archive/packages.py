"""The inventory of a package: what it holds, through all its versions.

Keeps promise 2: never altered. Rules:

1. The inventory has the keys and meaning of OCFL 1.1 (sha512 manifest, versions with message, user and created time,
   sha256 fixity, head) and one key of ours, ``chengyi``, with what the archive knows besides.
2. A new version keeps every earlier version block and manifest entry as it stood, adds its own, and names the inventory
   it follows by digest. Nothing is ever overwritten.
3. Content that an earlier version holds already is not listed again; the new state points to it.
4. Its bytes are canonical JSON; their SHA-256 names the package version.

Source: OCFL 1.1 section 3.5, https://ocfl.io/1.1/spec/.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from chengyi.model.canonical import Json, canonical, parse
from chengyi.model.errors import IntegrityError
from chengyi.model.package import Check, RowSeal
from chengyi.model.submission import Component

TYPE = "https://ocfl.io/1.1/spec/#inventory"


@dataclass(frozen=True, slots=True)
class Content:
    """One file of a version, with both digests."""

    component: Component
    sha512: str


def package_id(source: str, sequence: str) -> str:
    """Return the id of the unit that a source's sequence names, through all its versions."""
    return "pkg-" + sha256(f"{source}\0{sequence}".encode()).hexdigest()[:24]


def inventory(
    id: str,
    contents: Sequence[Content],
    record: Mapping[str, Json],
    *,
    created: datetime,
    user: tuple[str, str],
    message: str,
    prior: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the inventory of a version; with `prior` (the inventory it follows) of the next one.

    `user` is name and id of who keeps it; `record` is the ``chengyi`` part.
    """
    number = 1 if prior is None else _number(prior["head"]) + 1
    head = f"v{number}"
    manifest: dict[str, list[str]] = dict(prior["manifest"]) if prior else {}
    fixity: dict[str, list[str]] = dict(prior["fixity"]["sha256"]) if prior else {}
    objects: dict[str, str] = dict(prior["chengyi"]["objects"]) if prior else {}
    state: dict[str, list[str]] = {}
    held = frozenset(manifest)
    for content in sorted(contents, key=lambda each: each.component.path):
        component = content.component
        state.setdefault(content.sha512, []).append(component.path)
        if content.sha512 not in held:
            path = f"{head}/content/{component.path}"
            manifest[content.sha512] = [*manifest.get(content.sha512, []), path]
            fixity[component.sha256] = [*fixity.get(component.sha256, []), path]
            objects[path] = component.object
    name, address = user
    version = {
        "created": created.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "message": message,
        "state": state,
        "user": {"name": name, "address": f"urn:chengyi:{address}"},
    }
    return {
        "id": f"urn:chengyi:{id}",
        "type": TYPE,
        "digestAlgorithm": "sha512",
        "contentDirectory": "content",
        "head": head,
        "manifest": manifest,
        "versions": {**(prior["versions"] if prior else {}), head: version},
        "fixity": {"sha256": fixity},
        "chengyi": {**record, "objects": objects},
    }


def record_part(
    described: Mapping[str, Json], checks: Sequence[Check], seal: RowSeal | None, prior: str | None
) -> dict[str, Json]:
    """Return the ``chengyi`` part: description, checks, row seal, and the digest of the inventory that it follows."""
    return {
        **described,
        "checks": [
            {"code": each.code, "verdict": each.verdict.value, "zh": each.finding.zh, "en": each.finding.en}
            for each in checks
        ],
        "prior": prior,
        "seal": None if seal is None else seal_part(seal),
    }


def seal_part(seal: RowSeal) -> dict[str, Json]:
    """Return a row seal as a canonical value."""
    return {
        "columns": list(seal.columns),
        "component": seal.component,
        "reader": dict(seal.reader),
        "rejected": seal.rejected,
        "root": seal.root,
        "rows": seal.rows,
    }


def render(value: Mapping[str, Any]) -> bytes:
    """Return the bytes of an inventory."""
    return canonical(value)


def read(data: bytes) -> dict[str, Any]:
    """Read an inventory and check that it hangs together; IntegrityError where it does not."""
    try:
        value: dict[str, Any] = parse(data)
        fault = _fault(value)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(object="inventory", why=f"清单无法解析 (malformed: {error})") from error
    if fault or render(value) != data:
        raise IntegrityError(object="inventory", why=fault or "不是规范形式 (not the canonical form)")
    return value


def state_of(value: Mapping[str, Any], version: int) -> dict[str, str]:
    """Return path -> sha512 of one version; empty where there is no such version."""
    state: Mapping[str, list[str]] = value["versions"].get(f"v{version}", {}).get("state", {})
    return {path: digest for digest, paths in state.items() for path in paths}


def _fault(value: Mapping[str, Any]) -> str:
    head, versions = _number(value["head"]), value["versions"]
    if sorted(versions, key=_number) != [f"v{number}" for number in range(1, head + 1)]:
        return "版本不连续 (the versions are not v1 to the head)"
    for version in versions.values():
        if not set(version["state"]) <= set(value["manifest"]):
            return "状态引用了清单外的内容 (a state points outside the manifest)"
    paths = sorted(path for each in value["manifest"].values() for path in each)
    fixed = sorted(path for each in value["fixity"]["sha256"].values() for path in each)
    if paths != fixed or paths != sorted(value["chengyi"]["objects"]):
        return "清单、固化信息与对象不一致 (manifest, fixity and objects differ)"
    return ""


def _number(version: str) -> int:
    if not version.startswith("v"):
        raise ValueError(version)
    return int(version[1:])
