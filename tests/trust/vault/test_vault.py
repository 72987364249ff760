"""The vault over fragments: what goes in comes out, and every attack on stored bytes."""

import hashlib
import io
import random
import tracemalloc
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.model.errors import ConfigError, IntegrityError, NotFoundError, StorageFullError
from chengyi.trust.vault import shares
from chengyi.trust.vault.cobblestone import CHUNK
from chengyi.trust.vault.encoding import PLAIN_STRIPE
from chengyi.trust.vault.faults import FaultKind
from chengyi.trust.vault.fragment import MAGIC
from chengyi.trust.vault.pieces import WINDOW
from chengyi.trust.vault.vault import FragmentsMissing, FragmentVault, Shape
from chengyi.trust.vault.versions import Expected
from simulators.keys import MemoryKeys
from simulators.vault import MemoryVersions, VaultScene, folder_vault, make_site
from trust.vault.conftest import noise

SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, PLAIN_STRIPE - 1, PLAIN_STRIPE, PLAIN_STRIPE + 1, 2 * PLAIN_STRIPE + 77]
PLAIN = noise(5 * CHUNK + 100)


def flipped(raw: bytes, position: int, by: int = 1) -> bytes:
    changed = bytearray(raw)
    changed[position] ^= by
    return bytes(changed)


# what goes in comes out


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [Shape(2, 3), Shape(6, 9), Shape(3, 7, 5, "aes-blake3")], ids=str)
def test_what_comes_out_is_what_went_in(size: int, shape: Shape, tmp_path: Path) -> None:
    scene, plain = VaultScene(tmp_path, shape), noise(size)
    stored = scene.vault.put(io.BytesIO(plain))
    assert (stored.size, stored.sha256) == (size, hashlib.sha256(plain).hexdigest())
    assert stored.manifest == scene.vault.manifest(stored.object)
    assert scene.vault.read(stored.object) == plain
    scene.vault.verify(stored.object)
    assert list(scene.vault.objects()) == [stored.object]
    assert scene.faults == []


def test_a_real_vault_over_folders(tmp_path: Path) -> None:
    vault, plain = folder_vault(tmp_path / "vault", MemoryKeys()), noise(PLAIN_STRIPE + 9)
    stored = vault.put_bytes(plain)
    loose = vault.put_bytes(b"loose", durable=False)
    vault.sync()
    assert vault.read(stored.object) == plain
    assert vault.read(loose.object) == b"loose"
    assert list(vault.objects()) == sorted([stored.object, loose.object])


def test_a_source_may_give_its_bytes_in_pieces(small: VaultScene) -> None:
    plain = noise(PLAIN_STRIPE + 500)

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 1, 99_991))

    assert small.vault.read(small.vault.put(Slow(plain)).object) == plain


def test_promise_2_the_same_bytes_twice_are_two_objects(small: VaultScene) -> None:
    first, second = small.vault.put_bytes(b"same" * 100), small.vault.put_bytes(b"same" * 100)
    assert first.object != second.object
    assert first.sha256 == second.sha256
    one, two = (small.vault.gather(each.object).manifest for each in (first, second))
    assert not set(one.roots) & set(two.roots)
    assert not set(one.shares) & set(two.shares)
    assert one.commitment != two.commitment


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, 2]), st.integers(-40_000, 3_200_000), st.integers(0, 70_000)), max_size=8
    ),
    st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_reading_and_seeking_is_as_on_a_plain_file(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, int, int]], lost: bool
) -> None:
    scene, plain = VaultScene(tmp_path_factory.mktemp("keys"), Shape(2, 3)), noise(2 * PLAIN_STRIPE + 40_000)
    stored = scene.vault.put_bytes(plain)
    if lost:
        scene.forge(0, stored.object, None)
    sealed, file = scene.vault.open(stored.object), io.BytesIO(plain)
    for whence, offset, count in moves:
        start = {0: 0, 1: file.tell(), 2: len(plain)}[whence]
        if start + offset >= 0:
            assert sealed.seek(offset, whence) == file.seek(start + offset)
        assert sealed.read(count) == file.read(count)
        assert sealed.tell() == file.tell()
    sealed.close()


def test_a_reader_says_what_it_can_do(small: VaultScene) -> None:
    with small.vault.open(small.vault.put_bytes(b"plain").object) as file:
        assert file.readable()
        assert file.seekable()
        assert not file.writable()
        with pytest.raises(ValueError, match="negative"):
            file.seek(-9, io.SEEK_END)
        assert file.seek(50) == 50
        assert file.read() == b""
    assert file.closed


class Zeros(io.RawIOBase):
    """So many zeros."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1, /) -> bytes:
        count = min(size, self.left)
        self.left -= count
        return bytes(count)


@pytest.mark.slow
def test_memory_stays_bounded(tmp_path: Path) -> None:
    vault, size = folder_vault(tmp_path / "vault", MemoryKeys()), 40 * PLAIN_STRIPE
    tracemalloc.start()
    stored = vault.put(Zeros(size))  # type: ignore[arg-type]
    vault.verify(stored.object)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stored.size == size
    assert peak < 24 * PLAIN_STRIPE < size


@pytest.mark.parametrize(
    ("numbers", "key"),
    [
        ((1, 3), "vault"),
        ((3, 3), "vault"),
        ((2, 3, 1), "vault"),
        ((2, 3, 4), "vault"),
        ((2, 40), "vault"),
        ((2, 3, 2, "rot13"), "vault.suite"),
        ((2, 3, 3, "aes-sha256", 2), "vault.write_quorum"),
    ],
)
def test_promise_3_shapes_that_would_break_the_promise_are_refused(numbers: tuple[Any, ...], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Shape(*numbers)
    assert caught.value.facts["key"] == key


# six of nine


def test_promise_3_every_six_of_nine_restore(scene: VaultScene) -> None:
    stored = scene.vault.put_bytes(PLAIN)
    kept = [scene.raw(index, stored.object) for index in range(9)]
    sets = list(combinations(range(9), 6))
    assert len(sets) == 84
    for chosen in sets:
        for index in range(9):
            scene.forge(index, stored.object, kept[index] if index in chosen else None)
        assert scene.vault.read(stored.object) == PLAIN


def test_promise_3_every_five_or_fewer_of_nine_are_refused(scene: VaultScene) -> None:
    stored = scene.vault.put_bytes(PLAIN)
    kept, refused = [scene.raw(index, stored.object) for index in range(9)], 0
    for count in range(6):
        for chosen in combinations(range(9), count):
            for index in range(9):
                scene.forge(index, stored.object, kept[index] if index in chosen else None)
            with pytest.raises(NotFoundError if not count else IntegrityError) as caught:
                scene.vault.read(stored.object)
            if count:
                assert f"可用分片 {count} 份，须 6 份" in caught.value.facts["why"]  # type: ignore[operator]
            refused += 1
    assert refused == 1 + 9 + 36 + 84 + 126 + 126


@pytest.mark.slow
def test_promise_3_every_mix_of_up_to_three_lost_or_corrupt_restores(scene: VaultScene) -> None:
    stored = scene.vault.put_bytes(PLAIN)
    kept = [scene.raw(index, stored.object) for index in range(9)]
    draw, mixes = random.Random(9), 0
    for count in range(1, 4):
        for chosen in combinations(range(9), count):
            for lost in range(1 << count):
                for index in range(9):
                    scene.forge(index, stored.object, kept[index])
                for bit, index in enumerate(chosen):
                    bad = None if lost >> bit & 1 else flipped(kept[index], draw.randrange(len(kept[index])))
                    scene.forge(index, stored.object, bad)
                assert scene.vault.read(stored.object) == PLAIN
                with pytest.raises(IntegrityError):
                    scene.vault.verify(stored.object)
                mixes += 1
    assert mixes == 9 * 2 + 36 * 4 + 84 * 8


def test_promise_3_a_fourth_loss_is_refused_wherever_it_shows(scene: VaultScene) -> None:
    """The fourth fragment goes bad in its second stripe only, while the object is read."""
    plain = noise(2 * PLAIN_STRIPE)
    stored = scene.vault.put_bytes(plain)
    for index in (0, 4, 8):
        scene.forge(index, stored.object, None)
    raw = scene.raw(2, stored.object)
    scene.forge(2, stored.object, flipped(raw, len(MAGIC) + 131_200 + 10))
    with scene.vault.open(stored.object) as file, pytest.raises(IntegrityError):
        file.read()
    with scene.vault.open(stored.object) as file:
        assert file.read(PLAIN_STRIPE) == plain[:PLAIN_STRIPE]


@pytest.mark.slow
@pytest.mark.parametrize("suite", ["aes-sha256", "sm4-sm3"])
def test_promise_3_fragments_that_go_bad_on_the_way_are_replaced_wherever_reading_goes(
    suite: str, tmp_path: Path
) -> None:
    """Three fragments are good at first and bad in stripes of three windows; reading goes on, back and about."""
    scene = VaultScene(tmp_path, Shape(6, 9, suite=suite))
    stripes, draw = 3 * WINDOW + 4, random.Random(4)
    plain = noise(stripes * PLAIN_STRIPE - 5)
    object = scene.vault.put_bytes(plain).object
    for store, stripe in ((0, 3), (2, WINDOW + 2), (3, 2 * WINDOW + 1)):
        raw = scene.raw(store, object)
        scene.forge(store, object, flipped(raw, len(MAGIC) + stripe * 131_200 + 10))
    assert scene.vault.read(object) == plain
    for _ in range(4):
        with scene.vault.open(object) as file:
            at = 0
            for _ in range(40):
                at = draw.choice([at, max(0, at - 2 * PLAIN_STRIPE), draw.randrange(len(plain))])
                file.seek(at)
                size = draw.choice([1, 100, PLAIN_STRIPE, 3 * PLAIN_STRIPE])
                assert file.read(size) == plain[at : at + size]
                at = min(at + size, len(plain))


def test_promise_3_t_may_be_more_than_k(tmp_path: Path) -> None:
    scene = VaultScene(tmp_path, Shape(2, 5, 4))
    stored = scene.vault.put_bytes(PLAIN)
    scene.forge(0, stored.object, None)
    assert scene.vault.read(stored.object) == PLAIN
    scene.forge(1, stored.object, None)
    with pytest.raises(IntegrityError):
        scene.vault.read(stored.object)


# attacks


@pytest.mark.parametrize("store", [0, 5, 8])
def test_promise_2_every_flipped_byte_is_noticed(store: int, tmp_path: Path) -> None:
    """Each single byte of a fragment, one after the other: read gives the same bytes, verify names the store."""
    scene = VaultScene(tmp_path, Shape(6, 9))
    stored = scene.vault.put_bytes(b"short")
    raw = scene.raw(store, stored.object)
    for position in range(0, len(raw), 7 if store else 1):
        scene.forge(store, stored.object, flipped(raw, position, 1 << position % 8))
        assert scene.vault.read(stored.object) == b"short"
        with pytest.raises(IntegrityError) as caught:
            scene.vault.verify(stored.object)
        assert f"s{store + 1}：" in str(caught.value.facts["why"])


@pytest.mark.parametrize("keep", [0, 1, 15, 16, 17, 48, 49, 65, 100, -200, -65, -49, -1])
def test_promise_2_a_truncated_fragment_is_an_erasure(keep: int, small: VaultScene) -> None:
    stored = small.vault.put_bytes(PLAIN)
    small.forge(0, stored.object, small.raw(0, stored.object)[:keep])
    assert small.vault.read(stored.object) == PLAIN
    assert {each.store for each in small.faults} == {"s1"}
    small.forge(1, stored.object, small.raw(1, stored.object)[:keep])
    with pytest.raises(IntegrityError):
        small.vault.read(stored.object)


@pytest.mark.parametrize("more", [b"x", b"x" * 49, b"x" * 70_000])
def test_promise_2_added_bytes_are_noticed(more: bytes, small: VaultScene) -> None:
    stored = small.vault.put_bytes(PLAIN)
    raw = small.raw(0, stored.object)
    for forged in (raw + more, more + raw, raw[:16] + more + raw[16:]):
        small.faults.clear()
        small.forge(0, stored.object, forged)
        assert small.vault.read(stored.object) == PLAIN
        assert [each.store for each in small.faults] == ["s1"]


def test_promise_2_fragments_cannot_change_places(scene: VaultScene) -> None:
    one, two = scene.vault.put_bytes(PLAIN), scene.vault.put_bytes(PLAIN[::-1])
    for index in range(9):
        first, second = scene.raw(index, one.object), scene.raw(index, two.object)
        scene.forge(index, one.object, second)
        scene.forge(index, two.object, first)
    for each in (one, two):
        with pytest.raises(IntegrityError):
            scene.vault.read(each.object)
    assert {each.kind for each in scene.faults} == {FaultKind.FOREIGN}


def test_promise_3_a_fragment_in_another_store_does_not_open(scene: VaultScene) -> None:
    """Its share is sealed to the store it was made for: copying a fragment elsewhere gives nothing."""
    stored = scene.vault.put_bytes(PLAIN)
    scene.forge(0, stored.object, scene.raw(1, stored.object))
    assert scene.vault.read(stored.object) == PLAIN
    assert [(each.store, each.kind) for each in scene.faults] == [("s1", FaultKind.KEY)]


def test_promise_3_exchanged_key_shares_are_refused(scene: VaultScene) -> None:
    """An attacker who renews the rot check too: the share of store 2, or of another object, in store 1's fragment."""
    one, two = scene.vault.put_bytes(PLAIN), scene.vault.put_bytes(PLAIN)
    for other in (scene.raw(1, one.object), scene.raw(0, two.object)):
        scene.faults.clear()
        forged = with_share(scene.raw(0, one.object), share_of(other))
        kept = scene.raw(0, one.object)
        scene.forge(0, one.object, forged)
        assert scene.vault.read(one.object) == PLAIN
        assert [(each.store, each.kind) for each in scene.faults] == [("s1", FaultKind.KEY)]
        scene.forge(0, one.object, kept)


def share_at(raw: bytes) -> int:
    manifest = int.from_bytes(raw[-34:-32])
    return len(raw) - 49 - manifest - shares.SEALED


def share_of(raw: bytes) -> bytes:
    return raw[share_at(raw) : share_at(raw) + shares.SEALED]


def with_share(raw: bytes, share: bytes) -> bytes:
    at = share_at(raw)
    rest = raw[at - 32 : at] + share + raw[at + shares.SEALED : -32]
    return raw[: at - 32] + rest + hashlib.sha256(rest).digest()


def test_promise_2_a_manifest_of_another_object_is_refused(small: VaultScene) -> None:
    one, two = small.vault.put_bytes(PLAIN), small.vault.put_bytes(PLAIN)
    small.forge(0, one.object, small.raw(0, two.object))
    assert small.vault.read(one.object) == PLAIN
    assert [(each.kind, each.object) for each in small.faults] == [(FaultKind.FOREIGN, one.object)]
    assert two.object in small.faults[0].why


def test_promise_2_an_old_version_is_refused_even_from_all_stores(small: VaultScene) -> None:
    stored = small.vault.put_bytes(PLAIN)
    old = [small.raw(index, stored.object) for index in range(3)]
    new = small.vault.write(stored.object, 2, stored.manifest, io.BytesIO(b"new"))
    small.versions.held[stored.object] = Expected(2, new.manifest)
    assert small.vault.read(stored.object) == b"new"
    for index in range(3):
        small.forge(index, stored.object, old[index], version=2)
    with pytest.raises(IntegrityError):
        small.vault.read(stored.object)
    for index in range(3):
        small.forge(index, stored.object, None, version=2)
    with pytest.raises(NotFoundError):
        small.vault.read(stored.object)


def test_promise_2_another_manifest_of_the_same_version_is_refused(small: VaultScene) -> None:
    """A re-keying that was cut off left fragments that our own key signed; they are not the ones on record."""
    stored = small.vault.put_bytes(PLAIN)
    small.vault.write(stored.object, 2, stored.manifest, io.BytesIO(b"cut off"))
    stray = small.raw(0, stored.object, 2)
    new = small.vault.write(stored.object, 2, stored.manifest, io.BytesIO(b"new"))
    small.versions.held[stored.object] = Expected(2, new.manifest)
    small.forge(0, stored.object, stray, version=2)
    assert small.vault.read(stored.object) == b"new"
    assert [each.kind for each in small.faults] == [FaultKind.FOREIGN]


def test_promise_2_a_writer_that_lies_about_its_bytes_is_caught(
    small: VaultScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chengyi.trust.vault.vault.content_commitment", lambda *_: bytes(32))
    stored = small.vault.put_bytes(PLAIN)
    with pytest.raises(IntegrityError):
        small.vault.read(stored.object)


def test_a_reader_that_found_a_fault_goes_on_failing(small: VaultScene) -> None:
    plain = noise(PLAIN_STRIPE + 10)
    stored = small.vault.put_bytes(plain)
    with small.vault.open(stored.object) as file:
        small.stores[0].stored.clear()
        small.stores[2].stored.clear()
        for _ in range(3):
            with pytest.raises(IntegrityError):
                file.read(2 * PLAIN_STRIPE)


def test_promise_6_verify_names_a_damage_that_reading_survives(small: VaultScene) -> None:
    stored = small.vault.put_bytes(PLAIN)
    small.forge(2, stored.object, None)
    with pytest.raises(FragmentsMissing, match=r"2 of 3 fragments") as caught:
        small.vault.verify(stored.object)
    assert "s3" in str(caught.value.facts["why"])
    assert small.vault.read(stored.object) == PLAIN


# what a thief sees


def test_promise_3_stolen_stores_show_nothing(scene: VaultScene) -> None:
    plain = "身份证号 990106199001010010".encode() * 50_000
    stored = scene.vault.put_bytes(plain)
    for index in range(9):
        raw = scene.raw(index, stored.object)
        assert b"990106" not in raw
        assert bytes.fromhex(stored.sha256) not in raw
        assert stored.sha256.encode() not in raw
        payload = raw[len(MAGIC) : -2_500]
        assert max(map(payload.count, range(256))) < 1.3 * len(payload) / 256


def test_promise_3_a_thief_with_all_fragments_and_keys_of_five_stores_is_refused(
    scene: VaultScene, tmp_path: Path
) -> None:
    """He has every fragment, and the private keys of five stores; of the other four he has keys of his own making."""
    stored = scene.vault.put_bytes(PLAIN)
    thief = [make_site(f"t{n}", scene.stores[n], scene.keys, tmp_path / "thief") for n in range(5, 9)]
    faults: list[object] = []
    vault = FragmentVault([*scene.vault.sites[:5], *thief], scene.keys, MemoryVersions(), Shape(6, 9), faults.append)
    with pytest.raises(IntegrityError, match="5 good fragments of 6"):
        vault.read(stored.object)
    assert len(faults) == 4


def test_promise_3_other_keys_open_nothing_and_change_nothing(small: VaultScene, tmp_path: Path) -> None:
    stored = small.vault.put_bytes(PLAIN)
    before = [dict(store.stored) for store in small.stores]
    thief = MemoryKeys(seed=b"thief")
    sites = [make_site(f"s{n + 1}", small.stores[n], thief, tmp_path) for n in range(3)]
    with pytest.raises(IntegrityError):
        FragmentVault(sites, thief, MemoryVersions(), Shape(2, 3)).read(stored.object)
    assert [dict(store.stored) for store in small.stores] == before
    assert small.vault.read(stored.object) == PLAIN


def test_promise_3_secrets_show_in_no_repr(small: VaultScene) -> None:
    key = shares.DataKey.random()
    assert key.secret.hex() not in repr(key)
    assert repr(key.secret) not in repr(key)
    assert repr(small.vault.sites[0].custodian) == "Custodian('s1')"


# storage troubles


@pytest.mark.parametrize(
    ("room", "size"),
    [(0, 100), (100, 100), (0, 2 * PLAIN_STRIPE), (100, 2 * PLAIN_STRIPE), (400_000, 2 * PLAIN_STRIPE)],
)
def test_promise_8_a_full_store_keeps_nothing_half(room: int, size: int, small: VaultScene) -> None:
    small.stores[1].capacity = room
    with pytest.raises(StorageFullError):
        small.vault.put_bytes(noise(size))
    assert [store.stored for store in small.stores] == [{}, {}, {}]
    small.stores[1].capacity = None
    assert small.vault.read(small.vault.put_bytes(b"again").object) == b"again"


@pytest.mark.parametrize("size", [100, 2 * PLAIN_STRIPE])
def test_a_write_quorum_lets_writing_go_on_and_tells_what_is_lacking(size: int, tmp_path: Path) -> None:
    scene = VaultScene(tmp_path, Shape(2, 3, quorum=2))
    scene.stores[0].capacity = 10
    stored = scene.vault.put_bytes(noise(size))
    assert [(each.store, each.kind) for each in scene.faults] == [("s1", FaultKind.UNREACHABLE)]
    assert scene.vault.read(stored.object) == noise(size)
    scene.stores[1].capacity = 10
    with pytest.raises(StorageFullError):
        scene.vault.put_bytes(noise(size))
    assert len(scene.stores[2].stored) == 1


def test_promise_8_a_source_that_breaks_off_leaves_nothing(small: VaultScene) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise OSError("the line went dead")
            return super().read(size)

    with pytest.raises(OSError, match="dead"):
        small.vault.put(Breaking(noise(3 * PLAIN_STRIPE)))
    assert [store.stored for store in small.stores] == [{}, {}, {}]


@pytest.mark.parametrize("object_id", ["obj-" + "0" * 32, "", "obj-", "../../etc/passwd", "obj-" + "G" * 32])
def test_an_unknown_object_is_not_found(small: VaultScene, object_id: str) -> None:
    with pytest.raises(NotFoundError):
        small.vault.open(object_id)
    with pytest.raises(IntegrityError):
        small.vault.verify(object_id)


def test_other_files_in_the_stores_are_no_objects(small: VaultScene) -> None:
    stored = small.vault.put_bytes(b"x")
    for key in (
        "readme",
        f"zz/{stored.object}-1",
        f"{stored.object[4:6]}/obj-1",
        f"{stored.object[4:6]}/{stored.object}",
    ):
        for store in small.stores:
            store.put(key, [b"other"])
    assert list(small.vault.objects()) == [stored.object]


def test_the_left_over_of_a_writing_that_was_cut_off_is_no_object(scene: VaultScene) -> None:
    stored = scene.vault.put_bytes(PLAIN)
    for index in range(4):
        scene.forge(index, stored.object, None)
    assert list(scene.vault.objects()) == []
    scene.vault.put_bytes(PLAIN)
    assert len(list(islice(scene.vault.objects(), 5))) == 1


def test_too_few_stores_are_refused(small: VaultScene) -> None:
    with pytest.raises(ConfigError):
        FragmentVault(small.vault.sites[:2], small.keys, small.versions, Shape(2, 3))
