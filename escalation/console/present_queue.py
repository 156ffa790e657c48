"""Turns the queue's rows into what the page shows. Codes become Persian here; no content passes."""

from collections.abc import Sequence

from bot.core.jalali import relative
from escalation.case import Case
from escalation.console import wording
from escalation.console.views import CaseRow, QueueView
from escalation.page_parts import CasePage
from escalation.reading import Gap, QueueRow
from escalation.repo_entrusting import MeantFor
from escalation.routing import desk_title

#: So long a provider keeps what people write to a bot that does not fetch it.
_KEPT_S = 24 * 3600
#: So many cases of colleagues stand on the page at first.
OTHERS_SHOWN = 100


def queue_view(
    rows: Sequence[QueueRow], *, on_shift: Sequence[str], gaps: Sequence[Gap], now_ms: int, all_others: bool = False
) -> QueueView:
    """Sort the queue into mine, waiting and the rest, keeping the order in which cases are to be taken.

    Of the rest, which colleagues hold, only the first are shown unless all are wanted: thousands of lines that nobody
    can act on would make every page slow.
    """
    queued = [row for row in rows if row.state == "queued"]
    others = [row for row in rows if row.state != "queued" and not row.mine]
    shown = others if all_others else others[:OTHERS_SHOWN]
    return QueueView(
        mine=tuple(_row_view(row, now_ms) for row in rows if row.mine),
        waiting=tuple(_row_view(row, now_ms) for row in queued),
        others=tuple(_row_view(row, now_ms) for row in shown),
        others_count=len(others),
        address="/?all=1" if all_others else "/",
        counts=tuple((tier, word, sum(row.tier == tier for row in queued)) for tier, word in wording.TIERS.items()),
        on_shift=tuple(on_shift),
        alarm_ids=tuple(row.id for row in queued if row.tier == "T1"),
        gaps=tuple(_gap_words(gap) for gap in gaps),
    )


def _gap_words(gap: Gap) -> str:
    lasted_s = (gap.ended_at - gap.began_at) / 1000
    lost = " پیام‌های بیش از یک روز پیش شاید هرگز نرسند." if lasted_s > _KEPT_S else ""
    return (
        f"{wording.word(wording.CHANNELS, gap.channel)} {wording.wait_words(lasted_s)} در دسترس نبود، تا"
        f" {wording.when(gap.ended_at)}. پیام‌های آن مدت دیر رسیده‌اند و زمان نوشتن کنار هر کدام است.{lost}"
    )


def _row_view(row: QueueRow, now_ms: int) -> CaseRow:
    return CaseRow(
        id=row.id,
        code=row.code,
        tier=row.tier,
        tier_word=wording.word(wording.TIERS, row.tier),
        kinds=_kind_words(row.kinds),
        province=_place(row.province, row.desk),
        channel=wording.word(wording.CHANNELS, row.channel),
        language=wording.other_language(row.language),
        child=row.child,
        covert=row.covert,
        do_not_contact=row.do_not_contact,
        state=row.state,
        state_word=wording.word(wording.STATES, row.state),
        holder=row.holder_name,
        mine=row.mine,
        queued_at=row.queued_at,
        waited=wording.wait_words((now_ms - row.queued_at) / 1000),
        next_action=_next(row.next_action_at, row.state, now_ms),
        unread=row.unread if row.mine else 0,
        overflow=row.overflow,
        meant_for=_meant(row.meant_for),
        meant_until=row.meant_for.until if row.meant_for else 0,
    )


def _meant(found: MeantFor | None) -> str:
    if found is None:
        return ""
    return "شما" if found.me else found.name


def page_row(page: CasePage, now_ms: int) -> CaseRow:
    """Give the head of a case's page."""
    case: Case = page.case
    return CaseRow(
        id=case.id,
        code=case.code,
        tier=case.tier,
        tier_word=wording.word(wording.TIERS, case.tier),
        kinds=_kind_words(page.kinds),
        province=_province(case.province),
        channel=wording.word(wording.CHANNELS, page.channel),
        language=wording.other_language(page.language),
        child=case.child,
        covert=page.covert,
        do_not_contact=page.do_not_contact,
        state=case.state,
        state_word=wording.word(wording.STATES, case.state),
        holder="شما" if page.mine else page.holder_name,
        mine=page.mine,
        queued_at=case.queued_at,
        waited=wording.wait_words((now_ms - case.queued_at) / 1000),
        next_action=_next(case.next_action_at, case.state, now_ms),
        unread=0,
        overflow=False,
        meant_for=_meant(page.meant_for),
        meant_until=page.meant_for.until if page.meant_for else 0,
    )


def _kind_words(kinds: Sequence[str]) -> tuple[str, ...]:
    return tuple(wording.word(wording.KINDS, kind) for kind in kinds)


def _place(province: str, desk: str) -> str:
    """Name the province and, when another desk works on it, that desk."""
    name = _province(province)
    return name if desk in {province, ""} or not province else f"{name}، {desk_title(desk)}"


def _province(province: str) -> str:
    return wording.province_name(province) if province else "استان نامعلوم"


def _next(at_ms: int | None, state: str, now_ms: int) -> str:
    if at_ms is None or state != "waiting":
        return ""
    return f"برمی‌گردد {relative(wording.moment(at_ms), wording.moment(now_ms))}"
