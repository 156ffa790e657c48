"""`panah doctor`: is this installation sound? Configuration, invariants that SQL can check, ages, room, a way out.

It only reads, beside whoever writes, and never prints content. Exit code 1 when a check fails; a warning is for a
person to judge.
"""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import Connection

from bot import control
from bot.commands.audit import known_anchors, sentence
from bot.commands.doctor_finding import Finding, fail, ok, warn
from bot.commands.doctor_rows import check_rows
from bot.commands.doctor_settings import check_settings
from bot.commands.watch import duty_of
from bot.errors import CommandError
from bot.settings import Settings, read_settings, ways_configured
from bot.store import migrate
from bot.store.audit import verify
from bot.store.crypto import KeyFileError, Keyring, load_keyring
from bot.store.opening import reading
from bot.store.trouble import StoreUnwritableError
from escalation.routing import NATIONAL
from escalation.watch_policy import PolicyError, load_policy
from escalation.watch_rows import look
from escalation.watch_rules import reachable, with_ways


def doctor(args: argparse.Namespace) -> int:
    """Check everything and print it."""
    found = list(_checks(read_settings(), datetime.now(UTC), everything=args.all))
    failed = any(finding.state == "fail" for finding in found)
    if args.json:
        checks = [{"name": finding.name, "state": finding.state, "said": finding.said} for finding in found]
        _say(json.dumps({"ok": not failed, "checks": checks}, ensure_ascii=False))
        return int(failed)
    for finding in found:
        _say(f"{finding.state:5} {finding.name:20} {finding.said}")
    return int(failed)


def _checks(settings: Settings, now: datetime, *, everything: bool) -> Iterator[Finding]:
    yield from check_settings(settings)
    yield _running(settings)
    if not settings.database_url and not settings.database.is_file():
        yield fail("database", f"there is no database {settings.database}; `panah run` makes one")
        return
    try:
        with reading(settings.where) as connection:
            yield from _database(settings, connection, now, everything=everything)
    except StoreUnwritableError as error:
        yield fail("database", str(error))


def _database(settings: Settings, connection: Connection, now: datetime, *, everything: bool) -> Iterator[Finding]:
    revision = migrate.current(connection)
    if revision != migrate.HEAD:
        yield fail(
            "schema", f"the database is at {revision or 'nothing'}, this release at {migrate.HEAD}; start it once"
        )
        return
    yield ok("schema", f"at {revision}")
    try:
        keyring = load_keyring(settings.key_path)
    except KeyFileError:
        keyring = None  # said above
    yield from check_rows(connection, keyring, now, everything=everything)
    if keyring is not None:
        yield _audit(settings, connection, keyring)
    yield _who_hears(settings, now)


def _audit(settings: Settings, connection: Connection, keyring: Keyring) -> Finding:
    verdict = verify(connection, keyring.audit_key, known_anchors(settings.anchor_file))
    said = sentence(verdict, anchored=settings.anchor_file is not None)
    return ok("audit chain", said) if verdict.broken is None else fail("audit chain", said)


def _who_hears(settings: Settings, now: datetime) -> Finding:
    """Say how many people an immediate case of the national desk would call at this moment, where each case ends."""
    try:
        policy = load_policy(settings.alert_policy)
    except PolicyError:
        policy = load_policy()  # as the alert loop does; the mistakes are told above
    try:
        duty = duty_of(settings, policy)
    except CommandError:
        duty = []  # told above
    staff = look(settings.where, int(now.timestamp() * 1000)).people
    people = with_ways(staff, duty, policy, ways_configured(settings))
    found = len(reachable(NATIONAL, policy, people, now))
    if not found:
        return fail("who is called", "nobody can be called for an immediate case: no linked chat, number or command")
    return ok("who is called", f"{found} can be called now for an immediate case")


def _running(settings: Settings) -> Finding:
    try:
        control.call(settings.socket, "ping", answer_s=5.0)
    except (control.NotRunningError, control.RefusedError):
        return warn("running", "no Panah process answers on the control socket: nobody is served")
    return ok("running", "it answers on the control socket")


def _say(line: str) -> None:
    print(line)  # noqa: T201 - the terminal is this verb's business
