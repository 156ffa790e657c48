"""What is said of a condition that cannot be read or does not fit: why, and how to mend it, in both languages.

bot.engine.conditions finds the place; these are the words that fill the lint rules' sentences.
"""

from typing import NamedTuple


class Unreadable(NamedTuple):
    """What was met or missed in a condition's text, and how to mend it."""

    why_fa: str
    why_en: str
    mend: str
    mend_en: str


ONE_EQUALS = Unreadable(
    "یک = دیدم", "saw a single =", "برای برابری دو تا بنویسید: what == none", "write two for equality: what == none"
)
COMMA = Unreadable(
    "ویرگول دیدم", "saw a comma", "برای چند پاسخ | بنویسید: what == a | b", "write | between values: what == a | b"
)
QUOTED = Unreadable("گیومه دیدم", "saw a quote", "پاسخ‌ها بی گیومه: what == none", "values take no quotes: what == none")
STRANGE = Unreadable("نویسه‌ای که نمی‌شناسم", "a character I do not know", "نمونه: what == none", "example: what == none")
END = Unreadable("شرط ناتمام است", "the condition is unfinished", "نمونه: what == none", "example: what == none")
MORE = Unreadable(
    "پس از شرط چیزی اضافه است", "something follows the condition", "and یا or بنویسید", "join tests with and, or"
)
TEST = Unreadable(
    "پس از نام، == یا != یا in یا < باید بیاید", "expected ==, !=, in or < after a name",
    "نمونه: what == none", "example: what == none",
)  # fmt: skip
NAME = Unreadable(
    "اینجا نام یک پاسخ باید بیاید", "expected a name here", "نمونه: what == none", "example: what == none"
)
VALUE = Unreadable("اینجا یک پاسخ باید بیاید", "expected a value here", "نمونه: what == none", "example: what == none")
BRACKET = Unreadable("پرانتز بسته نشده", "a bracket is not closed", "( و ) را جفت کنید", "pair ( with )")
#: What a stray character usually was meant to be.
HINTS: dict[str, Unreadable] = {"=": ONE_EQUALS, ",": COMMA, "،": COMMA, '"': QUOTED, "'": QUOTED, "«": QUOTED}
#: What a name is not, by the kind of value that was asked of it.
TYPE_WORDS: dict[str, dict[str, str | int]] = {
    "number": {"is_fa": "عدد نیست", "is_en": "is no number", "mend": "== یا != بنویسید", "mend_en": "use == or !="},
    "order": {"is_fa": "با == سنجیده نمی‌شود", "is_en": "takes no ==", "mend": "< یا >= بنویسید", "mend_en": "use < or >="},
    "tier": {"is_fa": "سطح است و ترتیب عددی ندارد", "is_en": "is a tier, not a number", "mend": "risk == T1 | T2 بنویسید", "mend_en": "write risk == T1 | T2"},
    "set": {"is_fa": "چندپاسخی نیست", "is_en": "is no set of answers", "mend": "== بنویسید", "mend_en": "use =="},
    "date": {"is_fa": "تاریخ نیست", "is_en": "is no date", "mend": "days_ago فقط برای پرسش date", "mend_en": "days_ago() takes a date question"},
    "not_set": {"is_fa": "چندپاسخی است", "is_en": "is a set of answers", "mend": "key in … بنویسید", "mend_en": "write key in …"},
    "not_date": {"is_fa": "تاریخ است", "is_en": "is a date", "mend": "days_ago(…) <= 30 بنویسید", "mend_en": "write days_ago(…) <= 30"},
}  # fmt: skip
