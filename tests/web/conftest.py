"""A citizen's page with a real database and a tiny inbox that echoes, and a real browser to open it."""

import asyncio
import socket
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest
import uvicorn
from playwright.sync_api import expect, sync_playwright
from sqlalchemy import insert, select
from stores import STORES

from bot.bus import InProcessBus
from bot.core.clock import VirtualClock
from bot.core.ids import seeded_ids
from bot.core.messages import Button, PressInput, TextInput
from bot.engine.session import Session, session_to_json
from bot.inbox import Accepted, NotStoredError, OverloadedError
from bot.settings import Settings
from bot.store import schema
from bot.store.addresses import contact_of
from bot.store.crypto import ephemeral_keyring
from bot.store.database import Store
from bot.store.vault import contact_key, seal
from bot.web.app import build_citizen
from bot.web.citizen import CitizenDeps

CHROMIUM_ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip


@dataclass
class EchoInbox:
    """Stores as the worker does and answers every text with itself; `answers` scripts other replies."""

    store: Store
    keyring: object
    clock: VirtualClock
    bus: InProcessBus
    ids: object = field(default_factory=lambda: seeded_ids(7))
    answers: dict = field(default_factory=dict)
    received: list = field(default_factory=list)
    seen: set = field(default_factory=set)
    mode: str = "echo"  # echo, silent, overloaded, broken

    async def accept(self, message):
        if self.mode == "overloaded":
            raise OverloadedError
        if self.mode == "broken":
            raise NotStoredError
        if message.provider_id in self.seen:
            return Accepted(duplicate=True)
        self.seen.add(message.provider_id)
        self.received.append(message)
        contact_id = await self.store.write(lambda tx: self._store(tx, message))
        self.bus.publish(f"contact:{contact_id}")
        return Accepted(contact_id=contact_id)

    def _store(self, tx, message):
        contact_id = contact_of(tx.connection, self.keyring, "web", message.external_id) or self._new(tx, message)
        pressed = ""
        match message.input:
            case TextInput(text):
                said = text
            case PressInput(press):
                said, pressed = press.key, press.encode()
            case other:
                said = type(other).__name__
        self.add(tx, contact_id, "contact", said, press=pressed)
        if said == "0":  # as the worker does: the decoy and all before it are hidden
            self.add(tx, contact_id, "bot", "هوا فردا آفتابی است.")
            tx.raw.execute("UPDATE messages SET hidden_at = 1 WHERE hidden_at IS NULL")
            return contact_id
        if self.mode == "echo":
            text, buttons = self.answers.get(said, (f"شنیدم: {said}", ()))
            self.add(tx, contact_id, "bot", text, buttons)
        return contact_id

    def _new(self, tx, message):
        contact_id, now_ms = self.ids(), self.now_ms()
        wrapped, _ = self.keyring.new_data_key()
        tx.execute(
            insert(schema.contacts).values(
                id=contact_id, wrapped_key=wrapped, key_id="k", created_at=now_ms, seen_at=now_ms
            )
        )
        index = self.keyring.address_index("web", message.external_id)
        tx.execute(
            insert(schema.addresses).values(
                id=self.ids(), contact_id=contact_id, channel="web", address_index=index, created_at=now_ms
            )
        )
        return contact_id

    def add(self, tx, contact_id, author, text, buttons=(), *, press="", **more):
        body = {"text": text, "buttons": [{"label": found.label, "data": found.data} for found in buttons]}
        if press:
            body["press"] = press
        key = contact_key(tx.connection, self.keyring, contact_id)
        tx.execute(
            insert(schema.messages).values(
                contact_id=contact_id,
                author=author,
                sealed_body=seal(key, "messages.body", body),
                at=self.now_ms(),
                **more,
            )
        )

    def now_ms(self):
        return int(self.clock.now().timestamp() * 1000)


@dataclass
class CitizenWorld:
    """Everything behind one page."""

    store: Store
    keyring: object
    clock: VirtualClock
    bus: InProcessBus
    inbox: EchoInbox
    settings: Settings

    def app(self, **more):
        deps = {
            "store": self.store, "keyring": self.keyring, "inbox": self.inbox, "bus": self.bus, "clock": self.clock,
            "settings": self.settings,
        }  # fmt: skip
        return build_citizen(CitizenDeps(**{**deps, **more}))

    def client(self, base="http://page.test", **more):
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app(**more)), base_url=base)

    def staff_writes(self, text, author="staff"):
        """Write a counsellor's message to the newest contact and wake her page."""
        contact_id = self.contact_id()
        self.store.write_now(lambda tx: self.inbox.add(tx, contact_id, author, text))
        self.bus.publish(f"contact:{contact_id}")

    def contact_id(self):
        query = select(schema.contacts.c.id).order_by(schema.contacts.c.created_at.desc())
        return self.store.read_now(lambda found: found.execute(query).scalars().first())

    def choose_word(self, word, status="waiting", duress=""):
        """Give the newest contact a session with this code word."""
        contact_id = self.contact_id()
        session = Session("v1", code_word=word, status=status, duress_word=duress)

        def keep(tx):
            key = contact_key(tx.connection, self.keyring, contact_id)
            row = {"id": f"s{word}", "contact_id": contact_id, "address_id": "a", "version": "v1", "status": status}
            state = seal(key, "sessions.state", session_to_json(session))
            now_ms = self.inbox.now_ms()
            tx.execute(insert(schema.sessions).values(**row, sealed_state=state, started_at=now_ms, updated_at=now_ms))

        self.store.write_now(keep)


@pytest.fixture
def world(tmp_path):
    store = STORES.open(tmp_path / "panah.db", tables=False)
    schema.metadata.create_all(store.connection)
    clock = VirtualClock(datetime(2026, 11, 22, 8, 0, tzinfo=UTC))
    keyring, bus = ephemeral_keyring(), InProcessBus()
    inbox = EchoInbox(store=store, keyring=keyring, clock=clock, bus=bus)
    yield CitizenWorld(store=store, keyring=keyring, clock=clock, bus=bus, inbox=inbox, settings=Settings())
    store.close()


@pytest.fixture
def options():
    """Give answers that offer two buttons."""
    return (
        "الان جای امنی هستید؟ در خطر فوری 110 را بگیرید.",
        (Button("بله، امن است", "p|danger_now|safe_now|1|yes"), Button("نه، در خطرم", "p|danger_now|safe_now|1|no")),
    )


class Served:
    """An application on a real port, in a thread of its own."""

    def __init__(self, app) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve([self._socket])), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def served(world):
    with Served(world.app()) as found:
        yield found


@pytest.fixture(scope="module")
def chromium():
    """Start one browser for a file; kept longer, its event loop would stand in the way of asynchronous tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.fixture
def phone(chromium):
    """Open pages as a small phone does: `phone()` or `phone(java_script_enabled=False)`."""
    contexts = []

    def opened(**options):
        context = chromium.new_context(viewport={"width": 360, "height": 740}, locale="fa-IR", **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


def pass_until_shown(page, text):
    """Let the page's clock run until a text is on it: between two looks it may rest for half a minute."""
    shown = page.get_by_text(text)
    for _ in range(60):
        if shown.count():
            break
        page.clock.run_for(1000)
        page.wait_for_timeout(100)
    expect(shown).to_be_visible()
