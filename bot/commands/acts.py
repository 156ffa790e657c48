"""What the command line asks of the one process that writes: accounts, publications, the note of a backup.

While `panah run` is up, it does these behind its control socket; otherwise the verb opens the installation and does
them itself. Either way they are these functions.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot import control
from bot.app import Core
from bot.bus import InProcessBus
from bot.commands.backup import note
from bot.erasing import erase
from bot.errors import CommandError
from bot.installation import open_core
from bot.live import Live
from bot.rewrapping import rotate
from bot.settings import Settings
from bot.store.database import Tx
from bot.telemetry import configure
from bot.tombstones import add_tombstones, cut_log, path_of, read_tombstones
from escalation import repo_staff
from escalation.accounts import Accounts, NameTakenError
from escalation.case import BadInputError
from escalation.passwords import Hashing
from escalation.policy import SYSTEM
from escalation.profiles import Profile
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


def accounts_of(core: Core, settings: Settings, live: Live | None = None) -> Accounts:
    """Give the accounts of an installation that is open.

    Raises:
        SettingsError: the settings name a role that there is not.
    """
    rules = rules_of(settings)
    return Accounts(core.store, core.clock, core.ids, keyring=core.keyring, hashing=Hashing(), rules=rules, live=live)


def act_verbs(core: Core, settings: Settings, accounts: Accounts) -> control.ControlVerbs:
    """Give the acts by name."""
    acts = Acts(core, settings, accounts)
    return {
        "staff_add": acts.staff_add,
        "flows_publish": acts.flows_publish,
        "flows_rollback": acts.flows_rollback,
        "note_backup": acts.note_backup,
        "rotate_key": acts.rotate_key,
        "erase": acts.erase,
        "second_off": acts.second_off,
    }


_BY_CASE = "SELECT DISTINCT contact_id FROM cases WHERE code = ?"
_OPEN = "SELECT 1 FROM cases WHERE contact_id = ? AND state <> 'closed'"
_KNOWN = "SELECT 1 FROM contacts WHERE id = ? AND erased_at IS NULL"


def _erase(tx: Tx, *, case: str, contact: str, by: str, now_ms: int) -> str:
    """Erase who is meant; refuse when it is not clear who, or while a case of hers is open."""
    found = [contact] if contact else [row[0] for row in tx.raw.execute(_BY_CASE, (case,)).fetchall()]
    if len(found) > 1:
        raise control.RefusedError(f"{len(found)} people had a case of this code; name the contact by its id")
    if not found or tx.raw.execute(_KNOWN, (found[0],)).fetchone() is None:
        raise control.RefusedError("there is no such contact, or she is erased already")
    if tx.raw.execute(_OPEN, (found[0],)).fetchone() is not None:
        raise control.RefusedError("a case of hers is open: close it first, somebody may be in danger")
    erase(tx, contact_id=found[0], now_ms=now_ms, by=by, why="asked on paper")
    return found[0]


def _note_tombstone(path: Path, contact_id: str) -> None:
    if contact_id not in read_tombstones(path):
        add_tombstones(path, [contact_id])


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

    async def rotate_key(self) -> int:
        """Change the wrapping key; give how many keys were wrapped anew."""
        if self.core.store.is_shared:
            raise control.RefusedError(
                "other processes hold the key in memory: stop every role, then rotate with PANAH_DATABASE set"
            )
        return await rotate(self.core.store, self.core.keyring, self._settings.key_path, now_ms=self._now_ms())

    async def erase(self, case: str, contact: str, by: str) -> int:
        """Erase one contact; give 1."""
        now_ms = self._now_ms()
        contact_id = await self.core.store.write(
            lambda tx: _erase(tx, case=case, contact=contact, by=by, now_ms=now_ms)
        )
        self.core.directory.forget({contact_id})
        await asyncio.to_thread(_note_tombstone, path_of(self._settings), contact_id)
        if not self.core.store.is_shared:
            await cut_log(self.core.store)
        return 1

    async def second_off(self, username: str) -> None:
        """Take an account's second factor away, when no second admin is there to do it."""
        row = await self.core.store.read(lambda connection: repo_staff.by_username(connection, username))
        try:
            await self._accounts.reset_factor(actor=SYSTEM, staff_id=row["id"] if row else "")
        except BadInputError as error:
            raise control.RefusedError(f"there is no account {username} with a second factor") from error

    def _now_ms(self) -> int:
        return int(self.core.clock.now().timestamp() * 1000)

    def _flows(self) -> "FlowActs":
        from bot.commands.acts_flows import FlowActs  # noqa: PLC0415 - the checks of scripts, for who publishes

        return FlowActs(self.core, self._settings)
