"""Care for fragments: status, scrub, repair, re-key, retire, on record and resumable."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from chengyi.model.act import ActKind
from chengyi.model.clock import SetClock
from chengyi.model.errors import ChengyiError, IntegrityError, NotFoundError, UsageError
from chengyi.model.reporter import SilentReporter, Step
from chengyi.model.text import Text
from chengyi.store.rows import Rows
from chengyi.trust import rows as tables
from chengyi.trust.vault.care import Care
from chengyi.trust.vault.encoding import PLAIN_STRIPE
from chengyi.trust.vault.faults import FaultKind, FragmentFault
from chengyi.trust.vault.placement import Placement, Retirements, place
from chengyi.trust.vault.refusals import Refusals
from chengyi.trust.vault.vault import FragmentVault, Shape
from chengyi.trust.vault.versions import RowVersions
from simulators.audit import MemoryAudit
from simulators.keys import MemoryKeys
from simulators.objects import MemoryObjects
from simulators.vault import make_site
from trust.vault.conftest import noise

QUIET = SilentReporter()
NAMES = ("s1", "s2", "s3", "s4", "s5")
assert tables.vault_rounds is not None


class House:
    """A vault with its rows and care; five stores are listed, three in use."""

    def __init__(self, folder: Path, clock: SetClock, shape: Shape, budget: int = 0) -> None:
        self.rows = Rows(f"sqlite:///{folder / 'node.db'}")
        self.rows.create_all()
        self.clock, self.keys, self.audit = clock, MemoryKeys(), MemoryAudit(clock)
        self.stores = {name: MemoryObjects() for name in NAMES}
        self.faults: list[FragmentFault] = []
        self.folder, self.shape = folder, shape
        self.versions = RowVersions(self.rows)
        self.care = Care(
            self.rows,
            self.audit,
            clock,
            "node:test",
            vault=self.open,
            placement=self.placement,
            scrub_bytes_per_day=budget,
        )
        self.vault = self.open()

    def placement(self) -> Placement:
        return place(NAMES, self.shape.n, Retirements(self.rows).known())

    def open(self) -> FragmentVault:
        placement = self.placement()
        sites = []
        for name in (*placement.used, *placement.leaving):
            site = make_site(name, self.stores[name], self.keys, self.folder / "keys", clock=self.clock, patience=5)
            site.leaving = name in placement.leaving
            sites.append(site)
        self.vault = FragmentVault(sites, self.keys, self.versions, self.shape, self.faults.append)
        return self.vault

    def key(self, object: str, version: int = 1) -> str:
        return f"{object[4:6]}/{object}-{version}"

    def spoil(self, store: str, object: str, version: int = 1) -> None:
        held = self.stores[store].stored
        raw = held[self.key(object, version)]
        held[self.key(object, version)] = raw[:20] + bytes([raw[20] ^ 1]) + raw[21:]

    def acts(self, kind: ActKind) -> list[dict[str, object]]:
        return [dict(act.detail) for act in self.audit.acts if act.kind is kind]


@pytest.fixture
def house(tmp_path: Path, clock: SetClock) -> Iterator[House]:
    made = House(tmp_path, clock, Shape(2, 3))
    yield made
    made.rows.close()


class Stopping(SilentReporter):
    """Interrupts work after so many steps."""

    def __init__(self, after: int) -> None:
        self.left = after

    @contextmanager
    def step(self, title: Text, total: int | None = None) -> Iterator[Step]:
        with super().step(title, total) as quiet:
            outer = self

            class Counting:
                def advance(self, units: int = 1) -> None:
                    outer.left -= units
                    if outer.left < 0:
                        raise KeyboardInterrupt

                def note(self, text: Text) -> None:
                    quiet.note(text)

            yield Counting()


def test_status_counts_what_each_store_holds_and_lacks(house: House) -> None:
    objects = [house.vault.put_bytes(noise(size)).object for size in (10, 20, 30)]
    house.stores["s2"].delete(house.key(objects[0]))
    for store in ("s1", "s2"):
        house.stores[store].delete(house.key(objects[1]))
    found = house.care.status(QUIET)
    assert (found.k, found.n, found.objects, found.unreadable) == (2, 3, 2, 1)
    assert [(each.id, each.fragments, each.missing, each.reachable) for each in found.stores] == [
        ("s1", 2, 0, True),
        ("s2", 1, 1, True),
        ("s3", 3, 0, True),
    ]
    assert found.stores[2].bytes == sum(map(len, house.stores["s3"].stored.values()))
    assert (found.spare, found.retired) == (("s4", "s5"), ())


# scrub


def test_promise_2_scrub_finds_rot_without_any_key(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = [house.vault.put_bytes(noise(size)).object for size in (10, 2 * PLAIN_STRIPE, 30)]
    house.spoil("s2", objects[1])
    monkeypatch.setattr(house.keys, "unwrap", lambda *_: pytest.fail("a key was used"))
    found = house.care.scrub(QUIET)
    assert [(each.store, each.checked, len(each.damages), each.done) for each in found] == [
        ("s1", 3, 0, True),
        ("s2", 3, 1, True),
        ("s3", 3, 0, True),
    ]
    assert [each["objects"] for each in house.acts(ActKind.SCRUBBED)] == [[], [objects[1]], []]
    status = house.care.status(QUIET)
    assert [each.damaged for each in status.stores] == [0, 1, 0]
    assert all(each.scrubbed_at == house.clock.now() for each in status.stores)


def test_scrub_keeps_to_its_budget_and_goes_on_the_next_day(tmp_path: Path, clock: SetClock) -> None:
    house = House(tmp_path, clock, Shape(2, 3), budget=6_000)
    for size in range(1, 6):
        house.vault.put_bytes(noise(size))
    total, days = 5 * 3, 0
    checked: list[int] = []
    while sum(checked) < total and days < 30:
        today = house.care.scrub(QUIET)
        assert sum(each.bytes for each in today) <= 6_000
        assert sum(each.checked for each in house.care.scrub(QUIET)) == 0
        checked.append(sum(each.checked for each in today))
        clock.advance(timedelta(days=1))
        days += 1
    assert sum(checked) == total
    assert days > 2
    house.rows.close()


def test_an_interrupted_scrub_goes_on_where_it_was(house: House) -> None:
    for _ in range(200):
        house.vault.put_bytes(b"x")
    with pytest.raises(KeyboardInterrupt):
        house.care.scrub(Stopping(100))
    assert house.care.status(QUIET).stores[0].scrubbing
    found = house.care.scrub(QUIET)
    assert found[0].checked == 200 - 64
    assert found[0].done


# repair


@pytest.mark.parametrize("size", [0, 5_000, 2 * PLAIN_STRIPE + 5])
@pytest.mark.parametrize("store", [0, 4, 7])
def test_promise_2_a_lost_fragment_is_rebuilt_to_the_byte(
    size: int, store: int, tmp_path: Path, clock: SetClock
) -> None:
    """All but the sealing of the key share is as it was; the manifest does not change."""
    from chengyi.trust.vault.repair import Repairer
    from chengyi.trust.vault.rounds import Rounds
    from simulators.vault import VaultScene

    scene = VaultScene(tmp_path, Shape(6, 9))
    stored = scene.vault.put_bytes(noise(size))
    before = scene.raw(store, stored.object)
    scene.forge(store, stored.object, None)
    rows = Rows("sqlite://")
    rows.create_all()
    Repairer(scene.vault, Rounds(rows)).rebuild(stored.object, scene.vault.sites[store])
    rows.close()
    after = scene.raw(store, stored.object)
    assert len(after) == len(before)
    changed = [at for at in range(len(after)) if after[at] != before[at]]
    assert len(changed) <= 144 + 32
    scene.vault.verify(stored.object)
    assert scene.vault.manifest(stored.object) == stored.manifest


def test_repair_mends_what_is_missing_and_what_scrub_found(house: House) -> None:
    objects = [house.vault.put_bytes(noise(size)).object for size in (10, 20, 30)]
    house.spoil("s1", objects[0])
    house.stores["s3"].delete(house.key(objects[2]))
    house.care.scrub(QUIET)
    found = house.care.repair(QUIET)
    assert set(found.fragments) == {("s1", objects[0]), ("s3", objects[2])}
    assert found.failed == ()
    for each in objects:
        house.vault.verify(each)
    assert house.acts(ActKind.REPAIRED) == [{"fragments": 2, "stores": {"s1": [objects[0]], "s3": [objects[2]]}}]
    assert [each.damaged + each.missing for each in house.care.status(QUIET).stores] == [0, 0, 0]
    assert house.care.repair(QUIET).fragments == ()


def test_what_cannot_be_repaired_is_named_and_left_alone(house: House) -> None:
    stored = house.vault.put_bytes(noise(50))
    house.spoil("s1", stored.object)
    house.spoil("s2", stored.object)
    house.care.scrub(QUIET)
    before = {name: dict(store.stored) for name, store in house.stores.items()}
    found = house.care.repair(QUIET)
    assert [(store, object) for store, object, _ in found.failed] == [("s1", stored.object), ("s2", stored.object)]
    assert {name: dict(store.stored) for name, store in house.stores.items()} == before


def test_an_interrupted_repair_goes_on(house: House) -> None:
    objects = [house.vault.put_bytes(noise(size)).object for size in range(1, 20)]
    house.stores["s2"].stored.clear()
    with pytest.raises(KeyboardInterrupt):
        house.care.repair(Stopping(19 + 5))
    done = len(house.stores["s2"].stored)
    assert 0 < done < 19
    recorded = [each["fragments"] for each in house.acts(ActKind.REPAIRED)]
    assert recorded == [done]
    house.care.repair(QUIET)
    for each in objects:
        house.vault.verify(each)


# re-key


def test_promise_2_after_a_rekeying_the_old_version_is_refused(house: House) -> None:
    stored = house.vault.put_bytes(noise(5_000))
    old = {name: dict(house.stores[name].stored) for name in ("s1", "s2", "s3")}
    report = house.care.rekey([stored.object], QUIET)
    assert [(each.object, each.version) for each in report.rekeyed] == [(stored.object, 2)]
    assert house.vault.read(stored.object) == noise(5_000)
    house.vault.verify(stored.object)
    manifest = house.vault.gather(stored.object).manifest
    assert manifest.prior == stored.manifest
    assert house.acts(ActKind.REKEYED) == [
        {"count": 1, "objects": [[stored.object, 2, house.vault.manifest(stored.object)]]}
    ]
    assert all(house.key(stored.object) not in house.stores[name].stored for name in old)
    for name, held in old.items():
        house.stores[name].stored = dict(held)
    with pytest.raises(NotFoundError):
        house.vault.read(stored.object)
    for name, held in old.items():
        house.stores[name].stored = {house.key(stored.object, 2): held[house.key(stored.object)]}
    with pytest.raises(IntegrityError):
        house.vault.read(stored.object)
    assert {each.kind for each in house.faults} <= {FaultKind.FOREIGN, FaultKind.MISSING}


def test_rekeying_everything_is_resumable(house: House) -> None:
    objects = [house.vault.put_bytes(noise(size)).object for size in range(1, 121)]
    with pytest.raises(KeyboardInterrupt):
        house.care.rekey([], Stopping(60))
    assert house.vault.versions.known()
    report = house.care.rekey([], QUIET)
    assert 0 < len(report.rekeyed) < 120
    assert {house.versions.expected(each).version for each in objects} == {2}
    assert all(house.vault.read(each) == noise(size) for size, each in enumerate(objects, 1))
    again = house.care.rekey([], QUIET)
    assert len(again.rekeyed) == 120


def test_an_object_that_cannot_be_read_is_not_rekeyed(house: House) -> None:
    stored = house.vault.put_bytes(noise(50))
    house.spoil("s1", stored.object)
    house.spoil("s2", stored.object)
    report = house.care.rekey([stored.object], QUIET)
    assert [object for object, _ in report.failed] == [stored.object]
    assert house.versions.expected(stored.object).version == 1
    assert all(len(house.stores[name].stored) == 1 for name in ("s1", "s2", "s3"))


# retire


@pytest.mark.parametrize("lost", [False, True])
def test_promise_3_a_retired_store_is_needed_no_more(lost: bool, house: House) -> None:
    objects = {house.vault.put_bytes(noise(size)).object: size for size in (10, 2 * PLAIN_STRIPE, 30)}
    if lost:
        house.stores["s2"].stored.clear()
    report = house.care.retire("s2", "", QUIET)
    assert (report.replacement, report.fragments, report.done) == ("s4", 3, True)
    house.stores["s2"].stored.clear()
    assert [site.id for site in house.vault.sites] == ["s1", "s4", "s3"]
    later = house.vault.put_bytes(b"later")
    house.vault.verify(later.object)
    for object, size in objects.items():
        house.vault.verify(object)
        assert house.vault.read(object) == noise(size)
    assert house.acts(ActKind.RETIRED) == [{"replacement": "s4", "fragments": 3}]
    status = house.care.status(QUIET)
    assert (status.spare, status.retired) == (("s5",), ("s2",))
    with pytest.raises(NotFoundError):
        house.care.retire("s2", "", QUIET)
    house.care.retire("s4", "s5", QUIET)
    house.stores["s4"].stored.clear()
    for object in objects:
        house.vault.verify(object)


def test_an_interrupted_retirement_goes_on_and_reading_and_writing_too(house: House) -> None:
    objects = {house.vault.put_bytes(noise(size)).object: size for size in range(1, 20)}
    with pytest.raises(KeyboardInterrupt):
        house.care.retire("s1", "s5", Stopping(7))
    house.open()
    assert [(site.id, site.leaving) for site in house.vault.sites] == [
        ("s5", False),
        ("s2", False),
        ("s3", False),
        ("s1", True),
    ]
    objects[house.vault.put_bytes(noise(70)).object] = 70
    for object, size in objects.items():
        assert house.vault.read(object) == noise(size)
    house.faults.clear()
    assert house.care.retire("s1", "", QUIET).done
    for object in objects:
        house.vault.verify(object)
    assert house.faults == []


def test_a_store_is_not_given_up_while_something_hangs_on_it(house: House) -> None:
    good, bad = house.vault.put_bytes(b"good"), house.vault.put_bytes(b"bad")
    house.spoil("s2", bad.object)
    house.spoil("s3", bad.object)
    report = house.care.retire("s1", "", QUIET)
    assert not report.done
    assert [object for _, object, _ in report.failed] == [bad.object]
    assert house.placement().leaving == ("s1",)
    assert house.vault.read(good.object) == b"good"


@pytest.mark.parametrize(
    ("store", "to", "error"),
    [("s9", "", NotFoundError), ("s4", "", NotFoundError), ("s1", "s2", UsageError), ("s1", "s9", UsageError)],
)
def test_a_retirement_that_makes_no_sense_is_refused(
    store: str, to: str, error: type[ChengyiError], house: House
) -> None:
    with pytest.raises(error):
        house.care.retire(store, to, QUIET)
    assert house.placement().used == ("s1", "s2", "s3")


# refusals on record


def test_promise_4_each_refusal_is_on_record_once(house: House) -> None:
    stored = house.vault.put_bytes(noise(50))
    house.spoil("s1", stored.object)
    refusals = Refusals("node:test")
    house.vault.on_fault = refusals
    with refusals.settled(house.audit):
        assert house.vault.read(stored.object) == noise(50)
        assert house.vault.read(stored.object) == noise(50)
    (act,) = [act for act in house.audit.acts if act.kind is ActKind.FRAGMENT_REFUSED]
    assert (act.object, act.detail["store"], act.detail["fault"]) == (stored.object, "s1", "damaged")
    assert refusals.settle(house.audit) == 0


def test_promise_4_a_silent_store_is_one_act(house: House) -> None:
    refusals = Refusals("node:test")
    for number in range(50):
        refusals(FragmentFault(f"obj-{number:032x}", 1, "s1", FaultKind.UNREACHABLE, "away"))
    assert refusals.settle(house.audit) == 1
    assert house.audit.acts[-1].object == "store:s1"
