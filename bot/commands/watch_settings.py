"""What the settings say about alerts, read without the alert loop: for whoever starts the service beside it."""

import re
import shlex

from bot.errors import CommandError
from bot.settings import Settings, ways_configured

#: Said at each start while nobody outside can be called.
NO_WAY_OUT = (
    "WARNING: nobody is called when an urgent case waits: no staff bot, SMS number or PANAH_ALERT_COMMAND is configured"
)
_PHONE = re.compile(r"\+\d{8,15}")


def what_is_wrong(settings: Settings) -> list[str]:
    """Give what whoever starts the service must hear about alerts: no way out, a policy that cannot be used.

    Raises:
        CommandError: the command or a number has not the right form.
    """
    said = _policy_issue(settings)
    duty_numbers(settings)
    if settings.alert_command:
        command_words(settings)
    return said if ways_configured(settings) else [*said, NO_WAY_OUT]


def _policy_issue(settings: Settings) -> list[str]:
    """Read the policy only when the house has its own: a reader of YAML is 3 MB that the service never needs again."""
    if settings.alert_policy is None:
        return []
    from escalation.watch_policy import PolicyError, load_policy  # noqa: PLC0415

    try:
        load_policy(settings.alert_policy)
    except PolicyError as error:
        return [f"WARNING: the packaged alert policy is used, because {error}"]
    return []


def duty_numbers(settings: Settings) -> list[str]:
    """Give PANAH_ALERT_PHONES.

    Raises:
        CommandError: a number has not the form +98….
    """
    numbers = [number.strip() for number in settings.alert_phones.split(",") if number.strip()]
    if not all(_PHONE.fullmatch(number) for number in numbers):
        raise CommandError("PANAH_ALERT_PHONES must be numbers such as +989120000000, with commas between them")
    return numbers


def command_words(settings: Settings) -> list[str]:
    """Give PANAH_ALERT_COMMAND as a program and its arguments.

    Raises:
        CommandError: a quote is not closed, or there is no word.
    """
    try:
        words = shlex.split(settings.alert_command)
    except ValueError as error:
        raise CommandError("PANAH_ALERT_COMMAND has a quote that is not closed") from error
    if not words:
        raise CommandError("PANAH_ALERT_COMMAND names no program")
    return words
