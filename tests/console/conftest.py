"""A console on a real database, with the real core behind it: people write to the bot, staff work in a browser."""

import asyncio
import contextlib
import itertools
import re
import shutil
import socket
import threading
from dataclasses import dataclass, field

import httpx
import pytest
import uvicorn
from argon2 import PasswordHasher
from fakes.health import health_of
from playwright.sync_api import sync_playwright
from sqlalchemy import select
from stores import STORES

from bot.content import PACKAGE_FLOWS
from bot.core.clock import SystemClock, VirtualClock
from bot.core.messages import InboundMsg, Press, PressInput, TextInput
from bot.health.facts import WATCH_SIGN
from bot.settings import Settings
from bot.staff_forms import StaffFormsOf
from bot.store import migrate, schema
from bot.store.database import Store
from escalation import acts, relay, repo_staff
from escalation.accounts import Accounts
from escalation.console import ConsoleDeps, build_console
from escalation.office import Office
from escalation.passwords import Hashing
from escalation.policy import Actor
from escalation.signin import rules_of

PASSWORD = "a long enough phrase"
CHROMIUM_ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--autoplay-policy=user-gesture-required",
]  # fmt: skip
_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_HASH = _HASHER.hash(PASSWORD)


@dataclass
class Room:
    """Everything behind one console."""

    core: object
    accounts: Accounts
    deps: ConsoleDeps
    app: object
    numbers: object = field(default_factory=lambda: itertools.count(1))

    @property
    def now(self):
        return self.deps.now_ms()

    def staff(self, username, *roles, province="", name=""):
        """Add an account with PASSWORD; give its actor."""
        actor = Actor(
            staff_id=username, name=name or username, roles=frozenset(roles or ("counsellor",)), province=province
        )
        self.core.store.write_now(
            lambda tx: repo_staff.add_staff(
                tx,
                staff_id=username,
                username=username,
                name=actor.name,
                roles=sorted(actor.roles),
                province=province,
                password_hash=_HASH,
                now_ms=self.now,
            )
        )
        return actor

    def say(self, text, who="sara", channel="web"):
        """Let a person write; the turn is run and stored when this returns."""
        return self._arrive(TextInput(text), who, channel)

    def press(self, data, who="sara", channel="web"):
        """Let a person press a button."""
        return self._arrive(PressInput(Press.decode(data)), who, channel)

    def _arrive(self, received, who, channel):
        message = InboundMsg(
            channel=channel,
            external_id=who,
            provider_id=f"m{next(self.numbers)}",
            input=received,
            received_at=self.core.clock.now(),
        )
        self.core.waiting.run_due()  # a claim just before has silenced the bot by now
        return self.core.inbox.put(message).done.result(10)

    def cry(self, who="sara", text="شوهرم داره منو می‌زنه", channel="web"):
        """Let a person ask for help at once; give the id of her case."""
        code = self.say(text, who, channel).case_code
        return self.rows(schema.cases, code=code)[0]["id"]

    def claim(self, actor, case_id):
        """Let somebody take a case without a browser."""
        return self.core.store.write_now(
            lambda tx: acts.claim_case(tx, self.deps.office, actor=actor, case_id=case_id, now_ms=self.now)
        )

    def says(self, actor, case_id, token):
        """Let the holder write a word without a browser."""
        words = {"text": "من هستم", "command_id": f"command-{next(self.numbers)}", "token": token}
        self.core.store.write_now(
            lambda tx: relay.write_message(tx, self.deps.office, actor=actor, case_id=case_id, now_ms=self.now, **words)
        )

    def rows(self, table, **where):
        query = select(table)
        for name, value in where.items():
            query = query.where(table.c[name] == value)
        return self.core.store.read_now(lambda found: [dict(row) for row in found.execute(query).mappings()])

    def case(self, case_id):
        return self.rows(schema.cases, id=case_id)[0]


def _room(core, directory, **settings):
    accounts = Accounts(
        core.store,
        core.clock,
        core.ids,
        keyring=core.keyring,
        hashing=Hashing(_HASHER),
        rules=rules_of(Settings(**settings)),
    )
    health = health_of(core.store, core.clock, directory, beats=core.beats, oldest_arrival=core.inbox.oldest)
    deps = ConsoleDeps(
        store=core.store,
        keyring=core.keyring,
        bus=core.bus,
        clock=core.clock,
        ids=core.ids,
        settings=Settings(var=directory, **settings),
        accounts=accounts,
        health=health,
        forms=StaffFormsOf(PACKAGE_FLOWS),
    )
    assert isinstance(deps.office, Office)
    return Room(core=core, accounts=accounts, deps=deps, app=build_console(deps))


@pytest.fixture
def clock(request):
    """Browsers count real time; everything else stands still until told."""
    return SystemClock() if "browser" in request.node.path.name else VirtualClock(SystemClock().now())


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """Make the tables once; every room begins with a copy."""
    path = tmp_path_factory.mktemp("console") / "empty.db"
    store = Store(path)
    migrate.upgrade(store.connection)
    store.close()
    return path


@pytest.fixture
def room(make_core, tmp_path, empty_database):
    if STORES.kind == "sqlite":
        shutil.copy(empty_database, tmp_path / "panah.db")
    return _room(make_core(tmp_path / "panah.db", threaded=True), tmp_path)


class Visitor:
    """A browser without scripts: keeps cookies, sends the form's token, says where its requests come from."""

    def __init__(self, app):
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console.test")
        self._csrf = ""

    async def get(self, path, **headers):
        return await self.http.get(path, headers=headers)

    async def post(self, path, fields=None, *, csrf=None, origin="same-origin", **headers):
        """Send a form: with this page's token and origin unless told otherwise."""
        csrf = await self.csrf() if csrf is None else csrf
        sent = {"sec-fetch-site": origin, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.http.post(path, data={"csrf": csrf, **(fields or {})}, headers=sent)

    async def csrf(self):
        """Give the token of this visitor's pages."""
        if not self._csrf:
            page = await self.http.get("/me", follow_redirects=True)
            self._csrf = re.search(r'name="csrf" content="([^"]+)"', page.text)[1]
        return self._csrf

    async def sign_in(self, username, password=PASSWORD):
        answer = await self.post("/login", {"username": username, "password": password, "next": "/"})
        assert answer.status_code == 303, answer.text
        self._csrf = ""  # the sign-in has a token of its own
        return self


@pytest.fixture
def visitor_class():
    """Give the class of visitors, for applications built in the test."""
    return Visitor


@pytest.fixture
async def visit(room):
    """Give new visitors: `visit()` is anonymous, `await visit("sara")` is signed in."""
    opened = []

    def make(username=None):
        visitor = Visitor(room.app)
        opened.append(visitor)
        return visitor if username is None else visitor.sign_in(username)

    yield make
    for visitor in opened:
        await visitor.http.aclose()


async def _signed_in(room, username):
    session = await room.accounts.login(username=username, password=PASSWORD, address="test")
    return session.token


class Served:
    """An application on a real port, in a thread of its own; `stop` ends its streams first."""

    def __init__(self, app, deps, beating=None):
        self._deps = deps
        self._beating = beating
        self._begun = threading.Event()
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=2)
        )
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    async def _serve(self):
        self._loop = asyncio.get_running_loop()
        self._begun.set()
        beating = self._loop.create_task(self._beating()) if self._beating else None
        await self._server.serve([self._socket])
        if beating is not None:
            beating.cancel()

    def run(self, coroutine):
        """Run something on the server's own loop (playwright's stands on ours)."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def __enter__(self):
        self._thread.start()
        self._begun.wait(10)
        return self

    def __exit__(self, *_):
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._deps.stopping.set)
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def served(room, tmp_path):
    """Serve the console in a process that is well: its worker beats, and its alert loop gives its sign."""

    async def beating():
        while True:
            (tmp_path / WATCH_SIGN).touch()
            room.core.worker.kick()
            await room.core.store.write(room.core.beats.write)
            await asyncio.sleep(2)

    with Served(room.app, room.deps, beating) as found:
        yield found


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.fixture
def sit(chromium, served, room):
    """Sit down at a computer: `sit("sara")` gives a page of a fresh browser, signed in. Broken rules fail the test."""
    contexts, broken = [], []

    def watch(page):
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("console", lambda line: broken.append(line.text) if "Security Policy" in line.text else None)

    def opened(username=None, *, viewport=(1366, 768), through=served.url, **options):
        width, height = viewport
        context = chromium.new_context(
            viewport={"width": width, "height": height}, locale="fa-IR", base_url=through, **options
        )
        context.set_default_timeout(10_000)
        context.on("page", watch)
        contexts.append(context)
        page = context.new_page()
        if username is not None:
            value = served.run(_signed_in(room, username))
            context.add_cookies([{"name": "panah-staff", "value": value, "url": through, "httpOnly": True}])
        page.goto("/login" if username is None else "/")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert broken == []
