"""Since when a case waits for a person, read from its history."""

import pytest
from watch.towns import at

from escalation.watch_rows import case_row

ROW = {
    "id": "a", "code": "1", "tier": "T1", "desk": "EOC", "state": "queued", "queued_at": at(0), "changed_at": at(0),
    "lease_until": None, "next_action_at": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("history", "since_s", "seen_s"),
    [
        ([], 0, None),
        ([("opened", "T1", 5)], 5, None),
        ([("opened", "T2", 5), ("raised", "T1", 50)], 50, None),
        ([("opened", "T1", 5), ("enriched", "T1", 50)], 5, None),
        ([("opened", "T1", 5), ("transferred", None, 50)], 5, None),
        ([("opened", "T1", 5), ("claimed", None, 10), ("lease_lost", "T1", 60)], 60, None),
        ([("opened", "T1", 5), ("claimed", None, 10), ("released", None, 60), ("overflowed", None, 99)], 60, None),
        ([("opened", "T1", 5), ("handed_back", None, 10), ("woken", "T1", 60)], 60, None),
        ([("opened", "T2", 5), ("claimed", None, 10), ("raised", "T1", 20), ("lease_lost", "T1", 60)], 60, None),
        ([("opened", "T2", 5), ("reopened", None, 10), ("raised", "T1", 20), ("released", None, 60)], 60, None),
        ([("opened", "T2", 5), ("handed_back", None, 10), ("raised", "T1", 60)], 60, None),
        ([("opened", "T2", 5), ("claimed", None, 10), ("released", None, 20), ("raised", "T1", 60)], 60, None),
        ([("opened", "T1", 5), ("seen", None, 10)], 5, 10),
        ([("opened", "T1", 5), ("seen", None, 10), ("claimed", None, 20), ("released", None, 30)], 30, None),
        ([("opened", "T1", 5), ("seen", None, 10), ("woken", "T1", 20)], 5, None),
        ([("opened", "T2", 5), ("seen", None, 10), ("raised", "T1", 20)], 20, None),
    ],
    ids=lambda history: "-".join(kind for kind, *_ in history) if isinstance(history, list) else "",
)
def test_a_case_waits_since_it_was_offered_after_the_last_person_had_it(history, since_s, seen_s):
    events = [(kind, "{}" if tier is None else f'{{"tier": "{tier}"}}', at(when)) for kind, tier, when in history]

    found = case_row(ROW, events)

    assert (found.since, found.seen_at) == (at(since_s), None if seen_s is None else at(seen_s))
