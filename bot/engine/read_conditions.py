"""A condition in Persian words, with the labels a person saw in place of keys."""

from bot.core.text import persian_digits
from bot.engine.expressions import Condition, Expr
from bot.engine.model import Ask, Flow

_FACTS = {
    "risk": "خطر",
    "kinds": "نوع‌های خطر",
    "violence": "گفته شدن خشونت",
    "covert": "حالت پنهان",
    "channel": "کانال",
    "mode": "شکل پیام",
    "language": "زبان",
    "languages": "شمار زبان‌های در دسترس",
    "hour": "ساعت",
    "staff": "همکار سر شیفت",
    "returning": "بازگشته",
    "age_group": "گروه سنی",
    "contact.safe": "راه امن تماس",
    "consent.contact": "اجازهٔ تماس",
    "consent.referral": "اجازهٔ معرفی",
    "consent.record": "اجازهٔ ثبت",
    "consent.health": "اجازهٔ دادهٔ سلامت",
}
_ORDERS = {"<": "کمتر از", "<=": "دست‌بالا", ">": "بیشتر از", ">=": "دست‌کم"}


def condition_aloud(flow: Flow, condition: Condition) -> str:
    """Say a condition as a person would."""
    return _say(flow, condition.tree)


def _say(flow: Flow, tree: Expr) -> str:
    match tree[0]:
        case "and" | "or":
            joiner = " و " if tree[0] == "and" else " یا "
            return joiner.join(_nested(flow, part) for part in tree[1:]) or "همیشه"
        case "not":
            return f"چنین نیست که {_nested(flow, tree[1])}"
        case _:
            return _test(flow, tree)


def _test(flow: Flow, tree: Expr) -> str:
    match tree[0]:
        case "is" | "isnt":
            values = " یا ".join(_value(flow, tree[1], value) for value in tree[2])
            return f"{_name(tree[1])} {values} {'باشد' if tree[0] == 'is' else 'نباشد'}"
        case "cmp":
            how, name = tree[1]
            what = {"count": f"شمار {_name(name)}", "days_ago": f"روزهای گذشته از {_name(name)}"}.get(how, _name(name))
            return f"{what} {_ORDERS[tree[2]]} {persian_digits(tree[3])} باشد"
        case "in" | "notin":
            value = _value(flow, tree[2][1], tree[1])
            return f"{value} در {_name(tree[2][1])} {'باشد' if tree[0] == 'in' else 'نباشد'}"
        case "known":
            return f"{_name(tree[1])} پرسیده شده باشد"
        case _:
            return f"{_name(tree[1])} را نگفته باشد"


def _nested(flow: Flow, tree: Expr) -> str:
    said = _say(flow, tree)
    return f"({said})" if tree[0] in {"and", "or"} else said


def _name(name: tuple[str, str]) -> str:
    source, key = name
    return _FACTS.get(key, key) if source == "facts" else f"پاسخ {key}" if source == "answers" else f"نشانهٔ {key}"


def _value(flow: Flow, name: tuple[str, str], value: str | int) -> str:
    if isinstance(value, int):
        return persian_digits(value)
    step = flow.step(name[1])
    if isinstance(step, Ask) and value in step.by_key:
        return f"«{step.by_key[value].label}»"
    return value
