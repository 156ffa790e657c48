"""Every single fault of the list, before, at and after an escalation, on real processes: nothing is lost.

The wire between Panah and its providers is a proxy of ours; that it does what it says is shown here as well.
"""

import asyncio
import contextlib
import time

import pytest

from bot.proof.wire import Trouble, Wire
from bot.proof.wire_faults import FAULTS
from bot.proof.wire_rounds import run_faults


@pytest.mark.timeout(1_400)
def test_twenty_eight_faults_at_three_moments_are_survived():
    report = run_faults(seed=20261122)

    assert [] == [found.said for found in report.breaches]
    assert dict.fromkeys((fault.name for fault in FAULTS), 3) == report.covered
    assert 84 == report.counts["survived"]


@pytest.fixture
async def echo():
    """A server that says back what it hears, behind a wire."""

    async def answer(reader, writer):
        with contextlib.suppress(OSError):
            while some := await reader.read(4096):
                writer.write(some)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with Wire("127.0.0.1", server.sockets[0].getsockname()[1]) as wire:
        yield wire
    server.close()


async def said_back(wire, words=b"salam", within_s=0.5):
    """Give what came back within a moment, or what the connection ended with."""
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    try:
        writer.write(words)
        return await asyncio.wait_for(reader.readexactly(len(words)), within_s)
    except TimeoutError:
        return "silence"
    except ConnectionError:
        return "reset"
    except asyncio.IncompleteReadError as end:
        return end.partial
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (Trouble(), {b"salam"}),
        (Trouble(reset=True), {"reset", b""}),
        (Trouble(refuse=True), {"reset", b""}),
        (Trouble(drop_share=1.0), {"reset", b""}),
        (Trouble(black_hole=True), {"silence"}),
        (Trouble(half_open=True), {"silence"}),
        (Trouble(cut_after=2), {"reset", b"sa"}),
        (Trouble(corrupt_at=1), {b"\x8calam"}),
    ],
)
async def test_a_wire_does_to_a_connection_what_it_was_told_to(echo, trouble, outcome):
    echo.be(trouble)

    assert await said_back(echo) in outcome


async def test_a_wire_takes_its_time(echo):
    echo.be(Trouble(latency_s=0.05, jitter_s=0.01, bytes_per_s=100.0))
    begun = time.monotonic()

    assert b"salam" == await said_back(echo, within_s=2.0)
    assert time.monotonic() - begun >= 0.2


async def test_a_black_hole_gives_back_what_it_held_and_a_half_open_connection_stays_lost(echo):
    outcomes = []
    for trouble in (Trouble(black_hole=True), Trouble(half_open=True)):
        echo.be(trouble)
        asking = asyncio.create_task(said_back(echo, within_s=1.0))
        await asyncio.wait([asking], timeout=0.2)
        echo.heal()
        outcomes.append(await asking)

    assert [b"salam", "silence"] == outcomes
    assert b"salam" == await said_back(echo)
