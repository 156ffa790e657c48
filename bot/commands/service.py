"""`panah run` and `panah serve`: wire the channels and pages that are configured, and run until told to stop."""

import argparse
import asyncio
import socket
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import uvloop

from bot.anchors import AuditWatch
from bot.bus import Bus, InProcessBus
from bot.commands.desk import console_of, control_verbs
from bot.commands.health import health_of, plain_routes
from bot.commands.staffbot_child import StaffBotChild
from bot.commands.watch_child import WatchChild
from bot.commands.watch_settings import what_is_wrong
from bot.commands.ways import add_channels
from bot.core.ids import system_ids
from bot.health.probe import knock
from bot.service import Service, bind, close, open_service, serve_until_stopped
from bot.settings import Settings, read_settings
from bot.telemetry import Log, configure, guard_loop, guard_process
from bot.web.citizen import CitizenDeps, build_citizen
from escalation.signin import rules_of


def run(args: argparse.Namespace) -> int:
    """Start everything on this machine."""
    settings = read_settings()
    if args.alert_command:
        settings = replace(settings, alert_command=args.alert_command)
    warnings = what_is_wrong(settings)
    rules_of(settings)  # a role that there is not is said before anything starts
    listeners = [bind(settings.web_host, settings.web_port), bind(settings.console_host, settings.console_port)]
    first_start = not settings.key_path.exists()
    log = configure()
    guard_process(log)
    bus, keep_bus = _bus(settings, log)
    service = open_service(settings, log, bus)
    service.loops.extend(keep_bus)
    try:
        for sentence in warnings:
            _say(sentence)
        if first_start:
            _say(f"the key file is {settings.key_path}; copy it to a safe place: without it a backup is lost")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(service, listeners))
    except BaseException:
        close(service.core, is_clean=False)  # the next start is careful
        raise
    close(service.core, is_clean=True)
    return 0


def _bus(settings: Settings, log: Log) -> tuple[Bus, list[Coroutine[Any, Any, None]]]:
    """Give the bus, and the loop that keeps it connected when other processes share it."""
    if not settings.redis_url:
        return InProcessBus(), []
    from bot.bus_redis import RedisBus  # noqa: PLC0415 - only where it is configured

    bus = RedisBus(settings.redis_url, log=log, name=system_ids())
    return bus, [bus.run()]


async def _run(service: Service, listeners: list[socket.socket]) -> None:
    guard_loop(service.log)
    core, settings = service.core, service.settings
    health = health_of(service)
    routes = [*add_channels(service), *plain_routes(health)]
    citizen = build_citizen(
        CitizenDeps(
            store=core.store,
            keyring=core.keyring,
            inbox=core.inbox,
            bus=core.bus,
            clock=core.clock,
            settings=settings,
            stopping=service.stopping,
        ),
        others=routes,
    )
    console, accounts = console_of(service, health)
    for name, listener in zip(("web", "console"), listeners, strict=True):
        service.loops.append(knock(name, listener.getsockname()[:2], core.beats))
    keeper = AuditWatch(core.store, core.clock, settings, log=service.log, beats=core.beats)
    service.loops.append(keeper.run())
    watch = WatchChild(settings, service.log)
    if watch.is_wanted:
        service.loops.append(watch.run())
    if settings.staffbot_token:
        core.beats.beat("staffbot")
        service.loops.append(StaffBotChild(service.log).run())
    await _greet(settings, await accounts.first_admin_code())
    await serve_until_stopped(
        service, [(citizen, listeners[0]), (console, listeners[1])], control_verbs(service, accounts)
    )
    await watch.stop()  # after anything but a stop that was asked for it lives on, and tells


async def _greet(settings: Settings, code: str | None) -> None:
    _say(f"the citizens' page is on http://{settings.web_host}:{settings.web_port}/")
    console = f"http://{settings.console_host}:{settings.console_port}"
    if code is None:
        _say(f"the console is on {console}/")
    else:
        _say(f"make the first account within 15 minutes: {console}/first/{code}")


def _say(sentence: str) -> None:
    print(f"panah: {sentence}", flush=True)  # noqa: T201 - the terminal is this verb's business
