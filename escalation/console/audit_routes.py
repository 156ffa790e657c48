"""The page of the audit: who did or read what, when, about which case; only to read. Reading it is itself written down.

What is asked for by hand (a code, a day) comes by POST and is answered by an address that carries ids and a date only.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.core.clock import TEHRAN
from bot.core.jalali import parse_date, short_date, tehran_today
from bot.core.text import ascii_digits, persian_digits
from escalation.audit_reading import read_audit
from escalation.console.audit_words import KINDS, acts_of
from escalation.console.deps import ConsoleDeps, deps_of
from escalation.console.present_audit import audit_line, chain_view
from escalation.console.shell import render, require
from escalation.console.signin_routes import text_of
from escalation.policy import Actor, may
from escalation.repo_audit import Wanted, cases_of_code
from escalation.repo_read import staff_names

_NO_CASE = "چنین پرونده‌ای در میز شما نیست؛ شماره پنج رقم است."
_NO_DAY = "روز را چنین بنویسید: دیروز، ۱ آذر یا ۱۴۰۵/۹/۱."
_DIGITS_MAX = 16
#: No audit is older, and no calendar of ours reaches further.
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the form or the address asks for; empty is «all»."""

    who: str = ""
    kind: str = ""
    case: str = ""  # a code
    day: str = ""  # by hand as people write it; in the address 2026-11-22

    def but_known(self, names: Mapping[str, str]) -> "Asked":
        """Give the same without what nobody knows: an address may be written by hand."""
        return replace(
            self,
            who=self.who if self.who in names else "",
            kind=self.kind if self.kind in KINDS else "",
            case=self.case if _is_code(self.case) else "",
            day=self.day if _day(self.day) else "",
        )


async def audit_page(request: Request) -> Response:
    """Show the newest rows, or older ones, of what the address asks for."""
    actor, deps = require(request, "audit", "view"), deps_of(request)
    given = {name: request.query_params.get(name, "") for name in asdict(Asked())}
    names = await deps.store_of(actor).read(staff_names)
    asked, before = Asked(**given).but_known(names), _number(request.query_params.get("before", ""))
    now_ms, wanted = deps.now_ms(), await _wanted(deps, actor, asked, before)
    page = await read_audit(deps.store_of(actor), actor=actor, wanted=wanted, now_ms=now_ms)
    return render(
        request,
        "audit.html",
        **_form(asked, names, {}),
        chain=chain_view(page.chain, now_ms),
        lines=[audit_line(row, names) for row in page.found.rows],
        newest=_address(asked) if before is not None else "",
        older=_address(asked, page.found.older) if page.found.older is not None else "",
        may_read=may(actor, "case", "read"),
    )


async def ask_audit(request: Request) -> Response:
    """Turn what was asked for by hand into an address; what cannot be understood is said beside its field."""
    actor, deps, form = require(request, "audit", "view"), deps_of(request), await request.form()
    asked = Asked(**{name: text_of(form, name).strip()[:64] for name in asdict(Asked())})
    code, day = ascii_digits(asked.case), parse_date(asked.day, tehran_today(deps.clock.now()))
    found = replace(asked, case=code, day=day.isoformat() if day else "")
    mistakes = {}
    if code and not await _cases(deps, actor, code):
        mistakes["case"] = _NO_CASE
    if asked.day and _day(found.day) is None:
        mistakes["day"] = _NO_DAY
    if not mistakes:
        return RedirectResponse(_address(found), status_code=303)
    names = await deps.store_of(actor).read(staff_names)
    return render(request, "audit_asked.html", status=422, **_form(asked, names, mistakes))


def _form(asked: Asked, names: Mapping[str, str], mistakes: Mapping[str, str]) -> dict[str, Any]:
    day = _day(asked.day)
    return {
        "asked": replace(asked, case=persian_digits(asked.case), day=short_date(_begin(day)) if day else asked.day),
        "is_asked": asked != Asked(),
        "people": sorted(names.items(), key=lambda one: one[1]),
        "kinds": KINDS.items(),
        "mistakes": mistakes,
    }


def _address(asked: Asked, before: int | None = None) -> str:
    given = {name: value for name, value in asdict(asked).items() if value}
    query = urlencode({**given, "before": before} if before is not None else given)
    return f"/audit?{query}" if query else "/audit"


async def _wanted(deps: ConsoleDeps, actor: Actor, asked: Asked, before: int | None) -> Wanted:
    day = _day(asked.day)
    return Wanted(
        who=asked.who or None,
        acts=acts_of(asked.kind) if asked.kind else None,
        cases=await _cases(deps, actor, asked.case) if asked.case else None,
        span_ms=(_ms(_begin(day)), _ms(_begin(day + timedelta(days=1)))) if day else None,
        before=before,
    )


async def _cases(deps: ConsoleDeps, actor: Actor, code: str) -> list[str]:
    if not _is_code(code):
        return []
    return await deps.store_of(actor).read(lambda connection: cases_of_code(connection, actor=actor, code=code))


def _is_code(raw: str) -> bool:
    return _number(raw) is not None


def _number(raw: str) -> int | None:
    return int(raw) if raw.isascii() and raw.isdecimal() and len(raw) < _DIGITS_MAX else None


def _day(raw: str) -> date | None:
    try:
        day = date.fromisoformat(raw)
    except ValueError:
        return None
    return day if _FIRST_DAY <= day <= _LAST_DAY else None


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), TEHRAN)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
