"""What can go wrong in sharing; each refusal says why and what the asker may do."""

from chengyi.model.errors import TerminalError


class WithheldError(TerminalError):
    """A dataset is not shared at all. Facts: dataset, basis."""

    zh = "数据集 {dataset} 不予共享：{basis}。"
    en = "Dataset {dataset} is withheld: {basis}."
    advice_zh = "如对不予共享有异议，请向数据提供部门或本级政务数据主管部门提出。"
    advice_en = "If you dispute this, turn to the providing department or to the authority for government data."
    exit_code = 77


class GrantEndedError(TerminalError):
    """A grant is not yet in force, has expired, or was revoked. Facts: grant, why."""

    zh = "授权 {grant} 不在有效期内：{why}。"
    en = "Grant {grant} is not in force: {why}."
    advice_zh = "如仍需使用，请重新提出共享申请。"
    advice_en = "Ask for the data again if it is still needed."
    exit_code = 77


class OutsideGrantError(TerminalError):
    """A use lies outside the grant: another case, or a field that was not granted. Facts: grant, why."""

    zh = "超出授权 {grant} 的范围：{why}。"
    en = "This use lies outside grant {grant}: {why}."
    advice_zh = "请仅按授权载明的用途、事项和字段使用；确需扩大范围的，另行申请。"
    advice_en = "Keep to the purpose, case and fields of the grant; ask again for anything wider."
    exit_code = 77


class SettledRequestError(TerminalError):
    """A request was answered already. Facts: request, state."""

    zh = "申请 {request} 已办结（{state}），不能再次答复。"
    en = "Request {request} was answered already ({state})."
    exit_code = 65
