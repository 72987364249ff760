"""Asking one witness over HTTP to cosign a checkpoint, with everything it may do wrong bounded and named.

Keeps promise 4: always witnessed. Rules (c2sp.org/tlog-witness, the log's side):

1. The first request starts from the size that the witness is known to have; where it names another one (409), the
   next starts there; there are few tries and one time limit over all of them.
2. An answer counts only with a valid cosignature by the key on file; lines of other keys are ignored.
3. A witness that names a larger size than the log has, another root for the same size, or does not accept a proof that
   was verified here, has seen another view of the log: that is a conflict, and never a reason to try again.
4. Silence, slowness, garbage, redirections and wrong signatures are that witness's failure, by name.
"""

import threading
import time
from dataclasses import dataclass, field

import httpx

from chengyi.model.errors import IntegrityError, SplitViewError, WitnessError
from chengyi.trust.ledger.cosignatures import Cosignature, Cosigner, cosignatures
from chengyi.trust.ledger.notes import is_decimal, split_note
from chengyi.trust.ledger.request import MAX_ANSWER, SIZE_TYPE, Request
from chengyi.trust.ports import Checkpoint, Ledger


@dataclass(frozen=True, slots=True)
class WitnessAddress:
    """A witness that is asked: its name here, its submission prefix, and its key."""

    name: str
    url: str
    key: Cosigner


@dataclass(frozen=True, slots=True)
class Said:
    """What a witness answered: status, type, and text cut at a bound."""

    status: int
    kind: str
    text: str = field(repr=False)

    @property
    def size(self) -> int | None:
        """Return the size that a 409 names, or None where it names none."""
        number = self.text.removesuffix("\n")
        return int(number) if self.kind == SIZE_TYPE and is_decimal(number) else None


class Asker:
    """Asks one witness about one checkpoint; `said` keeps the last answer, for the evidence."""

    def __init__(self, client: httpx.Client, ledger: Ledger, witness: WitnessAddress, checkpoint: Checkpoint) -> None:
        self.said = Said(0, "", "")
        self._client = client
        self._ledger = ledger
        self._witness = witness
        self._checkpoint = checkpoint

    def ask(self, old: int, tries: int, pause: float, patience: float) -> Cosignature:
        """Return the witness's cosignature; WitnessError where it fails, SplitViewError where it saw another view."""
        end = time.monotonic() + patience
        fault = self._failed("未作答 (no answer)")
        for _ in range(tries):
            if time.monotonic() > end:
                break
            try:
                self.said = self._post(old, end)
            except httpx.HTTPError as error:
                fault = self._failed(f"连接失败 (no connection: {type(error).__name__})")
                threading.Event().wait(min(pause, max(0.0, end - time.monotonic())))
                continue
            if self.said.status == 200:
                return self._cosignature()
            if self.said.status != 409:
                raise self._refusal()
            old = self._named(old)
        raise fault

    def _post(self, old: int, end: float) -> Said:
        proof = self._ledger.consistency(old, self._checkpoint.size) if 0 < old < self._checkpoint.size else ()
        body = Request(old, proof, self._checkpoint).render()
        url = f"{self._witness.url.rstrip('/')}/add-checkpoint"
        got = bytearray()
        headers = {"Content-Type": "text/plain; charset=utf-8", "Accept-Encoding": "identity"}
        with self._client.stream("POST", url, content=body, headers=headers) as response:
            for chunk in response.iter_raw():
                got += chunk
                if len(got) > MAX_ANSWER or time.monotonic() > end:
                    raise httpx.ReadTimeout("too long")
            kind = response.headers.get("Content-Type", "")
        return Said(response.status_code, kind, got.decode(errors="replace"))

    def _cosignature(self) -> Cosignature:
        text, _ = split_note(self._checkpoint.note)
        try:
            found = cosignatures(f"{text}\n{self.said.text}", [self._witness.key])
        except IntegrityError as error:
            raise self._failed("会签无效或格式有误 (a wrong or malformed cosignature)") from error
        if not found:
            raise self._failed("没有登记公钥的会签 (no cosignature by the key on file)")
        return found[0]

    def _named(self, old: int) -> int:
        """Return the size that the witness names, where it makes sense to go on from there."""
        size, ours = self.said.size, self._checkpoint.size
        if size is None or (size == old and size < ours):
            raise self._failed("答复无法理解 (the answer makes no sense)")
        if size > ours:
            if self._ledger.checkpoint().size >= size:
                raise self._failed("账本已增长，下次再送 (the log has grown; it is asked again next time)")
            raise self._conflict(f"该方已见证到第 {size} 条，本账本仅 {ours} 条 (it has seen {size} of {ours} entries)")
        if size == old:
            raise self._conflict(f"该方在第 {size} 条处见证了另一个根 (it has another root at {size})")
        return size

    def _refusal(self) -> Exception:
        if self.said.status == 422:
            return self._conflict("该方不认可一致性证明 (it has a root that this log does not extend)")
        return self._failed(f"答复状态 {self.said.status} (status {self.said.status})")

    def _failed(self, why: str) -> WitnessError:
        return WitnessError(witness=self._witness.name, why=why)

    def _conflict(self, why: str) -> SplitViewError:
        return SplitViewError(object=self._checkpoint.origin, why=f"{self._witness.name}：{why}", evidence="-")
