"""What `panah doctor` sees without the database: settings that fit together, the key file, the data directory, room."""

import shutil
import stat
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from bot.commands.doctor_finding import Finding, fail, ok, warn
from bot.commands.watch import duty_of, ways_of
from bot.content import flows_of, load_or_refuse
from bot.errors import CommandError
from bot.languages import languages_of, require_texts, unreviewed
from bot.settings import Settings, ways_configured
from bot.store.crypto import KeyFileError, load_keyring
from escalation.watch_policy import PolicyError, load_policy

_ROOM_LOW = 1_000_000_000  #: bytes; a week of a busy line
_ROOM_OUT = 100_000_000  #: bytes; a write may fail any minute


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Give what is to be said about the configuration."""
    problems = list(_configuration(settings))
    yield from problems or [ok("configuration", "the settings fit together")]
    yield from _key_file(settings)
    yield from _data_directory(settings)
    yield from _alerts(settings)
    yield from _languages(settings)


def _languages(settings: Settings) -> Iterator[Finding]:
    """Say which languages are on offer, what cannot be said in them, and whether anybody has looked at them."""
    try:
        languages = languages_of(settings)
        if len(languages) > 1:
            require_texts(load_or_refuse(flows_of(settings)), languages)
    except CommandError as error:
        yield fail("languages", str(error))
        return
    doubts = unreviewed(languages)
    yield from (warn("languages", sentence) for sentence in doubts)
    if not doubts:
        yield ok("languages", f"on offer: {', '.join(languages)}")


def _configuration(settings: Settings) -> Iterator[Finding]:
    name = "configuration"
    if not settings.behind_tls:
        if not _is_loopback(settings.console_host):
            yield fail(name, "the console listens beyond this machine without TLS; set PANAH_BEHIND_TLS or 127.0.0.1")
        if not _is_loopback(settings.web_host):
            yield warn(name, "the citizens' page listens beyond this machine without TLS")
    if settings.base_url and not settings.base_url.startswith("https://"):
        yield fail(name, "PANAH_BASE_URL must begin with https://: providers send to nothing else")
    if settings.console_url and not settings.console_url.startswith("https://"):
        yield fail(name, "PANAH_CONSOLE_URL must begin with https://: colleagues give their passwords there")
    if settings.behind_tls and not settings.console_url:
        yield warn(name, "without PANAH_CONSOLE_URL links for colleagues name the console's own port")
    if settings.telegram_secret and not settings.base_url:
        yield warn(name, "PANAH_TELEGRAM_SECRET has no effect without PANAH_BASE_URL: Telegram is polled")
    needed = (settings.twilio_token, settings.twilio_number, settings.base_url)
    if settings.twilio_account and not all(needed):
        yield fail(name, "SMS needs PANAH_TWILIO_TOKEN, PANAH_TWILIO_NUMBER and PANAH_BASE_URL as well")


def _alerts(settings: Settings) -> Iterator[Finding]:
    """Say whether anybody is called at night, and by whose rules."""
    try:
        policy = load_policy(settings.alert_policy)
        duty_of(settings, policy)
        ways_of(settings)
    except PolicyError as error:
        yield from (fail("alert policy", issue) for issue in error.issues)
    except CommandError as error:
        yield fail("way out", str(error))
    else:
        yield ok("alert policy", str(settings.alert_policy or "the packaged one"))
    ways = ways_configured(settings)
    if ways:
        yield ok("way out", f"alerts leave by {', '.join(ways)}")
    else:
        yield fail("way out", "no staff bot, SMS or PANAH_ALERT_COMMAND: alerts reach only consoles that are open")
    if not settings.heartbeat_url:
        yield warn("outside watcher", "no PANAH_HEARTBEAT_URL: nobody notices when this whole machine is gone")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _key_file(settings: Settings) -> Iterator[Finding]:
    path = settings.key_path
    if not path.is_file():
        yield fail("key file", f"there is no {path}; put its escrow copy back, or nothing can be read")
        return
    try:
        load_keyring(path)
    except KeyFileError as error:
        yield fail("key file", str(error))
        return
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield fail("key file", f"others may read {path}; chmod 600 it")
    elif settings.var.is_dir() and path.stat().st_dev == settings.var.stat().st_dev:
        yield warn("key file", "it lies on the database's disk: whoever takes the disk has both")
    else:
        yield ok("key file", "readable by its owner only, on another disk than the database")


def _data_directory(settings: Settings) -> Iterator[Finding]:
    var = settings.var
    if not var.is_dir():
        yield fail("data directory", f"there is no directory {var}")
        return
    if stat.S_IMODE(var.stat().st_mode) & 0o007:
        yield warn("data directory", f"everybody on this machine may look into {var}; chmod 700 it")
    yield _room(var)


def _room(var: Path) -> Finding:
    free = shutil.disk_usage(var).free
    said = f"{free / 1e9:.1f} GB free in {var}"
    if free < _ROOM_OUT:
        return fail("room", said)
    return warn("room", said) if free < _ROOM_LOW else ok("room", said)
