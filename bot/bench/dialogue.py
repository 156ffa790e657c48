"""The common job: twelve turns a contact, from the raw bytes of a Telegram update to one outgoing message.

Start, ten questions of which one rejects an answer once, a score and one of three endings; two hundred contacts at
once in a closed loop, or arrivals at a fixed rate in an open one.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

TURNS = 12
FREE_TEXT = "مدتی است که شب‌ها خوابم نمی‌برد و دلم می‌خواهد با کسی حرف بزنم."
Feed = Callable[[bytes], Awaitable[None]]


def script(contact: int) -> list[str]:
    """Give what one contact writes; choices are the numbers 1 to 4."""
    scale = [str((contact * 7 + turn * 3) % 4 + 1) for turn in range(7)]
    return ["/start", "بله", "abc", str(12 + contact % 60), *scale, FREE_TEXT]


def update(number: int, contact: int, text: str) -> bytes:
    """Give the bytes of one Telegram update, as Telegram sends them."""
    person = {"id": contact, "first_name": "مریم", "last_name": "رضایی", "username": f"user{contact}"}
    message = {
        "message_id": number,
        "from": {**person, "is_bot": False, "language_code": "fa"},
        "chat": {**person, "type": "private"},
        "date": int(time.time()),  # an old one would be a late message, which is answered in another way
        "text": text,
    }
    return json.dumps({"update_id": 10_000_000 + number, "message": message}, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Measured:
    """One round: turns, seconds of the wall and of this process's CPU, latencies in seconds (sorted)."""

    turns: int
    wall_s: float
    cpu_s: float
    latencies_s: tuple[float, ...]

    @property
    def turns_per_s(self) -> float:
        """Turns a second."""
        return self.turns / self.wall_s

    @property
    def cpu_us(self) -> float:
        """Microseconds of this process's CPU a turn."""
        return self.cpu_s / self.turns * 1e6

    def percentile_ms(self, share: float) -> float:
        """Give a latency percentile in milliseconds."""
        return self.latencies_s[min(len(self.latencies_s) - 1, int(len(self.latencies_s) * share))] * 1000


class Dialogues:
    """Updates for many contacts; every round has contacts of its own, counted from `contact` and `number`."""

    def __init__(self, contact: int = 1_000_000, number: int = 0) -> None:
        self._contact = contact
        self._number = number

    def of(self, contacts: int) -> list[list[bytes]]:
        """Prepare whole dialogues for so many new contacts."""
        prepared = []
        for _ in range(contacts):
            self._contact += 1
            updates = []
            for text in script(self._contact):
                self._number += 1
                updates.append(update(self._number, self._contact, text))
            prepared.append(updates)
        return prepared


async def closed_loop(feed: Feed, dialogues: list[list[bytes]], at_once: int) -> Measured:
    """Run dialogues, `at_once` of them live: each contact sends its next message when its turn was answered."""
    latencies: list[float] = []
    waiting = iter(dialogues)

    async def contact() -> None:
        for updates in waiting:
            for raw in updates:
                begun = time.perf_counter()
                await feed(raw)
                latencies.append(time.perf_counter() - begun)

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(contact() for _ in range(at_once)))
    return _measured(latencies, wall, cpu)


async def open_loop(feed: Feed, dialogues: list[list[bytes]], per_s: float) -> Measured:
    """Send at a fixed rate whatever the answers; latency counts from when a message was due to be sent."""
    latencies: list[float] = []
    turns = [updates[turn] for turn in range(TURNS) for updates in dialogues]

    async def one(raw: bytes, due: float) -> None:
        await feed(raw)
        latencies.append(time.perf_counter() - due)

    cpu, wall = time.process_time(), time.perf_counter()
    tasks = []
    for number, raw in enumerate(turns):
        due = wall + number / per_s
        late_s = due - time.perf_counter()
        if late_s > 0:
            await asyncio.sleep(late_s)
        tasks.append(asyncio.create_task(one(raw, due)))
    await asyncio.gather(*tasks)
    return _measured(latencies, wall, cpu)


def _measured(latencies: list[float], wall: float, cpu: float) -> Measured:
    wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    return Measured(len(latencies), wall_s, cpu_s, tuple(sorted(latencies)))
