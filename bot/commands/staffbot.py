"""`panah serve --role staffbot`: the staff bot's own process, asking the writing one over the control socket.

It holds the staff bot's token and nothing else: no key file, no database handle, no content.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot import control
from bot.errors import CommandError
from bot.settings import Settings
from bot.telemetry import Log, configure, guard_loop, guard_process
from escalation.staffbot_alert import DeskAwayError, Outcome, StaffAlert, alert_from_json


class SocketDesk:
    """The desk of the process that writes, reached over its control socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def link(self, code: str, chat_id: str) -> bool:
        """Link a chat with a one-time code."""
        return bool(await self._ask("staffbot_link", code=code, chat_id=chat_id))

    async def accept(self, chat_id: str, case_id: str) -> Outcome:
        """Take a case for the account of a chat."""
        outcome: Outcome = await self._ask("staffbot_accept", chat_id=chat_id, case_id=case_id)
        return outcome

    async def see(self, chat_id: str, case_id: str) -> Outcome:
        """Note that the account of a chat has seen a case."""
        outcome: Outcome = await self._ask("staffbot_see", chat_id=chat_id, case_id=case_id)
        return outcome

    async def see_waiting(self, chat_id: str, until_ms: int) -> Outcome:
        """Note the same for every urgent case that waited at a moment."""
        outcome: Outcome = await self._ask("staffbot_see_waiting", chat_id=chat_id, until_ms=until_ms)
        return outcome

    async def alerts(self, after: int | None) -> Sequence[StaffAlert]:
        """Give what waits since an event."""
        return [alert_from_json(plain) for plain in await self._ask("staffbot_alerts", after=after)]

    async def told(self, event_id: int) -> None:
        """Remember that all up to this event were told."""
        await self._ask("staffbot_told", event_id=event_id)

    async def _ask(self, verb: str, **wanted: Any) -> Any:
        try:
            return await control.call_async(self._path, verb, **wanted)
        except (control.NotRunningError, control.RefusedError) as error:
            raise DeskAwayError from error


def end_with_parent() -> None:
    """End this process when standard input ends: the `panah run` that started it is gone, even by kill -9."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def run_staffbot(settings: Settings) -> None:
    """Run the staff bot until it is stopped.

    Raises:
        CommandError: there is no token, or the provider refuses it.
    """
    if not settings.staffbot_token:
        raise CommandError("set PANAH_STAFFBOT_TOKEN to the staff bot's token first")
    from telegram.error import InvalidToken  # noqa: PLC0415 - imported only by the staff bot's own process

    from escalation.staffbot import StaffBot  # noqa: PLC0415

    log = configure()
    guard_process(log)
    bot = StaffBot(
        token=settings.staffbot_token,
        api=settings.staffbot_api,
        desk=SocketDesk(settings.socket),
        log=log,
    )
    try:
        asyncio.run(_run(bot, log))
    except InvalidToken as error:
        raise CommandError("the provider refuses PANAH_STAFFBOT_TOKEN; ask BotFather for the right one") from error


async def _run(bot: Any, log: Log) -> None:
    guard_loop(log)
    running = asyncio.ensure_future(bot.run())
    asked: list[bool] = []

    def stop() -> None:
        asked.append(True)
        running.cancel()

    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop)
    try:
        await running
    except asyncio.CancelledError:
        if not asked:
            raise
