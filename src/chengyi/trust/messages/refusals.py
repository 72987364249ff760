"""Why a request between nodes is refused. Keeps promise 4: a refusal is an act, with its reason.

Rules:

1. Every refusal has one reason of `Refusal`; the node's own records and its operator see it.
2. The sender is told only that the request was refused, and what an honest sender can check; not which check
   failed, so that a forger learns nothing.
"""

from enum import StrEnum

from chengyi.model.errors import MessageRefusedError
from chengyi.model.text import Text


class Refusal(StrEnum):
    """The reason of a refusal."""

    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    OVERSIZE = "oversize"
    AMBIGUOUS = "ambiguous"
    UNCOVERED = "uncovered"
    WRONG_SUITE = "wrong-suite"
    WRONG_ALGORITHM = "wrong-algorithm"
    WRONG_AUTHORITY = "wrong-authority"
    EXPIRED = "expired"
    FUTURE = "future"
    TOO_LONG = "too-long"
    UNKNOWN_KEY = "unknown-key"
    WRONG_SIGNATURE = "wrong-signature"
    WRONG_DIGEST = "wrong-digest"
    WRONG_SENDER = "wrong-sender"
    REPLAYED = "replayed"


REASONS = {
    Refusal.UNSIGNED: Text("没有签名", "it is not signed"),
    Refusal.MALFORMED: Text("签名字段格式有误", "its signature fields are malformed"),
    Refusal.OVERSIZE: Text("字段或正文过大", "a field or the body is too large"),
    Refusal.AMBIGUOUS: Text("字段重复，含义不明", "a field is there twice, or can be read in two ways"),
    Refusal.UNCOVERED: Text("应签的部分未签", "a part that has to be signed is not"),
    Refusal.WRONG_SUITE: Text("签名套件不符", "it was signed for another purpose"),
    Refusal.WRONG_ALGORITHM: Text("算法与密钥不符", "the algorithm is not that of the key"),
    Refusal.WRONG_AUTHORITY: Text("不是发给本节点的请求", "it was meant for another node"),
    Refusal.EXPIRED: Text("已过有效期", "it has expired"),
    Refusal.FUTURE: Text("签名时间晚于本机时钟", "it was signed in the future"),
    Refusal.TOO_LONG: Text("有效期过长", "it would be valid for too long"),
    Refusal.UNKNOWN_KEY: Text("密钥不明或已失效", "the key is unknown or no longer valid"),
    Refusal.WRONG_SIGNATURE: Text("签名无效", "the signature is wrong"),
    Refusal.WRONG_DIGEST: Text("正文与摘要不符", "the body is not the one that was signed"),
    Refusal.WRONG_SENDER: Text("不是应由其发送的一方", "another than its sender signed it"),
    Refusal.REPLAYED: Text("重放的请求", "it was received before"),
}

NOTICE = Text(
    "请求未予受理。请核对本机时钟、节点证书与对方地址后重新签名发送。",
    "The request was not accepted. Check your clock, your node's certificate and the address, then sign and send anew.",
)


def refused(reason: Refusal, sender: str = "") -> MessageRefusedError:
    """Return the error for a reason; `sender` is the key id as claimed."""
    said = REASONS[reason]
    return MessageRefusedError(reason=reason.value, sender=sender or "?", why=f"{said.zh} ({said.en})")
