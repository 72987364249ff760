"""The manifest's parser: one byte form, bounded, never anything but IntegrityError."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.model.errors import IntegrityError
from chengyi.trust.vault import manifest as manifests
from chengyi.trust.vault.cobblestone import HEAD, SEALED_CHUNK, sealed_size
from chengyi.trust.vault.manifest import Manifest
from chengyi.trust.vault.suites import SUITES
from simulators.keys import MemoryKeys

KEYS = MemoryKeys()
GOOD = Manifest(
    object="obj-" + "ab" * 16,
    version=1,
    prior="",
    suite=SUITES["aes-sha256"],
    k=2,
    n=3,
    t=2,
    size=100_000,
    stripe=96,
    head=bytes(HEAD),
    roots=(bytes(32),) * 3,
    shares=(bytes(32),) * 3,
    commitment=bytes(32),
    node=KEYS.verifier,
)


def signed(body: bytes) -> bytes:
    return body + KEYS.sign(b"chengyi-manifest/1\n" + body)


def test_what_is_signed_reads_back() -> None:
    raw = manifests.sign(GOOD, KEYS).raw
    found = manifests.read(raw, KEYS.verifier)
    assert found.manifest == GOOD
    assert found.raw == raw
    assert len(found.digest) == 64


@pytest.mark.parametrize(
    "fields",
    [
        {"k": 1},
        {"k": 3},
        {"k": 3, "t": 3},
        {"t": 1},
        {"t": 4},
        {"n": 33},
        {"n": 2},
        {"n": True},
        {"k": 2.0},
        {"size": -1},
        {"size": (1 << 40) + 1},
        {"stripe": 0},
        {"stripe": 1025},
        {"version": 0},
        {"version": 2},
        {"version": 2, "prior": "zz" * 32},
        {"prior": "00" * 32},
        {"object": "obj-1"},
        {"object": "../" + "ab" * 16},
        {"suite": "aes-md5"},
        {"suite": ["aes-sha256"]},
        {"head": "00"},
        {"head": None},
        {"roots": ["00" * 32] * 2},
        {"roots": "00" * 96},
        {"roots": [["00" * 32]] * 3},
        {"shares": ["0G" * 32] * 3},
        {"commitment": "AB" * 32},
        {"node": "other"},
        {"format": "chengyi-fragments/2"},
        {"more": 1},
    ],
    ids=str,
)
def test_promise_2_a_signed_manifest_that_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    value = {**json.loads(GOOD.body), **fields}
    raw = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    with pytest.raises(IntegrityError):
        manifests.read(signed(raw), KEYS.verifier)


def test_promise_2_only_one_byte_form_is_accepted() -> None:
    body = GOOD.body
    for other in (body + b" ", b" " + body, body.replace(b":", b": ", 1), body.replace(b"{", b'{"k":2,', 1)):
        with pytest.raises(IntegrityError):
            manifests.read(signed(other), KEYS.verifier)


def test_promise_2_another_nodes_signature_is_refused() -> None:
    thief = MemoryKeys(seed=b"thief")
    for forged in (manifests.sign(GOOD, thief).raw, manifests.sign(replace(GOOD, node=thief.verifier), thief).raw):
        with pytest.raises(IntegrityError):
            manifests.read(forged, KEYS.verifier)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"1", b"\xff", b"[" * 9_000, b'{"format":' * 1_000, b"nan"])
def test_garbage_is_refused_even_under_a_signature(body: bytes) -> None:
    with pytest.raises(IntegrityError):
        manifests.read(signed(body), KEYS.verifier)


def test_an_oversized_manifest_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(IntegrityError):
        manifests.read(signed(b" " * 20_000), KEYS.verifier)


@given(st.integers(0, 2_000), st.integers(0, 255), st.sampled_from(["flip", "cut", "insert"]))
@settings(max_examples=300, deadline=None)
def test_promise_2_any_mutation_is_refused(position: int, value: int, how: str) -> None:
    raw = bytearray(manifests.sign(GOOD, KEYS).raw)
    position %= len(raw)
    if how == "flip":
        raw[position] ^= value or 1
    elif how == "cut":
        del raw[position]
    else:
        raw.insert(position, value)
    with pytest.raises(IntegrityError):
        manifests.read(bytes(raw), KEYS.verifier)


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_refused_in_words(raw: bytes) -> None:
    with pytest.raises(IntegrityError):
        manifests.read(raw, KEYS.verifier)


@given(st.integers(0, 10_000_000), st.integers(2, 8), st.integers(1, 100))
def test_geometry_covers_every_sealed_byte_once(size: int, k: int, stripe: int) -> None:
    manifest = replace(GOOD, size=size, k=k, n=k + 1, t=k, stripe=stripe)
    sizes = [manifest.stripe_size(number) for number in range(manifest.stripes)]
    assert sum(sizes) == sealed_size(size) == manifest.sealed
    assert all(each == stripe * SEALED_CHUNK for each in sizes[:-1])
    assert 0 < sizes[-1] <= stripe * SEALED_CHUNK
    assert manifest.payload == sum(manifest.code.piece(each) for each in sizes)


def test_promise_3_the_context_binds_every_field() -> None:
    base = ("test.invalid/node+1+2", "obj-1", 1, "aes-sha256", (2, 3, 2))
    others = [
        ("test.invalid/other+1+2", *base[1:]),
        (base[0], "obj-2", *base[2:]),
        (*base[:2], 2, *base[3:]),
        (*base[:3], "sm4-sm3", base[4]),
        (*base[:4], (2, 3, 3)),
        (*base[:4], (2, 4, 2)),
    ]
    assert len({manifests.context(*each) for each in [base, *others]}) == 7
