"""Starts `panah …` again and again within milliseconds: everything is imported once, each start is a fork.

A started process is `panah run` as the terminal would start it, with its own environment, threads, files and sockets;
only modules and the words of danger were read before. Orders come as JSON lines on standard input, ends go out as JSON
lines. When the input ends, so does every child. Run as `python -m bot.proof.zygote`.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from bot.proof.full_disk import obey
from bot.words import load_screener

_MODULES = (
    "bot.cli",
    "bot.commands.start",
    "bot.commands.service",
    "bot.commands.backup",
    "bot.handlers.telegram",
    "bot.handlers.telegram_poller",
    "bot.handlers.telegram_webhook",
    "bot.handlers.twilio_catchup",
    "bot.bus_redis",
    "alembic.command",
    "alembic.config",
)
#: Only where the extra is installed.
_EXTRAS = ("bot.store.postgres", "sqlalchemy.dialects.postgresql.psycopg")
_PR_SET_PDEATHSIG = 1
#: capabilities(7): the form of the sets, and DAC_OVERRIDE with DAC_READ_SEARCH.
_CAPABILITIES_V3, _PASS_OVER = 0x20080522, 0b110


def main() -> None:
    """Import, then obey."""
    for name in _MODULES:
        importlib.import_module(name)
    for name in _EXTRAS:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    load_screener()
    gc.collect()
    gc.freeze()  # or every child's first collection copies all of it
    poller, waiting = select.poll(), b""
    ends: dict[int, int] = {}  #: a handle on each child that lives, and its number
    poller.register(0, select.POLLIN | select.POLLHUP)
    _tell({"ready": True})
    while True:
        for descriptor, _ in poller.poll():
            if descriptor != 0:
                _tell_end(ends.pop(descriptor), descriptor, poller)
                continue
            some = os.read(0, 65536)
            if not some:
                _end_all(ends)
            *lines, waiting = (waiting + some).split(b"\n")
            for line in lines:
                child = _start(json.loads(line))
                opened = os.pidfd_open(child)
                ends[opened] = child
                poller.register(opened, select.POLLIN)
                _tell({"started": child})


def _tell(fact: dict[str, Any]) -> None:
    os.write(1, json.dumps(fact).encode() + b"\n")


def _tell_end(child: int, descriptor: int, poller: select.poll) -> None:
    poller.unregister(descriptor)
    os.close(descriptor)
    _, status = os.waitpid(child, 0)
    _tell({"ended": child, "code": os.waitstatus_to_exitcode(status)})


def _end_all(ends: dict[int, int]) -> NoReturn:
    for child in ends.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    os._exit(0)


def _start(order: dict[str, Any]) -> int:
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        code = _be(order)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - a child must never come back into the loop above
        sys.stderr.write(f"died of {type(error).__name__}: {error}\n")
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _obey_permissions() -> None:
    """Let a directory that may only be read be one to root as well: give up what lets it pass over permissions."""
    libc = ctypes.CDLL(None, use_errno=True)
    head = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
    sets = (ctypes.c_uint32 * 6)()
    if libc.capget(head, sets) == 0:
        sets[0] &= ~_PASS_OVER  # effective
        sets[1] &= ~_PASS_OVER  # permitted
        libc.capset(head, sets)


def _be(order: dict[str, Any]) -> int:
    """Become the process that was ordered."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # nothing outlives the proof
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.closerange(3, 64)  # the handles on our brothers
    _obey_permissions()
    os.environ.clear()
    os.environ.update(order["env"])
    switches = order["env"].get("PANAH_FAULT", "").removeprefix("dir:")
    if switches:
        obey(Path(switches))
    code: int = importlib.import_module("bot.cli").main(order["argv"])
    return code


if __name__ == "__main__":
    main()
