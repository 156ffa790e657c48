"""`panah serve --role door|poller|sender|console` on PostgreSQL: parts of `panah run` as processes of their own, N of each.

They need not know each other: the database says whose turn it is. A hint over Redis, when PANAH_REDIS_URL is set,
saves them up to a second; without it each looks by itself.
"""

import asyncio
import socket
from collections.abc import Mapping

import uvloop
from starlette.types import ASGIApp

from bot.commands.desk import console_of, control_verbs
from bot.commands.health import health_of
from bot.commands.service import bus_of, citizen_of, listeners_of, loops_of, say, share_live
from bot.commands.ways import add_channels
from bot.control import ControlVerbs
from bot.errors import CommandError
from bot.health.probe import knock
from bot.service import Service, close_service, open_service, serve_until_stopped
from bot.settings import Settings
from bot.telemetry import configure, guard_loop, guard_process
from escalation.accounts import Accounts

#: What each role does of what `panah run` does.
ROLES: Mapping[str, frozenset[str]] = {
    "door": frozenset({"web", "turns"}),
    "poller": frozenset({"polls", "turns"}),
    "sender": frozenset({"sends"}),
    "console": frozenset({"desk"}),
}


def run_role(settings: Settings, role: str) -> int:
    """Run one role until told to stop.

    Raises:
        CommandError: the database is SQLite, which has one writing process.
    """
    if not settings.database_url:
        raise CommandError(f"a {role} of its own needs PostgreSQL (PANAH_DATABASE); on SQLite `panah run` does it all")
    duties = ROLES[role]
    listeners = listeners_of(settings, duties)
    log = configure()
    guard_process(log)
    bus = bus_of(settings, log)
    service = open_service(settings, log, bus, role=role, duties=duties)
    service.loops.extend(loops_of(bus))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(service, listeners))
    except BaseException:
        close_service(service, is_clean=False)
        raise
    close_service(service, is_clean=True)
    return 0


async def _run(service: Service, listeners: Mapping[str, socket.socket]) -> None:
    guard_loop(service.log)
    share_live(service)
    health = health_of(service)
    apps: list[tuple[ASGIApp, socket.socket]] = []
    verbs: ControlVerbs | None = None
    if "web" in listeners:
        apps.append((citizen_of(service, health), listeners["web"]))
    else:
        add_channels(service)
    if "desk" in listeners:
        console, accounts = console_of(service, health)
        apps.append((console, listeners["desk"]))
        verbs = control_verbs(service, accounts)
        await _greet(service.settings, accounts)
    for (_, listener), name in zip(apps, ("web" if "web" in listeners else "console",), strict=False):
        service.loops.append(knock(name, listener.getsockname()[:2], service.core.beats))
    say(f"{service.process.role} is up")
    await serve_until_stopped(service, apps, verbs)


async def _greet(settings: Settings, accounts: Accounts) -> None:
    code = await accounts.first_admin_code()
    console = settings.console_address
    say(
        f"make the first account within 15 minutes: {console}/first/{code}" if code else f"the console is on {console}/"
    )
