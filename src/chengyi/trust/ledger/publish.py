"""Publishing: the log's latest checkpoint goes to its witnesses, and comes back cosigned.

Keeps promise 4: always witnessed. For each round:

1. The log is held against the last checkpoint that was cosigned; where it was shortened or forked since, nothing is
   sent, and the two checkpoints are kept as evidence.
2. All witnesses are asked at once, in threads that nobody waits for longer than `patience`; no append waits for them.
3. Each cosignature is verified before it counts, and everything that counts is durable before the round ends.
4. A checkpoint with a quorum is kept beside the log, for receipts; one without never replaces it.
5. A witness that has seen another view is a conflict: its answer is kept, and put on record once.
6. One round asks each witness once and sets off no other round; a log that grew by nothing but its own acts of
   cosigning is not worth one (`worth`), so that nodes which witness each other come to rest.
7. Why a witness did not cosign when it was asked last is kept until it does.
"""

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import httpx

from chengyi.model.act import Act, ActKind
from chengyi.model.canonical import Json, canonical, parse
from chengyi.model.clock import Clock
from chengyi.model.errors import ChengyiError, IntegrityError, SplitViewError, WitnessError
from chengyi.model.text import Text
from chengyi.store.ports import Objects
from chengyi.trust.ledger.asking import Asker, WitnessAddress
from chengyi.trust.ledger.cosignatures import Cosignature
from chengyi.trust.ledger.evidence import compare
from chengyi.trust.ledger.log import FileLedger
from chengyi.trust.ledger.notes import Verifier, parse_checkpoint, split_note
from chengyi.trust.ledger.policy import Policy, Quorum
from chengyi.trust.ports import Audit, Checkpoint

CONFLICTS = "conflicts"
_PUBLISHED = "published"
_FAILURES = "failures"
_MAX_FAILURES = 1 << 20


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What one round did; `asked` is False where nothing was worth it, and the rest tells how things stand.

    `failures` are witnesses that did not cosign, `conflicts` those that have seen another view of this log.
    """

    size: int
    asked: bool
    quorum: Quorum
    failures: tuple[ChengyiError, ...] = ()
    conflicts: tuple[ChengyiError, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a witness did not cosign when it was asked last, and when that was."""

    at: datetime
    why: Text


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait: seconds for one read or connect, and for a whole round; how often to try, with what pause."""

    step: float = 5.0
    round: float = 20.0
    tries: int = 3
    pause: float = 0.2


class Publisher:
    """Publishes one log to its witnesses; `objects` is its own small folder.

    `auth` gives what signs the requests of a round, if anything; `tls` is how witnesses are recognised, where nodes
    have certificates of their own.
    """

    def __init__(
        self,
        ledger: FileLedger,
        verifier: Verifier,
        witnesses: Sequence[WitnessAddress],
        *,
        policy: Policy,
        objects: Objects,
        clock: Clock,
        audit: Audit,
        actor: str,
        auth: Callable[[], httpx.Auth | None] = lambda: None,
        tls: ssl.SSLContext | None = None,
        patience: Patience | None = None,
        worth: Callable[[int], bool] = lambda _size: True,
    ) -> None:
        self._ledger = ledger
        self._verifier = verifier
        self._witnesses = tuple(witnesses)
        self._policy = policy
        self._objects = objects
        self._clock = clock
        self._audit = audit
        self._actor = actor
        self._auth = auth
        self._tls = tls
        self._patience = patience or Patience()
        self._worth = worth

    @property
    def policy(self) -> Policy:
        """Return the policy that a checkpoint has to meet."""
        return self._policy

    @property
    def witnesses(self) -> tuple[WitnessAddress, ...]:
        """Return the witnesses that are asked."""
        return self._witnesses

    def published(self) -> Checkpoint | None:
        """Return the checkpoint of the last round with the cosignatures it got, quorum or not; None before any."""
        if self._objects.size(_PUBLISHED) is None:
            return None
        with self._objects.open(_PUBLISHED) as file:
            return parse_checkpoint(file.read().decode(errors="replace"))

    def failures(self) -> dict[str, Failure]:
        """Return what went wrong with each witness that did not cosign when it was asked last, by name."""
        if self._objects.size(_FAILURES) is None:
            return {}
        try:
            with self._objects.open(_FAILURES) as file:
                kept = parse(file.read(_MAX_FAILURES))
            return {
                str(name): Failure(datetime.fromisoformat(each["at"]), Text(str(each["zh"]), str(each["en"])))
                for name, each in kept.items()
            }
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {}

    def publish(self) -> PublishReport:
        """Send the latest checkpoint to every witness that has not cosigned it; SplitViewError where this log forked.

        StorageFullError and the like where the disk fails; a witness never makes it fail.
        """
        # 1. against what was cosigned
        checkpoint, published = self._checked(), self.published()
        if published is not None and checkpoint.size > published.size:
            before = self._policy.judge(published.note)
            if before.met and not self._worth(published.size):
                return PublishReport(checkpoint.size, False, before)
        note = checkpoint.note
        if published is not None and split_note(published.note)[0] == split_note(note)[0]:
            note = published.note
        missing = self._missing(note)
        if not missing:
            return PublishReport(checkpoint.size, False, self._policy.judge(note))
        return self._round(checkpoint, note, missing, published)

    def _round(
        self, checkpoint: Checkpoint, note: str, missing: Sequence[WitnessAddress], published: Checkpoint | None
    ) -> PublishReport:
        # 2. all at once
        outcomes = self._ask_all(checkpoint, missing, published)
        # 3. verified, then durable
        note += "".join(each.line for each in outcomes if isinstance(each, Cosignature))
        quorum = self._policy.judge(note)
        if quorum.met:
            self._ledger.keep_cosigned(note)
        self._objects.put(_PUBLISHED, [note.encode()])
        self._keep_failures(missing, outcomes)
        conflicts = tuple(each for each in outcomes if isinstance(each, SplitViewError))
        failures = tuple(
            each for each in outcomes if isinstance(each, ChengyiError) and not isinstance(each, SplitViewError)
        )
        return PublishReport(checkpoint.size, True, quorum, failures, conflicts)

    def _keep_failures(self, asked: Sequence[WitnessAddress], outcomes: Sequence[Cosignature | ChengyiError]) -> None:
        now, names = self._clock.now(), {each.name for each in self._witnesses}
        kept = {name: failure for name, failure in self.failures().items() if name in names}
        for witness, outcome in zip(asked, outcomes, strict=True):
            kept.pop(witness.name, None)
            if isinstance(outcome, ChengyiError):
                kept[witness.name] = Failure(now, Text(outcome.message("zh"), outcome.message("en")))
        value: dict[str, Json] = {
            name: {"at": each.at.isoformat(), "en": each.why.en, "zh": each.why.zh} for name, each in kept.items()
        }
        self._objects.put(_FAILURES, [canonical(value)])

    def _checked(self) -> Checkpoint:
        checkpoint = self._ledger.durable_checkpoint()
        try:
            self._ledger.cosigned()
        except IntegrityError as error:
            raise self._forked(checkpoint, error) from error
        return checkpoint

    def _forked(self, checkpoint: Checkpoint, error: IntegrityError) -> SplitViewError:
        """Keep the evidence that this log is not what was cosigned before."""
        cosigned = self._ledger.cosigned_note()
        detail: dict[str, Json] = {"cosigned": cosigned, "latest": checkpoint.note}
        try:
            found = compare(parse_checkpoint(cosigned), checkpoint, self._verifier, self._ledger)
        except ChengyiError:
            found = None
        detail["split"] = found.render() if found else ""
        return self._conflict(str(error.facts["why"]), detail)

    def _missing(self, note: str) -> list[WitnessAddress]:
        signed = {each.cosigner for each in self._policy.judge(note).cosignatures}
        return [each for each in self._witnesses if each.key not in signed]

    def _ask_all(
        self, checkpoint: Checkpoint, missing: Sequence[WitnessAddress], published: Checkpoint | None
    ) -> list[Cosignature | ChengyiError]:
        known = {each.cosigner for each in self._policy.judge(published.note).cosignatures} if published else set()
        client = httpx.Client(timeout=self._patience.step, auth=self._auth(), verify=self._tls or True, trust_env=False)
        errands = [_Errand(each, Asker(client, self._ledger, each, checkpoint), self._patience) for each in missing]
        for errand in errands:
            errand.start(published.size if published and errand.witness.key in known else 0)
        end = time.monotonic() + self._patience.round
        for errand in errands:
            errand.thread.join(max(0.0, end - time.monotonic()))
        outcomes = [self._judged(errand, checkpoint) for errand in errands]
        client.close()  # a witness that is still talking loses its line
        return outcomes

    def _judged(self, errand: "_Errand", checkpoint: Checkpoint) -> Cosignature | ChengyiError:
        outcome = errand.outcome
        if not isinstance(outcome, SplitViewError):
            return outcome
        said = errand.asker.said
        detail: dict[str, Json] = {
            "answer": said.text[:1_000],
            "latest": checkpoint.note,
            "status": said.status,
            "witness": errand.witness.name,
        }
        return self._conflict(str(outcome.facts["why"]), detail)

    def _conflict(self, why: str, detail: dict[str, Json]) -> SplitViewError:
        """Keep what speaks for a conflict, put it on record once, and return it."""
        origin = self._ledger.origin
        name = sha256(canonical({**detail, "why": why})).hexdigest()
        key = f"{CONFLICTS}/{name}.json"
        if self._objects.size(key) is None:
            at = self._clock.now().astimezone(UTC).isoformat(timespec="seconds")
            self._objects.put(key, [canonical({**detail, "at": at, "format": "chengyi-conflict/1", "why": why})])
            said: dict[str, Json] = {"evidence": name, "why": why, "witness": detail.get("witness", "")}
            self._audit.record(Act(ActKind.COSIGNING_REFUSED, self._actor, f"log:{origin}", said))
        return SplitViewError(object=origin, why=why, evidence=key)


class _Errand:
    """One witness being asked in a thread of its own; `outcome` is a failure until it is known to be better."""

    def __init__(self, witness: WitnessAddress, asker: Asker, patience: Patience) -> None:
        self.witness = witness
        self.asker = asker
        self.outcome: Cosignature | ChengyiError = WitnessError(witness=witness.name, why="超时未答 (too slow)")
        self._patience = patience

    def start(self, old: int) -> None:
        self.thread = threading.Thread(target=self._run, args=(old,), daemon=True)
        self.thread.start()

    def _run(self, old: int) -> None:
        patience = self._patience
        try:
            self.outcome = self.asker.ask(old, patience.tries, patience.pause, patience.round)
        except ChengyiError as error:
            self.outcome = error
        except Exception as error:  # noqa: BLE001 - whatever a witness provokes is its own failure
            why = f"答复处理失败 (handling its answer failed: {type(error).__name__})"
            self.outcome = WitnessError(witness=self.witness.name, why=why)
