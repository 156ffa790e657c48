"""The staff bot's desk on the database: links, claims, and who is to hear of which case.

Runs in the process that writes; the staff bot reaches it over the control socket. Every answer is plain data.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from bot.beats import Beats
from bot.core.clock import Clock
from bot.store.database import Store, Tx
from bot.store.walls import wall
from escalation import reading, repo_staff
from escalation.accounts import CodeRefusedError
from escalation.acts import claim_case
from escalation.case import CaseClosedError, CaseTakenError, NoSuchCaseError
from escalation.office import Office
from escalation.policy import Actor, NotAllowedError, may, sight_of
from escalation.routing import sees
from escalation.seeing import see, see_waiting
from escalation.staffbot_alert import Outcome, StaffAlert
from escalation.staffbot_links import actor_by_chat, link_staffbot, linked_chats

_CURSOR = "staffbot_told"
#: Who accepts on a phone has this long to open the console, whose stream then keeps the lease.
_LEASE_MS = 180_000
#: A case that was told before is told again after one of these.
_AGAIN = frozenset({"woken", "lease_lost", "released", "transferred", "due", "overflowed"})
_OUTCOMES: tuple[tuple[type[Exception], Outcome], ...] = (
    (CaseTakenError, "taken"),
    (CaseClosedError, "closed"),
    (NoSuchCaseError, "not_yours"),
    (NotAllowedError, "not_yours"),
)
_REFUSALS = tuple(kind for kind, _ in _OUTCOMES)


class DatabaseDesk:
    """The desk where the database is."""

    def __init__(self, store: Store, office: Office, clock: Clock, beats: Beats) -> None:
        self._store = store
        self._office = office
        self._clock = clock
        self._beats = beats

    async def link(self, code: str, chat_id: str) -> bool:
        """Link a chat to the account whose one-time code this is; False when the code is not good."""
        now_ms = self._now_ms()
        try:
            await self._store.write(lambda tx: link_staffbot(tx, code=code, chat_id=chat_id, now_ms=now_ms))
        except CodeRefusedError:
            return False
        return True

    async def accept(self, chat_id: str, case_id: str) -> Outcome:
        """Take a case for the account of a chat; pressing again is the same as once."""
        now_ms = self._now_ms()

        def take(tx: Tx, actor: Actor) -> Outcome:
            claim_case(tx, self._office, actor=actor, case_id=case_id, now_ms=now_ms, lease_ms=_LEASE_MS)
            return "accepted"

        return await self._act(chat_id, take)

    async def see(self, chat_id: str, case_id: str) -> Outcome:
        """Note that the account of a chat has seen a case: its alerts rest for a while."""
        now_ms = self._now_ms()

        def note(tx: Tx, actor: Actor) -> Outcome:
            see(tx, self._office, actor=actor, case_id=case_id, now_ms=now_ms)
            return "seen"

        return await self._act(chat_id, note)

    async def see_waiting(self, chat_id: str, until_ms: int) -> Outcome:
        """Note the same for every urgent case that waited when a page was made."""
        now_ms = self._now_ms()

        def note(tx: Tx, actor: Actor) -> Outcome:
            see_waiting(tx, self._office, actor=actor, until_ms=until_ms, now_ms=now_ms)
            return "seen"

        return await self._act(chat_id, note)

    async def alerts(self, after: int | None) -> Sequence[StaffAlert]:
        """Give what waits since an event, oldest first; None goes on where the last process stopped."""
        self._beats.beat("staffbot")  # it asks every two seconds as long as it lives
        now_ms = self._now_ms()
        return await self._store.read(lambda connection: _alerts(connection, after, now_ms))

    async def told(self, event_id: int) -> None:
        """Remember that all up to this event were told."""
        sql = (
            "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
            " WHERE CAST(meta.value AS INTEGER) < ?"
        )
        await self._store.write(lambda tx: tx.raw.execute(sql, (_CURSOR, str(event_id), event_id)))

    def verbs(self) -> dict[str, Any]:
        """Give the control socket's verbs, answering plain data."""

        async def alerts(after: int | None) -> list[dict[str, Any]]:
            return [asdict(alert) for alert in await self.alerts(after)]

        return {
            "staffbot_link": self.link,
            "staffbot_accept": self.accept,
            "staffbot_see": self.see,
            "staffbot_see_waiting": self.see_waiting,
            "staffbot_alerts": alerts,
            "staffbot_told": self.told,
        }

    async def _act(self, chat_id: str, act: Callable[[Tx, Actor], Outcome]) -> Outcome:
        def write(tx: Tx) -> Outcome:
            actor = actor_by_chat(tx.connection, chat_id)
            if actor is None:
                return "not_linked"
            with wall(tx.connection, sight_of(actor, self._now_ms())):
                return act(tx, actor)

        try:
            return await self._store.write(write)
        except _REFUSALS as error:
            return next(outcome for kind, outcome in _OUTCOMES if isinstance(error, kind))

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def _alerts(connection: Connection, after: int | None, now_ms: int) -> list[StaffAlert]:
    if after is None:
        row = connection.exec_driver_sql("SELECT value FROM meta WHERE key = ?", (_CURSOR,)).fetchone()
        after = int(row[0]) if row else 0
    found = reading.alerts(connection, after)
    if not found:
        return []
    people = [(chat, actor) for chat, actor in linked_chats(connection) if may(actor, "case", "claim")]
    on_shift = {
        actor.staff_id for _, actor in people if repo_staff.shift_of(connection, actor.staff_id, now_ms) is not None
    }
    return [
        StaffAlert(
            event_id=item.event_id,
            case_id=item.case_id,
            code=item.code,
            tier=item.tier,
            at=item.at,
            chats=_whom(people, on_shift, item.desk, overflow=item.kind == "overflowed"),
            again=item.kind in _AGAIN,
        )
        for item in found
    ]


def _whom(people: Sequence[tuple[str, Actor]], on_shift: set[str], desk: str, *, overflow: bool) -> tuple[str, ...]:
    """Give the chats to tell: those on shift who may see the desk's cases; when there is none, all who may."""
    able = [(chat, actor) for chat, actor in people if sees(province=actor.province, desk=desk, overflow=overflow)]
    working = [chat for chat, actor in able if actor.staff_id in on_shift]
    return tuple(working or [chat for chat, _ in able])
