"""From a provider's HTTP call to the commit, to the reply and to the send: requests a second, and a burst that loses nothing.

The service runs in this process, the load in another (bot.bench.client), whose ledger is what rows are counted
against. The peer is aiogram's own webhook handler on Redis, round by round in the same run.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.bench.dialogue import TURNS
from bot.bench.load import Client, Ledger, Order
from bot.bench.report import Report, machine, must_be, percentile, spread
from bot.bench.site import (
    RASA_HEADERS,
    TELEGRAM_HEADERS,
    TELEGRAM_PATH,
    Site,
    rasa_site,
    telegram_site,
)
from bot.bench.turns import count_rows, must_have
from bot.inbox import ANSWER_S

_RASA_PATH = "/rasa/webhook"
_DRAIN_S = 120.0
_UNSENT = "SELECT count(*) FROM outbox WHERE state <> 'sent' OR sent_at > expires_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much to measure."""

    rounds: int = 5
    contacts: int = 200  #: dialogues a round
    connections: int = 64
    burst: int = 20_000
    burst_connections: int = 2_000
    peer: str = "aiogram"


@dataclass(slots=True)
class _Side:
    """One thing that is measured: where it listens, how it is asked, and what came of its rounds."""

    name: str
    port: int
    shape: str = "telegram"
    mode: str = "closed"
    site: Site | None = None
    rounds: list[Ledger] = field(default_factory=list)

    def order(self, plan: Plan, number: int) -> Order:
        """Give the order of a round."""
        is_rasa = self.shape == "rasa"
        return Order(
            port=self.port,
            mode=self.mode,
            shape=self.shape,
            path=_RASA_PATH if is_rasa else TELEGRAM_PATH,
            headers=RASA_HEADERS if is_rasa else TELEGRAM_HEADERS,
            contact=1_000_000 + number * plan.contacts,
            number=number * plan.contacts * TURNS,
            contacts=plan.contacts,
            at_once=plan.contacts if self.mode == "answered" else plan.connections,
            connections=plan.connections,
        )

    def section(self) -> dict[str, Any]:
        """Give the figures of the rounds."""
        found = {
            "requests_per_s": spread([one.accepted / one.wall_s for one in self.rounds]),
            "cpu_us_per_request": spread([one.cpu_s / one.accepted * 1e6 for one in self.rounds]),
            "p50_ms": spread([percentile(one.waits_s, 0.5) * 1000 for one in self.rounds]),
            "p99_ms": spread([percentile(one.waits_s, 0.99) * 1000 for one in self.rounds]),
        }
        if self.mode == "answered":
            found["sent_per_s"] = spread([one.told / one.wall_s for one in self.rounds])
            found["sent_per_cpu_s"] = spread([one.told / one.cpu_s for one in self.rounds])
        return found


async def measure(plan: Plan) -> Report:
    """Run everything and give the report."""
    report: Report = {"machine": machine()}
    async with contextlib.AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="panah-bench-")))
        client = await stack.enter_async_context(Client())
        sides = [side async for side in _sides(stack, home, client, plan)]
        for number in range(plan.rounds + 1):  # the first round warms up and is not counted
            for side in sides:
                ledger = await client.run(side.order(plan, number))
                await _count(side, plan, number, ledger)
                if number:
                    side.rounds.append(ledger)
        report.update({side.name: side.section() for side in sides})
        report.update(_ratios(sides))
    if plan.burst:
        report["burst"] = await _burst(plan)
    return report


async def _sides(stack: contextlib.AsyncExitStack, home: Path, client: Client, plan: Plan) -> AsyncIterator[_Side]:
    names = ("commit", "response", "send")
    for name in names:
        (home / name).mkdir()
    site = await stack.enter_async_context(telegram_site(home / "commit", provider=None))
    yield _Side("webhook_to_commit", site.port, site=site)
    if plan.peer == "aiogram":
        from bot.bench.peer_webhook import aiogram_site  # noqa: PLC0415 - takes seconds to import

        port = await stack.enter_async_context(aiogram_site(provider=None))
        yield _Side("aiogram_webhook_to_stub", port)
    site = await stack.enter_async_context(rasa_site(home / "response"))
    yield _Side("webhook_to_reply_in_response", site.port, shape="rasa", site=site)
    site = await stack.enter_async_context(telegram_site(home / "send", provider=client.provider_port))
    yield _Side("webhook_to_separate_send", site.port, mode="answered", site=site)
    if plan.peer == "aiogram":
        port = await stack.enter_async_context(aiogram_site(provider=client.provider_port))
        yield _Side("aiogram_webhook_to_send", port, mode="answered")


async def _count(side: _Side, plan: Plan, number: int, ledger: Ledger) -> None:
    """Count a row for each request that was accepted, and in the outbox that every reply was said."""
    must_be(plan.contacts * TURNS, ledger.accepted, f"requests accepted by {side.name}")
    if side.mode == "answered":  # the last turn's two texts may go out as one message
        must_be(ledger.accepted, min(ledger.told, ledger.accepted), "messages at the provider")
    if side.site is None:
        return
    if side.mode == "answered":
        must_be(0, await _unsent(side.site), "replies not sent in time")
    must_have(count_rows(side.site.core), plan.contacts * TURNS * (number + 1))


def _ratios(sides: list[_Side]) -> Report:
    by_name = {side.name: side for side in sides}
    pairs = (
        ("webhook_to_commit", "aiogram_webhook_to_stub"),
        ("webhook_to_reply_in_response", "aiogram_webhook_to_stub"),
        ("webhook_to_separate_send", "aiogram_webhook_to_send"),
    )
    found: dict[str, Any] = {}
    for mine, other in pairs:
        if other in by_name:
            both = list(zip(by_name[mine].rounds, by_name[other].rounds, strict=True))
            found[mine] = spread(
                [ours.accepted / ours.wall_s / (their.accepted / their.wall_s) for ours, their in both]
            )
            found[f"{mine}_by_cpu"] = spread([their.cpu_s / ours.cpu_s for ours, their in both])
    return {"times_the_peer": found} if found else {}


async def _burst(plan: Plan) -> dict[str, Any]:
    """Offer everything at once; whoever is told to come back comes back. Each is accepted once and answered once."""
    async with contextlib.AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="panah-bench-")))
        client = await stack.enter_async_context(Client())
        site = await stack.enter_async_context(telegram_site(home, provider=client.provider_port))
        order = Order(
            port=site.port,
            mode="burst",
            shape="telegram",
            path=TELEGRAM_PATH,
            headers=TELEGRAM_HEADERS,
            contacts=plan.burst,
            connections=min(plan.burst, plan.burst_connections),
        )
        begun = time.perf_counter()
        ledger = await client.run(order)
        chats = await _all_told(client, plan.burst)
        answered_s = time.perf_counter() - begun
        must_be(plan.burst, ledger.accepted, "messages accepted")
        must_have(count_rows(site.core), plan.burst)
        must_be(plan.burst, chats, "people answered")
        must_be(0, await _unsent(site), "replies not sent in time")
        return {
            "messages": plan.burst,
            "told_to_come_back": ledger.refused,
            "broken_connections": ledger.broken,
            "all_accepted_after_s": round(ledger.wall_s, 2),
            "all_answered_after_s": round(answered_s, 2),
            "accept_p50_s": round(percentile(ledger.waits_s, 0.5), 2),
            "accept_p99_s": round(percentile(ledger.waits_s, 0.99), 2),
            "answer_limit_s": ANSWER_S,
        }


async def _unsent(site: Site) -> int:
    """Wait until the outbox has written down what was said; give how many replies were not said in time."""
    until = time.perf_counter() + _DRAIN_S
    while True:
        left = await site.core.store.read(lambda db: int(db.exec_driver_sql(_UNSENT).scalar() or 0))
        if left == 0 or time.perf_counter() > until:
            return left
        await asyncio.sleep(0.1)


async def _all_told(client: Client, people: int) -> int:
    """Wait until everybody was told something; give how many were."""
    until = time.perf_counter() + _DRAIN_S
    chats = 0
    while chats < people and time.perf_counter() < until:
        await asyncio.sleep(0.1)
        _, chats = await client.told()
    return chats
