"""`panah lock` and `panah unlock`: drop every key from memory at once, and the way back."""

import argparse
import asyncio
import os
from pathlib import Path

import uvloop

from bot import locking
from bot.commands.files import copy_private
from bot.errors import CommandError
from bot.service import bind, server
from bot.settings import Settings, read_settings
from bot.store.crypto import KeyFileError, load_keyring
from bot.web.locked import build_locked


def lock(args: argparse.Namespace) -> int:
    """Lock this installation; with `--escrow` the key file is taken off this machine as well."""
    settings = read_settings()
    if not settings.var.is_dir():
        raise CommandError(f"there is no data directory {settings.var}")
    if args.escrow:
        _require_copy(settings, Path(args.escrow))
    locking.lock(settings)
    _say("locked: running processes drop their keys within two seconds and say only whom to call")
    if args.escrow:
        _destroy(settings.key_path)
        _say(f"the key file is gone from here; `panah unlock --key {args.escrow}` brings it back")
    return 0


def unlock(args: argparse.Namespace) -> int:
    """End the lock; with `--key` the key file is put back first."""
    settings = read_settings()
    if args.key:
        load_keyring(Path(args.key))
        copy_private(Path(args.key).read_bytes(), settings.key_path)
    load_keyring(settings.key_path)  # or the next start fails: better said here
    locking.unlock(settings)
    _say("unlocked: running processes start anew; if none runs, start it")
    return 0


def _require_copy(settings: Settings, copy: Path) -> None:
    try:
        same = load_keyring(copy).key_id == load_keyring(settings.key_path).key_id
    except KeyFileError as error:
        raise CommandError("the escrow copy or the key file cannot be read; nothing was done") from error
    if not same or copy.resolve() == settings.key_path.resolve():
        raise CommandError("this is no copy of the key file in use; make one with `panah key export FILE`")


def _destroy(path: Path) -> None:
    """Overwrite and remove the key file. On a disk that remaps its blocks only encryption of the disk helps."""
    with path.open("r+b") as file:
        file.write(os.urandom(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()


def run_locked(settings: Settings) -> int:
    """Say the static help on both ports until the lock ends; no key, no database."""
    ports = ((settings.web_host, settings.web_port, False), (settings.console_host, settings.console_port, True))
    taken = [(bind(host, port), is_staff) for host, port, is_staff in ports]
    _say("locked: only the numbers to call are said; `panah unlock` ends it")

    async def serve() -> None:
        apps = [
            build_locked(title=settings.public_name, staff=is_staff, behind_tls=settings.behind_tls)
            for _, is_staff in taken
        ]
        serving = [
            asyncio.create_task(server(app).serve(sockets=[port])) for app, (port, _) in zip(apps, taken, strict=True)
        ]
        await locking.follow(settings, locked=True)
        await asyncio.gather(*serving)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
    return 0


def _say(sentence: str) -> None:
    print(f"panah: {sentence}", flush=True)  # noqa: T201 - the terminal is these verbs' business
