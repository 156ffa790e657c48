"""What the console is built from. bot.app fills this by hand; nothing here is looked up anywhere else."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.routing import BaseRoute

from bot.bus import Bus
from bot.core.clock import Clock
from bot.core.ids import IdSource
from bot.core.staff_form import NoForms, StaffForms
from bot.health import HealthWatch
from bot.live import Live, OwnLive
from bot.settings import Settings
from bot.store.crypto import Keyring
from bot.store.database import Store
from bot.store.walls import WalledStore
from escalation.accounts import Accounts
from escalation.console.shell import NavEntry
from escalation.office import Office
from escalation.policy import Actor, sight_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleDeps:
    """Everything the console needs.

    `stopping` is set when the process begins to stop: open streams end at once. `extra_routes` are mounted under
    /flows, share sign-in, headers and token, and come with their `extra_nav` and `extra_templates`.
    """

    store: Store
    keyring: Keyring
    bus: Bus
    clock: Clock
    ids: IdSource
    settings: Settings
    accounts: Accounts
    health: HealthWatch
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    live: Live = field(default_factory=lambda: OwnLive(time.monotonic))
    forms: StaffForms = field(default_factory=NoForms)
    extra_routes: Sequence[BaseRoute] = ()
    extra_nav: Sequence[NavEntry] = ()
    extra_templates: Sequence[Path] = ()

    @property
    def office(self) -> Office:
        """What acts work with."""
        return Office(keyring=self.keyring, bus=self.bus, new_id=self.ids)

    def store_of(self, actor: Actor) -> WalledStore:
        """Give the store as this person has it: everything about cases goes through here."""
        return WalledStore(self.store, sight_of(actor, self.now_ms()))

    def now_ms(self) -> int:
        """Give the present moment in milliseconds."""
        return int(self.clock.now().timestamp() * 1000)


def deps_of(request: Request) -> ConsoleDeps:
    """Give what the application was built from."""
    deps = request.app.state.deps
    assert isinstance(deps, ConsoleDeps)
    return deps
