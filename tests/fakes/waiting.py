"""Waiting in tests for facts that no event tells of: a row, a log line."""

import asyncio


async def until(fact, within_s=10.0):
    """Wait until `fact()` is true."""
    async with asyncio.timeout(within_s):
        while not fact():  # noqa: ASYNC110 - nothing announces these facts
            await asyncio.sleep(0.01)
