"""What invented citizens write, by what it means. Invented for this simulation; nobody ever wrote it to anybody."""

import json

from bot.core.messages import Input, MediaInput, PressInput, TextInput
from bot.proof.simulation.provider import Update

#: Immediate danger: each must open a T1 case wherever it is said.
DANGER: tuple[str, ...] = (
    "شوهرم داره منو می‌زنه",
    "چاقو گذاشته زیر گلوم",
    "الان دارم خودمو می‌کشم",
    "قرص خوردم بمیرم دیگه",
    "بابام داره مامانمو می‌زنه",
    "shoharam dare mano mizane",
    "داره در رو می‌شکنه بیاد تو منو بکشه",
)
#: High: each must be in a case of T2 or stronger.
WORRY: tuple[str, ...] = (
    "بچه‌هام گرسنه‌اند",
    "شوهرم کتکم می‌زنه",
    "دخترم از خونه فرار کرده",
    "جایی برای خوابیدن ندارم",
)
ORDINARY: tuple[str, ...] = (
    "سلام", "خوبم ممنون", "خیلی خسته‌ام دیگه", "پارسال کتکم می‌زد", "تهران", "بله", "نه", "۱", "2", "3", "09121234567",
    "اشتباه شد، همه چیز خوبه", "ولش کن، بی‌خیال", "کمک", "برگشت", "تکرار", "ممنونم از شما", "می‌شه حرف بزنیم؟",
    "دوستم حالش خوب نیست", "ساعت ده صبح", "به خودم زنگ بزنید", "آره", "رفتم", "نمی‌خواهم بگویم",
)  # fmt: skip
#: Said by nobody in a hurry or in danger: these are answered strictly in their order (I4).
PLAIN = frozenset({"سلام", "خوبم ممنون", "تهران", "09121234567", "ممنونم از شما", "رفتم", "ساعت ده صبح"})
#: Plain too, unless the question that waits is answered so by who is in danger now.
ANSWERS = frozenset({"بله", "نه", "آره", "۱", "2", "3"})
#: What acts in every wait.
HANDLERS: dict[str, str] = {
    "exit": "0",
    "opt_out": "لغو",
    "erase": "حذف اطلاعات من",
    "human": "مددکار",
    "hide": "پاک کن",
}
STAFF_TEXTS: tuple[str, ...] = ("سلام، من همکار شما هستم", "الان جای امنی هستید؟", "می‌شنوم، بنویسید", "با شما هستم")
#: (channel, address) of those who write here. The first is everybody's favourite: most things happen to her.
PEOPLE: tuple[tuple[str, str], ...] = (
    ("telegram", "1001"),
    ("telegram", "1002"),
    ("telegram", "1003"),
    ("sms", "+989120000001"),
    ("sms", "+989120000002"),
)


def meaning(received: Input) -> str:
    """Give what an input means to the oracle."""
    if isinstance(received, TextInput) and received.text in DANGER:
        return "danger"
    if isinstance(received, TextInput) and received.text in WORRY:
        return "worry"
    if isinstance(received, TextInput) and received.text in ANSWERS:
        return "answer"
    return "plain" if isinstance(received, TextInput) and received.text in PLAIN else "ordinary"


def telegram_body(update: Update, sent_at: int) -> bytes:
    """Give the bytes that Telegram would post; `sent_at` is her phone's time in seconds since 1970."""
    person = {"id": int(update.chat), "type": "private", "first_name": "x"}
    message: dict[str, object] = {"message_id": update.number, "from": person, "chat": person, "date": sent_at}
    match update.input:
        case TextInput(text):
            message["text"] = text
        case PressInput(press):
            query = {"id": f"q{update.number}", "from": person, "message": message, "data": press.encode()}
            return json.dumps({"update_id": update.number, "callback_query": query}).encode()
        case MediaInput(kind):
            message[kind] = {"file_id": "f"}
        case _:
            message["dice"] = {"value": 1}
    return json.dumps({"update_id": update.number, "message": message}).encode()
