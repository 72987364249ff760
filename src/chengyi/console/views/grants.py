"""Grants: using one for a case, and taking one back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.views.page import codes_of, said, show, text_of, titles_of
from chengyi.model.actor import Permission
from chengyi.model.dataset import EVIDENCE_COLUMNS
from chengyi.model.errors import NotFoundError
from chengyi.model.grant import Grant, View
from chengyi.model.text import Text

ROWS = 50


@opens(Permission.USE_GRANT, Permission.GRANT)
def listing(request: HttpRequest) -> HttpResponse:
    """List the grants that concern the actor."""
    values = {"grants": node_of(request).share.grants(request.actor), "now": _now(request)}
    return show(request, "grants.html", {**values, "titles": titles_of(request)})


@opens(Permission.USE_GRANT, Permission.GRANT)
def page(request: HttpRequest, id: str) -> HttpResponse:
    """Show one grant with the forms that use it or take it back."""
    return show(request, "grant.html", _values(request, _find(request, id)))


@opens(Permission.USE_GRANT, post=True)
def use(request: HttpRequest, id: str) -> HttpResponse:
    """Show the granted rows, masked, with what they do not reach; the reading is on record."""
    grant = _find(request, id)
    field, value, case = (text_of(request, name, 200) for name in ("field", "value", "case"))
    filters = {field: value} if field and value else None
    view: View = node_of(request).share.view(request.actor, id, case=case, limit=ROWS, filters=filters)
    columns = [name for name in view.rows.column_names if name not in EVIDENCE_COLUMNS]
    rows = _rows(view, columns)
    values = {"view": view, "columns": _titled(request, grant, columns), "rows": rows, "case": case}
    values["codes"] = codes_of(request, (row["package"] for row in rows))
    return show(request, "grant.html", {**_values(request, grant), **values, "field": field, "value": value})


@opens(Permission.GRANT, post=True)
def revoke(request: HttpRequest, id: str) -> HttpResponse:
    """Take a grant back with a reason."""
    node_of(request).share.revoke(request.actor, id, text_of(request, "reason"))
    said(request, Text("授权已撤销。", "The grant was revoked."))
    return redirect("grants")


def _values(request: HttpRequest, grant: Grant) -> dict[str, Any]:
    now = _now(request)
    return {
        "grant": grant,
        "titles": titles_of(request),
        "fields": _titled(request, grant, grant.fields),
        "in_force": grant.revoked_at is None and grant.not_before <= now < grant.expires,
        "may_use": request.actor.may(Permission.USE_GRANT),
        "may_revoke": request.actor.may(Permission.GRANT) and grant.revoked_at is None,
    }


def _titled(request: HttpRequest, grant: Grant, names: Any) -> list[tuple[str, Text]]:  # noqa: ANN401
    titles = {field.name: field.title for field in node_of(request).share.entry(grant.dataset, request.actor).fields}
    return [(name, titles.get(name, Text(name, name))) for name in names]


def _rows(view: View, columns: list[str]) -> list[dict[str, Any]]:
    rows = view.rows.slice(0, ROWS).to_pylist()
    return [
        {
            "cells": [(name in view.masked, "" if row[name] is None else str(row[name])) for name in columns],
            "package": row.get("_package", ""),
            "row": row.get("_row", 0),
        }
        for row in rows
    ]


def _find(request: HttpRequest, id: str) -> Grant:
    for grant in node_of(request).share.grants(request.actor):
        if grant.id == id:
            found: Grant = grant
            return found
    raise NotFoundError(kind="授权", id=id)


def _now(request: HttpRequest) -> Any:  # noqa: ANN401
    return node_of(request).clock.now()
