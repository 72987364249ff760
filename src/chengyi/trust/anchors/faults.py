"""What goes wrong on a chain, as the product's errors: one clear error each, with nothing secret in it.

Rules: what may pass by itself is transient (AnchorError); what the contract refuses because of the log's history is
an IntegrityError; a setting that cannot be right is a ConfigError.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chengyi.model.errors import AnchorError, ChengyiError, IntegrityError, UnreachableError

_FUNDS = ("insufficient funds", "insufficient balance", "sender doesn't have enough", "cannot afford txn gas")
_NONCE = (
    "nonce too low",
    "nonce too high",
    "invalid transaction nonce",
    "already known",
    "underpriced",
    "invalid nonce",
)
_REFUSED = {
    "sender": "本账户未登记为该账本的锚定方 (this account is not registered for the log)",
    "registrar": "只有部署方可以登记 (only the deploying account may register)",
}


@contextmanager
def explained(name: Callable[[], str], origin: str) -> Iterator[None]:
    """Turn the library's errors into ours; only types and known phrases are passed on, never whole messages."""
    try:
        yield
    except ChengyiError:
        raise
    except Exception as fault:
        if not isinstance(fault, (ValueError, TypeError, KeyError)) and not _is_of_library(fault):
            raise
        raise _explain(fault, name(), origin) from None


def _is_of_library(fault: Exception) -> bool:
    package = type(fault).__module__.partition(".")[0]
    return package == "web3" or package.startswith("eth_")


def _explain(fault: Exception, chain: str, origin: str) -> ChengyiError:
    from web3.exceptions import TimeExhausted

    text = str(fault).lower()
    if isinstance(fault, TimeExhausted):
        return AnchorError(chain=chain, why="交易未在限时内入块 (the transaction was not mined in time)")
    if "rollback" in text:
        return rolled_back(origin)
    for word, why in _REFUSED.items():
        if text == word or f"reverted: {word}" in text:
            return AnchorError(chain=chain, why=why)
    if any(each in text for each in _FUNDS):
        return AnchorError(chain=chain, why="锚定账户余额不足 (the account has not enough coins for gas)")
    if any(each in text for each in _NONCE):
        return AnchorError(chain=chain, why="交易序号冲突，稍后重试 (the nonce was taken by another transaction)")
    if "revert" in text:
        return AnchorError(chain=chain, why="交易被合约退回 (the transaction was reverted)")
    return UnreachableError(source=chain, why=f"回应不合规则 (it answers nonsense: {type(fault).__name__})")


def rolled_back(origin: str) -> IntegrityError:
    """Return the error for a log that the chain knows longer, or with another root."""
    why = (
        "链上的检查点更新或根不同，账本被回退或改写 (the chain holds a longer log or another root: it was rolled back)"
    )
    return IntegrityError(object=origin, why=why)
