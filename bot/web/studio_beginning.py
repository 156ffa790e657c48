"""What a script begins as when it is made anew in the editor: its header in the right form, one step, all to be filled in.

Each «…» is named by the check (rule `to_fill`) until somebody writes the thing itself; everything else passes as it is.
"""

from datetime import date, timedelta

#: When a script is to be looked at again; that of the cards, too.
REVIEW_DAYS = 180
_TEXT = """\
# پیش‌نویس تا بازبینی. بازبینی بعدی: {review_on}
# به جای هر «…» خودش را بنویسید. دو بازبین لازم است اگر پاسخی از خطر بگوید یا مددکار خبر شود.
flow: {name}
title: … عنوان سناریو
owner: … نام دفتر مسئول
reviewers: [… نقش بازبین نخست, … نقش بازبین دوم]
sources:
- … نام و سال منبع، یا نشانی
silence: {{after: 10m, then: settle}}
steps:
- {{end: done, text: ممنون که نوشتید. 123 شبانه‌روزی است., discreet: باشد. 123}}
"""


def beginning(name: str, today: date) -> str:
    """Give the text of a new script."""
    return _TEXT.format(name=name, review_on=today + timedelta(days=REVIEW_DAYS))
