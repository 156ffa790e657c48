"""`panah run` and `panah serve`: wire the channels and pages that are configured, and run until told to stop."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.routing import BaseRoute

from bot import control
from bot.core.ids import system_ids
from bot.handlers.hooks import Door
from bot.service import Service, bind, close, open_service, serve as run_service
from bot.settings import Settings, read_settings
from bot.web.citizen import CitizenDeps, build_citizen
from escalation.accounts import Accounts
from escalation.console.deps import ConsoleDeps
from escalation.office import Office
from escalation.passwords import Hashing
from escalation.sweeper import keep_sweeping


def run(_args: argparse.Namespace) -> int:
    """Start everything on this machine."""
    settings = read_settings()
    taken = [bind(settings.web_host, settings.web_port), bind(settings.console_host, settings.console_port)]
    service = open_service(settings)
    try:
        import uvloop  # noqa: PLC0415

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(service, taken))
    finally:
        close(service.core)
    return 0
