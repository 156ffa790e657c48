"""A stop that was asked for is quiet, however many pages are open: each open request ends by itself, answered."""

import asyncio
import json
import re

from system.desk import Desk
from system.harness import Panah
from system.visitor import Visitor


async def test_an_open_page_and_an_open_desk_end_by_themselves_at_a_stop(tmp_path):
    panah = Panah(tmp_path / "var").start()
    try:
        async with Visitor(panah) as she, Desk(panah) as mina:
            await mina.open_account()
            await she.say("سلام")
            page = await (await she._session.get(f"{panah.web}/")).text()
            last = max(int(number) for number in re.findall(r'data-last="(\d+)"', page))
            poll = she._session.get(f"{panah.web}/new?after={last}&here=1", headers={"X-Page": "1"})
            waiting = asyncio.create_task(_read(poll))
            stream = asyncio.create_task(_read(mina._session.get(f"{panah.console}/stream")))
            await asyncio.sleep(1)
            assert not waiting.done()
            assert not stream.done()

            code = await asyncio.to_thread(panah.stop)
            status, answer = await asyncio.wait_for(waiting, 5)
            streamed, _ = await asyncio.wait_for(stream, 5)
    finally:
        panah.stop()

    assert 0 == code
    assert (200, []) == (status, json.loads(answer)["messages"])
    assert 200 == streamed
    told = [json.loads(line) for line in panah.log.splitlines() if line.startswith("{")]
    assert [] == [line for line in told if line["level"] in {"error", "warning"}]
    assert "CancelledError" not in panah.log


async def _read(asked):
    async with asked as answer:
        return answer.status, await answer.text()
