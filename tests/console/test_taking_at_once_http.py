"""Many press «take the most urgent» in the same moment, over a real port: nobody meets an error, no case has two holders.

Meanwhile people write, one has everything erased, cases are closed and an account ends.
"""

import asyncio
import re
from contextlib import AsyncExitStack

import httpx
import pytest

from bot.erasing import erase
from bot.store import schema
from escalation.policy import SYSTEM

COUNSELLORS = [f"c{number}" for number in range(6)]
PEOPLE = [f"p{number}" for number in range(12)]
#: A press leads to a case, to the queue with a word, or to the door of an account that has ended.
_LEADS = re.compile(r"/cases/[0-9a-z-]+|/\?said=none")


class Desk:
    """A counsellor's browser without scripts, on the real port."""

    def __init__(self, http, csrf):
        self._http, self._csrf = http, csrf

    async def post(self, path, **fields):
        headers = {"sec-fetch-site": "same-origin"}
        return await self._http.post(path, data={"csrf": self._csrf, **fields}, headers=headers)


@pytest.fixture
async def desks(room, served):
    """Sit everybody down."""
    async with AsyncExitStack() as stack:
        found = []
        for name in COUNSELLORS:
            room.staff(name)
            session = await room.accounts.login(username=name, password="a long enough phrase", address=name)
            http = httpx.AsyncClient(base_url=served.url, cookies={"panah-staff": session.token}, timeout=60)
            found.append(Desk(await stack.enter_async_context(http), session.signed_in.csrf))
        yield found


async def _press_until_nothing_waits(desk):
    answers = []
    while True:
        answer = await desk.post("/take")
        answers.append(answer)
        if answer.status_code != 303 or "said=none" in answer.headers["location"]:
            return answers


async def test_no_press_meets_an_error_and_no_case_has_two_holders(room, desks):
    for person in PEOPLE:
        room.cry(person)
    takers = asyncio.gather(*map(_press_until_nothing_waits, desks))
    await asyncio.gather(*(asyncio.to_thread(room.say, "کمکم کنید", person) for person in PEOPLE))
    answers = [answer for one in await takers for answer in one]
    assert [] == [answer.status_code for answer in answers if answer.status_code != 303]
    assert [] == [where for answer in answers if not _LEADS.fullmatch(where := answer.headers["location"])]
    cases = room.rows(schema.cases)
    claims = [row["case_id"] for row in room.rows(schema.case_events, kind="claimed")]
    assert {case["id"] for case in cases} == set(claims)
    assert len(claims) == len(set(claims))
    assert all(case["holder"] in COUNSELLORS for case in cases)


async def test_nor_while_cases_are_closed_people_erased_and_an_account_ends(room, desks):
    cases = [room.cry(person) for person in PEOPLE]
    contacts = [room.case(case_id)["contact_id"] for case_id in cases]
    takers = asyncio.gather(*map(_press_until_nothing_waits, desks))
    store, now = room.core.store, room.now
    await asyncio.gather(
        *(store.write(lambda tx, who=who: erase(tx, contact_id=who, now_ms=now)) for who in contacts[::3]),
        *(desk.post(f"/cases/{case_id}/claim") for desk, case_id in zip(desks, cases[::2], strict=True)),
        room.accounts.disable(actor=SYSTEM, staff_id="c0", office=room.deps.office),
        *(asyncio.to_thread(room.say, "هنوز هستم", person) for person in PEOPLE[1::3]),
    )
    answers = [answer for one in await takers for answer in one]
    assert set() == {answer.status_code for answer in answers} - {303, 401, 403}
