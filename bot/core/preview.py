"""What a lock screen shows of a text: its first characters, and which of their words tell what this is about.

Whatever we say unasked can be read by whoever holds the phone (domain.md §4 do-11, I17). Scripts are linted by this
before they are published, a counsellor's late words when she writes them, and all of it once more before it is sent.
"""

from bot.core.text import fold

#: So much of a message stands on a lock screen, to the end of the word (P16).
PREVIEW_CHARS = 40
#: Parts of words that tell of a case, a service or a danger.
TELLING = (
    "خشونت", "کتک", "آزار", "تجاوز", "خودکشی", "خودزنی", "مددکار", "مددکاری", "بهزیستی", "اورژانس", "پلیس", "کلانتری",
    "طلاق", "حضانت", "مهریه", "دادگاه", "وکیل", "شکایت", "اعتیاد", "مواد مخدر", "پناه", "همسرآزاری", "کودک‌آزاری",
    "خانهٔ امن", "مشاور", "روان‌شناس", "روانشناس", "روان‌پزشک", "پرونده", "تهدید", "قربانی", "آسیب", "شوهر", "همسر",
    "سقط جنین", "باج", "فرار از",
)  # fmt: skip
#: Words that an answer to her may show while somebody reads with her, and that nothing unasked may.
TELLING_UNASKED = ("کمک فوری", "خطر", "امنید", "امن هستید")
#: Numbers that name a service, as words of their own.
TELLING_NUMBERS = ("110", "112", "115", "123", "125", "1480", "1570", "1500", "4030")
_TELLING = {fold(word): word for word in TELLING}
_UNASKED = {fold(word): word for word in TELLING_UNASKED}
_NUMBERS = frozenset(TELLING_NUMBERS)


def preview(text: str) -> str:
    """Give what a lock screen shows of a text."""
    end = PREVIEW_CHARS
    while end < len(text) and not text[end].isspace():
        end += 1
    return text[:end]


def telling_word(text: str) -> str | None:
    """Give a word of the preview that tells what this is about, None when it shows nothing."""
    folded = fold(preview(text))
    return next((word for key, word in _TELLING.items() if key in folded), None)


def telling_number(text: str) -> str | None:
    """Give a number of the preview that names a service; a script's placeholder for one counts."""
    shown = preview(text)
    if "{line." in shown:
        return shown[shown.index("{line.") :].split("}")[0] + "}"
    parts = "".join(char if char.isdecimal() else " " for char in fold(shown)).split()
    return next((part for part in parts if part in _NUMBERS), None)


def telling(text: str) -> str | None:
    """Give the word or number by which a text that comes unasked would disclose, None when it does not."""
    folded = fold(preview(text))
    unasked = next((word for key, word in _UNASKED.items() if key in folded), None)
    return telling_word(text) or unasked or telling_number(text)
