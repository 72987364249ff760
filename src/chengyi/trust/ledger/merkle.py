"""Merkle trees over SHA-256 (RFC 9162 section 2.1): roots, proofs, and their strict verification.

Keeps promise 2: never altered. Rules:

1. A leaf is hashed as ``SHA-256(0x00 || entry)`` and a node as ``SHA-256(0x01 || left || right)``, so that
   neither can stand for the other.
2. The empty tree has the root ``SHA-256("")``; nothing can be proven about it, and a proof that
   starts from it is refused.
3. A proof has exactly the length that its position demands, and every hash in it has 32 bytes.
4. A verification either returns or raises `IntegrityError`; it never answers with a value that can be overlooked.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from chengyi.model.errors import IntegrityError, UsageError

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
# a copy of a hash that was begun costs half of beginning one
_LEAF, _NODE = sha256(b"\x00"), sha256(b"\x01")


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a log entry (RFC 9162 section 2.1.1)."""
    hash_ = _LEAF.copy()
    hash_.update(entry)
    return hash_.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two children (RFC 9162 section 2.1.1)."""
    hash_ = _NODE.copy()
    hash_.update(left + right)
    return hash_.digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, in O(n)."""
    level = leaves
    while len(level) > 1:
        level = _parents(level)
    return level[0] if level else EMPTY_ROOT


def inclusion(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the audit path of one leaf, leaf's sibling first; use `Tree` for many."""
    return Tree(leaves).inclusion(index)


def consistency(leaves: Sequence[bytes], old: int) -> tuple[bytes, ...]:
    """Return the proof that the tree over all leaves extends the tree over the first `old` of them."""
    return tuple(root(leaves[start:end]) for start, end in consistency_spans(old, len(leaves)))


class Tree:
    """A tree held whole in memory, for many proofs over one batch of leaf hashes."""

    __slots__ = ("_levels",)

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels: list[Sequence[bytes]] = [leaves]
        while len(self._levels[-1]) > 1:
            self._levels.append(_parents(self._levels[-1]))

    @property
    def size(self) -> int:
        """Return the number of leaves."""
        return len(self._levels[0])

    @property
    def root(self) -> bytes:
        """Return the root."""
        return self._levels[-1][0] if self.size else EMPTY_ROOT

    def inclusion(self, index: int) -> tuple[bytes, ...]:
        """Return the audit path of one leaf in O(log n); UsageError where there is no such leaf."""
        if not 0 <= index < self.size:
            raise UsageError(why=f"第 {index} 个叶节点不在 {self.size} 个叶节点的树中 (no leaf {index} of {self.size})")
        path = []
        for level in self._levels[:-1]:
            if (sibling := index ^ 1) < len(level):
                path.append(level[sibling])
            index >>= 1
        return tuple(path)


class Frontier:
    """The right edge of a growing tree: one hash for each full subtree, so that appending costs O(log n)."""

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """Stand at a tree of `size`, with its full subtrees' hashes, largest subtree first."""
        self.size = size
        self.hashes = list(hashes)
        if len(self.hashes) != size.bit_count():
            raise UsageError(why=f"{size} 个叶节点须有 {size.bit_count()} 个子树哈希 (wrong number of subtree hashes)")

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        size = self.size
        while size & 1:
            leaf = node_hash(self.hashes.pop(), leaf)
            size >>= 1
        self.hashes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the tree so far."""
        if not self.hashes:
            return EMPTY_ROOT
        edge = self.hashes[-1]
        for subtree in reversed(self.hashes[:-1]):
            edge = node_hash(subtree, edge)
        return edge


def inclusion_spans(index: int, size: int) -> list[tuple[int, int]]:
    """Return the leaf ranges whose subtree roots are the audit path of `index` in a tree of `size`."""
    if not 0 <= index < size:
        raise UsageError(why=f"第 {index} 条不在长度为 {size} 的账本中 (no entry {index} in a tree of {size})")
    spans, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[tuple[int, int]]:
    """Return the leaf ranges whose subtree roots prove that the tree of `new` extends that of `old`."""
    if not 0 < old <= new:
        raise UsageError(why=f"无法证明长度 {old} 与 {new} 的一致性 (no proof leads from size {old} to {new})")
    spans, start, end, whole = [], 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start, whole = middle, False
    if not whole:
        spans.append((start, end))
    return spans[::-1]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Verify that `leaf` is the hash at `index` of the tree of `size` with this root (RFC 9162 section 2.1.3.2)."""
    verify_subtree_inclusion(index, (0, size), leaf, proof, root)


def verify_subtree_inclusion(
    index: int, span: tuple[int, int], leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Verify that `leaf` is the hash at `index` of the subtree over ``[start, end)`` = `span` with this root."""
    start, end = span
    _check_subtree(start, end)
    _check_hashes([leaf, *proof])
    _demand(start <= index < end, "序号不在树中 (the index is outside the tree)")
    position, last, edge = index - start, end - start - 1, leaf
    for sibling in proof:
        _demand(last > 0, "证明过长 (the proof is too long)")
        if position & 1 or position == last:
            edge = node_hash(sibling, edge)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            edge = node_hash(edge, sibling)
        position, last = position >> 1, last >> 1
    _demand(last == 0, "证明过短 (the proof is too short)")
    _demand(edge == root, "根哈希不符 (the root does not match)")


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Verify that the tree of `new` extends the tree of `old` (RFC 9162 section 2.1.4.2)."""
    _demand(old > 0, "空树不能证明什么 (nothing follows from an empty tree)")
    verify_subtree_consistency((0, old), new, proof, old_root, new_root)


def verify_subtree_consistency(
    span: tuple[int, int], size: int, proof: Sequence[bytes], subtree_root: bytes, root: bytes
) -> None:
    """Verify that the subtree over ``[start, end)`` = `span` is part of the tree of `size`.

    Source: draft-ietf-plants-merkle-tree-certs section 4.4; an empty subtree is part of every tree.
    """
    start, end = span
    _demand(0 <= start <= end <= size, "新树短于旧树 (the new tree is shorter than the old one)")
    if start == end:
        _demand(not proof and subtree_root == EMPTY_ROOT, "空子树的证明不符 (an empty subtree has no proof)")
        return
    small, large = _consistent_roots(span, size, proof, subtree_root)
    _demand(small == subtree_root, "旧树的根哈希不符 (the old root does not match)")
    _demand(large == root, "新树的根哈希不符 (the new root does not match)")


def proven_prefix(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bytes:
    """Return the root that the tree with `new_root` has over its first `old` leaves, by a consistency proof.

    Where it differs from a root that was signed for `old`, the two trees contradict each other. `old_root` is where
    the proof starts if `old` is a power of two; it is not used otherwise. IntegrityError where the proof leads nowhere.
    """
    _demand(0 < old <= new, "新树短于旧树 (the new tree is shorter than the old one)")
    _check_hashes([old_root, new_root])
    small, large = _consistent_roots((0, old), new, proof, old_root)
    _demand(large == new_root, "新树的根哈希不符 (the new root does not match)")
    return small


def _consistent_roots(
    span: tuple[int, int], size: int, proof: Sequence[bytes], subtree_root: bytes
) -> tuple[bytes, bytes]:
    """Return the roots of subtree and tree to which a consistency proof of the right length leads."""
    start, end = span
    _check_subtree(start, end)
    _check_hashes(proof)
    first, second, last = start, end - 1, size - 1
    while first != second and (second == last or second & 1):
        first, second, last = first >> 1, second >> 1, last >> 1
    rest = list(proof)
    if first != second:
        _demand(bool(rest), "证明过短 (the proof is too short)")
        small = large = rest.pop(0)
    else:
        small = large = subtree_root
    for sibling in rest:
        _demand(last > 0, "证明过长 (the proof is too long)")
        if second & 1 or second == last:
            if first < second:
                small = node_hash(sibling, small)
            large = node_hash(sibling, large)
            while second and not second & 1:
                first, second, last = first >> 1, second >> 1, last >> 1
        else:
            large = node_hash(large, sibling)
        first, second, last = first >> 1, second >> 1, last >> 1
    _demand(last == 0, "证明过短 (the proof is too short)")
    return small, large


def _parents(level: Sequence[bytes]) -> list[bytes]:
    parents = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    if len(level) & 1:
        parents.append(level[-1])
    return parents


def perfect_levels(leaves: bytes) -> list[bytes]:
    """Return every level of a tree over 2ⁿ leaf hashes, leaves first, root last; each is its hashes end to end."""
    levels, begun, pair = [leaves], _NODE.copy, 2 * HASH_SIZE
    while len(levels[-1]) > HASH_SIZE:
        below, made = levels[-1], []
        for at in range(0, len(below), pair):
            hash_ = begun()
            hash_.update(below[at : at + pair])
            made.append(hash_.digest())
        levels.append(b"".join(made))
    return levels


def _split(width: int) -> int:
    return 1 << ((width - 1).bit_length() - 1)


def _check_subtree(start: int, end: int) -> None:
    _demand(0 <= start < end, "树为空 (the tree is empty)")
    _demand(start % (1 << (end - start - 1).bit_length()) == 0, "不是子树 (not a subtree)")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    _demand(all(len(each) == HASH_SIZE for each in hashes), "哈希长度不是 32 字节 (a hash is not 32 bytes)")


def _demand(holds: bool, why: str) -> None:
    if not holds:
        raise IntegrityError(object="Merkle proof", why=why)
