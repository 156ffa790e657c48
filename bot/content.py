"""What verbs without a database draw on: the scripts of a directory, compiled, and the lexicon."""

from dataclasses import dataclass
from pathlib import Path

from bot import words
from bot.app import Core, build_core
from bot.bus import InProcessBus
from bot.core.clock import VirtualClock
from bot.core.ids import seeded_ids
from bot.drafts import load_draft
from bot.engine.model import Bundle
from bot.errors import CommandError
from bot.settings import Settings
from bot.store import schema
from bot.store.crypto import ephemeral_keyring
from bot.store.database import Store
from bot.telemetry import configure
from bot.turn import Screener

#: The scripts that come with the package.
PACKAGE_FLOWS = Path(__file__).resolve().parent / "flows"


@dataclass(frozen=True, slots=True)
class OneVersion:
    """Versions that are always the same bundle (replay, scripts' own tests)."""

    bundle: Bundle

    def current(self) -> Bundle:
        """Give the bundle."""
        return self.bundle

    def get(self, version: str) -> Bundle:  # noqa: ARG002 - there is only one
        """Give the bundle."""
        return self.bundle


def flows_of(settings: Settings) -> Path:
    """Give the admins' scripts, or the package's own while there are none."""
    return settings.flows_dir if (settings.flows_dir / "always.yaml").is_file() else PACKAGE_FLOWS


def load_or_refuse(directory: Path) -> Bundle:
    """Compile a directory of scripts.

    Raises:
        CommandError: they have an error; `panah flows check` lists them all.
    """
    bundle, issues = load_draft(directory)
    errors = [found for found in issues if found.severity == "E"]
    if bundle is None or errors:
        first = f" First: {errors[0].render('en')}" if errors else ""
        raise CommandError(f"the scripts in {directory} have errors; run `panah flows check`.{first}")
    return bundle


def lines_of(bundle: Bundle) -> dict[str, str]:
    """Give today's numbers of the lines that are in service."""
    return {key: line.number for key, line in bundle.lines.items() if line.status != "suspended"}


def simulated_core(bundle: Bundle, screener: Screener, clock: VirtualClock, *, staff: bool = True) -> Core:
    """Wire the one path on an in-memory store, without threads, randomness or network."""
    store = Store(None, threaded=False)
    schema.metadata.create_all(store.connection)  # what migrations end at (tested), without Alembic's half second
    return build_core(
        store=store,
        keyring=ephemeral_keyring(),
        bus=InProcessBus(),
        clock=clock,
        ids=seeded_ids(1),
        screener=screener,
        versions=OneVersion(bundle),
        lines=lambda: lines_of(bundle),
        log=configure(),
        staff_on=lambda _tx, _now: staff,
    )


def load_screener() -> Screener:
    """Give what hears danger by the words that come with the package."""
    return words.load_screener()
