"""A real `panah run` under load: its own process, console, alert loop and database, reached over HTTP only.

Its ordinary messages come by Rasa's webhook, where the reply goes out in the response: a provider's own limit of some
thirty messages a second would otherwise be all that is measured.
"""

import asyncio
import contextlib
import shutil
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aiohttp

from bot.bench.load import Order
from bot.bench.requests import rasa_body
from bot.bench.site import RASA_HEADERS, SECRET
from bot.content import PACKAGE_FLOWS
from bot.proof.counsellor import Counsellor
from bot.proof.installation import Installation
from bot.proof.ledger import Ledger
from bot.proof.nursery import Child, Nursery

RASA_PATH = "/rasa/webhook"
DANGER = "قرص خوردم که بمیرم"
_ALERT = """#!/bin/sh
printf '%s %s\\n' "$(date +%s.%N)" "$(cat)" >> '{file}'
"""


class _Starter(Nursery):
    """Starts each process afresh, as a person does: a forked one would bring its parent's memory along."""

    async def __aenter__(self) -> Self:
        self._ends: set[asyncio.Task[None]] = set()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._ends, return_exceptions=True)

    async def start(self, environment: Mapping[str, str], log: Path, argv: Sequence[str] = ("run",)) -> Child:
        """Start `panah …`; its output goes to the end of `log`."""
        with log.open("ab") as output:
            command = (sys.executable, "-m", "bot", *argv)
            process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=output, stderr=output)
        child = Child(process.pid)

        async def end() -> None:
            child.ended.set_result(await process.wait())

        task = asyncio.create_task(end())
        self._ends.add(task)
        return child


@dataclass(slots=True)
class Running:
    """The installation, its counsellor and where its alerts are written."""

    installation: Installation
    counsellor: Counsellor
    alerts: Path

    @property
    def pid(self) -> int:
        """The process that serves."""
        assert self.installation.child is not None
        return self.installation.child.pid

    def order(self, *, per_s: float, seconds: float, round_: int, tick_s: float = 60.0, forgets: bool = False) -> Order:
        """Give the order of an ordinary load; each round has contacts of its own."""
        return Order(
            port=self.installation.web_port,
            mode="rate",
            shape="rasa",
            path=RASA_PATH,
            headers=RASA_HEADERS,
            contact=(round_ + 1) * 10_000_000,
            number=(round_ + 1) * 100_000_000,
            per_s=per_s,
            seconds=seconds,
            tick_s=tick_s,
            forgets=forgets,
        )

    async def write(self, http: aiohttp.ClientSession, contact: int, text: str, number: int) -> None:
        """A person writes; returns when it was accepted.

        Raises:
            aiohttp.ClientResponseError: it was not.
        """
        url = f"http://127.0.0.1:{self.installation.web_port}{RASA_PATH}"
        async with http.post(url, data=rasa_body(contact, text, number), headers=RASA_HEADERS) as answer:
            answer.raise_for_status()
            await answer.read()


@contextlib.asynccontextmanager
async def running(directory: Path, **settings: str) -> AsyncIterator[Running]:
    """Start it with a signed-in counsellor, stop it afterwards. What the directory holds already is served."""
    flows = bench_flows(directory / "flows")
    alerts, program = directory / "alerts.jsonl", directory / "alert.sh"
    program.write_text(_ALERT.format(file=alerts), "utf-8")
    program.chmod(0o700)
    async with _Starter() as nursery, Ledger() as ledger:
        installation = Installation(
            directory,
            nursery,
            ledger,
            by_webhook=False,
            PANAH_FAULT="",
            PANAH_TELEGRAM_TOKEN="",
            PANAH_FLOWS=str(flows),
            PANAH_RASA_TOKEN=SECRET,
            PANAH_ALERT_COMMAND=str(program),
            **settings,
        )
        await installation.start()
        try:
            async with Counsellor(installation) as counsellor:
                await counsellor.sign_in()
                yield Running(installation, counsellor, alerts)
        finally:
            await installation.stop()


def bench_flows(directory: Path) -> Path:
    """Make scripts whose first one is the screening dialogue."""
    shutil.copytree(PACKAGE_FLOWS, directory)
    source = Path(__file__).with_name("screening.yaml").read_text("utf-8")
    (directory / "welcome.yaml").write_text(source.replace("flow: bench_screening", "flow: welcome", 1), "utf-8")
    return directory
