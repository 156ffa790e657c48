"""The staff bot: a process and a token of its own, which tells linked staff that a case waits and lets them take it.

Telegram learns a case's code and tier and nothing else, ever. Buttons are short versioned strings that are checked
against the database at the press, so an old one does no harm and a restart forgets nothing that matters. The desk
behind it is a Protocol: over the control socket in production, the database itself in tests.
"""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from telegram import Bot, CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, MessageHandler, filters

from bot.telemetry import Log
from escalation.staffbot_alert import Desk, DeskAwayError, Outcome, StaffAlert
from escalation.staffbot_buttons import Press, accept_callback, page_callback, read_callback, seen_callback
from escalation.staffbot_storm import Storm
from escalation.staffbot_words import ANSWERS, LABEL_ACCEPT, LABEL_SEEN, OUTCOMES, alert_text, list_text

ALERT_EVERY_S = 2.0
_BACK_OFF_MAX_S = 30.0
#: The shape of the console's code, in Base32.
_CODE = re.compile(r"[A-Za-z2-7]{16}")

# httpx writes every URL, and so the token, at INFO
for _name in ("httpx", "httpcore", "telegram"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(slots=True)
class _Told:
    """What this process has said already, and where, so that a retry says nothing twice."""

    keys: set[tuple[str, str, str]] = field(default_factory=set)
    places: dict[str, list[tuple[str, int, str]]] = field(default_factory=dict)


class StaffBot:
    """One running staff bot."""

    def __init__(self, *, token: str, api: str, desk: Desk, log: Log) -> None:
        base = api.rstrip("/")
        self._application: Application[Any, Any, Any, Any, Any, Any] = (
            Application.builder().token(token).base_url(f"{base}/bot").base_file_url(f"{base}/file/bot").build()
        )
        self._desk = desk
        self._log = log
        self._told = _Told()
        self._storm = Storm()
        self._after: int | None = None
        private = filters.ChatType.PRIVATE
        self._application.add_handler(CommandHandler("start", self._start, filters=private))
        self._application.add_handler(CallbackQueryHandler(self._press))
        self._application.add_handler(MessageHandler(private, self._anything))
        self._application.add_error_handler(self._failed)

    async def run(self, wait: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        """Poll and alert until cancelled. `wait` may return earlier than asked, at a hint.

        Raises:
            InvalidToken: the token is refused; nothing else ends it.
        """
        await self._begin()
        try:
            updater = self._application.updater
            assert updater is not None
            await self._application.start()
            await updater.start_polling(
                allowed_updates=["message", "callback_query"], bootstrap_retries=-1, error_callback=self._poll_failed
            )
            try:
                await self._keep_alerting(wait)
            finally:
                await updater.stop()
                await self._application.stop()
        finally:
            await self._application.shutdown()

    async def _begin(self) -> None:
        """Say hello to the provider; it may be away for long, and then this only waits."""
        failures = 0
        while True:
            try:
                await self._application.initialize()
            except InvalidToken:
                raise
            except NetworkError as error:
                failures += 1
                self._log.warning("staffbot_provider_away", code=type(error).__name__, attempts=failures)
                await asyncio.sleep(min(2.0**failures / 4, _BACK_OFF_MAX_S))
            else:
                return

    async def _keep_alerting(self, wait: Callable[[float], Awaitable[object]]) -> None:
        failures = 0
        while True:
            try:
                await self.alert_once()
                failures = 0
            except (DeskAwayError, TelegramError) as error:
                failures += 1
                self._log.warning("staffbot_alerts_wait", code=type(error).__name__, attempts=failures)
            await wait(min(ALERT_EVERY_S * 2 ** min(failures, 4), _BACK_OFF_MAX_S))

    async def alert_once(self) -> int:
        """Tell what is new; give how many messages went out.

        Raises:
            DeskAwayError: the desk does not answer.
            TelegramError: some could not be told; they stay due, and nobody is told twice.
        """
        sent = 0
        alerts = await self._desk.alerts(self._after)
        counts = Counter(chat_id for alert in alerts for chat_id in alert.chats)
        now_s = asyncio.get_running_loop().time()
        stormy = {chat_id for chat_id, count in counts.items() if self._storm.takes(chat_id, count, now_s)}
        for alert in alerts:
            for chat_id in alert.chats:
                if chat_id not in stormy:
                    sent += await self._tell(alert, chat_id)
                elif (key := _key(alert, chat_id)) not in self._told.keys:
                    self._told.keys.add(key)
                    self._storm.add(chat_id, alert)
            await self._desk.told(alert.event_id)
            self._after = alert.event_id
        return sent + await self._tell_lists(now_s)

    async def _tell_lists(self, now_s: float) -> int:
        """Tell the lists that are due; one that could not be told stays due."""
        sent = 0
        for chat_id, alerts in self._storm.due(now_s):
            text = list_text([(alert.code, alert.tier) for alert in alerts])
            seen = page_callback(max(alert.at for alert in alerts))
            buttons = InlineKeyboardMarkup([[InlineKeyboardButton(LABEL_SEEN, callback_data=seen)]])
            sent += await self._send(chat_id, text, buttons) is not None
            self._storm.told(chat_id, now_s)
        return sent

    async def _tell(self, alert: StaffAlert, chat_id: str) -> int:
        key = _key(alert, chat_id)
        if key in self._told.keys:
            return 0
        text = alert_text(alert.code, alert.tier, again=alert.again)
        number = await self._send(chat_id, text, _buttons(alert.case_id, alert.tier))
        self._told.keys.add(key)
        if number is None:
            return 0
        self._told.places.setdefault(alert.case_id, []).append((chat_id, number, text))
        return 1

    async def _send(self, chat_id: str, text: str, buttons: InlineKeyboardMarkup) -> int | None:
        """Send one message; give its number, None when this colleague cannot be reached: the others must still hear."""
        try:
            said = await self._bot.send_message(int(chat_id), text, reply_markup=buttons, protect_content=True)
        except (Forbidden, BadRequest):  # she blocked the bot
            self._log.warning("staffbot_chat_unreachable", code="refused")
            return None
        except RetryAfter as error:
            delay = error.retry_after
            await asyncio.sleep(delay if isinstance(delay, int) else delay.total_seconds())
            raise
        return said.message_id

    @property
    def _bot(self) -> Bot:
        return self._application.bot  # type: ignore[no-any-return]

    async def _start(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await self._link(update, context.args or [])

    async def _anything(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """Take a bare code as well as one after /start: the console only says «send it»."""
        message = update.effective_message
        words = (message.text or "").split() if message is not None else []
        await self._link(update, words if len(words) == 1 and _CODE.fullmatch(words[0]) else [])

    async def _link(self, update: Update, words: Sequence[str]) -> None:
        chat, message = update.effective_chat, update.effective_message
        if chat is None or message is None:
            return
        if len(words) != 1:
            await message.reply_text(ANSWERS["not_linked"])
            return
        try:
            linked = await self._desk.link(words[0][:200], str(chat.id))
        except DeskAwayError:
            await message.reply_text(ANSWERS["away"])
            return
        await message.reply_text(ANSWERS["linked" if linked else "bad_code"])

    async def _press(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        query = update.callback_query
        if query is None:
            return
        press = read_callback(query.data)
        if press is None:
            await _answer(query, ANSWERS["old_button"])
            return
        try:
            outcome = await self._ask(str(query.from_user.id), press)
        except DeskAwayError:
            await _answer(query, ANSWERS["away"])
            return
        await _answer(query, OUTCOMES[outcome])
        if press.act != "seen_until":  # a page lists many cases: each may end another way
            await self._show(query, press.case_id, outcome)

    async def _ask(self, chat_id: str, press: Press) -> Outcome:
        match press.act:
            case "accept":
                return await self._desk.accept(chat_id, press.case_id)
            case "seen":
                return await self._desk.see(chat_id, press.case_id)
            case "seen_until":
                return await self._desk.see_waiting(chat_id, press.until_ms)

    async def _show(self, query: CallbackQuery, case_id: str, outcome: Outcome) -> None:
        """Write under the alert what became of the case; under the colleagues' alerts too, once it is taken."""
        if outcome == "not_linked":
            return
        message = query.message
        mine = (str(query.from_user.id), message.message_id) if message is not None else ("", 0)
        known = {(chat_id, number): text for chat_id, number, text in self._told.places.get(case_id, ())}
        text = getattr(message, "text", None) or known.get(mine, "")
        await self._edit(mine, text, OUTCOMES[outcome], _buttons(case_id, "") if outcome == "seen" else None)
        if outcome in {"accepted", "closed"}:
            for place, told in known.items():
                if place != mine:
                    await self._edit(place, told, OUTCOMES["taken" if outcome == "accepted" else "closed"])
            self._told.places.pop(case_id, None)

    async def _edit(
        self, place: tuple[str, int], text: str, outcome: str, buttons: InlineKeyboardMarkup | None = None
    ) -> None:
        if not place[0] or not text:
            return
        head = text.split("\n", 1)[0]
        with suppress(TelegramError):  # not modified, too old: the answer to the press has said it already
            await self._bot.edit_message_text(
                f"{head}\n{outcome}", chat_id=int(place[0]), message_id=place[1], reply_markup=buttons
            )

    async def _failed(self, _: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        self._log.warning("staffbot_failed", code=type(context.error).__name__)

    def _poll_failed(self, error: TelegramError) -> None:
        self._log.warning("staffbot_poll_failed", code=type(error).__name__)


def _key(alert: StaffAlert, chat_id: str) -> tuple[str, str, str]:
    return (chat_id, alert.case_id, str(alert.event_id) if alert.again else alert.tier)


async def _answer(query: CallbackQuery, text: str) -> None:
    with suppress(TelegramError):  # an old press cannot be answered any more
        await query.answer(text)


def _buttons(case_id: str, tier: str) -> InlineKeyboardMarkup:
    row = [InlineKeyboardButton(LABEL_ACCEPT, callback_data=accept_callback(case_id))]
    if tier == "T1":
        row.append(InlineKeyboardButton(LABEL_SEEN, callback_data=seen_callback(case_id)))
    return InlineKeyboardMarkup([row])
