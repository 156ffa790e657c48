"""Yes, no, «I prefer not to say» and the numbers as people write them, in every language that Panah hears.

What means the same in all of them counts in any conversation; a word that is a yes in one language and a sound in
another («هه», «ها») counts only where she chose that language.
"""

from collections.abc import Mapping

from bot.core.text import fold, squash


def _folded(words: str) -> frozenset[str]:
    return frozenset(squash(word) for word in words.split("،"))


#: Ways to say yes and no that no label needs to list.
_PERSIAN_YES = _folded(
    "بله،بلی،بلە،آره،اره،آری،اری،بعله،آره بله،اوهوم،اهوم،آها،اره دیگه،bale،baleh،bali،are،,are،areh،ari،yes،yeah،yep،y،ok"
)
YES = _PERSIAN_YES | _folded(
    "yea،sure،bəli،beli،əlbəttə،elbette،evet،بَلی"
    "،بەڵێ،بەلێ،بەلی،بەڵی،به‌لی،به‌ڵێ،بلێ،ئەرێ،ئەری،ئه‌رێ،ئه‌ری،هەڵێ،هەرێ،belê،erê،ere"
    "،نعم،نعم اي،اي نعم،اجل،ايوه،ايوا،ايه نعم،na3am"
)
_PERSIAN_NO = _folded("نه،نخیر،خیر،نه خیر،نچ،نوچ،نع،ن،نه بابا،اصلا نه،na،nah،no،nope،n،nakheyr،nakheir،kheyr،kheir")
NO = _PERSIAN_NO | _folded(
    "yox،yoq،yoxdu،yoxdur،yok،xeyr،xeyir،یوخ،یوخدو،یوخدور،یوق،خئیر"
    "،نا،نەخێر،نەخیر،نه‌خێر،نه‌خیر،نەء،nexêr،nexer"
    "،لا،لا لا،لا ابد،ابدا لا،la"
)
SKIP = _folded(
    "نمی‌خواهم بگویم،نمی‌خوام بگم،ترجیح می‌دهم نگویم،رد،رد کن،بگذریم،بعدی،نمیگم،نمی‌گویم،skip"
    "،prefer not to say،rather not say،i prefer not to say،dont want to say،i dont want to say"
    "،دئمک ایسته‌میرم،دئمک ایستمیرم،دئمیرم،demək istəmirəm،demek istemirem،demirəm،keç"
    "،نامەوێ بیڵێم،نامه‌وی بیلیم،ناڵێم،نالیم،لا أريد أن أقول،ما اريد اگول،ما اريد اقول،ما اگول"
)
_SPOKEN_AS_PERSIAN = frozenset({"fa", "fa-AF"})
_YES_IN: Mapping[str, frozenset[str]] = {
    "azb": _folded("هه،هن،ها،hə،he،hən،hen،ha"),
    "ckb": _folded("ئا،ا،ها،بلی"),
    "ar": _folded("اي،ايه،إي،ها،e،eh"),
    "fa-AF": _folded("ها،هان،آن،بلی صاحب،ha،han"),
}
_NO_IN: Mapping[str, frozenset[str]] = {
    "azb": _folded("نه خئیر،یو"),
    "ckb": _folded("نه،نەها"),
    "ar": _folded("مو،لع،لأ،كلا،ماكو"),
    "fa-AF": _folded("نی،نی نی،نیه"),
}
ORDINALS = {
    fold(word): number
    for number, words in enumerate(
        ("یک یه یکی اول اولی yek one بیر bir یەک یه‌ک واحد",
         "دو دوم دومی do two ایکی iki دوو اثنين ثنين اثنان",
         "سه سوم سومی se three اوچ üç سێ ثلاثة ثلاث تلاتة",
         "چهار چار چهارم چهارمی four دؤرد دورد dörd dord چوار اربعة اربع",
         "پنج پنجم پنجمی five beş bes پێنج پینج خمسة خمس",
         "شش شیش ششم six آلتی altı شەش شه‌ش ستة",
         "هفت هفتم seven یئددی yeddi حەوت حه‌وت سبعة",
         "هشت هشتم eight سککیز səkkiz هەشت هه‌شت ثمانية",
         "نهم نهمی doqquz نۆ تسعة", "ده دهم ten دە عشرة", "یازده", "دوازده"), 1)
    for word in words.split()
}  # fmt: skip


def is_yes(key: str, language: str) -> bool:
    """True for a yes, by its folded letters without spaces."""
    return key in YES or key in _YES_IN.get(language, ())


def is_no(key: str, language: str) -> bool:
    """True for a no."""
    return key in NO or key in _NO_IN.get(language, ())


def begins(key: str, language: str) -> str | None:
    """Give «yes» or «no» for a word that says so in front of others; only in Persian and Dari.

    Elsewhere the same letters begin other sentences: «لا تتركوني» is no «no», «are you there» no «yes».
    """
    if language not in _SPOKEN_AS_PERSIAN:
        return None
    return "yes" if key in _PERSIAN_YES else "no" if key in _PERSIAN_NO else None
