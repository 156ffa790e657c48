"""What a page says: numbers, tiers and what is wrong with the service. Never a name, a word or a place of anyone's."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.text import persian_digits
from escalation.staffbot_buttons import accept_callback, page_callback, seen_callback
from escalation.staffbot_words import LABEL_ACCEPT, LABEL_SEEN
from escalation.watch_model import CaseLine
from escalation.watch_trouble import CONSOLE, DATABASE, DOOR, INBOX, OUTBOX, PARENT, SENDER, SILENT, SWEEPER

_CODES_MAX = 60
#: Two parts of an SMS in Persian hold 134 letters.
_SMS_CODES_MAX = 6
_NEEDS = {"T1": "پروندهٔ فوری منتظر است و کسی برنداشته", "T2": "پروندهٔ «تا ۲۴ ساعت» منتظر است"}
_TROUBLES = {
    PARENT: "سرویس پناه ناگهان ایستاده است.",
    SILENT: "سرویس پناه پاسخ نمی‌دهد.",
    INBOX: "پیام‌های رسیده بیش از یک دقیقه است که خوانده نمی‌شود.",
    OUTBOX: "پیام‌های فوری بیش از یک دقیقه است که فرستاده نمی‌شود.",
    SENDER: "فرستندهٔ پیام‌های پناه ایستاده است.",
    DOOR: "درِ ورود پیام‌ها و چت وب پناه پاسخ نمی‌دهد.",
    CONSOLE: "کنسول مشاوران پناه پاسخ نمی‌دهد.",
    SWEEPER: "نگهبان مهلت پرونده‌ها ایستاده است.",
    DATABASE: "پایگاه داده‌ی پناه خوانده نمی‌شود.",
}
_WHAT_TO_DO = "مسئول فنی را خبر کنید. تا آن زمان راه مردم تلفن ۱۲۳ است."


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one page tells: the cases and the troubles, and when it was made (ms)."""

    lines: tuple[CaseLine, ...]
    made_at: int

    def of(self, tier: str) -> tuple[CaseLine, ...]:
        """Give the lines of one tier, the longest wait first."""
        return tuple(sorted((line for line in self.lines if line.tier == tier), key=lambda line: line.since))


def page_text(page: Page) -> str:
    """Write a page in full."""
    said = [_count(page.of(tier), need, _CODES_MAX) for tier, need in _NEEDS.items() if page.of(tier)]
    troubles = [_TROUBLES[line.id] for line in page.of("service") if line.id in _TROUBLES]
    if troubles:
        said += [*troubles, _WHAT_TO_DO]
    return "\n".join(said)


def sms_text(page: Page) -> str:
    """Write a page in two parts of an SMS at most."""
    if page.of("service"):
        return _TROUBLES.get(page.of("service")[0].id, _TROUBLES[SILENT])
    tier = "T1" if page.of("T1") else "T2"
    return _count(page.of(tier), _NEEDS[tier], _SMS_CODES_MAX)


def buttons(page: Page) -> list[tuple[str, str]]:
    """Give a page's buttons: label and callback. One case can be taken; more can only be seen, all at once."""
    cases = [line for line in page.lines if line.tier != "service"]
    if len(cases) == 1:
        return [(LABEL_ACCEPT, accept_callback(cases[0].id)), (LABEL_SEEN, seen_callback(cases[0].id))]
    return [(LABEL_SEEN, page_callback(page.made_at))] if cases else []


def _count(lines: Sequence[CaseLine], need: str, most: int) -> str:
    codes = "، ".join(persian_digits(line.code) for line in lines[:most])
    more = f" و {persian_digits(len(lines) - most)} پروندهٔ دیگر" if len(lines) > most else ""
    return f"{persian_digits(len(lines))} {need}: {codes}{more}"
