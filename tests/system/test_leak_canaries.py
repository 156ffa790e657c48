"""Canaries through a whole installation (S12): with debug logs and failures forced everywhere, no mark of anybody leaves.

Each field that a stranger or a counsellor can fill gets a mark of its own; afterwards every byte that the installation
left anywhere is searched for all of them, plain and in the encodings that programs use.
"""

import asyncio
import base64
import json
import re
import urllib.parse

import aiohttp
import pytest
from system.desk import Desk

#: `panah run` with every logger at DEBUG, and every third turn or write failing with a person's words in its text.
PROGRAM = """
import itertools, logging, sys, threading
logging.root.setLevel(logging.DEBUG)
logging.root.setLevel = lambda level: None
logging.Logger.setLevel = lambda self, level: None
from bot.core import fault
numbers = itertools.count(1)

def broken(point):
    if point in {"E2", "E3", "O2"} and next(numbers) % 3 == 0:
        raise KeyError("canary-exception-77")

def arm():
    fault.arm(broken)

threading.Timer(1.0, arm).start()
from bot.cli import main
sys.argv = ["panah", "run"]
sys.exit(main())
"""

MARKS = {
    "text": "قناری-متن-پنهان",
    "cry": "شوهرم داره منو می‌زنه قناری-فریاد",
    "phone": "+989129998877",
    "name": "نازقناری",
    "query": "canary-query-5151",
    "cookie": "canary-cookie-6161-aaaaaaaaaaaaaaaaaaaaaaaaa",
    "header": "canary-header-7171",
    "username": "canaryuser8181",
    "password": "canary-password-9191",
    "note": "یادداشت-قناری-همکار",
    "reply": "پاسخ-قناری-مشاور",
    "hook": "canary-hook-token-2323",
    "exception": "canary-exception-77",
    "metrics": "canary-metrics-token-4545",
}


def forms_of(mark):
    """Give the bytes as which a mark may be found."""
    plain = mark.encode()
    return {
        plain,
        json.dumps(mark)[1:-1].encode(),
        urllib.parse.quote(mark).encode(),
        mark.encode("utf-16-le"),
        base64.b64encode(plain)[:-4],
        repr(plain)[2:-1].encode(),
    }


@pytest.fixture(scope="module")
def panah(install):
    return install(
        program=("-c", PROGRAM),
        PANAH_METRICS_TOKEN=MARKS["metrics"],
        PANAH_RASA_TOKEN=MARKS["hook"],
    )


async def write(panah, session, **fields):
    """Send a message; again when the service says that it is busy, as the page does."""
    sent = {"n": f"id{hash(str(fields)) & 0xFFFFFFFF:010}", **fields}
    for _ in range(60):
        async with session.post(panah.web + "/", data=sent) as answer:
            if answer.status != 503:
                break
        await asyncio.sleep(0.5)
    return answer.status


async def strangers(panah):
    """Fill every field that a stranger can reach."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, headers={"Origin": panah.web}) as session:
        await write(panah, session, p="start")
        for mark in ("text", "phone", "name", "cry"):
            assert 500 > await write(panah, session, t=MARKS[mark])
    headers = {"X-Canary": MARKS["header"], "User-Agent": MARKS["header"], "Cookie": f"s={MARKS['cookie']}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for path in ("/", "/new", "/nowhere", f"/{MARKS['query']}", "/healthz"):
            async with session.get(f"{panah.web}{path}?a={MARKS['query']}&word={MARKS['query']}") as answer:
                assert answer.status < 500 or answer.status == 503
        for body in (b"{" + MARKS["hook"].encode(), b"[" * 50_000, json.dumps({"sender": MARKS["name"]}).encode()):
            bearer = {"Authorization": f"Bearer {MARKS['hook']}"}
            async with session.post(f"{panah.web}/rasa/webhook", data=body, headers=bearer) as answer:
                assert answer.status < 500 or answer.status == 503
        async with session.get(
            f"{panah.console}/metrics", headers={"Authorization": f"Bearer {MARKS['metrics']}"}
        ) as found:
            return await found.text()


async def staff(panah):
    """Let a counsellor read, write and note; give every page she saw."""
    pages = []
    async with Desk(panah) as desk:
        await desk.get("/login")
        with pytest.raises(AssertionError):
            await desk.post("/login", username=MARKS["username"], password=MARKS["password"])
        await desk.open_account()
        await desk.begin_shift()
        for _ in range(60):
            await desk.get("/")
            path = await desk.post("/take", command="t" * 32)
            if path.startswith("/cases/"):
                break
            await asyncio.sleep(0.5)
        case_id = path.removeprefix("/cases/")
        await desk.write(case_id, MARKS["reply"], "c" * 32)
        await desk.act(case_id, "notes", text=MARKS["note"])
        await desk.act(case_id, "safe-contact", way="sms", phone=MARKS["phone"], who=MARKS["name"])
        pages.append(await desk.get(f"/cases/{case_id}"))
        pages.append(await desk.get("/"))
    return pages


async def test_no_mark_of_anybody_is_in_any_byte_that_is_left(panah, tmp_path):
    metrics = await strangers(panah)
    pages = await staff(panah)
    backup = tmp_path / "backup.db"
    said = [
        panah.command(*verb)
        for verb in (("backup", str(backup)), ("doctor",), ("doctor", "--json"), ("audit", "verify"))
    ]
    panah.stop()

    assert "exception" in panah.log or "KeyError" in panah.log, "no failure was forced"
    assert MARKS["reply"] in pages[0], "the counsellor herself reads it"
    left = {
        str(file): file.read_bytes()
        for place in (panah.var, panah.var.parent)
        for file in place.rglob("*")
        if file.is_file()
    }
    left |= {
        **dict(panah.stored()),
        "backup": backup.read_bytes(),
        "metrics": metrics.encode(),
        "queue page": pages[1].encode(),
        **{f"verb {n}": (done.stdout + done.stderr).encode() for n, done in enumerate(said)},
        "links": " ".join(re.findall(r'(?:href|action|src)="([^"]*)"', "".join(pages))).encode(),
    }
    found = {
        (name, place)
        for name, mark in MARKS.items()
        for place, content in left.items()
        if any(form in content for form in forms_of(mark))
    }
    assert set() == found
    assert len(left) > 8
