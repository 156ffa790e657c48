"""A script as a Persian page that a reviewer reads aloud and signs. Plain text; every word of the script is on it."""

from collections.abc import Iterator

from bot.core.text import persian_digits
from bot.engine.model import (
    Ask,
    Call,
    End,
    Escalate,
    Flow,
    FollowUp,
    Go,
    Guide,
    If,
    Option,
    Refer,
    SafeContact,
    SafeContactDone,
    Say,
    Score,
    Screen,
    ScreenBand,
    Set,
    Silence,
    Step,
    Texts,
)
from bot.engine.parts import Band, Choice, Date, FreeText, Media, Multi, Number, Phone, Place, Scale
from bot.engine.read_conditions import condition_aloud

_TARGETS = {
    "human": "مددکار را خبر کن و آرام بگیر",
    "settle": "اگر خطری بی‌پاسخ است مددکار را خبر کن، سپس آرام بگیر",
    "pause": "آرام بگیر تا خودش بنویسد",
}
_DANGER = {"low": "خطر کم (T3)", "high": "خطر بالا (T2)", "immediate": "خطر فوری (T1)"}
_TYPES: dict[type, str] = {
    Choice: "یکی از این‌ها",
    Multi: "هر چند تا از این‌ها",
    Scale: "عددی در بازه",
    Number: "یک عدد",
    Date: "یک روز",
    Place: "یک جا",
    Phone: "شماره تلفن",
    FreeText: "هر چه بخواهد بنویسد",
    Media: "صدا، عکس یا مکان",
}
_UNITS = ((86400, "روز"), (3600, "ساعت"), (60, "دقیقه"), (1, "ثانیه"))


def read_aloud(flow: Flow, always: Flow | None = None) -> str:
    """Give the page of a script; with `always`, also the words that act in every question of it."""
    lines = [f"سناریوی «{flow.title}» ({flow.id})", f"مسئول: {flow.owner}"]
    if flow.reviewers:
        lines.append(f"بازبین‌ها: {'، '.join(flow.reviewers)}")
    lines += ["منبع‌ها:", *[f"- {source}" for source in flow.sources]] if flow.sources else ["منبعی نام نبرده است."]
    if flow.silence is not None:
        lines.append(f"اگر پاسخی نیاید: {_silence(flow.silence)}")
    lines += [
        f"نشانهٔ {name}: {'، '.join(var.keys) or f'۰ تا {persian_digits(var.most)}'}" for name, var in flow.vars.items()
    ]
    lines += [f"اگر در همان پیام اول بشنود {'، '.join(heard.words)}: {_go(heard.go)}" for heard in flow.heard]
    for number, step in enumerate(_shown(flow), 1):
        lines += ["", *_step(flow, step, number)]
    lines += _handlers(flow, "واژه‌های این سناریو")
    if always is not None:
        lines += _handlers(always, "واژه‌هایی که همیشه کار می‌کنند")
    lines += ["", *(f"ادعا {claim.id}: هیچ‌گاه {condition_aloud(flow, claim.never)}" for claim in flow.properties)]
    return "\n".join(lines).rstrip() + "\n"


def _shown(flow: Flow) -> Iterator[Step]:
    """Give the steps a reviewer reads; a safe contact's copied questions stand on the page of `always`."""
    return (step for step in flow.steps if not (isinstance(step, Ask) and step.safe))


def _step(flow: Flow, step: Step, number: int) -> Iterator[str]:
    yield f"{persian_digits(number)}. {_verb(step)} ({step.id})"
    if step.when is not None:
        yield f"   فقط وقتی که {condition_aloud(flow, step.when)}"
    if step.note:
        yield f"   یادداشت: {step.note}"
    yield from _texts(step.texts)
    yield from _detail(flow, step)


def _verb(step: Step) -> str:
    match step:
        case Ask(consent=consent) if consent:
            return "اجازه بگیر"
        case Ask(spec=spec):
            return f"بپرس، {_TYPES[type(spec)]}"
        case Escalate(tier=tier):
            return f"انسان را خبر کن، سطح {tier}"
        case _:
            return _VERBS[type(step)]


_VERBS: dict[type, str] = {
    Say: "بگو",
    If: "اگر",
    Go: "برو به",
    Set: "بنویس",
    Screen: "غربال کن",
    ScreenBand: "نتیجهٔ غربال",
    Score: "امتیاز بده",
    Call: "برو به سناریوی",
    Guide: "راهنمایی کن",
    Refer: "معرفی کن",
    SafeContact: "راه امن را بپرس",
    SafeContactDone: "راه امن نوشته شد",
    FollowUp: "پیگیری کن",
    End: "تمام",
}


def _texts(texts: Texts) -> Iterator[str]:
    variants = (("", texts.text), ("پیامک: ", texts.sms), ("پنهان: ", texts.discreet))
    for name, messages in variants:
        for message in messages:
            yield f"   {name}«{message}»"


def _detail(flow: Flow, step: Step) -> Iterator[str]:
    match step:
        case Ask():
            yield from _ask(flow, step)
        case If():
            yield f"   {condition_aloud(flow, step.condition)}: {_go(step.go)}؛ وگرنه {_go(step.otherwise)}"
        case Go():
            yield f"   {_go(step.go)}"
        case Set():
            yield from (f"   {name} = {value}" for name, value in step.values.items())
        case Score():
            for point in step.points:
                why = f" ({point.because})" if point.because else ""
                yield f"   {persian_digits(point.add)} امتیاز اگر {condition_aloud(flow, point.condition)}{why}"
            yield from _bands(step.bands, step.go)
        case ScreenBand():
            yield from _bands(step.bands, step.go)
        case Escalate():
            yield from _escalate(step)
        case _:
            yield from _short(step)


def _short(step: Step) -> Iterator[str]:
    match step:
        case Screen(instrument=instrument):
            yield f"   ابزار {instrument}"
        case Call(flow=name, given=given):
            yield f"   سناریوی {name}" + "".join(f"، با {mine} به جای {its}" for its, mine in given.items())
        case Guide(card=card, part=part):
            yield f"   کارت {card}" + (f"، پیام {persian_digits(part)}" if part else "")
        case Refer(to=to, near=near, show=show, if_none=if_none):
            yield f"   به {to}" + (f" نزدیک {near}" if near else "") + ("؛ فقط گفته می‌شود" if show else "")
            if if_none:
                yield f"   اگر جایی نبود › {if_none}"
        case FollowUp(in_s=in_s, flow=name, if_silent=tier):
            silent = f"؛ اگر پاسخ ندهد پروندهٔ {tier}" if tier else ""
            yield f"   {_time(in_s)} دیگر، سناریوی {name}{silent}"
        case End(outcome=outcome):
            yield f"   نتیجه: {outcome}"
        case _:
            return


def _ask(flow: Flow, ask: Ask) -> Iterator[str]:
    if isinstance(ask.spec, Scale | Number):
        yield f"   از {persian_digits(ask.spec.low)} تا {persian_digits(ask.spec.high)}"
    for number, option in enumerate(ask.options, 1):
        yield f"   {persian_digits(number)}) {option.label}{_tags(option)}"
    if ask.silence is not None and ask.silence != flow.silence:
        yield f"   اگر پاسخی نیاید: {_silence(ask.silence)}"
    if ask.unclear.text or ask.unclear.then != "human":
        said = "".join(f"«{text}» " for text in ask.unclear.text)
        yield f"   اگر روشن نبود: {said}پس از {persian_digits(ask.unclear.tries)} بار، {_go(ask.unclear.then)}"


def _tags(option: Option) -> str:
    tags = [_DANGER[option.danger]] if option.danger else []
    tags += [f"نوع: {'، '.join(option.kinds)}"] if option.kinds else []
    tags += ["از این پس پنهان"] if option.covert else []
    tags += [f"{persian_digits(option.points)} امتیاز"] if option.points else []
    tags += [f"یا: {'، '.join(option.accept)}"] if option.accept else []
    tags += [_go(option.go)] if option.go else []
    return f" — {'؛ '.join(tags)}" if tags else ""


def _bands(bands: tuple[Band, ...], go: dict[str, str]) -> Iterator[str]:
    for band in bands:
        high = "بالاتر" if band.high > 999 else persian_digits(band.high)
        points = "پاسخ کم" if band.key == "unknown" else f"{persian_digits(band.low)} تا {high}"
        danger = f" — {_DANGER[band.danger]}" if band.danger else ""
        jump = f"؛ {_go(go[band.key])}" if band.key in go else ""
        yield f"   {band.key}: {points}{danger}{jump}"


def _escalate(step: Escalate) -> Iterator[str]:
    if step.kinds:
        yield f"   نوع: {'، '.join(step.kinds)}"
    if step.hand_over:
        yield "   گفت‌وگو به دست مددکار سپرده می‌شود"
    if step.while_waiting:
        yield f"   تا آن وقت: {_go(step.while_waiting)}"
    if step.if_no_staff:
        yield f"   اگر کسی سر شیفت نیست: {_go(step.if_no_staff)}"
    if step.if_not_taken is not None:
        again = persian_digits(step.if_not_taken.repeat)
        yield f"   اگر تا {_time(step.if_not_taken.after_s)} کسی نگرفت، تا {again} بار:"
        yield from _texts(step.if_not_taken.texts)
    if step.after:
        yield f"   پس از بازگشت از مددکار: {_go(step.after)}"


def _silence(silence: Silence) -> str:
    reminders = f"، {persian_digits(silence.remind)} بار یادآوری" if silence.remind else ""
    said = "".join(f" «{text}»" for text in silence.remind_text)
    return f"پس از {_time(silence.after_s)}{reminders}{said}، {_go(silence.then)}"


def _go(target: str) -> str:
    return "گام بعد" if not target else _TARGETS.get(target, f"برو به {target}")


def _time(seconds: int) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return f"{persian_digits(seconds // size)} {unit}"


def _handlers(flow: Flow, title: str) -> list[str]:
    if not flow.always:
        return []
    lines = ["", f"{title}:"]
    for handler in flow.always:
        does = " ".join(f"«{text}»" for text in handler.say) or (_go(handler.go) if handler.go else "")
        lines.append(f"   {handler.name}: {'، '.join(handler.words)}" + (f" — {does}" if does else ""))
    return lines
