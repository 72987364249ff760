"""What can be wrong with a fragment, so that each refusal can be put on record.

Rules: a fragment that is not what its manifest says is an erasure, never an input to decoding; whoever refuses one
tells it to a listener, which must not fail and must not wait.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from chengyi.model.errors import IntegrityError
from chengyi.model.text import Text


class FaultKind(StrEnum):
    """Why a fragment was refused, or is not there."""

    MISSING = "missing"
    UNREACHABLE = "unreachable"
    MALFORMED = "malformed"
    FOREIGN = "foreign"
    DAMAGED = "damaged"
    KEY = "key"

    @property
    def words(self) -> Text:
        """Say it in words."""
        return _TITLES[self]


_TITLES = {
    FaultKind.MISSING: Text("缺失", "missing"),
    FaultKind.UNREACHABLE: Text("存储点未应答", "the store does not answer"),
    FaultKind.MALFORMED: Text("残缺或不可识别", "cut short or not a fragment"),
    FaultKind.FOREIGN: Text("属于别的对象或版本", "of another object or version"),
    FaultKind.DAMAGED: Text("内容被改动", "its bytes were changed"),
    FaultKind.KEY: Text("密钥份额不符", "its key share does not fit"),
}


@dataclass(frozen=True, slots=True)
class FragmentFault:
    """One fragment that was refused: object, version, store, kind, and what exactly was found."""

    object: str
    version: int
    store: str
    kind: FaultKind
    why: str

    @property
    def text(self) -> Text:
        """Say it in one sentence."""
        kind = self.kind.words
        return Text(
            f"对象 {self.object} 在存储点 {self.store} 的分片{kind.zh}：{self.why}",
            f"The fragment of {self.object} in store {self.store} is refused, {kind.en}: {self.why}",
        )


class FragmentRefused(IntegrityError):
    """A fragment cannot be used. Facts: object, why, kind."""


OnFault = Callable[[FragmentFault], None]


def refused(object: str, kind: FaultKind, why: str) -> FragmentRefused:
    """Return the error of a refused fragment."""
    return FragmentRefused(object=object, why=why, kind=kind)


def unheard(fault: FragmentFault) -> None:
    """Listen to nothing."""
