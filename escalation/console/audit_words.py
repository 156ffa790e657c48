"""The console's Persian for the acts that stand in the audit, by target and action, and for the codes of their reasons."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from escalation.case import OUTCOMES
from escalation.console import wording
from escalation.routing import desk_title

#: Kinds of acts, as the page offers them.
KINDS: Mapping[str, str] = {
    "read": "خواندن پرونده",
    "case": "کار روی پرونده",
    "door": "ورود، گذرواژه و رمز دوم",
    "staff": "حساب کارکنان",
    "shift": "شیفت",
    "flow": "سناریوها",
    "system": "قفل، کلید و پاک کردن",
    "audit": "خواندن دفتر کارها",
}


@dataclass(frozen=True, slots=True)
class Act:
    """One act: its kind, and what somebody did."""

    kind: str
    words: str


#: By target and action. A test keeps it whole.
ACTS: Mapping[tuple[str, str], Act] = {
    ("case", "read"): Act("read", "پرونده و گفت‌وگو را خواند"),
    ("case", "glanced"): Act("read", "پرونده را بی متن گفت‌وگو دید"),
    ("case", "claimed"): Act("case", "برداشت"),
    ("case", "seen"): Act("case", "«دیدم» زد"),
    ("case", "released"): Act("case", "به صف برگرداند"),
    ("case", "handed_back"): Act("case", "گفت‌وگو را به ربات سپرد"),
    ("case", "wrote"): Act("case", "به او نوشت"),
    ("case", "noted"): Act("case", "یادداشت نوشت"),
    ("case", "referred"): Act("case", "ارجاع داد"),
    ("case", "assessed"): Act("case", "پرسش‌نامه پر کرد"),
    ("case", "safe_contact_marked"): Act("case", "راه تماس امن را نوشت"),
    ("case", "raised"): Act("case", "سطح را بالا برد"),
    ("case", "lowered"): Act("case", "سطح را پایین آورد"),
    ("case", "transferred"): Act("case", "به میز دیگری سپرد"),
    ("case", "entrusted"): Act("case", "به همکار سپرد"),
    ("case", "closed"): Act("case", "بست"),
    ("case", "reopened"): Act("case", "بستن را برگرداند"),
    ("staff", "signed_in"): Act("door", "وارد شد"),
    ("staff", "sign_in_refused"): Act("door", "با گذرواژهٔ نادرست پشت در ماند"),
    ("staff", "code_refused"): Act("door", "با رمز دوم نادرست پشت در ماند"),
    ("staff", "recovery_code_used"): Act("door", "با رمز بازیابی وارد شد"),
    ("staff", "password_set"): Act("door", "گذرواژه گذاشت"),
    ("staff", "second_factor_set"): Act("door", "رمز دوم ساخت"),
    ("staff", "second_factor_removed"): Act("door", "رمز دوم خود را برداشت"),
    ("staff", "second_factor_reset"): Act("staff", "رمز دوم همکار را برداشت"),
    ("staff", "recovery_codes_renewed"): Act("door", "رمزهای بازیابی تازه گرفت"),
    ("staff", "created"): Act("staff", "حساب ساخت"),
    ("staff", "invited"): Act("staff", "پیوند تازه برای گذرواژه داد"),
    ("staff", "changed"): Act("staff", "نقش یا میز را عوض کرد"),
    ("staff", "disabled"): Act("staff", "حساب را بست"),
    ("staff", "reopened"): Act("staff", "حساب را دوباره باز کرد"),
    ("staff", "staffbot_linked"): Act("staff", "ربات همکاران را وصل کرد"),
    ("staff", "staffbot_unlinked"): Act("staff", "ربات همکاران را قطع کرد"),
    ("shift", "shift_started"): Act("shift", "شیفت را آغاز کرد"),
    ("shift", "shift_ended"): Act("shift", "شیفت را پایان داد"),
    ("flow", "propose"): Act("flow", "تغییر سناریوها را پیشنهاد کرد"),
    ("flow", "publish"): Act("flow", "پیشنهاد سناریو را پذیرفت"),
    ("flow", "refuse"): Act("flow", "پیشنهاد سناریو را نپذیرفت"),
    ("flow", "withdraw"): Act("flow", "پیشنهاد سناریوی خود را پس گرفت"),
    ("flow", "rollback"): Act("flow", "برگشت سناریوها را خواست"),
    ("version", "install"): Act("flow", "نخستین نسخهٔ سناریوها را نصب کرد"),
    ("version", "publish"): Act("flow", "نسخهٔ تازهٔ سناریوها را منتشر کرد"),
    ("version", "rollback"): Act("flow", "سناریوها را به نسخهٔ پیشین برگرداند"),
    ("installation", "locked"): Act("system", "سامانه را قفل کرد"),
    ("key", "key_rotated"): Act("system", "کلید را عوض کرد"),
    ("contact", "erase"): Act("system", "داده‌های یک مخاطب را پاک کرد"),
    ("audit", "audit_read"): Act("audit", "دفتر کارها را خواند"),
    ("case", "audit_read"): Act("audit", "دفتر کارهای پرونده را خواند"),
    ("staff", "audit_read"): Act("audit", "دفتر کارهای همکار را خواند"),
}

#: Who acts without an account.
MACHINES: Mapping[str, str] = {
    "": "ناشناس",
    "system": "خود سامانه",
    "panah": "خود سامانه",
    "retention": "پاک‌سازی سر وقت",
    "contact": "خود مخاطب",
}


def acts_of(kind: str) -> frozenset[tuple[str, str]]:
    """Give the pairs of target and action that a kind holds; none for an unknown kind."""
    return frozenset(pair for pair, act in ACTS.items() if act.kind == kind)


def act_words(target: str, action: str) -> str:
    """Say what was done; an unknown act is shown as it is, never hidden."""
    act = ACTS.get((target, action))
    return act.words if act else f"{target} {action}"


def _tiers(reason: str) -> str:
    before, _, after = reason.partition(">")
    return f"از «{wording.word(wording.TIERS, before)}» به «{wording.word(wording.TIERS, after)}»" if after else ""


def _roles(reason: str) -> str:
    return "، ".join(wording.word(wording.ROLES, role) for role in reason.split(",") if role)


_REASONS: Mapping[tuple[str, str], Callable[[str], str]] = {
    ("case", "closed"): lambda reason: wording.word(OUTCOMES, reason),
    ("case", "referred"): lambda reason: wording.word(wording.PLACES, reason),
    ("case", "assessed"): lambda reason: wording.word(wording.INSTRUMENTS, reason),
    ("case", "transferred"): desk_title,
    ("case", "raised"): _tiers,
    ("case", "lowered"): _tiers,
    ("staff", "created"): _roles,
    ("staff", "changed"): _roles,
}


def reason_words(target: str, action: str, reason: str, names: Mapping[str, str]) -> str:
    """Say the code of a reason; what is no code (a note on a script) is not for this page."""
    if (target, action) == ("case", "entrusted"):
        return names.get(reason, "")
    return _REASONS[target, action](reason) if (target, action) in _REASONS else ""
