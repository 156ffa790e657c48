"""The hand-over in five lines: what whoever takes the case must know, so that she need not tell it again. Pure.

Who and where, what happened in her own words, how urgent and why, what was asked and given already, and how she may
be reached. Everything in it stands elsewhere on the page too; here it is read in ten seconds.
"""

from bot.core.text import persian_digits, squash
from bot.i18n import SOURCE
from escalation.console import wording
from escalation.page_parts import CasePage, Message

_QUOTE_CHARS = 160
_WORDS_MIN = 3


def packet(page: CasePage) -> tuple[tuple[str, str], ...]:
    """Give the five lines as (label, words); nothing for who may not read the content."""
    if not page.content or page.erased:
        return ()
    return (
        ("کیست و کجاست", _who(page)),
        ("چه شد", _happened(page)),
        ("سطح و دلیل", _why(page)),
        ("تا این‌جا", _done(page)),
        ("تماس", _contact(page)),
    )


def _who(page: CasePage) -> str:
    place = wording.province_name(page.case.province) if page.case.province else "استان نامعلوم"
    parts = [place, f"از {wording.word(wording.CHANNELS, page.channel)}"]
    if page.language != SOURCE:
        parts.append(f"زبان: {wording.other_language(page.language)}")
    if page.case.child:
        parts.append("پای یک کودک در میان است")
    if page.earlier:
        parts.append(persian_digits(f"{len(page.earlier)} پروندهٔ پیشین"))
    return "، ".join(parts)


def _happened(page: CasePage) -> str:
    said = _telling(page)
    if said is None:
        return "ننوشته است؛ فقط به پرسش‌ها پاسخ داده."
    text = " ".join(said.text.split())
    return f"«{text[:_QUOTE_CHARS].rstrip()}{'…' if len(text) > _QUOTE_CHARS else ''}»"


def _telling(page: CasePage) -> Message | None:
    """Give what she wrote when the case came or rose; else the newest thing that is more than a word or two."""
    secret = {squash(page.safe_contact.get(name, "")) for name in ("word", "duress")}
    written = [one for one in page.messages if one.author == "contact" and not one.input and one.text.strip()]
    told = [one for one in written if squash(one.text) not in secret]
    moments = {one.at for one in page.history if one.kind in {"opened", "raised", "woken"}}
    long = [one for one in told if len(one.text.split()) >= _WORDS_MIN]
    found = [one for one in long if one.at in moments] or long or told
    return found[-1] if found else None


def _why(page: CasePage) -> str:
    kinds = "، ".join(wording.word(wording.KINDS, kind) for kind in page.kinds) or "نیاز نامعلوم"
    reasons = "؛ ".join(map(wording.reason, page.why[-3:]))
    return f"{wording.word(wording.TIERS, page.case.tier)}: {kinds}" + (f"؛ چون {reasons}" if reasons else "")


def _done(page: CasePage) -> str:
    parts = [
        f"{wording.word(wording.INSTRUMENTS, run.name)}: {wording.word(wording.BANDS, run.band)}"
        for run in page.assessments[-3:]
    ]
    if page.answers:
        parts.append(f"{len(page.answers)} پاسخ داده؛ دوباره نپرسید")
    if page.cards:
        parts.append(f"{len(page.cards)} راهنما گرفته")
    parts += [f"ارجاع: {wording.word(wording.PLACES, one.to_type)}" for one in page.referrals[-2:]]
    return persian_digits("؛ ".join(parts)) or "هنوز چیزی پرسیده یا داده نشده است."


def _contact(page: CasePage) -> str:
    safe = page.safe_contact
    told = [f"{label}: {safe[name]}" for name, label in _SHOWN.items() if safe.get(name)]
    parts = ["، ".join(told)] if told else ["راه امنی نگفته؛ زنگ نزنید و خودتان آغاز نکنید"]
    if safe.get("word"):
        parts.append("اول رمزش را بگویید")
    if page.do_not_contact:
        parts.insert(0, "ننویسید و زنگ نزنید، مگر خودش بنویسد")
    if page.covert:
        parts.append("شاید کسی گوشی را ببیند؛ کوتاه و بی‌نشانه")
    asked = [one for one in page.consents if one.purpose == "contact"]
    if asked and not asked[-1].given:  # the newest word on this; what she said of other things takes nothing back
        parts.append("به تماس رضایت نداده")
    return "؛ ".join(parts)


_SHOWN = {name: wording.SAFE_FIELDS[name] for name in ("way", "phone", "hours", "who", "cover")}
