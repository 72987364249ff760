"""What can go wrong at the web edge."""

from __future__ import annotations

from collections.abc import Sequence

from chengyi.model.errors import ChengyiError, TerminalError
from chengyi.model.text import Text


def said_of(error: ChengyiError) -> Text:
    """Return how an error is said, with its advice."""
    return Text(f"{error.message('zh')}{error.advice('zh')}", f"{error.message('en')} {error.advice('en')}".strip())


class _SpokenError(TerminalError):
    """An error whose reason is given in both languages. Facts: reason (Text)."""

    def message(self, language: str = "zh") -> str:
        """Say what happened."""
        reason = self.facts["reason"]
        return reason.say(language) if isinstance(reason, Text) else str(reason)  # type: ignore[arg-type]


class AccountError(_SpokenError):
    """An account cannot be changed like this."""

    advice_zh = "请更正后重试；账号变更均已留痕。"
    advice_en = "Correct it and try again; every change of an account is on record."
    exit_code = 2

    @classmethod
    def incomplete(cls) -> AccountError:
        """Name or department is missing."""
        return cls(reason=Text("姓名和部门均须填写。", "Name and department are both needed."))

    @classmethod
    def bad_name(cls, username: str) -> AccountError:
        """The user name has the wrong form."""
        return cls(
            reason=Text(
                f"用户名“{username}”不合规则：3至32位，小写字母开头，可含数字和 . _ -。",
                f"The user name “{username}” is not allowed: 3 to 32 lower-case letters, digits or . _ -,"
                " beginning with a letter.",
            )
        )

    @classmethod
    def taken(cls, username: str) -> AccountError:
        """The user name exists."""
        return cls(reason=Text(f"用户名“{username}”已存在。", f"The user name “{username}” is taken."))

    @classmethod
    def own(cls) -> AccountError:
        """Nobody changes the own account."""
        return cls(reason=Text("不得变更本人账号的状态或角色。", "You may not change your own account."))

    @classmethod
    def administrator(cls) -> AccountError:
        """An administrator's password is reset at the machine."""
        return cls(
            reason=Text(
                "管理员口令只能在服务器本机重置（chengyi password 用户名），以保持三员分立。",
                "An administrator's password is reset at the machine only (chengyi password USER),"
                " so that the three stay separate.",
            )
        )


class PasswordError(_SpokenError):
    """A password is not accepted."""

    advice_zh = "口令至少12位，不含用户名，不用常见口令，且与最近5次不同。"
    advice_en = "At least 12 characters, not like the user name, not a common one, and none of the last five."
    exit_code = 2

    @classmethod
    def wrong(cls) -> PasswordError:
        """The present password is not this."""
        return cls(reason=Text("原口令不正确。", "The present password is not correct."))

    @classmethod
    def used(cls) -> PasswordError:
        """It was used before."""
        return cls(reason=Text("新口令与最近用过的口令相同。", "The new password was used recently."))

    @classmethod
    def different(cls) -> PasswordError:
        """It was not repeated alike."""
        return cls(reason=Text("两次输入的新口令不一致。", "The two new passwords differ."))

    @classmethod
    def weak(cls, reasons: Sequence[str]) -> PasswordError:
        """It breaks a rule; the framework says which, in the reader's language."""
        said = " ".join(reasons)
        return cls(reason=Text(said, said))
