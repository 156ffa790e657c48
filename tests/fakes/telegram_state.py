"""What the fake Bot API server remembers: bots, their people, messages, and a ledger of calls."""

import asyncio
import itertools
import json
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How one call goes wrong. `after_accept` does what was asked, then breaks the connection instead of answering.

    `odd_result` does what was asked and answers 200 with this as its result.
    """

    status: int = 500
    description: str = "Internal Server Error"
    retry_after: int | None = None
    after_accept: bool = False
    odd_result: str = ""


BLOCKED = Failure(status=403, description="Forbidden: bot was blocked by the user")
NO_CHAT = Failure(status=400, description="Bad Request: chat not found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One line of the ledger."""

    method: str
    parameters: dict[str, Any]
    status: int
    at: float


@dataclass(slots=True, kw_only=True)
class Said:
    """A message of the bot as its reader sees it."""

    message_id: int
    chat_id: int
    text: str
    buttons: list[tuple[str, str]]
    options: dict[str, Any]
    deleted: bool = False


class User:
    """A person (chat) who talks with one bot."""

    def __init__(self, bot: "FakeBot", chat_id: int) -> None:
        self.bot = bot
        self.chat_id = chat_id
        self.blocked = False
        self.wrote: dict[int, str] = {}  #: what she sees of her own words, by message number

    @property
    def messages(self) -> list[Said]:
        """What she sees of the bot's messages, oldest first."""
        return [item for item in self.bot.said.values() if item.chat_id == self.chat_id and not item.deleted]

    @property
    def texts(self) -> list[str]:
        """The texts she sees."""
        return [item.text for item in self.messages]

    async def hears(self, count: int, *, within_s: float = 8.0) -> list[str]:
        """Wait until she sees so many messages; give their texts."""
        return await self.sees(lambda: len(self.messages) >= count, within_s=within_s)

    async def sees(self, fact: Any, *, within_s: float = 8.0) -> list[str]:
        """Wait until a fact about the server is true; give the texts she sees."""
        async with asyncio.timeout(within_s), self.bot.changed:
            await self.bot.changed.wait_for(fact)
        return self.texts

    def say(self, text: str) -> int:
        """Write a text; give the update id. The server marks commands, as Telegram does."""
        size = len(text.split(maxsplit=1)[0]) if text.startswith("/") else 0
        marks = {"entities": [{"type": "bot_command", "offset": 0, "length": size}]} if size else {}
        return self.bot.push({"message": self._message(text=text, **marks)})

    def send(self, **content: Any) -> int:
        """Send other content: voice={...}, location={"latitude":…}, caption=…, contact={…}."""
        return self.bot.push({"message": self._message(**content)})

    def edit(self, text: str) -> int:
        """Edit something she wrote."""
        return self.bot.push({"edited_message": {**self._message(text=text), "edit_date": int(time.time())}})

    def press(self, label: str) -> int:
        """Press the newest button of this label.

        Raises:
            AssertionError: she sees no such button.
        """
        for item in reversed(self.messages):
            for shown, data in item.buttons:
                if shown == label:
                    return self.press_data(data, item.message_id)
        raise AssertionError(f"no button {label!r}; she sees {[item.buttons for item in self.messages]}")

    def press_data(self, data: str, message_id: int = 1) -> int:
        """Press a button by its data, for instance one of an old or foreign message."""
        query = {
            "id": str(next(self.bot.numbers)),
            "from": self._person(),
            "chat_instance": "1",
            "data": data,
            "message": {
                "message_id": message_id,
                "date": int(time.time()),
                "chat": self._chat(),
                "from": self.bot.me(),
                "text": self.bot.said[message_id].text if message_id in self.bot.said else "…",
            },
        }
        self.bot.presses.append(query["id"])
        return self.bot.push({"callback_query": query})

    def block(self) -> None:
        """Block the bot: its messages are refused from now on."""
        self.blocked = True
        member = {"user": self.bot.me(), "status": "kicked", "until_date": 0}
        self.bot.push(
            {
                "my_chat_member": {
                    "chat": self._chat(),
                    "from": self._person(),
                    "date": int(time.time()),
                    "old_chat_member": {"user": self.bot.me(), "status": "member"},
                    "new_chat_member": member,
                }
            }
        )

    def _person(self) -> dict[str, Any]:
        return {"id": self.chat_id, "is_bot": False, "first_name": "Test", "language_code": "fa"}

    def _chat(self) -> dict[str, Any]:
        return {"id": self.chat_id, "type": "private", "first_name": "Test"}

    def _message(self, **content: Any) -> dict[str, Any]:
        number = next(self.bot.numbers)
        self.wrote[number] = str(content.get("text", ""))
        return {"message_id": number, "from": self._person(), "chat": self._chat(), "date": int(time.time()), **content}


@dataclass(slots=True)
class FakeBot:
    """One bot's side of the server."""

    token: str
    bale: bool = False
    calls: list[Call] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    said: dict[int, Said] = field(default_factory=dict)
    presses: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    pending: deque[tuple[int, str]] = field(default_factory=deque)
    delivered: list[tuple[int, int]] = field(default_factory=list)  #: (update id, the webhook's status)
    webhook: dict[str, Any] = field(default_factory=dict)
    limit_per_s: float | None = None
    limit_per_chat_s: float | None = None  #: over three seconds, as a short burst is forgiven
    flood_s: int = 1  #: the retry_after of a limit that was broken; it is for the whole bot
    quiet_until: float = 0.0
    early_calls: int = 0  #: calls before a retry_after had run out
    polls: int = 0
    users: dict[int, User] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1000))
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _failures: dict[str, deque[Failure | None]] = field(default_factory=lambda: defaultdict(deque))
    _wakers: set[asyncio.Task[None]] = field(default_factory=set)

    def user(self, chat_id: int) -> User:
        """Give a person who talks with this bot."""
        return self.users.setdefault(chat_id, User(self, chat_id))

    def push(self, update: dict[str, Any]) -> int:
        """Queue an update, numbered by the server; give its number."""
        number = next(self.numbers)
        return self.push_raw(number, json.dumps({"update_id": number, **update}))

    def push_raw(self, number: int, text: str) -> int:
        """Queue an update whose JSON text is taken as it stands."""
        self.pending.append((number, text))
        self.tell()
        return number

    def fail(self, method: str, *outcomes: Failure | None) -> None:
        """Script the next calls of a method, one after the other; None is a call that goes well."""
        self._failures[method].extend(outcomes)

    def sent(self, method: str) -> list[dict[str, Any]]:
        """Give the parameters of each call of a method that was carried out."""
        return [call.parameters for call in self.calls if call.method == method and call.status == 200]

    def me(self) -> dict[str, Any]:
        """The bot as a User."""
        number = int(self.token.split(":")[0])
        return {"id": number, "is_bot": True, "first_name": "Bot", "username": f"bot{number}_bot"}

    def tell(self) -> None:
        """Wake whoever waits for a change."""
        task = asyncio.get_running_loop().create_task(self._tell())
        self._wakers.add(task)
        task.add_done_callback(self._wakers.discard)

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    def next_failure(self, method: str, chat_id: object = None) -> Failure | None:
        """Take the failure that is due for a method: a scripted one, or a limit's. A 429 holds the whole bot."""
        if self._failures[method]:
            return self._failures[method].popleft()
        if method != "sendMessage":
            return None
        now = time.monotonic()
        if self.quiet_until > now:
            return self._flood(int(self.quiet_until - now) + 1)
        recent = [call for call in self.calls if call.method == method and call.at > now - 3]
        here = sum(call.parameters.get("chat_id") == chat_id for call in recent)
        fast = sum(call.at > now - 1 for call in recent)
        if self.limit_per_s is not None and fast >= self.limit_per_s:
            return self._flood(self.flood_s)
        if self.limit_per_chat_s is not None and here >= 3 * self.limit_per_chat_s + 2:
            return self._flood(self.flood_s)
        return None

    @staticmethod
    def _flood(seconds: int) -> Failure:
        return Failure(status=429, description=f"Too Many Requests: retry after {seconds}", retry_after=seconds)
