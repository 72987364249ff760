import hashlib
import io
import random
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.model.errors import IntegrityError, NotFoundError, StorageFullError
from chengyi.store.objects import FolderObjects
from chengyi.store.ports import Objects
from chengyi.trust.vault.cobblestone import CHUNK, HEAD, SEALED_CHUNK, seal
from chengyi.trust.vault.sealed import DIGEST, MAGIC, RUN_SIZE, SUMMARY
from chengyi.trust.vault.vault import SealedVault
from simulators.keys import MemoryKeys
from simulators.objects import MemoryObjects

KEYS = MemoryKeys()
WRAPPED = 60
BODY = len(MAGIC) + 2 + WRAPPED + HEAD
SIZES = [0, 1, CHUNK - 1, CHUNK, RUN_SIZE - 1, RUN_SIZE, RUN_SIZE + 1, 2 * RUN_SIZE + 77]


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects()


@pytest.fixture
def vault(objects: MemoryObjects) -> SealedVault:
    return SealedVault(objects, KEYS)


def stored_key(object_id: str) -> str:
    return f"{object_id[4:6]}/{object_id}"


@pytest.mark.parametrize("store", [lambda _: MemoryObjects(), FolderObjects])
@pytest.mark.parametrize("size", SIZES)
def test_what_comes_out_is_what_went_in(size: int, store: Callable[[Path], Objects], tmp_path: Path) -> None:
    vault, plain = SealedVault(store(tmp_path / "vault"), KEYS), noise(size)
    stored = vault.put(io.BytesIO(plain))
    assert (stored.size, stored.sha256) == (size, hashlib.sha256(plain).hexdigest())
    assert vault.read(stored.object) == plain
    vault.verify(stored.object)
    vault.scrub(stored.object)
    assert list(vault.objects()) == [stored.object]


def test_a_source_may_give_its_bytes_in_pieces(vault: SealedVault) -> None:
    plain = noise(RUN_SIZE + 500)

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 1, 99_991))

    assert vault.read(vault.put(Slow(plain)).object) == plain


def test_promise_2_the_same_bytes_twice_are_two_objects(vault: SealedVault, objects: MemoryObjects) -> None:
    first, second = vault.put_bytes(b"same"), vault.put_bytes(b"same")
    assert first.object != second.object
    assert first.sha256 == second.sha256
    assert objects.stored[stored_key(first.object)][BODY:] != objects.stored[stored_key(second.object)][BODY:]


def test_promise_2_an_object_is_never_overwritten(
    vault: SealedVault, objects: MemoryObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = vault.put_bytes(b"first")
    draws = iter([first.object[4:], "ab" * 16])
    monkeypatch.setattr("chengyi.trust.vault.vault.secrets.token_hex", lambda _: next(draws))
    assert vault.put_bytes(b"second").object == "obj-" + "ab" * 16
    assert vault.read(first.object) == b"first"


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.integers(-40_000, 300_000), st.integers(0, 70_000)), max_size=8)
)
@settings(max_examples=40, deadline=None)
def test_reading_and_seeking_is_as_on_a_plain_file(moves: list[tuple[int, int, int]]) -> None:
    plain = noise(RUN_SIZE + 40_000)
    vault = SealedVault(MemoryObjects(), KEYS)
    sealed, file = vault.open(vault.put_bytes(plain).object), io.BytesIO(plain)
    for whence, offset, count in moves:
        start = {0: 0, 1: file.tell(), 2: len(plain)}[whence]
        if start + offset >= 0:
            assert sealed.seek(offset, whence) == file.seek(start + offset)
        assert sealed.read(count) == file.read(count)
        assert sealed.tell() == file.tell()
    sealed.close()


def test_a_reader_says_what_it_can_do(vault: SealedVault) -> None:
    with vault.open(vault.put_bytes(b"plain").object) as file:
        assert file.readable()
        assert file.seekable()
        assert not file.writable()
        with pytest.raises(ValueError, match="negative"):
            file.seek(-9, io.SEEK_END)
        assert file.seek(50) == 50
        assert file.read() == b""
    assert file.closed


def test_memory_stays_bounded(tmp_path: Path) -> None:
    vault = SealedVault(FolderObjects(tmp_path), KEYS)
    size = 24 * RUN_SIZE

    class Zeros(io.RawIOBase):
        left = size

        def read(self, size: int = -1, /) -> bytes:
            count = min(size, self.left)
            self.left -= count
            return bytes(count)

    tracemalloc.start()
    stored = vault.put(Zeros())  # type: ignore[arg-type]
    vault.verify(stored.object)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stored.size == size
    assert peak < 8 * RUN_SIZE


# storage troubles


@pytest.mark.parametrize("room", [0, 100, RUN_SIZE + 400])
def test_promise_8_a_full_store_keeps_nothing_half(room: int) -> None:
    objects = MemoryObjects(capacity=room)
    vault = SealedVault(objects, KEYS)
    with pytest.raises(StorageFullError):
        vault.put_bytes(noise(2 * RUN_SIZE))
    assert objects.stored == {}
    objects.capacity = None
    assert vault.read(vault.put_bytes(b"again").object) == b"again"


def test_promise_8_a_source_that_breaks_off_leaves_nothing(vault: SealedVault, objects: MemoryObjects) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise OSError("the line went dead")
            return super().read(size)

    with pytest.raises(OSError, match="dead"):
        vault.put(Breaking(noise(3 * RUN_SIZE)))
    assert objects.stored == {}


@pytest.mark.parametrize("object_id", ["obj-" + "0" * 32, "", "obj-", "../../etc/passwd", "obj-" + "G" * 32])
def test_an_unknown_object_is_not_found(vault: SealedVault, object_id: str) -> None:
    with pytest.raises(NotFoundError):
        vault.open(object_id)
    with pytest.raises(IntegrityError):
        vault.verify(object_id)


def test_other_files_in_the_store_are_no_objects(vault: SealedVault, objects: MemoryObjects) -> None:
    stored = vault.put_bytes(b"x")
    for key in ("readme", f"zz/{stored.object}", f"{stored.object[4:6]}/obj-1"):
        objects.put(key, [b"other"])
    assert list(vault.objects()) == [stored.object]


# attacks

PLAIN = noise(RUN_SIZE + CHUNK + 100)
SEALED = BODY + RUN_SIZE + 16 * 16 + SEALED_CHUNK + 116
PLACES = {
    "magic": 0,
    "length of the wrapped key": len(MAGIC) + 1,
    "wrapped key": len(MAGIC) + 2,
    "tag of the wrapped key": BODY - HEAD - 1,
    "salt": BODY - HEAD,
    "commitment": BODY - 1,
    "first chunk": BODY,
    "tag of the first chunk": BODY + CHUNK + 15,
    "second run": BODY + 16 * SEALED_CHUNK + 5,
    "last chunk": SEALED - 20,
    "tag of the last chunk": SEALED - 1,
    "salt of the summary": SEALED,
    "summary": SEALED + HEAD,
    "tag of the summary": SEALED + SUMMARY - 1,
    "digest": SEALED + SUMMARY,
    "end of the digest": SEALED + SUMMARY + DIGEST - 1,
}


def forge(objects: MemoryObjects, object_id: str, change: Callable[[bytearray], Iterable[int]]) -> None:
    raw = bytearray(objects.stored[stored_key(object_id)])
    objects.stored[stored_key(object_id)] = bytes(change(raw))


def refuse(vault: SealedVault, object_id: str) -> None:
    with pytest.raises(IntegrityError) as error:
        vault.read(object_id)
    assert error.value.facts["object"] == object_id
    with pytest.raises(IntegrityError):
        vault.verify(object_id)


@pytest.mark.parametrize("place", PLACES)
def test_promise_2_a_flipped_byte_is_noticed_wherever_it_is(
    place: str, vault: SealedVault, objects: MemoryObjects
) -> None:
    stored = vault.put_bytes(PLAIN)
    assert len(objects.stored[stored_key(stored.object)]) == SEALED + SUMMARY + DIGEST

    def flip(raw: bytearray) -> bytearray:
        raw[PLACES[place]] ^= 0x10
        return raw

    forge(objects, stored.object, flip)
    refuse(vault, stored.object)
    with pytest.raises(IntegrityError):
        vault.scrub(stored.object)


@pytest.mark.parametrize(
    "keep", [0, 10, BODY - 1, BODY, BODY + 5, SEALED - 3, SEALED, SEALED + SUMMARY, SEALED + SUMMARY + DIGEST - 1]
)
def test_promise_2_a_cut_object_is_noticed(keep: int, vault: SealedVault, objects: MemoryObjects) -> None:
    stored = vault.put_bytes(PLAIN)
    forge(objects, stored.object, lambda raw: raw[:keep])
    refuse(vault, stored.object)
    with pytest.raises(IntegrityError):
        vault.scrub(stored.object)


def test_promise_2_a_chunk_cut_out_whole_is_noticed(vault: SealedVault, objects: MemoryObjects) -> None:
    stored = vault.put_bytes(PLAIN)

    def cut(raw: bytearray) -> bytes:
        rest = bytes(raw[: BODY + SEALED_CHUNK] + raw[BODY + 2 * SEALED_CHUNK : -DIGEST])
        return rest + hashlib.sha256(rest).digest()

    forge(objects, stored.object, cut)
    refuse(vault, stored.object)


@pytest.mark.parametrize("more", [b"x", b"x" * SEALED_CHUNK])
def test_promise_2_added_bytes_are_noticed(more: bytes, vault: SealedVault, objects: MemoryObjects) -> None:
    stored = vault.put_bytes(PLAIN)
    forge(objects, stored.object, lambda raw: raw + more)
    refuse(vault, stored.object)


def test_promise_2_objects_cannot_change_places(vault: SealedVault, objects: MemoryObjects) -> None:
    one, two = vault.put_bytes(b"one"), vault.put_bytes(b"two")
    first, second = stored_key(one.object), stored_key(two.object)
    objects.stored[first], objects.stored[second] = objects.stored[second], objects.stored[first]
    refuse(vault, one.object)
    refuse(vault, two.object)


def test_promise_2_a_summary_cannot_come_from_another_object(vault: SealedVault, objects: MemoryObjects) -> None:
    one, two = vault.put_bytes(b"one"), vault.put_bytes(b"two")
    other = objects.stored[stored_key(two.object)][-SUMMARY - DIGEST : -DIGEST]

    def exchange(raw: bytearray) -> bytes:
        rest = bytes(raw[: -SUMMARY - DIGEST]) + other
        return rest + hashlib.sha256(rest).digest()

    forge(objects, one.object, exchange)
    refuse(vault, one.object)


@pytest.mark.parametrize("position", [7, 8, 39])
def test_promise_2_a_writer_that_lies_about_size_or_digest_is_caught(
    position: int, vault: SealedVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lie(key: bytes, context: bytes, plain: bytes) -> bytes:
        summary = bytearray(plain)
        summary[position] ^= 1
        return seal(key, context, bytes(summary))

    monkeypatch.setattr("chengyi.trust.vault.sealed.seal", lie)
    refuse(vault, vault.put_bytes(PLAIN).object)


def test_a_reader_that_found_a_fault_goes_on_failing(vault: SealedVault, objects: MemoryObjects) -> None:
    stored = vault.put_bytes(b"plain")
    forge(objects, stored.object, lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]))
    with vault.open(stored.object) as file:
        for _ in range(3):
            with pytest.raises(IntegrityError):
                file.read(1)


def test_a_removed_object_is_missing(vault: SealedVault, objects: MemoryObjects) -> None:
    stored = vault.put_bytes(b"plain")
    objects.delete(stored_key(stored.object))
    with pytest.raises(IntegrityError):
        vault.verify(stored.object)


def test_promise_3_a_stolen_store_shows_nothing_without_the_keys(vault: SealedVault, objects: MemoryObjects) -> None:
    """The store alone; fragments over several stores are promised too and are not built yet."""
    stored = vault.put_bytes("身份证号 990106199001010010".encode() * 5_000)
    raw = objects.stored[stored_key(stored.object)]
    assert b"990106" not in raw
    assert bytes.fromhex(stored.sha256) not in raw
    assert stored.sha256.encode() not in raw
    assert max(map(raw[BODY:].count, range(256))) < 2 * len(raw) / 256
    thief = SealedVault(objects, MemoryKeys(seed=b"thief"))
    with pytest.raises(IntegrityError):
        thief.read(stored.object)
    thief.scrub(stored.object)


def test_a_reader_is_closed_when_opening_fails(tmp_path: Path) -> None:
    opened: list[BinaryIO] = []

    class Watched(FolderObjects):
        def open(self, key: str) -> BinaryIO:
            opened.append(super().open(key))
            return opened[-1]

    objects = Watched(tmp_path)
    stored = SealedVault(objects, KEYS).put_bytes(b"plain")
    with pytest.raises(IntegrityError):
        SealedVault(objects, MemoryKeys(seed=b"thief")).open(stored.object)
    assert opened[0].closed
