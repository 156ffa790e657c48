"""`panah run` and `panah serve`: wire the channels and pages that are configured, and run until told to stop."""

import argparse
import asyncio
import socket
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import uvloop
from starlette.types import ASGIApp

from bot.bus import Bus, InProcessBus
from bot.bus_shared import SharedBus
from bot.commands.desk import console_of, control_verbs
from bot.commands.health import health_of, plain_routes
from bot.commands.locks import run_locked
from bot.commands.staffbot_child import StaffBotChild
from bot.commands.watch_child import WatchChild
from bot.commands.watch_settings import what_is_wrong
from bot.commands.ways import add_channels
from bot.core.ids import system_ids
from bot.first_start import prepare_apart
from bot.health import HealthWatch
from bot.health.probe import knock
from bot.languages import languages_of
from bot.locking import is_locked
from bot.service import ALL_DUTIES, Service, bind, close_service, open_service, serve_until_stopped
from bot.settings import Settings, read_settings
from bot.telemetry import Log, configure, guard_loop, guard_process
from bot.web.app import build_citizen
from bot.web.citizen import CitizenDeps
from escalation.signin import rules_of


def run(args: argparse.Namespace) -> int:
    """Start everything on this machine."""
    settings = read_settings()
    if args.alert_command:
        settings = replace(settings, alert_command=args.alert_command)
    if is_locked(settings):
        return run_locked(settings)
    warnings = what_is_wrong(settings)
    languages_of(settings)  # before anything is made
    rules_of(settings)  # a role that there is not is said before anything starts
    listeners = listeners_of(settings, ALL_DUTIES)
    first_start = not settings.key_path.exists()
    log = configure()
    guard_process(log)
    prepare_apart(settings)
    bus = bus_of(settings, log)
    service = open_service(settings, log, bus)
    service.loops.extend(loops_of(bus))
    try:
        for sentence in warnings:
            say(sentence)
        if first_start:
            say(f"the key file is {settings.key_path}; copy it to a safe place: without it a backup is lost")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(service, listeners))
    except BaseException:
        close_service(service, is_clean=False)  # the next start is careful
        raise
    close_service(service, is_clean=True)
    return 0


def listeners_of(settings: Settings, duties: frozenset[str]) -> dict[str, socket.socket]:
    """Take the ports of these duties."""
    wanted = {"web": (settings.web_host, settings.web_port), "desk": (settings.console_host, settings.console_port)}
    return {duty: bind(*where) for duty, where in wanted.items() if duty in duties}


def bus_of(settings: Settings, log: Log) -> Bus:
    """Give the bus that the settings ask for."""
    name = system_ids()
    if settings.redis_url:
        from bot.bus_redis import RedisBus  # noqa: PLC0415 - only where it is configured

        return RedisBus(settings.redis_url, log=log, name=name)
    if settings.database_url:
        from bot.bus_postgres import PostgresBus  # noqa: PLC0415

        return PostgresBus(settings.database_url, log=log, name=name)
    return InProcessBus()


def loops_of(bus: Bus) -> list[Coroutine[Any, Any, None]]:
    """Give what keeps a bus connected that other processes share."""
    return [bus.run()] if isinstance(bus, SharedBus) else []


def share_live(service: Service) -> None:
    """Share speed limits, tries and presence with the other processes by Redis, where it is set."""
    settings, core = service.settings, service.core
    if not settings.redis_url:
        return
    from bot.live_redis import RedisLive  # noqa: PLC0415 - only where it is configured

    secret = core.keyring.sign("live", b"names")
    live = RedisLive(settings.redis_url, monotonic=core.clock.monotonic, secret=secret, new_id=core.ids)
    service.live = live
    service.loops.append(live.run())


async def _run(service: Service, listeners: dict[str, socket.socket]) -> None:
    guard_loop(service.log)
    share_live(service)
    settings = service.settings
    health = health_of(service)
    citizen = citizen_of(service, health)
    console, accounts = console_of(service, health)
    for name, duty in (("web", "web"), ("console", "desk")):
        service.loops.append(knock(name, listeners[duty].getsockname()[:2], service.core.beats))
    watch = WatchChild(settings, service.log)
    if watch.is_wanted:
        service.loops.append(watch.run())
    if settings.staffbot_token:
        service.core.beats.beat("staffbot")
        service.loops.append(StaffBotChild(service.log).run())
    await _greet(settings, await accounts.first_admin_code())
    await serve_until_stopped(
        service, [(citizen, listeners["web"]), (console, listeners["desk"])], control_verbs(service, accounts)
    )
    await watch.stop()  # after anything but a stop that was asked for it lives on, and tells


def citizen_of(service: Service, health: HealthWatch) -> ASGIApp:
    """Build the citizens' port: pages, what providers call, the two plain answers; wires the channels on the way."""
    core = service.core
    routes = [*add_channels(service), *plain_routes(health)]
    return build_citizen(
        CitizenDeps(
            store=core.store,
            keyring=core.keyring,
            inbox=core.inbox,
            bus=core.bus,
            clock=core.clock,
            settings=service.settings,
            stopping=service.stopping,
            live=service.live,
        ),
        others=routes,
    )


async def _greet(settings: Settings, code: str | None) -> None:
    say(f"the citizens' page is on {settings.web_address}/")
    if code is None:
        say(f"the console is on {settings.console_address}/")
    else:
        say(f"make the first account within 15 minutes: {settings.console_address}/first/{code}")


def say(sentence: str) -> None:
    """Tell the person at the terminal."""
    print(f"panah: {sentence}", flush=True)  # noqa: T201 - the terminal is this verb's business
