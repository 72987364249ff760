"""Text that is shown to people, in both languages of the product."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """A label or sentence in Simplified Chinese and in English."""

    zh: str
    en: str

    def say(self, language: Language = "zh") -> str:
        """Return the text in one language."""
        return self.zh if language == "zh" else self.en
