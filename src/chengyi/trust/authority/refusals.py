"""Why a certificate, a request for one or a list of revoked ones is refused, and what to do about it.

Rules: there is one reason a refusal, said in both languages with its advice; whatever cannot be shown to be right
is refused; a reason never quotes what the other side sent.
"""

from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from chengyi.model.errors import CertificateError
from chengyi.model.text import Text

UNREADABLE = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    Warning,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` raises over DER that is not what it should be; warnings where they are errors."""


class Reason(StrEnum):
    """Why something is refused; the word for programs."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    REVOKED = "revoked"
    WRONG_NAME = "wrong_name"
    WRONG_USE = "wrong_use"
    FORGED = "forged"
    UNKNOWN_ISSUER = "unknown_issuer"
    OUTSIDE_DOMAIN = "outside_domain"
    TOO_LONG = "chain_too_long"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    OUTSIDE_PROFILE = "outside_profile"
    LIST_MISSING = "list_missing"
    LIST_STALE = "list_stale"
    LIST_FORGED = "list_forged"
    LIST_UNFIT = "list_unfit"
    REQUEST_FORGED = "request_forged"
    REQUEST_UNFIT = "request_unfit"
    TOKEN_UNFIT = "token_unfit"
    TOO_EARLY = "too_early"
    NOT_OURS = "not_ours"
    CLOCK = "clock"


_RENEW = Text(
    "请由持有者用 chengyi ca renew 续期，或重新登记（chengyi ca enrol）；如多份证书同时过期，请先核对本机时钟。",
    "Its holder renews it with `chengyi ca renew` or enrols anew (`chengyi ca enrol`); where many expired at once,"
    " check this machine's clock first.",
)
_CLOCK = Text(
    "请核对本机与签发机构的时钟（建议启用网络授时），校正后重试。",
    "Compare this machine's clock with the authority's (a time service helps), correct it and try again.",
)
_ENROL = Text(
    "请向本区签发机构索取新的登记凭据，用 chengyi ca join 重新加入；以文件登记的，用 chengyi ca enrol。",
    "Ask the region's authority for a new enrolment token and join again with `chengyi ca join`, or by files with"
    " `chengyi ca enrol`.",
)
_OFFICER = Text(
    "请勿接受该证书；将其交安全管理员查明来源。",
    "Do not accept it; hand it to the security administrator, who finds out where it came from.",
)
_FETCH = Text(
    "请从签发机构取得最新的吊销列表（chengyi ca crl）后重试；在此之前一律不予接受。",
    "Fetch the latest list of revoked certificates from the authority (`chengyi ca crl`) and try again; nothing is"
    " accepted before.",
)
_REQUEST = Text(
    "请在申请方重新生成密钥与申请文件后再试。",
    "The applicant makes a new key and a new request, then tries again.",
)

_WORDS: dict[Reason, tuple[Text, Text]] = {
    Reason.EXPIRED: (Text("已过有效期", "it has expired"), _RENEW),
    Reason.NOT_YET_VALID: (Text("尚未生效", "it is not valid yet"), _CLOCK),
    Reason.REVOKED: (Text("已被吊销", "it was revoked"), _ENROL),
    Reason.WRONG_NAME: (
        Text("证书名称与对方身份不符", "it is made out to another name"),
        Text(
            "请核对对方的名称与地址；确已更名的，重新登记。",
            "Check the other side's name and address; after a renaming, enrol anew.",
        ),
    ),
    Reason.WRONG_USE: (
        Text("不是用于此用途的证书", "it is not made for this use"),
        Text(
            "请出示与用途相符的证书：节点、人员或存储。",
            "Show the certificate that is made for this use: node, person or store.",
        ),
    ),
    Reason.FORGED: (Text("签名不实", "its signature is not genuine"), _OFFICER),
    Reason.UNKNOWN_ISSUER: (
        Text("签发机构不在信任之列", "its issuer is not trusted here"),
        Text(
            "如应信任该区，请由安全管理员核对根证书指纹后加入；否则请勿接受。",
            "If that region is to be trusted, the security administrator compares the root's fingerprint and adds it;"
            " otherwise do not accept it.",
        ),
    ),
    Reason.OUTSIDE_DOMAIN: (
        Text("名称超出签发机构获准的范围", "its name lies outside what its issuer may certify"),
        _OFFICER,
    ),
    Reason.TOO_LONG: (Text("证书链过长", "its chain is too long"), _OFFICER),
    Reason.MALFORMED: (Text("无法识读", "it cannot be read"), _REQUEST),
    Reason.TOO_LARGE: (Text("超过允许的长度", "it is larger than allowed"), _REQUEST),
    Reason.OUTSIDE_PROFILE: (
        Text("内容不合本平台的证书格式", "it does not keep to the profile of this platform"),
        _OFFICER,
    ),
    Reason.LIST_MISSING: (
        Text("没有签发机构的吊销列表", "there is no list of revoked certificates of its issuer"),
        _FETCH,
    ),
    Reason.LIST_STALE: (
        Text("签发机构的吊销列表已过期或尚未生效", "the issuer's list of revoked certificates is out of date"),
        _FETCH,
    ),
    Reason.LIST_FORGED: (
        Text("吊销列表的签名不实", "the signature of the list of revoked certificates is not genuine"),
        _FETCH,
    ),
    Reason.LIST_UNFIT: (
        Text(
            "吊销列表的形式不受支持（增量、间接、部分或含未知要件）",
            "the list of revoked certificates is of a form that is not"
            " supported (delta, indirect, partial, or with unknown critical parts)",
        ),
        _FETCH,
    ),
    Reason.REQUEST_FORGED: (
        Text("申请不是用所申请的密钥签名的", "the request is not signed with the key it asks for"),
        _REQUEST,
    ),
    Reason.REQUEST_UNFIT: (
        Text("申请的密钥或名称不合要求", "the key or the name in the request does not fit"),
        _REQUEST,
    ),
    Reason.TOKEN_UNFIT: (
        Text("登记凭据无效、已用过、已过期或属于他人", "the enrolment token is unknown, used, expired or another's"),
        _ENROL,
    ),
    Reason.TOO_EARLY: (
        Text("有效期未满三分之二，尚不续期", "less than two thirds of its life have passed"),
        Text("届时将自动续期，无需处理。", "It is renewed by itself when the time has come; nothing has to be done."),
    ),
    Reason.NOT_OURS: (Text("不是本机构签发的证书", "this authority did not issue it"), _ENROL),
    Reason.CLOCK: (
        Text("本机时钟早于已签发的吊销列表", "this machine's clock is behind the last list that was issued"),
        _CLOCK,
    ),
}


def refusal(reason: Reason, name: str) -> CertificateError:
    """Return the error for a reason; `name` says whose certificate, request or list it is."""
    why, remedy = _WORDS[reason]
    return CertificateError(name=name or "?", reason=reason.value, why=why, remedy=remedy)


def reason_of(error: CertificateError) -> Reason:
    """Return the reason that an error was made for."""
    return Reason(str(error.facts["reason"]))
