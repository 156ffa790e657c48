"""What the editor's pages share: what they are built from, the frame they are handed, and the form they read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs

from sqlalchemy import Connection, select
from starlette.requests import Request
from starlette.responses import Response

from bot.bus import Bus
from bot.core.clock import Clock
from bot.core.ids import IdSource
from bot.core.screening import Screening
from bot.engine.issues import Issue
from bot.engine.model import Bundle
from bot.publishing import Act
from bot.store import schema
from bot.store.audit import append
from bot.store.database import Store, Tx

#: Where the console mounts these routes.
PREFIX = "/flows"
#: For the port's template search path; the editor's templates are under studio/.
TEMPLATES = Path(__file__).parent / "templates"


class Shell(Protocol):
    """The frame of the port the editor lives in: sign-in, permissions, page. Tokens are checked before our routes."""

    def require(self, request: Request, target: str, action: str) -> Any:
        """Give who is signed in (`staff_id`, `name`) if she may; raise the port's own refusal otherwise."""
        ...

    def allowed(self, request: Request, target: str, action: str) -> bool:
        """True when somebody is signed in who may."""
        ...

    def page(
        self, request: Request, template: str, context: Mapping[str, Any] | None = None, status: int = 200
    ) -> Response:
        """Render a template of ours inside the port's frame."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioDeps:
    """What the editor is built from. `screen` reads a label for danger; `run_talks` runs the scripts' own tests."""

    store: Store
    bus: Bus
    clock: Clock
    ids: IdSource
    flows_dir: Path
    screen: Callable[[str], Screening]
    run_talks: Callable[[Bundle], list[Issue]]

    def act(self, actor: Any, note: str = "") -> Act:
        """Give who acts now, and what she says about it."""
        now_ms = int(self.clock.now().timestamp() * 1000)
        return Act(by=str(actor.staff_id), now_ms=now_ms, note=note.strip()[:500])


async def read_fields(request: Request) -> dict[str, str]:
    """Read a posted form; the first of a name counts, what cannot be decoded is replaced."""
    body = (await request.body()).decode("utf-8", "replace")
    try:
        found = parse_qs(body, keep_blank_values=True, max_num_fields=50, errors="replace")
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def names_of_staff(connection: Connection) -> dict[str, str]:
    """Give what colleagues call each other, by account."""
    table = schema.staff.c
    return {row.id: row.name for row in connection.execute(select(table.id, table.name))}


def record(tx: Tx, act: Act, action: str, target_id: str) -> None:
    """Write an act on the scripts into the audit, in the act's own transaction."""
    append(tx, actor=act.by, action=action, target="flow", target_id=target_id, reason=act.note, at=act.now_ms)


def moment(at_ms: int) -> datetime:
    """Give a stored time as a moment."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)
