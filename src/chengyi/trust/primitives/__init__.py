"""Primitives: hashes, ciphers and national algorithms; no state, no files, no clock."""

from chengyi.model.errors import TerminalError


class LibraryMissing(TerminalError):
    """A library of the operating system is absent, or too old for what is asked of it. Facts: library, what."""

    zh = "本机的系统库 {library} 缺失或不支持 {what}。"
    en = "The system's library {library} is absent or does not offer {what}."
    advice_zh = "请用操作系统的软件包安装该库或更新版本；不启用国密套件时无需此库。"
    advice_en = (
        "Install or update it from the operating system's packages; without the national suite it is not needed."
    )
    exit_code = 78
