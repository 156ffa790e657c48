"""What the staff bot says. Case code and tier only; never a name, a word or a place of anyone's."""

from collections.abc import Sequence

from bot.core.text import persian_digits

_CODES_MAX = 60
LABEL_ACCEPT = "می‌پذیرم"
LABEL_SEEN = "دیدم"
TIERS = {"T1": "فوری", "T2": "تا ۲۴ ساعت", "T3": "تا ۷ روز", "T4": "راهنمایی"}

OUTCOMES = {
    "accepted": "با شماست. پرونده را در میز کار باز کنید.",
    "taken": "همکار دیگری آن را پذیرفته است.",
    "closed": "این پرونده بسته شده است.",
    "not_yours": "این پرونده در دسترس میز شما نیست.",
    "seen": "ثبت شد که دیدید. اگر کسی برندارد، هشدار دوباره آغاز می‌شود.",
    "not_linked": "این گفت‌وگو به حساب کاربری پیوند ندارد.",
}

ANSWERS = {
    "linked": "پیوند برقرار شد. از این پس پرونده‌های تازه اینجا خبر داده می‌شود.",
    "bad_code": "این رمز معتبر نیست یا مهلت آن گذشته است. رمز تازه را از صفحه‌ی خودتان در میز کار بگیرید.",
    "not_linked": "این ربات پیام‌های میز کار را می‌رساند. رمز پیوند را از صفحه‌ی خودتان در میز کار بگیرید و همین‌جا بفرستید.",
    "away": "میز کار اکنون پاسخ نمی‌دهد. چند لحظه‌ی دیگر دوباره بزنید.",
    "old_button": "این دکمه دیگر کار نمی‌کند.",
}


def list_text(cases: Sequence[tuple[str, str]]) -> str:
    """Give the lines that tell of many waiting cases (code, tier): their number by tier, and the codes."""
    lines = [f"{persian_digits(len(cases))} پرونده در صف است."]
    for tier, word in TIERS.items():
        codes = [persian_digits(code) for code, its in cases if its == tier]
        more = f" و {persian_digits(len(codes) - _CODES_MAX)} پروندهٔ دیگر" if len(codes) > _CODES_MAX else ""
        if codes:
            lines.append(f"{word} ({persian_digits(len(codes))}): {'، '.join(codes[:_CODES_MAX])}{more}")
    return "\n".join(lines)


def alert_text(code: str, tier: str, *, again: bool) -> str:
    """Give the line that tells of a waiting case: «پرونده ۱۲۳۴۵ · فوری»."""
    line = f"پرونده {persian_digits(code)} · {TIERS.get(tier, tier)}"
    return f"{line}\nدوباره در صف است." if again else line
