"""What the alert loop remembers: enough to decide, not everything that ever was."""

from fakes.log import RecordingLog

from escalation.watch_file import WatchFile
from escalation.watch_model import Attempt

DAY_MS = 86_400_000


def test_after_weeks_it_remembers_no_more_than_after_days(tmp_path):
    file = WatchFile(tmp_path / "watch.db", RecordingLog([]), 0)
    remembered = []
    for day in range(20):
        for case in range(10):
            at = day * DAY_MS + case * DAY_MS // 10
            page = Attempt(
                person="mina", way="staffbot", level=0, cases=(f"{day}-{case}",), page=at, at=at, urgent=True,
                state="trying",
            )  # fmt: skip
            for number in file.begin([page]):
                file.finish(number, "sent")
        remembered.append(len(file.history))
    newest = file.history[-1]
    file.close()

    assert remembered[-1] <= remembered[1]
    assert newest.cases == ("19-9",)
