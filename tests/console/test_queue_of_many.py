"""A queue page beside thousands of live chats stays small; nothing that waits for a person is ever left out."""

from escalation.console.present_queue import OTHERS_SHOWN, queue_view
from escalation.reading import QueueRow

_NOW_MS = 1_800_000_000_000


def _row(number: int, state: str, *, mine: bool = False) -> QueueRow:
    return QueueRow(
        id=f"case-{number}", code="12345", tier="T2", kinds=(), cause="danger", child=False, covert=False,
        do_not_contact=False, province="", desk="EOC", state=state, holder="s" if state == "claimed" else None,
        holder_name="", mine=mine, overflow=False, channel="web", language="fa", unread=0, opened_at=_NOW_MS,
        queued_at=_NOW_MS, lease_until=None, next_action_at=None, unreachable_at=None, first_claimed_at=None,
    )  # fmt: skip


def _view(*, all_others: bool = False):
    rows = [
        *(_row(number, "claimed") for number in range(500)),
        *(_row(500 + number, "queued") for number in range(300)),
        *(_row(800 + number, "claimed", mine=True) for number in range(150)),
    ]
    return queue_view(rows, on_shift=[], gaps=[], now_ms=_NOW_MS, all_others=all_others)


def test_of_colleagues_cases_the_first_are_shown_and_all_are_counted():
    view = _view()

    assert OTHERS_SHOWN == len(view.others)
    assert 500 == view.others_count
    assert "/" == view.address


def test_everything_that_waits_and_everything_that_is_mine_is_shown():
    view = _view()

    assert 300 == len(view.waiting)
    assert 150 == len(view.mine)


def test_all_of_them_are_shown_to_who_asks_and_stay_so_when_the_page_is_brought_up_to_date():
    view = _view(all_others=True)

    assert 500 == len(view.others)
    assert "/?all=1" == view.address
