"""A new installation and its first case: Panah starts, an admin is made, somebody in danger writes, the case is taken.

Called by .ci/offline inside an unpacked bundle; uses the visitor and the desk of the system tests.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from system.desk import Desk
from system.harness import Panah
from system.visitor import Visitor

CRY = "شوهرم داره منو می‌زنه"


async def first_case(panah: Panah) -> str:
    """Give the case that a cry became, taken and read at the console."""
    async with Desk(panah) as desk, Visitor(panah) as visitor:
        await desk.open_account()
        page = await visitor.say(CRY)
        if "123" not in page:
            raise AssertionError(page)
        await desk.begin_shift()
        case_id = await desk.take()
        if CRY not in await desk.read(case_id):
            raise AssertionError(desk.page)
        return case_id


def main() -> int:
    """Start, try, stop."""
    with tempfile.TemporaryDirectory() as scratch:
        panah = Panah(Path(scratch) / "var").start()
        try:
            case_id = asyncio.run(first_case(panah))
        finally:
            ended = panah.stop()
    print(f"a case of immediate danger stands in the queue and was taken: number {case_id}")  # noqa: T201
    return ended


if __name__ == "__main__":
    sys.exit(main())
