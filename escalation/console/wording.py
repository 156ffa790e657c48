"""The console's Persian for codes, and numbers and waits as people read them.

Codes come from the kernel and the case tables; an unknown code is shown as it is, never hidden. No sentence of a
citizen passes through here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from bot.core.clock import TEHRAN
from bot.core.jalali import clock_time, long_moment
from bot.core.provinces import PROVINCES
from bot.core.text import persian_digits
from bot.i18n import SOURCE, reviewer_of

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400

TIERS: Mapping[str, str] = MappingProxyType({"T1": "فوری", "T2": "تا ۲۴ ساعت", "T3": "تا ۷ روز", "T4": "راهنمایی"})

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "suicide": "فکر خودکشی",
        "self_harm": "آسیب به خود",
        "spouse_abuse": "همسرآزاری",
        "family_violence": "خشونت خانگی",
        "threat_weapon": "تهدید یا سلاح",
        "sexual_violence": "خشونت جنسی",
        "extortion": "تهدید به پخش تصویر",
        "child_abuse": "کودک‌آزاری",
        "child_labour": "کار کودک",
        "homelessness": "بی‌سرپناهی",
        "hunger": "گرسنگی",
        "runaway": "دوری از خانه",
        "addiction": "مصرف مواد",
        "forced_marriage": "ازدواج اجباری",
        "custody": "حضانت",
        "elder_abuse": "سالمندآزاری",
        "disability_abuse": "آزار فرد دارای معلولیت",
        "harm_to_others": "آسیب به دیگری",
        "gender_dysphoria": "ملال جنسیتی",
        "acute_family": "اختلاف حاد خانوادگی",
        "women_head_support": "زن سرپرست خانوار",
        "legal": "پرسش حقوقی",
        "mood": "حال روحی",
    }
)

CHANNELS: Mapping[str, str] = MappingProxyType(
    {"web": "گفت‌وگوی وب", "telegram": "تلگرام", "bale": "بله", "sms": "پیامک", "rasa": "راسا"}
)

STATES: Mapping[str, str] = MappingProxyType(
    {"queued": "در صف", "claimed": "در دست", "waiting": "در انتظار پیگیری", "closed": "بسته"}
)

ROLES: Mapping[str, str] = MappingProxyType(
    {
        "counsellor": "مشاور",
        "supervisor": "سرپرست شیفت",
        "admin": "مدیر کارکنان",
        "flow_admin": "نویسندهٔ سناریو",
        "reviewer": "بازبین سناریو",
        "analyst": "تحلیلگر",
    }
)

LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "fa": "فارسی",
        "fa-AF": "دری",
        "azb": "ترکی آذربایجانی",
        "ckb": "کردی",
        "ar": "عربی",
        "bal": "بلوچی",
        "en": "انگلیسی",
    }
)

MEDIA: Mapping[str, str] = MappingProxyType(
    {"voice": "پیام صوتی", "photo": "عکس", "sticker": "برچسب", "video": "ویدیو", "document": "پرونده (فایل)"}
)

#: The furthest that a sent message is known to have come.
RECEIPTS: Mapping[str, str] = MappingProxyType(
    {
        "queued": "در راه",
        "sending": "در راه",
        "sent": "فرستاده شد",
        "delivered": "رسید",
        "read": "خوانده شد",
        "failed": "نرسید",
        "expired": "نرسید؛ دیر شد",
        "unknown": "نمی‌دانیم رسید یا نه",
    }
)

INSTRUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "asq": "غربال خودکشی (ASQ)",
        "da5": "خطر جانی همسر (DA-5)",
        "hark": "آزار همسر (HARK)",
        "phq2": "افسردگی (PHQ-2)",
        "phq9": "افسردگی (PHQ-9)",
        "gad2": "اضطراب (GAD-2)",
        "gad7": "اضطراب (GAD-7)",
        "child_safety": "ایمنی کودک",
        "hhs3": "گرسنگی خانوار (HHS)",
        "safety_now": "ایمنی همین حالا",
        "cssrs": "غربال کلمبیا (C-SSRS)",
        "danger_assessment": "سنجش کامل خطر جانی (DA)",
    }
)


#: Their points only put answers in order (C-SSRS has no sum): people see the level alone.
WITHOUT_SUM = frozenset({"cssrs"})

BANDS: Mapping[str, str] = MappingProxyType(
    {
        "none": "نشانه‌ای نبود",
        "low": "کم",
        "little": "کم",
        "some": "تا اندازه‌ای",
        "concern": "نگران‌کننده",
        "positive": "مثبت",
        "likely": "محتمل",
        "moderate": "متوسط",
        "raised": "بالارفته",
        "high": "زیاد",
        "severe": "شدید",
        "acute": "حاد",
        "urgent": "فوری",
    }
)

#: Kinds of places and teams to which a person can be referred.
PLACES: Mapping[str, str] = MappingProxyType(
    {
        "mobile_team": "اعزام تیم سیار",
        "crisis_centre": "مرکز مداخله در بحران",
        "safe_house": "خانهٔ امن",
        "social_base": "پایگاه خدمات اجتماعی",
        "counselling_centre": "مرکز مشاوره",
        "family_centre": "مرکز حمایت از خانواده",
        "empowerment_centre": "مرکز توانمندسازی",
        "legal_aid": "معاضدت حقوقی",
        "ngo": "سازمان مردم‌نهاد",
        "police": "پلیس ۱۱۰",
        "emergency": "اورژانس ۱۱۵",
    }
)
REFERRAL_STATES: Mapping[str, str] = MappingProxyType(
    {"asked": "خودش خواست", "requested": "خودش خواست", "made": "همکاران سپردند"}
)

SAFE_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "way": "راه",
        "phone": "شماره",
        "hours": "ساعت",
        "who": "چه کسی پاسخ دهد",
        "cover": "اگر دیگری پاسخ داد بگویید",
        "word": "رمز؛ پیش از هر حرف بگویید",
        "duress": "واژهٔ اجبار؛ اگر شنیدید، کمک لازم است",
    }
)

#: What a line of the history says; «wrote» and «message» are in the talk itself and have no line.
HAPPENINGS: Mapping[str, str] = MappingProxyType(
    {
        "opened": "به صف آمد، سطح",
        "raised": "سطح بالا رفت:",
        "enriched": "دلیل تازه افزوده شد",
        "woken": "دوباره نوشت و به صف برگشت",
        "due": "زمان پیگیری رسید",
        "overflowed": "کسی برنداشت؛ میزهای دیگر خبر شدند",
        "claimed": "برداشت",
        "seen": "دید",
        "released": "به صف برگشت",
        "lease_lost": "ارتباط مشاور قطع شد؛ به صف برگشت",
        "handed_back": "گفت‌وگو به ربات سپرده شد",
        "transferred": "سپرده شد به",
        "entrusted": "سپرده شد به",
        "lowered": "سطح پایین آمد:",
        "referred": "ارجاع شد",
        "safe_contact_marked": "راه تماس امن نوشته شد",
        "noted": "یادداشت نوشت",
        "assessed": "ارزیابی ثانویه کرد",
        "closed": "بسته شد",
        "reopened": "بستن برگردانده شد",
        "merged": "با پروندهٔ تازه یکی شد",
        "unreachable": "پیام ما به او نرسید",
        "unsaid": "پیامی به او گفته نشد:",
        "reached_again": "دوباره پیام به او رسید",
    }
)
#: Why something was not said to her.
UNSAID: Mapping[str, str] = MappingProxyType(
    {
        "late": "کانال قطع بود و دیر شد",
        "not_safe": "راه یا ساعت امنی نگفته است",
        "discloses": "آغاز پیام روی صفحهٔ قفل لو می‌داد",
        "not_safe_now": "تا ساعت امن او دیر می‌شد",
        "opted_out": "خواسته است پیامی نگیرد",
        "left": "با خروج سریع رفته است",
        "duress": "واژهٔ اجبار را نوشت",
        "erased": "خواسته است همه‌چیز پاک شود",
        "moved": "گفت‌وگو را در کانال دیگری ادامه داد؛ اگر لازم است، دوباره بنویسید",
        "restored": "پشتیبان بازگردانده شد؛ شاید رسیده باشد",
    }
)
MACHINES = frozenset({"bot", "sweeper", "contact", "system", "outbox", ""})


def reason(why: str) -> str:
    """Give a reason in Persian: an instrument's ends with the key of its band."""
    title, colon, band = why.rpartition(": ")
    return f"{title}{colon}{BANDS[band]}" if band in BANDS else why


def word(table: Mapping[str, str], code: str) -> str:
    """Give the Persian of a code, or the code itself."""
    return table.get(code, code)


def other_language(code: str) -> str:
    """Name a language other than Persian, and say where nobody has looked at what we say in it; empty for Persian."""
    if code == SOURCE:
        return ""
    name = word(LANGUAGES, code)
    return name if reviewer_of(code) else f"{name} (متن‌ها بازبینی‌نشده)"


def province_name(code: str) -> str:
    """Give a province's name; «کشوری» for the national desk or an unknown place."""
    known = PROVINCES.get(code)
    return known.name if known else code or "نامعلوم"


def moment(at_ms: int) -> datetime:
    """Give a stored time as an aware moment."""
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC)


def when(at_ms: int) -> str:
    """Write a stored time in full: «یکشنبه ۱ آذر ۱۴۰۵، ساعت ۱۴:۳۰»."""
    return long_moment(moment(at_ms))


def hour(at_ms: int) -> str:
    """Write only the hour of a stored time: «۱۴:۳۰»."""
    return clock_time(moment(at_ms)).removeprefix("ساعت ")


def second(at_ms: int) -> str:
    """Write the time of day of a stored moment to the second: «۱۴:۳۰:۰۵»."""
    return persian_digits(moment(at_ms).astimezone(TEHRAN).strftime("%H:%M:%S"))


def wait_words(seconds: float) -> str:
    """Write a wait in its two largest units: «۴۵ ثانیه», «۱۲ دقیقه», «۱ ساعت و ۵ دقیقه», «۲ روز». The page's clock.js agrees."""
    total = max(0, int(seconds))
    days, hours, minutes = total // _DAY_S, total % _DAY_S // _HOUR_S, total % _HOUR_S // _MINUTE_S
    if total < _MINUTE_S:
        return persian_digits(f"{total} ثانیه")
    if total < _HOUR_S:
        return persian_digits(f"{minutes} دقیقه")
    if total < _DAY_S:
        return persian_digits(f"{hours} ساعت" + (f" و {minutes} دقیقه" if minutes else ""))
    return persian_digits(f"{days} روز" + (f" و {hours} ساعت" if hours else ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A sentence a counsellor may put into her message box and change before sending."""

    label: str
    text: str


#: Source: domain.md §4 (believe, ask directly, give control, say truthfully who is there). Put in the box, never sent by itself.
PHRASES: tuple[Phrase, ...] = (
    Phrase(label="سلام", text="سلام. من مشاور هستم و از همین حالا خودم با شما حرف می‌زنم."),
    Phrase(label="جای امن؟", text="الان جای امنی هستید؟"),
    Phrase(label="باور می‌کنم", text="متأسفم که این اتفاق افتاده. تقصیر شما نیست. خوب کردید که نوشتید."),
    Phrase(label="چه کسی گوشی را می‌بیند؟", text="کس دیگری هم این گوشی را می‌بیند؟"),
    Phrase(label="با شما هستم", text="عجله نکنید. من همین‌جا هستم و می‌خوانم."),
    Phrase(label="۱۱۰ و ۱۱۵", text="اگر همین حالا در خطر هستید: پلیس 110، اورژانس 115."),
)
