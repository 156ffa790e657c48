"""An OpenAPI description of the console's port, made from its table of routes; docs/console.openapi.json shows it.

For tools that try strange input (schemathesis), not for programs of others: the console's routes serve its own pages.
"""

import re
from typing import Any

from escalation.console.app import OPEN, ROUTES, WAITING

_NAME = re.compile(r"\{(\w+)(?::\w+)?\}")
#: What a form of each act carries besides the token of the page; what stands nowhere here carries nothing.
FIELDS: dict[str, tuple[str, ...]] = {
    "/login": ("username", "password", "next"),
    "/login/code": ("code", "next"),
    "/unlock": ("password", "next"),
    "/first/{code}": ("name", "username", "password", "again", "answers"),
    "/invite/{code}": ("password", "again"),
    "/shift": ("to",),
    "/cases/{case_id}/messages": ("token", "text", "command"),
    "/cases/{case_id}/safe-contact": ("token", "way", "phone", "hours", "who", "cover"),
    "/cases/{case_id}/notes": ("text",),
    "/cases/{case_id}/refer": ("token", "to"),
    "/cases/{case_id}/transfer": ("token", "desk", "text"),
    "/cases/{case_id}/forms/{form}": ("token",),
    "/cases/{case_id}/raise": ("token", "tier"),
    "/cases/{case_id}/lower": ("token", "tier", "reason"),
    "/cases/{case_id}/close": ("token", "outcome", "reason"),
    "/cases/{case_id}/undo-claim": ("token",),
    "/cases/{case_id}/release": ("token",),
    "/cases/{case_id}/hand-back": ("token",),
    "/me/password": ("old", "password"),
    "/me/sessions/end": ("session",),
    "/me/devices/end": ("device",),
    "/second/begin": ("password",),
    "/second/confirm": ("code", "secret"),
    "/second/codes": ("code",),
    "/second/remove": ("code", "sure"),
    "/staff/invite": ("name", "username", "province", "roles"),
    "/staff/{staff_id}/roles": ("roles", "province"),
    "/staff/{staff_id}/second-off": ("password", "sure"),
    "/audit": ("who", "kind", "case", "day"),
}
_DOES = {
    "200": "the page, or data",
    "204": "done, for a script of the page",
    "303": "done; where to go on",
    "401": "nobody is signed in",
    "403": "her role does not include it, or the form is not of a page of ours",
    "404": "there is none on her desk",
    "409": "the world is no longer as her page shows it",
    "410": "a one-time link that is good no more",
    "413": "too large",
    "422": "not complete, or not in its form",
    "429": "too many tries",
}


def describe() -> dict[str, Any]:
    """Give the description."""
    paths: dict[str, dict[str, Any]] = {}
    for method, route, _, need in ROUTES:
        path = _NAME.sub(r"{\1}", route)
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, need)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Panah console", "version": "1"},
        "paths": paths,
        "components": {"securitySchemes": {"staff": {"type": "apiKey", "in": "cookie", "name": "panah-staff"}}},
    }


def _operation(method: str, path: str, need: tuple[str, str] | None) -> dict[str, Any]:
    names = _NAME.findall(path)
    operation: dict[str, Any] = {
        "summary": "open"
        if need is OPEN
        else "a sign-in that waits"
        if need == WAITING
        else " ".join(need or ()).strip(),
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in names
        ],
        "responses": {status: {"description": words} for status, words in _DOES.items()},
        "security": [] if need is OPEN else [{"staff": []}],
    }
    if method == "POST":
        fields = {name: {"type": "string"} for name in FIELDS.get(path, ())}
        schema = {"type": "object", "properties": fields}
        operation["requestBody"] = {"content": {"application/x-www-form-urlencoded": {"schema": schema}}}
    return operation
