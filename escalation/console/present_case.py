"""Turns a case as it was read into what its page shows: words for codes, an hour for each line of the talk."""

from collections.abc import Sequence

from bot.core.jalali import long_date, relative
from bot.core.text import ascii_digits, persian_digits
from escalation.case import OUTCOMES
from escalation.console import wording
from escalation.console.packet import packet
from escalation.console.present_queue import page_row
from escalation.console.views import (
    AnswerView,
    AssessmentView,
    CaseView,
    EarlierView,
    HistoryView,
    MessageView,
    NoteView,
    Undo,
)
from escalation.page_parts import Assessment, CasePage, Happening, Message
from escalation.policy import Actor, may
from escalation.routing import desk_title


def case_view(page: CasePage, *, actor: Actor, now_ms: int) -> CaseView:
    """Give one case as this person may see it and act on it."""
    case = page.case
    free = case.state in {"queued", "waiting"} or (case.state == "claimed" and not page.live and not page.mine)
    return CaseView(
        row=page_row(page, now_ms),
        desk=desk_title(case.desk),
        packet=packet(page),
        why=tuple(map(wording.reason, page.why)),
        note=page.note,
        safe_contact=_safe(page),
        answers=tuple(
            AnswerView(question=one.question, answer=one.answer, sensitive=one.sensitive) for one in page.answers
        ),
        assessments=tuple(_assessment(run, case.tier) for run in page.assessments),
        referrals=tuple(
            (wording.word(wording.PLACES, one.to_type), wording.word(wording.REFERRAL_STATES, one.state))
            for one in page.referrals
        ),
        notes=tuple(NoteView(by=one.staff_name, text=one.text, when=_ago(one.at, now_ms)) for one in page.notes),
        history=tuple(_happening(one, now_ms) for one in reversed(page.history) if one.kind in wording.HAPPENINGS),
        earlier=tuple(
            EarlierView(
                id=one.id,
                code=one.code,
                words="، ".join(wording.word(wording.KINDS, kind) for kind in one.kinds) or "نیاز نامعلوم",
                end=OUTCOMES.get(one.outcome, "هنوز باز است"),
                when=_ago(one.opened_at, now_ms),
            )
            for one in page.earlier
        ),
        messages=tuple(_message(one) for one in page.messages),
        last_message=page.last_message,
        content=page.content,
        erased=page.erased,
        can_claim=free and may(actor, "case", "claim"),
        can_write=page.mine and may(actor, "case", "write"),
        token=case.token,
        undo=_undo(page),
        unanswered=all(one.kind != "wrote" for one in page.history),
        outcome=OUTCOMES.get(case.outcome or "", ""),
        sms=page.channel == "sms",
        unreachable=page.unreachable_at is not None,
        has_left=page.has_left,
        asked_to_be_erased=page.asked_to_be_erased,
    )


def _message(one: Message) -> MessageView:
    at = wording.moment(one.at)
    author = {"contact": "او", "bot": "ربات"}.get(one.author, one.staff_name)
    return MessageView(
        id=one.id,
        author=one.author,
        name=author,
        text="" if one.input == "location" else one.text,
        note=_note_of(one),
        buttons=one.buttons,
        hour=wording.hour(one.at),
        day=long_date(at),
        written="" if one.written_at is None else f"نوشته‌شده {wording.when(one.written_at)}",
        anew=one.anew,
        receipt=one.delivery,
        receipt_word=wording.word(wording.RECEIPTS, one.delivery) if one.author == "staff" else "",
        on_way=one.author == "staff" and one.delivery in {"queued", "sending", "sent"},
        hidden=one.hidden,
    )


def _note_of(one: Message) -> str:
    match one.input:
        case "press":
            return "گزینه را زد:"
        case "media":
            return f"{wording.word(wording.MEDIA, one.media)} فرستاد؛ این‌جا باز نمی‌شود."
        case "location" if one.location:
            return persian_digits(f"جای خود را فرستاد: {one.location[0]:.5f}، {one.location[1]:.5f}")
        case _ if one.author == "contact" and ascii_digits(one.text.strip()) == "0":  # whatever was asked
            return "خروج سریع را زد:"
        case _:
            return "" if one.text else "چیزی فرستاد که خوانده نمی‌شود."


def _assessment(run: Assessment, tier: str) -> AssessmentView:
    offered = run.tier if run.by and run.tier and run.tier < tier else ""
    because = tuple((line, "", "") for line in run.because)
    counts = run.name not in wording.WITHOUT_SUM
    items = tuple((item, answer, persian_digits(points) if counts else "") for item, answer, points in run.items)
    return AssessmentView(
        name=wording.word(wording.INSTRUMENTS, run.name),
        band=wording.word(wording.BANDS, run.band),
        points=persian_digits(run.points) if counts else "",
        lines=items + because,
        when=wording.when(run.at),
        by=run.by,
        raise_to=offered,
        raise_word=wording.word(wording.TIERS, offered),
        version=run.version[:8],
    )


def _safe(page: CasePage) -> tuple[tuple[str, str], ...]:
    safe = page.safe_contact
    return tuple((label, safe[name]) for name, label in wording.SAFE_FIELDS.items() if safe.get(name))


def _happening(one: Happening, now_ms: int) -> HistoryView:
    words = wording.HAPPENINGS[one.kind]
    match one.kind:
        case "lowered" | "raised" | "opened":
            words = f"{words} «{wording.word(wording.TIERS, str(one.data.get('tier', '')))}»"
        case "transferred":
            words = f"{words} {desk_title(str(one.data.get('desk', '')))}"
        case "entrusted":
            words = f"{words} {one.to_name}"
        case "closed":
            words = f"{words}: {OUTCOMES.get(str(one.data.get('outcome', '')), '')}"
        case "unsaid":
            words = f"{words} {wording.word(wording.UNSAID, str(one.data.get('why', '')))}"
    by = "" if one.actor_name in wording.MACHINES else one.actor_name
    return HistoryView(words=words, by=by, when=_ago(one.at, now_ms))


def _undo(page: CasePage) -> Undo | None:
    if page.undo_close_until is not None:
        return Undo(act="close", label="برگرداندن بستن", until=page.undo_close_until)
    if page.undo_claim_until is not None and page.mine and not _spoke(page.messages, page):
        return Undo(act="claim", label="اشتباهی برداشتم", until=page.undo_claim_until)
    return None


def _spoke(messages: Sequence[Message], page: CasePage) -> bool:
    """True once she wrote to her: putting the case back then is a release, not an undo."""
    claimed = max((one.at for one in page.history if one.kind in {"claimed", "reopened"}), default=0)
    return any(one.author == "staff" and one.at >= claimed for one in messages)


def _ago(at_ms: int, now_ms: int) -> str:
    return relative(wording.moment(at_ms), wording.moment(now_ms))
