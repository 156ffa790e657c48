"""How a page leaves the house: the staff bot's chat, SMS, a program. Standard library only; wiring picks them.

Every way ends by itself within its time, says how it failed in a code, and shares nothing with the others: a hanging
provider holds its own threads. Addresses, tokens and texts are in no error and no log.
"""

import asyncio
import base64
import http.client
import json
import os
import signal
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from escalation.watch_words import Page, buttons, page_text, sms_text

T = TypeVar("T")
_SOCKET_S, _WAY_S, _COMMAND_S = 8.0, 12.0, 20.0
_AT_ONCE = 8
_ANSWER_BYTES = 64 * 1024


def _http_alone() -> urllib.request.OpenerDirector:
    """Make what opens addresses: HTTP and HTTPS, by the machine's proxy, and no redirect to wherever it points."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler, urllib.request.HTTPHandler, urllib.request.HTTPSHandler,
        urllib.request.HTTPErrorProcessor, urllib.request.HTTPDefaultErrorHandler, urllib.request.UnknownHandler,
    ):  # fmt: skip
        opener.add_handler(handler())
    return opener


_OPENER = _http_alone()


class WayError(Exception):
    """The page did not leave; `code` says why, `retry_after_s` when the provider wants to be asked again."""

    def __init__(self, code: str, retry_after_s: float = 0.0) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_s = retry_after_s


class Way(Protocol):
    """One way out."""

    async def send(self, address: str, page: Page) -> None:
        """Tell one person.

        Raises:
            WayError: it did not leave, or nobody knows.
        """
        ...


class Threads:
    """Runs blocking calls in daemon threads of its own, a few at once, each given up after its time."""

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        self._free = asyncio.Semaphore(at_once)

    async def run(self, work: Callable[[], T], within_s: float) -> T:
        """Give what `work` gives; its thread may outlive the wait, and then keeps its place until it ends.

        Raises:
            TimeoutError: it took too long; and whatever `work` raises.
        """
        async with asyncio.timeout(within_s):
            await self._free.acquire()
            loop = asyncio.get_running_loop()
            future: asyncio.Future[T] = loop.create_future()
            threading.Thread(target=self._work, args=(work, future, loop), daemon=True).start()
            return await future

    def _work(self, work: Callable[[], T], future: "asyncio.Future[T]", loop: asyncio.AbstractEventLoop) -> None:
        def end(answer: T | None, error: BaseException | None) -> None:
            self._free.release()
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(answer)  # type: ignore[arg-type]

        answer: T | None = None
        failure: BaseException | None = None
        try:
            answer = work()
        except Exception as error:  # noqa: BLE001 - it is raised where it was waited for
            failure = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(end, answer, failure)


class StaffBotWay:
    """A message of the staff bot, by one call of the Bot API."""

    def __init__(self, *, token: str, api: str) -> None:
        self._url = f"{api.rstrip('/')}/bot{token}/sendMessage"
        self._threads = Threads()

    async def send(self, address: str, page: Page) -> None:
        """Tell the chat of one colleague."""
        row = [{"text": label, "callback_data": data} for label, data in buttons(page)]
        body: dict[str, Any] = {"chat_id": int(address), "text": page_text(page), "protect_content": True}
        if row:
            body["reply_markup"] = {"inline_keyboard": [row]}
        request = urllib.request.Request(  # noqa: S310 - the address is a setting
            self._url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        answer = await _call(self._threads, request)
        if answer.get("ok") is not True:
            raise WayError("refused")


class SmsWay:
    """An SMS by one call of the provider's API. Source: twilio.com/docs/messaging/api/message-resource."""

    def __init__(self, *, account: str, token: str, number: str, api: str) -> None:
        self._url = f"{api.rstrip('/')}/2010-04-01/Accounts/{urllib.parse.quote(account)}/Messages.json"
        self._key = base64.b64encode(f"{account}:{token}".encode()).decode()
        self._number = number
        self._threads = Threads()

    async def send(self, address: str, page: Page) -> None:
        """Tell one number."""
        body = urllib.parse.urlencode({"To": address, "From": self._number, "Body": sms_text(page)}).encode()
        headers = {
            "Authorization": f"Basic {self._key}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        request = urllib.request.Request(self._url, body, headers)  # noqa: S310 - the address is a setting
        answer = await _call(self._threads, request)
        if not answer.get("sid"):  # a page of a network that blocks the provider says 200 too
            raise WayError("refused")


class CommandWay:
    """A program of the house, without a shell: the cases as JSON on standard input, exit code 0 is delivered."""

    def __init__(self, words: Sequence[str], *, within_s: float = _COMMAND_S) -> None:
        self._words = tuple(words)
        self._within_s = within_s

    async def send(self, address: str, page: Page) -> None:
        """Run it once. It does not inherit our settings, and is killed with its children when it takes too long."""
        said = {
            "to": address,
            "text": page_text(page),
            "cases": [{"code": line.code, "tier": line.tier} for line in page.lines if line.tier != "service"],
            "service": [line.id.removeprefix("service:") for line in page.of("service")],
        }
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PANAH_")}
        try:
            process = await asyncio.create_subprocess_exec(
                *self._words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise WayError("not_started") from error
        try:
            async with asyncio.timeout(self._within_s):
                with suppress(ConnectionError):  # it need not read
                    await process.communicate(json.dumps(said, ensure_ascii=False).encode())
                code = await process.wait()
        except TimeoutError as error:
            raise WayError("timeout") from error
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if code:
            raise WayError(f"exit_{code}")


async def fetch(threads: Threads, url: str) -> None:
    """Fetch an address and drop the answer (the outside watcher's ping).

    Raises:
        WayError: it did not answer well.
    """
    await _call(threads, urllib.request.Request(url))  # noqa: S310 - the address is a setting


async def _call(threads: Threads, request: urllib.request.Request) -> dict[str, Any]:
    """Make one call and read its JSON, {} when it is none."""
    try:
        body = await threads.run(lambda: _read(request), _WAY_S)
    except TimeoutError:
        raise WayError("timeout") from None
    except (OSError, ValueError, http.client.HTTPException) as error:  # their texts name the address
        raise WayError(type(error).__name__) from None
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _read(request: urllib.request.Request) -> bytes:
    """Make the call, in its thread.

    Raises:
        WayError: the provider says no. OSError, ValueError, HTTPException: it was not reached.
    """
    try:
        with _OPENER.open(request, timeout=_SOCKET_S) as answer:
            body: bytes = answer.read(_ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            raise WayError(f"status_{error.code}", _retry_after(error)) from None
    return body


def _retry_after(error: urllib.error.HTTPError) -> float:
    """Give how long the provider wants to be left alone: Telegram says it in the body, others in a header."""
    found: object = error.headers.get("Retry-After", "")
    with suppress(ValueError, OSError, AttributeError):
        found = json.loads(error.read(_ANSWER_BYTES)).get("parameters", {}).get("retry_after", found)
    with suppress(ValueError, TypeError):
        return min(max(float(str(found)), 0.0), 3600.0)
    return 0.0
