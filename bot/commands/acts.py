"""What the command line asks of the one process that writes: accounts, publications, the note of a backup.

While `panah run` is up, it does these behind its control socket; otherwise the verb opens the installation and does
them itself. Either way they are these functions.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from bot import control
from bot.app import Core
from bot.bus import InProcessBus
from bot.commands.backup import note
from bot.errors import CommandError
from bot.service import open_core
from bot.settings import Settings
from bot.telemetry import configure
from escalation.accounts import Accounts, NameTakenError, Profile
from escalation.case import BadInputError
from escalation.passwords import Hashing
from escalation.policy import SYSTEM
from escalation.signin import rules_of

if TYPE_CHECKING:
    from bot.commands.acts_flows import FlowActs

#: A publication is checked completely before it is answered; on a busy machine that takes a while.
_ANSWER_S = 180.0


def do(settings: Settings, verb: str, **wanted: Any) -> Any:
    """Have the running process do an act, or do it here when none runs.

    Raises:
        CommandError: it was refused; the sentence says why.
    """
    try:
        return control.call(settings.socket, verb, answer_s=_ANSWER_S, **wanted)
    except control.RefusedError as error:
        raise CommandError(str(error)) from error
    except control.NotRunningError:
        return _do_alone(settings, verb, wanted)


def _do_alone(settings: Settings, verb: str, wanted: Mapping[str, Any]) -> Any:
    core = open_core(settings, configure(), InProcessBus())
    accounts = accounts_of(core, settings)
    try:
        return asyncio.run(_coroutine(act_verbs(core, settings, accounts), verb, wanted))
    except control.RefusedError as error:
        raise CommandError(str(error)) from error
    finally:
        core.store.close()


async def _coroutine(verbs: control.ControlVerbs, verb: str, wanted: Mapping[str, Any]) -> Any:
    return await verbs[verb](**wanted)


def accounts_of(core: Core, settings: Settings) -> Accounts:
    """Give the accounts of an installation that is open.

    Raises:
        SettingsError: the settings name a role that there is not.
    """
    return Accounts(core.store, core.clock, core.ids, keyring=core.keyring, hashing=Hashing(), rules=rules_of(settings))


def act_verbs(core: Core, settings: Settings, accounts: Accounts) -> control.ControlVerbs:
    """Give the acts by name."""
    acts = Acts(core, settings, accounts)
    return {
        "staff_add": acts.staff_add,
        "flows_publish": acts.flows_publish,
        "flows_rollback": acts.flows_rollback,
        "note_backup": acts.note_backup,
    }


class Acts:
    """The acts themselves; each raises control.RefusedError with a sentence for the person at the terminal."""

    def __init__(self, core: Core, settings: Settings, accounts: Accounts) -> None:
        self.core = core
        self._settings = settings
        self._accounts = accounts

    async def staff_add(self, username: str, name: str, roles: list[str], province: str) -> str:
        """Make an account; give the one-time code with which its owner sets a password."""
        profile = Profile(username=username, name=name or username, roles=tuple(roles), province=province)
        try:
            return await self._accounts.invite(actor=SYSTEM, profile=profile)
        except NameTakenError as error:
            raise control.RefusedError(f"there is an account {username} already") from error
        except BadInputError as error:
            raise control.RefusedError(
                "a user name is 3 to 32 of a-z, 0-9, dot, - and _; a name is at most 80 characters"
            ) from error

    async def flows_publish(self, **wanted: Any) -> str:
        """Check the edited scripts completely and make them the current version; give its id."""
        return await self._flows().flows_publish(**wanted)

    async def flows_rollback(self, **wanted: Any) -> str:
        """Make an earlier publication (by default the one before) the current version; give its id."""
        return await self._flows().flows_rollback(**wanted)

    async def note_backup(self, at_ms: int) -> None:
        """Remember when the last backup was finished, for `panah doctor`."""
        await self.core.store.write(partial(note, key="backup_at", value=str(at_ms)))

    def _flows(self) -> "FlowActs":
        from bot.commands.acts_flows import FlowActs  # noqa: PLC0415 - the checks of scripts, for who publishes

        return FlowActs(self.core, self._settings)
