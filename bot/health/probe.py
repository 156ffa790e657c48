"""Knocks at our own ports, so that a page which no longer answers is missed like any loop; and the two plain answers.

`/healthz` says that this process runs turns, `/readyz` that it could take a message in. Both say yes or no and
nothing else: they need no sign-in.
"""

import asyncio

from starlette.responses import JSONResponse

from bot.beats import Beats

KNOCK_S = 10.0
_PATIENCE_S = 5.0
_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def yes_or_no(*, ok: bool) -> JSONResponse:
    """Answer 200 or 503, without a word of detail."""
    return JSONResponse({"ok": ok}, status_code=200 if ok else 503, headers={"Cache-Control": "no-store"})


async def knock(name: str, address: tuple[str, int], beats: Beats) -> None:
    """Ask our own port every ten seconds, for ever; any HTTP answer is a heartbeat."""
    beats.beat(name)
    host, port = _reachable(address[0]), address[1]
    while True:
        if await answers(host, port):
            beats.beat(name)
        await asyncio.sleep(KNOCK_S)


def _reachable(host: str) -> str:
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not a bind


async def answers(host: str, port: int) -> bool:
    """True when somebody speaks HTTP there."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_REQUEST)
                return (await reader.readline()).startswith(b"HTTP/1.1 ")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
