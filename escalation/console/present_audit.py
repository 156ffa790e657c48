"""What the page of the audit shows: a line for each row, and a sentence about the chain. No content, codes in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import RowMapping

from bot.core.ids import case_code
from bot.core.jalali import short_date
from bot.core.text import persian_digits
from bot.health.checks import AUDIT_H
from escalation.audit_reading import Chain
from escalation.console import wording
from escalation.console.audit_words import MACHINES, act_words, reason_words

_SHOWN_OF_VERSION = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One row: when, who, what, about what."""

    id: int
    when: str
    who: str
    what: str
    reason: str
    about: str
    case_id: str  # empty unless it is about a case


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainView:
    """Whether the chain is whole, with the colour of its box."""

    look: str
    words: str


def audit_line(row: RowMapping, names: Mapping[str, str]) -> AuditLine:
    """Give the line of a row; `names` are people's by their accounts."""
    at, target, action = wording.moment(row["at"]), row["target"], row["action"]
    return AuditLine(
        id=row["id"],
        when=f"{short_date(at)}، {wording.second(row['at'])}",
        who=names.get(row["actor"]) or wording.word(MACHINES, row["actor"]),
        what=act_words(target, action),
        reason=reason_words(target, action, row["reason"], names),
        about=_about(row, names),
        case_id=row["target_id"] if target == "case" else "",
    )


def _about(row: RowMapping, names: Mapping[str, str]) -> str:
    match row["target"]:
        case "case":
            return persian_digits(f"پروندهٔ {case_code(row['target_id'])}")
        case "staff" if row["target_id"] != row["actor"]:
            return names.get(row["target_id"], "")
        case "version":
            return str(row["target_id"])[:_SHOWN_OF_VERSION]
    return ""


def chain_view(chain: Chain, now_ms: int) -> ChainView:
    """Say whether the chain was whole when it was last walked, and when that was."""
    if chain.broken is not None:
        words = (
            f"زنجیره در ردیف {chain.broken} گسسته است: شاید کسی ردیفی را عوض یا پاک کرده باشد. به چیزی دست نزنید، "
            "پایگاه داده و پشتیبان‌ها را نگه دارید و به بازرس خبر دهید."
        )
        return ChainView(look="error", words=persian_digits(words))
    if chain.verified_ms is None:
        return ChainView(
            look="caution", words="زنجیره هنوز سنجیده نشده است؛ نخستین سنجش با راه افتادن برنامه انجام می‌شود."
        )
    when = wording.when(chain.verified_ms)
    if now_ms - chain.verified_ms > AUDIT_H * 3_600_000:
        return ChainView(
            look="caution", words=f"زنجیره باید هر شب سنجیده شود و آخرین بار {when} سنجیده شد. صفحهٔ سلامت را ببینید."
        )
    return ChainView(
        look="good", words=f"زنجیره سالم است: هیچ ردیفی عوض، کم یا جابه‌جا نشده است. سنجش: {when}؛ هر شب از نو."
    )
