"""Words in two languages: every text of a page stands in its template in both.

``{% t "中文" "English" %}`` says one of them; ``{% t "共 {n} 条" "{n} in all" n=total %}`` fills in values,
escaped. ``{% say text %}`` says a `Text`; ``{% code value %}`` says a code of a code table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from chengyi.console.labels import FIELD_TYPES, METADATA, label_of, tone_of, unit_text
from chengyi.console.values import title_of
from chengyi.model.text import Text
from chengyi.share import missing_text

register = template.Library()
NOT_PEOPLE = {
    "setup": Text("首次启动", "First start"),
    "machine": Text("服务器本机", "At the machine"),
    "unknown": Text("未知用户", "Unknown user"),
}
"""Who acts without an account: first start, the keeper of the machine, a name that no account has."""


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
def mark(context: Any, tone: str, zh: str, en: str, **values: object) -> SafeString:  # noqa: ANN401
    """Show words of our own as a status tag."""
    return format_html('<span class="tag {}">{}</span>', tone, t(context, zh, en, **values))


@register.simple_tag(takes_context=True)
def who(context: Any, id: str) -> str:  # noqa: ANN401
    """Say who acted: the name of an account, or that the node itself did."""
    if id.startswith("node:") or id == context.get("machine"):
        return str(t(context, "系统自动", "The node itself"))
    named = context["people"].get(id)
    return str(named) if named else NOT_PEOPLE.get(id, Text(id, id)).say(context.get("language", "zh"))


@register.simple_tag(takes_context=True)
def unit_of(context: Any, department: str) -> str:  # noqa: ANN401
    """Say which department: the node's own programs have none, and are named by the node."""
    if f"node:{department}" != context.get("machine"):
        return department
    place = say(context, context.get("place"))
    return str(t(context, "{place}（本节点）", "{place} (this node)", place=place))


@register.simple_tag(takes_context=True)
def left(context: Any, seconds: float | None) -> str:  # noqa: ANN401
    """Say about how long something will take still; nothing where that is not known."""
    if seconds is None:
        return ""
    if seconds < 90:
        return str(t(context, "约剩 {n} 秒", "about {n} s left", n=max(1, round(seconds))))
    if seconds < 90 * 60:
        return str(t(context, "约剩 {n} 分钟", "about {n} min left", n=round(seconds / 60)))
    return str(t(context, "约剩 {n} 小时", "about {n} h left", n=round(seconds / 3600)))


@register.simple_tag(takes_context=True)
def element(context: Any, name: str) -> str:  # noqa: ANN401
    """Say a data element by its title."""
    return title_of(name).say(context.get("language", "zh"))


@register.simple_tag(takes_context=True)
def kind_of(context: Any, type: str) -> str:  # noqa: ANN401
    """Say the type of a data element."""
    return FIELD_TYPES.get(type, Text(type, type)).say(context.get("language", "zh"))


@register.simple_tag(takes_context=True)
def named(context: Any, key: str) -> str:  # noqa: ANN401
    """Say the name of one piece of metadata."""
    return METADATA.get(key, Text(key, key)).say(context.get("language", "zh"))


@register.simple_tag(takes_context=True)
def group(context: Any, value: str) -> str:  # noqa: ANN401
    """Say a group of figures: the whole, or what the rule grouped by."""
    return str(t(context, "全部", "All")) if value == "all" else _area(context, value)


@register.simple_tag(takes_context=True)
def subject(context: Any, value: str) -> str:  # noqa: ANN401
    """Write the subject of an alert: what it is about, and for which time."""
    about, at, time = value.partition("@")
    return _area(context, about) + at.replace("@", " · ") + time


def _area(context: Any, code: str) -> str:  # noqa: ANN401
    name = context["areas"].get(code)
    return code if name is None else str(name.say(context.get("language", "zh")))


@register.filter
def pick(values: Mapping[str, object], key: str) -> object:
    """Look up a word; what is not known stands as it is."""
    return values.get(key) or key


@register.filter
def halves(value: str) -> tuple[str, str]:
    """Split the name of a dataset at a version."""
    name, _, version = value.rpartition("@")
    return name or version, version if name else ""


@register.filter
def in_language(text: Text, language: str) -> str:
    """Say a text within another sentence."""
    return text.en if language == "en" else text.zh


@register.simple_tag(takes_context=True)
def unit(context: Any, value: str) -> str:  # noqa: ANN401
    """Say the unit of a data element."""
    return unit_text(value).say(context.get("language", "zh")) or "—"
