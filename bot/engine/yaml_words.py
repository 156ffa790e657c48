"""What a YAML reader complains of, in plain Persian for those who write scripts; its own English is kept beside it."""

from bot.engine.issues import Issue, Place, issue

#: A part of the reader's English → what it means to an author. The first that fits is said.
_WORDS: tuple[tuple[str, str], ...] = (
    ("mapping values are not allowed", "دونقطه این‌جا جا ندارد؛ تورفتگی سطر یا گیومهٔ متن را ببینید"),
    ("sequence entries are not allowed", "خط تیره این‌جا جا ندارد؛ آن را به سطر تازه ببرید"),
    ("',' or ']'", "کروشهٔ باز بسته نشده یا میان دو مورد ویرگول لاتین نیست"),
    ("',' or '}", "آکولاد باز بسته نشده یا میان دو مورد ویرگول لاتین نیست"),
    ("unexpected end of stream", "گیومه‌ای باز شده و بسته نشده"),
    ("'\\t'", "به جای فاصله Tab آمده؛ تورفتگی فقط با فاصله"),
    ("cannot start any token", "متن با این نشانه آغاز نمی‌شود؛ همهٔ متن را در گیومهٔ لاتین بگذارید"),
    ("unknown escape character", "پس از \\ این حرف نمی‌آید"),
    ("<block end>", "این سطر با سطرهای بالا هم‌تراز نیست، یا پس از گیومه چیزی آمده"),
    ("<document start>", "پس از پایان متن چیزی زیادی آمده"),
    ("node content", "این‌جا باید مقداری باشد"),
    ("could not find expected ':'", "پس از نام کلید دونقطه نیست"),
    ("digit or '.'", "سطری که با % آغاز شود جایی ندارد"),
    ("two documents", "--- فایل را دو تا کرده؛ هر فایل یک سناریو"),
    ("the file is empty", "فایل خالی است"),
    ("not UTF-8", "فایل با کدبندی UTF-8 ذخیره نشده"),
    ("ReaderError", "نویسه‌ای پنهان در فایل هست که خوانده نمی‌شود"),
)
_OTHERWISE = "ساختار سطر درست نیست"


def broken(file: str, at: Place, why: str) -> Issue:
    """Make the issue of a file that cannot be read; `why` is the reader's English."""
    persian = next((words for part, words in _WORDS if part in why), _OTHERWISE)
    return issue("yaml_broken", file, at, line=at[0], col=at[1], why_fa=persian, why_en=why)
