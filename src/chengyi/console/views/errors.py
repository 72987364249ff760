"""Pages for what went wrong: calm, with advice, never a traceback.

Rules: absent and forbidden are the same page.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.loader import render_to_string

from chengyi.model.errors import ChengyiError, DeniedError, IntegrityError, NotFoundError, TransientError
from chengyi.model.text import Text

if TYPE_CHECKING:
    from chengyi.console.door import Door

ABSENT = Text("没有此页面，或无权查看。", "There is no such page, or you may not see it.")
ABSENT_ADVICE = Text(
    "请核对地址；如需权限，请联系安全管理员核定角色。",
    "Check the address; to see more, ask the security administrator to review your role.",
)
STATUS: tuple[tuple[type[ChengyiError], int], ...] = (
    (NotFoundError, 404),
    (DeniedError, 404),
    (IntegrityError, 409),
    (TransientError, 503),
)


def absent(request: HttpRequest, exception: Any = None) -> HttpResponse:  # noqa: ANN401, ARG001
    """Answer what is not there and what may not be seen alike."""
    return _page(request, 404, Text("未找到", "Not found"), ABSENT, ABSENT_ADVICE)


def calm(request: HttpRequest, error: ChengyiError) -> HttpResponse:
    """Answer an error of the product with its message and advice."""
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 422)
    if status == 404:
        return absent(request)
    message = Text(error.message("zh"), error.message("en"))
    advice = Text(error.advice("zh"), error.advice("en"))
    title = Text("暂时无法完成", "Not possible just now") if status == 503 else Text("未能完成", "This was not done")
    return _page(request, status, title, message, advice)


def wrong_method(request: HttpRequest, door: Door) -> HttpResponse:
    """Answer a method that the page does not know."""
    refused = HttpResponseNotAllowed(sorted(door.methods))
    page = _page(request, 405, Text("方式不对", "Not like this"), ABSENT, ABSENT_ADVICE)
    refused.content = page.content
    return refused


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """Answer a form that did not come from our own page, or came too late."""
    message = Text("表单已失效，未作任何更改。", "The form is no longer valid; nothing was changed.")
    return _page(
        request,
        403,
        Text("请重新提交", "Please send it again"),
        message,
        Text("请返回后刷新页面重试。", "Go back, reload and try again."),
    )


def malformed(request: HttpRequest, exception: Any = None) -> HttpResponse:  # noqa: ANN401, ARG001
    """Answer a request that makes no sense, such as one for another host."""
    message = Text("请求不合规则，未予受理。", "The request is malformed and was not accepted.")
    return _page(
        request,
        400,
        Text("请求有误", "Bad request"),
        message,
        Text("请从首页重新进入。", "Start again from the home page."),
    )


def too_large(request: HttpRequest) -> HttpResponse:
    """Answer a request that carries more than any form of ours does."""
    message = Text("提交的内容过大，未予受理。", "Too much was sent; it was not accepted.")
    return _page(
        request, 413, Text("内容过大", "Too large"), message, Text("请减少后重试。", "Send less and try again.")
    )


def fault(request: HttpRequest) -> HttpResponse:
    """Answer a fault of the program; the log has the rest."""
    message = Text("系统内部错误，操作未完成。", "An internal error; the operation was not completed.")
    advice = Text(
        "已写入的内容完好。请稍后重试；若再次出现，请告知系统管理员。",
        "What was written is whole. Try again later; if it happens again, tell the system administrator.",
    )
    return _page(request, 500, Text("系统错误", "Internal error"), message, advice)


def _page(request: HttpRequest, status: int, title: Text, message: Text, advice: Text) -> HttpResponse:
    values = {"title": title, "message": message, "advice": advice, "status": status, "number": secrets.token_hex(4)}
    frameless = status in {400, 413, 500} or not hasattr(request, "language")
    if frameless:
        values["language"] = getattr(request, "language", "zh")
        return HttpResponse(render_to_string("console/error_bare.html", values), status=status)
    return HttpResponse(render_to_string("console/error.html", values, request), status=status)
