"""A small installation of scripts that passes every check, and a console with the editor in it."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from fakes.health import health_of
from stores import STORES

import bot
from bot.bus import InProcessBus
from bot.core.clock import VirtualClock
from bot.core.ids import seeded_ids
from bot.core.screening import NOTHING_FOUND
from bot.publishing import ensure_published
from bot.settings import Settings
from bot.store import schema
from bot.store.crypto import ephemeral_keyring
from bot.store.database import Store
from bot.web.studio import studio_routes
from bot.web.studio_deps import TEMPLATES, StudioDeps
from escalation import repo_staff
from escalation.accounts import Accounts
from escalation.console import ConsoleDeps, NavEntry, Shell, build_console
from escalation.passwords import Hashing
from escalation.signin import SignInRules

FLOWS = Path(bot.__file__).parent / "flows"
PASSWORD = "a long enough phrase"
_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_HASH = _HASHER.hash(PASSWORD)
WELCOME = """\
flow: welcome
title: خوش‌آمد
owner: دفتر آزمون
silence: {after: 10m, then: settle}
steps:
- say: hello
  text: سلام. اینجا رایگان است. در خطر فوری 110، 115 یا 123 را بگیرید. برای خروج سریع، 0 را بفرستید.
  sms: "رایگان و محرمانه. خطر فوری: 110 115 123. خروج: 0"
- ask: topic
  text: از چه بنویسیم؟
  choice: {work: کار, rest: استراحت}
- {end: done, text: ممنون که نوشتید. 123 شبانه‌روزی و رایگان است.}
tests:
- name: می‌نویسد و می‌رود
  talk: [{says: سلام}, {gets: از چه بنویسیم}, {press: work}, {gets: ممنون}, {ends: done}]
"""


CHECK_IN = """flow: check_in
title: سر زدن
owner: ما
silence: {after: 24h, then: settle}
steps:
- {ask: ready, text: سلام. برای ادامه، 1 را بفرستید., discreet: سلام. 1؟, choice: {go: ادامه}}
- {end: bye, text: باشد. 123, discreet: باشد.}
"""


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """Give scripts that came with a program: few, so that compiling them takes no second."""
    directory = tmp_path_factory.mktemp("package")
    (directory / "directory").mkdir()
    for name in ("always.yaml", "helplines.yaml", "directory/ngo.yaml"):
        shutil.copy(FLOWS / name, directory / name)
    (directory / "welcome.yaml").write_text(WELCOME, encoding="utf-8")
    (directory / "check_in.yaml").write_text(CHECK_IN, encoding="utf-8")  # what flow `always` looks in with
    return directory


@pytest.fixture(scope="session")
def installed(tmp_path_factory, package):
    """Give an installation as the first start leaves it, to be copied."""
    directory = tmp_path_factory.mktemp("installed")
    store = Store(directory / "panah.db")
    schema.metadata.create_all(store.connection)
    ensure_published(store, directory / "flows", now_ms=1, package_dir=package)
    store.close()
    return directory


@pytest.fixture
def home(tmp_path, installed):
    shutil.copytree(installed, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def store(home, package):
    made = STORES.open(home / "panah.db", tables=False)
    if made.is_shared:  # there is no file to copy
        ensure_published(made, home / "flows", now_ms=1, package_dir=package)
    yield made
    made.close()


@pytest.fixture
def flows(home):
    return home / "flows"


@pytest.fixture
def empty(tmp_path):
    made = STORES.open(tmp_path / "empty.db", tables=False)
    schema.metadata.create_all(made.connection)
    yield made
    made.close()


@pytest.fixture
def console(store, flows):
    """Give the staff port with the editor mounted; sara writes, mina reviews, zahra counsels."""
    clock, bus, ids = VirtualClock(datetime(2026, 11, 22, 8, 0, tzinfo=UTC)), InProcessBus(), seeded_ids(3)
    studio = StudioDeps(
        store=store,
        bus=bus,
        clock=clock,
        ids=ids,
        flows_dir=flows,
        screen=lambda _text: NOTHING_FOUND,
        run_talks=lambda _bundle: [],
    )
    for name, role in (("sara", "flow_admin"), ("mina", "reviewer"), ("zahra", "counsellor")):
        store.write_now(
            lambda tx, name=name, role=role: repo_staff.add_staff(
                tx, staff_id=name, username=name, name=f"خانم {name}", roles=[role], province="",
                password_hash=_HASH, now_ms=1,
            )
        )  # fmt: skip
    deps = ConsoleDeps(
        store=store,
        keyring=ephemeral_keyring(),
        bus=bus,
        clock=clock,
        ids=ids,
        settings=Settings(),
        accounts=Accounts(
            store, clock, ids, keyring=ephemeral_keyring(), hashing=Hashing(_HASHER), rules=SignInRules()
        ),
        health=health_of(store, clock, flows),
        extra_routes=studio_routes(studio, Shell()),
        extra_nav=(NavEntry(path="/flows/", label="سناریوها", target="flow", action="view"),),
        extra_templates=(TEMPLATES,),
    )
    app = build_console(deps)
    app.state.test_clock = clock
    return app


class Writer:
    """A browser without script on the staff port."""

    def __init__(self, app):
        self.clock = app.state.test_clock
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console.test")

    async def get(self, path):
        return await self.http.get(path, follow_redirects=True)

    async def post(self, path, fields):
        self.clock.advance(1)
        page = (await self.get("/me")).text
        csrf = re.search(r'name="csrf" content="([^"]+)"', page)[1]
        headers = {"sec-fetch-site": "same-origin"}
        return await self.http.post(path, data={"csrf": csrf, **fields}, headers=headers, follow_redirects=True)


@pytest.fixture
async def sign_in(console):
    """Give signed-in writers: `await sign_in("sara")`."""
    opened = []

    async def make(name):
        writer = Writer(console)
        opened.append(writer.http)
        answer = await writer.post("/login", {"username": name, "password": PASSWORD, "next": "/me"})
        assert answer.status_code == 200
        return writer

    yield make
    for http in opened:
        await http.aclose()
