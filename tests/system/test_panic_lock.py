"""The panic lock on a whole running installation: keys leave the memory, only the numbers are said, and it comes back."""

import re
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from system.desk import Desk

from bot.store.crypto import load_keyring
from bot.store.keyfile import read

#: The lock is seen each half second; two seconds are promised, the rest is a busy machine's.
AT_ONCE_S = 5
#: A fresh process on a busy machine.
STARTS_S = 60


def ask(address, **options):
    """Give status and text of an address; (0, «») when nobody answers."""
    request = urllib.request.Request(address, **options)
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def within(seconds, fact):
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def in_memory(pid, secret):
    """Look for bytes in the writable memory of a process."""
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in maps:
            start, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            if "rw" not in rights or "[v" in line:
                continue
            try:
                memory.seek(int(start, 16))
                if secret in memory.read(int(end, 16) - int(start, 16)):
                    return True
            except (OSError, ValueError, OverflowError):
                continue
    return False


@pytest.fixture(scope="module")
def panah(install):
    return install()


async def test_locking_drops_the_keys_within_two_seconds_and_unlocking_goes_on(panah):
    async with Desk(panah) as desk:
        await desk.open_account()
    pid, key_file = panah.process.pid, panah.var / "keys" / "panah.key"
    secret = bytes.fromhex(read(key_file)["signing"])
    assert in_memory(pid, secret)

    done = panah.command("lock")
    assert 0 == done.returncode, done.stderr
    within(AT_ONCE_S, lambda: ask(panah.web)[0] in {0, 503})  # its ports are gone: it is another program by now
    assert not in_memory(pid, secret), "a key is still in memory"
    within(STARTS_S, lambda: ask(panah.web)[0] == 503)
    status, page = ask(panah.web)
    assert all(number in page for number in ("110", "115", "123"))
    assert (503, True) == (status, "<form" not in page)
    assert (503, "") == ask(f"{panah.web}/hooks/telegram/1", data=b"{}")
    assert "قفل است" in ask(f"{panah.console}/login")[1]
    assert panah.process.poll() is None

    assert 0 == panah.command("unlock").returncode
    within(STARTS_S, lambda: ask(panah.web)[0] == 200)
    assert load_keyring(key_file).key_id


async def test_an_admin_locks_by_a_press_and_the_audit_says_who(panah, rows):
    async with Desk(panah) as desk:
        await desk.get("/login")
        await desk.post("/login", username="mina", password="ماه پشت ابر نمی‌ماند", next="/health")
        assert "همین حالا قفل شود" in desk.page
        await desk.post("/health/lock")
        assert "سامانه قفل شد" in desk.page
    within(STARTS_S, lambda: ask(panah.web)[0] == 503)

    assert 1 == rows(panah, "SELECT count(*) FROM audit WHERE action = 'locked' AND actor <> ''")[0][0]
    assert 0 == panah.command("unlock").returncode
    within(STARTS_S, lambda: ask(panah.web)[0] == 200)
    assert 0 == panah.command("audit", "verify").returncode
