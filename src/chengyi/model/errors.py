"""One error family for the whole product.

Every error is a `ChengyiError`. Its class says in both languages what happened and what to do;
its `facts` say where (source, file, row, field ...). `exit_code` is what the command line returns.
`TransientError` may succeed when tried again unchanged; `TerminalError` will not.
Names end in ``Error``; a new error is a new class, never a new message on an old one.
"""

from typing import ClassVar

from chengyi.model.text import Language, Text


class ChengyiError(Exception):
    """Base of all errors that this product raises on purpose."""

    zh: ClassVar[str] = "操作未完成。"
    en: ClassVar[str] = "The operation was not completed."
    advice_zh: ClassVar[str] = ""
    advice_en: ClassVar[str] = ""
    exit_code: ClassVar[int] = 1

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.message("en"))

    def __getattr__(self, name: str) -> object:
        facts = self.__dict__.get("facts", {})
        if name in facts:
            return facts[name]
        raise AttributeError(name)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.facts))

    def message(self, language: Language = "zh") -> str:
        """Say what happened, and where."""
        return self._fill(self.zh if language == "zh" else self.en)

    def advice(self, language: Language = "zh") -> str:
        """Say what the reader can do about it."""
        return self._fill(self.advice_zh if language == "zh" else self.advice_en)

    def _fill(self, template: str) -> str:
        return template.format_map(_Facts(self.facts))


class _Facts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"


def _rebuild(kind: type[ChengyiError], facts: dict[str, object]) -> ChengyiError:
    return kind(**facts)


class TerminalError(ChengyiError):
    """Trying again unchanged cannot help."""


class TransientError(ChengyiError):
    """Trying again later may help."""

    exit_code = 75


class UsageError(TerminalError):
    """The caller asked for something that does not make sense."""

    zh = "无法执行：{why}。"
    en = "Cannot do that: {why}."
    exit_code = 2


class ConfigError(TerminalError):
    """A configuration file is missing, malformed or contradictory. Facts: file, key, why."""

    zh = "配置有误：文件 {file}，项 {key}：{why}。"
    en = "Configuration error in {file}, key {key}: {why}."
    advice_zh = "请修改该文件后重试；各项含义见 docs/sources.md。"
    advice_en = "Correct the file and try again; docs/sources.md explains each key."
    exit_code = 78


class HomeError(TerminalError):
    """A node home is absent, not empty, or of another version. Facts: home, why."""

    zh = "节点目录 {home} 不可用：{why}。"
    en = "The node home {home} cannot be used: {why}."
    advice_zh = "用 chengyi init --home 目录 新建节点，或用 --home 指定已有节点。"
    advice_en = "Create one with `chengyi init --home DIR`, or point --home at an existing one."
    exit_code = 66


class BadInputError(TerminalError):
    """Input cannot be accepted as it is. Facts: source, file, row, field, why."""

    zh = "输入有误：来源 {source}，文件 {file}，行 {row}，字段 {field}：{why}。"
    en = "Bad input: source {source}, file {file}, row {row}, field {field}: {why}."
    advice_zh = "好的部分已继续处理；请修正后重新报送，原件已隔离保存。"
    advice_en = "The good part went on; correct it and deliver again. The original is kept in quarantine."
    exit_code = 65


class NotFoundError(TerminalError):
    """There is no such thing, or the caller may not know of it. Facts: kind, id."""

    zh = "未找到{kind} {id}，或无权查看。"
    en = "No {kind} {id} was found, or you may not see it."
    advice_zh = "请核对编号；如确需使用，请通过目录提出共享申请。"
    advice_en = "Check the identifier; to use it, ask for it through the catalogue."
    exit_code = 69


class DeniedError(TerminalError):
    """The actor may not do this. Facts: actor, action."""

    zh = "{actor} 无权执行“{action}”。"
    en = "{actor} may not do “{action}”."
    advice_zh = "请联系安全管理员核定角色。"
    advice_en = "Ask the security administrator to review your role."
    exit_code = 77


class IntegrityError(TerminalError):
    """Stored bytes or a proof are not what they should be. Facts: object, why."""

    zh = "完整性校验未通过：{object}：{why}。"
    en = "Integrity check failed for {object}: {why}."
    advice_zh = "请勿继续使用该对象；用 chengyi verify 查明范围，并从副本恢复。"
    advice_en = "Do not use the object; run `chengyi verify` to see the extent, and restore from a copy."
    exit_code = 76


class MessageRefusedError(TerminalError):
    """A request between nodes is not signed as it has to be. Facts: reason, sender, why."""

    zh = "节点间请求未予受理（密钥 {sender}）：{why}。"
    en = "A request between nodes was refused (key {sender}): {why}."
    advice_zh = "请发送方核对本机时钟、节点证书与对方地址，重新签名后再发；拒绝已留痕。"
    advice_en = (
        "The sender should check its clock, certificate and the address, and sign anew; the refusal is on record."
    )
    exit_code = 77


class SplitViewError(IntegrityError):
    """A ledger, or a witness, signed two views that cannot both be true. Facts: object, why, evidence."""

    zh = "账本 {object} 出示了互相矛盾的版本：{why}。"
    en = "The ledger {object} shows views that contradict each other: {why}."
    advice_zh = "在查明之前请勿信任该账本；证据保存在 {evidence}，可用 chengyi-verify split 离线核验并交审计方。"
    advice_en = (
        "Do not trust the ledger before this is explained; the evidence is kept in {evidence}: check it offline with"
        " `chengyi-verify split` and hand it to the auditors."
    )


class CosigningRefusedError(TerminalError):
    """A witness does not cosign what it was sent. Facts: origin, why, status (HTTP)."""

    zh = "不予会签账本 {origin} 的检查点：{why}。"
    en = "A checkpoint of the ledger {origin} is not cosigned: {why}."
    advice_zh = "请核对账本名称、公钥登记和所附的一致性证明，然后重新提交最新检查点。"
    advice_en = (
        "Check the ledger's name, its registered key and the consistency proof, then send the latest checkpoint."
    )
    exit_code = 76


class WitnessError(TransientError):
    """A witness cannot be reached, is too slow, or answers nonsense. Facts: witness, why."""

    zh = "见证方 {witness} 未能会签：{why}。"
    en = "The witness {witness} did not cosign: {why}."
    advice_zh = "写入不受影响；请联系该见证方，或稍后用 chengyi ledger publish 重试。"
    advice_en = "Writing goes on; ask the witness, or try again later with `chengyi ledger publish`."


class ErasedError(TerminalError):
    """The body of an act was erased as the law demands. Facts: index, at, by, approved_by, reason, basis, entry."""

    zh = "第 {index} 条行为的内容已于 {at} 由 {by} 清除（{approved_by} 复核），事由：{reason}，依据：{basis}。"
    en = "The body of act {index} was erased at {at} by {by}, approved by {approved_by}: {reason} ({basis})."
    advice_zh = "账本仍保有该条的摘要；清除本身记于第 {entry} 条，可取其回执核验。"
    advice_en = "The ledger still holds its digest; the erasure is entry {entry}, whose receipt can be checked."
    exit_code = 69


class AnchorError(TransientError):
    """A chain did not take a checkpoint in; nothing was lost. Facts: chain, why."""

    zh = "锚定未成功（{chain}）：{why}。"
    en = "The checkpoint was not anchored on {chain}: {why}."
    advice_zh = "写入不受影响，检查点留在队列中；排除原因后用 chengyi anchor now 重试。"
    advice_en = "Writing goes on and the checkpoint stays queued; mend the cause, then run `chengyi anchor now`."


class StampError(TransientError):
    """A time-stamp authority's answer is not accepted. Facts: authority, why."""

    zh = "时间戳未取得（{authority}）：{why}。"
    en = "There is no time-stamp from {authority}: {why}."
    advice_zh = "写入不受影响；请核对时间戳服务的地址、证书与本机时钟后重试。"
    advice_en = "Writing goes on; check the authority's address, its certificate and your clock, then try again."


class PassphraseError(TerminalError):
    """The passphrase of a key file is missing or does not fit. Facts: file."""

    zh = "口令缺失或不符，密钥文件 {file} 未能打开。"
    en = "The passphrase is missing or does not fit; the key file {file} was not opened."
    advice_zh = "密钥文件未作任何改动；请核对口令后重试。"
    advice_en = "The key file was not changed; check the passphrase and try again."
    exit_code = 77


class CertificateError(TerminalError):
    """A certificate, a request for one or a list of revoked ones is not accepted.

    Facts: name, reason (a word for programs), why and remedy (both a `Text`).
    """

    zh = "证书不予接受：{name}：{why}。"
    en = "The certificate was not accepted: {name}: {why}."
    advice_zh = "{remedy}"
    advice_en = "{remedy}"
    exit_code = 77

    def message(self, language: Language = "zh") -> str:
        """Say what is not accepted, and why."""
        return (self.zh if language == "zh" else self.en).format_map(self._said(language))

    def advice(self, language: Language = "zh") -> str:
        """Say what the reader can do about it."""
        return (self.advice_zh if language == "zh" else self.advice_en).format_map(self._said(language))

    def _said(self, language: Language) -> "_Facts":
        facts = {name: fact.say(language) if isinstance(fact, Text) else fact for name, fact in self.facts.items()}
        return _Facts(facts)


class SelfTestError(TerminalError):
    """The cryptographic self-test at start failed, or not all of it ran. Facts: failed, ran, expected."""

    zh = "密码自检未通过：{failed}（完成 {ran} 项，应有 {expected} 项）；节点未启动。"
    en = "The cryptographic self-test failed: {failed} ({ran} tests ran of {expected}); the node was not started."
    advice_zh = "请勿在本机继续使用；核对安装包与系统库的来源和完整性，重新安装后再启动。已存内容未作任何改动。"
    advice_en = (
        "Do not go on with this installation: check where its packages and system libraries came from, install it anew"
        " and start again. Nothing that is stored was touched."
    )
    exit_code = 76


class StorageFullError(TransientError):
    """No room left to write. Facts: path."""

    zh = "存储空间不足：{path}。"
    en = "No space left to write {path}."
    advice_zh = "已写入的内容完好；腾出空间后重新运行即可接续。"
    advice_en = "What was written is whole; free some space and run again to continue."
    exit_code = 74


class AccessError(TerminalError):
    """The operating system does not let this user read or write there. Facts: path."""

    zh = "无权读写：{path}。"
    en = "The operating system refuses to read or write {path}."
    advice_zh = "请检查该处的权限与挂载方式（是否只读），或换用有权限的用户。"
    advice_en = "Check its permissions and whether it is mounted read-only, or use another account."
    exit_code = 77


class MemoryLimitError(TransientError):
    """A computation needs more memory than the node may use."""

    zh = "计算所需内存超过节点的上限，本步未完成。"
    en = "A computation needs more memory than this node may use; this step was not finished."
    advice_zh = "已完成的部分完好；请调高 node.toml 中 [tables] memory，或在内存更大的机器上再次运行。"
    advice_en = "What was done is whole; raise [tables] memory in node.toml, or run again on a larger machine."
    exit_code = 75


class DeviceError(TransientError):
    """Reading or writing failed for another reason than room or rights. Facts: path, why."""

    zh = "读写失败：{path}：{why}。"
    en = "Reading or writing {path} failed: {why}."
    advice_zh = "已写入的内容完好；请检查磁盘或网络盘后重新运行。"
    advice_en = "What was written is whole; check the disk or network drive and run again."
    exit_code = 74


class BusyError(TransientError):
    """Another process is working on this home. Facts: home, holder."""

    zh = "节点 {home} 正由另一进程（{holder}）处理。"
    en = "Another process ({holder}) is working on {home}."
    advice_zh = "请等待其结束后重试。"
    advice_en = "Wait until it has finished, then try again."


class UnsettledError(TransientError):
    """A file changed while it was read. Facts: source, file."""

    zh = "来源 {source} 的文件 {file} 在读取过程中仍在变化，本次未收。"
    en = "File {file} of source {source} changed while it was read; it was not taken this time."
    advice_zh = "写完后再次运行即可收入。"
    advice_en = "Run again when it is complete."


class UnreachableError(TransientError):
    """A source cannot be reached now. Facts: source, why."""

    zh = "来源 {source} 暂不可达：{why}。"
    en = "Source {source} cannot be reached now: {why}."
    advice_zh = "请检查路径、网络或账号后重试；其他来源不受影响。"
    advice_en = "Check the path, network or account and try again; other sources are not affected."
