"""Every setting, read once from the environment (PANAH_…). Wrong values are one clear sentence, exit code 2."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any


class SettingsError(Exception):
    """A setting cannot be used as given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The configuration of one installation. The environment name is PANAH_ and the field in capitals."""

    var: Path = Path("var")  #: data directory: database, keys, flows, socket
    database_url: str = field(default="", repr=False, metadata={"name": "PANAH_DATABASE"})
    flows: Path | None = None  #: the scripts admins edit; default: a copy in `var`/flows
    key_file: Path | None = None  #: default: `var`/keys/panah.key; best on another disk than the database
    public_name: str = "گفت‌وگو"  #: what pages and titles call the service; neutral on purpose
    languages: str = "fa"  #: languages on offer, with commas between, such as fa,fa-AF,ckb (docs/languages.md)
    web_host: str = "127.0.0.1"  #: where the citizen's page listens
    web_port: int = 8123
    console_host: str = "127.0.0.1"  #: the console stays on loopback unless TLS stands before it
    console_port: int = 8124
    behind_tls: bool = False  #: pages are reached over HTTPS: cookies become Secure
    base_url: str = ""  #: how the outside reaches the web port (webhooks, signatures); empty: no webhooks
    console_url: str = ""  #: how colleagues reach the console, such as https://…; links for them begin with it
    telegram_token: str = field(default="", repr=False)
    telegram_api: str = "https://api.telegram.org"
    telegram_secret: str = field(default="", repr=False)  #: with base_url set: webhook instead of polling
    bale_token: str = field(default="", repr=False)
    bale_api: str = "https://tapi.bale.ai"
    twilio_account: str = ""
    twilio_token: str = field(default="", repr=False)
    twilio_number: str = ""
    twilio_api: str = "https://api.twilio.com"
    staffbot_token: str = field(default="", repr=False)
    staffbot_api: str = "https://api.telegram.org"
    alert_policy: Path | None = None  #: who is alerted when; default: the packaged `escalation/alert_policy.yaml`
    alert_command: str = ""  #: a program that is run for each alert, without a shell, cases as JSON on standard input
    alert_phones: str = field(default="", repr=False)  #: numbers that get alerts by SMS, E.164, with commas between
    heartbeat_url: str = field(default="", repr=False)  #: fetched every 30 s by the alert loop, for an outside watcher
    redis_url: str = field(default="", repr=False)
    rasa_token: str = field(default="", repr=False)  #: set: POST /rasa/webhook runs turns for a Rasa server
    metrics_token: str = field(default="", repr=False)  #: set: GET /metrics of the console answers to this bearer token
    second_factor: str = ""  #: roles that need a second code, or `none`; empty: admin,supervisor behind TLS
    idle_minutes: int = field(default=15, metadata={"most": 60})  #: a console that was not used for so long locks
    sign_in_hours: int = field(default=8, metadata={"most": 12})  #: how long a sign-in lasts at most
    anchor_file: Path | None = None  #: where each ten minutes is noted how far the audit reaches; best elsewhere
    anchor_command: str = ""  #: a program that is given the same line on standard input, without a shell
    keep_raw_hours: int = field(default=72, metadata={"most": 168})  #: how long providers' raw bytes are kept
    keep_sent_hours: int = field(default=72, metadata={"most": 168})  #: how long the outbox keeps what was sent
    purge_hours: int = field(default=24, metadata={"most": 40})  #: messages in Telegram and Bale are then deleted
    keep_session_days: int = field(default=30, metadata={"most": 90})  #: conversations of which no case came
    keep_talk_days: int = field(default=90, metadata={"most": 365})  #: the transcript of a closed case of T3 or T4
    keep_urgent_days: int = field(default=365, metadata={"most": 1095})  #: the transcript of a closed case of T1 or T2
    keep_case_days: int = field(default=1825, metadata={"most": 3650})  #: notes and summary of a closed case
    keep_audit_days: int = field(default=1825, metadata={"most": 3650})  #: rows of the audit
    fault: str = ""  #: tests only: "E4:kill" or "E4:kill:3" kills the process at a crash point

    @property
    def database(self) -> Path:
        """The database file of SQLite."""
        return self.var / "panah.db"

    @property
    def where(self) -> str | Path:
        """The database: PostgreSQL's address, or SQLite's file."""
        return self.database_url or self.database

    @property
    def web_address(self) -> str:
        """How people reach their page; what listens on all addresses is named as this machine sees it."""
        return self.base_url.rstrip("/") or f"http://{self.web_host}:{self.web_port}"

    @property
    def console_address(self) -> str:
        """How colleagues reach the console."""
        return self.console_url.rstrip("/") or f"http://{self.console_host}:{self.console_port}"

    @property
    def flows_dir(self) -> Path:
        """Where admins' scripts live."""
        return self.flows or self.var / "flows"

    @property
    def key_path(self) -> Path:
        """The key file."""
        return self.key_file or self.var / "keys" / "panah.key"

    @property
    def socket(self) -> Path:
        """The control socket of the writing process."""
        return self.var / "panah.sock"


def ways_configured(settings: Settings) -> tuple[str, ...]:
    """Give the ways by which an alert can leave this installation; none means that nobody is called."""
    has_sms = settings.twilio_account and settings.twilio_token and settings.twilio_number
    wanted = {
        "staffbot": settings.staffbot_token,
        "sms": has_sms and (settings.alert_phones or settings.alert_policy),
        "command": settings.alert_command,
    }
    return tuple(way for way, configured in wanted.items() if configured)


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment.

    Raises:
        SettingsError: a value has the wrong form or cannot stand beside another, or a PANAH_ name is not known.
    """
    source = os.environ if environ is None else environ
    known = {item.metadata.get("name", f"PANAH_{item.name.upper()}"): item for item in fields(Settings)}
    strangers = sorted(name for name in source if name.startswith("PANAH_") and name not in known)
    if strangers:
        raise SettingsError(f"{strangers[0]} is not a setting of Panah; the settings are listed in docs/settings.md")
    values: dict[str, Any] = {}
    for name, item in known.items():
        if source.get(name, "") != "":
            values[item.name] = _parse(name, source[name], item.default, most=item.metadata.get("most"))
    settings = Settings(**values)
    if settings.purge_hours >= min(settings.keep_raw_hours, settings.keep_sent_hours):
        raise SettingsError(
            "PANAH_KEEP_RAW_HOURS and PANAH_KEEP_SENT_HOURS must be more than PANAH_PURGE_HOURS: "
            "what is kept so long holds the numbers by which messages leave a chat"
        )
    return settings


def _parse(name: str, raw: str, default: object, *, most: int | None) -> object:
    if most is not None:
        if not raw.isascii() or not raw.isdecimal() or len(raw) > 5 or not 1 <= int(raw) <= most:
            raise SettingsError(f"{name} must be a whole number from 1 to {most}")
        return int(raw)
    match default:
        case bool():
            if raw.lower() not in {"0", "1", "true", "false", "yes", "no"}:
                raise SettingsError(f"{name} must be 1 or 0")
            return raw.lower() in {"1", "true", "yes"}
        case int():
            if not raw.isascii() or not raw.isdecimal() or not 0 <= int(raw[:6]) <= 65535 or len(raw) > 5:
                raise SettingsError(f"{name} must be a whole number from 0 to 65535")
            return int(raw)
        case Path() | None:
            return Path(raw)
        case _:
            return raw
