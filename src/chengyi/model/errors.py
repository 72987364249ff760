"""One error family for the whole product.

Every error is a `ChengyiError`. Its class says in both languages what happened and what to do;
its `facts` say where (source, file, row, field ...). `exit_code` is what the command line returns.
`TransientError` may succeed when tried again unchanged; `TerminalError` will not.
Names end in ``Error``; a new error is a new class, never a new message on an old one.
"""

from typing import ClassVar

from chengyi.model.text import Language


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


class PassphraseError(TerminalError):
    """The passphrase of a key file is missing or does not fit. Facts: file."""

    zh = "口令缺失或不符，密钥文件 {file} 未能打开。"
    en = "The passphrase is missing or does not fit; the key file {file} was not opened."
    advice_zh = "密钥文件未作任何改动；请核对口令后重试。"
    advice_en = "The key file was not changed; check the passphrase and try again."
    exit_code = 77


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
