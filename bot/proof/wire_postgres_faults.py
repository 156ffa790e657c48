"""The eleven faults between Panah and PostgreSQL: on its wire, at its COMMITs, at the server."""

import asyncio
from collections.abc import Callable

from bot.proof.commit_wire import Cut
from bot.proof.wire import Trouble
from bot.proof.wire_faults import Act, Fault
from bot.proof.wire_postgres import STARTING, TOO_MANY, PostgresSide
from bot.proof.wire_site import Site

#: COMMITs that are cut: every loop commits, so hers is met within the first few.
_CUTS = 6


def _side(site: Site) -> PostgresSide:
    assert site.postgres is not None
    return site.postgres


def _act(act: Callable[[PostgresSide], object]) -> Act:
    async def run(site: Site) -> None:
        act(_side(site))

    return run


_HEAL = _act(PostgresSide.heal)


def _wire(trouble: Trouble) -> tuple[Act, Act]:
    return _act(lambda side: side.wire.be(trouble)), _HEAL


def _once(trouble: Trouble) -> tuple[Act, Act]:
    """What happens to the connections that are open now; new ones are good."""

    def strike(side: PostgresSide) -> None:
        side.wire.be(trouble)
        side.wire.heal()

    return _act(strike), _HEAL


def _cut(cut: Cut) -> tuple[Act, Act]:
    return _act(lambda side: side.commits.arm(cut, _CUTS)), _HEAL


def _refuse(refusal: tuple[str, str]) -> tuple[Act, Act]:
    return _act(lambda side: side.refuse(refusal)), _HEAL


async def _fail_over(site: Site) -> None:
    """What a client sees of a failover without loss: everybody out, nobody there, then another server with the rows."""
    await asyncio.to_thread(_side(site).cluster.stop_at_once)


async def _take_over(site: Site) -> None:
    await asyncio.to_thread(_side(site).cluster.start)


def _fault(
    name: str, acts: tuple[Act, Act], *, lasts_s: float = 3.0, is_open: bool = False, reddens: bool = False
) -> Fault:
    """Give a fault; between a provider's yes and our record of it the database can go, so a text may come out again."""
    return Fault(
        name=name,
        acts=acts,
        lasts_s=lasts_s,
        is_open=is_open,
        reddens=reddens,
        may_double=True,
        on_postgres=True,
        own_server=name.startswith("PostgreSQL server"),
        is_apart=name.endswith("half-open"),  # what was lost is given up after half a minute
        is_brief=is_open,
    )


POSTGRES_FAULTS: tuple[Fault, ...] = (
    _fault("PostgreSQL half-open", _wire(Trouble(half_open=True))),
    _fault("PostgreSQL lets nobody in", _refuse(TOO_MANY), lasts_s=10.0, reddens=True),
    _fault("PostgreSQL server failed over", (_fail_over, _take_over), lasts_s=4.0),
    _fault("PostgreSQL black hole", _wire(Trouble(black_hole=True)), lasts_s=6.0),
    _fault("PostgreSQL starting up", _refuse(STARTING)),
    _fault("PostgreSQL slow", _wire(Trouble(latency_s=0.02, jitter_s=0.02)), is_open=True),
    _fault("PostgreSQL reset", _once(Trouble(reset=True)), is_open=True, lasts_s=1.0),
    _fault("PostgreSQL half-closed", _once(Trouble(half_closed=True)), is_open=True, lasts_s=1.0),
    _fault("PostgreSQL reads cut", _wire(Trouble(reset=True, only=b"panah-read"))),
    _fault("PostgreSQL COMMIT lost", _cut("before"), is_open=True, lasts_s=2.0),
    _fault("PostgreSQL answer to COMMIT lost", _cut("behind"), is_open=True, lasts_s=2.0),
)
