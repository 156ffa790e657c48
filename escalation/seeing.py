"""«دیدم»: a person knows of a case that waits, so its alerts rest."""

from bot.store.database import Tx
from escalation import case as machine
from escalation import reading, repo
from escalation.case import Case, CaseClosedError, CaseTakenError
from escalation.office import Office, record
from escalation.policy import Actor, require


def see(tx: Tx, office: Office, *, actor: Actor, case_id: str, now_ms: int) -> Case:
    """Say «دیدم»: a person knows of a waiting case, so its alerts rest for as long as the policy says. She is not told.

    The holder's own press changes nothing.

    Raises:
        NotAllowedError, NoSuchCaseError, CaseClosedError, CaseTakenError: there is nothing to see to.
    """
    require(actor, "case", "claim")
    case = repo.find_case(tx.connection, actor=actor, case_id=case_id, now_ms=now_ms)
    if case.state == "closed":
        raise CaseClosedError
    if not machine.is_live(case, now_ms):
        record(tx, office, case, kind="seen", actor=actor, now_ms=now_ms)
    elif case.holder != actor.staff_id:
        raise CaseTakenError
    return case


def see_waiting(tx: Tx, office: Office, *, actor: Actor, until_ms: int, now_ms: int) -> int:
    """Say «دیدم» to every urgent case that waited when a page was made, within the actor's scope; give how many.

    What came, came back or grew worse after that moment was not on the page, and stays unseen.

    Raises:
        NotAllowedError: the role takes no cases.
    """
    require(actor, "case", "claim")
    waiting = [
        row
        for row in reading.queue(tx.connection, actor=actor, now_ms=now_ms)
        if row.state == "queued" and row.tier in machine.URGENT
    ]
    known = [row.id for row in waiting if _offered_at(tx, row.id) <= until_ms]
    for case_id in known:
        see(tx, office, actor=actor, case_id=case_id, now_ms=now_ms)
    return len(known)


def _offered_at(tx: Tx, case_id: str) -> int:
    found = repo.last_event(tx.connection, case_id, *reading.ALERT_KINDS)
    return found[1] if found else 0
