"""The row of one promise of the clock, as both sides plan it (table `due`, written by bot.due.PLAN). Pure."""

import json
from collections.abc import Mapping
from typing import Any


def due_row(
    kind: str,
    subject: str,
    step: str,
    *,
    due_at: int,
    now_ms: int,
    contact_id: str = "",
    detail: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Give one step of a plan: (kind, subject, step) names it for ever, `detail` holds codes only."""
    return {
        "kind": kind,
        "subject": subject,
        "step": step,
        "contact_id": contact_id,
        "detail": json.dumps(dict(detail or {})),
        "planned_at": now_ms,
        "due_at": due_at,
    }
