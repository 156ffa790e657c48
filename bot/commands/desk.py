"""The counsellor's side of a running process: the console, and what other processes may ask over the control socket."""

from starlette.applications import Starlette

from bot import control
from bot.commands.acts import act_verbs
from bot.health import HealthWatch
from bot.service import Service
from bot.talks import run_talks
from bot.web.studio import TEMPLATES, studio_routes
from bot.web.studio_deps import StudioDeps
from escalation.accounts import Accounts
from escalation.console import ConsoleDeps, NavEntry, Shell, build_console
from escalation.office import Office
from escalation.passwords import Hashing
from escalation.staffbot_desk import DatabaseDesk
from escalation.sweeper import keep_sweeping


def office_of(service: Service) -> Office:
    """Give what acts work with."""
    core = service.core
    return Office(keyring=core.keyring, bus=core.bus, new_id=core.ids)


def console_of(service: Service, health: HealthWatch) -> tuple[Starlette, Accounts]:
    """Build the console and start its loops with the service."""
    core = service.core
    accounts = Accounts(core.store, core.clock, core.ids, hashing=Hashing())
    studio = StudioDeps(
        store=core.store,
        bus=core.bus,
        clock=core.clock,
        ids=core.ids,
        flows_dir=service.settings.flows_dir,
        screen=core.screener.screen,
        run_talks=lambda bundle: run_talks(bundle, core.screener),
    )
    deps = ConsoleDeps(
        store=core.store,
        keyring=core.keyring,
        bus=core.bus,
        clock=core.clock,
        ids=core.ids,
        settings=service.settings,
        accounts=accounts,
        health=health,
        stopping=service.stopping,
        extra_routes=studio_routes(studio, Shell()),
        extra_templates=(TEMPLATES,),
        extra_nav=(NavEntry(path="/flows/", label="سناریوها", target="flow", action="view"),),
    )
    service.loops.append(keep_sweeping(core.store, deps.office, core.clock, core.log, core.beats))
    return build_console(deps), accounts


def control_verbs(service: Service, accounts: Accounts) -> control.ControlVerbs:
    """Give what other processes of this machine may ask."""

    async def ping() -> str:
        return "ok"

    core = service.core
    desk = DatabaseDesk(core.store, office_of(service), core.clock, core.beats)
    return {"ping": ping, **act_verbs(core, service.settings, accounts), **desk.verbs()}
