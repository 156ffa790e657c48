"""The counsellor's side of a running process: the console, and what other processes may ask over the control socket."""

from starlette.applications import Starlette
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from bot import control
from bot.anchors import AuditWatch
from bot.commands.acts import accounts_of, act_verbs
from bot.content import PACKAGE_FLOWS
from bot.health import HealthWatch
from bot.live import OwnLive
from bot.service import Service
from bot.staff_forms import StaffFormsOf
from bot.tombstones import Tombstones, path_of
from bot.web.studio_deps import TEMPLATES, StudioDeps
from escalation.accounts import Accounts
from escalation.console import ConsoleDeps, NavEntry, Shell, build_console
from escalation.office import Office
from escalation.staffbot_desk import DatabaseDesk
from escalation.sweeper import keep_sweeping


def office_of(service: Service) -> Office:
    """Give what acts work with."""
    core = service.core
    return Office(keyring=core.keyring, bus=core.bus, new_id=core.ids)


def console_of(service: Service, health: HealthWatch) -> tuple[Starlette, Accounts]:
    """Build the console and start its loops with the service."""
    core = service.core
    accounts = accounts_of(core, service.settings, service.live)
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
        live=service.live or OwnLive(core.clock.monotonic),
        forms=StaffFormsOf(service.settings.flows_dir, PACKAGE_FLOWS),
        extra_routes=(Mount("", app=Studio(service)),),
        extra_templates=(TEMPLATES,),
        extra_nav=(NavEntry(path="/flows/", label="سناریوها", target="flow", action="view"),),
    )
    service.loops.append(keep_sweeping(core.store, deps.office, core.clock, core.log, core.beats))
    audit = AuditWatch(core.store, core.clock, service.settings, log=core.log, beats=core.beats)
    erased = Tombstones(core.store, path_of(service.settings), log=core.log, beats=core.beats)
    service.loops.extend((audit.run(), erased.run()))
    return build_console(deps), accounts


class Studio:
    """The editor of scripts, made when somebody first opens it: it brings the checks of scripts, and days pass without."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._app is None:
            self._app = Router(self._routes())
        await self._app(scope, receive, send)

    def _routes(self) -> list[Route]:
        from bot.talks import run_talks  # noqa: PLC0415
        from bot.web.studio import studio_routes  # noqa: PLC0415

        core = self._service.core
        deps = StudioDeps(
            store=core.store,
            bus=core.bus,
            clock=core.clock,
            ids=core.ids,
            flows_dir=self._service.settings.flows_dir,
            screen=core.screener.screen,
            run_talks=lambda bundle: run_talks(bundle, core.screener),
        )
        return studio_routes(deps, Shell())


def control_verbs(service: Service, accounts: Accounts) -> control.ControlVerbs:
    """Give what other processes of this machine may ask."""

    async def ping() -> str:
        return "ok"

    core = service.core
    desk = DatabaseDesk(core.store, office_of(service), core.clock, core.beats)
    return {"ping": ping, **act_verbs(core, service.settings, accounts), **desk.verbs()}
