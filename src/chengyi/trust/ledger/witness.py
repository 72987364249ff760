"""A witness: it cosigns another log's checkpoint only where that extends the last one it cosigned.

Keeps promise 4: always witnessed. For each request (c2sp.org/tlog-witness):

1. It has the form of a request (else 400), and is not too long (413).
2. The log is one that this witness was told to follow (404), and signed the checkpoint with the key on file (403).
3. The old size is not above the checkpoint's (400), and is that of the last checkpoint cosigned (409, with the size).
4. The checkpoint extends that last one: same size and root, or a consistency proof that verifies (409, 422).
5. The checkpoint is on the disk before anything is signed, under a lock that all processes share; so a witness that
   dies at any moment has either said nothing, or remembers what it said.
6. What was cosigned is put on record once; where this witness's folder was lost or rolled back, the record counts.
7. A log caught with two views is refused and the evidence kept. Refusals are put on record once for each checkpoint,
   and those that anyone could provoke without a log's key at most once a minute, so that nobody floods the ledger.
"""

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from chengyi.model.act import Act, ActKind
from chengyi.model.canonical import Json
from chengyi.model.clock import Clock
from chengyi.model.errors import CosigningRefusedError, IntegrityError
from chengyi.store.objects import FolderObjects
from chengyi.trust.ledger.cosignatures import Cosigner, CosigningKey, Ed25519Key, MlDsaKey, cosign
from chengyi.trust.ledger.evidence import SplitView, split_view
from chengyi.trust.ledger.merkle import EMPTY_ROOT, verify_consistency
from chengyi.trust.ledger.notes import Verifier, open_checkpoint, split_note
from chengyi.trust.ledger.request import Answer, Request, refusal_answer, refused, signed_answer
from chengyi.trust.ports import Audit, Checkpoint, Keys

EVIDENCE = "evidence"
_QUIET = timedelta(minutes=1)
_MAX_EVIDENCE = 1_000


class Witness:
    """Cosigns checkpoints of the logs in `logs` (origin to key); its memory is a folder.

    `senders` says which node alone may ask for a log (origin to node); whoever opens the door proves who asks.
    """

    def __init__(
        self,
        folder: Path,
        keys: Keys,
        logs: Mapping[str, Verifier],
        *,
        clock: Clock,
        audit: Audit,
        actor: str,
        post_quantum: bool = False,
        senders: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._folder = folder
        self._objects = FolderObjects(folder)
        self._logs = dict(logs)
        self._senders = dict(senders)
        self._clock = clock
        self._audit = audit
        self._actor = actor
        self._told: datetime | None = None
        self._keys: list[CosigningKey] = [Ed25519Key.of(keys)]
        if post_quantum:
            with self._locked("keys"):
                self._keys.append(MlDsaKey.open(self._objects, keys))

    @property
    def cosigners(self) -> tuple[Cosigner, ...]:
        """Return the public keys that this witness cosigns with."""
        return tuple(each.public for each in self._keys)

    @property
    def logs(self) -> Mapping[str, Verifier]:
        """Return the logs that this witness follows, by origin."""
        return self._logs

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer one request; every refusal is an answer too. TransientError where the disk or database fails."""
        try:
            return signed_answer(self._cosign(Request.parse(body)))
        except CosigningRefusedError as refusal:
            self._record_refusal(refusal)
            return refusal_answer(refusal)

    def sender_of(self, body: bytes) -> str:
        """Return the node that has to sign such a request; empty where the log's own signature is enough."""
        try:
            return self._senders.get(Request.parse(body).checkpoint.origin, "")
        except CosigningRefusedError:
            return ""

    def last(self, origin: str) -> Checkpoint | None:
        """Return the last checkpoint cosigned for a log; IntegrityError where this memory was changed."""
        verifier = self._logs[origin]
        name = _name(origin)
        if self._objects.size(name) is None:
            return None
        with self._objects.open(name) as file:
            checkpoint = open_checkpoint(file.read().decode(errors="replace"), verifier)
        if checkpoint.origin != origin:
            raise IntegrityError(object=origin, why="见证记录属于其他账本 (the witness's memory is of another log)")
        return checkpoint

    def evidence(self) -> list[Path]:
        """Return the files of evidence against logs, in order."""
        return [self._folder / key for key in self._objects.keys(f"{EVIDENCE}/")]

    def _cosign(self, request: Request) -> Sequence[str]:
        shown = request.checkpoint
        # 2. a log on file, signed by its key
        verifier = self._logs.get(shown.origin)
        if verifier is None:
            raise refused(shown.origin[:100], "本方未登记该账本 (this witness does not follow the log)", 404)
        try:
            open_checkpoint(shown.note, verifier)
        except IntegrityError as error:
            raise refused(shown.origin, "没有登记公钥的有效签名 (not signed by the key on file)", 403) from error
        # 3. sizes meet
        if request.old > shown.size:
            raise refused(shown.origin, "原长度大于检查点 (the old size is above the checkpoint's)", 400, shown=shown)
        with self._locked(_name(shown.origin)):
            last, recorded = self._memory(shown.origin)
            self._check(request, last, verifier)
            # 5. on the disk before it is signed
            if last is None or last.root != shown.root or last.size != shown.size:
                self._objects.put(_name(shown.origin), [shown.note.encode()])
            now = self._clock.now()
            lines = [cosign(shown, key, now) for key in self._keys]
            # 6. on record once
            if recorded != (shown.size, shown.root.hex()):
                self._record(ActKind.COSIGNED, shown.origin, {"root": shown.root.hex(), "size": shown.size})
        return lines

    def _check(self, request: Request, last: Checkpoint | None, verifier: Verifier) -> None:
        shown, size = request.checkpoint, last.size if last else 0
        if request.old != size:
            found = self._convict(last, shown, verifier, ())
            why = f"本方最近会签至第 {size} 条 (the last size cosigned is {size})"
            raise refused(shown.origin, why, 409, size=size, split=found, shown=shown if shown.size < size else None)
        # 4. it extends the last one
        if last is not None and shown.size == size and shown.root != last.root:
            found = self._convict(last, shown, verifier, ())
            why = "同一长度有两个根 (two roots for one size)"
            raise refused(shown.origin, why, 409, size=size, split=found, shown=shown)
        try:
            _extends(request, last)
        except IntegrityError as error:
            found = self._convict(last, shown, verifier, request.proof)
            why = "一致性证明不成立 (the consistency proof does not verify)"
            raise refused(shown.origin, why, 422, split=found, shown=shown) from error

    def _memory(self, origin: str) -> tuple[Checkpoint | None, tuple[Json, Json]]:
        """Return the last checkpoint, and what is on record; the record counts where the folder was rolled back."""
        last = self.last(origin)
        told = self._audit.entries(object=_object(origin), kind=ActKind.COSIGNED.value, limit=1)
        if not told:
            return last, (None, None)
        size, root = (told[0].act.detail.get(name) for name in ("size", "root"))
        if isinstance(size, int) and isinstance(root, str) and size > (last.size if last else 0):
            last = Checkpoint(origin, size, bytes.fromhex(root), "")
        return last, (size, root)

    def _convict(
        self, last: Checkpoint | None, shown: Checkpoint, verifier: Verifier, proof: Sequence[bytes]
    ) -> SplitView | None:
        """Keep the evidence where the two checkpoints contradict each other beyond doubt."""
        found = split_view(last, shown, verifier, proof=proof) if last and last.note else None
        if found is None:
            return None
        name = f"{EVIDENCE}/{found.id}.json"
        if self._objects.size(name) is None and len(self.evidence()) < _MAX_EVIDENCE:
            self._objects.put(name, [found.render().encode()])
        return found

    def _record_refusal(self, refusal: CosigningRefusedError) -> None:
        """Put a refusal on record: each signed checkpoint once, others at most once a minute, misses never."""
        status, split, shown = (refusal.facts.get(name) for name in ("status", "split", "shown"))
        detail: dict[str, Json] = {"status": int(str(status)), "why": str(refusal.facts["why"])}
        if isinstance(split, SplitView):
            detail |= {"evidence": split.id, "size": split.second.size, "root": split.second.root.hex()}
            self._record_once(split.id, split.second, detail)
        elif isinstance(shown, Checkpoint):
            detail |= {"size": shown.size, "root": shown.root.hex()}
            text = split_note(shown.note)[0]
            self._record_once(sha256(text.encode()).hexdigest(), shown, detail)
        elif status != 409:
            self._record_seldom(str(refusal.facts["origin"]), detail)

    def _record_once(self, name: str, shown: Checkpoint, detail: dict[str, Json]) -> None:
        key = f"refused/{name}"
        if self._objects.size(key) is None:
            self._record(ActKind.COSIGNING_REFUSED, shown.origin, detail)
            self._objects.put(key, [shown.note.encode()])

    def _record_seldom(self, origin: str, detail: dict[str, Json]) -> None:
        now = self._clock.now()
        if self._told is None or now - self._told >= _QUIET:
            self._told = now
            self._record(ActKind.COSIGNING_REFUSED, origin, detail)

    def _record(self, kind: ActKind, origin: str, detail: Mapping[str, Json]) -> None:
        self._audit.record(Act(kind, self._actor, _object(origin), detail))

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with (self._folder / f"{name}.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _extends(request: Request, last: Checkpoint | None) -> None:
    shown = request.checkpoint
    if last is None or last.size == 0:
        fits = not request.proof and (shown.size > 0 or shown.root == EMPTY_ROOT)
        if not fits:
            raise IntegrityError(object=shown.origin, why="空树不能证明什么 (nothing follows from an empty tree)")
        return
    verify_consistency(last.size, shown.size, request.proof, last.root, shown.root)


def _name(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()[:32]


def _object(origin: str) -> str:
    return f"log:{origin}"
