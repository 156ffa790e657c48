"""Health of a running process: what it looks at, and the two plain answers for whoever watches from outside."""

from collections.abc import Callable
from datetime import date

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.engine.model import Bundle
from bot.health import HealthWatch
from bot.health.facts import WATCH_SIGN, people_in_reach
from bot.health.probe import yes_or_no
from bot.health.watch import HealthDeps
from bot.service import Service
from bot.settings import Settings, ways_configured
from bot.world import Versions


def health_of(service: Service) -> HealthWatch:
    """Make the one that looks."""
    core, settings = service.core, service.settings
    return HealthWatch(
        HealthDeps(
            store=core.store,
            clock=core.clock,
            beats=core.beats,
            log=core.log,
            data_dir=settings.var,
            oldest_arrival=core.inbox.oldest,
            oldest_line=_oldest_line(core.versions),
            counted=lambda: {**core.beats.counts, ("refused", ()): core.inbox.refused},
            has_way_out=lambda: has_way_out(settings),
            shared_away_s=lambda: service.live.away_s if service.live is not None else 0.0,
        )
    )


def has_way_out(settings: Settings) -> bool:
    """True when an alert can leave and somebody would get it; who that is, the alert loop says in its sign."""
    return bool(ways_configured(settings)) and people_in_reach(settings.var / WATCH_SIGN) != 0


def _oldest_line(versions: Versions) -> Callable[[], date | None]:
    """Give who tells which day the number was verified whose turn was longest ago."""
    found: dict[str, date | None] = {}

    def oldest() -> date | None:
        bundle = versions.current()
        if bundle.version not in found:
            found.clear()
            found[bundle.version] = _verified(bundle)
        return found[bundle.version]

    return oldest


def _verified(bundle: Bundle) -> date | None:
    days = [line.verified_on for line in bundle.lines.values() if line.status != "suspended"]
    return min((date.fromisoformat(day) if day else date.min for day in days), default=None)


def plain_routes(health: HealthWatch) -> list[Route]:
    """Give `/healthz` and `/readyz` of the citizens' port."""

    async def healthz(_request: Request) -> Response:
        return yes_or_no(ok=health.alive())

    async def readyz(_request: Request) -> Response:
        return yes_or_no(ok=health.ready())

    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]
