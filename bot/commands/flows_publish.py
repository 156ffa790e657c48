"""`panah flows diff|publish|rollback`: from the edited scripts to what citizens get, and back."""

import argparse

from bot.commands.acts import do
from bot.content import PACKAGE_FLOWS
from bot.drafts import diff as compare
from bot.drafts import read_sources
from bot.errors import CommandError
from bot.publishing import current_version, version_sources
from bot.settings import Settings, read_settings
from bot.store.opening import reading


def diff(_args: argparse.Namespace) -> int:
    """Show what the edited scripts change against the published version."""
    settings = _installation()
    with reading(settings.where) as connection:
        version = current_version(connection)
        old = version_sources(connection, version)
    directory = settings.flows_dir if settings.flows_dir.is_dir() else PACKAGE_FLOWS
    for changed in compare(old, read_sources(directory)):
        _say(changed.unified())
    return 0


def publish(args: argparse.Namespace) -> int:
    """Publish the edited scripts."""
    wanted = {"by": args.by, "author": args.author, "note": args.note, "accept_warnings": args.accept_warnings}
    _say(f"published {do(_installation(), 'flows_publish', **wanted)}")
    return 0


def rollback(args: argparse.Namespace) -> int:
    """Go back to an earlier version at once."""
    wanted = {"by": args.by, "reason": args.reason, "version": args.version}
    _say(f"published {do(_installation(), 'flows_rollback', **wanted)}")
    return 0


def _installation() -> Settings:
    """Give the settings of an installation that was started once."""
    settings = read_settings()
    if not settings.database_url and not settings.database.is_file():
        raise CommandError(f"nothing was published yet: there is no database {settings.database}")
    return settings


def _say(line: str) -> None:
    print(line)  # noqa: T201 - the terminal is this verb's business
