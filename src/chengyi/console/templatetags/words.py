"""Words in two languages: every text of a page stands in its template in both.

``{% t "中文" "English" %}`` says one of them; ``{% t "共 {n} 条" "{n} in all" n=total %}`` fills in values,
escaped. ``{% say text %}`` says a `Text`; ``{% code value %}`` says a code of a code table.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from chengyi.console.labels import label_of, tone_of
from chengyi.model.text import Text
from chengyi.share import missing_text

register = template.Library()


@register.simple_tag(takes_context=True)
def t(context: Any, zh: str, en: str, **values: object) -> SafeString:  # noqa: ANN401
    """Say one of two sentences, with values filled in."""
    sentence = en if context.get("language") == "en" else zh
    return format_html(sentence, **values) if values else conditional_escape(sentence)


@register.simple_tag(takes_context=True)
def say(context: Any, text: Text | str | None) -> str:  # noqa: ANN401
    """Say a text in the reader's language."""
    if text is None:
        return "—"
    return text.say(context.get("language", "zh")) if isinstance(text, Text) else str(text)


@register.simple_tag(takes_context=True)
def code(context: Any, value: object) -> str:  # noqa: ANN401
    """Say a code of a code table."""
    return label_of(value).say(context.get("language", "zh"))


@register.simple_tag(takes_context=True)
def missing(context: Any, value: str) -> str:  # noqa: ANN401
    """Say what an answer did not reach."""
    return missing_text(value).say(context.get("language", "zh"))


@register.simple_tag(takes_context=True)
def tag(context: Any, value: object) -> SafeString:  # noqa: ANN401
    """Show a code as a status tag; the words carry the meaning, the colour only helps."""
    return format_html('<span class="tag {}">{}</span>', tone_of(value), code(context, value))


@register.simple_tag(takes_context=True)
def mark(context: Any, tone: str, zh: str, en: str) -> SafeString:  # noqa: ANN401
    """Show words of our own as a status tag."""
    return format_html('<span class="tag {}">{}</span>', tone, t(context, zh, en))
