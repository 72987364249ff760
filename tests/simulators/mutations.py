"""Many random attacks on stored fragments: whatever is changed, nothing wrong may come out unnoticed.

Each attack changes one or more fragments of one object in their stores. Then verifying has to refuse, and reading has
to give the very bytes that went in, or to refuse where too few fragments are left. Anything else is a silent error.

``python -m simulators.mutations COUNT SEED`` prints how many attacks were made, of which kinds, and the silent errors.
"""

import hashlib
import io
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from chengyi.model.errors import IntegrityError, NotFoundError
from chengyi.trust.vault import shares
from chengyi.trust.vault.vault import Shape
from chengyi.trust.vault.versions import Expected
from simulators.vault import VaultScene

_TRAILER = 49
_SIZES = (0, 1, 40, 700, 16_384, 16_385, 60_000)


class Target:
    """One object under attack: its bytes, the version that counts, and its fragments as they were."""

    def __init__(self, scene: VaultScene, size: int, draw: Random, *, rekeyed: bool) -> None:
        self.plain = draw.randbytes(size)
        stored = scene.vault.put_bytes(self.plain)
        self.object, self.version = stored.object, 1
        count = len(scene.stores)
        self.old = [scene.raw(store, self.object) for store in range(count)]
        if rekeyed:
            new = scene.vault.write(self.object, 2, stored.manifest, io.BytesIO(self.plain))
            scene.versions.held[self.object] = Expected(2, new.manifest)
            self.version = 2
            for store in range(count):
                scene.forge(store, self.object, None)
        self.good = [scene.raw(store, self.object, self.version) for store in range(count)]


class Attacks:
    """Draws attacks on a scene with a few objects; `silent` collects what went unnoticed."""

    def __init__(self, folder: Path, shape: Shape, seed: int) -> None:
        self.draw = Random(seed)
        self.scene = VaultScene(folder, shape)
        sizes = [(size, rekeyed) for size in _SIZES for rekeyed in (False, True)]
        self.targets = [Target(self.scene, size, self.draw, rekeyed=rekeyed) for size, rekeyed in sizes]
        self.kinds: Counter[str] = Counter()
        self.silent: list[str] = []
        self._lost = shape.n - max(shape.k, shape.t)

    def run(self, count: int) -> None:
        """Make so many attacks."""
        names = list(ATTACKS)
        for _ in range(count):
            target, name = self.draw.choice(self.targets), self.draw.choice(names)
            hit = self.draw.sample(range(len(target.good)), self.draw.choice((1, 1, 1, self._lost, self._lost + 1)))
            changed = sum(self._hit(name, target, store) for store in hit)
            if changed:
                self.kinds[name] += 1
                self._judge(name, target, changed)
            for store in hit:
                self.scene.forge(store, target.object, target.good[store], target.version)
            self.scene.faults.clear()

    def _hit(self, name: str, target: Target, store: int) -> bool:
        forged = ATTACKS[name](self, target, store)
        self.scene.forge(store, target.object, forged, target.version)
        return forged != target.good[store]

    def _judge(self, name: str, target: Target, changed: int) -> None:
        vault = self.scene.vault
        try:
            vault.verify(target.object)
        except IntegrityError:
            pass
        else:
            self.silent.append(f"{name}: verified")
        try:
            found = vault.read(target.object)
        except (IntegrityError, NotFoundError):
            if changed <= self._lost:
                self.silent.append(f"{name}: lost with {changed} changed")
        else:
            if found != target.plain:
                self.silent.append(f"{name}: other bytes")

    def other(self, target: Target) -> Target:
        """Return another object."""
        return self.draw.choice([each for each in self.targets if each is not target])


def _flip(attacks: Attacks, target: Target, store: int) -> bytes:
    raw = bytearray(target.good[store])
    for _ in range(attacks.draw.choice((1, 1, 1, 5))):
        raw[attacks.draw.randrange(len(raw))] ^= 1 << attacks.draw.randrange(8)
    return bytes(raw)


def _flip_ending(attacks: Attacks, target: Target, store: int) -> bytes:
    """Flip where keys, manifest and lengths lie, and renew the rot check as an attacker would."""
    raw, draw = target.good[store], attacks.draw
    at = len(raw) - draw.randrange(33, min(len(raw) - 17, 3_000))
    changed = raw[:at] + bytes([raw[at] ^ 1 << draw.randrange(8)]) + raw[at + 1 :]
    return _renewed(changed, leaves=_leaves(raw))


def _truncate(attacks: Attacks, target: Target, store: int) -> bytes:
    return target.good[store][: attacks.draw.randrange(len(target.good[store]))]


def _extend(attacks: Attacks, target: Target, store: int) -> bytes:
    more = attacks.draw.randbytes(attacks.draw.choice((1, 32, 49, 500)))
    at = attacks.draw.choice((0, 16, attacks.draw.randrange(len(target.good[store])), len(target.good[store])))
    return target.good[store][:at] + more + target.good[store][at:]


def _cut_out(attacks: Attacks, target: Target, store: int) -> bytes:
    raw = target.good[store]
    at = attacks.draw.randrange(len(raw))
    return raw[:at] + raw[at + attacks.draw.randrange(1, 200) :]


def _blank(attacks: Attacks, target: Target, store: int) -> bytes:
    raw = target.good[store]
    at = attacks.draw.randrange(len(raw))
    size = min(attacks.draw.randrange(1, 5_000), len(raw) - at)
    return raw[:at] + bytes(size) + raw[at + size :]


def _other_object(attacks: Attacks, target: Target, store: int) -> bytes:
    return attacks.other(target).good[store]


def _other_store(attacks: Attacks, target: Target, store: int) -> bytes:
    return attacks.draw.choice([raw for at, raw in enumerate(target.good) if at != store])


def _old_version(attacks: Attacks, target: Target, store: int) -> bytes | None:
    return target.old[store] if target.version > 1 else None


def _old_manifest(attacks: Attacks, target: Target, store: int) -> bytes:
    """Put the manifest of the old version, or of another object, under the pieces and leaves that are there."""
    source = target.old[store] if target.version > 1 else attacks.other(target).good[store]
    raw = target.good[store]
    start, end = _manifest(raw)
    old = source[slice(*_manifest(source))]
    trailer = raw[end:-32][:-2] + len(old).to_bytes(2)
    return _renewed(raw[:start] + old + trailer + bytes(32), leaves=_leaves(raw))


def _share(attacks: Attacks, target: Target, store: int) -> bytes:
    """Put the key share of another store or object in the place of this one."""
    raw, source = target.good[store], attacks.draw.choice((_other_store, _other_object))(attacks, target, store)
    at, other = _manifest(raw)[0] - shares.SEALED, _manifest(source)[0] - shares.SEALED
    changed = raw[:at] + source[other : other + shares.SEALED] + raw[at + shares.SEALED :]
    return _renewed(changed, leaves=_leaves(raw))


def _index(attacks: Attacks, target: Target, store: int) -> bytes:
    """Claim to be another fragment."""
    raw = target.good[store]
    at = len(raw) - _TRAILER
    return _renewed(raw[:at] + bytes([attacks.draw.randrange(256)]) + raw[at + 1 :], leaves=_leaves(raw))


def _ending_of_another(attacks: Attacks, target: Target, store: int) -> bytes:
    raw, source = target.good[store], attacks.other(target).good[store]
    return raw[: -_leaves(raw) or None] + source[-_leaves(source) :]


def _garbage(attacks: Attacks, target: Target, store: int) -> bytes:
    return attacks.draw.randbytes(attacks.draw.choice((0, 1, 48, 49, 65, 4_000, len(target.good[store]))))


def _remove(attacks: Attacks, target: Target, store: int) -> None:
    return None


ATTACKS: dict[str, Callable[[Attacks, Target, int], bytes | None]] = {
    "flip": _flip,
    "flip of the ending": _flip_ending,
    "truncate": _truncate,
    "extend": _extend,
    "cut out": _cut_out,
    "blank": _blank,
    "swap with another object": _other_object,
    "swap with another store": _other_store,
    "replay an old version": _old_version,
    "replay a manifest": _old_manifest,
    "exchange a key share": _share,
    "another index": _index,
    "ending of another object": _ending_of_another,
    "garbage": _garbage,
    "remove": _remove,
}


def _manifest(raw: bytes) -> tuple[int, int]:
    """Return where the manifest lies."""
    end = len(raw) - _TRAILER
    return end - int.from_bytes(raw[-34:-32]), end


def _leaves(raw: bytes) -> int:
    """Return how long the part is that the rot check covers, with the check."""
    count = int.from_bytes(raw[-40:-36])
    return 32 * count + shares.SEALED + int.from_bytes(raw[-34:-32]) + _TRAILER


def _renewed(raw: bytes, leaves: int) -> bytes:
    at = len(raw) - leaves if leaves <= len(raw) else 0
    return raw[:-32] + hashlib.sha256(raw[at:-32]).digest()


def main(count: int, seed: int) -> None:
    """Make attacks on two shapes, and print what became of them."""
    kinds: Counter[str] = Counter()
    silent: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for shape, share in ((Shape(2, 3), 0.8), (Shape(3, 5, 4), 0.15), (Shape(6, 9), 0.05)):
            attacks = Attacks(Path(folder) / str(shape.n), shape, seed)
            attacks.run(round(count * share))
            kinds += attacks.kinds
            silent += attacks.silent
    print(json.dumps({"attacks": sum(kinds.values()), "kinds": kinds, "silent": silent}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
