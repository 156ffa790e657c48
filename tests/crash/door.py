"""A Panah process for crash tests: the real core, inbox, worker and outbox on a file, between two sockets.

Updates come in by HTTP as a provider would send them, answered after the commit; messages go out to the driver's
ledger. Only the provider's own library is left out, so that a hundred restarts take minutes and not hours.
Arguments: data directory, port to listen on, port of the ledger.
"""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.bus import InProcessBus
from bot.core.channels import SendError, Sent
from bot.core.fault import fault
from bot.core.messages import OutboundMsg
from bot.handlers.telegram_decode import decode_update
from bot.service import Service, bind, close, open_core, pick_up, serve_until_stopped
from bot.settings import read_settings
from bot.telemetry import configure


class Ledger:
    """The channel «telegram» of these tests: each message is one line to the driver, who answers when it has it."""

    name = "telegram"
    mode = "rich"

    def __init__(self, port: int) -> None:
        self._port = port

    async def send(self, message: OutboundMsg) -> Sent:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            line = {"to": message.external_id, "key": message.key, "text": message.text}
            writer.write(json.dumps(line).encode() + b"\n")
            answer = await reader.readline()
        except OSError as error:
            raise SendError("unavailable", retryable=True) from error
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return Sent(provider_message_id=answer.decode().strip())

    async def delete(self, external_id: str, provider_message_ids: tuple[str, ...]) -> int:
        return len(provider_message_ids)

    async def close(self) -> None: ...


def main() -> None:
    directory, port, ledger = sys.argv[1:4]
    settings = read_settings({"PANAH_VAR": directory, "PANAH_FAULT": sys.argv[4] if len(sys.argv) > 4 else ""})
    listener = bind("127.0.0.1", int(port))
    log = configure()
    core = open_core(settings, log, InProcessBus())
    pick_up(core)
    service = Service(settings, core, log)
    service.add_channel(Ledger(int(ledger)))

    async def receive(request: Request) -> Response:
        body = await request.body()
        fault("W1")
        arrival = decode_update(body, channel="telegram", received_at=core.clock.now())
        fault("W2")
        await core.inbox.accept(arrival.message)
        fault("W4")
        return Response(status_code=200)

    app = Starlette(routes=[Route("/hook", receive, methods=["POST"])])
    Path(directory, "ready").touch()
    asyncio.run(serve_until_stopped(service, [(app, listener)], {}))
    close(core, is_clean=True)


if __name__ == "__main__":
    main()
