"""The running process: pages, channels and loops round one core. `panah run` is this with everything in it.

Start: the installation (bot.installation), then the ports, then the loops. Stop: streams end, ports close, what is
queued is written, the stop is marked clean.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from bot import control, locking
from bot.app import Core
from bot.bus import Bus
from bot.core.channels import Channel
from bot.core.ids import system_ids
from bot.core.promise import due_row
from bot.due import plan
from bot.errors import CommandError
from bot.handlers.pace import Pace
from bot.handlers.webchat import WebChannel
from bot.installation import close, mark_stop, open_core, pick_up
from bot.live import Live
from bot.processes import Process
from bot.purging import ChatPurge
from bot.sender import Sender
from bot.settings import Settings
from bot.telemetry import Log

#: How long open requests may take to end after a stop was asked for.
GRACE_S = 5


#: What a process does: takes what people send (pages, webhooks), polls for it, runs what waits and falls due, says
#: what is in the outbox, is the desk's. `panah run` does all of it; a role of `panah serve` does some.
ALL_DUTIES = frozenset({"web", "polls", "turns", "sends", "desk"})


class LoopEndedError(Exception):
    """A loop of the service ended by itself; what was under way is taken up by the next start."""


@dataclass(slots=True)
class Service:
    """One process's parts, in the order they were made."""

    settings: Settings
    core: Core
    log: Log
    loops: list[Coroutine[Any, Any, None]] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    process: Process = field(default_factory=lambda: Process("run", system_ids()))
    duties: frozenset[str] = ALL_DUTIES
    live: Live | None = None  #: what this process shares with others; None while it is alone

    def add_channel(self, channel: Channel) -> None:
        """Send through a channel from now on."""
        core = self.core
        pace = getattr(channel, "pace", None)
        if self.live is not None and isinstance(pace, Pace):
            pace.share(self.live, getattr(channel, "account", channel.name))
        sender = Sender(
            channel,
            store=core.store,
            keyring=core.keyring,
            bus=core.bus,
            clock=core.clock,
            log=self.log,
            beats=core.beats,
            process=self.process.leases,
        )
        self.channels.append(channel)
        if "sends" in self.duties:
            core.beats.beat(f"sender:{channel.name}")
            self.loops.append(sender.run())
            if getattr(channel, "takes_back", False):
                self._take_back(channel)

    def _take_back(self, channel: Channel) -> None:
        """Let what was said through a channel be deleted from people's phones in time."""
        core = self.core
        purge = ChatPurge(
            channel,
            store=core.store,
            keyring=core.keyring,
            clock=core.clock,
            log=self.log,
            beats=core.beats,
            after_h=self.settings.purge_hours,
        )
        core.beats.beat(f"purge:{channel.name}")
        self.loops.append(purge.run())


def pick_up_beside(service: "Service") -> None:
    """Begin beside other processes: their leases and what they have under way are theirs."""
    core = service.core
    now_ms = int(core.clock.now().timestamp() * 1000)
    if core.store.write_now(lambda tx: service.process.begin(tx, now_ms)):
        core.log.warning("unclean_stop")
        core.worker.be_careful()
    core.store.write_now(lambda tx: mark_stop(tx, "running"))
    if "turns" in service.duties:
        row = due_row("retention", "all", "1", due_at=now_ms + 60_000, now_ms=now_ms)
        core.store.write_now(lambda tx: plan(tx, row))
    service.loops.append(_keep_living(service))


async def _keep_living(service: "Service") -> None:
    """Renew this process's row for ever."""
    core = service.core
    while True:
        now_ms = int(core.clock.now().timestamp() * 1000)
        try:
            await core.store.write(lambda tx, now_ms=now_ms: service.process.renew(tx, now_ms))  # type: ignore[misc]
        except Exception as error:  # noqa: BLE001 - the loop must outlive a server that is away
            core.log.error("process_row_failed", error=type(error).__name__)
        await asyncio.sleep(10.0)


def bind(host: str, port: int) -> socket.socket:
    """Take a port before anything else is started.

    Raises:
        CommandError: it is taken or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CommandError(
            f"cannot listen on {host}:{port} ({error.strerror}); set PANAH_WEB_PORT or PANAH_CONSOLE_PORT to a free port"
        ) from error
    return listener


def server(app: ASGIApp) -> uvicorn.Server:
    """Make a server without access log (URLs stay out of logs) and without its own signal handling."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,  # its own handler would print tracebacks
        log_level="warning",
        server_header=False,
        date_header=False,
        lifespan="off",
        http="httptools",
        ws="none",
        timeout_graceful_shutdown=GRACE_S,
    )
    made = uvicorn.Server(config)
    made.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    return made


async def serve_until_stopped(
    service: Service, apps: Sequence[tuple[ASGIApp, socket.socket]], verbs: control.ControlVerbs | None
) -> None:
    """Run until a signal asks to stop; a loop that ends in any way takes the process with it, loudly, to be restarted.

    Raises:
        LoopEndedError: nobody asked to stop.
    """
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, service.stopping.set)
    servers = [server(app) for app, _ in apps]
    door = await control.serve(service.settings.socket, verbs, service.log) if verbs is not None else None
    tasks = [asyncio.create_task(made.serve(sockets=[taken])) for made, (_, taken) in zip(servers, apps, strict=True)]
    mine = core_loops(service.core, turns="turns" in service.duties)
    loops = (*service.loops, *mine, locking.follow(service.settings, locked=False))
    tasks += [asyncio.create_task(made, name=getattr(made, "__qualname__", "loop")) for made in loops]
    stop = asyncio.create_task(service.stopping.wait())
    done, _ = await asyncio.wait([*tasks, stop], return_when=asyncio.FIRST_COMPLETED)
    was_asked = service.stopping.is_set()
    service.stopping.set()
    service.core.bus.publish("cases")  # open streams look up, and end
    for made in servers:
        made.should_exit = True
    if door is not None:
        door.close()
    if servers:
        await asyncio.wait(tasks[: len(servers)], timeout=GRACE_S + 1)
    for task in tasks[len(servers) :]:
        task.cancel()
    await asyncio.gather(*tasks, stop, return_exceptions=True)
    for channel in service.channels:
        await channel.close()
    ended = [task for task in tasks if task in done and not (was_asked and _is_quiet(task))]
    for task in ended:
        service.log.error("loop_ended", code=task.get_name(), error=_how(task))
    if ended:
        raise LoopEndedError from (None if ended[0].cancelled() else ended[0].exception())


def _is_quiet(task: asyncio.Task[Any]) -> bool:
    return task.cancelled() or task.exception() is None


def _how(task: asyncio.Task[Any]) -> str:
    if task.cancelled():
        return "cancelled"
    return type(task.exception()).__name__ if task.exception() else "returned"


def core_loops(core: Core, *, turns: bool = True) -> list[Coroutine[Any, Any, None]]:
    """Give the loops that every writing process runs; `turns`: also those that run what waits and falls due."""
    pulse = core.worker.kick if turns else _no_pulse
    loops = [core.beats.run(core.store, core.log, pulse=pulse)]
    if turns:
        for name in ("worker", "waiting", "timers"):
            core.beats.beat(name)
        loops = [core.waiting.run(), core.timers.run(), *loops]
    return loops


def _no_pulse() -> None:
    """Nothing runs turns here that would have to prove itself."""


def close_service(service: Service, *, is_clean: bool) -> None:
    """Do so for one of perhaps several processes: the service is stopped when the last one is."""
    core = service.core
    if core.store.is_shared and is_clean:
        now_ms = int(core.clock.now().timestamp() * 1000)
        is_clean = core.store.write_now(lambda tx: service.process.end(tx, now_ms))
    close(core, is_clean=is_clean)


def open_service(
    settings: Settings, log: Log, bus: Bus, *, role: str = "run", duties: frozenset[str] = ALL_DUTIES
) -> Service:
    """Open everything that needs no port."""
    core = open_core(settings, log, bus)
    service = Service(settings, core, log, process=Process(role, core.ids()), duties=duties)
    if core.store.is_shared:
        pick_up_beside(service)
    else:
        pick_up(core)
    service.add_channel(WebChannel(core.store, core.keyring, core.bus))
    return service
