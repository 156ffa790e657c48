"""From a cry to a counsellor's screen, and to the first alert, while ordinary people write hundreds of messages a second.

Everything is a real process reached over HTTP: the service, the console's live stream of a signed-in account, and the
alert loop with its packaged policy, whose program writes down when it was called.
"""

import asyncio
import contextlib
import hashlib
import json
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bot.bench.listener import Listener
from bot.bench.load import Client, Ledger
from bot.bench.report import Report, machine, must_be, percentile, spread
from bot.bench.running import DANGER, Running, running

_STREAM_S = 30.0
_ALERT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much to measure. `waits_for_alert` false leaves the policy's twenty seconds out (tests)."""

    rounds: int = 5
    per_s: float = 500.0
    seconds: float = 8.0  #: of each round
    dangers: int = 40  #: in each round
    waits_for_alert: bool = True


@dataclass(slots=True)
class _Scene:
    running: Running
    client: Client
    listener: Listener
    http: aiohttp.ClientSession
    accepted: int = 0
    cried: int = 0


async def measure(plan: Plan) -> Report:
    """Run everything and give the report."""
    ways: list[list[float]] = []
    loads: list[Ledger] = []
    async with contextlib.AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="panah-bench-")))
        scene = await _scene(stack, home)
        for number in range(plan.rounds + 1):  # the first round warms up and is not counted
            took, ledger = await _round(scene, plan, number)
            if number:
                ways.append(sorted(took))
                loads.append(ledger)
        report: Report = {"machine": machine(), "case_on_stream": _stream_section(ways, plan)}
        report["ordinary_load"] = {
            "accepted_per_s": spread([one.accepted / one.wall_s for one in loads]),
            "p50_ms": spread([percentile(one.waits_s, 0.5) * 1000 for one in loads]),
            "p99_ms": spread([percentile(one.waits_s, 0.99) * 1000 for one in loads]),
        }
        if plan.waits_for_alert:
            report["first_alert"] = {"seconds_after_the_first_cry": round(await _alert_s(scene), 2)}
        _count(scene)
    return report


async def _scene(stack: contextlib.AsyncExitStack, home: Path) -> _Scene:
    found = await stack.enter_async_context(running(home))
    client = await stack.enter_async_context(Client())
    http = await stack.enter_async_context(aiohttp.ClientSession())
    listener = Listener()
    base = f"http://127.0.0.1:{found.installation.console_port}"
    task = asyncio.create_task(listener.listen(found.counsellor.http, base))
    stack.push_async_callback(_end, task)
    async with asyncio.timeout(_STREAM_S):
        await listener.ready.wait()
    return _Scene(found, client, listener, http)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _round(scene: _Scene, plan: Plan, number: int) -> tuple[list[float], Ledger]:
    """Run one stretch of load with cries in it; give how long each cry took to the screen."""
    order = scene.running.order(per_s=plan.per_s, seconds=plan.seconds, round_=number)
    load = asyncio.create_task(scene.client.run(order))
    sent: dict[str, float] = {}
    gap_s = plan.seconds / (plan.dangers + 1)
    cries: list[Awaitable[None]] = []
    for at in range(plan.dangers):
        await asyncio.sleep(gap_s)
        cries.append(asyncio.create_task(_cry(scene, number * 1_000 + at, sent)))
    await asyncio.gather(*cries)
    ledger = await load
    scene.accepted += ledger.accepted
    scene.cried += plan.dangers
    must_be(int(plan.per_s * plan.seconds), ledger.accepted, "ordinary messages accepted")
    cases = _cases_by_session(scene.running, set(sent))
    must_be(plan.dangers, len(cases), "cases of those who cried")
    if not await scene.listener.wait_for(set(cases.values()), _STREAM_S):
        must_be(plan.dangers, sum(case in scene.listener.heard for case in cases.values()), "cases on the stream")
    return [scene.listener.heard[case] - sent[who] for who, case in cases.items()], ledger


async def _cry(scene: _Scene, who: int, sent: dict[str, float]) -> None:
    code = str(who)
    sent[code] = time.perf_counter()
    await scene.running.write(scene.http, who, DANGER, who)


def _cases_by_session(found: Running, wanted: set[str]) -> dict[str, str]:
    """Give the case of each who cried, by the message's own name in the inbox."""
    names = {hashlib.sha256(f"bench-{who}\0m{who}".encode()).hexdigest(): who for who in wanted}
    rows = found.installation.rows(
        "SELECT i.provider_id, c.id FROM cases c JOIN inbox i ON i.contact_id = c.contact_id WHERE i.channel = 'rasa'"
    )
    return {names[provider]: case for provider, case in rows if provider in names}


def _stream_section(ways: list[list[float]], plan: Plan) -> dict[str, Any]:
    return {
        "cries_a_round": plan.dangers,
        "p50_ms": spread([percentile(took, 0.5) * 1000 for took in ways]),
        "p99_ms": spread([percentile(took, 0.99) * 1000 for took in ways]),
        "slowest_ms": round(max(took[-1] for took in ways) * 1000, 1),
    }


async def _alert_s(scene: _Scene) -> float:
    """Wait for the first alert; give how long after the first cry the program was called."""
    opened_s = scene.running.installation.counts("SELECT min(opened_at) FROM cases") / 1000
    until = time.monotonic() + _ALERT_S
    while time.monotonic() < until:
        if scene.running.alerts.exists():
            for line in scene.running.alerts.read_text("utf-8").splitlines():
                at, _, said = line.partition(" ")
                if said.startswith("{") and json.loads(said).get("cases"):
                    return float(at) - opened_s
        await asyncio.sleep(0.1)
    must_be(1, 0, "alerts")
    return 0.0


def _count(scene: _Scene) -> None:
    """Count a row for each message and a case for each cry."""
    found = scene.running.installation
    wanted = scene.accepted + scene.cried
    must_be(wanted, found.counts("SELECT count(*) FROM inbox WHERE channel = 'rasa' AND state = 'done'"), "inbox rows")
    must_be(wanted, found.counts("SELECT count(*) FROM turns"), "turn rows")
    must_be(scene.cried, found.counts("SELECT count(*) FROM cases WHERE tier = 'T1'"), "cases")
