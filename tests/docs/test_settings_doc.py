"""docs/settings.md is made from bot/settings.py: `python tests/docs/test_settings_doc.py > docs/settings.md`."""

import re
import sys
from dataclasses import MISSING, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from bot.settings import Settings  # noqa: E402 - the line above makes the script run from anywhere

_FIELD = re.compile(r"^    (\w+): [^#\n]*?(?:#: (.*))?$", re.MULTILINE)
#: For fields whose line in settings.py says nothing.
_MORE = {
    "web_port": "the port of the citizen's page and of webhooks",
    "console_port": "the port of the console",
    "telegram_token": "the bot's token; setting it adds Telegram",
    "telegram_api": "the base address of the Bot API, for a proxy or a local server",
    "bale_token": "the bot's token; setting it adds Bale",
    "bale_api": "the base address of Bale's Bot API",
    "twilio_account": "the account id; with token and number it adds SMS",
    "twilio_token": "the account's secret; also checks the signature of webhooks",
    "twilio_number": "the number that sends and receives, E.164",
    "twilio_api": "the base address of the SMS provider's API",
    "staffbot_token": "the token of the staff bot; setting it starts the staff bot",
    "staffbot_api": "the base address of the Bot API for the staff bot",
    "database_url": "postgresql://…, for several processes on one database; empty: SQLite in `PANAH_VAR`",
    "redis_url": "wake-ups between processes; empty: one process",
}
_HEAD = """\
# Settings

Every setting is an environment variable that begins with `PANAH_`. A wrong value, or a `PANAH_` name that is not
listed here, stops the program with one sentence and exit code 2. Secrets are never shown in a log or by `panah
doctor`. Yes and no are `1` and `0`. This page is made from `bot/settings.py`; a test keeps it current.

| Variable | Default | Meaning |
|---|---|---|
"""


def render():
    notes = dict(_FIELD.findall((ROOT / "bot" / "settings.py").read_text(encoding="utf-8")))
    lines = []
    for item in fields(Settings):
        default = item.default if item.default is not MISSING else ""
        shown = {False: "`0`", True: "`1`", None: "", "": ""}.get(default, f"`{default}`")
        meaning = notes.get(item.name) or _MORE[item.name]
        secret = "" if item.repr else " **Secret.**"
        secret += f" At most {item.metadata['most']}." if "most" in item.metadata else ""
        name = item.metadata.get("name", f"PANAH_{item.name.upper()}")
        lines.append(f"| `{name}` | {shown} | {meaning[0].upper()}{meaning[1:]}.{secret} |")
    return _HEAD + "\n".join(lines) + "\n"


def test_the_settings_page_lists_every_setting_as_it_is():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")

    assert render() == page


if __name__ == "__main__":
    sys.stdout.write(render())
