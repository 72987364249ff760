"""The inventory: OCFL's keys and meaning, versions that only grow, forgeries refused."""

from datetime import UTC, datetime
from hashlib import sha256, sha512
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.archive import packages
from chengyi.model.canonical import canonical
from chengyi.model.errors import IntegrityError
from chengyi.model.submission import Component

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
files_of = st.dictionaries(
    st.sampled_from(["a.txt", "b/c.txt", "d.csv"]), st.sampled_from([b"1", b"2", b"3"]), min_size=1
)


def contents(files: dict[str, bytes]) -> list[packages.Content]:
    return [
        packages.Content(
            Component(path, len(data), sha256(data).hexdigest(), "text/plain", f"obj-{path}-{data!r}"),
            sha512(data).hexdigest(),
        )
        for path, data in files.items()
    ]


def made(files: dict[str, bytes], prior: dict[str, Any] | None = None) -> dict[str, Any]:
    return packages.inventory(
        "pkg-1", contents(files), {"prior": None}, created=NOW, user=("node", "node:x"), message="m", prior=prior
    )


def test_the_id_is_the_same_for_the_same_sequence_and_no_other() -> None:
    assert packages.package_id("a", "b/c") == packages.package_id("a", "b/c")
    assert len({packages.package_id("a", "b"), packages.package_id("ab", ""), packages.package_id("", "ab")}) == 3


def test_an_inventory_has_the_keys_of_ocfl() -> None:
    value = made({"a.txt": b"1"})
    digest = sha512(b"1").hexdigest()
    assert (value["head"], value["digestAlgorithm"], value["type"]) == ("v1", "sha512", packages.TYPE)
    assert value["manifest"] == {digest: ["v1/content/a.txt"]}
    assert value["fixity"] == {"sha256": {sha256(b"1").hexdigest(): ["v1/content/a.txt"]}}
    assert value["versions"]["v1"] == {
        "created": "2026-03-01T08:00:00Z",
        "message": "m",
        "state": {digest: ["a.txt"]},
        "user": {"name": "node", "address": "urn:chengyi:node:x"},
    }


@settings(deadline=None)
@given(files_of, files_of, files_of)
def test_promise_2_versions_only_grow(
    first: dict[str, bytes], second: dict[str, bytes], third: dict[str, bytes]
) -> None:
    v1 = made(first)
    before = packages.render(v1)
    v2 = made(second, v1)
    v3 = made(third, v2)
    assert packages.render(v1) == before
    assert packages.read(packages.render(v3)) == v3
    assert v3["head"] == "v3"
    assert {name: v3["versions"][name] for name in ("v1", "v2")} == v2["versions"]
    for digest, paths in v2["manifest"].items():
        assert v3["manifest"][digest][: len(paths)] == paths
    for version, files in enumerate((first, second, third), 1):
        state = packages.state_of(v3, version)
        assert state == {path: sha512(data).hexdigest() for path, data in files.items()}


def test_content_that_is_held_already_is_not_listed_again() -> None:
    v2 = made({"b.txt": b"1", "c.txt": b"2"}, made({"a.txt": b"1"}))
    assert v2["manifest"][sha512(b"1").hexdigest()] == ["v1/content/a.txt"]
    assert v2["manifest"][sha512(b"2").hexdigest()] == ["v2/content/c.txt"]


def forged(change: str) -> bytes:
    value = made({"a.txt": b"1"})
    if change == "gap":
        value["versions"]["v3"] = value["versions"]["v1"]
    elif change == "head":
        value["head"] = "2"
    elif change == "state":
        value["versions"]["v1"]["state"] = {"f" * 128: ["a.txt"]}
    elif change == "fixity":
        value["fixity"]["sha256"] = {}
    elif change == "objects":
        value["chengyi"]["objects"] = {}
    elif change == "keys":
        del value["manifest"]
    return canonical(value)


@pytest.mark.parametrize("change", ["gap", "head", "state", "fixity", "objects", "keys"])
def test_forged_inventories_are_refused(change: str) -> None:
    with pytest.raises(IntegrityError):
        packages.read(forged(change))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b"null"])
def test_what_is_no_inventory_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        packages.read(data)


def test_another_form_of_the_same_value_is_refused() -> None:
    with pytest.raises(IntegrityError):
        packages.read(packages.render(made({"a.txt": b"1"})) + b"\n")
