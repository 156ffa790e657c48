"""The control socket: how other processes of this machine ask the one that writes.

SQLite has exactly one writing process, so verbs that write (`panah staff add`, `flows publish`) and the staff bot
send one JSON line over a Unix socket in the data directory, readable by its owner only, and read one line back.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

#: One act by name: keyword arguments in, plain data out. A raised RefusedError is told to the caller.
ControlVerbs = Mapping[str, Callable[..., Awaitable[Any]]]
_LINE_BYTES_MAX = 4 * 1024 * 1024


class RefusedError(Exception):
    """The running process refused the act; the text says why."""


class NotRunningError(Exception):
    """No Panah process answers on this data directory's control socket."""


async def serve(path: Path, verbs: ControlVerbs, log: Any) -> asyncio.AbstractServer:
    """Listen on the socket; the caller closes the server."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ValueError):
            request = json.loads(await reader.readline())
            writer.write((json.dumps(await _act(verbs, request, log)) + "\n").encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, path=path, limit=_LINE_BYTES_MAX)
    await asyncio.to_thread(path.chmod, 0o600)
    return server


async def _act(verbs: ControlVerbs, request: Mapping[str, Any], log: Any) -> dict[str, Any]:
    verb = verbs.get(str(request.get("verb")))
    if verb is None:
        return {"refused": "unknown verb"}
    try:
        return {"answer": await verb(**request.get("with", {}))}
    except RefusedError as error:
        return {"refused": str(error)}
    except Exception as error:  # noqa: BLE001 - the caller hears that it failed, the log which kind
        log.error("control_failed", error=type(error).__name__)
        return {"refused": "the running process could not do it; see its log"}


def call(path: Path, verb: str, *, answer_s: float = 30.0, **wanted: Any) -> Any:
    """Ask the running process; blocking, at most `answer_s`.

    Raises:
        NotRunningError: nobody listens.
        RefusedError: it said no.
    """
    line = (json.dumps({"verb": verb, "with": wanted}) + "\n").encode()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(answer_s)
            connection.connect(str(path))
            connection.sendall(line)
            with connection.makefile("rb") as answers:
                reply = json.loads(answers.readline() or b"{}")
    except (OSError, ValueError) as error:
        raise NotRunningError("no running Panah answers here") from error
    return _read(reply)


async def call_async(path: Path, verb: str, **wanted: Any) -> Any:
    """Ask the running process without blocking the loop; raises as `call`."""
    return await asyncio.to_thread(call, path, verb, **wanted)


def _read(reply: Mapping[str, Any]) -> Any:
    if "refused" in reply:
        raise RefusedError(str(reply["refused"]))
    if "answer" not in reply:
        raise NotRunningError("the running process ended before it answered")
    return reply["answer"]
